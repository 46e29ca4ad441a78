/**
 * `ferrite run`: starts the server, shows what was started, and stops it on a signal.
 *
 * Invariants: the exit code is 0 only if everything acknowledged is kept; a second signal always ends the process at
 * once; a failure to start is one line that says what to do, not a stack.
 */
import type { Config } from "../config/config.ts";
import { effectiveToml, exampleToml } from "../config/render.ts";
import { EXIT_FAILURE, EXIT_OK } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { ParsedArguments } from "./parse-arguments.ts";
import { readConfig } from "./read-config.ts";
import type { RunningServer } from "./running-server.ts";

export async function runCommand(parsed: ParsedArguments, host: Host): Promise<number> {
  if (parsed.switches.has("dump-config") && parsed.switches.has("defaults")) {
    host.print(exampleToml());
    return EXIT_OK;
  }
  const config = readConfig(parsed, host);
  if (parsed.switches.has("test-config")) {
    host.print(`the configuration is valid${config.filePath === undefined ? "" : ` (${config.filePath})`}\n`);
    return EXIT_OK;
  }
  if (parsed.switches.has("dump-config")) {
    host.print(effectiveToml(config));
    return EXIT_OK;
  }
  return serve(config, host);
}

async function serve(config: Config, host: Host): Promise<number> {
  let isStarted = false;
  let signals = 0;
  let askToStop: (reason: string) => void = () => {};
  const asked = new Promise<string>((resolve) => {
    askToStop = resolve;
  });
  host.onSignal((signal) => {
    signals++;
    // While starting, nothing has been acknowledged, and a start that is cut short leaves every file usable.
    if (!isStarted) host.exitNow(EXIT_OK);
    else if (signals > 1) host.exitNow(EXIT_FAILURE);
    else askToStop(signal);
  });
  const server = await host.startServer(config);
  isStarted = true;
  if (showsText(config, host)) host.print(bannerText(server, host));
  // A server that is never asked to stop by a signal ends by SHUTDOWN, or not at all.
  const ended = server.ended ?? new Promise<never>(() => {});
  await Promise.race([ended, asked.then((reason) => server.stop(reason))]);
  return EXIT_OK;
}

/** Whoever reads JSON from standard output would stumble over lines that are none. */
function showsText(config: Config, host: Host): boolean {
  const { format, file } = config.values.logging;
  if (file !== "") return true;
  return format === "pretty" || (format === "auto" && host.outputIsTerminal);
}

function bannerText(server: RunningServer, host: Host): string {
  const facts = Object.entries(server.banner);
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  const lines = facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return `${[`ferrite ${host.version}`, ...lines].join("\n")}\n`;
}

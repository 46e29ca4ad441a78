/**
 * Ferrite as users run it: the built program on a free port, with a data directory of its own.
 *
 * The tests that use it know nothing of the inside: they see the command line, the socket, the log, the exit code
 * and the files. FERRITE_MAIN names another built program to test.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Exit, freePort, RunningProcess, untilReady } from "./child-process.ts";
import { answersPing, RespClient } from "./resp-client.ts";
import { temporaryFolder } from "./temp.ts";

export const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const FERRITE_MAIN = process.env["FERRITE_MAIN"] ?? join(REPOSITORY, "dist", "cli", "main.js");

export interface FerriteOptions {
  readonly dataDir?: string;
  readonly port?: number;
  /** `persistence.aof_sync`; default everysec. */
  readonly sync?: "always" | "everysec" | "no";
  /** Further options as `--set` takes them: `["server.databases=4"]`. */
  readonly settings?: readonly string[];
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class FerriteServer {
  readonly port: number;
  readonly dataDir: string;
  readonly process: RunningProcess;
  readonly #options: FerriteOptions;

  private constructor(port: number, dataDir: string, running: RunningProcess, options: FerriteOptions) {
    this.port = port;
    this.dataDir = dataDir;
    this.process = running;
    this.#options = options;
  }

  /** Answers when it serves; throws with its log if it does not start. */
  static async start(options: FerriteOptions = {}): Promise<FerriteServer> {
    const dataDir = options.dataDir ?? temporaryFolder("data");
    const port = options.port ?? (await freePort());
    const running = launch({ ...options, dataDir, port });
    await untilReady(running, "ferrite", () => answersPing(port));
    return new FerriteServer(port, dataDir, running, options);
  }

  /** Another one with the same options on the same data, after this one has ended. */
  restarted(): Promise<FerriteServer> {
    return FerriteServer.start({ ...this.#options, dataDir: this.dataDir });
  }

  get aofFolder(): string {
    return join(this.dataDir, "aof");
  }

  client(): Promise<RespClient> {
    return RespClient.connect({ port: this.port });
  }

  kill9(): Promise<Exit> {
    return this.process.kill9();
  }

  /** SIGTERM; throws unless it ends with exit code 0. */
  async stop(): Promise<void> {
    const exit = await this.process.terminate();
    if (exit.code !== 0) throw new Error(`ferrite ended with ${JSON.stringify(exit)}\n${this.process.log}`);
  }
}

/** Starts the program without waiting for it: for starts that are meant to fail. */
export function launch(options: FerriteOptions & { dataDir: string; port: number }): RunningProcess {
  if (!existsSync(FERRITE_MAIN))
    throw new Error(`${FERRITE_MAIN} does not exist: run \`npm run build\` first`);
  const settings = [
    `persistence.aof_sync=${options.sync ?? "everysec"}`,
    "server.enable_debug_command=local",
    "server.slowlog_log_slower_than=-1",
    ...(options.settings ?? []),
  ];
  return new RunningProcess(
    process.execPath,
    [
      ...(options.nodeFlags ?? []),
      ...[FERRITE_MAIN, "run", "--data-dir", options.dataDir, "--port", String(options.port)],
      ...settings.flatMap((setting) => ["--set", setting]),
    ],
    // A folder without a ferrite.toml: a developer's own configuration must not leak into a test.
    { env: { ...cleanEnvironment(), ...options.env }, cwd: "/" },
  );
}

/** Ferrite's options have environment twins: only those that choose what is tested may reach the server. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const passed = new Set(["FERRITE_NO_NATIVE", "FERRITE_NATIVE_BUILD"]);
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("FERRITE_") || passed.has(name)),
  );
}

/** Waits for the end of a start that is meant to fail; throws if it serves after all. */
export async function failedStart(
  options: FerriteOptions & { dataDir: string; port: number },
): Promise<{ exit: Exit; log: string }> {
  const running = launch(options);
  let hasEnded = false;
  const ends = running.exited.then(() => (hasEnded = true));
  const served = (): boolean => running.log.includes("ready to accept connections");
  await untilReady(running, "ferrite", async () => hasEnded || served());
  if (!hasEnded) {
    await running.kill9();
    throw new Error(`ferrite serves, although it should not have started\n${running.log}`);
  }
  await ends;
  return { exit: await running.exited, log: running.log };
}

/**
 * The command line as a function: words in, text out through the host, exit code back.
 *
 * Each command's code is loaded when it is the one that was asked for: a server that runs for months carries neither
 * the doctor nor the tools, and a garbage collection does not mark them.
 */
import { FerriteError } from "../base/errors.ts";
import type { Shell } from "./completions.ts";
import { EXIT_OK, failureOf } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { type ParsedArguments, parseArguments } from "./parse-arguments.ts";
/** Never rejects: every failure becomes a line on standard error and an exit code. */
export async function runProgram(words: readonly string[], host: Host): Promise<number> {
  let isDebugging = false;
  try {
    if (words.length === 1 && words[0] === "help") words = ["--help"];
    const parsed = parseArguments(words);
    isDebugging = parsed.settings.some(({ key, text }) => key === "logging.level" && text === "debug");
    return await dispatch(parsed, host);
  } catch (error) {
    const failure = failureOf(error);
    host.complain(`ferrite: ${failure.message}\n`);
    const stack = error instanceof Error ? error.stack : undefined;
    if (stack !== undefined && (isDebugging || !failure.isExpected)) host.complain(`${stack}\n`);
    return failure.code;
  }
}

async function dispatch(parsed: ParsedArguments, host: Host): Promise<number> {
  if (parsed.switches.has("help")) {
    const { commandHelp } = await import("./help.ts");
    host.print(commandHelp(parsed.command));
    return EXIT_OK;
  }
  if (parsed.switches.has("version")) {
    host.print(`ferrite ${host.version}\n`);
    return EXIT_OK;
  }
  switch (parsed.command.name) {
    case "run":
      return (await import("./run.ts")).runCommand(parsed, host);
    case "init":
      return (await import("./init.ts")).initCommand(parsed, host);
    case "doctor":
      return (await import("./doctor.ts")).doctorCommand(parsed, host);
    case "aof":
      return (await import("./aof.ts")).aofCommand(parsed, host);
    case "restore":
      return (await import("./restore.ts")).restoreCommand(parsed, host);
    case "verify":
      return (await import("./verify.ts")).verifyCommand(parsed, host);
    case "inspect":
      return (await import("./inspect.ts")).inspectCommand(parsed, host);
    case "completions":
      host.print((await import("./completions.ts")).completionScript(parsed.operands[0] as Shell));
      return EXIT_OK;
    default:
      throw new FerriteError("usage", `'ferrite ${parsed.command.name}' is not available in this version`);
  }
}

/** The texts of --help, from the command table. */
import { findOption } from "../config/options.ts";
import { COMMANDS, type CommandSpec, DEFAULT_COMMAND, type FlagSpec } from "./command-table.ts";
import { EXIT_CODES } from "./exit-codes.ts";

const NAME_COLUMN = 31;

export function generalHelp(): string {
  return [
    "Ferrite: a Redis-compatible server for data that must not be lost.",
    "",
    "Usage: ferrite [run] [FLAGS]",
    "       ferrite COMMAND [FLAGS]",
    "",
    "Commands:",
    ...COMMANDS.map((command) => line(signature(command), command.summary)),
    "",
    "Flags of run:",
    ...DEFAULT_COMMAND.flags.map(flagLine),
    "",
    "Every option of the configuration has an environment variable too: server.port is FERRITE_SERVER_PORT; the flags",
    "above have short ones: FERRITE_PORT, FERRITE_DATA_DIR, … `ferrite --dump-config --defaults` lists all options.",
    "",
    "Exit codes:",
    ...EXIT_CODES.map(([code, meaning]) => `  ${code}  ${meaning}`),
    "",
  ].join("\n");
}

export function commandHelp(command: CommandSpec): string {
  if (command === DEFAULT_COMMAND) return generalHelp();
  return [
    `Usage: ferrite ${signature(command)} [FLAGS]`,
    "",
    command.summary,
    "",
    "Flags:",
    ...command.flags.map(flagLine),
    "",
  ].join("\n");
}

const signature = (command: CommandSpec): string =>
  command.operands === undefined ? command.name : `${command.name} ${command.operands}`;

function flagLine(flag: FlagSpec): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const argument = flag.argument === undefined ? "" : ` ${flag.argument}`;
  const isReserved = flag.key !== undefined && findOption(flag.key)?.option.terms.status === "reserved";
  return line(
    `${short}--${flag.name}${argument}`,
    `${flag.doc}${isReserved ? " Not available in this version." : ""}`,
  );
}

function line(name: string, text: string): string {
  const head = `  ${name}`;
  return head.length >= NAME_COLUMN ? `${head}  ${text}` : head.padEnd(NAME_COLUMN) + text;
}

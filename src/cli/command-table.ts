/**
 * Every subcommand with its flags, as data: parsing, help and shell completion read it.
 *
 * Invariant: a flag that sets an option names the option's key here, and everything else about the option (type,
 * bounds, default) is in the table of options.
 */
import { FLAG_KEYS } from "../config/settings.ts";

export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  /** Placeholder of the argument; absent for a switch. */
  readonly argument?: string;
  readonly doc: string;
  /** What a shell may offer as argument. */
  readonly completes?: "file" | "folder" | readonly string[];
  /** The option that it sets. */
  readonly key?: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Shown after the name: `[DIR]`. */
  readonly operands?: string;
  readonly operandsMax: number;
  /** The words that the first operand may be, if it is one of a few. */
  readonly words?: readonly string[];
  readonly flags: readonly FlagSpec[];
}

const HELP: FlagSpec = { name: "help", short: "h", doc: "Show this help." };
const JSON_OUTPUT: FlagSpec = { name: "json", doc: "Print JSON." };

const option = (name: string, rest: Omit<FlagSpec, "name" | "key">): FlagSpec => ({
  name,
  key: FLAG_KEYS[name]!,
  ...rest,
});

const DATA_DIR = option("data-dir", {
  argument: "DIR",
  doc: "Folder of all that is kept.",
  completes: "folder",
});
const CONFIG: FlagSpec = {
  name: "config",
  short: "c",
  argument: "FILE",
  doc: "Configuration file; without it ./ferrite.toml, if there is one.",
  completes: "file",
};
const SET: FlagSpec = { name: "set", argument: "KEY=VALUE", doc: "Set any option; may be repeated." };

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "run",
    summary: "Start the server (also without a command).",
    operandsMax: 0,
    flags: [
      DATA_DIR,
      CONFIG,
      option("port", { short: "p", argument: "PORT", doc: "TCP port." }),
      option("bind", {
        short: "b",
        argument: "ADDRESS",
        doc: "Addresses to listen on, separated by commas.",
      }),
      option("log-level", {
        short: "l",
        argument: "LEVEL",
        doc: "debug, verbose, notice or warning.",
        completes: ["debug", "verbose", "notice", "warning"],
      }),
      option("databases", { argument: "N", doc: "Number of databases." }),
      option("metrics-bind", { argument: "ADDRESS", doc: "Address of the metrics endpoint." }),
      option("metrics-port", { argument: "PORT", doc: "Port of the metrics endpoint." }),
      SET,
      { name: "test-config", doc: "Check the configuration and start nothing." },
      { name: "dump-config", doc: "Print the configuration in force as TOML and start nothing." },
      { name: "defaults", doc: "With --dump-config: print all options with their defaults instead." },
      { name: "version", short: "v", doc: "Print the version." },
      HELP,
    ],
  },
  {
    name: "init",
    summary: "Write a commented ferrite.toml and create the data directory; never overwrites.",
    operands: "[DIR]",
    operandsMax: 1,
    flags: [HELP],
  },
  {
    name: "doctor",
    summary: "Check this machine, the configuration and the data directory, with advice.",
    operandsMax: 0,
    flags: [JSON_OUTPUT, DATA_DIR, CONFIG, SET, HELP],
  },
  {
    name: "aof",
    summary: "Look at, check, repair or truncate the append-only file of a server that does not run.",
    operands: "stats|check|repair|truncate",
    operandsMax: 1,
    words: ["stats", "check", "repair", "truncate"],
    flags: [
      JSON_OUTPUT,
      DATA_DIR,
      CONFIG,
      SET,
      {
        name: "output",
        argument: "DIR",
        doc: "repair, truncate: new folder for the copy; default <data dir>/aof.repaired, aof.truncated-<time>.",
        completes: "folder",
      },
      { name: "into", argument: "DIR", doc: "repair: the same as --output.", completes: "folder" },
      {
        name: "in-place",
        doc: "repair, truncate: change the manifest of the log itself instead of making a copy.",
      },
      { name: "to-lsn", argument: "N", doc: "truncate: keep the effects up to LSN N." },
      {
        name: "to-time",
        argument: "T",
        doc: "truncate: keep what was done up to T: 2026-09-20T10:15:00Z, or seconds or milliseconds since 1970.",
      },
      {
        name: "drop",
        doc: "repair: keep also what is valid after the damage, a state that may never have existed.",
      },
      HELP,
    ],
  },
  {
    name: "restore",
    summary: "Unpack a file that BACKUP wrote into an empty data directory.",
    operandsMax: 0,
    flags: [
      { name: "from", argument: "FILE", doc: "The backup file.", completes: "file" },
      JSON_OUTPUT,
      DATA_DIR,
      CONFIG,
      SET,
      HELP,
    ],
  },
  {
    name: "verify",
    summary: "Read and check all that a data directory, or a backup file, holds; changes nothing.",
    operands: "[FILE|DIR]",
    operandsMax: 1,
    flags: [JSON_OUTPUT, DATA_DIR, CONFIG, SET, HELP],
  },
  {
    name: "inspect",
    summary: "Print a file of a data directory, or all of them, in readable form.",
    operands: "FILE|DIR",
    operandsMax: 1,
    flags: [
      { name: "json", doc: "Print JSON, one object per line." },
      { name: "limit", argument: "N", doc: "Entries printed per file; 100 without it, 0 for all." },
      { name: "keys", doc: "Print also the slots of an index image: hashes and addresses." },
      HELP,
    ],
  },
  {
    name: "completions",
    summary: "Print a completion script for a shell.",
    operands: "bash|zsh|fish",
    operandsMax: 1,
    words: ["bash", "zsh", "fish"],
    flags: [HELP],
  },
];

export const DEFAULT_COMMAND: CommandSpec = COMMANDS[0]!;

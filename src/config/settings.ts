/**
 * Settings: what a file, the environment and the command line say, each with where it was said; not yet typed.
 *
 * Invariant: nothing that was said is dropped silently. A name that is not known is a problem with the nearest
 * known name, because a limit that is misspelt is a limit that does not exist.
 */
import { basename } from "node:path";
import { parse, TomlError } from "smol-toml";
import { messageOf } from "../base/errors.ts";
import { editDistance, nearest } from "./nearest.ts";
import { findOption, OPTION_LIST, type OptionEntry, REDIS_NAMES, TABLE_NAMES } from "./options.ts";
import { locateToml, type TomlPositions } from "./toml-positions.ts";

export interface Setting {
  readonly entry: OptionEntry;
  /** Completes "in …": `ferrite.toml line 3`, `environment variable FERRITE_PORT`, `--port`. */
  readonly source: string;
  /** A text goes through `fromText`, a value of TOML through `fromToml`. */
  readonly given:
    | { readonly form: "text"; readonly text: string }
    | { readonly form: "toml"; readonly value: unknown };
  /** Relative paths are relative to this folder. */
  readonly folder: string;
}

/** Flags and environment variables that name a common option without its section. */
export const FLAG_KEYS: Readonly<Record<string, string>> = {
  "data-dir": "storage.data_dir",
  port: "server.port",
  bind: "server.bind",
  "log-level": "logging.level",
  databases: "server.databases",
  "metrics-bind": "metrics.bind",
  "metrics-port": "metrics.port",
};

/** The environment's twin of `--config`; read by the command line, since it comes before everything else. */
export const CONFIG_VARIABLE = "FERRITE_CONFIG";

const twinName = (flag: string): string => `FERRITE_${flag.toUpperCase().replaceAll("-", "_")}`;

export function unknownOption(key: string, source: string): string {
  const suggestion = nearestKey(key);
  return `unknown option '${key}' in ${source}${suggestion === undefined ? "" : `; did you mean '${suggestion}'?`}`;
}

const KEYS = OPTION_LIST.map((entry) => entry.key);
/** So many slips in a whole key are still a slip; above it the same name in another section is likelier. */
const SLIPS_MAX = 2;

/** A slip of the keyboard, else the right name in the wrong section, else Redis's name, else whatever is near. */
function nearestKey(key: string): string | undefined {
  const near = nearest(key, KEYS);
  if (near !== undefined && editDistance(key, near) <= SLIPS_MAX) return near;
  const leaf = key.slice(key.lastIndexOf(".") + 1);
  const sameName = OPTION_LIST.find((entry) => entry.path.at(-1) === leaf);
  return (sameName ?? REDIS_NAMES.get(leaf.replaceAll("_", "-")))?.key ?? near;
}

export function settingsFromFile(
  file: { readonly path: string; readonly text: string; readonly folder: string },
  problems: string[],
): Setting[] {
  const name = basename(file.path);
  let document: Record<string, unknown>;
  try {
    document = parse(file.text);
  } catch (error) {
    problems.push(
      error instanceof TomlError
        ? `${name} line ${error.line}, column ${error.column}: ${firstLine(error.message)}`
        : `${name}: ${messageOf(error)}`,
    );
    return [];
  }
  const settings: Setting[] = [];
  const reader = new TableReader(name, file.folder, locateToml(file.text), settings, problems);
  reader.read(document, []);
  return settings;
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!.trim();

class TableReader {
  readonly #file: string;
  readonly #folder: string;
  readonly #settings: Setting[];
  readonly #problems: string[];
  readonly #lines = new Map<string, number>();

  constructor(
    file: string,
    folder: string,
    positions: TomlPositions,
    settings: Setting[],
    problems: string[],
  ) {
    this.#file = file;
    this.#folder = folder;
    this.#settings = settings;
    this.#problems = problems;
    for (const table of positions.tables) this.#noteLine(table.path, table.line);
    for (const entry of positions.entries) this.#noteLine(entry.path, entry.line);
  }

  read(table: Record<string, unknown>, path: readonly string[]): void {
    for (const [name, value] of Object.entries(table)) {
      const here = [...path, name];
      const key = here.join(".");
      const entry = findOption(key);
      if (entry !== undefined) {
        const source = this.#source(here);
        this.#settings.push({ entry, source, given: { form: "toml", value }, folder: this.#folder });
      } else if (!TABLE_NAMES.has(key)) {
        this.#problems.push(this.#unknown(here, value));
      } else if (isTable(value)) {
        this.read(value, here);
      } else {
        this.#problems.push(
          `${key} in ${this.#source(here)}: expected a table such as [${key}], found ${describe(value)}`,
        );
      }
    }
  }

  #unknown(path: readonly string[], value: unknown): string {
    const key = path.join(".");
    if (!isTable(value)) return unknownOption(key, this.#source(path));
    const suggestion = nearest(key, TABLE_NAMES);
    return `unknown section '${key}' in ${this.#source(path)}${suggestion === undefined ? "" : `; did you mean '${suggestion}'?`}`;
  }

  /** A dotted key `a.b = 1` also gives the line of `a`, if nothing has before. */
  #noteLine(path: readonly string[], line: number): void {
    for (let length = path.length; length > 0; length--) {
      const key = path.slice(0, length).join("\0");
      if (!this.#lines.has(key)) this.#lines.set(key, line);
    }
  }

  #source(path: readonly string[]): string {
    const line = this.#lines.get(path.join("\0"));
    return line === undefined ? this.#file : `${this.#file} line ${line}`;
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** What was found, for a message; long texts are cut. */
export function describe(value: unknown): string {
  if (isTable(value)) return "a table";
  if (value instanceof Date) return "a date";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/**
 * Variables that begin with FERRITE_ and are no options: those of the test suite and the build, and those that
 * Kubernetes sets in every container for a service that is called `ferrite`.
 */
const OTHER_VARIABLES =
  /^FERRITE_(CONFIG|REQUIRE|NO_NATIVE|NATIVE_BUILD|SEED|(TEST|BENCH|FUZZ|SIMULATION|KILL9)_\w+|SERVICE_\w+|PORT_\d+_\w+)$/;

export function settingsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
  problems: string[],
): Setting[] {
  const known = new Map<string, OptionEntry>();
  for (const entry of OPTION_LIST) known.set(entry.environmentName, entry);
  for (const [flag, key] of Object.entries(FLAG_KEYS)) known.set(twinName(flag), findOption(key)!);

  const settings = new Map<OptionEntry, Setting>();
  for (const name of Object.keys(environment).sort()) {
    const text = environment[name];
    if (!name.startsWith("FERRITE_") || text === undefined || OTHER_VARIABLES.test(name)) continue;
    if (name === "FERRITE_PORT" && text.startsWith("tcp://")) continue; // Kubernetes again
    const entry = known.get(name);
    if (entry === undefined) {
      const suggestion = nearest(name, known.keys());
      problems.push(
        `unknown environment variable ${name}${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`,
      );
      continue;
    }
    const before = settings.get(entry);
    if (before !== undefined && before.given.form === "text" && before.given.text !== text) {
      problems.push(`${entry.key} is set differently by ${before.source} and ${name}; set only one of them`);
    }
    settings.set(entry, {
      entry,
      source: `environment variable ${name}`,
      given: { form: "text", text },
      folder,
    });
  }
  return [...settings.values()];
}

/** What the command line says; `flag` is shown as it was typed, `--port` or `--set`. */
export interface FlagSetting {
  readonly key: string;
  readonly text: string;
  readonly flag: string;
}

export function settingsFromFlags(
  flags: readonly FlagSetting[],
  folder: string,
  problems: string[],
): Setting[] {
  const settings: Setting[] = [];
  for (const { key, text, flag } of flags) {
    const entry = findOption(key);
    if (entry === undefined) problems.push(unknownOption(key, flag));
    else settings.push({ entry, source: flag, given: { form: "text", text }, folder });
  }
  return settings;
}

/**
 * Configuration as TOML for people: the effective one with the source of each value, and the example file.
 *
 * Invariant: what is written here, `loadConfig` reads back as the same values, secrets excepted, which are
 * never written.
 */
import type { Config } from "./config.ts";
import { type ConfigKey, OPTION_LIST, type OptionEntry } from "./options.ts";

const COMMENT_WIDTH = 100;

/** Options by their table, `server` before `server.tls`, in the order of the documentation. */
export function optionsByTable(): ReadonlyMap<string, readonly OptionEntry[]> {
  const tables = new Map<string, OptionEntry[]>();
  for (const entry of OPTION_LIST) {
    const name = entry.path.slice(0, -1).join(".");
    const table = tables.get(name);
    if (table === undefined) tables.set(name, [entry]);
    else table.push(entry);
  }
  return tables;
}

/** Every option that has a value of its own or an effect, each with where its value comes from. */
export function effectiveToml(config: Config): string {
  const lines = ["# The configuration in force: defaults, then the file, then the environment, then flags."];
  for (const [table, entries] of optionsByTable()) {
    const shown = entries.filter((entry) => entry.option.terms.status !== "reserved");
    if (shown.length === 0) continue;
    lines.push("", `[${table}]`, ...shown.map((entry) => effectiveLine(config, entry)));
  }
  return `${lines.join("\n")}\n`;
}

function effectiveLine(config: Config, entry: OptionEntry): string {
  const name = entry.path.at(-1)!;
  const source = config.sourceOf(entry.key);
  const value = config.valueOf(entry.key as ConfigKey);
  if (entry.option.terms.secret === true && value !== "")
    return `# ${name} is set and not shown  # ${source}`;
  return `${name} = ${entry.option.kind.toToml(value)}  # ${source}`;
}

const EXAMPLE_HEAD = [
  "# Configuration of Ferrite. Every option stands here with its default, commented out.",
  "#",
  "# Start with it:      ferrite --config ferrite.toml      (./ferrite.toml is found by itself)",
  "# Check it:           ferrite --config ferrite.toml --test-config",
  "#",
  "# Environment variables (FERRITE_SERVER_PORT=7000) and flags (--port 7000, --set server.port=7000) win over this file.",
  '# Sizes: "64MB", "1GB" (kb, mb, gb are powers of 1024; a bare k, m, g is a power of 1000), or bytes.',
  '# Durations: "300s", "5m", "1h30m", "100ms", or seconds.',
];

/** The text of config.example.toml and of what `ferrite init` writes. */
export function exampleToml(): string {
  const lines = [...EXAMPLE_HEAD];
  for (const [table, entries] of optionsByTable()) {
    lines.push("", `[${table}]`);
    for (const entry of entries) lines.push("", ...exampleEntry(entry));
  }
  return `${lines.join("\n")}\n`;
}

function exampleEntry(entry: OptionEntry): string[] {
  const { kind, terms } = entry.option;
  const prefix = terms.status === "reserved" ? "Not available in this version. " : "";
  const words =
    kind.words === undefined || kind.words.includes("true") ? "" : ` One of ${kind.words.join(", ")}.`;
  const value = terms.secret === true ? '""' : kind.toToml(terms.default);
  return [...wrap(`${prefix}${terms.doc}${words}`), `# ${entry.path.at(-1)!} = ${value}`];
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > COMMENT_WIDTH && line !== "#") {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

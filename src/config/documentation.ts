/** The text of docs/configuration.md, from the table of options. A test holds the file to it. */
import type { OptionEntry } from "./options.ts";
import { REDIS_CONSTANTS } from "./redis-constants.ts";
import { optionsByTable } from "./render.ts";
import { FLAG_KEYS } from "./settings.ts";

const HEAD = `# Configuration

<!-- Generated from src/config/options.ts; change it there. FERRITE_TEST_UPDATE=1 npx vitest run test/config/generated.test.ts -->

Options come from four layers. A later one wins over an earlier one, option by option:

1. the defaults below,
2. a TOML file: \`--config FILE\`, or \`FERRITE_CONFIG\`, or \`ferrite.toml\` in the working directory if there is one,
3. environment variables: \`FERRITE_<SECTION>_<NAME>\`, such as \`FERRITE_STORAGE_MAX_MEMORY=2GB\`,
4. flags: those of the table below, and \`--set KEY=VALUE\` for any option, such as \`--set server.timeout=5m\`.

\`ferrite --test-config\` checks all layers and starts nothing. \`ferrite --dump-config\` prints what is in force and where
each value comes from. A name that is not known, and a value that is not of the option's type, is an error in every layer.

Values:

* **size**: bytes, or a text such as \`"64MB"\`. \`kb\`, \`mb\`, \`gb\`, \`tb\` are powers of 1024; a bare \`k\`, \`m\`, \`g\`, \`t\` is a power
  of 1000, as in Redis.
* **duration**: seconds, or a text such as \`"300s"\`, \`"5m"\`, \`"1h30m"\`, \`"100ms"\`.
* **path**: in the file relative to the file's folder, elsewhere relative to the working directory.
* **list**: in TOML a list of strings or one string; elsewhere separated by commas or spaces.

**Live** options can be changed while the server runs: \`CONFIG SET\` with the name in the column *Redis name*.
\`CONFIG REWRITE\` writes what was changed that way into the TOML file and keeps its comments and order.
An option marked *reserved* belongs to a feature that this version does not have: any value but the default is refused.
One marked *accepted* is stored and answered, and has no effect in this version.
`;

export function configurationDocument(): string {
  const parts = [HEAD, flagTable()];
  for (const [table, entries] of optionsByTable()) parts.push(sectionTable(table, entries));
  parts.push(constantsTable());
  return parts.join("\n");
}

function flagTable(): string {
  const rows = Object.entries(FLAG_KEYS).map(
    ([flag, key]) =>
      `| \`--${flag}\` | \`FERRITE_${flag.toUpperCase().replaceAll("-", "_")}\` | \`${key}\` |`,
  );
  return ["## Flags of their own", "", "| flag | environment | option |", "|---|---|---|", ...rows, ""].join(
    "\n",
  );
}

function sectionTable(table: string, entries: readonly OptionEntry[]): string {
  return [
    `## ${table}`,
    "",
    "| option | type | default | Redis name | live | |",
    "|---|---|---|---|---|---|",
    ...entries.map(row),
    "",
  ].join("\n");
}

function row(entry: OptionEntry): string {
  const { kind, terms } = entry.option;
  const type =
    kind.words === undefined || kind.name === "boolean" ? kind.name : kind.words.map(code).join(" ");
  const names =
    terms.redis === undefined ? "" : [terms.redis, ...(terms.redisAliases ?? [])].map(code).join(" ");
  const status = terms.status === undefined ? "" : `*${terms.status}.* `;
  const cells = [
    code(entry.path.at(-1)!),
    type,
    code(kind.toToml(terms.default)),
    names,
    terms.live === true ? "yes" : "",
    `${status}${terms.doc}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

const code = (text: string): string => `\`${text}\``;

function constantsTable(): string {
  const rows = [...REDIS_CONSTANTS].map(
    ([name, value]) => `| \`${name}\` | ${value === "" ? "(empty)" : code(value)} |`,
  );
  return [
    "## Names of Redis with a fixed answer",
    "",
    "`CONFIG GET` answers these because clients ask for them; `CONFIG SET` accepts the value that holds anyway.",
    "",
    "| name | value |",
    "|---|---|",
    ...rows,
    "",
  ].join("\n");
}

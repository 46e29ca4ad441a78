/**
 * Changes single values of a TOML file and leaves every other byte of it alone: comments, order, blank lines.
 *
 * Invariants: the new text means exactly the old one plus the changes (it is parsed and compared before anything is
 * written); a reader of the file sees the old or the new text, also after a crash.
 *
 * Values are replaced in place, by their position in the text, because a file that is parsed and written
 * anew would lose what its owner wrote for people.
 */
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse } from "smol-toml";
import { assert } from "../base/assert.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { locateToml, type TomlEntry, type TomlPositions } from "./toml-positions.ts";

/** Where CONFIG REWRITE writes. */
export interface ConfigFile {
  /** The real path: a symbolic link would be replaced by a file. */
  readonly path: string;
  readonly files: FileSystem;
  /** Gives the second file the owner and permissions of the first: a configuration may hold a password. */
  copyPermissions(from: string, to: string): void;
}

export interface TomlChange {
  readonly path: readonly string[];
  /** The value as TOML. */
  readonly toml: string;
  /** A value that is already what holds without the file is not added to it. */
  readonly isDefault: boolean;
}

/** Throws the system's errors, or smol-toml's if the file is not valid TOML any more. */
export function replaceConfigFile(file: ConfigFile, changes: readonly TomlChange[]): void {
  const before = Buffer.from(file.files.readFileSync(file.path)).toString("utf8");
  const after = changeToml(before, changes);
  if (after === before) return;
  const temporary = `${file.path}.new`;
  if (file.files.statSync(temporary) !== undefined) file.files.unlinkSync(temporary);
  const handle = file.files.openSync(temporary, "create");
  try {
    file.copyPermissions(file.path, temporary); // before a byte is in it
    const bytes = Buffer.from(after, "utf8");
    handle.appendSync(bytes, 0, bytes.length);
    handle.syncSync();
    handle.close();
    file.files.renameSync(temporary, file.path);
  } catch (error) {
    handle.close();
    if (file.files.statSync(temporary) !== undefined) file.files.unlinkSync(temporary);
    throw error;
  }
  file.files.syncDirectorySync(dirname(file.path));
}

/** Pure. Throws smol-toml's error if `text` is not valid TOML. */
export function changeToml(text: string, changes: readonly TomlChange[]): string {
  const expected = parse(text) as Table;
  let changed = text;
  for (const change of changes) {
    const positions = locateToml(changed);
    const present = positions.entries.find((entry) => samePath(entry.path, change.path));
    if (present === undefined && change.isDefault) continue;
    if (present !== undefined && sameValue(changed.slice(present.valueStart, present.valueEnd), change.toml))
      continue;
    changed =
      present !== undefined
        ? splice(changed, present.valueStart, present.valueEnd, change.toml)
        : addValue(changed, positions, change);
    setPath(expected, change.path, tomlValue(change.toml));
  }
  assert(
    isDeepStrictEqual(plain(parse(changed)), plain(expected)),
    "the rewritten configuration means something else",
  );
  return changed;
}

type Table = { [name: string]: unknown };

const tomlValue = (toml: string): unknown => parse(`value = ${toml}`)["value"];
/** `"5m"` and `300` may mean the same, but only equal TOML values leave a line untouched. */
const sameValue = (a: string, b: string): boolean =>
  isDeepStrictEqual(plain(tomlValue(a)), plain(tomlValue(b)));
/** The parser's objects have no prototype in places; JSON levels that. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const splice = (text: string, start: number, end: number, middle: string): string =>
  text.slice(0, start) + middle + text.slice(end);

const samePath = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && startsWith(a, b);
const startsWith = (path: readonly string[], prefix: readonly string[]): boolean =>
  prefix.every((name, depth) => path[depth] === name);

/** TOML allows each table to be defined in one way only, so a new key goes where its table already is. */
function addValue(text: string, positions: TomlPositions, change: TomlChange): string {
  const parent = change.path.slice(0, -1);
  const inline = positions.entries.filter((entry) => startsWith(change.path, entry.path)).at(-1);
  if (inline !== undefined) return addInline(text, inline, change);
  const header = positions.tables.find((table) => table.path.length > 0 && samePath(table.path, parent));
  if (header !== undefined) return addLine(text, header.end, `${change.path.at(-1)!} = ${change.toml}`);
  for (const table of positions.tables) {
    const isDotted = positions.entries.some(
      (entry) =>
        tableOf(positions, entry) === table &&
        startsWith(change.path, table.path) &&
        entry.path.length > table.path.length + 1 &&
        sharedLength(entry.path, change.path) > table.path.length,
    );
    if (isDotted) {
      return addLine(text, table.end, `${change.path.slice(table.path.length).join(".")} = ${change.toml}`);
    }
  }
  const separator = text === "" ? "" : text.endsWith("\n") ? "\n" : "\n\n";
  return `${text}${separator}[${parent.join(".")}]\n${change.path.at(-1)!} = ${change.toml}\n`;
}

/** The last header before the entry, or the root. */
const tableOf = (positions: TomlPositions, entry: TomlEntry): TomlPositions["tables"][number] =>
  positions.tables.findLast((table) => table.path.length === 0 || table.line < entry.line)!;

function sharedLength(a: readonly string[], b: readonly string[]): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

function addLine(text: string, position: number, line: string): string {
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const needsEnd = position > 0 && text[position - 1] !== "\n";
  return splice(text, position, position, `${needsEnd ? lineEnd : ""}${line}${lineEnd}`);
}

/** `server = { port = 1 }`: before the closing brace. */
function addInline(text: string, inline: TomlEntry, change: TomlChange): string {
  const key = change.path.slice(inline.path.length).join(".");
  const inside = text.slice(inline.valueStart + 1, inline.valueEnd - 1).trimEnd();
  const separator = inside.trim() === "" ? " " : inside.endsWith(",") ? " " : ", ";
  return splice(
    text,
    inline.valueStart + 1,
    inline.valueEnd - 1,
    `${inside}${separator}${key} = ${change.toml} `,
  );
}

function setPath(table: Table, path: readonly string[], value: unknown): void {
  let at = table;
  for (const name of path.slice(0, -1)) at = (at[name] ??= {}) as Table;
  at[path.at(-1)!] = value;
}

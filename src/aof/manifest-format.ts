/**
 * The manifest of an AOF folder: which files make up the log, in order.
 *
 * Invariants of a manifest that `decodeManifest` returns:
 *  - there is at most one base, and it comes first; there is a base or at least one part;
 *  - the parts' sequence numbers ascend; only the last part may be open;
 *  - a sealed part names its last LSN and its valid bytes: what the file holds beyond them is not log;
 *  - LSNs ascend from part to part. A gap between two parts is possible: it says that a checkpoint covers it.
 *
 * The lines are Redis 7's (`file NAME seq N type b|i`), which ignores the further pairs and the `#` lines, of which two
 * kinds mean something here: `# left` tells what the last change took out of the log, whose files are still there, and
 * `# mark` names the file that tells a copied folder from the original (log-folder.ts). The last line is a checksum
 * over all before it, because a manifest that is half right is worse than none.
 */
import { fromLatin1, latin1 } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { FerriteError } from "../base/errors.ts";

export const MANIFEST_VERSION = 1;

const FIRST_LINE = `# ferrite-aof-manifest ${MANIFEST_VERSION}`;
const FIRST_WORDS = "# ferrite-aof-manifest ";
const LEFT = "# left ";
const MARK = "# mark ";

export interface PartEntry {
  readonly name: string;
  readonly seq: number;
  /** The LSN of the part's first effect, if it has any. */
  readonly firstLsn: number;
  /** Present once nothing more will be appended. */
  readonly sealed?: PartSeal;
}

export interface PartSeal {
  /** `firstLsn - 1` for a part without effects. */
  readonly lastLsn: number;
  readonly validBytes: number;
}

/** A file of commands that make the state at `lsn` out of nothing. */
export interface BaseEntry {
  readonly name: string;
  readonly seq: number;
  readonly lsn: number;
  readonly validBytes: number;
}

/** A base and the parts after it, or parts alone. */
export interface LogEntries {
  readonly base?: BaseEntry;
  readonly parts: readonly PartEntry[];
}

/** For an object that has a base only if there is one. */
export function withBase(base: BaseEntry | undefined): { readonly base?: BaseEntry } {
  return base === undefined ? {} : { base };
}

/** The names of all files, in order. */
export function namesOf({ base, parts }: LogEntries): string[] {
  const names = parts.map((part) => part.name);
  return base === undefined ? names : [base.name, ...names];
}

export interface Manifest extends LogEntries {
  /** What the manifest before this one named and this one does not. Its files go at the next such change, or start. */
  readonly left?: LogEntries;
  /** Absent from the folder if that was listed, to be copied, before this manifest was made. */
  readonly mark?: string;
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  const lines = [FIRST_LINE, ...linesOf(manifest)];
  if (manifest.left !== undefined) lines.push(...linesOf(manifest.left).map((line) => LEFT + line));
  if (manifest.mark !== undefined) lines.push(MARK + manifest.mark);
  const body = `${lines.join("\n")}\n`;
  const bytes = fromLatin1(body);
  return fromLatin1(`${body}# crc32 ${hex(crc32(bytes, 0, bytes.length))}\n`);
}

function linesOf({ base, parts }: LogEntries): string[] {
  const lines = parts.map((part) => {
    const line = `file ${part.name} seq ${part.seq} type i first-lsn ${part.firstLsn}`;
    if (part.sealed === undefined) return line;
    return `${line} last-lsn ${part.sealed.lastLsn} valid-bytes ${part.sealed.validBytes}`;
  });
  if (base === undefined) return lines;
  return [
    `file ${base.name} seq ${base.seq} type b lsn ${base.lsn} valid-bytes ${base.validBytes}`,
    ...lines,
  ];
}

/** Throws FerriteError: "corruption" if the bytes are not a whole manifest, "usage" if they are Redis's own. */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const text = latin1(bytes);
  if (!text.startsWith(FIRST_WORDS)) throw foreign(text, path);
  const match = /# crc32 ([0-9a-f]{8})\n$/.exec(text);
  if (match === null) throw corrupt(path, "the checksum line at its end is missing");
  const found = hex(crc32(bytes, 0, match.index));
  if (found !== match[1]) throw corrupt(path, `its checksum is ${found}, expected ${match[1]}`);
  const [first, ...lines] = text.slice(0, match.index).split("\n");
  if (first !== FIRST_LINE) {
    throw new FerriteError(
      "usage",
      `${path} has the format ${JSON.stringify(first)}, this version of ferrite reads ${JSON.stringify(FIRST_LINE)}`,
    );
  }
  lines.pop();
  const log = decodeEntries(
    lines.filter((line) => !line.startsWith("#")),
    path,
  );
  if (log.base === undefined && log.parts.length === 0) throw corrupt(path, "it names no part");
  const left = linesAfter(LEFT, lines);
  const mark = linesAfter(MARK, lines)[0];
  if (mark !== undefined) checkName(mark, mark, path);
  return {
    ...log,
    ...(left.length === 0 ? {} : { left: decodeEntries(left, path) }),
    ...(mark === undefined ? {} : { mark }),
  };
}

function linesAfter(words: string, lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith(words)).map((line) => line.slice(words.length));
}

function decodeEntries(lines: readonly string[], path: string): LogEntries {
  const parts: PartEntry[] = [];
  let base: BaseEntry | undefined;
  for (const line of lines) {
    const entry = decodeLine(line, path);
    if (!("lsn" in entry)) parts.push(entry);
    else if (base === undefined && parts.length === 0) base = entry;
    else throw corrupt(path, `the base ${entry.name} is not its first file`);
  }
  checkOrder(parts, path);
  return { ...withBase(base), parts };
}

function decodeLine(line: string, path: string): PartEntry | BaseEntry {
  const words = line.split(" ");
  const pairs = new Map<string, string>();
  for (let i = 0; i + 1 < words.length; i += 2) pairs.set(words[i]!, words[i + 1]!);
  const name = pairs.get("file");
  if (words.length % 2 !== 0 || name === undefined) throw corrupt(path, `bad line ${JSON.stringify(line)}`);
  checkName(name, line, path);
  const type = pairs.get("type");
  if (type !== "i" && type !== "b") {
    throw new FerriteError(
      "usage",
      `${path}: part ${name} has the type ${JSON.stringify(type)}; this version of ferrite reads the types "b" and "i" only`,
    );
  }
  const number = (key: string): number => {
    const text = pairs.get(key) ?? "";
    const value = Number(text);
    if (!/^(0|[1-9][0-9]{0,15})$/.test(text) || !Number.isSafeInteger(value)) {
      throw corrupt(path, `part ${name} has ${key} ${JSON.stringify(text)}, expected a number`);
    }
    return value;
  };
  if (type === "b")
    return { name, seq: number("seq"), lsn: number("lsn"), validBytes: number("valid-bytes") };
  const entry = { name, seq: number("seq"), firstLsn: number("first-lsn") };
  if (!pairs.has("last-lsn")) return entry;
  return { ...entry, sealed: { lastLsn: number("last-lsn"), validBytes: number("valid-bytes") } };
}

function checkName(name: string, line: string, path: string): void {
  if (name === "" || name.includes("/")) throw corrupt(path, `bad line ${JSON.stringify(line)}`);
}

function checkOrder(parts: readonly PartEntry[], path: string): void {
  parts.forEach((part, index) => {
    const before = parts[index - 1];
    if (part.firstLsn < 1)
      throw corrupt(path, `part ${part.name} begins at LSN ${part.firstLsn}, expected 1 or more`);
    if (part.sealed && part.sealed.lastLsn < part.firstLsn - 1)
      throw corrupt(path, `part ${part.name} ends before it begins`);
    if (before === undefined) return;
    if (part.seq <= before.seq) throw corrupt(path, `sequence number ${part.seq} follows ${before.seq}`);
    if (before.sealed === undefined) throw corrupt(path, `part ${before.name} is open but is not the last`);
    if (part.firstLsn <= before.sealed.lastLsn)
      throw corrupt(path, `part ${part.name} begins at LSN ${part.firstLsn}, within ${before.name}`);
  });
}

function foreign(text: string, path: string): FerriteError {
  if (!/^file .* type [bhi]\s*$/m.test(text))
    return corrupt(path, `expected ${JSON.stringify(FIRST_LINE)} in its first line`);
  return new FerriteError(
    "usage",
    `${path} was written by redis-server, not by ferrite: load it with \`ferrite import\`, or remove the folder to start empty`,
  );
}

function corrupt(path: string, what: string): FerriteError {
  return new FerriteError(
    "corruption",
    `reading the AOF manifest ${path}: ${what}. Restore the file, or see \`ferrite aof repair\``,
  );
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

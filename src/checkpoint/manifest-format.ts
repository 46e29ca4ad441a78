/**
 * The manifest of a checkpoint: one moment of a data set, and every file that it consists of.
 *
 * Invariants of a manifest that `decodeManifest` returns
 *  - every line is there once, in order, in its one canonical form: the same manifest is the same bytes;
 *  - values files ascend, births ascend and are below `nextBirth`, segment ids are distinct;
 *  - each number is within the bounds of what it counts, so that sizes can be summed and compared without care.
 *
 * Text, because it is what somebody looks at first when something is wrong. The last line is a checksum over all
 * before it: a manifest that is half right is worse than none. Described in docs/formats/checkpoint.md.
 */
import { crc32 } from "node:zlib";
import { fromLatin1, latin1 } from "../base/bytes.ts";
import { FerriteError } from "../base/errors.ts";
import { damagedFile } from "../engine/warm/file-finding.ts";
import { SEGMENT_UNITS_MAX, segmentFileBytes } from "../engine/warm/segment-file-format.ts";
import { BIRTH_MAX, CHECKPOINT_ID_MAX } from "./names.ts";

export const MANIFEST_VERSION = 1;

const FIRST_WORD = "ferrite-checkpoint";
const SEGMENT_ID_MAX = 0xffff;

export interface CheckpointIdentity {
  /** 32 hex digits. */
  readonly databaseId: string;
  /** Two unsigned 32-bit words. */
  readonly hashSeed: readonly [number, number];
}

export interface FileEntry {
  readonly bytes: number;
  /** Of its end block or footer, which sums up the whole file. */
  readonly checksum: number;
}

export interface ValuesFileEntry extends FileEntry {
  /** The checkpoint that wrote it. */
  readonly id: number;
  /** Bytes of it that hold structures of this checkpoint. */
  readonly liveBytes: number;
}

export interface SegmentFileEntry extends FileEntry {
  readonly birth: number;
  readonly id: number;
  readonly usedUnits: number;
  readonly deadUnits: number;
}

export interface CheckpointManifest {
  readonly id: number;
  readonly identity: CheckpointIdentity;
  /** Every effect up to here is in it, none after. */
  readonly lsn: number;
  /** When it was taken: ms since 1970. */
  readonly wallMs: number;
  /** Internal keyspace of each logical database. */
  readonly keyspaces: readonly number[];
  readonly keys: number;
  readonly nextBirth: number;
  readonly index: FileEntry;
  readonly values: readonly ValuesFileEntry[];
  readonly segments: readonly SegmentFileEntry[];
}

/** Of all files that it names. */
export function totalBytes(manifest: CheckpointManifest): number {
  const sum = (files: readonly FileEntry[]): number => files.reduce((bytes, file) => bytes + file.bytes, 0);
  return manifest.index.bytes + sum(manifest.values) + sum(manifest.segments);
}

/** The lines before the last one, each with its line end; one at a time, because there may be 65,535 segments. */
export function* manifestLines(manifest: CheckpointManifest): Generator<string> {
  const { identity, index } = manifest;
  yield `${FIRST_WORD} ${MANIFEST_VERSION}\n`;
  yield `id ${manifest.id}\n`;
  yield `database ${identity.databaseId}\n`;
  yield `hash-seed ${hex(identity.hashSeed[0])} ${hex(identity.hashSeed[1])}\n`;
  yield `lsn ${manifest.lsn}\n`;
  yield `time ${manifest.wallMs}\n`;
  yield `databases ${manifest.keyspaces.length}\n`;
  yield `keyspaces ${manifest.keyspaces.join(" ")}\n`;
  yield `keys ${manifest.keys}\n`;
  yield `next-birth ${manifest.nextBirth}\n`;
  yield `index ${index.bytes} ${hex(index.checksum)}\n`;
  for (const file of manifest.values)
    yield `values ${file.id} ${file.bytes} ${hex(file.checksum)} ${file.liveBytes}\n`;
  for (const segment of manifest.segments) {
    const { birth, id, bytes, checksum, usedUnits, deadUnits } = segment;
    yield `segment ${birth.toString(16).padStart(16, "0")} ${id} ${bytes} ${hex(checksum)} ${usedUnits} ${deadUnits}\n`;
  }
}

/** The last line, over all before it. */
export function manifestEnd(checksum: number): string {
  return `crc32 ${hex(checksum)}\n`;
}

export function encodeManifest(manifest: CheckpointManifest): Uint8Array {
  const body = [...manifestLines(manifest)].join("");
  return fromLatin1(body + manifestEnd(crc32(body)));
}

/** Throws FerriteError: "corruption" if the bytes are not a whole manifest, "usage" if they are of a newer format. */
export function decodeManifest(bytes: Uint8Array, path: string): CheckpointManifest {
  const text = latin1(bytes);
  const version = /^ferrite-checkpoint (\d{1,9})\n/.exec(text)?.[1];
  const end = /\ncrc32 ([0-9a-f]{8})\n$/.exec(text);
  if (version === undefined || end === null)
    throw damagedFile(path, "its first or its last line is not that of a manifest");
  const bodyLength = end.index + 1;
  const found = hex(crc32(bytes.subarray(0, bodyLength)));
  if (found !== end[1]) throw damagedFile(path, `its checksum is ${found}, expected ${end[1]}`);
  if (Number(version) !== MANIFEST_VERSION) {
    throw new FerriteError(
      "usage",
      `${path} has format ${version}, this version of ferrite reads ${MANIFEST_VERSION}; use the version that wrote it`,
    );
  }
  const manifest = new LineReader(text.slice(0, bodyLength).split("\n"), path).manifest();
  // One form only: what the reader let pass, but nobody writes, is not believed either.
  if (!Buffer.from(encodeManifest(manifest)).equals(bytes))
    throw damagedFile(path, "its lines are not in the form in which they are written");
  return manifest;
}

/** Takes the lines one after another; every number within its bounds. */
class LineReader {
  readonly #lines: readonly string[];
  readonly #path: string;
  #next = 1;

  constructor(lines: readonly string[], path: string) {
    this.#lines = lines;
    this.#path = path;
  }

  manifest(): CheckpointManifest {
    const id = this.#number(this.#words("id", 1)[0], "id", 1, CHECKPOINT_ID_MAX);
    const databaseId = this.#words("database", 1)[0]!;
    if (!/^[0-9a-f]{32}$/.test(databaseId)) throw this.#bad("a database id of 32 hex digits");
    const seed = this.#words("hash-seed", 2);
    const hashSeed = [this.#hex(seed[0]), this.#hex(seed[1])] as const;
    const lsn = this.#number(this.#words("lsn", 1)[0], "lsn");
    const wallMs = this.#number(this.#words("time", 1)[0], "time");
    const databases = this.#number(this.#words("databases", 1)[0], "databases", 1, 1_000_000);
    const keyspaces = this.#words("keyspaces", databases).map((word) =>
      this.#number(word, "keyspace", 0, databases - 1),
    );
    if (new Set(keyspaces).size !== databases) throw this.#bad("a keyspace of its own for each database");
    const keys = this.#number(this.#words("keys", 1)[0], "keys");
    const nextBirth = this.#number(this.#words("next-birth", 1)[0], "next birth", 1, BIRTH_MAX);
    const index = this.#words("index", 2);
    const entry = { bytes: this.#number(index[0], "bytes", 1), checksum: this.#hex(index[1]) };
    const values = this.#values(id);
    const segments = this.#segments(nextBirth);
    if (this.#lines[this.#next] !== "" || this.#next !== this.#lines.length - 1)
      throw this.#bad("a 'values' line before the first 'segment' line, or a 'segment' line");
    const identity = { databaseId, hashSeed };
    return { id, identity, lsn, wallMs, keyspaces, keys, nextBirth, index: entry, values, segments };
  }

  #values(checkpoint: number): ValuesFileEntry[] {
    const files: ValuesFileEntry[] = [];
    while (this.#is("values")) {
      const [id, bytes, checksum, live] = this.#words("values", 4);
      const fileBytes = this.#number(bytes, "bytes", 1);
      const file = {
        id: this.#number(id, "id", (files.at(-1)?.id ?? 0) + 1, checkpoint),
        bytes: fileBytes,
        checksum: this.#hex(checksum),
        liveBytes: this.#number(live, "live bytes", 1, fileBytes),
      };
      files.push(file);
    }
    return files;
  }

  #segments(nextBirth: number): SegmentFileEntry[] {
    const segments: SegmentFileEntry[] = [];
    const ids = new Set<number>();
    let birthMin = 1;
    while (this.#is("segment")) {
      const [birth, id, bytes, checksum, used, dead] = this.#words("segment", 6);
      const usedUnits = this.#number(used, "used units", 1, SEGMENT_UNITS_MAX);
      const expectedBytes = segmentFileBytes(usedUnits);
      const segment = {
        birth: this.#number(String(Number.parseInt(birth!, 16)), "birth", birthMin, nextBirth - 1),
        id: this.#number(id, "id", 1, SEGMENT_ID_MAX),
        bytes: this.#number(bytes, "bytes", expectedBytes, expectedBytes),
        checksum: this.#hex(checksum),
        usedUnits,
        deadUnits: this.#number(dead, "dead units", 0, usedUnits - 1),
      };
      if (ids.size === ids.add(segment.id).size) throw this.#bad(`one segment with the id ${segment.id}`);
      birthMin = segment.birth + 1;
      segments.push(segment);
    }
    return segments;
  }

  #is(name: string): boolean {
    return this.#lines[this.#next]?.startsWith(`${name} `) === true;
  }

  #words(name: string, count: number): string[] {
    const [first, ...words] = (this.#lines[this.#next] ?? "").split(" ");
    if (first !== name || words.length !== count) throw this.#bad(`'${name}' and ${count} words`, this.#next);
    this.#next++;
    return words;
  }

  #number(word: string | undefined, what: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const value = /^(0|[1-9][0-9]{0,15})$/.test(word ?? "") ? Number(word) : Number.NaN;
    if (value >= min && value <= max) return value;
    const bounds = min === max ? `${min}` : `${min} to ${max}`;
    throw this.#bad(`${what} ${bounds}, not ${JSON.stringify(word)}`);
  }

  #hex(word: string | undefined): number {
    if (!/^[0-9a-f]{8}$/.test(word ?? "")) throw this.#bad("8 hex digits");
    return Number.parseInt(word!, 16);
  }

  /** `at` is the line that was taken last, if not said otherwise. */
  #bad(expected: string, at = this.#next - 1): FerriteError {
    return damagedFile(
      this.#path,
      `its line ${at + 1}, ${JSON.stringify(this.#lines[at] ?? "")}, expected ${expected}`,
    );
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

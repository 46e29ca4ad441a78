/** Prints the files of a checkpoint by themselves: manifest, index image and values file. */
import { BlockFileReader } from "../checkpoint/block-file-reader.ts";
import {
  INDEX_MAGIC,
  KIND_ROWS,
  KIND_STRUCTURES,
  readStructureEntry,
  STRUCTURE_ENTRY_BYTES,
} from "../checkpoint/index-image.ts";
import { decodeManifest } from "../checkpoint/manifest-format.ts";
import { rethrowFor } from "../checkpoint/rethrow.ts";
import { FLAG_FIRST, FLAG_LAST, HANDLE_BYTES, KIND_VALUE, PieceSplitter } from "../checkpoint/values-file.ts";
import { decodeStreamHeader, STREAM_HEADER_BYTES, type StreamHeader } from "../codec/block-stream-format.ts";
import { RowReading, readRow } from "../engine/index/row-format.ts";
import { damagedFile } from "../engine/warm/file-finding.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { FileReading } from "./file-reading.ts";
import { type InspectOutput, timeText } from "./inspect-output.ts";
import { ValuePrinter } from "./inspect-value.ts";

export function inspectManifest(fs: FileSystem, path: string, out: InspectOutput): void {
  const manifest = decodeManifest(fs.readFileSync(path), path);
  const { id, identity, lsn, wallMs, keyspaces, keys, nextBirth, index, values, segments } = manifest;
  out.line("checkpoint-manifest", {
    file: path,
    id,
    database: identity.databaseId,
    lsn,
    time: timeText(wallMs),
    databases: keyspaces.length,
    keys,
    nextBirth,
  });
  const swapped = keyspaces
    .map((keyspace, db) => `${db}:${keyspace}`)
    .filter((_, db) => keyspaces[db] !== db);
  if (swapped.length > 0) out.line("keyspaces", { swapped: swapped.join(" ") });
  out.line("index", { bytes: index.bytes, checksum: hex(index.checksum) });
  for (const file of values)
    out.line("values", {
      id: file.id,
      bytes: file.bytes,
      liveBytes: file.liveBytes,
      checksum: hex(file.checksum),
    });
  for (const segment of segments.slice(0, out.limit)) {
    const { birth, usedUnits, deadUnits, bytes, checksum } = segment;
    out.line("segment", {
      birth: birthText(birth),
      id: segment.id,
      bytes,
      usedUnits,
      deadUnits,
      checksum: hex(checksum),
    });
  }
  out.rest("segments", segments.length - out.limit);
}

export async function inspectIndex(reading: FileReading, path: string, out: InspectOutput): Promise<void> {
  const reader = await openBlocks(reading, path, INDEX_MAGIC, "index-image", out);
  let [rows, slots, volatiles, structures] = [0, 0, 0, 0];
  let printed = 0;
  try {
    for (let block = await reader.next(); block !== undefined; block = await reader.next()) {
      if (block.kind === KIND_ROWS) {
        try {
          for (const row of rowsIn(reader, block.rawBytes)) {
            rows++;
            slots += row.slots;
            volatiles += row.volatiles;
            if (out.keys) printed = printSlots(row, printed, out);
          }
        } catch (error) {
          rethrowFor(error, path, block.offset);
        }
      } else if (block.kind === KIND_STRUCTURES) {
        structures += printStructures(reader, block.rawBytes, structures, out);
      } else throw reader.problemHere(`a block of kind ${block.kind} does not belong there`);
    }
    if (out.keys) out.rest("slots", slots - out.limit);
    out.rest("structures", structures - out.limit);
  } finally {
    out.line("index-summary", { subTables: rows, keys: slots, withExpiry: volatiles, structures });
    reader.close();
  }
}

interface ReadRow {
  readonly keyspace: number;
  readonly slots: number;
  readonly volatiles: number;
  readonly prefix: number;
  readonly depth: number;
  readonly tagBase: number;
  readonly words: Int32Array;
  readonly firstWord: number;
}

function* rowsIn(reader: BlockFileReader, length: number): Generator<ReadRow> {
  const words = new Int32Array(length >>> 2);
  new Uint8Array(words.buffer).set(
    reader.bytes.subarray(reader.payloadAt, reader.payloadAt + words.length * 4),
  );
  const row = new RowReading();
  for (let at = 0; at < words.length; ) {
    at = readRow(words, at, words.length, row);
    const { keyspace, slots, volatiles, prefix, depth, tagBase, firstWord } = row;
    yield { keyspace, slots, volatiles, prefix, depth, tagBase, words, firstWord };
  }
}

/** Hash bits and place of each slot; the key itself is in the segment. */
function printSlots(row: ReadRow, printed: number, out: InspectOutput): number {
  const { keyspace, prefix, depth, tagBase, words, firstWord, slots } = row;
  for (let slot = 0; slot < slots && printed < out.limit; slot++, printed++) {
    const [first, second] = [words[firstWord + slot * 2]!, words[firstWord + slot * 2 + 1]!];
    out.line("slot", {
      keyspace,
      prefix: `${hex(prefix >>> 0)}/${depth}`,
      tag: (first >>> 7).toString(16).padStart(7, "0"),
      tagBase,
      segment: ((first & 15) << 12) | (second >>> 20),
      offset: (second & 0xf_ffff) * 8,
      hasExpiry: (first & 64) !== 0,
    });
  }
  return printed;
}

/** Answers how many there are; prints those within the limit. */
function printStructures(
  reader: BlockFileReader,
  length: number,
  before: number,
  out: InspectOutput,
): number {
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset);
  const count = Math.floor(length / STRUCTURE_ENTRY_BYTES);
  for (let i = 0; i < count; i++) {
    const entry = readStructureEntry(view, reader.payloadAt + i * STRUCTURE_ENTRY_BYTES);
    if (typeof entry === "string") throw reader.problemHere(entry);
    if (before + i >= out.limit) continue;
    const { handle, keyspace, hashHigh, hashLow, file, offset, bytes } = entry;
    const hash = hex(hashHigh >>> 0) + hex(hashLow >>> 0);
    out.line("structure", { handle, keyspace, hash, valuesFile: file, offset, bytes });
  }
  return count;
}

export async function inspectValues(
  reading: FileReading,
  path: string,
  magic: string,
  out: InspectOutput,
): Promise<void> {
  const reader = await openBlocks(reading, path, magic, "values-file", out);
  let count = 0;
  let splitter: PieceSplitter | undefined;
  try {
    for (let block = await reader.next(); block !== undefined; block = await reader.next()) {
      if (block.kind !== KIND_VALUE)
        throw reader.problemHere(`a block of kind ${block.kind} does not belong there`);
      let skipped = 0;
      if ((block.flags & FLAG_FIRST) !== 0) {
        if (block.rawBytes < HANDLE_BYTES) throw reader.problemHere("a structure begins without its handle");
        const handle = new DataView(
          reader.bytes.buffer,
          reader.bytes.byteOffset + reader.payloadAt,
          4,
        ).getUint32(0, true);
        count++;
        skipped = HANDLE_BYTES;
        if (count <= out.limit) out.line("structure", { handle, offset: block.offset });
        splitter = new PieceSplitter(new ValuePrinter(count <= out.limit ? out : undefined));
      }
      if (splitter === undefined) throw reader.problemHere("no structure has begun before it");
      try {
        splitter.add(reader.bytes, reader.payloadAt + skipped, block.rawBytes - skipped);
      } catch (error) {
        rethrowFor(error, path, block.offset);
      }
      if ((block.flags & FLAG_LAST) !== 0) splitter = undefined;
    }
    out.rest("structures", count - out.limit);
  } finally {
    reader.close();
  }
}

/** Opens a file of blocks by what its own header says, and prints that. */
async function openBlocks(
  reading: FileReading,
  path: string,
  magic: string,
  kind: string,
  out: InspectOutput,
): Promise<BlockFileReader> {
  const { header, bytes } = blockFileHeader(reading.fs, path);
  const { checkpoint, databaseId } = header;
  out.line(kind, { file: path, bytes, checkpoint, database: databaseId });
  return BlockFileReader.open(reading, path, { ...header, magic }, { bytes });
}

export function blockFileHeader(fs: FileSystem, path: string): { header: StreamHeader; bytes: number } {
  const file = fs.openSync(path, "read");
  try {
    const first = new Uint8Array(STREAM_HEADER_BYTES);
    const got = file.readSync(0, first, 0, first.length);
    const header = decodeStreamHeader(first, got);
    if (typeof header === "string") throw damagedFile(path, header, 0);
    return { header, bytes: file.sizeSync() };
  } finally {
    file.close();
  }
}

export function birthText(birth: number): string {
  return birth.toString(16).padStart(16, "0");
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

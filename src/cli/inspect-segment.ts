/**
 * Prints the records of a segment file.
 *
 * All that were ever written to it and not overwritten in place: which of them are live, only the index knows.
 */
import { AssertionBroken } from "../base/assert.ts";
import {
  checkRecord,
  expiryOf,
  handleOf,
  isFiller,
  isUnpacked,
  keyLengthOf,
  keyStartOf,
  keyspaceOf,
  sizeUnitsOf,
  valueLengthOf,
  versionOf,
} from "../engine/hot/record.ts";
import { SEGMENT_HEADER_UNITS } from "../engine/hot/segment-table.ts";
import {
  NO_EXPIRY,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STREAM,
  TYPE_STRING,
} from "../engine/keyspace.ts";
import { damagedFile } from "../engine/warm/file-finding.ts";
import { readSegmentFile, readSegmentFooter } from "../engine/warm/segment-file-reader.ts";
import type { FileReading } from "./file-reading.ts";
import { birthText } from "./inspect-checkpoint.ts";
import { type InspectOutput, Quoted, timeText } from "./inspect-output.ts";

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [TYPE_STRING]: "string",
  [TYPE_LIST]: "list",
  [TYPE_SET]: "set",
  [TYPE_SORTED_SET]: "zset",
  [TYPE_HASH]: "hash",
  [TYPE_STREAM]: "stream",
};

export async function inspectSegment(reading: FileReading, path: string, out: InspectOutput): Promise<void> {
  const footer = await readSegmentFooter(reading.fs, path);
  const { id, birth, usedUnits, databaseId } = footer;
  out.line("segment", { file: path, birth: birthText(birth), id, usedUnits, database: databaseId });
  const buffer = await readSegmentFile(reading, path, footer, (bytes) => new ArrayBuffer(bytes));
  const words = new Int32Array(buffer);
  let records = 0;
  let fillers = 0;
  for (let unit = SEGMENT_HEADER_UNITS; unit < usedUnits; ) {
    try {
      checkRecord(words, unit, usedUnits);
    } catch (error) {
      if (!(error instanceof AssertionBroken)) throw error;
      throw damagedFile(path, error.message, unit * 8);
    }
    if (isFiller(words, unit * 2)) fillers++;
    else if (++records <= out.limit) printRecord(buffer, words, unit, out);
    unit += sizeUnitsOf(words, unit * 2);
  }
  out.rest("records", records - out.limit);
  out.line("segment-summary", { records, fillers });
}

function printRecord(buffer: ArrayBuffer, words: Int32Array, unit: number, out: InspectOutput): void {
  const word = unit * 2;
  const keyStart = keyStartOf(words, word);
  const keyLength = keyLengthOf(words, word);
  const type = words[word + 1]! & 15;
  const expiryMs = expiryOf(words, word);
  const unpacked = isUnpacked(words, word);
  out.line("record", {
    offset: unit * 8,
    key: new Quoted(new Uint8Array(buffer), unit * 8 + keyStart, keyLength),
    keyspace: keyspaceOf(words, word),
    type: TYPE_NAMES[type] ?? `type ${type}`,
    encoding: (words[word + 1]! >>> 4) & 7,
    bytes: sizeUnitsOf(words, word) * 8,
    valueBytes: unpacked ? undefined : valueLengthOf(words, word, keyStart, keyLength),
    structure: unpacked ? handleOf(new DataView(buffer), words, word) : undefined,
    expiry: expiryMs === NO_EXPIRY ? undefined : timeText(expiryMs),
    lsn: versionOf(words, word),
  });
}

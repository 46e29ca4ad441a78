/**
 * Fills an empty engine from what a checkpoint holds: see EngineLoader.
 *
 * Invariants: nothing of the input is believed before it was checked: a slot points at the beginning of a record in a segment
 * that is there, as far as can be told without reading every record; live bytes are what the counts say they are; an engine
 * into which loading has failed is not used.
 *
 * Records are not visited: a data set of hundreds of millions of keys is ready when its index is. What a segment holds was
 * checked by its file's checksums; `Engine.verify` looks at every record.
 */
import { FerriteError } from "../../base/errors.ts";
import type { UnpackedValue } from "../../value/unpacked.ts";
import type { RecordLog } from "../hot/record-log.ts";
import {
  SEGMENT_BYTES_MAX,
  SEGMENT_HEADER_UNITS,
  SEGMENT_ID_MAX,
  SEGMENT_MAGIC,
} from "../hot/segment-table.ts";
import * as layout from "../index/layout.ts";
import { RowReading, readRow } from "../index/row-format.ts";
import type { SubTables } from "../index/sub-tables.ts";
import type { UnpackedTable } from "../unpacked-table.ts";
import type { EngineLoader, StructureEntry } from "./capture-face.ts";

export interface LoaderParts {
  readonly tables: SubTables;
  readonly log: RecordLog;
  readonly unpacked: UnpackedTable;
  /** Takes the map from logical databases to internal keyspaces. */
  readonly mapDatabases: (keyspaces: Int32Array) => void;
}

/** A record larger than an ordinary segment has one of its own, up to this. */
const ALONE_UNITS_MAX = 2 ** 27;

export class OpenLoader implements EngineLoader {
  readonly #parts: LoaderParts;
  readonly #row = new RowReading();
  #keys = 0;
  #lastBirth = 0;
  readonly #births = new Set<number>();

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  addSegment(segment: Parameters<EngineLoader["addSegment"]>[0]): void {
    const { id, birth, usedUnits, deadUnits, bytes } = segment;
    const { segments } = this.#parts.log;
    const words = new Int32Array(bytes, 0, 2);
    check(id >= 1 && id <= SEGMENT_ID_MAX, `segment id ${id} is out of range`);
    check(!segments.isInMemory(id), `two segments have the id ${id}`);
    check(!this.#births.has(birth), `two segments have the birth ${birth}`);
    check(
      usedUnits * 8 === bytes.byteLength && usedUnits > SEGMENT_HEADER_UNITS && usedUnits <= ALONE_UNITS_MAX,
      `segment ${id} has ${bytes.byteLength} bytes, expected ${usedUnits} units`,
    );
    check(
      deadUnits >= 0 && deadUnits < usedUnits,
      `segment ${id} has ${deadUnits} dead of ${usedUnits} units`,
    );
    check(
      words[0] === SEGMENT_MAGIC && words[1] === id,
      `segment ${id} begins with another segment's header`,
    );
    segments.adopt(id, birth, deadUnits, bytes);
    check(
      segments.alone[id] === 1 || bytes.byteLength <= SEGMENT_BYTES_MAX,
      `segment ${id} is larger than a segment with several records may be`,
    );
    this.#births.add(birth);
    if (birth > this.#lastBirth) this.#lastBirth = birth;
  }

  addRows(bytes: Uint8Array, offset: number, length: number): void {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + offset, length >>> 2);
    check(length % 4 === 0, "rows end within a word");
    for (let at = 0; at < words.length; ) at = this.#addRow(words, at);
  }

  #addRow(words: Int32Array, at: number): number {
    const { tables } = this.#parts;
    const row = this.#row;
    const after = readRow(words, at, words.length, row);
    check(
      row.keyspace >= 0 && row.keyspace < tables.keyspaces,
      `a sub-table belongs to keyspace ${row.keyspace}, there are ${tables.keyspaces}`,
    );
    for (let word = row.firstWord; word < after; word += 2)
      this.#checkSlot(
        ((words[word]! & layout.SLOT_SEGMENT_MASK) << 12) | (words[word + 1]! >>> 20),
        words[word + 1]! & 0xfffff,
      );
    check(
      tables.adoptRow(row.keyspace, row.prefix, row.depth, row.tagBase, words, row.firstWord / 2, row.slots),
      "a sub-table overlaps another one, or its slots do not fit",
    );
    this.#keys += row.slots;
    return after;
  }

  #checkSlot(segment: number, unit: number): void {
    const { segments } = this.#parts.log;
    if (segments.isInMemory(segment) && unit >= SEGMENT_HEADER_UNITS && unit < segments.usedUnits[segment]!)
      return;
    check(false, `a slot points at unit ${unit} of segment ${segment}, where no record can be`);
  }

  addStructure(entry: StructureEntry, value: UnpackedValue): void {
    const { unpacked, tables } = this.#parts;
    check(entry.handle >= 0 && entry.handle < 2 ** 31, `structure handle ${entry.handle} is out of range`);
    check(unpacked.at(entry.handle) === undefined, `two structures have the handle ${entry.handle}`);
    check(
      entry.keyspace >= 0 && entry.keyspace < tables.keyspaces,
      `structure ${entry.handle} belongs to keyspace ${entry.keyspace}`,
    );
    unpacked.adopt(entry, value);
  }

  finish(totals: Parameters<EngineLoader["finish"]>[0]): void {
    const { tables, log, unpacked, mapDatabases } = this.#parts;
    const { keyspaces, keys, nextBirth } = totals;
    check(this.#keys === keys, `the index image has ${this.#keys} keys, expected ${keys}`);
    check(nextBirth > this.#lastBirth, `the next segment would be number ${nextBirth}, which is in use`);
    check(isPermutation(keyspaces), "databases and keyspaces do not match one to one");
    check(tables.finishAdopting(), "sub-tables are missing from the index image");
    log.segments.endAdopting(nextBirth);
    unpacked.endAdopting();
    mapDatabases(keyspaces);
  }
}

function isPermutation(keyspaces: Int32Array): boolean {
  const seen = new Set(keyspaces);
  return seen.size === keyspaces.length && keyspaces.every((one) => one >= 0 && one < keyspaces.length);
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new FerriteError("corruption", `loading a checkpoint: ${what}`);
}

/**
 * A sub-table as bytes: what a checkpoint's index image is made of.
 *
 *   word 0   internal keyspace
 *   word 1   prefix: the hash bits that select the sub-table, left-aligned
 *   word 2   depth (bits 0..7) | first hash bit of the tags (8..15) | number of slots (16..31)
 *   word 3   slots whose key has an expiry
 *   then the slots in use in hash order, two words each, as in memory (layout.ts)
 *
 * Words are little-endian. Empty slots are not kept: where a slot lies follows from its tag, so a loaded sub-table is laid
 * out anew, as small as it can be.
 *
 * Invariant: `readRow` has checked all that `SubTables.spread` and a probe rely on, before anything is written.
 */
import { FerriteError } from "../../base/errors.ts";
import * as layout from "./layout.ts";
import type { SubTables } from "./sub-tables.ts";

export const ROW_HEAD_BYTES = 16;
export const SLOT_BYTES = 8;
/** The longest sub-table. */
export const ROW_BYTES_MAX = ROW_HEAD_BYTES + layout.UNITS_MAX * layout.UNIT_SLOTS * SLOT_BYTES;

/** Writes a row to `words` from word `at` on, which has room for ROW_BYTES_MAX; answers the word after it. */
export function writeRow(tables: SubTables, row: number, words: Int32Array, at: number): number {
  const { rows } = tables;
  words[at] = rows[row + layout.ROW_OWNER]!;
  words[at + 1] = rows[row + layout.ROW_PREFIX]!;
  const slots = tables.collect(row, words, (at + 4) / 2);
  words[at + 2] = rows[row + layout.ROW_DEPTH]! | (rows[row + layout.ROW_TAG_BASE]! << 8) | (slots << 16);
  words[at + 3] = rows[row + layout.ROW_VOLATILE_COUNT]!;
  return at + 4 + slots * 2;
}

/** A row as it was read; valid until the next `readRow` with the same object. */
export class RowReading {
  keyspace = 0;
  prefix = 0;
  depth = 0;
  tagBase = 0;
  volatiles = 0;
  slots = 0;
  /** The word where the slots begin. */
  firstWord = 0;
}

/**
 * Reads the row at word `at`, which ends before word `end`; answers the word after it. FerriteError("corruption") says what
 * is wrong with it.
 */
export function readRow(words: Int32Array, at: number, end: number, into: RowReading): number {
  if (at + 4 > end) throw broken("its head is cut off");
  const third = words[at + 2]!;
  into.keyspace = words[at]!;
  into.prefix = words[at + 1]!;
  into.depth = third & 0xff;
  into.tagBase = (third >>> 8) & 0xff;
  into.slots = third >>> 16;
  into.volatiles = words[at + 3]!;
  into.firstWord = at + 4;
  const after = at + 4 + into.slots * 2;
  if (into.slots > layout.UNITS_MAX * layout.UNIT_SLOTS || after > end)
    throw broken(`it has ${into.slots} slots, which do not fit`);
  if (into.depth > layout.DEPTH_MAX || into.tagBase > into.depth)
    throw broken(`its depth is ${into.depth} and its tags begin at bit ${into.tagBase}`);
  if (into.depth < 32 && into.depth > 0 && into.prefix << into.depth !== 0)
    throw broken("its prefix is longer than its depth");
  if (into.depth === 0 && into.prefix !== 0) throw broken("it has a prefix at depth 0");
  checkSlots(words, into, after);
  return after;
}

function checkSlots(words: Int32Array, row: RowReading, end: number): void {
  let last = -1;
  let volatiles = 0;
  // The tag's bits above the depth are the prefix's.
  const known = row.depth - row.tagBase;
  const expected = known === 0 ? 0 : ((row.prefix << row.tagBase) >>> (32 - known)) >>> 0;
  for (let word = row.firstWord; word < end; word += 2) {
    const tag = words[word]! >>> layout.TAG_SHIFT;
    if (tag < last || tag > layout.TAG_LAST) throw broken("its slots are out of order");
    if (known > 0 && tag >>> (layout.TAG_BITS - known) !== expected)
      throw broken("a slot's tag belongs to another sub-table");
    last = tag;
    if ((words[word]! & layout.SLOT_VOLATILE) !== 0) volatiles++;
  }
  if (volatiles !== row.volatiles)
    throw broken(`${volatiles} of its slots have an expiry, its head says ${row.volatiles}`);
}

function broken(what: string): FerriteError {
  return new FerriteError("corruption", `a sub-table of an index image is damaged: ${what}`);
}

/**
 * Growth of sub-tables and its reverse: more units, a split, fewer units, a merge with the neighbour, tags
 * taken from deeper bits of the hash.
 *
 * Invariants: every step keeps the order of the slots, so a cursor in hash order stays right across it; a step
 * touches at most two sub-tables (2,048 slots); a key's slot is in exactly one sub-table before and after.
 *
 * A split needs only bits of the tags, because the records may be anywhere. Tags are taken anew only when few
 * of their bits are left below the depth, and only if every record of the sub-table is in memory.
 */
import { assert } from "../../base/assert.ts";
import * as layout from "./layout.ts";
import type { SubTables } from "./sub-tables.ts";

const { ROW_DEPTH, ROW_TAG_BASE, ROW_UNIT_COUNT, ROW_COUNT, ROW_PREFIX, ROW_OWNER, UNITS_MAX } = layout;

/** Hashes keys of records by address; the log implements it. */
export interface RecordHasher {
  readonly high: number;
  readonly low: number;
  /** True if the records of a segment can be hashed without waiting. */
  isInMemory(segment: number): boolean;
  /** Makes `high` and `low` the hash of the key of a record that is in memory. */
  hashRecord(segment: number, unit: number): void;
}

/** Below this share of its slots a sub-table of several units gives some back. */
const SHRINK_LOAD = 0.3;
/** A sub-table of one unit with fewer keys than this looks for its neighbour. */
const MERGE_COUNT_MAX = 32;
/** Two neighbours become one unit if they hold at most this many keys together. */
const MERGED_COUNT_MAX = 64;

export class Reshaper {
  readonly #tables: SubTables;
  readonly #hasher: RecordHasher;
  readonly #scratch = new Int32Array(2 * UNITS_MAX * layout.UNIT_SLOTS);
  readonly #mergeScratch = new Int32Array(2 * layout.UNIT_SLOTS);

  constructor(tables: SubTables, hasher: RecordHasher) {
    this.#tables = tables;
    this.#hasher = hasher;
  }

  /** Makes room in a sub-table: one unit more, or two sub-tables instead of one. The row may name other keys afterwards. */
  grow(row: number): void {
    const count = this.#tables.collect(row, this.#scratch, 0);
    this.#settle(row, this.#scratch, 0, count, this.#tables.rows[row + ROW_UNIT_COUNT]! + 1);
  }

  /** Gives memory back where few keys are left. The row may be gone afterwards. */
  shrink(row: number): void {
    const rows = this.#tables.rows;
    const count = rows[row + ROW_COUNT]!;
    const unitCount = rows[row + ROW_UNIT_COUNT]!;
    if (unitCount > 1) {
      if (count < SHRINK_LOAD * unitCount * layout.UNIT_SLOTS) this.#reduce(row, layout.unitsFor(count));
    } else if (count < MERGE_COUNT_MAX && rows[row + ROW_DEPTH]! > 0) {
      this.#merge(row);
    }
  }

  /** Lays out slots in a row with at least `unitCount` units, splitting as often as it takes. */
  #settle(row: number, slots: Int32Array, from: number, count: number, unitCount: number): void {
    for (let units = unitCount; units <= UNITS_MAX; units++) {
      this.#tables.allocateUnits(row, units);
      if (this.#tables.spread(row, slots, from, count)) return;
    }
    this.#split(row, slots, from, count);
  }

  #split(row: number, slots: Int32Array, from: number, count: number): void {
    const tables = this.#tables;
    const keyspace = tables.rows[row + ROW_OWNER]!;
    const depth = tables.rows[row + ROW_DEPTH]!;
    if (depth === tables.directoryDepth(keyspace)) tables.doubleDirectory(keyspace);

    let tagBase = tables.rows[row + ROW_TAG_BASE]!;
    if (tagBase + layout.TAG_BITS - (depth + 1) < layout.DISCRIMINATING_BITS_MIN) {
      if (this.#retag(slots, from, count, depth)) tagBase = depth;
      assert(tagBase + layout.TAG_BITS > depth + 1, "index tags have no bit left to split a sub-table by");
    }
    const boundary = from + this.#boundary(slots, from, count, layout.TAG_BITS - 1 - (depth - tagBase));

    const prefix = tables.rows[row + ROW_PREFIX]!;
    const upper = tables.allocateRow(keyspace, prefix | (1 << (31 - depth)), depth + 1, tagBase);
    tables.rows[row + ROW_DEPTH] = depth + 1;
    tables.rows[row + ROW_TAG_BASE] = tagBase;
    tables.nameInDirectory(row);
    tables.nameInDirectory(upper);

    const lowerCount = boundary - from;
    const upperCount = count - lowerCount;
    tables.releaseUnits(row, Math.min(layout.unitsFor(lowerCount), tables.rows[row + ROW_UNIT_COUNT]!));
    this.#settle(row, slots, from, lowerCount, layout.unitsFor(lowerCount));
    this.#settle(upper, slots, boundary, upperCount, layout.unitsFor(upperCount));
  }

  /** How many of the ordered slots have the given bit of their tag clear, all higher bits being equal. */
  #boundary(slots: Int32Array, from: number, count: number, tagBit: number): number {
    const mask = 1 << (tagBit + layout.TAG_SHIFT);
    let lower = 0;
    while (lower < count && (slots[(from + lower) * 2]! & mask) === 0) lower++;
    return lower;
  }

  /** Takes the tags of ordered slots anew from bit `tagBase` and orders them; false (nothing changed) if a record is not in memory. */
  #retag(slots: Int32Array, from: number, count: number, tagBase: number): boolean {
    for (let i = from; i < from + count; i++) {
      if (!this.#hasher.isInMemory(segmentOf(slots[2 * i]!, slots[2 * i + 1]!))) return false;
    }
    for (let i = from; i < from + count; i++) {
      const high = slots[2 * i]!;
      const low = slots[2 * i + 1]!;
      this.#hasher.hashRecord(segmentOf(high, low), low & 0xfffff);
      const tag = layout.tagOf(this.#hasher.high, this.#hasher.low, tagBase);
      const retagged = (tag << layout.TAG_SHIFT) | (high & ((1 << layout.TAG_SHIFT) - 1));
      // The slots are nearly in order already: equal old tags are the only ones that can change places.
      let to = i;
      while (to > from && slots[2 * to - 2]! >>> layout.TAG_SHIFT > tag) {
        slots[2 * to] = slots[2 * to - 2]!;
        slots[2 * to + 1] = slots[2 * to - 1]!;
        to--;
      }
      slots[2 * to] = retagged;
      slots[2 * to + 1] = low;
    }
    return true;
  }

  #reduce(row: number, unitCount: number): void {
    const tables = this.#tables;
    tables.beforeChange(row);
    const before = tables.rows[row + ROW_UNIT_COUNT]!;
    const count = tables.collect(row, this.#scratch, 0);
    tables.releaseUnits(row, unitCount);
    if (!tables.spread(row, this.#scratch, 0, count))
      this.#settle(row, this.#scratch, 0, count, unitCount + 1);
    assert(tables.rows[row + ROW_UNIT_COUNT]! <= before, "a sub-table grew while shrinking");
  }

  #merge(row: number): void {
    const tables = this.#tables;
    const rows = tables.rows;
    const keyspace = rows[row + ROW_OWNER]!;
    const depth = rows[row + ROW_DEPTH]!;
    const bit = 1 << (32 - depth);
    const other = tables.rowFor(keyspace, rows[row + ROW_PREFIX]! ^ bit);
    if (rows[other + ROW_DEPTH] !== depth || rows[other + ROW_UNIT_COUNT] !== 1) return;
    if (rows[row + ROW_COUNT]! + rows[other + ROW_COUNT]! > MERGED_COUNT_MAX) return;

    const lower = (rows[row + ROW_PREFIX]! & bit) === 0 ? row : other;
    const upper = lower === row ? other : row;
    const slots = this.#mergeScratch;
    const lowerCount = tables.collect(lower, slots, 0);
    const upperCount = tables.collect(upper, slots, lowerCount);
    let tagBase = rows[lower + ROW_TAG_BASE]!;
    if (tagBase > depth - 1 || rows[upper + ROW_TAG_BASE] !== tagBase) {
      tagBase = depth - 1;
      if (!this.#retag(slots, 0, lowerCount, tagBase)) return;
      if (!this.#retag(slots, lowerCount, upperCount, tagBase)) return;
    }

    // Read before anything is written: the merged layout may not fit, and then the two stay as they are.
    if (!this.#fitsOneUnit(slots, lowerCount + upperCount, depth - 1 - tagBase)) return;
    tables.beforeChange(lower);
    tables.beforeChange(upper);
    tables.leaveDepth(keyspace, depth);
    tables.leaveDepth(keyspace, depth);
    tables.releaseRow(upper);
    rows[lower + ROW_DEPTH] = depth - 1;
    rows[lower + ROW_TAG_BASE] = tagBase;
    tables.nameInDirectory(lower);
    const fits = tables.spread(lower, slots, 0, lowerCount + upperCount);
    assert(fits, "merged sub-tables fit, as was tried");
    tables.halveDirectory(keyspace);
  }

  #fitsOneUnit(slots: Int32Array, count: number, bitsAbove: number): boolean {
    const span = layout.homeSpan(1);
    let next = 0;
    for (let i = 0; i < count; i++) {
      const home = layout.homeOf(slots[2 * i]! >>> layout.TAG_SHIFT, bitsAbove, span);
      next = (home > next ? home : next) + 1;
    }
    return next < layout.UNIT_SLOTS;
  }
}

function segmentOf(high: number, low: number): number {
  return ((high & layout.SLOT_SEGMENT_MASK) << 12) | (low >>> 20);
}

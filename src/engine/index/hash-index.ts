/**
 * Finds, inserts and removes slots by hash: the probe.
 *
 * Hot-path file: nothing here allocates, except when a sub-table grows. A probe is `seek`, then `next` as long
 * as the record at the address is not the one wanted; it leaves the index placed on a slot, or on the place where
 * the key belongs. The placement is void after any other call that seeks, inserts, removes or reshapes.
 *
 * Invariants: those of SubTables; every change of a slot but its access bits moves the row's version on.
 *
 * The index never reads records: comparing keys is the caller's work, so addresses may point to any medium.
 */
import * as layout from "./layout.ts";
import { type RecordHasher, Reshaper } from "./reshaper.ts";
import type { SubTables } from "./sub-tables.ts";

// Named again in this module: V8 folds a module's own constants into the code, imported ones it reads.
const ROW_DEPTH = layout.ROW_DEPTH;
const ROW_TAG_BASE = layout.ROW_TAG_BASE;
const ROW_UNIT_COUNT = layout.ROW_UNIT_COUNT;
const ROW_COUNT = layout.ROW_COUNT;
const ROW_VOLATILE_COUNT = layout.ROW_VOLATILE_COUNT;
const ROW_OWNER = layout.ROW_OWNER;
const ROW_UNITS = layout.ROW_UNITS;
const ROW_NONE = layout.ROW_NONE;
const UNIT_SLOTS = layout.UNIT_SLOTS;
const UNIT_WORD_MASK = layout.UNIT_WORDS - 1;
const TAG_SHIFT = layout.TAG_SHIFT;
const SLOT_VOLATILE = layout.SLOT_VOLATILE;
const SLOT_ACCESS_MASK = layout.SLOT_ACCESS_MASK;
const SLOT_ACCESS_ONE = layout.SLOT_ACCESS_ONE;
const SLOT_SEGMENT_MASK = layout.SLOT_SEGMENT_MASK;
const SLOT_EMPTY = layout.SLOT_EMPTY;
const RUN_OFF_SLOTS = layout.RUN_OFF_SLOTS;

export class HashIndex {
  // `declare`: no initial undefined, so V8 learns what the field holds and need not check it on each access.
  declare readonly tables: SubTables;
  declare private readonly slabs: Int32Array[];
  declare private readonly reshaper: Reshaper;
  /** While true removals leave sub-tables as large as they are. */
  #batching = false;

  // The placement: which slot, or the place where one belongs.
  row = ROW_NONE;
  /** The slab and the index of the slot's first word in it. */
  declare slab: Int32Array;
  word = 0;
  unitIndex = 0;
  #tag = 0;

  constructor(tables: SubTables, hasher: RecordHasher) {
    this.tables = tables;
    this.reshaper = new Reshaper(tables, hasher);
    this.slabs = tables.units.slabs;
    this.slab = this.slabs[0]!;
  }

  /** Places the index on the first slot with the hash's tag; false if there is none. */
  seek(keyspace: number, high: number, low: number): boolean {
    const tables = this.tables;
    const rows = tables.rows;
    const row = tables.directories[keyspace]![high >>> tables.shifts[keyspace]!]!;
    const base = rows[row + ROW_TAG_BASE]!;
    let tag = (base === 0 ? high : (high << base) | (low >>> (32 - base))) >>> 7;
    if (tag === 0x1ff_ffff) tag = 0x1ff_fffe;
    const span = rows[row + ROW_UNIT_COUNT]! * UNIT_SLOTS - RUN_OFF_SLOTS;
    const fraction = (tag << (rows[row + ROW_DEPTH]! - base)) & 0x1ff_ffff;
    const home = Math.imul(fraction >>> 4, span) >>> 21;

    let unitIndex = home >>> 7;
    let unit = rows[row + ROW_UNITS + unitIndex]!;
    const slabs = this.slabs;
    let slab = slabs[unit >>> 10]!;
    let word = ((unit & 1023) << 8) + ((home & 127) << 1);
    let found = slab[word]! >>> TAG_SHIFT;
    // The last slot of a sub-table is empty, and an empty slot compares as the largest tag.
    while (found < tag) {
      word += 2;
      if ((word & UNIT_WORD_MASK) === 0) {
        unitIndex++;
        unit = rows[row + ROW_UNITS + unitIndex]!;
        slab = slabs[unit >>> 10]!;
        word = (unit & 1023) << 8;
      }
      found = slab[word]! >>> TAG_SHIFT;
    }
    this.row = row;
    this.slab = slab;
    this.word = word;
    this.unitIndex = unitIndex;
    this.#tag = tag;
    return found === tag;
  }

  /** Back to a placement that `seek` found, which is right as long as `tables.changes` is what it was then. */
  placeAgain(row: number, unitIndex: number, word: number): void {
    this.row = row;
    this.unitIndex = unitIndex;
    const slab = this.slabs[this.tables.rows[row + ROW_UNITS + unitIndex]! >>> 10]!;
    this.slab = slab;
    this.word = word;
    this.#tag = slab[word]! >>> TAG_SHIFT;
  }

  /** Where a probe for the hash begins: slab number << 18 | word in the slab. Changes nothing. */
  homeWord(keyspace: number, high: number, low: number): number {
    const tables = this.tables;
    const rows = tables.rows;
    const row = tables.directories[keyspace]![high >>> tables.shifts[keyspace]!]!;
    const base = rows[row + ROW_TAG_BASE]!;
    const tag = (base === 0 ? high : (high << base) | (low >>> (32 - base))) >>> 7;
    const span = rows[row + ROW_UNIT_COUNT]! * UNIT_SLOTS - RUN_OFF_SLOTS;
    const fraction = (tag << (rows[row + ROW_DEPTH]! - base)) & 0x1ff_ffff;
    const home = Math.imul(fraction >>> 4, span) >>> 21;
    const unit = rows[row + ROW_UNITS + (home >>> 7)]!;
    return (unit << 8) + ((home & 127) << 1);
  }

  /** Goes on to the next slot with the same tag; false, and placed where the key belongs, if there is none. */
  next(): boolean {
    this.word += 2;
    if ((this.word & UNIT_WORD_MASK) === 0) this.#enterUnit(this.unitIndex + 1);
    return this.slab[this.word]! >>> TAG_SHIFT === this.#tag;
  }

  /** Segment of the slot that the index is placed on. */
  get segment(): number {
    const slab = this.slab;
    const word = this.word;
    return ((slab[word]! & SLOT_SEGMENT_MASK) << 12) | (slab[word + 1]! >>> 20);
  }

  /** Offset in the segment, in 8-byte units. */
  get unit(): number {
    return this.slab[this.word + 1]! & 0xfffff;
  }

  get isVolatile(): boolean {
    return (this.slab[this.word]! & SLOT_VOLATILE) !== 0;
  }

  /** Position in the row of the slot that the index is placed on. */
  get placedSlot(): number {
    return (this.unitIndex << 7) + ((this.word & UNIT_WORD_MASK) >>> 1);
  }

  /** Counts one access in the slot's two bits, up to three; writes only when that changes them. */
  markAccess(): void {
    const high = this.slab[this.word]!;
    if ((high & SLOT_ACCESS_MASK) !== SLOT_ACCESS_MASK) this.slab[this.word] = high + SLOT_ACCESS_ONE;
  }

  /**
   * Inserts a slot for a key that the last probe found absent; the placement must be that probe's, and the record
   * written, because growth may hash its key. True if the index is placed on the new slot, false if its
   * sub-table grew.
   */
  insert(keyspace: number, segment: number, unit: number, isVolatile: boolean): boolean {
    const tables = this.tables;
    if (this.row === ROW_NONE) {
      // The first sub-table has the shape of the empty one that was probed: the key's place is the same.
      const offset = this.word & UNIT_WORD_MASK;
      tables.create(keyspace);
      this.row = tables.rowFor(keyspace, 0);
      this.#enterUnit(0);
      this.word += offset;
    }
    const row = this.row;
    tables.beforeChange(row);
    const flags = isVolatile ? SLOT_VOLATILE : 0;
    const slotHigh = (this.#tag << TAG_SHIFT) | flags | (segment >>> 12);
    const reachedEnd = this.#shiftIn(slotHigh, (segment << 20) | unit);

    const rows = tables.rows;
    const count = ++rows[row + ROW_COUNT]!;
    tables.counts[keyspace]!++;
    if (isVolatile) {
      rows[row + ROW_VOLATILE_COUNT]!++;
      tables.volatileCounts[keyspace]!++;
    }
    tables.touch(row);
    if (!reachedEnd && count <= layout.growthLimit(rows[row + ROW_UNIT_COUNT]!)) return true;
    this.reshaper.grow(row);
    return false;
  }

  /** Gives the slot another address, and sets its volatile bit. */
  pointTo(segment: number, unit: number, isVolatile: boolean): void {
    const slab = this.slab;
    const word = this.word;
    this.tables.beforeChange(this.row);
    slab[word] = (slab[word]! & ~SLOT_SEGMENT_MASK) | (segment >>> 12);
    slab[word + 1] = (segment << 20) | unit;
    this.setVolatile(isVolatile);
    this.tables.touch(this.row);
  }

  /** Sets the slot's volatile bit and keeps the counts; does nothing if it is so already. */
  setVolatile(isVolatile: boolean): void {
    const high = this.slab[this.word]!;
    if (((high & SLOT_VOLATILE) !== 0) === isVolatile) return;
    const tables = this.tables;
    tables.beforeChange(this.row);
    this.slab[this.word] = high ^ SLOT_VOLATILE;
    const step = isVolatile ? 1 : -1;
    tables.rows[this.row + ROW_VOLATILE_COUNT]! += step;
    tables.volatileCounts[tables.rows[this.row + ROW_OWNER]!]! += step;
    tables.touch(this.row);
  }

  /** Removes the slot that the index is placed on and closes the gap. The placement is void afterwards. */
  removeCurrent(): void {
    const tables = this.tables;
    const row = this.row;
    const rows = tables.rows;
    const keyspace = rows[row + ROW_OWNER]!;
    tables.beforeChange(row);
    if (this.isVolatile) {
      rows[row + ROW_VOLATILE_COUNT]!--;
      tables.volatileCounts[keyspace]!--;
    }
    rows[row + ROW_COUNT]!--;
    tables.counts[keyspace]!--;
    tables.touch(row);
    this.#shiftOut();
    if (!this.#batching) this.reshaper.shrink(row);
  }

  /** Until `endBatch` removals leave sub-tables as large as they are, so that a walk over one can remove from it. */
  beginBatch(): void {
    this.#batching = true;
  }

  /** Ends a batch of removals, all of them from `row`. */
  endBatch(row: number): void {
    this.#batching = false;
    if (row !== ROW_NONE) this.reshaper.shrink(row);
  }

  /** Places the index on a slot by its position in a row; false if that slot is empty. */
  place(row: number, slot: number): boolean {
    this.row = row;
    this.#enterUnit(slot >>> 7);
    this.word += (slot & 127) << 1;
    this.#tag = this.slab[this.word]! >>> TAG_SHIFT;
    return this.slab[this.word + 1] !== SLOT_EMPTY;
  }

  #enterUnit(unitIndex: number): void {
    const unit = this.tables.rows[this.row + ROW_UNITS + unitIndex]!;
    this.unitIndex = unitIndex;
    this.slab = this.slabs[unit >>> 10]!;
    this.word = (unit & 1023) << 8;
  }

  /** Writes a slot at the placement and moves the following ones up to the next empty slot. True if that was the last slot. */
  #shiftIn(high: number, low: number): boolean {
    const tables = this.tables;
    const rows = tables.rows;
    const row = this.row;
    let unitIndex = this.unitIndex;
    let slab = this.slab;
    let word = this.word;
    for (;;) {
      const nextHigh = slab[word]!;
      const nextLow = slab[word + 1]!;
      slab[word] = high;
      slab[word + 1] = low;
      if (nextLow === SLOT_EMPTY) break;
      high = nextHigh;
      low = nextLow;
      word += 2;
      if ((word & UNIT_WORD_MASK) === 0) {
        unitIndex++;
        const unit = rows[row + ROW_UNITS + unitIndex]!;
        slab = this.slabs[unit >>> 10]!;
        word = (unit & 1023) << 8;
      }
    }
    return (word & UNIT_WORD_MASK) === UNIT_WORD_MASK - 1 && unitIndex === rows[row + ROW_UNIT_COUNT]! - 1;
  }

  /** Closes the gap at the placement: moves slots down until one is at home or empty. */
  #shiftOut(): void {
    const tables = this.tables;
    const rows = tables.rows;
    const row = this.row;
    const span = layout.homeSpan(rows[row + ROW_UNIT_COUNT]!);
    const bitsAbove = rows[row + ROW_DEPTH]! - rows[row + ROW_TAG_BASE]!;
    let unitIndex = this.unitIndex;
    let slab = this.slab;
    let word = this.word;
    for (;;) {
      let nextSlab = slab;
      let nextWord = word + 2;
      if ((nextWord & UNIT_WORD_MASK) === 0) {
        unitIndex++;
        // The last slot of the last unit is empty and ends the loop before it could leave the sub-table.
        const unit = rows[row + ROW_UNITS + unitIndex]!;
        nextSlab = this.slabs[unit >>> 10]!;
        nextWord = (unit & 1023) << 8;
      }
      const high = nextSlab[nextWord]!;
      const position = (unitIndex << 7) + ((nextWord & UNIT_WORD_MASK) >>> 1);
      if (high === SLOT_EMPTY) break;
      if (layout.homeOf(high >>> TAG_SHIFT, bitsAbove, span) === position) break;
      slab[word] = high;
      slab[word + 1] = nextSlab[nextWord + 1]!;
      slab = nextSlab;
      word = nextWord;
    }
    slab[word] = SLOT_EMPTY;
    slab[word + 1] = SLOT_EMPTY;
  }
}

/**
 * Where the index keeps its sub-tables: rows, units, and per keyspace a directory from hash prefix to row.
 *
 * Invariants
 *  - Directory entry i of a keyspace of depth D names the row whose prefix is the top bits of i; a row of depth
 *    d is named by 2^(D-d) neighbouring entries; 1 <= D.
 *  - In a sub-table the slots in use are in order of their tags, no slot is before the home of its tag, there is
 *    no empty slot between a tag's home and its slot, and the last slot is empty.
 *  - `counts` and `volatileCounts` are the sums over the keyspace's rows.
 *
 * An ordered table instead of a hashed one: it can be walked in hash order, split at one point, and a probe for
 * an absent key ends as early as one for a present key. Growth is per sub-table, so no step is ever long.
 */

import { assert } from "../../base/assert.ts";
import type { Buffers } from "../../ports/buffers.ts";
import * as layout from "./layout.ts";
import { SLAB_SHIFT, SLAB_UNIT_MASK, UNIT_WORD_SHIFT, UnitPool } from "./unit-pool.ts";

const { ROW_WORDS, ROW_DEPTH, ROW_TAG_BASE, ROW_UNIT_COUNT, ROW_COUNT, ROW_VOLATILE_COUNT } = layout;
const { ROW_VERSION, ROW_PREFIX, ROW_OWNER, ROW_UNITS, ROW_NONE, UNIT_SLOTS, UNIT_WORDS, SLOT_EMPTY } =
  layout;

/** What every empty keyspace has. Shared and never written. */
const EMPTY_DIRECTORY = new Int32Array(2);
const EMPTY_SHIFT = 31;

/** The sub-tables of a keyspace that was flushed, waiting to be walked and freed. */
export interface DetachedDirectory {
  readonly directory: Int32Array;
  next: number;
}

/** Told of what becomes of sub-tables while the index is being captured. */
export interface RowObserver {
  /** The row's slots or shape are about to change, or the row is about to be freed. */
  beforeChange(row: number): void;
  /** The keyspace was emptied: its sub-tables are reached through `directory` alone until they are freed. */
  detached(keyspace: number, directory: Int32Array): void;
}

/** One sub-table as whoever copies the index sees it. */
export interface SubTableView {
  /** Internal keyspace number. */
  readonly keyspace: number;
  readonly row: number;
  readonly count: number;
  readonly version: number;
}

export class SubTables {
  // `declare`: no initial undefined, so V8 learns what the fields hold and need not check it on each access.
  declare readonly keyspaces: number;
  readonly units: UnitPool;
  rows = new Int32Array(64 * ROW_WORDS);
  /** Per keyspace: row names by hash prefix. */
  readonly directories: Int32Array[] = [];
  /** Per keyspace: 32 - D, so that `high >>> shift` is the directory index. */
  declare readonly shifts: Int32Array;
  declare readonly counts: Int32Array;
  declare readonly volatileCounts: Int32Array;
  /** Per keyspace: rows whose depth is D; at zero the directory can be halved. */
  readonly #deepestRows: Int32Array;
  #rowsEnd = ROW_WORDS;
  #freeRows: number[] = [];
  #directoryBytes = 0;
  /** Changes of slots so far, as an int32 that wraps; equal counts mean that no slot has moved. */
  changes = 0;
  /** Whoever captures the index now. */
  observer: RowObserver | undefined = undefined;
  /** By row number: the last capture that has the row, or during which it was created. */
  #marks = new Int32Array(64);
  #captures = 0;

  constructor(keyspaces: number, buffers: Buffers) {
    this.units = new UnitPool(buffers);
    this.keyspaces = keyspaces;
    this.shifts = new Int32Array(keyspaces).fill(EMPTY_SHIFT);
    this.counts = new Int32Array(keyspaces);
    this.volatileCounts = new Int32Array(keyspaces);
    this.#deepestRows = new Int32Array(keyspaces);
    for (let i = 0; i < keyspaces; i++) this.directories.push(EMPTY_DIRECTORY);
    this.rows[ROW_NONE + ROW_UNIT_COUNT] = 1;
  }

  /** Bytes in use by units, rows and directories. */
  get usedBytes(): number {
    return this.units.usedBytes + this.rowBytes + this.#directoryBytes;
  }

  get rowBytes(): number {
    return this.#rowsEnd * 4;
  }

  get directoryBytes(): number {
    return this.#directoryBytes;
  }

  rowFor(keyspace: number, high: number): number {
    return this.directories[keyspace]![high >>> this.shifts[keyspace]!]!;
  }

  isEmptyKeyspace(keyspace: number): boolean {
    return this.directories[keyspace] === EMPTY_DIRECTORY;
  }

  /** Gives an empty keyspace its first sub-table: one unit at depth 0. */
  create(keyspace: number): void {
    assert(this.isEmptyKeyspace(keyspace), "only an empty keyspace is given a first sub-table");
    const row = this.allocateRow(keyspace, 0, 0, 0);
    this.allocateUnits(row, 1);
    this.#setDirectory(keyspace, new Int32Array(2).fill(row), 31);
  }

  /** Marks a sub-table as changed. One counter for all rows, so that a reused row never repeats a version. */
  touch(row: number): void {
    this.rows[row + ROW_VERSION] = this.changes = (this.changes + 1) | 0;
  }

  /** To be called before the slots or the shape of a row change. */
  beforeChange(row: number): void {
    if (this.observer !== undefined) this.observer.beforeChange(row);
  }

  /** Takes every mark away. */
  beginMarks(): void {
    this.#captures++;
  }

  /** Marks a row; false if it is marked already. */
  mark(row: number): boolean {
    const number = row / ROW_WORDS;
    if (this.#marks[number] === this.#captures) return false;
    this.#marks[number] = this.#captures;
    return true;
  }

  /** A row without units. */
  allocateRow(keyspace: number, prefix: number, depth: number, tagBase: number): number {
    let row = this.#freeRows.pop();
    if (row === undefined) {
      row = this.#rowsEnd;
      this.#rowsEnd += ROW_WORDS;
      if (this.#rowsEnd > this.rows.length) {
        const grown = new Int32Array(this.rows.length * 2);
        grown.set(this.rows);
        this.rows = grown;
        const marks = new Int32Array(grown.length / ROW_WORDS);
        marks.set(this.#marks);
        this.#marks = marks;
      }
    }
    this.#marks[row / ROW_WORDS] = this.#captures;
    this.rows.fill(0, row, row + ROW_WORDS);
    this.rows[row + ROW_OWNER] = keyspace;
    this.rows[row + ROW_PREFIX] = prefix;
    this.rows[row + ROW_DEPTH] = depth;
    this.rows[row + ROW_TAG_BASE] = tagBase;
    return row;
  }

  /** Frees a row with its units; the directory no longer names it. */
  releaseRow(row: number): void {
    this.releaseUnits(row, 0);
    this.rows[row + ROW_COUNT] = 0;
    this.#freeRows.push(row);
  }

  /** Makes the row's unit count `unitCount`; the new units are empty. */
  allocateUnits(row: number, unitCount: number): void {
    for (let i = this.rows[row + ROW_UNIT_COUNT]!; i < unitCount; i++) {
      this.rows[row + ROW_UNITS + i] = this.units.allocate();
    }
    this.rows[row + ROW_UNIT_COUNT] = unitCount;
  }

  /** Gives back the units from number `unitCount` on; their slots must be elsewhere already. */
  releaseUnits(row: number, unitCount: number): void {
    for (let i = unitCount; i < this.rows[row + ROW_UNIT_COUNT]!; i++) {
      this.units.release(this.rows[row + ROW_UNITS + i]!);
    }
    this.rows[row + ROW_UNIT_COUNT] = unitCount;
  }

  /** The slab that holds unit `index` of a row. */
  slabOf(row: number, index: number): Int32Array {
    return this.units.slabs[this.rows[row + ROW_UNITS + index]! >>> SLAB_SHIFT]!;
  }

  /** First word of unit `index` of a row in its slab. */
  firstWordOf(row: number, index: number): number {
    return (this.rows[row + ROW_UNITS + index]! & SLAB_UNIT_MASK) << UNIT_WORD_SHIFT;
  }

  /** Copies the slots in use, in order, to `target` from pair `at`; returns how many. */
  collect(row: number, target: Int32Array, at: number): number {
    let to = at * 2;
    const unitCount = this.rows[row + ROW_UNIT_COUNT]!;
    for (let i = 0; i < unitCount; i++) {
      const slab = this.slabOf(row, i);
      const first = this.firstWordOf(row, i);
      for (let word = first; word < first + UNIT_WORDS; word += 2) {
        const low = slab[word + 1]!;
        if (low === SLOT_EMPTY) continue;
        target[to] = slab[word]!;
        target[to + 1] = low;
        to += 2;
      }
    }
    return to / 2 - at;
  }

  /**
   * Empties the sub-table and lays out `count` ordered slots from `source`; sets its counts. False if the slots do
   * not fit before the last slot: the sub-table is then unusable until it is spread again.
   */
  spread(row: number, source: Int32Array, from: number, count: number): boolean {
    const rows = this.rows;
    const unitCount = rows[row + ROW_UNIT_COUNT]!;
    for (let i = 0; i < unitCount; i++) this.units.clear(rows[row + ROW_UNITS + i]!);
    const span = layout.homeSpan(unitCount);
    const last = unitCount * UNIT_SLOTS - 1;
    const bitsAbove = rows[row + ROW_DEPTH]! - rows[row + ROW_TAG_BASE]!;
    let volatiles = 0;
    let next = 0;
    for (let i = 0; i < count; i++) {
      const high = source[(from + i) * 2]!;
      const home = layout.homeOf(high >>> layout.TAG_SHIFT, bitsAbove, span);
      const slot = home > next ? home : next;
      if (slot >= last) return false;
      const slab = this.slabOf(row, slot >>> 7);
      const word = this.firstWordOf(row, slot >>> 7) + ((slot & 127) << 1);
      slab[word] = high;
      slab[word + 1] = source[(from + i) * 2 + 1]!;
      if ((high & layout.SLOT_VOLATILE) !== 0) volatiles++;
      next = slot + 1;
    }
    rows[row + ROW_COUNT] = count;
    rows[row + ROW_VOLATILE_COUNT] = volatiles;
    this.touch(row);
    return true;
  }

  /**
   * Takes in a sub-table of an index image: `count` ordered slots from pair `from` of `source`. Rows come in any order;
   * `finishAdopting` follows the last one. False if it overlaps another one or cannot be laid out.
   */
  adoptRow(
    keyspace: number,
    prefix: number,
    depth: number,
    tagBase: number,
    source: Int32Array,
    from: number,
    count: number,
  ): boolean {
    if (this.isEmptyKeyspace(keyspace)) this.#setDirectory(keyspace, new Int32Array(2), EMPTY_SHIFT);
    while (this.directoryDepth(keyspace) < depth) this.doubleDirectory(keyspace);
    const directory = this.directories[keyspace]!;
    const first = prefix >>> this.shifts[keyspace]!;
    const end = first + (1 << (this.directoryDepth(keyspace) - depth));
    for (let i = first; i < end; i++) if (directory[i] !== ROW_NONE) return false;
    const row = this.allocateRow(keyspace, prefix, depth, tagBase);
    this.nameInDirectory(row);
    for (let units = layout.unitsFor(count); units <= layout.UNITS_MAX; units++) {
      this.allocateUnits(row, units);
      if (!this.spread(row, source, from, count)) continue;
      this.counts[keyspace]! += count;
      this.volatileCounts[keyspace]! += this.rows[row + ROW_VOLATILE_COUNT]!;
      return true;
    }
    return false;
  }

  /** True if the adopted sub-tables of every keyspace leave no hash without one. */
  finishAdopting(): boolean {
    return this.directories.every(
      (directory) => directory === EMPTY_DIRECTORY || !directory.includes(ROW_NONE),
    );
  }

  /** Depth of a keyspace's directory. */
  directoryDepth(keyspace: number): number {
    return 32 - this.shifts[keyspace]!;
  }

  /** Doubles the directory: every row is then named twice as often. */
  doubleDirectory(keyspace: number): void {
    const old = this.directories[keyspace]!;
    const shift = this.shifts[keyspace]!;
    assert(
      32 - shift < layout.DEPTH_MAX,
      "too many keys share a hash prefix: the index cannot split further",
    );
    const grown = new Int32Array(old.length * 2);
    for (let i = 0; i < old.length; i++) {
      grown[2 * i] = old[i]!;
      grown[2 * i + 1] = old[i]!;
    }
    this.#setDirectory(keyspace, grown, shift - 1);
    this.#deepestRows[keyspace] = 0;
  }

  /** Makes all entries of the row's prefix name it. Call after its depth has changed or it was created. */
  nameInDirectory(row: number): void {
    const keyspace = this.rows[row + ROW_OWNER]!;
    const depth = this.rows[row + ROW_DEPTH]!;
    const directory = this.directories[keyspace]!;
    const span = 1 << (this.directoryDepth(keyspace) - depth);
    const first = this.rows[row + ROW_PREFIX]! >>> this.shifts[keyspace]!;
    directory.fill(row, first, first + span);
    if (span === 1) this.#deepestRows[keyspace]!++;
  }

  /** Notes that a row at `depth` is about to change its depth or go. */
  leaveDepth(keyspace: number, depth: number): void {
    if (depth === this.directoryDepth(keyspace)) this.#deepestRows[keyspace]!--;
  }

  /** Halves the directory while no row needs its last bit. */
  halveDirectory(keyspace: number): void {
    while (this.#deepestRows[keyspace] === 0 && this.shifts[keyspace]! < EMPTY_SHIFT) {
      const old = this.directories[keyspace]!;
      const halved = new Int32Array(old.length / 2);
      let deepest = 0;
      const depth = this.directoryDepth(keyspace) - 1;
      for (let i = 0; i < halved.length; i++) {
        halved[i] = old[2 * i]!;
        if (this.rows[halved[i]! + ROW_DEPTH] === depth) deepest++;
      }
      this.#setDirectory(keyspace, halved, this.shifts[keyspace]! + 1);
      this.#deepestRows[keyspace] = deepest;
    }
  }

  /** Empties the keyspace at once; its former sub-tables are the caller's, to be freed row by row. */
  detach(keyspace: number): DetachedDirectory {
    const directory = this.directories[keyspace]!;
    if (this.observer !== undefined) this.observer.detached(keyspace, directory);
    this.changes = (this.changes + 1) | 0;
    this.#directoryBytes -= directory === EMPTY_DIRECTORY ? 0 : directory.byteLength;
    this.directories[keyspace] = EMPTY_DIRECTORY;
    this.shifts[keyspace] = EMPTY_SHIFT;
    this.counts[keyspace] = 0;
    this.volatileCounts[keyspace] = 0;
    this.#deepestRows[keyspace] = 0;
    return { directory: directory === EMPTY_DIRECTORY ? new Int32Array(0) : directory, next: 0 };
  }

  /** Every sub-table in use, keyspace by keyspace in hash order; equal versions mean equal contents. */
  *views(): Generator<SubTableView> {
    for (let keyspace = 0; keyspace < this.keyspaces; keyspace++) {
      let previous = ROW_NONE;
      for (const row of this.directories[keyspace]!) {
        if (row === previous) continue;
        previous = row;
        yield { keyspace, row, count: this.rows[row + ROW_COUNT]!, version: this.rows[row + ROW_VERSION]! };
      }
    }
  }

  /** Drops all rows and units at once: every keyspace must have been detached. */
  reset(): void {
    for (let i = 0; i < this.keyspaces; i++)
      assert(this.isEmptyKeyspace(i), "reset of an index that is in use");
    assert(this.observer === undefined, "reset of an index that is being captured");
    this.units.reset();
    this.#marks = new Int32Array(64);
    this.rows = new Int32Array(64 * ROW_WORDS);
    this.rows[ROW_NONE + ROW_UNIT_COUNT] = 1;
    this.#rowsEnd = ROW_WORDS;
    this.#freeRows = [];
  }

  #setDirectory(keyspace: number, directory: Int32Array, shift: number): void {
    const old = this.directories[keyspace]!;
    this.#directoryBytes += directory.byteLength - (old === EMPTY_DIRECTORY ? 0 : old.byteLength);
    this.directories[keyspace] = directory;
    this.shifts[keyspace] = shift;
  }
}

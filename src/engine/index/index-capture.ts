/**
 * The index as it was at one instant, copied sub-table by sub-table while it goes on changing.
 *
 * Invariants
 *  - Every sub-table of the instant is copied exactly once: by `copyRows`, or just before it changes or is freed.
 *  - A row that carries the capture's mark has been copied, or did not exist at the instant.
 *  - Order means nothing: rows come as they are met.
 *
 * Marks beside the rows, not the rows' versions: versions are int32 counters that wrap within hours, and a wrapped one would
 * say of an old sub-table that it is new.
 *
 * Nothing is copied at the instant itself, so it costs the same for any number of keys; what is copied early because a write
 * comes first is a few KiB per sub-table.
 */
import { assert } from "../../base/assert.ts";
import type { Buffers } from "../../ports/buffers.ts";
import * as layout from "./layout.ts";
import { ROW_BYTES_MAX, writeRow } from "./row-format.ts";
import type { RowObserver, SubTables } from "./sub-tables.ts";

const { ROW_DEPTH, ROW_PREFIX, ROW_NONE } = layout;
const HASH_END = 2 ** 32;
/** Large enough to be a mapping of its own, which goes back to the system at once: 22 MB of garbage would stay for minutes. */
const BLOCK_BYTES = 256 * 1024;

/** Rows that were copied before their turn, one behind the other. */
interface EarlyBlock {
  readonly words: Int32Array;
  /** Where each row ends. */
  readonly ends: number[];
}

export class IndexCapture implements RowObserver {
  readonly #tables: SubTables;
  readonly #buffers: Buffers;
  readonly #early: EarlyBlock[] = [];
  /** Directories of keyspaces that were flushed before they were walked. */
  readonly #detached: Int32Array[] = [];
  /** Where the walk is: a keyspace and the hash prefix that comes next in it. */
  #keyspace = 0;
  #prefix = 0;
  #detachedNext = 0;

  /** Begins the capture: the tables tell it of changes from here on, until `end`. */
  constructor(tables: SubTables, buffers: Buffers) {
    this.#tables = tables;
    this.#buffers = buffers;
    tables.beginMarks();
    tables.observer = this;
  }

  /** Bytes of copies that wait to be taken. */
  get retainedBytes(): number {
    return this.#early.length * BLOCK_BYTES;
  }

  /** No more rows are copied; what was copied early and not taken is dropped. */
  end(): void {
    if (this.#tables.observer === this) this.#tables.observer = undefined;
    for (const { words } of this.#early) this.#buffers.release(words.buffer as ArrayBuffer);
    this.#early.length = 0;
    this.#detached.length = 0;
  }

  beforeChange(row: number): void {
    if (row === ROW_NONE || !this.#tables.mark(row)) return;
    let block = this.#early.at(-1);
    let at = block?.ends.at(-1) ?? 0;
    if (block === undefined || (at + ROW_BYTES_MAX / 4) * 4 > BLOCK_BYTES) {
      block = { words: new Int32Array(this.#buffers.allocate(BLOCK_BYTES)), ends: [] };
      this.#early.push(block);
      at = 0;
    }
    block.ends.push(writeRow(this.#tables, row, block.words, at));
  }

  detached(keyspace: number, directory: Int32Array): void {
    if (keyspace >= this.#keyspace) this.#detached.push(directory);
  }

  /**
   * Writes rows to words [at, end of `into`) until there is less room than ROW_BYTES_MAX, or about `rowsMax` were written;
   * answers the word after them, `at` if no row is left.
   */
  copyRows(into: Int32Array, at: number, rowsMax: number): number {
    assert((into.length - at) * 4 >= ROW_BYTES_MAX, "no room for a sub-table");
    const limit = into.length - ROW_BYTES_MAX / 4;
    let to = at;
    for (let copied = 0; copied < rowsMax && to <= limit; copied++) {
      if (this.#early.length > 0) {
        to = this.#takeEarly(into, to);
        continue;
      }
      const row = this.#nextRow();
      if (row === ROW_NONE) break;
      to = writeRow(this.#tables, row, into, to);
    }
    return to;
  }

  /** Moves the row that was copied last. */
  #takeEarly(into: Int32Array, at: number): number {
    const { words, ends } = this.#early.at(-1)!;
    const end = ends.pop()!;
    const start = ends.at(-1) ?? 0;
    into.set(words.subarray(start, end), at);
    if (ends.length === 0) {
      this.#early.pop();
      this.#buffers.release(words.buffer as ArrayBuffer);
    }
    return at + end - start;
  }

  /** The next row that was not copied yet, marked; ROW_NONE when there is none. */
  #nextRow(): number {
    const tables = this.#tables;
    while (this.#keyspace < tables.keyspaces) {
      if (tables.isEmptyKeyspace(this.#keyspace) || this.#prefix >= HASH_END) {
        this.#keyspace++;
        this.#prefix = 0;
        continue;
      }
      const row = tables.rowFor(this.#keyspace, this.#prefix | 0);
      const start = tables.rows[row + ROW_PREFIX]! >>> 0;
      this.#prefix = start + 2 ** (32 - tables.rows[row + ROW_DEPTH]!);
      if (tables.mark(row)) return row;
    }
    for (let directory = this.#detached[0]; directory !== undefined; directory = this.#detached[0]) {
      while (this.#detachedNext < directory.length) {
        const row = directory[this.#detachedNext++]!;
        if (row !== ROW_NONE && tables.mark(row)) return row;
      }
      this.#detached.shift();
      this.#detachedNext = 0;
    }
    return ROW_NONE;
  }
}

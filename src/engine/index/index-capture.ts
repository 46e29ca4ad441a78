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
import * as layout from "./layout.ts";
import { ROW_BYTES_MAX, writeRow } from "./row-format.ts";
import type { RowObserver, SubTables } from "./sub-tables.ts";

const { ROW_DEPTH, ROW_PREFIX, ROW_NONE } = layout;
const HASH_END = 2 ** 32;

export class IndexCapture implements RowObserver {
  readonly #tables: SubTables;
  /** Rows that were copied before their turn. */
  readonly #early: Int32Array[] = [];
  #earlyBytes = 0;
  readonly #scratch = new Int32Array(ROW_BYTES_MAX / 4);
  /** Directories of keyspaces that were flushed before they were walked. */
  readonly #detached: Int32Array[] = [];
  /** Where the walk is: a keyspace and the hash prefix that comes next in it. */
  #keyspace = 0;
  #prefix = 0;
  #detachedNext = 0;

  /** Begins the capture: the tables tell it of changes from here on, until `end`. */
  constructor(tables: SubTables) {
    this.#tables = tables;
    tables.beginMarks();
    tables.observer = this;
  }

  /** Bytes of copies that wait to be taken. */
  get retainedBytes(): number {
    return this.#earlyBytes;
  }

  /** No more rows are copied; what was copied early and not taken is dropped. */
  end(): void {
    if (this.#tables.observer === this) this.#tables.observer = undefined;
    this.#early.length = 0;
    this.#earlyBytes = 0;
    this.#detached.length = 0;
  }

  beforeChange(row: number): void {
    if (row === ROW_NONE || !this.#tables.mark(row)) return;
    const copy = this.#scratch.slice(0, writeRow(this.#tables, row, this.#scratch, 0));
    this.#earlyBytes += copy.byteLength;
    this.#early.push(copy);
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
      const early = this.#early.pop();
      if (early !== undefined) {
        into.set(early, to);
        to += early.length;
        this.#earlyBytes -= early.byteLength;
        continue;
      }
      const row = this.#nextRow();
      if (row === ROW_NONE) break;
      to = writeRow(this.#tables, row, into, to);
    }
    return to;
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

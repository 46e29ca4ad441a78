/**
 * Frees what flushed keyspaces have left behind, in slices.
 *
 * A flush takes a keyspace's directory away at once; its sub-tables are walked here later, to count their
 * records as dead and to give their units back. Invariants: a detached slot is counted only if its segment is
 * older than the flush (the cleaner may have freed the segment meanwhile and its id may be in use again); once
 * no keyspace holds a key all segments and units are dropped at once, and with them all that was detached, unless a capture
 * still reads them.
 */

import * as layout from "../index/layout.ts";
import type { DetachedDirectory, SubTables } from "../index/sub-tables.ts";
import type { Cleaner } from "./cleaner.ts";
import type { RecordLog } from "./record-log.ts";

interface Detached extends DetachedDirectory {
  /** Segments born from here on are younger than the flush. */
  readonly birthsEnd: number;
}

export class Flusher {
  readonly #tables: SubTables;
  readonly #log: RecordLog;
  readonly #cleaner: Cleaner;
  #detached: Detached[] = [];

  constructor(tables: SubTables, log: RecordLog, cleaner: Cleaner) {
    this.#tables = tables;
    this.#log = log;
    this.#cleaner = cleaner;
  }

  get pending(): boolean {
    return this.#detached.length > 0;
  }

  /** Empties a keyspace; its memory comes back through `step`, or now if no other keyspace holds a key. */
  flush(keyspace: number): void {
    const tables = this.#tables;
    const { directory, next } = tables.detach(keyspace);
    if (directory.length > 0)
      this.#detached.push({ directory, next, birthsEnd: this.#log.segments.nextBirth });
    if (tables.observer !== undefined || this.#log.segments.holdsBack) return;
    for (let i = 0; i < tables.keyspaces; i++) if (tables.counts[i] !== 0) return;
    this.reset();
  }

  /** Drops all keyspaces, segments and units at once. Nothing may be captured. */
  reset(): void {
    const tables = this.#tables;
    for (let i = 0; i < tables.keyspaces; i++) tables.detach(i);
    this.#detached = [];
    this.#cleaner.abandon();
    this.#log.reset();
    tables.reset();
  }

  /** A capture has begun: what was flushed before is no part of it. */
  markDetached(): void {
    for (const { directory, next } of this.#detached)
      for (let i = next; i < directory.length; i++) this.#tables.mark(directory[i]!);
  }

  /** Frees up to `rowsMax` sub-tables (each of at most 1,024 slots). */
  step(rowsMax: number): void {
    for (let freed = 0; freed < rowsMax; ) {
      const detached = this.#detached[0];
      if (detached === undefined) return;
      if (detached.next >= detached.directory.length) {
        this.#detached.shift();
        continue;
      }
      const row = detached.directory[detached.next]!;
      while (detached.next < detached.directory.length && detached.directory[detached.next] === row)
        detached.next++;
      this.#tables.beforeChange(row);
      this.#releaseRecords(row, detached.birthsEnd);
      this.#tables.releaseRow(row);
      freed++;
    }
  }

  #releaseRecords(row: number, birthsEnd: number): void {
    const tables = this.#tables;
    const segments = this.#log.segments;
    for (let i = 0; i < tables.rows[row + layout.ROW_UNIT_COUNT]!; i++) {
      const slab = tables.slabOf(row, i);
      const first = tables.firstWordOf(row, i);
      for (let word = first; word < first + layout.UNIT_WORDS; word += 2) {
        const low = slab[word + 1]!;
        if (low === layout.SLOT_EMPTY) continue;
        const segment = ((slab[word]! & layout.SLOT_SEGMENT_MASK) << 12) | (low >>> 20);
        if (segments.births[segment]! < birthsEnd && segments.usedUnits[segment]! > 0) {
          this.#log.release(segment, low & 0xfffff);
        }
      }
    }
  }
}

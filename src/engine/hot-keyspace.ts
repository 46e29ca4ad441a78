/**
 * The keyspace over the hash index and the record log: what command bodies call.
 *
 * Lookups are in hot/key-lookup, writes in hot/key-writer; this file adds what concerns whole databases. The layers
 * are one object, because commands read the view's fields and write through it on every call: a
 * delegation between objects would cost a load and a check for each.
 *
 * Invariants: `internal` and `logical` are permutations of each other (SWAPDB changes nothing else); records
 * carry the internal number.
 */
import type { Random } from "../ports/random.ts";
import type { Flusher } from "./hot/flusher.ts";
import type { LookupParts } from "./hot/key-lookup.ts";
import { KeyWriter } from "./hot/key-writer.ts";
import { expiryOf } from "./hot/record.ts";
import { firstRow, placeOnRandomSlot, rowAfter, scanHashOrder } from "./index/hash-order.ts";
import { ROW_NONE, ROW_UNIT_COUNT, ROW_VOLATILE_COUNT, UNIT_SLOTS } from "./index/layout.ts";
import type { Keyspace } from "./keyspace.ts";

const TTL_SAMPLES = 32;

export interface KeyspaceParts extends LookupParts {
  readonly flusher: Flusher;
  readonly random: Random;
}

export class HotKeyspace extends KeyWriter implements Keyspace {
  readonly #flusher: Flusher;
  readonly #random: Random;

  constructor(parts: KeyspaceParts) {
    super(parts);
    this.#flusher = parts.flusher;
    this.#random = parts.random;
  }

  size(db: number): number {
    return this.index.tables.counts[this.internal[db]!]!;
  }

  volatileCount(db: number): number {
    return this.index.tables.volatileCounts[this.internal[db]!]!;
  }

  averageTtlMs(db: number): number {
    const keyspace = this.internal[db]!;
    const index = this.index;
    this.forget();
    if (index.tables.volatileCounts[keyspace] === 0) return 0;
    let sum = 0;
    let samples = 0;
    let row = firstRow(index, keyspace);
    for (; row !== ROW_NONE && samples < TTL_SAMPLES; row = rowAfter(index, keyspace, row)) {
      const rows = index.tables.rows;
      if (rows[row + ROW_VOLATILE_COUNT] === 0) continue;
      const slots = rows[row + ROW_UNIT_COUNT]! * UNIT_SLOTS;
      for (let slot = 0; slot < slots && samples < TTL_SAMPLES; slot++) {
        if (!index.place(row, slot) || !index.isVolatile) continue;
        const words = this.segments.words[index.segment]!;
        sum += Math.max(0, expiryOf(words, index.unit * 2) - this.nowMs);
        samples++;
      }
    }
    return samples === 0 ? 0 : Math.round(sum / samples);
  }

  flush(db: number): void {
    this.forget();
    this.structures.dropKeyspace(this.internal[db]!);
    this.#flusher.flush(this.internal[db]!);
  }

  swap(a: number, b: number): void {
    this.forget();
    const internalA = this.internal[a]!;
    const internalB = this.internal[b]!;
    this.internal[a] = internalB;
    this.internal[b] = internalA;
    this.logical[internalA] = b;
    this.logical[internalB] = a;
  }

  /** Internal keyspace by logical database: not to be written. */
  get keyspaces(): Int32Array {
    return this.internal;
  }

  /** Takes the map of a loaded data set, of as many databases or fewer. */
  mapDatabases(keyspaces: Int32Array): void {
    this.forget();
    this.internal.set(keyspaces);
    for (let db = 0; db < this.internal.length; db++) this.logical[this.internal[db]!] = db;
  }

  scan(db: number, cursor: number, count: number, visit: () => void): number {
    const index = this.index;
    this.forget();
    return scanHashOrder(index, this.internal[db]!, cursor, Math.max(1, count), () => {
      this.placeView(index.segment, index.unit);
      if (!index.isVolatile || !this.isDue()) visit();
    });
  }

  random(db: number): boolean {
    const index = this.index;
    const random = this.#random;
    this.forget();
    while (placeOnRandomSlot(index, this.internal[db]!, random.uint32(), random.uint32())) {
      this.placeView(index.segment, index.unit);
      if (!this.expireIfDue(db, this.keyBytes, this.keyOffset, this.keyLength)) return true;
    }
    return false;
  }
}

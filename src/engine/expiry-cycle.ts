/**
 * Removes expired keys that nobody asks for, a slice at a time.
 *
 * Invariants: a removed key is counted and reported as if a lookup had met it; a slice walks whole sub-tables
 * in hash order, goes on where the last one ended, and touches none without an expiry.
 *
 * As in Redis the effort adapts to what is found: a slice ends once it has looked at enough keys and few of
 * them had expired, and uses its whole budget while more than a tenth of them had. Walking in order instead of
 * sampling means that every key's turn comes, and that a keyspace without expired keys costs few reads.
 */
import type { Clock } from "../ports/clock.ts";
import { expiryOf, keyLengthOf, keyStartOf } from "./hot/record.ts";
import type { RecordLog } from "./hot/record-log.ts";
import type { HotKeyspace } from "./hot-keyspace.ts";
import type { HashIndex } from "./index/hash-index.ts";
import { rowAfter } from "./index/hash-order.ts";
import { ROW_NONE, ROW_PREFIX, ROW_UNIT_COUNT, ROW_VOLATILE_COUNT, UNIT_SLOTS } from "./index/layout.ts";
import type { UnpackedTable } from "./unpacked-table.ts";

/** Keys with an expiry that a slice looks at before it may end early. */
const KEYS_MIN = 400;
/** Goes on while at least one in so many keys had expired. */
const EXPIRED_ONE_IN = 10;

export class ExpiryCycle {
  readonly #index: HashIndex;
  readonly #log: RecordLog;
  readonly #keyspace: HotKeyspace;
  readonly #clock: Clock;
  readonly #unpacked: UnpackedTable;
  /** Where the next slice begins: an internal keyspace and a hash prefix. */
  #at = 0;
  #prefix = 0;
  #looked = 0;
  #expired = 0;

  constructor(
    index: HashIndex,
    log: RecordLog,
    keyspace: HotKeyspace,
    clock: Clock,
    unpacked: UnpackedTable,
  ) {
    this.#unpacked = unpacked;
    this.#index = index;
    this.#log = log;
    this.#keyspace = keyspace;
    this.#clock = clock;
  }

  /** Removes expired keys for at most about `budgetMs`; answers how many. True time is the keyspace's `nowMs`. */
  run(budgetMs: number): number {
    if (!this.#keyspace.expireOnAccess) return 0;
    const tables = this.#index.tables;
    const deadline = this.#clock.monotonicMs() + budgetMs;
    this.#looked = 0;
    this.#expired = 0;
    this.#keyspace.forget();
    // One round over the keyspaces, the one begun in the middle once more from its start.
    for (let visited = 0; visited <= tables.keyspaces; visited++) {
      if (tables.volatileCounts[this.#at]! > 0 && !this.#walk(this.#at, deadline)) break;
      this.#at = (this.#at + 1) % tables.keyspaces;
      this.#prefix = 0;
    }
    return this.#expired;
  }

  /** Walks a keyspace from the remembered prefix; false if the slice is to end before its last sub-table. */
  #walk(keyspace: number, deadline: number): boolean {
    const index = this.#index;
    for (let row = index.tables.rowFor(keyspace, this.#prefix); row !== ROW_NONE; ) {
      const next = rowAfter(index, keyspace, row);
      const prefixAfter = next === ROW_NONE ? 0 : index.tables.rows[next + ROW_PREFIX]!;
      if (index.tables.rows[row + ROW_VOLATILE_COUNT]! > 0) this.#sweep(keyspace, row);
      this.#prefix = prefixAfter;
      if (next === ROW_NONE) return true;
      if (this.#looked >= KEYS_MIN && this.#expired * EXPIRED_ONE_IN < this.#looked) return false;
      if (this.#clock.monotonicMs() >= deadline) return false;
      // Removals may have merged sub-tables: the prefix stays right, a row may not.
      row = index.tables.rowFor(keyspace, prefixAfter);
    }
    return true;
  }

  #sweep(keyspace: number, row: number): void {
    const index = this.#index;
    const segments = this.#log.segments;
    const now = this.#keyspace.nowMs;
    const slots = index.tables.rows[row + ROW_UNIT_COUNT]! * UNIT_SLOTS;
    index.beginBatch();
    for (let slot = 0; slot < slots; ) {
      if (!index.place(row, slot) || !index.isVolatile) {
        slot++;
        continue;
      }
      this.#looked++;
      const segment = index.segment;
      const unit = index.unit;
      const words = segments.words[segment]!;
      if (expiryOf(words, unit * 2) >= now) {
        slot++;
        continue;
      }
      // The gap closes: the slot now holds the next key, so the walk stays on it.
      const bytes = segments.bytes[segment]!;
      const offset = unit * 8 + keyStartOf(words, unit * 2);
      const length = keyLengthOf(words, unit * 2);
      this.#unpacked.dropOf(segments.data[segment]!, words, unit * 2);
      index.removeCurrent();
      this.#log.release(segment, unit);
      this.#expired++;
      this.#keyspace.reportExpired(keyspace, bytes, offset, length);
    }
    index.endBatch(row);
  }
}

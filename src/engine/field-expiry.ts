/**
 * Removes fields whose time is over from hashes that nobody opens, a slice at a time.
 *
 * Invariants: each removed field is reported by itself and before it goes; a hash whose last field went is removed with it;
 * a key whose own time is over is left to the expiry of keys; while nothing is due a slice costs a walk over one number per
 * unpacked value, and nothing at all while no field has a time.
 *
 * By the table of structures and not by time: hashes with such fields are few beside the fields, and the table is there.
 */
import type { Clock } from "../ports/clock.ts";
import { UnpackedHash } from "../value/hash/unpacked-hash.ts";
import type { HotKeyspace } from "./hot-keyspace.ts";
import type { UnpackedTable } from "./unpacked-table.ts";

/** Fields looked at between two looks at the clock. */
const STEP_FIELDS = 256;
/** Handles passed between two looks at the clock. */
const STEP_HANDLES = 65_536;

/** What the engine's owner is told; ranges are valid during the call, which must not use the keyspace. */
export interface FieldExpiryListener {
  /** The field is about to go. */
  fieldExpired(
    db: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    field: Uint8Array,
    fieldOffset: number,
    fieldLength: number,
  ): void;
  /** Some fields of the key have gone, and the key with them if there were no others. */
  fieldsExpired(db: number, key: Uint8Array, keyOffset: number, keyLength: number, isGone: boolean): void;
}

const NOBODY: FieldExpiryListener = { fieldExpired() {}, fieldsExpired() {} };

export class FieldExpiry {
  listener: FieldExpiryListener = NOBODY;
  readonly #unpacked: UnpackedTable;
  readonly #keyspace: HotKeyspace;
  readonly #clock: Clock;
  /** Where the next slice begins. */
  #handle = 0;
  /** The hash that is being looked at. */
  #db = 0;
  #hash: UnpackedHash | undefined;
  #isTouched = false;

  constructor(unpacked: UnpackedTable, keyspace: HotKeyspace, clock: Clock) {
    this.#unpacked = unpacked;
    this.#keyspace = keyspace;
    this.#clock = clock;
  }

  /** Removes due fields for at most about `budgetMs`; answers how many. True time is the keyspace's `nowMs`. */
  run(budgetMs: number): number {
    const { expireOnAccess, nowMs } = this.#keyspace;
    const table = this.#unpacked;
    if (!expireOnAccess || table.expiring === 0) return 0;
    const deadline = this.#clock.monotonicMs() + budgetMs;
    let removed = 0;
    // Once around at most.
    for (let left = table.end; left > 0; ) {
      if (this.#handle >= table.end) this.#handle = 0;
      const start = this.#handle;
      const handle = table.nextDue(start, Math.min(table.end, start + left, start + STEP_HANDLES), nowMs);
      this.#handle = handle;
      if (handle < table.end && table.isDue(handle, nowMs)) removed += this.#step(handle, nowMs);
      left -= this.#handle - start;
      if (this.#clock.monotonicMs() >= deadline) break;
    }
    return removed;
  }

  /** Removes some due fields of the hash with this handle; goes on to the next handle when none is left. */
  #step(handle: number, nowMs: number): number {
    const keyspace = this.#keyspace;
    const table = this.#unpacked;
    const hash = table.get(handle);
    if (!(hash instanceof UnpackedHash) || !keyspace.placeOnHandle(handle)) {
      this.#handle++;
      return 0;
    }
    const db = keyspace.logicalOf(table.keyspaceOf(handle));
    this.#db = db;
    this.#hash = hash;
    this.#isTouched = false;
    const removed = hash.elementsDueMs < nowMs ? hash.expire(nowMs, STEP_FIELDS, this.#report) : 0;
    this.#hash = undefined;
    const isGone = hash.size === 0;
    if (isGone) keyspace.remove(db, keyspace.keyBytes, keyspace.keyOffset, keyspace.keyLength);
    else table.noteDue(handle);
    if (removed > 0) {
      const { keyBytes, keyOffset, keyLength } = keyspace;
      this.listener.fieldsExpired(db, keyBytes, keyOffset, keyLength, isGone);
    }
    return removed;
  }

  readonly #report = (): void => {
    // Before the first effect, whose number becomes the record's version.
    if (!this.#isTouched) this.#keyspace.touch(this.#db);
    this.#isTouched = true;
    const { keyBytes, keyOffset, keyLength } = this.#keyspace;
    const { bytes, keyOffset: fieldOffset, keyLength: fieldLength } = this.#hash!.entry;
    this.listener.fieldExpired(this.#db, keyBytes, keyOffset, keyLength, bytes, fieldOffset, fieldLength);
  };
}

import type { UnpackedValue } from "../value/unpacked.ts";

/**
 * The only view of the data that command bodies get: synchronous, and valid for what is in memory.
 *
 * A lookup places the view on one record; the `key…`, `value…`, `type`, `encoding`, `expiryMs` and `version`
 * members then describe it until the next call of any method. Nothing here allocates on the paths that GET,
 * SET, DEL, EXPIRE and INCR take. Keys and values are ranges of the caller's buffers and are copied before a
 * method returns. Buffers answered by the view (`keyBytes`, `valueBytes`) belong to the engine: they may be
 * read until the next call, and written only where a method says so.
 *
 * `db` is a logical database number, already checked against `databases`.
 */
export interface Keyspace {
  readonly databases: number;

  /** Wall clock of this turn, or of the frame in replay; decides what is expired. Set by the owner. */
  nowMs: number;
  /** The LSN of the next effect: becomes the version of every record written now. Set by the owner. */
  lsn: number;
  /**
   * Replay sets it false: an expired key is then left alone, because the log holds the DEL that removed it.
   * When true a lookup that meets an expired key removes it, calls `onExpired` and answers false.
   */
  expireOnAccess: boolean;
  /** Called after an expired key was removed; the range is the key's bytes, valid during the call. */
  onExpired: (db: number, bytes: Uint8Array, offset: number, length: number) => void;

  /** Lookup for a reading command: counts a hit or a miss and marks the record as accessed. */
  findForRead(db: number, bytes: Uint8Array, offset: number, length: number): boolean;
  /** Lookup for a writing command: marks the record as accessed, counts nothing. */
  findForWrite(db: number, bytes: Uint8Array, offset: number, length: number): boolean;
  /** Lookup that leaves no trace (OBJECT, TTL, TYPE, DEBUG, SCAN …): no access mark, no counters. */
  peek(db: number, bytes: Uint8Array, offset: number, length: number): boolean;

  readonly type: number;
  /** How the value's bytes are to be read, a number that `value/` owns per type. */
  readonly encoding: number;
  /** Absolute milliseconds, or NO_EXPIRY. */
  readonly expiryMs: number;
  /** Changes with every write of the key; equal versions mean an unchanged value. */
  readonly version: number;
  readonly keyBytes: Uint8Array;
  readonly keyOffset: number;
  readonly keyLength: number;
  readonly valueBytes: Uint8Array;
  /** Over the same memory as `valueBytes`, with the same offsets. */
  readonly valueData: DataView;
  readonly valueOffset: number;
  readonly valueLength: number;
  /** Seconds since the record was last accessed (LRU policies), as OBJECT IDLETIME answers. */
  readonly idleSeconds: number;
  /** Logarithmic access counter, as OBJECT FREQ answers. */
  readonly accessFrequency: number;

  /**
   * Creates or replaces the key, whatever it held before. `expiryMs` is absolute or NO_EXPIRY. The value range
   * may not lie in a buffer that the view answered (copy it first). The view is on the new record afterwards.
   */
  put(
    db: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    type: number,
    encoding: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiryMs: number,
  ): void;

  /**
   * Gives the key a value of `valueLength` bytes that keeps the first min(old, new) bytes of its present value
   * (none if it is absent) and is zero after them; type, encoding and expiry as given. With `grow` spare room
   * is kept so that a run of appends costs amortised linear time. Afterwards the view is on the record and
   * [valueOffset, valueOffset + valueLength) of `valueBytes` may be written until the next call.
   */
  resize(
    db: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    type: number,
    encoding: number,
    valueLength: number,
    expiryMs: number,
    grow: boolean,
  ): void;

  /** The structure of the view's record if it is unpacked (value/unpacked.ts), else undefined. */
  readonly unpacked: UnpackedValue | undefined;
  /**
   * Creates or replaces the key with a structure that nothing else holds, which belongs to the key from now on.
   * `encoding` is the name's part. Ranges and the view afterwards as for `put`.
   */
  putUnpacked(
    db: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    type: number,
    encoding: number,
    value: UnpackedValue,
    expiryMs: number,
  ): void;
  /**
   * The structure of the view's record was changed: the record gets a new version. The view stays on it. Bytes of a value
   * that is not a structure may be written after such a call, until the next one.
   */
  touch(db: number): void;
  /**
   * As `touch`; the structure goes by this name from now on (the name's part of the encoding). Also to be called when an
   * element was given a time of its own, so that it is removed when its time is over.
   */
  touchAs(db: number, encoding: number): void;

  /** Changes the expiry alone; false if the key is absent. */
  setExpiry(db: number, bytes: Uint8Array, offset: number, length: number, expiryMs: number): boolean;
  /** Removes the key; false if absent (or expired: then `onExpired` was called). */
  remove(db: number, bytes: Uint8Array, offset: number, length: number): boolean;
  /** Moves value and expiry to a new name, replacing what is there; false if the source is absent. Ranges must be the caller's. */
  move(
    fromDb: number,
    fromBytes: Uint8Array,
    fromOffset: number,
    fromLength: number,
    toDb: number,
    toBytes: Uint8Array,
    toOffset: number,
    toLength: number,
  ): boolean;

  /** Number of keys, and of those with an expiry; expired keys that nobody has met are still counted, as in Redis. */
  size(db: number): number;
  volatileCount(db: number): number;
  /** Mean remaining milliseconds of a sample of keys with an expiry; 0 if there are none. For INFO keyspace. */
  averageTtlMs(db: number): number;
  flush(db: number): void;
  swap(a: number, b: number): void;

  /**
   * Visits the keys of a hash range, in hash order, and answers where to go on: 0 when done. About `count` keys
   * are visited per call (all keys of one hash value are always visited together). Guarantee: a key that is
   * present from the first call to the last is visited at least once, whatever is inserted, removed or moved
   * between tiers meanwhile. `cursor` is 0 or a number answered before, below 2^53; any other is harmless.
   * During `visit` the view is on the record; `visit` must not change the keyspace. Expired keys are skipped.
   */
  scan(db: number, cursor: number, count: number, visit: () => void): number;
  /** Places the view on a random key that is not expired; false if there is none. */
  random(db: number): boolean;

  readonly hits: number;
  readonly misses: number;
  readonly expiredKeys: number;
}

/**
 * Lets the cache misses of several coming lookups overlap. A lookup waits for memory two or three times in a row;
 * those of different keys are independent, so doing each step for all keys of a batch before the next step costs
 * little more than the slowest. Hints only: they change no answer, whatever happens in between.
 */
export interface KeyPrefetch {
  /** False while the keys are so few that what lookups touch is in the processor's caches anyway. */
  readonly isWorthIt: boolean;
  /** Hashes the key. `ticket` is from 0 to PREFETCH_TICKETS - 1; those below the `count` of `fetch` are all announced or left out. */
  announce(ticket: number, db: number, bytes: Uint8Array, offset: number, length: number): void;
  /** The ticket stands for no key. */
  leaveOut(ticket: number): void;
  /** Reads the index slots and then the records of the first `count` tickets. */
  fetch(count: number): void;
  /** The next lookups of exactly this range are of the ticket's key: they need not hash and probe again. */
  expect(ticket: number, bytes: Uint8Array, offset: number, length: number): void;
  /** Forgets what is expected; to be called before the bytes of an announced key may change. */
  expectNothing(): void;
}
export const PREFETCH_TICKETS = 64;

export const NO_EXPIRY = -1;
/** Value types; the numbers are stored in records and must not change. */
export const TYPE_STRING = 0;
export const TYPE_LIST = 1;
export const TYPE_SET = 2;
export const TYPE_SORTED_SET = 3;
export const TYPE_HASH = 4;
export const TYPE_STREAM = 5;

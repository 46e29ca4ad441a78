/**
 * Finds keys: hash, probe, compare; removes what has expired when it is met; remembers the last answer.
 *
 * Hot-path file: nothing here allocates.
 *
 * Invariants
 *  - `memo` says what is known about the last lookup for a write: found (the view and the index's placement are on it), missing
 *    (its name is kept, the placement is where it belongs), or nothing. Whatever else uses the index calls `forget`.
 *  - A key that has expired is never shown while `expireOnAccess` holds: it is removed, then reported.
 *
 * A command that looks a key up and then writes it hashes and probes once: the write compares its key with the
 * record just found (or with the name just missed), which costs a few nanoseconds, instead of trusting buffers
 * that callers reuse.
 */
import { assert } from "../../base/assert.ts";
import { copyWords, equalWords, SourceView } from "../../base/word-bytes.ts";
import type { UnpackedValue } from "../../value/unpacked.ts";
import type { Hasher } from "../index/hash.ts";
import type { HashIndex } from "../index/hash-index.ts";
import { type KeyPrefetch, type Keyspace, PREFETCH_TICKETS } from "../keyspace.ts";
import type { UnpackedTable } from "../unpacked-table.ts";
import type { AccessClock } from "./access-clock.ts";
import { expiryOf, handleOf, isUnpacked, keyLengthOf, keyStartOf, keyspaceOf } from "./record.ts";
import type { RecordLog } from "./record-log.ts";
import { RecordView } from "./record-view.ts";

/** As in segment-table.ts. */
const SEALED = 0;
const MEMO_NONE = 0;
const MEMO_FOUND = 1;
const MEMO_MISSING = 2;
/** Longest missing key that is remembered. */
const MISSING_KEY_MAX = 256;

/**
 * An index of fewer bytes is not worth fetching from ahead: some 5,000 keys, which with the heads of their records lie in
 * any second-level cache.
 */
const FETCHED_INDEX_BYTES_MIN = 64 * 1024;

/** What lookups are built from; all parts belong to one engine. */
export interface LookupParts {
  readonly databases: number;
  readonly hasher: Hasher;
  readonly index: HashIndex;
  readonly log: RecordLog;
  readonly access: AccessClock;
  readonly unpacked: UnpackedTable;
}

const NO_KEYSPACE = -1;
/** Not a count of changes, which is an int32. */
const NO_CHANGES = -(2 ** 40);
const NO_BYTES: Uint8Array = new Uint8Array(0);

export class KeyLookup extends RecordView implements KeyPrefetch {
  // `declare`: no initial undefined, so V8 learns what the fields hold and need not check it on each access.
  declare readonly databases: number;
  declare protected readonly index: HashIndex;
  declare protected readonly log: RecordLog;
  declare protected readonly hasher: Hasher;
  declare protected readonly structures: UnpackedTable;
  /** Internal keyspace number by logical database, and back. */
  declare protected readonly internal: Int32Array;
  declare protected readonly logical: Int32Array;
  expireOnAccess = true;
  onExpired: Keyspace["onExpired"] = () => {};
  // Plain and public, so that reading them is one load; only this class writes them.
  hits = 0;
  misses = 0;
  expiredKeys = 0;

  protected readonly keySource = new SourceView();
  readonly #missingKey = new DataView(new ArrayBuffer(MISSING_KEY_MAX));
  #missingLength = 0;
  #memo = MEMO_NONE;
  #memoDb = 0;
  #nowMs = 0;

  // Announced keys, by ticket; and the one that the present command is expected to ask for.
  readonly #ticketKeyspace = new Int32Array(PREFETCH_TICKETS);
  readonly #ticketHigh = new Int32Array(PREFETCH_TICKETS);
  readonly #ticketLow = new Int32Array(PREFETCH_TICKETS);
  readonly #ticketHome = new Int32Array(PREFETCH_TICKETS);
  // Where the probe found its slot, and the index's count of changes then.
  readonly #ticketRow = new Int32Array(PREFETCH_TICKETS);
  readonly #ticketUnit = new Int32Array(PREFETCH_TICKETS);
  readonly #ticketSlot = new Int32Array(PREFETCH_TICKETS);
  readonly #ticketChanges = new Float64Array(PREFETCH_TICKETS);
  readonly #ticketSegment = new Int32Array(PREFETCH_TICKETS);
  readonly #ticketWord = new Int32Array(PREFETCH_TICKETS);
  #expectedBytes: Uint8Array = NO_BYTES;
  #expectedOffset = 0;
  #expectedLength = -1;
  #expectedTicket = 0;
  /** What prefetching read: kept and public, so that the reads are not optimised away. */
  touched = 0;

  constructor(parts: LookupParts) {
    super(parts.log.segments, parts.access);
    this.databases = parts.databases;
    this.index = parts.index;
    this.log = parts.log;
    this.hasher = parts.hasher;
    this.structures = parts.unpacked;
    this.internal = Int32Array.from({ length: parts.databases }, (_, db) => db);
    this.logical = this.internal.slice();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  set nowMs(value: number) {
    this.#nowMs = value;
    this.access.setNow(value);
  }

  findForRead(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.find(db, bytes, offset, length) && !this.expireIfDue(db, bytes, offset, length)) {
      this.#markAccess();
      this.#memo = MEMO_NONE;
      this.hits++;
      return true;
    }
    this.misses++;
    return false;
  }

  findForWrite(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.find(db, bytes, offset, length)) {
      if (this.expireIfDue(db, bytes, offset, length)) return false;
      this.#markAccess();
      return true;
    }
    if (length <= MISSING_KEY_MAX) {
      copyWords(this.#missingKey, 0, this.keySource.of(bytes), offset, length);
      this.#missingLength = length;
      this.#memo = MEMO_MISSING;
    }
    return false;
  }

  peek(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    return this.find(db, bytes, offset, length) && !this.expireIfDue(db, bytes, offset, length);
  }

  get unpacked(): UnpackedValue | undefined {
    if (!isUnpacked(this.words, this.word)) return undefined;
    return this.structures.get(this.valueData.getUint32(this.valueOffset, true));
  }

  /** The placement of the index is another's now: the next write looks its key up again. */
  forget(): void {
    this.#memo = MEMO_NONE;
  }

  internalOf(db: number): number {
    return this.internal[db]!;
  }

  logicalOf(keyspace: number): number {
    return this.logical[keyspace]!;
  }

  /** Counts and reports an expired key that was removed by other means than a lookup. */
  reportExpired(keyspace: number, bytes: Uint8Array, offset: number, length: number): void {
    this.expiredKeys++;
    this.onExpired(this.logical[keyspace]!, bytes, offset, length);
  }

  /** Places the view on the record that holds a handle; false if its key is due itself. */
  placeOnHandle(handle: number): boolean {
    const { index, structures } = this;
    this.#memo = MEMO_NONE;
    let isHere = index.seek(
      structures.keyspaceOf(handle),
      structures.highOf(handle),
      structures.lowOf(handle),
    );
    for (; isHere; isHere = index.next()) {
      this.placeView(index.segment, index.unit);
      if (!isUnpacked(this.words, this.word)) continue;
      if (handleOf(this.valueData, this.words, this.word) === handle) break;
    }
    assert(isHere, "no record holds the handle of a structure");
    return !(index.isVolatile && this.isDue());
  }

  /** Removes the key whose record is at an address; answers its internal keyspace. The record's bytes stay until the next write. */
  discard(segment: number, unit: number): number {
    this.placeView(segment, unit);
    const keyspace = keyspaceOf(this.words, this.word);
    const found = this.find(this.logical[keyspace]!, this.keyBytes, this.keyOffset, this.keyLength);
    assert(found && this.segment === segment && this.unit === unit, "an address to discard is not a key's");
    this.removeCurrent();
    return keyspace;
  }

  get isWorthIt(): boolean {
    return this.index.tables.usedBytes >= FETCHED_INDEX_BYTES_MIN;
  }

  announce(ticket: number, db: number, bytes: Uint8Array, offset: number, length: number): void {
    const hasher = this.hasher;
    hasher.hash(this.keySource.of(bytes), offset, length);
    const keyspace = this.internal[db]!;
    const { high, low } = hasher;
    this.#ticketKeyspace[ticket] = keyspace;
    this.#ticketHigh[ticket] = high;
    this.#ticketLow[ticket] = low;
    this.#ticketHome[ticket] = this.index.homeWord(keyspace, high, low);
  }

  leaveOut(ticket: number): void {
    this.#ticketKeyspace[ticket] = NO_KEYSPACE;
    this.#ticketHome[ticket] = 0;
  }

  /**
   * In separate loops, because a processor looks only some hundred instructions ahead, and no further than a branch it
   * predicts wrongly: loops of a few instructions that do nothing but miss overlap ten times and more.
   */
  fetch(count: number): void {
    let touched = 0;
    const homes = this.#ticketHome;
    const slabs = this.index.tables.units.slabs;
    for (let i = 0; i < count; i++) touched ^= slabs[homes[i]! >>> 18]![homes[i]! & 0x3ffff]!;
    this.#memo = MEMO_NONE;
    for (let i = 0; i < count; i++) this.#approach(i);
    const { words } = this.segments;
    const segments = this.#ticketSegment;
    const starts = this.#ticketWord;
    for (let i = 0; i < count; i++) touched ^= words[segments[i]!]![starts[i]!]!;
    this.touched = touched;
  }

  /** Looks the record's address up in the index. */
  #approach(ticket: number): void {
    const keyspace = this.#ticketKeyspace[ticket]!;
    const index = this.index;
    if (
      keyspace === NO_KEYSPACE ||
      !index.seek(keyspace, this.#ticketHigh[ticket]!, this.#ticketLow[ticket]!)
    ) {
      // Segment 0 holds nothing.
      this.#ticketSegment[ticket] = 0;
      this.#ticketWord[ticket] = 0;
      this.#ticketChanges[ticket] = NO_CHANGES;
      return;
    }
    this.#ticketSegment[ticket] = index.segment;
    this.#ticketWord[ticket] = index.unit * 2;
    this.#ticketRow[ticket] = index.row;
    this.#ticketUnit[ticket] = index.unitIndex;
    this.#ticketSlot[ticket] = index.word;
    this.#ticketChanges[ticket] = index.tables.changes;
  }

  expect(ticket: number, bytes: Uint8Array, offset: number, length: number): void {
    this.#expectedBytes = bytes;
    this.#expectedOffset = offset;
    this.#expectedLength = length;
    this.#expectedTicket = ticket;
  }

  /** The expected range is about to hold other bytes. */
  expectNothing(): void {
    this.#expectedBytes = NO_BYTES;
    this.#expectedLength = -1;
  }

  /** Looks the key up, due or not; places view, index and memo on it. */
  protected find(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const data = this.keySource.of(bytes);
    const hasher = this.hasher;
    const index = this.index;
    let high: number;
    let low: number;
    if (bytes === this.#expectedBytes && offset === this.#expectedOffset && length === this.#expectedLength) {
      const ticket = this.#expectedTicket;
      if (
        this.#ticketKeyspace[ticket] === this.internal[db] &&
        this.#findAgain(ticket, data, offset, length)
      ) {
        this.#memo = MEMO_FOUND;
        this.#memoDb = db;
        return true;
      }
      high = this.#ticketHigh[ticket]!;
      low = this.#ticketLow[ticket]!;
    } else {
      hasher.hash(data, offset, length);
      high = hasher.high;
      low = hasher.low;
    }
    this.#memo = MEMO_NONE;
    this.#memoDb = db;
    if (!index.seek(this.internal[db]!, high, low)) return false;
    do {
      const segment = index.segment;
      const unit = index.unit;
      if (!this.#matches(segment, unit, data, offset, length)) continue;
      this.placeView(segment, unit);
      this.#memo = MEMO_FOUND;
      return true;
    } while (index.next());
    return false;
  }

  /** Places the view on what the ticket's probe found, if the index has not changed since and it is the key. */
  #findAgain(ticket: number, data: DataView, offset: number, length: number): boolean {
    const index = this.index;
    if (this.#ticketChanges[ticket] !== index.tables.changes) return false;
    const segment = this.#ticketSegment[ticket]!;
    const unit = this.#ticketWord[ticket]! >>> 1;
    if (!this.#matches(segment, unit, data, offset, length)) return false;
    index.placeAgain(this.#ticketRow[ticket]!, this.#ticketUnit[ticket]!, this.#ticketSlot[ticket]!);
    this.placeView(segment, unit);
    return true;
  }

  /** As `find`, but takes the last lookup's answer if it was for this key. */
  protected locate(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const memo = this.#memo;
    if (memo !== MEMO_NONE && this.#memoDb === db) {
      if (memo === MEMO_FOUND) {
        if (this.keyLength === length && this.holdsKey(bytes, offset, length)) return true;
      } else if (this.#missingLength === length) {
        if (equalWords(this.#missingKey, 0, this.keySource.of(bytes), offset, length)) return false;
      }
    }
    return this.find(db, bytes, offset, length);
  }

  protected locateAlive(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    return this.locate(db, bytes, offset, length) && !this.expireIfDue(db, bytes, offset, length);
  }

  /** True if the view's record has this key. */
  protected holdsKey(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#matches(this.segment, this.unit, this.keySource.of(bytes), offset, length);
  }

  protected isDue(): boolean {
    return this.expireOnAccess && this.#nowMs > expiryOf(this.words, this.word);
  }

  /** Removes the record that view and index are on if it has expired; the range is its key. */
  protected expireIfDue(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (!this.index.isVolatile || !this.isDue()) return false;
    this.removeCurrent();
    this.expiredKeys++;
    this.onExpired(db, bytes, offset, length);
    return true;
  }

  /** Removes the key that view and index are on. The record's bytes stay readable until the next write. */
  protected removeCurrent(): void {
    this.dropStructure();
    this.unlinkCurrent();
  }

  /** What the view's record holds outside of itself goes with it. */
  protected dropStructure(): void {
    if (isUnpacked(this.words, this.word))
      this.structures.drop(handleOf(this.valueData, this.words, this.word));
  }

  /** As `removeCurrent`, for a record whose structure another record holds now. */
  protected unlinkCurrent(): void {
    this.#memo = MEMO_NONE;
    this.index.removeCurrent();
    this.log.release(this.segment, this.unit);
  }

  #matches(segment: number, unit: number, data: DataView, offset: number, length: number): boolean {
    const words = this.segments.words[segment]!;
    const word = unit * 2;
    if (length < 1023) {
      if ((words[word + 3]! & 1023) !== length) return false;
    } else if (keyLengthOf(words, word) !== length) {
      return false;
    }
    return equalWords(this.segments.data[segment]!, word * 4 + keyStartOf(words, word), data, offset, length);
  }

  #markAccess(): void {
    this.index.markAccess();
    const words = this.words;
    const at = this.word + 1;
    const old = words[at]!;
    const touched = (this.access.touched(old >>> 8) << 8) | (old & 255);
    if (touched !== old && this.segments.writable[this.segment] !== SEALED) words[at] = touched;
  }
}

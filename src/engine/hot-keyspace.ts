/**
 * The keyspace over the hash index and the record log: what command bodies call.
 *
 * Hot-path file: lookups and writes of ordinary keys allocate nothing.
 *
 * Invariants
 *  - The slot of a key points at its newest record; a record that loses its slot is counted dead in the same call.
 *  - A record changes in place only while its segment is writable; else it is written anew at the tail.
 *  - Room is found before anything is changed, so that a failed allocation leaves the key as it was.
 *  - `#memo` says what is known about the last lookup. The index's placement belongs to it, so whatever uses
 *    the index otherwise calls `forget`.
 *
 * A command that looks a key up and then writes it hashes and probes once: the write compares its key with the
 * record just found (or with the name just missed), which costs a few nanoseconds, instead of trusting buffers that callers reuse.
 */
import { assert } from "../base/assert.ts";
import type { Random } from "../ports/random.ts";
import type { AccessClock } from "./hot/access-clock.ts";
import type { Flusher } from "./hot/flusher.ts";
import * as record from "./hot/record.ts";
import type { RecordLog } from "./hot/record-log.ts";
import type { SegmentTable } from "./hot/segment-table.ts";
import { copyWords, equalWords, SourceView } from "./hot/word-bytes.ts";
import type { Hasher } from "./index/hash.ts";
import type { HashIndex } from "./index/hash-index.ts";
import { firstRow, placeOnRandomSlot, rowAfter, scanHashOrder } from "./index/hash-order.ts";
import { ROW_NONE, ROW_UNIT_COUNT, ROW_VOLATILE_COUNT, UNIT_SLOTS } from "./index/layout.ts";
import { type Keyspace, NO_EXPIRY } from "./keyspace.ts";

const MEMO_NONE = 0;
const MEMO_FOUND = 1;
const MEMO_MISSING = 2;
/** Longest missing key that is remembered. */
const MISSING_KEY_MAX = 256;

const KEY_LENGTH_EXTENDED = record.KEY_LENGTH_EXTENDED;
const KEY_START = record.HEADER_BYTES;
const KEY_START_EXTENDED = record.HEADER_BYTES + record.EXTENSION_BYTES;
const KEY_START_LENGTHS = KEY_START_EXTENDED + record.LENGTHS_BYTES;
/** Records from this size on have room for an expiry, so that EXPIRE does not copy them. */
const EXTENSION_ALWAYS_BYTES = 2048;
/** Spare room doubles a value up to here and adds a quarter beyond. */
const SPARE_DOUBLING_MAX = 1 << 20;
const VALUE_BYTES_MAX = 512 * 2 ** 20;
const TTL_SAMPLES = 32;

const TWO_TO_MINUS_32 = 2 ** -32;

/** What the keyspace is built from; all parts belong to one engine. */
export interface KeyspaceParts {
  readonly databases: number;
  readonly hasher: Hasher;
  readonly index: HashIndex;
  readonly log: RecordLog;
  readonly access: AccessClock;
  readonly flusher: Flusher;
  readonly random: Random;
}

export class HotKeyspace implements Keyspace {
  readonly databases: number;
  lsn = 1;
  expireOnAccess = true;
  onExpired: Keyspace["onExpired"] = () => {};
  // Public and plain, so that reading them is one load; only this class writes them.
  hits = 0;
  misses = 0;
  expiredKeys = 0;

  type = 0;
  encoding = 0;
  keyBytes: Uint8Array = new Uint8Array(0);
  keyOffset = 0;
  keyLength = 0;
  valueBytes: Uint8Array = this.keyBytes;
  valueOffset = 0;
  valueLength = 0;

  readonly #hasher: Hasher;
  readonly #index: HashIndex;
  readonly #log: RecordLog;
  readonly #segments: SegmentTable;
  readonly #access: AccessClock;
  readonly #flusher: Flusher;
  readonly #random: Random;
  /** Internal keyspace number by logical database, and back. */
  readonly #internal: Int32Array;
  readonly #logical: Int32Array;
  readonly #keySource = new SourceView();
  readonly #valueSource = new SourceView();
  readonly #missingKey = new DataView(new ArrayBuffer(MISSING_KEY_MAX));
  #nowMs = 0;

  // The view: the record it is on.
  #segment = 0;
  #unit = 0;
  #words: Int32Array = new Int32Array(16);
  #word = 0;
  /** Where the record was that the present write replaces. */
  #oldSegment = 0;
  #oldUnit = 0;
  #memo = MEMO_NONE;
  #memoDb = 0;
  #missingLength = 0;

  constructor(parts: KeyspaceParts) {
    this.databases = parts.databases;
    this.#hasher = parts.hasher;
    this.#index = parts.index;
    this.#log = parts.log;
    this.#segments = parts.log.segments;
    this.#access = parts.access;
    this.#flusher = parts.flusher;
    this.#random = parts.random;
    this.#internal = Int32Array.from({ length: parts.databases }, (_, db) => db);
    this.#logical = this.#internal.slice();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  set nowMs(value: number) {
    this.#nowMs = value;
    this.#access.setNow(value);
  }

  // --- Lookups

  findForRead(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.#find(db, bytes, offset, length) && !this.#expireIfDue(db, bytes, offset, length)) {
      this.#markAccess();
      this.hits++;
      return true;
    }
    this.misses++;
    return false;
  }

  findForWrite(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.#find(db, bytes, offset, length)) {
      if (this.#expireIfDue(db, bytes, offset, length)) return false;
      this.#markAccess();
      return true;
    }
    if (length <= MISSING_KEY_MAX) {
      copyWords(this.#missingKey, 0, this.#keySource.of(bytes), offset, length);
      this.#missingLength = length;
      this.#memo = MEMO_MISSING;
    }
    return false;
  }

  peek(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#find(db, bytes, offset, length) && !this.#expireIfDue(db, bytes, offset, length);
  }

  get expiryMs(): number {
    return record.expiryOf(this.#words, this.#word);
  }

  get version(): number {
    return record.versionOf(this.#words, this.#word);
  }

  get idleSeconds(): number {
    return this.#access.idleSeconds(record.clockOf(this.#words, this.#word));
  }

  get accessFrequency(): number {
    return this.#access.frequency(record.clockOf(this.#words, this.#word));
  }

  // --- Writes

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
  ): void {
    assert(valueOffset + valueLength <= valueBytes.length, "value range of put lies outside its buffer");
    const found = this.#locate(db, keyBytes, keyOffset, keyLength);
    const keyStart = keyStartFor(keyLength, valueLength, expiryMs);
    const total = keyStart + keyLength + valueLength;
    const units = (total + 7) >>> 3;
    const clock = found ? this.#access.touched(this.#words[this.#word + 1]! >>> 8) : this.#access.fresh();
    const inPlace = this.#reserve(found, units);
    this.#writeHeader(db, units, keyStart, units * 8 - total, keyLength, valueLength, expiryMs);
    this.#writeBody(clock, type, encoding, keyBytes, keyOffset, keyLength, keyStart, valueLength);
    const source = this.#valueSource.of(valueBytes);
    copyWords(this.#segments.data[this.#segment]!, this.valueOffset, source, valueOffset, valueLength);
    this.#link(db, found, inPlace, expiryMs !== NO_EXPIRY);
  }

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
  ): void {
    assert(valueLength >= 0 && valueLength <= VALUE_BYTES_MAX, "value length of resize is out of range");
    const found = this.#locateAlive(db, keyBytes, keyOffset, keyLength);
    const kept = found ? Math.min(this.valueLength, valueLength) : 0;
    const clock = found ? this.#access.touched(this.#words[this.#word + 1]! >>> 8) : this.#access.fresh();
    const inPlace = found && this.#fitsInPlace(keyLength, valueLength, expiryMs, grow);
    let keyStart: number;
    let units: number;
    if (inPlace) {
      keyStart = record.keyStartOf(this.#words, this.#word);
      units = record.sizeUnitsOf(this.#words, this.#word);
      this.#setOld();
    } else {
      const oldBytes = this.valueBytes;
      const oldOffset = this.valueOffset;
      const spare = found && grow && valueLength > this.valueLength;
      keyStart = spare ? KEY_START_LENGTHS : keyStartFor(keyLength, valueLength, expiryMs);
      units = (keyStart + keyLength + (spare ? roomFor(valueLength) : valueLength) + 7) >>> 3;
      this.#log.allocate(units);
      this.#turnTo(this.#log.segment, this.#log.unit);
      const target = this.#segments.bytes[this.#segment]!;
      if (kept > 0)
        target.set(oldBytes.subarray(oldOffset, oldOffset + kept), this.#unit * 8 + keyStart + keyLength);
    }
    const pad = keyStart === KEY_START_LENGTHS ? 0 : units * 8 - keyStart - keyLength - valueLength;
    this.#writeHeader(db, units, keyStart, pad, keyLength, valueLength, expiryMs);
    this.#writeBody(clock, type, encoding, keyBytes, keyOffset, keyLength, keyStart, valueLength);
    if (kept < valueLength) this.valueBytes.fill(0, this.valueOffset + kept, this.valueOffset + valueLength);
    this.#link(db, found, inPlace, expiryMs !== NO_EXPIRY);
  }

  setExpiry(db: number, bytes: Uint8Array, offset: number, length: number, expiryMs: number): boolean {
    if (!this.#locateAlive(db, bytes, offset, length)) return false;
    const keyStart = record.keyStartOf(this.#words, this.#word);
    if (keyStart === KEY_START && expiryMs === NO_EXPIRY) return true;
    if (keyStart !== KEY_START && this.#segments.writable[this.#segment] === 1) {
      record.writeExpiry(this.#words, this.#word, expiryMs);
      record.writeVersion(this.#words, this.#word, this.lsn, this.#words[this.#word + 3]! & 0xf_ffff);
      this.#index.setVolatile(expiryMs !== NO_EXPIRY);
      return true;
    }
    this.#copyToTail(db, true, bytes, offset, length, expiryMs);
    return true;
  }

  remove(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (!this.#locateAlive(db, bytes, offset, length)) return false;
    this.#removeCurrent();
    return true;
  }

  move(
    fromDb: number,
    fromBytes: Uint8Array,
    fromOffset: number,
    fromLength: number,
    toDb: number,
    toBytes: Uint8Array,
    toOffset: number,
    toLength: number,
  ): boolean {
    if (!this.#locateAlive(fromDb, fromBytes, fromOffset, fromLength)) return false;
    if (fromDb === toDb && fromLength === toLength && this.#holdsKey(toBytes, toOffset, toLength))
      return true;
    const segment = this.#segment;
    const unit = this.#unit;
    if (this.#find(toDb, toBytes, toOffset, toLength)) this.#removeCurrent();
    // The target is gone; the source is found again, because the index may have been reshaped.
    const found = this.#find(fromDb, fromBytes, fromOffset, fromLength);
    assert(found && this.#segment === segment && this.#unit === unit, "source of a move has gone");
    const expiryMs = this.expiryMs;
    const free = this.#find(toDb, toBytes, toOffset, toLength);
    assert(!free, "target of a move is still there");
    this.#setView(segment, unit);
    this.#copyToTail(toDb, false, toBytes, toOffset, toLength, expiryMs);
    const newSegment = this.#segment;
    const newUnit = this.#unit;
    this.#find(fromDb, fromBytes, fromOffset, fromLength);
    this.#removeCurrent();
    this.#setView(newSegment, newUnit);
    return true;
  }

  // --- Databases

  size(db: number): number {
    return this.#index.tables.counts[this.#internal[db]!]!;
  }

  volatileCount(db: number): number {
    return this.#index.tables.volatileCounts[this.#internal[db]!]!;
  }

  averageTtlMs(db: number): number {
    const keyspace = this.#internal[db]!;
    const index = this.#index;
    this.forget();
    if (index.tables.volatileCounts[keyspace] === 0) return 0;
    let sum = 0;
    let samples = 0;
    for (let row = firstRow(index, keyspace); row !== ROW_NONE; row = rowAfter(index, keyspace, row)) {
      const rows = index.tables.rows;
      if (rows[row + ROW_VOLATILE_COUNT] === 0) continue;
      const slots = rows[row + ROW_UNIT_COUNT]! * UNIT_SLOTS;
      for (let slot = 0; slot < slots && samples < TTL_SAMPLES; slot++) {
        if (!index.place(row, slot) || !index.isVolatile) continue;
        const words = this.#segments.words[index.segment]!;
        sum += Math.max(0, record.expiryOf(words, index.unit * 2) - this.#nowMs);
        samples++;
      }
      if (samples >= TTL_SAMPLES) break;
    }
    return samples === 0 ? 0 : Math.round(sum / samples);
  }

  flush(db: number): void {
    this.forget();
    this.#flusher.flush(this.#internal[db]!);
  }

  swap(a: number, b: number): void {
    this.forget();
    const internalA = this.#internal[a]!;
    const internalB = this.#internal[b]!;
    this.#internal[a] = internalB;
    this.#internal[b] = internalA;
    this.#logical[internalA] = b;
    this.#logical[internalB] = a;
  }

  scan(db: number, cursor: number, count: number, visit: () => void): number {
    const index = this.#index;
    this.forget();
    return scanHashOrder(index, this.#internal[db]!, cursor, Math.max(1, count), () => {
      this.#setView(index.segment, index.unit);
      if (!index.isVolatile || !this.#isDue()) visit();
    });
  }

  random(db: number): boolean {
    const index = this.#index;
    const random = this.#random;
    while (placeOnRandomSlot(index, this.#internal[db]!, random.uint32(), random.uint32())) {
      this.#memo = MEMO_NONE;
      this.#setView(index.segment, index.unit);
      if (!this.#expireIfDue(db, this.keyBytes, this.keyOffset, this.keyLength)) return true;
    }
    return false;
  }

  // --- For the engine's own parts

  /** The placement of the index is another's now: the next write looks its key up again. */
  forget(): void {
    this.#memo = MEMO_NONE;
  }

  internalOf(db: number): number {
    return this.#internal[db]!;
  }

  logicalOf(keyspace: number): number {
    return this.#logical[keyspace]!;
  }

  /** Removes the key whose record is at an address; answers its internal keyspace. The record's bytes stay until the next write. */
  discard(segment: number, unit: number): number {
    this.#setView(segment, unit);
    const keyspace = record.keyspaceOf(this.#words, this.#word);
    const found = this.#find(this.#logical[keyspace]!, this.keyBytes, this.keyOffset, this.keyLength);
    assert(found && this.#segment === segment && this.#unit === unit, "an address to discard is not a key's");
    this.#removeCurrent();
    return keyspace;
  }

  /** Counts and reports an expired key that was removed by other means than a lookup. */
  reportExpired(keyspace: number, bytes: Uint8Array, offset: number, length: number): void {
    this.expiredKeys++;
    this.onExpired(this.#logical[keyspace]!, bytes, offset, length);
  }

  // --- Inside

  /** Looks the key up, due or not, and places view and memo on it. */
  #find(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const data = this.#keySource.of(bytes);
    const hasher = this.#hasher;
    const index = this.#index;
    hasher.hash(data, offset, length);
    this.#memoDb = db;
    this.#memo = MEMO_NONE;
    if (!index.seek(this.#internal[db]!, hasher.high, hasher.low)) return false;
    do {
      const segment = index.segment;
      const unit = index.unit;
      if (!this.#matches(segment, unit, data, offset, length)) continue;
      this.#setView(segment, unit);
      this.#memo = MEMO_FOUND;
      return true;
    } while (index.next());
    return false;
  }

  /** As `#find`, but takes the last lookup's answer if it was for this key. */
  #locate(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.#memo !== MEMO_NONE && this.#memoDb === db) {
      if (this.#memo === MEMO_FOUND) {
        if (this.keyLength === length && this.#holdsKey(bytes, offset, length)) return true;
      } else if (
        this.#missingLength === length &&
        equalWords(this.#missingKey, 0, this.#keySource.of(bytes), offset, length)
      ) {
        return false;
      }
    }
    return this.#find(db, bytes, offset, length);
  }

  #locateAlive(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#locate(db, bytes, offset, length) && !this.#expireIfDue(db, bytes, offset, length);
  }

  #holdsKey(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#matches(this.#segment, this.#unit, this.#keySource.of(bytes), offset, length);
  }

  #matches(segment: number, unit: number, data: DataView, offset: number, length: number): boolean {
    const words = this.#segments.words[segment]!;
    const word = unit * 2;
    if (length < 1023) {
      if ((words[word + 3]! & 1023) !== length) return false;
    } else if (record.keyLengthOf(words, word) !== length) {
      return false;
    }
    const start = (words[word]! & 2) === 0 ? 16 : record.keyStartOf(words, word);
    return equalWords(this.#segments.data[segment]!, unit * 8 + start, data, offset, length);
  }

  /** Places the view on a record, after checking that it lies within its segment. */
  #setView(segment: number, unit: number): void {
    const words = this.#segments.words[segment]!;
    const word = unit * 2;
    this.#segment = segment;
    this.#unit = unit;
    this.#words = words;
    this.#word = word;
    const second = words[word + 1]!;
    this.type = second & 15;
    this.encoding = (second >>> 4) & 15;
    const keyStart = record.keyStartOf(words, word);
    const keyLength = record.keyLengthOf(words, word);
    this.#setParts(keyStart, keyLength, record.valueLengthOf(words, word, keyStart, keyLength));
    if (this.valueLength < 0 || this.valueOffset + this.valueLength > this.valueBytes.length) {
      assert(false, "record's value does not lie within its segment");
    }
  }

  #setParts(keyStart: number, keyLength: number, valueLength: number): void {
    const bytes = this.#segments.bytes[this.#segment]!;
    const keyOffset = this.#unit * 8 + keyStart;
    this.keyBytes = bytes;
    this.keyOffset = keyOffset;
    this.keyLength = keyLength;
    this.valueBytes = bytes;
    this.valueOffset = keyOffset + keyLength;
    this.valueLength = valueLength;
  }

  #isDue(): boolean {
    return this.expireOnAccess && this.#nowMs > this.expiryMs;
  }

  /** Removes the record that view and index are on if it has expired; the range is its key. */
  #expireIfDue(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (!this.#index.isVolatile || !this.#isDue()) return false;
    this.#removeCurrent();
    this.expiredKeys++;
    this.onExpired(db, bytes, offset, length);
    return true;
  }

  #removeCurrent(): void {
    this.#memo = MEMO_NONE;
    this.#index.removeCurrent();
    this.#log.release(this.#segment, this.#unit);
  }

  #markAccess(): void {
    this.#index.markAccess();
    const words = this.#words;
    const at = this.#word + 1;
    const old = words[at]!;
    const touched = (this.#access.touched(old >>> 8) << 8) | (old & 255);
    if (touched !== old && this.#segments.writable[this.#segment] === 1) words[at] = touched;
  }

  // The steps of a write: reserve, write, link. Nothing points to the record until it is whole.

  /** Finds room for a record of `units` and turns the view to it; true if that is where the old record is. */
  #reserve(found: boolean, units: number): boolean {
    if (found && this.#segments.writable[this.#segment] === 1) {
      const old = this.#words[this.#word]! >>> 5;
      if (units === old || this.#adjust(old, units)) {
        this.#setOld();
        return true;
      }
    }
    this.#log.allocate(units);
    this.#turnTo(this.#log.segment, this.#log.unit);
    return false;
  }

  /** Cuts or widens the present record; false if it has to be written elsewhere. */
  #adjust(old: number, units: number): boolean {
    if (units > old) return this.#log.widen(this.#segment, this.#unit, units);
    const isAlone = this.valueBytes.length !== this.#segments.segmentBytes;
    if (isAlone && units * 2 < old) return false;
    this.#log.cut(this.#segment, this.#unit, units);
    return true;
  }

  /** True if the present record can take a value of this length without being written elsewhere. */
  #fitsInPlace(keyLength: number, valueLength: number, expiryMs: number, grow: boolean): boolean {
    if (this.#segments.writable[this.#segment] !== 1) return false;
    const size = record.sizeUnitsOf(this.#words, this.#word);
    const keyStart = record.keyStartOf(this.#words, this.#word);
    if (keyStart === KEY_START_LENGTHS) {
      const room = size * 8 - keyStart - keyLength;
      return valueLength <= room && (grow || valueLength * 2 + 64 >= room);
    }
    if (keyStart !== keyStartFor(keyLength, valueLength, expiryMs)) return false;
    return (keyStart + keyLength + valueLength + 7) >>> 3 === size;
  }

  #setOld(): void {
    this.#oldSegment = this.#segment;
    this.#oldUnit = this.#unit;
  }

  #turnTo(segment: number, unit: number): void {
    this.#setOld();
    this.#segment = segment;
    this.#unit = unit;
    this.#words = this.#segments.words[segment]!;
    this.#word = unit * 2;
  }

  #writeHeader(
    db: number,
    units: number,
    keyStart: number,
    pad: number,
    keyLength: number,
    valueLength: number,
    expiryMs: number,
  ): void {
    const words = this.#words;
    const word = this.#word;
    const lsn = this.lsn;
    const shownLength = keyLength < KEY_LENGTH_EXTENDED ? keyLength : KEY_LENGTH_EXTENDED;
    words[word + 2] = lsn | 0;
    words[word + 3] = (Math.floor(lsn * TWO_TO_MINUS_32) << 20) | (this.#internal[db]! << 10) | shownLength;
    if (keyStart === KEY_START) {
      words[word] = (units << 5) | (pad << 2);
      return;
    }
    words[word] = (units << 5) | (pad << 2) | record.FLAG_EXTENSION;
    words[word + 5] = keyStart === KEY_START_LENGTHS ? record.FLAG_LENGTHS : 0;
    record.writeExpiry(words, word, expiryMs);
    if (keyStart === KEY_START_LENGTHS) {
      words[word + 6] = keyLength;
      words[word + 7] = valueLength;
    }
  }

  /** Writes clock, type, encoding and key, and sets the view; the value's bytes are the caller's to write. */
  #writeBody(
    clock: number,
    type: number,
    encoding: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    keyStart: number,
    valueLength: number,
  ): void {
    this.#words[this.#word + 1] = (clock << 8) | (encoding << 4) | type;
    this.type = type;
    this.encoding = encoding;
    this.#setParts(keyStart, keyLength, valueLength);
    const source = this.#keySource.of(keyBytes);
    copyWords(this.#segments.data[this.#segment]!, this.keyOffset, source, keyOffset, keyLength);
  }

  /** Makes the key's slot point at the record that was written, and counts the old one as dead. */
  #link(db: number, found: boolean, inPlace: boolean, isVolatile: boolean): void {
    if (inPlace) {
      this.#index.setVolatile(isVolatile);
      this.#memo = MEMO_FOUND;
    } else if (found) {
      this.#index.pointTo(this.#segment, this.#unit, isVolatile);
      this.#log.release(this.#oldSegment, this.#oldUnit);
      this.#memo = MEMO_FOUND;
    } else {
      const placed = this.#index.insert(this.#internal[db]!, this.#segment, this.#unit, isVolatile);
      this.#memo = placed ? MEMO_FOUND : MEMO_NONE;
    }
    this.#memoDb = db;
  }

  /** Writes the view's record anew under a key, with room for an expiry; the old one stays if the key was absent. */
  #copyToTail(
    db: number,
    found: boolean,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    expiryMs: number,
  ): void {
    const { type, encoding, valueBytes, valueOffset, valueLength } = this;
    const clock = record.clockOf(this.#words, this.#word);
    const keyStart = keyStartFor(keyLength, valueLength, expiryMs);
    const total = keyStart + keyLength + valueLength;
    const units = (total + 7) >>> 3;
    this.#log.allocate(units);
    this.#turnTo(this.#log.segment, this.#log.unit);
    this.#writeHeader(db, units, keyStart, units * 8 - total, keyLength, valueLength, expiryMs);
    this.#writeBody(clock, type, encoding, keyBytes, keyOffset, keyLength, keyStart, valueLength);
    if (valueLength > 0) {
      this.valueBytes.set(valueBytes.subarray(valueOffset, valueOffset + valueLength), this.valueOffset);
    }
    this.#link(db, found, false, expiryMs !== NO_EXPIRY);
  }
}

/** Bytes before the key that a record needs. */
function keyStartFor(keyLength: number, valueLength: number, expiryMs: number): number {
  if (keyLength >= 1023) return KEY_START_LENGTHS;
  return expiryMs !== NO_EXPIRY || keyLength + valueLength >= EXTENSION_ALWAYS_BYTES
    ? KEY_START_EXTENDED
    : KEY_START;
}

/** Room to keep for a value that is being appended to. */
function roomFor(valueLength: number): number {
  const room = valueLength < SPARE_DOUBLING_MAX ? valueLength * 2 : Math.ceil(valueLength * 1.25);
  return Math.min(Math.max(room, valueLength + 64), Math.max(valueLength, VALUE_BYTES_MAX));
}

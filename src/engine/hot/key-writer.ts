/**
 * Writes keys: create, replace, resize, expire, remove, move.
 *
 * Hot-path file: writing ordinary records allocates nothing; long values and copies pay for a view.
 *
 * Invariants
 *  - A write has three steps: reserve room, write the record, link it. Nothing points to a record until it is whole,
 *    and a failed allocation leaves the key as it was.
 *  - A record changes in place only while its segment is writable; else it is written anew at the tail, and the
 *    old one is counted dead in the same call.
 */
import { assert } from "../../base/assert.ts";
import { copyWords, SourceView } from "../../base/word-bytes.ts";
import { ENCODING_UNPACKED, HANDLE_BYTES, type UnpackedValue } from "../../value/unpacked.ts";
import { NO_EXPIRY } from "../keyspace.ts";
import { KeyLookup } from "./key-lookup.ts";
import * as record from "./record.ts";

// Named again in this module: V8 folds a module's own constants into the code, imported ones it reads.
const FLAG_EXTENSION = record.FLAG_EXTENSION;
const FLAG_LENGTHS = record.FLAG_LENGTHS;
const KEY_LENGTH_EXTENDED = record.KEY_LENGTH_EXTENDED;
const KEY_START = record.HEADER_BYTES;
const KEY_START_EXTENDED = record.HEADER_BYTES + record.EXTENSION_BYTES;
const KEY_START_LENGTHS = KEY_START_EXTENDED + record.LENGTHS_BYTES;
const WITHOUT_EXPIRY: number = NO_EXPIRY;
/** Records from this size on have room for an expiry, so that EXPIRE does not copy them. */
const EXTENSION_ALWAYS_BYTES = 2048;
/** Spare room doubles a value up to here and adds a quarter beyond. */
const SPARE_DOUBLING_MAX = 1 << 20;
const VALUE_BYTES_MAX = 512 * 2 ** 20;
const TWO_32 = 2 ** 32;
const ENCODING_BITS = 0xf0;

export class KeyWriter extends KeyLookup {
  lsn = 1;
  readonly #valueSource = new SourceView();
  readonly #handleBytes = new Uint8Array(HANDLE_BYTES);
  readonly #handle = new DataView(this.#handleBytes.buffer);
  /** Where the record was that the present write replaces. */
  #oldSegment = 0;
  #oldWord = 0;

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
    const found = this.locate(db, keyBytes, keyOffset, keyLength);
    if (found) this.dropStructure();
    const keyStart = keyStartFor(keyLength, valueLength, expiryMs);
    const total = keyStart + keyLength + valueLength;
    const units = (total + 7) >>> 3;
    const clock = found ? this.access.touched(this.words[this.word + 1]! >>> 8) : this.access.fresh();
    const keyWas = found ? this.keyOffset : 0;
    const inPlace = this.#reserve(found, units);
    const keyMoves = !inPlace || keyWas !== this.word * 4 + keyStart;
    this.#writeHeader(db, units, keyStart, units * 8 - total, keyLength, valueLength, expiryMs);
    this.words[this.word + 1] = (clock << 8) | (encoding << 4) | type;
    this.#setParts(keyStart, keyLength, valueLength);
    const target = this.segments.data[this.segment]!;
    if (keyMoves) copyWords(target, this.keyOffset, this.keySource.of(keyBytes), keyOffset, keyLength);
    copyWords(target, this.valueOffset, this.#valueSource.of(valueBytes), valueOffset, valueLength);
    this.#link(db, found, inPlace, expiryMs !== WITHOUT_EXPIRY);
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
    const found = this.locateAlive(db, keyBytes, keyOffset, keyLength);
    if (found) this.dropStructure();
    const kept = found ? Math.min(this.valueLength, valueLength) : 0;
    const clock = found ? this.access.touched(this.words[this.word + 1]! >>> 8) : this.access.fresh();
    const inPlace = found && this.#fitsInPlace(keyLength, valueLength, expiryMs, grow);
    let keyStart = record.keyStartOf(this.words, this.word);
    let units = record.sizeUnitsOf(this.words, this.word);
    if (!inPlace) {
      const spare = found && grow && valueLength > this.valueLength;
      keyStart = spare ? KEY_START_LENGTHS : keyStartFor(keyLength, valueLength, expiryMs);
      units = (keyStart + keyLength + (spare ? roomFor(valueLength) : valueLength) + 7) >>> 3;
      this.#moveValue(units, keyStart + keyLength, kept);
    }
    const pad = keyStart === KEY_START_LENGTHS ? 0 : units * 8 - keyStart - keyLength - valueLength;
    this.#writeHeader(db, units, keyStart, pad, keyLength, valueLength, expiryMs);
    this.words[this.word + 1] = (clock << 8) | (encoding << 4) | type;
    this.#setParts(keyStart, keyLength, valueLength);
    const target = this.segments.data[this.segment]!;
    copyWords(target, this.keyOffset, this.keySource.of(keyBytes), keyOffset, keyLength);
    if (kept < valueLength) this.valueBytes.fill(0, this.valueOffset + kept, this.valueOffset + valueLength);
    this.#link(db, found, inPlace, expiryMs !== WITHOUT_EXPIRY);
  }

  putUnpacked(
    db: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    type: number,
    encoding: number,
    value: UnpackedValue,
    expiryMs: number,
  ): void {
    this.hasher.hash(this.keySource.of(keyBytes), keyOffset, keyLength);
    const handle = this.structures.add(value, this.internal[db]!, this.hasher.high, this.hasher.low);
    this.#handle.setUint32(0, handle, true);
    const bytes = this.#handleBytes;
    const flagged = encoding | ENCODING_UNPACKED;
    this.put(db, keyBytes, keyOffset, keyLength, type, flagged, bytes, 0, HANDLE_BYTES, expiryMs);
  }

  touch(db: number): void {
    if (this.segments.writable[this.segment] === 1) {
      this.#writeVersion(this.words[this.word + 3]! & 0xf_ffff);
      return;
    }
    const bytes = this.keyBytes;
    const offset = this.keyOffset;
    const found = this.find(db, bytes, offset, this.keyLength);
    assert(found, "the record that was changed has gone");
    this.#copyToTail(db, true, bytes, offset, this.keyLength, this.expiryMs);
  }

  touchAs(db: number, encoding: number): void {
    this.touch(db);
    const at = this.word + 1;
    this.words[at] = (this.words[at]! & ~ENCODING_BITS) | ((encoding | ENCODING_UNPACKED) << 4);
    this.structures.noteDue(record.handleOf(this.valueData, this.words, this.word));
  }

  setExpiry(db: number, bytes: Uint8Array, offset: number, length: number, expiryMs: number): boolean {
    if (!this.locateAlive(db, bytes, offset, length)) return false;
    const keyStart = record.keyStartOf(this.words, this.word);
    if (keyStart === KEY_START && expiryMs === WITHOUT_EXPIRY) return true;
    if (keyStart !== KEY_START && this.segments.writable[this.segment] === 1) {
      record.writeExpiry(this.words, this.word, expiryMs);
      this.#writeVersion(this.words[this.word + 3]! & 0xf_ffff);
      this.index.setVolatile(expiryMs !== WITHOUT_EXPIRY);
      return true;
    }
    this.#copyToTail(db, true, bytes, offset, length, expiryMs);
    return true;
  }

  remove(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (!this.locateAlive(db, bytes, offset, length)) return false;
    this.removeCurrent();
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
    if (!this.locateAlive(fromDb, fromBytes, fromOffset, fromLength)) return false;
    if (fromDb === toDb && fromLength === toLength && this.holdsKey(toBytes, toOffset, toLength)) return true;
    const segment = this.segment;
    const unit = this.unit;
    if (this.find(toDb, toBytes, toOffset, toLength)) {
      // Replaced by the copy: linking it counts this record as dead.
      const target = this.segment;
      const targetUnit = this.unit;
      this.dropStructure();
      this.placeView(segment, unit);
      this.#copyToTail(toDb, true, toBytes, toOffset, toLength, this.expiryMs, target, targetUnit);
    } else {
      this.placeView(segment, unit);
      this.#copyToTail(toDb, false, toBytes, toOffset, toLength, this.expiryMs);
    }
    const newSegment = this.segment;
    const newUnit = this.unit;
    const found = this.find(fromDb, fromBytes, fromOffset, fromLength);
    assert(found && this.segment === segment && this.unit === unit, "the source of a move has gone");
    this.unlinkCurrent();
    this.placeView(newSegment, newUnit);
    this.#ownStructure(toDb, toBytes, toOffset, toLength);
    return true;
  }

  /** The structure of the view's record, if any, belongs to this key from now on. */
  #ownStructure(db: number, bytes: Uint8Array, offset: number, length: number): void {
    if (!record.isUnpacked(this.words, this.word)) return;
    this.hasher.hash(this.keySource.of(bytes), offset, length);
    const handle = record.handleOf(this.valueData, this.words, this.word);
    this.structures.own(handle, this.internal[db]!, this.hasher.high, this.hasher.low);
  }

  /** Finds room for a record of `units` and turns the view to it; true if that is where the old record is. */
  #reserve(found: boolean, units: number): boolean {
    if (found && this.segments.writable[this.segment] === 1) {
      const old = this.words[this.word]! >>> 5;
      if (units === old || this.#adjust(old, units)) return true;
    }
    this.log.allocate(units);
    this.#turnToRoom();
    return false;
  }

  /** Cuts or widens the present record; false if it has to be written elsewhere. */
  #adjust(old: number, units: number): boolean {
    if (units > old) return this.log.widen(this.segment, this.unit, units);
    if (this.segments.alone[this.segment] === 1 && units * 2 < old) return false;
    this.log.cut(this.segment, this.unit, units);
    return true;
  }

  /** True if the present record can take a value of this length where it is. */
  #fitsInPlace(keyLength: number, valueLength: number, expiryMs: number, grow: boolean): boolean {
    if (this.segments.writable[this.segment] !== 1) return false;
    const size = record.sizeUnitsOf(this.words, this.word);
    const keyStart = record.keyStartOf(this.words, this.word);
    if (keyStart === KEY_START_LENGTHS) {
      const room = size * 8 - keyStart - keyLength;
      return valueLength <= room && (grow || valueLength * 2 + 64 >= room);
    }
    if (keyStart !== keyStartFor(keyLength, valueLength, expiryMs)) return false;
    return (keyStart + keyLength + valueLength + 7) >>> 3 === size;
  }

  /** Allocates `units`, copies the first `kept` bytes of the view's value to where the new value begins, turns the view. */
  #moveValue(units: number, valueStart: number, kept: number): void {
    this.log.allocate(units);
    if (kept > 0) {
      const target = this.segments.bytes[this.log.segment]!;
      const source = this.valueBytes.subarray(this.valueOffset, this.valueOffset + kept);
      target.set(source, this.log.unit * 8 + valueStart);
    }
    this.#turnToRoom();
  }

  /** Turns the view to the room just allocated and keeps in mind where it was. */
  #turnToRoom(): void {
    this.#oldSegment = this.segment;
    this.#oldWord = this.word;
    this.segment = this.log.segment;
    this.word = this.log.unit * 2;
    this.words = this.segments.words[this.segment]!;
    this.valueBytes = this.segments.bytes[this.segment]!;
  }

  #setParts(keyStart: number, keyLength: number, valueLength: number): void {
    this.keyLength = keyLength;
    this.valueOffset = this.word * 4 + keyStart + keyLength;
    this.valueLength = valueLength;
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
    const words = this.words;
    const word = this.word;
    const shownLength = keyLength < KEY_LENGTH_EXTENDED ? keyLength : KEY_LENGTH_EXTENDED;
    this.#writeVersion((this.internal[db]! << 10) | shownLength);
    if (keyStart === KEY_START) {
      words[word] = (units << 5) | (pad << 2);
      return;
    }
    words[word] = (units << 5) | (pad << 2) | FLAG_EXTENSION;
    words[word + 5] = keyStart === KEY_START_LENGTHS ? FLAG_LENGTHS : 0;
    record.writeExpiry(words, word, expiryMs);
    if (keyStart === KEY_START_LENGTHS) {
      words[word + 6] = keyLength;
      words[word + 7] = valueLength;
    }
  }

  /** Writes the low 44 bits of the LSN, beside the keyspace and key length in `rest`. */
  #writeVersion(rest: number): void {
    const lsn = this.lsn;
    const high = lsn < TWO_32 ? 0 : Math.floor(lsn / TWO_32);
    this.words[this.word + 2] = lsn | 0;
    this.words[this.word + 3] = (high << 20) | rest;
  }

  /** Makes the key's slot point at the record that was written, and counts the old one as dead. */
  #link(db: number, found: boolean, inPlace: boolean, isVolatile: boolean): void {
    // The next write is seldom for the same key: comparing with this one would cost more than it saves.
    this.forget();
    if (inPlace) {
      this.index.setVolatile(isVolatile);
    } else if (found) {
      this.index.pointTo(this.segment, this.unit, isVolatile);
      this.log.release(this.#oldSegment, this.#oldWord >>> 1);
    } else {
      this.index.insert(this.internal[db]!, this.segment, this.unit, isVolatile);
    }
  }

  /**
   * Writes the view's record anew under a key, with its clock kept. If the key was found the record it had is replaced: the
   * view's own, or the one at the address given.
   */
  #copyToTail(
    db: number,
    found: boolean,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    expiryMs: number,
    replacedSegment = this.segment,
    replacedUnit = this.unit,
  ): void {
    const valueLength = this.valueLength;
    const second = this.words[this.word + 1]!;
    const keyStart = keyStartFor(keyLength, valueLength, expiryMs);
    const total = keyStart + keyLength + valueLength;
    const units = (total + 7) >>> 3;
    this.#moveValue(units, keyStart + keyLength, valueLength);
    this.#writeHeader(db, units, keyStart, units * 8 - total, keyLength, valueLength, expiryMs);
    this.words[this.word + 1] = second;
    this.#setParts(keyStart, keyLength, valueLength);
    const target = this.segments.data[this.segment]!;
    copyWords(target, this.keyOffset, this.keySource.of(keyBytes), keyOffset, keyLength);
    this.#oldSegment = replacedSegment;
    this.#oldWord = replacedUnit * 2;
    this.#link(db, found, false, expiryMs !== WITHOUT_EXPIRY);
  }
}

/** Bytes before the key that a record needs. */
function keyStartFor(keyLength: number, valueLength: number, expiryMs: number): number {
  if (keyLength >= KEY_LENGTH_EXTENDED) return KEY_START_LENGTHS;
  if (expiryMs !== WITHOUT_EXPIRY || keyLength + valueLength >= EXTENSION_ALWAYS_BYTES)
    return KEY_START_EXTENDED;
  return KEY_START;
}

/** Room to keep for a value that is being appended to. */
function roomFor(valueLength: number): number {
  const room = valueLength < SPARE_DOUBLING_MAX ? valueLength * 2 : Math.ceil(valueLength * 1.25);
  return Math.min(Math.max(room, valueLength + 64), VALUE_BYTES_MAX);
}

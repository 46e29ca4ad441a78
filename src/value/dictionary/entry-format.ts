/**
 * The bytes of one entry: key, optional expiry and value, with lengths that cost one byte each while they are short.
 *
 *   first byte    0..239    key length (below 120) << 1 | has expiry
 *                 240, 241  the key length is in the next 2 bytes; the lowest bit says that there is an expiry
 *                 242, 243  the key length is in the next 4 bytes
 *                 254, 255  the entry is too large for a leaf: the next 4 bytes name its own piece, and there the entry
 *                           begins behind word 0
 *   key           its bytes
 *   value length  one byte below 254; 254 and 2 bytes; 255 and 4 bytes
 *   expiry        if there is one: absolute milliseconds in 6 bytes
 *   value         its bytes
 *
 * Numbers are little-endian and have any alignment. The key stands before the value's length, so that a comparison of
 * keys looks at one length alone.
 *
 * Hot-path file: nothing here allocates but copies of long ranges (see base/word-bytes.ts).
 */
import { copyWords, equalWords } from "../../base/word-bytes.ts";

/** No expiry, wherever milliseconds are expected. */
export const NO_EXPIRY = -1;
/** Expiries are at most this: what 6 bytes hold. */
export const EXPIRY_MS_MAX = 2 ** 48 - 1;
/** A reference to a piece of its own: the first byte and a piece number. */
export const REFERENCE_BYTES = 5;
/** Where an entry begins in a piece of its own. */
export const OWN_PIECE_ENTRY = 4;

const SHORT_KEY_MAX = 119;
const KEY_IN_2 = 240;
const KEY_IN_4 = 242;
const REFERENCE = 254;
const SHORT_VALUE_MAX = 253;
const VALUE_IN_2 = 254;
const VALUE_IN_4 = 255;
export const EXPIRY_BYTES = 6;

/** Bytes of an entry. */
export function entryBytes(keyLength: number, valueLength: number, expiryMs: number): number {
  const keyHead = keyLength <= SHORT_KEY_MAX ? 1 : keyLength < 65_536 ? 3 : 5;
  const valueHead = valueLength <= SHORT_VALUE_MAX ? 1 : valueLength < 65_536 ? 3 : 5;
  return keyHead + keyLength + valueHead + (expiryMs === NO_EXPIRY ? 0 : EXPIRY_BYTES) + valueLength;
}

/** Writes an entry of `entryBytes` at `at`. The ranges of key and value may not overlap it. */
export function writeEntry(
  to: DataView,
  at: number,
  key: DataView,
  keyOffset: number,
  keyLength: number,
  value: DataView,
  valueOffset: number,
  valueLength: number,
  expiryMs: number,
): void {
  const flag = expiryMs === NO_EXPIRY ? 0 : 1;
  if (keyLength <= SHORT_KEY_MAX) {
    to.setUint8(at++, (keyLength << 1) | flag);
  } else if (keyLength < 65_536) {
    to.setUint8(at, KEY_IN_2 | flag);
    to.setUint16(at + 1, keyLength, true);
    at += 3;
  } else {
    to.setUint8(at, KEY_IN_4 | flag);
    to.setInt32(at + 1, keyLength, true);
    at += 5;
  }
  copyWords(to, at, key, keyOffset, keyLength);
  at += keyLength;
  if (valueLength <= SHORT_VALUE_MAX) {
    to.setUint8(at++, valueLength);
  } else if (valueLength < 65_536) {
    to.setUint8(at, VALUE_IN_2);
    to.setUint16(at + 1, valueLength, true);
    at += 3;
  } else {
    to.setUint8(at, VALUE_IN_4);
    to.setInt32(at + 1, valueLength, true);
    at += 5;
  }
  if (flag === 1) {
    writeExpiry(to, at, expiryMs);
    at += EXPIRY_BYTES;
  }
  copyWords(to, at, value, valueOffset, valueLength);
}

export function writeExpiry(to: DataView, at: number, expiryMs: number): void {
  to.setInt32(at, expiryMs | 0, true);
  to.setUint16(at + 4, Math.floor(expiryMs / 2 ** 32), true);
}

/** Writes what stands in a leaf for an entry in a piece of its own. */
export function writeReference(to: DataView, at: number, piece: number, hasExpiry: boolean): void {
  to.setUint8(at, hasExpiry ? REFERENCE | 1 : REFERENCE);
  to.setInt32(at + 1, piece, true);
}

/** The piece that the entry at `at` refers to, or 0 if the entry is here. */
export function referenceAt(data: DataView, at: number): number {
  return data.getUint8(at) < REFERENCE ? 0 : data.getInt32(at + 1, true);
}

/** True if the entry or reference at `at` has an expiry. */
export function hasExpiryAt(data: DataView, at: number): boolean {
  return (data.getUint8(at) & 1) !== 0;
}

/** Bytes of the entry or reference at `at`. */
export function sizeAt(data: DataView, at: number): number {
  const first = data.getUint8(at);
  if (first >= REFERENCE) return REFERENCE_BYTES;
  let position = at + 1 + (first >>> 1);
  if (first >= KEY_IN_2) {
    position =
      first < KEY_IN_4 ? at + 3 + data.getUint16(at + 1, true) : at + 5 + data.getInt32(at + 1, true);
  }
  const valueHead = data.getUint8(position);
  const expiry = (first & 1) * EXPIRY_BYTES;
  if (valueHead <= SHORT_VALUE_MAX) return position - at + 1 + expiry + valueHead;
  if (valueHead === VALUE_IN_2) return position - at + 3 + expiry + data.getUint16(position + 1, true);
  return position - at + 5 + expiry + data.getInt32(position + 1, true);
}

/** Where the key of the entry at `at`, which is no reference, begins. */
export function keyOffsetAt(data: DataView, at: number): number {
  const first = data.getUint8(at);
  return first < KEY_IN_2 ? at + 1 : first < KEY_IN_4 ? at + 3 : at + 5;
}

export function keyLengthAt(data: DataView, at: number): number {
  const first = data.getUint8(at);
  if (first < KEY_IN_2) return first >>> 1;
  return first < KEY_IN_4 ? data.getUint16(at + 1, true) : data.getInt32(at + 1, true);
}

/** True if the entry at `at`, which is no reference, has this key. */
export function hasKeyAt(data: DataView, at: number, key: DataView, offset: number, length: number): boolean {
  return keyLengthAt(data, at) === length && equalWords(data, keyOffsetAt(data, at), key, offset, length);
}

/** What a reader sees of an entry. Ranges of `bytes`, which belongs to the dictionary; `data` is over the same memory. */
export interface DictionaryEntry {
  readonly bytes: Uint8Array;
  /** Over the same memory as `bytes`, with the same offsets, for numbers and copies by words. */
  readonly data: DataView;
  readonly keyOffset: number;
  readonly keyLength: number;
  readonly valueOffset: number;
  readonly valueLength: number;
  /** Absolute milliseconds, or NO_EXPIRY. */
  readonly expiryMs: number;
}

/** The one view of a dictionary or of a capture, placed on entry after entry. */
export class EntryView implements DictionaryEntry {
  bytes: Uint8Array = new Uint8Array(0);
  data: DataView = new DataView(new ArrayBuffer(0));
  keyOffset = 0;
  keyLength = 0;
  valueOffset = 0;
  valueLength = 0;
  expiryMs: number = NO_EXPIRY;

  /** Places the view on the entry at `at`, which is no reference. */
  place(bytes: Uint8Array, data: DataView, at: number): void {
    this.bytes = bytes;
    this.data = data;
    this.keyOffset = keyOffsetAt(data, at);
    this.keyLength = keyLengthAt(data, at);
    let position = this.keyOffset + this.keyLength;
    let valueLength = data.getUint8(position++);
    if (valueLength > SHORT_VALUE_MAX) {
      const inTwo = valueLength === VALUE_IN_2;
      valueLength = inTwo ? data.getUint16(position, true) : data.getInt32(position, true);
      position += inTwo ? 2 : 4;
    }
    this.valueLength = valueLength;
    if (!hasExpiryAt(data, at)) {
      this.expiryMs = NO_EXPIRY;
    } else {
      this.expiryMs = data.getUint32(position, true) + data.getUint16(position + 4, true) * 2 ** 32;
      position += EXPIRY_BYTES;
    }
    this.valueOffset = position;
  }
}

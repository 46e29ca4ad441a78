/**
 * The byte form of one key with its value: what a segment holds, in memory now and in segment files unchanged.
 *
 *   word 0   size in 8-byte units (27, bits 31..5) | pad bytes (3, bits 4..2) | extension (1) | filler (1)
 *   word 1   access clock (24, bits 31..8) | encoding (4) | type (4)
 *   word 2   version, low 32 bits
 *   word 3   version, high 12 bits (31..20) | keyspace (10) | key length (10; 1023 = see extension)
 *   extension, if its bit is set:
 *   word 4   expiry in ms since 1970, low 32 bits
 *   word 5   expiry, high 21 bits (20..0) | lengths follow (bit 24) | has an expiry (bit 25)
 *   lengths, if their bit is set:
 *   word 6   key length          word 7   value length
 *   then the key, then the value, then padding (or spare room, if the lengths are explicit) to whole units.
 *
 * Words are little-endian and records are 8-byte aligned. The value is as long as what is left after the pad
 * bytes, unless the lengths are explicit. A filler is a record of at least one unit, whose word 0 alone means
 * something: it keeps a walk over a segment possible where a record became smaller.
 *
 * Hot-path file: pure functions over (words, index of word 0), no allocation. The version is the low 44 bits of the
 * LSN that wrote the record. Its place beside the lengths, not in a table, is what lets a move between tiers check it.
 */
import { assert } from "../../base/assert.ts";
import { NO_EXPIRY } from "../keyspace.ts";

export const RECORD_UNIT_BYTES = 8;
export const HEADER_BYTES = 16;
export const EXTENSION_BYTES = 8;
export const LENGTHS_BYTES = 8;
export const SIZE_SHIFT = 5;
export const SIZE_UNITS_MAX = (1 << 27) - 1;
export const PAD_SHIFT = 2;
export const FLAG_FILLER = 1;
export const FLAG_EXTENSION = 2;
export const CLOCK_SHIFT = 8;
export const VERSION_HIGH_SHIFT = 20;
export const KEYSPACE_SHIFT = 10;
export const KEY_LENGTH_MASK = 1023;
/** In the header's length field: the key's length is in the extension. */
export const KEY_LENGTH_EXTENDED = 1023;
export const KEYSPACES_MAX = 1024;
export const FLAG_LENGTHS = 1 << 24;
export const FLAG_EXPIRY = 1 << 25;
export const EXPIRY_HIGH_MASK = 0x1f_ffff;
/** The largest expiry a record holds: the integers of a double. */
export const EXPIRY_MS_MAX = 2 ** 53 - 1;

const TWO_32 = 2 ** 32;

export function sizeUnitsOf(words: Int32Array, word: number): number {
  return words[word]! >>> 5;
}

export function isFiller(words: Int32Array, word: number): boolean {
  return (words[word]! & 1) !== 0;
}

/** Bytes before the key: 16, 24 or 32. */
export function keyStartOf(words: Int32Array, word: number): number {
  if ((words[word]! & FLAG_EXTENSION) === 0) return HEADER_BYTES;
  return (words[word + 5]! & FLAG_LENGTHS) === 0 ? 24 : 32;
}

export function keyLengthOf(words: Int32Array, word: number): number {
  const length = words[word + 3]! & KEY_LENGTH_MASK;
  return length === KEY_LENGTH_EXTENDED ? words[word + 6]! : length;
}

/** Bytes of the value, given those of the parts before it. */
export function valueLengthOf(words: Int32Array, word: number, keyStart: number, keyLength: number): number {
  if (keyStart === 32) return words[word + 7]!;
  const first = words[word]!;
  return (first >>> 5) * 8 - ((first >>> 2) & 7) - keyStart - keyLength;
}

export function keyspaceOf(words: Int32Array, word: number): number {
  return (words[word + 3]! >>> KEYSPACE_SHIFT) & 1023;
}

export function versionOf(words: Int32Array, word: number): number {
  return (words[word + 2]! >>> 0) + (words[word + 3]! >>> VERSION_HIGH_SHIFT) * TWO_32;
}

export function clockOf(words: Int32Array, word: number): number {
  return words[word + 1]! >>> CLOCK_SHIFT;
}

/** Absolute milliseconds, or NO_EXPIRY. */
export function expiryOf(words: Int32Array, word: number): number {
  if ((words[word]! & FLAG_EXTENSION) === 0) return NO_EXPIRY;
  const high = words[word + 5]!;
  if ((high & FLAG_EXPIRY) === 0) return NO_EXPIRY;
  return (high & EXPIRY_HIGH_MASK) * TWO_32 + (words[word + 4]! >>> 0);
}

/** Writes the expiry of a record that has an extension; keeps the flag for the lengths. */
export function writeExpiry(words: Int32Array, word: number, expiryMs: number): void {
  const flags = words[word + 5]! & FLAG_LENGTHS;
  if (expiryMs === NO_EXPIRY) {
    words[word + 4] = 0;
    words[word + 5] = flags;
    return;
  }
  assert(expiryMs >= 0 && expiryMs <= EXPIRY_MS_MAX, "expiry of a record is out of range");
  words[word + 4] = expiryMs | 0;
  words[word + 5] = Math.floor(expiryMs / TWO_32) | flags | FLAG_EXPIRY;
}

/** True if the value is the handle of a structure outside of the record: the top bit of the encoding (value/unpacked.ts). */
export function isUnpacked(words: Int32Array, word: number): boolean {
  return (words[word + 1]! & 0x80) !== 0;
}

/** The handle that an unpacked record holds; `data` is over the same memory as `words`. */
export function handleOf(data: DataView, words: Int32Array, word: number): number {
  return data.getUint32(word * 4 + keyStartOf(words, word) + keyLengthOf(words, word), true);
}

/** Writes the words that hold version, keyspace and key length. `lsn` is below 2^53; its low 44 bits are kept. */
export function writeVersion(words: Int32Array, word: number, lsn: number, rest: number): void {
  words[word + 2] = lsn | 0;
  words[word + 3] = (Math.floor(lsn / TWO_32) << VERSION_HIGH_SHIFT) | rest;
}

export function writeFiller(words: Int32Array, word: number, units: number): void {
  words[word] = (units << SIZE_SHIFT) | FLAG_FILLER;
  words[word + 1] = 0;
}

/** Checks a header before anything is decoded by it: the record lies within `endUnit`, its parts within the record. */
export function checkRecord(words: Int32Array, unit: number, endUnit: number): void {
  const word = unit * 2;
  const units = words[word]! >>> 5;
  assert(units > 0 && unit + units <= endUnit, "record reaches past the end of its segment");
  if ((words[word]! & FLAG_FILLER) !== 0) return;
  const keyStart = keyStartOf(words, word);
  assert(units * 8 >= keyStart, "record is smaller than its header");
  const keyLength = keyLengthOf(words, word);
  const valueLength = valueLengthOf(words, word, keyStart, keyLength);
  assert(
    keyLength >= 0 && valueLength >= 0 && keyStart + keyLength + valueLength <= units * 8,
    "record's key and value do not fit its size",
  );
}

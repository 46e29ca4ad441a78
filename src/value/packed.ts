/**
 * The packed form of collections: byte strings one after the other, each behind its length.
 *
 *   length   1 byte: 0xxxxxxx (0 to 127) · 2 bytes: 10xxxxxx xxxxxxxx (to 16,383), high bits first
 *            5 bytes: 11000000 and 32 bits, little-endian
 *   bytes    as many
 *
 * A set is its members, a hash a count (value/hash) and then field and value in turn, a sorted set a
 * count and elements of its own layout (value/sorted-set).
 *
 * Hot-path file: pure functions over (bytes, offset), no allocation. The bytes come from a record of the engine, which
 * is checked as a whole before it is decoded; an entry that reaches past `end` is a broken assertion all the same.
 *
 * One form for all types, read from the front only: a record is at most PACKED_BYTES_MAX long, so walking it costs less
 * than what a second index into it would save.
 */
import { assert } from "../base/assert.ts";

const LENGTH_1_MAX = 127;
const LENGTH_2_MAX = 16_383;

/** Bytes of the length in front of an entry of `length` bytes. */
export function packedHeaderBytes(length: number): number {
  return length <= LENGTH_1_MAX ? 1 : length <= LENGTH_2_MAX ? 2 : 5;
}

/** Bytes of an entry of `length` bytes, its length included. */
export function packedEntryBytes(length: number): number {
  return length + packedHeaderBytes(length);
}

/** Length of the entry at `offset`, without its header. */
export function packedLength(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset]!;
  if (first < 0x80) return first;
  if (first < 0xc0) return ((first & 0x3f) << 8) | bytes[offset + 1]!;
  return (
    (bytes[offset + 1]! | (bytes[offset + 2]! << 8) | (bytes[offset + 3]! << 16)) +
    bytes[offset + 4]! * 0x1_00_00_00
  );
}

/** Where the bytes of the entry at `offset` begin. */
export function packedStart(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset]!;
  return first < 0x80 ? offset + 1 : first < 0xc0 ? offset + 2 : offset + 5;
}

/** Where the entry after the one at `offset` begins. */
export function packedNext(bytes: Uint8Array, offset: number, end: number): number {
  const next = packedStart(bytes, offset) + packedLength(bytes, offset);
  assert(next <= end, "an entry of a packed collection reaches past its end");
  return next;
}

/** Writes the length of an entry; answers where its bytes go. */
export function writePackedHeader(bytes: Uint8Array, offset: number, length: number): number {
  if (length <= LENGTH_1_MAX) {
    bytes[offset] = length;
    return offset + 1;
  }
  if (length <= LENGTH_2_MAX) {
    bytes[offset] = 0x80 | (length >>> 8);
    bytes[offset + 1] = length & 255;
    return offset + 2;
  }
  bytes[offset] = 0xc0;
  bytes[offset + 1] = length & 255;
  bytes[offset + 2] = (length >>> 8) & 255;
  bytes[offset + 3] = (length >>> 16) & 255;
  bytes[offset + 4] = length >>> 24;
  return offset + 5;
}

/** Entries in [offset, end). */
export function countPacked(bytes: Uint8Array, offset: number, end: number): number {
  let count = 0;
  for (let at = offset; at < end; at = packedNext(bytes, at, end)) count++;
  return count;
}

/**
 * Where the first entry equal to [key, key + length) of `keys` begins, looking at every `stride`-th entry of
 * [offset, end), or -1.
 */
export function findPacked(
  bytes: Uint8Array,
  offset: number,
  end: number,
  stride: number,
  keys: Uint8Array,
  key: number,
  length: number,
): number {
  for (let at = offset; at < end; ) {
    if (packedLength(bytes, at) === length) {
      const start = packedStart(bytes, at);
      let same = 0;
      while (same < length && bytes[start + same] === keys[key + same]) same++;
      if (same === length) return at;
    }
    for (let i = 0; i < stride; i++) at = packedNext(bytes, at, end);
  }
  return -1;
}

/**
 * The packed form of sets: how many members there are, then the members.
 *
 *   head      2 bytes, little-endian: number of members
 *   members   an entry each, as value/packed.ts lays them out
 *
 * Invariants
 *  - A member is there once. Members of a set that goes by the name of ENCODING_INTEGERS are canonical int64 texts in
 *    ascending order, others stand in the order in which they were added.
 *  - Functions that move bytes are given a buffer with the room they need.
 *
 * Integers stay texts, because they are answered as such, and canonical texts compare as quickly as numbers: by sign,
 * length, then bytes.
 *
 * Hot-path file: nothing here allocates but what decides about integers beyond 2^53.
 */
import { assert } from "../../base/assert.ts";
import { parseInt64, parseInteger } from "../../base/bytes.ts";
import { packedLength, packedNext, packedStart } from "../packed.ts";
import { PACKED_BYTES_MAX } from "../unpacked.ts";

/** Bytes before the first member. */
export const PACKED_SET_HEAD_BYTES = 2;

/** Longest packed set of integers: 512 of them, Redis's bound, take up to 11 KiB. */
export const PACKED_INTEGERS_BYTES_MAX = 4 * PACKED_BYTES_MAX;

const MINUS = 45;
/** An integer of more characters than this may be beyond 2^53. */
const SAFE_TEXT_MAX = 15;
const INT64_TEXT_MAX = 20;

/** Number of members of the set that begins at `base`. */
export function memberCount(bytes: Uint8Array, base: number): number {
  return bytes[base]! | (bytes[base + 1]! << 8);
}

export function writeMemberCount(bytes: Uint8Array, base: number, count: number): void {
  assert(count <= 0xffff, "a packed set has more members than its head can tell");
  bytes[base] = count & 255;
  bytes[base + 1] = count >>> 8;
}

/** True for the canonical text of an int64. */
export function isInteger(bytes: Uint8Array, offset: number, length: number): boolean {
  if (length === 0 || length > INT64_TEXT_MAX) return false;
  const first = bytes[offset]!;
  if (first !== MINUS && (first < 48 || first > 57)) return false;
  if (!Number.isNaN(parseInteger(bytes, offset, length))) return true;
  return length > SAFE_TEXT_MAX && parseInt64(bytes, offset, length) !== undefined;
}

/** Negative, zero or positive, as the first of two canonical integer texts is less, equal or greater. */
export function compareIntegers(
  a: Uint8Array,
  aOffset: number,
  aLength: number,
  b: Uint8Array,
  bOffset: number,
  bLength: number,
): number {
  const aMinus = a[aOffset] === MINUS;
  if (aMinus !== (b[bOffset] === MINUS)) return aMinus ? -1 : 1;
  let difference = aLength - bLength;
  for (let i = 0; difference === 0 && i < aLength; i++) difference = a[aOffset + i]! - b[bOffset + i]!;
  return aMinus ? -difference : difference;
}

/**
 * Where an integer belongs among those of [at, end): the entry that is not less, or `end`. The caller finds out whether it
 * is equal.
 */
export function placeOfInteger(
  bytes: Uint8Array,
  at: number,
  end: number,
  key: Uint8Array,
  offset: number,
  length: number,
): number {
  while (at < end) {
    if (compareIntegers(bytes, packedStart(bytes, at), packedLength(bytes, at), key, offset, length) >= 0)
      break;
    at = packedNext(bytes, at, end);
  }
  return at;
}

/** Length of the longest member in [at, end). */
export function longestMember(bytes: Uint8Array, at: number, end: number): number {
  let longest = 0;
  for (; at < end; at = packedNext(bytes, at, end)) longest = Math.max(longest, packedLength(bytes, at));
  return longest;
}

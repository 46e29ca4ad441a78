/**
 * The packed form of sorted sets: their elements one after the other, by score and then member.
 *
 *   count     2 bytes, little-endian: elements
 *   element   score   8 bytes: a little-endian double, never NaN
 *             length  as in packed.ts
 *             member  as many bytes
 *
 * Invariants: members are distinct; of two neighbours the first has the lower score, or the same one (0 and -0 are the
 * same) and the lower member by memcmp, the shorter first. The bytes lie in a record, which is checked as a whole before
 * it is decoded; an element that reaches past the end is a broken assertion all the same.
 *
 * The score stands in front, so that a search by score reads one number and one length per element.
 *
 * Hot-path file: pure functions over (bytes, data, offset), `data` being over the memory of `bytes` with equal offsets;
 * nothing allocates. `start` is where the value begins, `end` where it ends, `at` where an element does.
 */
import { assert } from "../../base/assert.ts";
import { compareBytes, copyBytes } from "../../base/bytes.ts";
import { packedEntryBytes, packedLength, packedStart, writePackedHeader } from "../packed.ts";
import { moveBytes } from "../sequence/move-bytes.ts";
import { PACKED_BYTES_MAX } from "../unpacked.ts";

/** What precedes the first element. */
export const PACKED_HEAD_BYTES = 2;
const HEAD_BYTES = 2;
const SCORE_BYTES = 8;
/** A sorted set in a record has fewer elements than this. */
export const PACKED_ELEMENTS_MAX: number = Math.floor(PACKED_BYTES_MAX / (SCORE_BYTES + 1));

export function packedCount(bytes: Uint8Array, start: number): number {
  return bytes[start]! | (bytes[start + 1]! << 8);
}

export function writePackedCount(bytes: Uint8Array, start: number, count: number): void {
  bytes[start] = count & 255;
  bytes[start + 1] = count >>> 8;
}

/** Bytes of an element whose member has `length` bytes. */
export function packedElementBytes(length: number): number {
  return SCORE_BYTES + packedEntryBytes(length);
}

export function packedScore(data: DataView, at: number): number {
  return data.getFloat64(at, true);
}

export function packedMemberLength(bytes: Uint8Array, at: number): number {
  return packedLength(bytes, at + SCORE_BYTES);
}

export function packedMemberOffset(bytes: Uint8Array, at: number): number {
  return packedStart(bytes, at + SCORE_BYTES);
}

/** Where the element behind the one at `at` begins. */
export function nextPacked(bytes: Uint8Array, at: number): number {
  const first = bytes[at + SCORE_BYTES]!;
  if (first < 0x80) return at + SCORE_BYTES + 1 + first;
  return packedStart(bytes, at + SCORE_BYTES) + packedLength(bytes, at + SCORE_BYTES);
}

/** Where element `rank` begins, or the end for a rank of `count`. */
export function packedAt(bytes: Uint8Array, start: number, end: number, rank: number): number {
  let at = start + HEAD_BYTES;
  for (let i = 0; i < rank; i++) at = nextPacked(bytes, at);
  assert(at <= end, "an element of a packed sorted set reaches past its end");
  return at;
}

/** Where the element with this member begins, or -1. */
export function findPackedMember(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
): number {
  let at = start + HEAD_BYTES;
  while (at < end) {
    let member = at + SCORE_BYTES + 1;
    let length = bytes[member - 1]!;
    if (length >= 0x80) {
      member = packedStart(bytes, at + SCORE_BYTES);
      length = packedLength(bytes, at + SCORE_BYTES);
    }
    // Members of one set tend to begin alike: the last byte tells most of them apart.
    if (
      length === keyLength &&
      (length === 0 || bytes[member + length - 1] === key[keyOffset + length - 1])
    ) {
      let same = 0;
      while (same < length && bytes[member + same] === key[keyOffset + same]) same++;
      if (same === length) return at;
    }
    at = member + length;
  }
  assert(at === end, "an element of a packed sorted set reaches past its end");
  return -1;
}

/** Where an element belongs that is not there: before the first one that is greater. */
export function placeForPacked(
  bytes: Uint8Array,
  data: DataView,
  start: number,
  end: number,
  score: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
): number {
  let at = start + HEAD_BYTES;
  while (at < end) {
    const present = data.getFloat64(at, true);
    if (present > score) return at;
    if (present === score) {
      const member = packedMemberOffset(bytes, at);
      const length = packedMemberLength(bytes, at);
      if (compareBytes(bytes, member, length, key, keyOffset, keyLength) > 0) return at;
    }
    at = nextPacked(bytes, at);
  }
  return at;
}

/** Elements in front of `at`, which is an element's or the end. */
export function packedRankOf(bytes: Uint8Array, start: number, at: number): number {
  let rank = 0;
  for (let i = start + HEAD_BYTES; i < at; i = nextPacked(bytes, i)) rank++;
  return rank;
}

/** Elements whose score is below `score`, or with `inclusive` not above it. */
export function countPackedBelow(
  bytes: Uint8Array,
  data: DataView,
  start: number,
  end: number,
  score: number,
  inclusive: boolean,
): number {
  let count = 0;
  for (let at = start + HEAD_BYTES; at < end; at = nextPacked(bytes, at)) {
    const present = data.getFloat64(at, true);
    if (inclusive ? present > score : present >= score) return count;
    count++;
  }
  return count;
}

/** Elements before the first whose member is not below `key` (with `inclusive`: that is above it). */
export function countPackedBefore(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
  inclusive: boolean,
): number {
  let count = 0;
  for (let at = start + HEAD_BYTES; at < end; at = nextPacked(bytes, at)) {
    const member = packedMemberOffset(bytes, at);
    const length = packedMemberLength(bytes, at);
    const order = compareBytes(bytes, member, length, key, keyOffset, keyLength);
    if (inclusive ? order > 0 : order >= 0) return count;
    count++;
  }
  return count;
}

/** Writes where each element begins, relative to `start`; for walks backwards and jumps. `into` has PACKED_ELEMENTS_MAX places. */
export function indexPacked(bytes: Uint8Array, start: number, end: number, into: Int32Array): void {
  let count = 0;
  for (let at = start + HEAD_BYTES; at < end; at = nextPacked(bytes, at)) into[count++] = at - start;
}

/** Writes an element; answers where the next one begins. The key's range may not overlap it. */
export function writePackedElement(
  bytes: Uint8Array,
  data: DataView,
  at: number,
  score: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
): number {
  data.setFloat64(at, score, true);
  const member = writePackedHeader(bytes, at + SCORE_BYTES, keyLength);
  copyBytes(bytes, member, key, keyOffset, keyLength);
  return member + keyLength;
}

/**
 * Gives the element at `at` another score and moves it to its place. The key's range holds its member and lies outside of
 * the value.
 */
export function rescorePacked(
  bytes: Uint8Array,
  data: DataView,
  start: number,
  end: number,
  at: number,
  score: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
): void {
  const behind = nextPacked(bytes, at);
  const place = placeForPacked(bytes, data, start, end, score, key, keyOffset, keyLength);
  if (place < at) {
    moveBytes(data, bytes, place + behind - at, place, at - place);
    writePackedElement(bytes, data, place, score, key, keyOffset, keyLength);
  } else if (place > behind) {
    moveBytes(data, bytes, at, behind, place - behind);
    writePackedElement(bytes, data, place - (behind - at), score, key, keyOffset, keyLength);
  } else {
    data.setFloat64(at, score, true);
  }
}

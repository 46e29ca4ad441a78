/**
 * The packed form of hashes: how many fields there are, then field and value in turn.
 *
 *   head      2 bytes, little-endian: number of fields
 *   fields    each: an entry for the field, one for its value, as value/packed.ts lays them out
 *
 * Invariants
 *  - A field is there once; fields stand in the order in which they were first set.
 *  - Functions that move bytes are given a buffer with the room they need; none of them reaches outside its range.
 *
 * Hot-path file: nothing here allocates. A record is a few KiB at most, so that reading it from the front is quicker
 * than keeping a table of where its fields are. The count is kept, because HLEN and every new field ask for it.
 */
import { assert } from "../../base/assert.ts";
import { copyBytes } from "../../base/bytes.ts";
import { packedLength, packedNext, packedStart, writePackedHeader } from "../packed.ts";

/** Bytes before the first field. */
export const PACKED_HASH_HEAD_BYTES = 2;

/** Up to this many bytes a loop beats copyWithin, which costs what a hundred bytes do. */
const MOVE_LOOP_MAX = 64;

/** Number of fields of the hash that begins at `base`. */
export function fieldCount(bytes: Uint8Array, base: number): number {
  return bytes[base]! | (bytes[base + 1]! << 8);
}

export function writeFieldCount(bytes: Uint8Array, base: number, count: number): void {
  assert(count <= 0xffff, "a packed hash has more fields than its head can tell");
  bytes[base] = count & 255;
  bytes[base + 1] = count >>> 8;
}

/** Where the entry of the field [field, field + length) of `fields` begins, or -1. The first field is at `at`. */
export function findField(
  bytes: Uint8Array,
  at: number,
  end: number,
  fields: Uint8Array,
  field: number,
  length: number,
): number {
  const lastByte = fields[field + length - 1];
  while (at < end) {
    const first = bytes[at]!;
    const start = first < 0x80 ? at + 1 : packedStart(bytes, at);
    const size = first < 0x80 ? first : packedLength(bytes, at);
    if (size === length) {
      if (length === 0) return at;
      // From the end: names of fields differ there more often than where they begin.
      if (bytes[start + length - 1] === lastByte) {
        let same = length - 2;
        while (same >= 0 && bytes[start + same] === fields[field + same]) same--;
        if (same < 0) return at;
      }
    }
    const value = start + size;
    const short = bytes[value]!;
    at = short < 0x80 ? value + 1 + short : packedNext(bytes, value, end);
  }
  assert(at === end, "a packed hash does not end with a value");
  return -1;
}

/** Writes one entry at `at`; answers where the next one goes. The range may not overlap it. */
export function writeEntry(
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  offset: number,
  length: number,
): number {
  const start = writePackedHeader(bytes, at, length);
  copyBytes(bytes, start, source, offset, length);
  return start + length;
}

/** Moves [from, from + length) to `to`, in one buffer; the ranges may overlap. */
export function moveBytes(bytes: Uint8Array, to: number, from: number, length: number): void {
  if (length > MOVE_LOOP_MAX) bytes.copyWithin(to, from, from + length);
  else if (to < from) for (let i = 0; i < length; i++) bytes[to + i] = bytes[from + i]!;
  else for (let i = length - 1; i >= 0; i--) bytes[to + i] = bytes[from + i]!;
}

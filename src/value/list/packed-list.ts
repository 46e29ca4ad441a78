/**
 * The packed form of a list: its elements one after the other in a record's value, readable from both ends.
 *
 *   head      2 bytes: number of elements · 2 bytes: bytes of all entries; little-endian
 *   entries   each: length, bytes, length mirrored
 *   slack     what is left of the value
 *
 *   length    1 byte: 0xxxxxxx (0 to 127) · 2 bytes: 10xxxxxx xxxxxxxx (to 16,383), high bits first
 *   mirrored  the same with its bytes in reverse order, so that it is read backwards
 *
 * Hot-path file: pure functions over (bytes, base), no allocation; `base` is where the value begins, entries are named
 * by where they begin in `bytes`. Edits want the room to be there: growing the value is the caller's.
 *
 * Invariants: the head's two numbers agree with the entries; a list in this form is at most PACKED_BYTES_MAX long,
 * head and slack included, so that both numbers and every length fit. An entry that reaches out of its list is a
 * broken assertion.
 *
 * Not the form of the other types (value/packed.ts): a list is pushed and popped at both ends and tells its length with
 * every push. Walking to the last of a thousand small elements would cost ten times what Redis needs for the whole
 * command. Slack inside of the value, because a push or pop that only moves some bytes need not write a new record.
 */
import { assert } from "../../base/assert.ts";
import { copyBytes } from "../../base/bytes.ts";
import { PACKED_BYTES_MAX } from "../unpacked.ts";

export const PACKED_LIST_HEAD_BYTES = 4;

// Named again in this module: V8 folds a module's own constants into the code, imported ones it reads.
const HEAD_BYTES = 4;
const LENGTH_1_MAX = 127;
/** Up to here a loop moves bytes faster than a call does. */
const MOVE_LOOP_MAX = 48;

/** Bytes of an entry with an element of so many bytes. Right for any length, although long ones are never packed. */
export function listEntryBytes(length: number): number {
  return length <= LENGTH_1_MAX ? length + 2 : length + 4;
}

/** Number of elements. */
export function packedListCount(bytes: Uint8Array, base: number): number {
  return bytes[base]! | (bytes[base + 1]! << 8);
}

/** Bytes of all entries. */
export function packedListBytes(bytes: Uint8Array, base: number): number {
  return bytes[base + 2]! | (bytes[base + 3]! << 8);
}

export function writeListHead(bytes: Uint8Array, base: number, count: number, entryBytes: number): void {
  assert(entryBytes <= PACKED_BYTES_MAX - HEAD_BYTES, "a packed list is longer than may be");
  bytes[base] = count;
  bytes[base + 1] = count >>> 8;
  bytes[base + 2] = entryBytes;
  bytes[base + 3] = entryBytes >>> 8;
}

/** Length of the element at `at`. */
export function listElementLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  return first <= LENGTH_1_MAX ? first : ((first & 0x3f) << 8) | bytes[at + 1]!;
}

/** Where the bytes of the element at `at` begin. */
export function listElementStart(bytes: Uint8Array, at: number): number {
  return bytes[at]! <= LENGTH_1_MAX ? at + 1 : at + 2;
}

/** The entry behind the one at `at`. */
export function nextListEntry(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  return first <= LENGTH_1_MAX ? at + first + 2 : at + (((first & 0x3f) << 8) | bytes[at + 1]!) + 4;
}

/** The entry that ends at `end`. */
export function listEntryBefore(bytes: Uint8Array, end: number): number {
  const last = bytes[end - 1]!;
  return last <= LENGTH_1_MAX ? end - last - 2 : end - (((last & 0x3f) << 8) | bytes[end - 2]!) - 4;
}

/** The entry of the element at `index`, from 0 to the count; that of the count is the end of the entries. */
export function listEntryAt(bytes: Uint8Array, base: number, index: number): number {
  const count = packedListCount(bytes, base);
  const start = base + HEAD_BYTES;
  const end = start + packedListBytes(bytes, base);
  let at: number;
  if (index <= count >>> 1) {
    at = start;
    for (let i = 0; i < index; i++) at = nextListEntry(bytes, at);
  } else {
    at = end;
    for (let i = count; i > index; i--) at = listEntryBefore(bytes, at);
  }
  assert(at >= start && at <= end, "an entry of a packed list reaches out of it");
  return at;
}

/** Writes an entry; answers where the next one goes. The element may not lie in the range that is written. */
export function writeListEntry(
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  offset: number,
  length: number,
): number {
  if (length <= LENGTH_1_MAX) {
    bytes[at] = length;
    copyBytes(bytes, at + 1, source, offset, length);
    bytes[at + 1 + length] = length;
    return at + length + 2;
  }
  const high = 0x80 | (length >>> 8);
  bytes[at] = high;
  bytes[at + 1] = length;
  copyBytes(bytes, at + 2, source, offset, length);
  bytes[at + 2 + length] = length;
  bytes[at + 3 + length] = high;
  return at + length + 4;
}

/** Moves [from, end) by `distance`, positive or negative. */
export function moveListBytes(bytes: Uint8Array, from: number, end: number, distance: number): void {
  if (end - from > MOVE_LOOP_MAX) bytes.copyWithin(from + distance, from, end);
  else if (distance < 0) for (let i = from; i < end; i++) bytes[i + distance] = bytes[i]!;
  else for (let i = end - 1; i >= from; i--) bytes[i + distance] = bytes[i]!;
}

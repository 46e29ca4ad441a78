/**
 * Puts entries into a leaf, takes them out, changes their length, and copies runs of them to another leaf.
 *
 * Hot-path file: nothing allocates. Callers have checked that the leaf is not single, that there is room
 * (`hasFrontRoom`, `hasBackRoom`), and that the leaf is theirs to change.
 *
 * Records that are a boundary alone are moved two at a time: as 16-bit halves of one word. No carry can pass between the
 * halves, because every boundary before and after the change lies between 0 and LEAF_BYTES_MAX.
 */
import {
  entryStart,
  leafCount,
  leafSkip,
  liveBytes,
  recordsOf,
  scorePlace,
  setLeafCount,
  setLeafSkip,
} from "./leaf.ts";
import { moveBytes } from "./move-bytes.ts";

const BOTH_HALVES = 0x1_0001;
// Own constants are folded by the compiler, imported ones are read: these repeat leaf.ts.
const PLAIN_UNIT = 2;
const BOUNDARY = 2;

/**
 * Puts an entry of `length` bytes in front of the first one; needs `hasFrontRoom`. Answers where its bytes go; they and
 * the score are undefined.
 */
export function openFront(data: DataView, at: number, unit: number, length: number): number {
  const table = recordsOf(data, at, unit);
  const start = data.getUint16(table, true) - length;
  data.setUint16(table + unit, start, true);
  setLeafSkip(data, at, leafSkip(data, at) - 1);
  setLeafCount(data, at, leafCount(data, at) + 1);
  return at + start;
}

/**
 * Puts an entry of `length` bytes in front of entry `index`, or last; needs `hasBackRoom`. Answers where its bytes go;
 * they and the score are undefined.
 */
export function openEntry(
  data: DataView,
  bytes: Uint8Array,
  at: number,
  unit: number,
  index: number,
  length: number,
): number {
  const count = leafCount(data, at);
  const table = recordsOf(data, at, unit);
  const last = table - unit * count;
  const start = at + data.getUint16(table - unit * index, true);
  if (index < count) {
    const end = at + data.getUint16(last, true);
    moveBytes(data, bytes, start + length, start, end - start);
  }
  // Records index to count become those of index + 1 to count + 1, later by `length`.
  if (unit === PLAIN_UNIT) shiftPlainDown(data, last, table - unit * index, length);
  else shiftScoredDown(data, unit, last, table - unit * index, length);
  setLeafCount(data, at, count + 1);
  return start;
}

function shiftPlainDown(data: DataView, from: number, end: number, change: number): void {
  const both = change * BOTH_HALVES;
  for (; from < end; from += 4) data.setInt32(from - 2, data.getInt32(from, true) + both, true);
  if (from === end) data.setUint16(from - 2, data.getUint16(from, true) + change, true);
}

function shiftScoredDown(data: DataView, unit: number, from: number, end: number, change: number): void {
  for (; from <= end; from += unit) {
    data.setUint16(from - unit, data.getUint16(from, true) + change, true);
    data.setInt32(from - unit + BOUNDARY, data.getInt32(from + BOUNDARY, true), true);
    data.setInt32(from - unit + BOUNDARY + 4, data.getInt32(from + BOUNDARY + 4, true), true);
  }
}

/** Takes `removed` entries from `index` on out of the leaf. */
export function closeEntries(
  data: DataView,
  bytes: Uint8Array,
  at: number,
  unit: number,
  index: number,
  removed: number,
): void {
  const count = leafCount(data, at);
  setLeafCount(data, at, count - removed);
  if (index + removed === count) return;
  if (index === 0) {
    setLeafSkip(data, at, leafSkip(data, at) + removed);
    return;
  }
  const table = recordsOf(data, at, unit);
  const start = data.getUint16(table - unit * index, true);
  const end = data.getUint16(table - unit * (index + removed), true);
  const gone = end - start;
  const last = table - unit * count;
  if (gone > 0) moveBytes(data, bytes, at + start, at + end, data.getUint16(last, true) - end);
  // Records index + removed to count become those of index to count - removed, earlier by `gone`.
  const up = unit * removed;
  if (unit === PLAIN_UNIT) shiftPlainUp(data, last, table - unit * (index + removed), up, gone);
  else shiftScoredUp(data, unit, last, table - unit * (index + removed), up, gone);
}

function shiftPlainUp(data: DataView, first: number, from: number, up: number, change: number): void {
  const both = change * BOTH_HALVES;
  for (from -= 2; from >= first; from -= 4) {
    data.setInt32(from + up, data.getInt32(from, true) - both, true);
  }
  if (from === first - 2) data.setUint16(first + up, data.getUint16(first, true) - change, true);
}

function shiftScoredUp(
  data: DataView,
  unit: number,
  first: number,
  from: number,
  up: number,
  change: number,
): void {
  for (; from >= first; from -= unit) {
    data.setUint16(from + up, data.getUint16(from, true) - change, true);
    data.setInt32(from + up + BOUNDARY, data.getInt32(from + BOUNDARY, true), true);
    data.setInt32(from + up + BOUNDARY + 4, data.getInt32(from + BOUNDARY + 4, true), true);
  }
}

/** Makes entry `index` longer by `growth` bytes (negative: shorter); needs that much room at the back. */
export function resizeEntry(
  data: DataView,
  bytes: Uint8Array,
  at: number,
  unit: number,
  index: number,
  growth: number,
): void {
  const table = recordsOf(data, at, unit);
  const last = table - unit * leafCount(data, at);
  const end = at + data.getUint16(table - unit * (index + 1), true);
  moveBytes(data, bytes, end + growth, end, at + data.getUint16(last, true) - end);
  for (let from = last; from < table - unit * index; from += unit) {
    data.setUint16(from, data.getUint16(from, true) + growth, true);
  }
}

/**
 * Appends entries [first, first + count) of the leaf at `fromAt` to the leaf at `at`, which has room for them at its
 * back. Neither is single; both have records of `unit` bytes.
 */
export function appendEntries(
  data: DataView,
  bytes: Uint8Array,
  at: number,
  fromData: DataView,
  fromBytes: Uint8Array,
  fromAt: number,
  unit: number,
  first: number,
  count: number,
): void {
  const held = leafCount(data, at);
  const start = entryStart(fromData, fromAt, unit, first);
  const end = entryStart(fromData, fromAt, unit, first + count);
  const to = entryStart(data, at, unit, held);
  bytes.set(fromBytes.subarray(start, end), to);
  const shift = to - at - (start - fromAt);
  let write = recordsOf(data, at, unit) - unit * held;
  let read = recordsOf(fromData, fromAt, unit) - unit * first;
  for (let i = 0; i < count; i++) {
    if (unit !== PLAIN_UNIT) {
      data.setInt32(write + BOUNDARY, fromData.getInt32(read + BOUNDARY, true), true);
      data.setInt32(write + BOUNDARY + 4, fromData.getInt32(read + BOUNDARY + 4, true), true);
    }
    read -= unit;
    write -= unit;
    data.setUint16(write, fromData.getUint16(read, true) + shift, true);
  }
  setLeafCount(data, at, held + count);
}

/** Copies the entry of one single leaf, and its score, to another of the same length. */
export function copySingle(
  data: DataView,
  bytes: Uint8Array,
  at: number,
  fromData: DataView,
  fromBytes: Uint8Array,
  fromAt: number,
): void {
  const start = scorePlace(fromData, fromAt, 0);
  const end = entryStart(fromData, fromAt, PLAIN_UNIT, 1);
  bytes.set(fromBytes.subarray(start, end), scorePlace(data, at, 0));
  setLeafCount(data, at, leafCount(fromData, fromAt));
}

/** The entry after which the bytes of the leaf are best cut in two: from 1 to count - 1; the leaf has two or more. */
export function middleOf(data: DataView, at: number, unit: number): number {
  const count = leafCount(data, at);
  const half = entryStart(data, at, unit, 0) + (liveBytes(data, at, unit) >>> 1);
  let low = 1;
  let high = count - 1;
  while (low < high) {
    const index = (low + high) >>> 1;
    if (entryStart(data, at, unit, index) < half) low = index + 1;
    else high = index;
  }
  return low;
}

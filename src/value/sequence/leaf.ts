/**
 * A leaf of a sequence: entries (byte strings) one after the other, and a table that says where each of them begins.
 *
 *   0   epoch     int32   when the piece was born; the tree's
 *   4   count     int32   entries
 *   8   skip      int32   records of the table that stand in front of the first entry's and are not used
 *   12  room      int32   bytes of the leaf, 0 if the leaf is single
 *   16  free, entries, free
 *       table     record k ends at room - k × unit
 *
 * A record is the boundary in front of an entry (uint16) and, where entries have scores, the entry's score (float64): a
 * unit of 2 or 10 bytes. Entry i reaches from the boundary of record skip + i to that of record skip + i + 1; the last
 * record has a boundary alone.
 *
 * A single leaf is for one entry that is too long for others to lie beside it: `skip` is its length, and there is no
 * table: its score stands at 16, its bytes begin at 24.
 *
 * Hot-path file: functions over (data, at), where `at` is the offset of the leaf in `data`; nothing allocates.
 *
 * Invariants: boundaries rise; an entry is reached in one step from either end; all numbers are little-endian.
 *
 * A boundary costs the two bytes that a length before and a length after each entry would cost, and is the better for
 * it: any entry of a leaf is found at once, and an entry is taken off or put onto either end without moving another one.
 * Scores lie together and not with their members, because a search by halves then waits for three lines of memory
 * instead of six.
 */

const COUNT = 4;
const SKIP = 8;
const ROOM = 12;
const HEADER = 16;
const SINGLE_HEADER = 24;
const BOUNDARY = 2;

export const SINGLE_HEADER_BYTES = SINGLE_HEADER;
/** Bytes of a record without and with a score. */
export const PLAIN_UNIT = BOUNDARY;
export const SCORED_UNIT = BOUNDARY + 8;
/** Boundaries are 16 bits wide. */
export const LEAF_BYTES_MAX = 32_768;

/** Bytes of a leaf with `count` entries that are `live` bytes long together. */
export function leafBytesFor(live: number, count: number, unit: number): number {
  return HEADER + live + unit * (count + 1);
}

/** Makes an empty leaf of `room` bytes with room for `skip` entries and `gap` bytes in front of the first entry. */
export function formatLeaf(
  data: DataView,
  at: number,
  epoch: number,
  room: number,
  unit: number,
  skip: number,
  gap: number,
): void {
  data.setInt32(at, epoch, true);
  data.setInt32(at + COUNT, 0, true);
  data.setInt32(at + SKIP, skip, true);
  data.setInt32(at + ROOM, room, true);
  data.setUint16(at + room - unit * (skip + 1), HEADER + gap, true);
}

/** Makes a single leaf without its entry, which will be `length` bytes long. */
export function formatSingle(data: DataView, at: number, epoch: number, length: number): void {
  data.setInt32(at, epoch, true);
  data.setInt32(at + COUNT, 0, true);
  data.setInt32(at + SKIP, length, true);
  data.setInt32(at + ROOM, 0, true);
}

export function leafCount(data: DataView, at: number): number {
  return data.getInt32(at + COUNT, true);
}

export function setLeafCount(data: DataView, at: number, count: number): void {
  data.setInt32(at + COUNT, count, true);
}

export function isSingle(data: DataView, at: number): boolean {
  return data.getInt32(at + ROOM, true) === 0;
}

/** Length of the entry of a single leaf. */
export function singleLength(data: DataView, at: number): number {
  return data.getInt32(at + SKIP, true);
}

export function leafSkip(data: DataView, at: number): number {
  return data.getInt32(at + SKIP, true);
}

export function setLeafSkip(data: DataView, at: number, skip: number): void {
  data.setInt32(at + SKIP, skip, true);
}

export function leafRoom(data: DataView, at: number): number {
  return data.getInt32(at + ROOM, true);
}

/** Where the record of entry 0 stands; that of entry i stands i × unit before it. 0 if the leaf is single. */
export function recordsOf(data: DataView, at: number, unit: number): number {
  const room = data.getInt32(at + ROOM, true);
  return room === 0 ? 0 : at + room - unit * (data.getInt32(at + SKIP, true) + 1);
}

/** Where the boundary of entry 0 of a leaf without scores stands; that of entry i stands 2 × i before it. */
export function tableOf(data: DataView, at: number): number {
  return recordsOf(data, at, PLAIN_UNIT);
}

/** Where entry `index` begins in `data`; for `index` = count, where the last entry ends. */
export function entryStart(data: DataView, at: number, unit: number, index: number): number {
  const table = recordsOf(data, at, unit);
  if (table === 0) return at + SINGLE_HEADER + (index === 0 ? 0 : singleLength(data, at));
  return at + data.getUint16(table - unit * index, true);
}

/** Where the score of entry `index` stands in `data`. */
export function scorePlace(data: DataView, at: number, index: number): number {
  const table = recordsOf(data, at, SCORED_UNIT);
  return table === 0 ? at + HEADER : table - SCORED_UNIT * index + BOUNDARY;
}

/** Bytes of all entries of the leaf. */
export function liveBytes(data: DataView, at: number, unit: number): number {
  return entryStart(data, at, unit, leafCount(data, at)) - entryStart(data, at, unit, 0);
}

/** Bytes that the leaf, which is not single, needs for what it holds. */
export function leafNeed(data: DataView, at: number, unit: number): number {
  return leafBytesFor(liveBytes(data, at, unit), leafCount(data, at), unit);
}

/** True if an entry of `length` bytes can be put in front of the first one without moving another. */
export function hasFrontRoom(data: DataView, at: number, unit: number, length: number): boolean {
  const skip = leafSkip(data, at);
  return skip > 0 && data.getUint16(recordsOf(data, at, unit), true) - HEADER >= length;
}

/** True if an entry of `length` bytes can be put in by moving only what follows it. */
export function hasBackRoom(data: DataView, at: number, unit: number, length: number): boolean {
  const lastRecord = recordsOf(data, at, unit) - unit * leafCount(data, at);
  return at + data.getUint16(lastRecord, true) + length <= lastRecord - unit;
}

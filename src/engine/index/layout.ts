/**
 * The words of the index: a slot, a unit of slots, and the row that describes a sub-table.
 *
 * Slot, 8 bytes, two int32 words side by side so that a probe touches one cache line:
 *
 *   word 0   tag 25 | volatile 1 | access 2 | segment bits 15..12 (4)
 *   word 1   segment bits 11..0 (12) | offset in the segment, in 8-byte units (20)
 *
 * The tag is 25 bits of the key's 64-bit hash, from bit `tagBase` (counted from the top). An empty slot is -1
 * in both words: as a tag that is the largest number, so a probe ends at an empty slot by the comparison it
 * makes anyway. No key has that tag (`TAG_LAST` is the largest) and no record starts in the last unit of a segment.
 *
 * Int32Array, not Uint32Array: every word is then a small integer to V8 in optimised and unoptimised code alike.
 */

export const UNIT_SLOTS = 128;
export const UNIT_WORDS = 2 * UNIT_SLOTS;
export const UNIT_BYTES = 4 * UNIT_WORDS;
/** A sub-table has 1 to 8 units; beyond it splits, so that one growth step touches at most 1,024 slots. */
export const UNITS_MAX = 8;

/**
 * The last slots of a sub-table are nobody's home: clusters run off into them. The very last one stays empty,
 * so that a probe needs no test for the end.
 */
export const RUN_OFF_SLOTS = 24;

export const TAG_BITS = 25;
export const TAG_MASK = 0x1ff_ffff;
export const TAG_LAST = TAG_MASK - 1;
/** tag = word 0 >>> TAG_SHIFT */
export const TAG_SHIFT = 7;
export const SLOT_VOLATILE = 1 << 6;
export const SLOT_ACCESS_ONE = 1 << 4;
export const SLOT_ACCESS_MASK = 3 << 4;
export const SLOT_SEGMENT_MASK = 15;
export const SLOT_EMPTY = -1;

/** Fewer known hash bits than this below a sub-table's depth spread its keys badly: its tags are taken anew. */
export const DISCRIMINATING_BITS_MIN = 12;

/** Deepest prefix: the cursor's 52 bits hold it and a whole tag. */
export const DEPTH_MAX = 26;

/** A sub-table's row: 16 int32 words, one cache line. A row is named by the index of its first word. */
export const ROW_WORDS = 16;
/** Hash bits that select the sub-table. */
export const ROW_DEPTH = 0;
/** First hash bit of the tags; at most the depth. */
export const ROW_TAG_BASE = 1;
export const ROW_UNIT_COUNT = 2;
export const ROW_COUNT = 3;
/** Keys with an expiry, of those. */
export const ROW_VOLATILE_COUNT = 4;
/** Changes with every change of a slot, except of its access bits. */
export const ROW_VERSION = 5;
/** The selecting bits, left-aligned in an int32. */
export const ROW_PREFIX = 6;
/** Internal keyspace number. */
export const ROW_OWNER = 7;
/** Up to eight unit numbers. */
export const ROW_UNITS = 8;

/** Row 0 belongs to nobody: the sub-table of every empty keyspace, always empty, never written. */
export const ROW_NONE = 0;

/** 25 bits of the hash from bit `base` (0 to 32), never the tag of an empty slot. */
export function tagOf(high: number, low: number, base: number): number {
  const tag = (base === 0 ? high : (high << base) | (low >>> (32 - base))) >>> 7;
  return tag === 0x1ff_ffff ? 0x1ff_fffe : tag;
}

/** Slots that can be home to a key in a sub-table of `unitCount` units. */
export function homeSpan(unitCount: number): number {
  return unitCount * UNIT_SLOTS - RUN_OFF_SLOTS;
}

/** Keys above which a sub-table of `unitCount` units grows: a load of about 0.9 of its homes. */
export function growthLimit(unitCount: number): number {
  return (homeSpan(unitCount) * 230) >>> 8;
}

/** The fewest units that hold `count` keys at a load of at most about 0.8. */
export function unitsFor(count: number): number {
  const units = Math.ceil((count + RUN_OFF_SLOTS) / 104);
  return units < 1 ? 1 : units > UNITS_MAX ? UNITS_MAX : units;
}

/** The home slot of a tag: the fraction that its bits below the depth make of the span. Monotone in the tag. */
export function homeOf(tag: number, bitsAbove: number, span: number): number {
  return Math.imul(((tag << bitsAbove) & 0x1ff_ffff) >>> 4, span) >>> 21;
}

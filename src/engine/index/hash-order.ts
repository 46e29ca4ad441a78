/**
 * Walks a keyspace's index: by cursor in hash order, by sub-table, or to a random slot.
 *
 * A cursor is a position in the top 52 bits of the hash. Invariants of `scan`: slots with equal known hash bits
 * are always visited together, and the cursor that follows lies above every slot visited; so a key that is
 * present throughout is met, whatever splits, merges or re-tagging happen between two calls. Where tags have
 * become coarser meanwhile the group around the cursor is visited again: a key twice, never none.
 *
 * No table of visited keys and no snapshot: the order of the hash itself is the state, as in Redis.
 */
import { assert } from "../../base/assert.ts";
import type { HashIndex } from "./hash-index.ts";
import * as layout from "./layout.ts";

const { ROW_DEPTH, ROW_TAG_BASE, ROW_UNIT_COUNT, ROW_PREFIX, ROW_NONE, TAG_BITS, TAG_SHIFT } = layout;
const { ROW_VOLATILE_COUNT } = layout;

const CURSOR_BITS = 52;
const CURSOR_END = 2 ** CURSOR_BITS;
/** Bits of the cursor below the hash's high half. */
const LOW_SCALE = 2 ** (CURSOR_BITS - 32);
/** Sub-tables that one call looks at, at least, when they are sparse. */
const SUB_TABLES_MIN = 16;
/** Random slots tried in one sub-table before it is walked. */
const RANDOM_TRIES = 24;

/** Called with the index placed on a slot; it must not change the index. */
export type VisitSlot = () => void;

/** Visits about `count` slots from `cursor` on; answers the next cursor, 0 at the end. An unknown cursor is harmless. */
export function scanHashOrder(
  index: HashIndex,
  keyspace: number,
  cursor: number,
  count: number,
  visit: VisitSlot,
): number {
  const tables = index.tables;
  if (!(cursor >= 0 && cursor < CURSOR_END) || tables.isEmptyKeyspace(keyspace)) return 0;
  let position = Math.floor(cursor);
  let visited = 0;
  for (let looked = 0; visited < count || looked === 0; looked++) {
    if (looked >= SUB_TABLES_MIN && looked >= count) return position;
    const high = Math.floor(position / LOW_SCALE) | 0;
    const low = (position % LOW_SCALE) * 2 ** (64 - CURSOR_BITS);
    index.seek(keyspace, high, low | 0);
    const row = index.row;
    const firstSlot = index.placedSlot;
    let slot = firstSlot;
    const slots = tables.rows[row + ROW_UNIT_COUNT]! * layout.UNIT_SLOTS;
    let tag = -1;
    for (; slot < slots; slot++) {
      if (!index.place(row, slot)) continue;
      const slotTag = index.slab[index.word]! >>> TAG_SHIFT;
      if (slotTag !== tag && visited >= count) return positionAfter(index, row, tag);
      tag = slotTag;
      visited++;
      visit();
    }
    position = rowEnd(index, row);
    if (position === CURSOR_END) return 0;
  }
  return position;
}

/** The first position above every hash with the row's prefix and the tag. */
function positionAfter(index: HashIndex, row: number, tag: number): number {
  const rows = index.tables.rows;
  const base = rows[row + ROW_TAG_BASE]!;
  const above = base === 0 ? 0 : rows[row + ROW_PREFIX]! >>> (32 - base);
  return (above * 2 ** TAG_BITS + tag + 1) * 2 ** (CURSOR_BITS - TAG_BITS - base);
}

/** The first position above the row's prefix. */
function rowEnd(index: HashIndex, row: number): number {
  const rows = index.tables.rows;
  const depth = rows[row + ROW_DEPTH]!;
  return ((rows[row + ROW_PREFIX]! >>> 0) + 2 ** (32 - depth)) * LOW_SCALE;
}

/** The keyspace's row with the lowest hashes, or ROW_NONE if it is empty. */
export function firstRow(index: HashIndex, keyspace: number): number {
  return index.tables.rowFor(keyspace, 0);
}

/** The next row in hash order, or ROW_NONE after the last. */
export function rowAfter(index: HashIndex, keyspace: number, row: number): number {
  const rows = index.tables.rows;
  const next = (rows[row + ROW_PREFIX]! >>> 0) + 2 ** (32 - rows[row + ROW_DEPTH]!);
  return next >= 2 ** 32 ? ROW_NONE : index.tables.rowFor(keyspace, next | 0);
}

/**
 * Places the index on a random slot; false if the keyspace is empty. Two uniform 32-bit numbers are used up. The
 * choice is uniform over sub-table ranges, then over slots: as even as the hash spreads the keys.
 */
export function placeOnRandomSlot(
  index: HashIndex,
  keyspace: number,
  random1: number,
  random2: number,
): boolean {
  const tables = index.tables;
  if (tables.counts[keyspace] === 0) return false;
  let row = tables.rowFor(keyspace, random1 | 0);
  let slots = tables.rows[row + ROW_UNIT_COUNT]! * layout.UNIT_SLOTS;
  let state = random2 >>> 0;
  for (let i = 0; i < RANDOM_TRIES; i++) {
    if (index.place(row, Math.floor((state / 2 ** 32) * slots))) return true;
    // A short linear congruential walk: enough to look elsewhere in the same sub-table.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  }
  let slot = Math.floor((state / 2 ** 32) * slots);
  for (let steps = tables.directories[keyspace]!.length + 1; steps >= 0; steps--) {
    for (; slot < slots; slot++) if (index.place(row, slot)) return true;
    row = rowAfter(index, keyspace, row);
    if (row === ROW_NONE) row = firstRow(index, keyspace);
    slots = tables.rows[row + ROW_UNIT_COUNT]! * layout.UNIT_SLOTS;
    slot = 0;
  }
  assert(false, "a keyspace that counts keys has no slot in use");
  return false;
}

/** As `placeOnRandomSlot`, among the slots of keys with an expiry. */
export function placeOnRandomVolatile(
  index: HashIndex,
  keyspace: number,
  random1: number,
  random2: number,
): boolean {
  const tables = index.tables;
  if (tables.volatileCounts[keyspace] === 0) return false;
  let row = tables.rowFor(keyspace, random1 | 0);
  while (tables.rows[row + ROW_VOLATILE_COUNT] === 0) {
    row = rowAfter(index, keyspace, row);
    if (row === ROW_NONE) row = firstRow(index, keyspace);
  }
  const slots = tables.rows[row + ROW_UNIT_COUNT]! * layout.UNIT_SLOTS;
  const first = Math.floor(((random2 >>> 0) / 2 ** 32) * slots);
  for (let i = 0; i < slots; i++) {
    if (index.place(row, (first + i) % slots) && index.isVolatile) return true;
  }
  assert(false, "a sub-table that counts keys with an expiry has none");
  return false;
}

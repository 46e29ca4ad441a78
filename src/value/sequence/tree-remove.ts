/**
 * Taking entries out: one at a cursor, or a range of positions, and giving back the memory that this leaves unused.
 *
 * Hot-path file: nothing allocates on V8's heap.
 *
 * Invariants
 *  - No leaf is left empty. A leaf that needs less than a quarter of a full one is merged with a neighbour under the same
 *    parent if both together stay below three quarters of one; a leaf that needs less than half of its room moves to a
 *    smaller one. The first and the last leaf are left alone while entries are popped from there: they will be gone soon.
 *  - Tidying is not needed for what the caller asked: if the system refuses memory for it, it is not done.
 *
 * A range is cut out from its front: entries of the leaf where it begins, then whole subtrees, as high as they fit, then
 * entries of the leaf where it ends. So its cost is that of freeing its pieces; no entry between is looked at.
 */
import { assert } from "../../base/assert.ts";
import { FerriteError } from "../../base/errors.ts";
import type { Cursor } from "./cursor.ts";
import { isSingle, leafBytesFor, leafCount, leafNeed, leafRoom } from "./leaf.ts";
import { appendEntries, closeEntries } from "./leaf-edit.ts";
import { addToCountAt, childAt, countAt, nodeSize, setChildAt } from "./node.ts";
import type { SequenceTree } from "./tree.ts";
import { moveLeaf } from "./tree-insert.ts";
import { removeChildren } from "./tree-nodes.ts";

/** A leaf with a room below this is not moved to a smaller one. */
const ROOM_KEPT = 64;

/**
 * Takes the cursor's entry out, and places the view on the one that followed; false if there is none: then the cursor is
 * behind the last entry, or at no place if the tree is empty.
 */
export function removeEntry(tree: SequenceTree, cursor: Cursor): boolean {
  const { index, leafCount: count } = cursor;
  assert(index < count, "an entry that is removed is there");
  tree.own(cursor);
  if (count > 1) {
    const atEnd = (index === 0 && cursor.isFirst()) || (index === count - 1 && cursor.isLast());
    takeEntries(tree, cursor, index, 1);
    if (!atEnd) tidyIfWasteful(tree, cursor);
    return placeAfter(cursor);
  }
  const rank = cursor.rank();
  dropLeaf(tree, cursor);
  if (tree.size === 0) return false;
  if (rank < tree.size) {
    cursor.seek(tree.root, tree.height, rank);
    return true;
  }
  cursor.seekEnd(tree.root, tree.height);
  return false;
}

/**
 * Takes the cursor's entry out if its leaf is left as it should be, so that nothing has to be tidied and the entry has room
 * there to be put back without asking for memory. False, with nothing done, if not, and while a capture reads the leaf. A
 * leaf's first entry is left alone: without it the place of such an entry would be in the leaf before.
 */
export function takeEntryLightly(tree: SequenceTree, cursor: Cursor): boolean {
  tree.watch.beforeChange();
  const { at, data, index, leafCount: count } = cursor;
  if (index === 0 || count < 2 || tree.capturedEpoch !== 0 || isSingle(data, at)) return false;
  if (isWastefulBelow(tree, cursor, leafNeed(data, at, tree.unit) - tree.unit - cursor.length)) return false;
  takeEntries(tree, cursor, index, 1);
  return true;
}

/** Places the view at `index`, which may be behind the leaf's last entry. */
function placeAfter(cursor: Cursor): boolean {
  if (cursor.index === cursor.leafCount) {
    if (!cursor.nextLeaf()) return false;
  }
  cursor.place(cursor.index);
  return true;
}

/** Takes `removed` entries from `index` on out of the cursor's leaf, but not all of them. */
function takeEntries(tree: SequenceTree, cursor: Cursor, index: number, removed: number): void {
  closeEntries(cursor.data, cursor.bytes, cursor.at, tree.unit, index, removed);
  cursor.reload();
  cursor.addToCounts(0, -removed);
  tree.size -= removed;
}

/** Takes the cursor's whole leaf out. */
function dropLeaf(tree: SequenceTree, cursor: Cursor): void {
  const { leaf, leafCount: count } = cursor;
  tree.size -= count;
  tree.dispose(leaf);
  cursor.leaf = 0;
  if (tree.height === 0) {
    tree.root = 0;
    return;
  }
  cursor.addToCounts(0, -count);
  removeChildren(tree, cursor, 0, cursor.slots[0]!, 1);
}

/** Takes elements [start, start + count) out; both are within the size. The cursor is at no place afterwards. */
export function removeRange(tree: SequenceTree, cursor: Cursor, start: number, count: number): void {
  const end = tree.size - count;
  if (count === 0) {
    cursor.leaf = 0;
    return;
  }
  while (tree.size > end) {
    cursor.seek(tree.root, tree.height, start);
    tree.own(cursor);
    const { index, leafCount: held } = cursor;
    const left = tree.size - end;
    if (index > 0 || held > left) takeEntries(tree, cursor, index, Math.min(left, held - index));
    else dropSubtrees(tree, cursor, left);
  }
  cursor.leaf = 0;
  if (start > 0) tidySeam(tree, cursor, start - 1);
  if (start < tree.size) tidySeam(tree, cursor, start);
}

/** Takes out subtrees from the cursor's leaf on, the highest ones that begin there, of `countMax` entries at most. */
function dropSubtrees(tree: SequenceTree, cursor: Cursor, countMax: number): void {
  if (tree.height === 0) {
    dropLeaf(tree, cursor);
    return;
  }
  const { heap, fanOut } = tree;
  let level = 0;
  while (
    level + 1 < tree.height &&
    cursor.slots[level] === 0 &&
    childCount(tree, cursor, level + 1) <= countMax
  )
    level++;
  const node = cursor.nodes[level]!;
  const words = heap.wordsOf(node);
  const at = heap.offsetOf(node) >>> 2;
  const size = nodeSize(words, at);
  const first = cursor.slots[level]!;
  let count = 0;
  let slot = first;
  for (; slot < size; slot++) {
    const below = countAt(words, at, slot);
    if (count + below > countMax) break;
    count += below;
    tree.disposeBelow(childAt(words, at, fanOut, slot), level - 1);
  }
  tree.size -= count;
  cursor.addToCounts(level + 1, -count);
  removeChildren(tree, cursor, level, first, slot - first);
}

/** Entries below the path's child at `level`. */
function childCount(tree: SequenceTree, cursor: Cursor, level: number): number {
  const node = cursor.nodes[level]!;
  return countAt(tree.heap.wordsOf(node), tree.heap.offsetOf(node) >>> 2, cursor.slots[level]!);
}

function tidySeam(tree: SequenceTree, cursor: Cursor, rank: number): void {
  cursor.seek(tree.root, tree.height, rank);
  tidyIfWasteful(tree, cursor);
}

/** Gives back what the cursor's leaf leaves unused, if that is much; the cursor stays on its element. */
export function tidyIfWasteful(tree: SequenceTree, cursor: Cursor): void {
  if (isWasteful(tree, cursor)) tidyAt(tree, cursor, cursor.rank());
}

function isWasteful(tree: SequenceTree, cursor: Cursor): boolean {
  const { data, at } = cursor;
  return !isSingle(data, at) && isWastefulBelow(tree, cursor, leafNeed(data, at, tree.unit));
}

/** True if the cursor's leaf is too large for a need of so many bytes. */
function isWastefulBelow(tree: SequenceTree, cursor: Cursor, need: number): boolean {
  const room = leafRoom(cursor.data, cursor.at);
  return 4 * need < tree.leafBytes || (2 * need < room && room > ROOM_KEPT);
}

/** Tidies the cursor's leaf; the cursor goes to element `rank`, or behind the last one. */
function tidyAt(tree: SequenceTree, cursor: Cursor, rank: number): void {
  try {
    tree.own(cursor);
    tidyLeaf(tree, cursor);
  } catch (error) {
    if (!(error instanceof FerriteError && error.kind === "unavailable")) throw error;
  }
  if (rank < tree.size) cursor.seek(tree.root, tree.height, rank);
  else cursor.seekEnd(tree.root, tree.height);
}

function tidyLeaf(tree: SequenceTree, cursor: Cursor): void {
  const need = leafNeed(cursor.data, cursor.at, tree.unit);
  if (4 * need < tree.leafBytes && tree.height > 0) {
    const node = cursor.nodes[0]!;
    const slot = cursor.slots[0]!;
    const size = nodeSize(tree.heap.wordsOf(node), tree.heap.offsetOf(node) >>> 2);
    if (slot + 1 < size && mergeLeaves(tree, cursor, slot)) return;
    if (slot > 0 && mergeLeaves(tree, cursor, slot - 1)) return;
  }
  const room = leafRoom(cursor.data, cursor.at);
  if (2 * need < room && room > ROOM_KEPT) moveLeaf(tree, cursor, need + (need >>> 2), 0, 0);
}

/** Makes one leaf of children `slot` and `slot` + 1 of the lowest node of the path, if it is not too full then. */
function mergeLeaves(tree: SequenceTree, cursor: Cursor, slot: number): boolean {
  const { heap, fanOut } = tree;
  const node = cursor.nodes[0]!;
  const words = heap.wordsOf(node);
  const at = heap.offsetOf(node) >>> 2;
  const left = childAt(words, at, fanOut, slot);
  const right = childAt(words, at, fanOut, slot + 1);
  const need = needOfBoth(tree, left, right);
  if (4 * need > 3 * tree.leafBytes) return false;
  const merged = tree.newLeaf(need + (need >>> 3), 0, 0);
  appendLeaf(tree, merged, left);
  appendLeaf(tree, merged, right);
  setChildAt(words, at, fanOut, slot, merged);
  addToCountAt(words, at, slot, countAt(words, at, slot + 1));
  tree.dispose(left);
  tree.dispose(right);
  removeChildren(tree, cursor, 0, slot + 1, 1);
  return true;
}

/** Bytes of a leaf with the entries of two; Infinity if one of them is single. */
function needOfBoth(tree: SequenceTree, left: number, right: number): number {
  const { heap, unit } = tree;
  const data = heap.dataOf(left);
  const at = heap.offsetOf(left);
  const rightData = heap.dataOf(right);
  const rightAt = heap.offsetOf(right);
  if (isSingle(data, at) || isSingle(rightData, rightAt)) return Number.POSITIVE_INFINITY;
  // Both have a header and a record behind the last entry: one of each is enough.
  return leafNeed(data, at, unit) + leafNeed(rightData, rightAt, unit) - leafBytesFor(0, 0, unit);
}

function appendLeaf(tree: SequenceTree, to: number, from: number): void {
  const { heap, unit } = tree;
  const data = heap.dataOf(from);
  const at = heap.offsetOf(from);
  const count = leafCount(data, at);
  appendEntries(
    heap.dataOf(to),
    heap.bytesOf(to),
    heap.offsetOf(to),
    data,
    heap.bytesOf(from),
    at,
    unit,
    0,
    count,
  );
}

/**
 * Making room for a new entry at a cursor: in the leaf, in a new leaf, or by splitting one.
 *
 * Hot-path file: nothing allocates on V8's heap.
 *
 * Invariants
 *  - Each step (`fitLeaf`, `addLeaf`, `splitLeaf`) leaves a whole tree with the same entries, asks for its memory
 *    before it changes anything, and leaves the cursor at the same place among the entries.
 *  - At the ends of the tree leaves are left as full as they are, and a new one is begun: what is pushed in order fills
 *    its leaves. Elsewhere a leaf is cut in the middle, and each half gets a room of about its size, so that even half
 *    full leaves waste little.
 */
import { assert } from "../../base/assert.ts";
import type { Cursor } from "./cursor.ts";
import {
  entryStart,
  hasBackRoom,
  hasFrontRoom,
  isSingle,
  leafBytesFor,
  leafCount,
  leafNeed,
  leafRoom,
  liveBytes,
  setLeafCount,
} from "./leaf.ts";
import { appendEntries, middleOf, openEntry, openFront } from "./leaf-edit.ts";
import type { SequenceTree } from "./tree.ts";
import { insertChild, nodesNeeded, separateLeaf, setSeparator, splitCount } from "./tree-nodes.ts";

/** Counts are words. */
export const SIZE_MAX = 2 ** 31 - 1;

/**
 * Puts an entry of `length` bytes in front of the cursor's, or behind the leaf's last if the cursor stands there, and
 * places the view on it: its bytes are undefined. `score` is its score, where entries have such.
 */
export function insertEntry(tree: SequenceTree, cursor: Cursor, length: number, score: number): void {
  assert(tree.size < SIZE_MAX, "a sequence has fewer than 2^31 elements");
  if (tree.root === 0) beginTree(tree, cursor, length);
  else tree.own(cursor);
  while (!openInLeaf(tree, cursor, length)) makeRoom(tree, cursor, length, score);
  tree.size++;
  cursor.reload();
  cursor.addToCounts(0, 1);
  cursor.place(cursor.index);
  if (tree.scored) cursor.score = score;
}

function beginTree(tree: SequenceTree, cursor: Cursor, length: number): void {
  tree.watch.beforeChange();
  tree.root = isLong(tree, length)
    ? tree.newSingle(length)
    : tree.newLeaf(tree.edgeBytes(leafBytesFor(length, 1, tree.unit)), 0, 0);
  cursor.seekEnd(tree.root, 0);
}

/** True if no leaf has room for such an entry and another one. */
function isLong(tree: SequenceTree, length: number): boolean {
  return leafBytesFor(length, 1, tree.unit) > tree.leafBytes;
}

/** Opens the entry in the cursor's leaf, if there is room without moving the leaf. */
function openInLeaf(tree: SequenceTree, cursor: Cursor, length: number): boolean {
  const { data, at, index, unit } = cursor;
  if (isSingle(data, at)) {
    if (leafCount(data, at) !== 0) return false;
    setLeafCount(data, at, 1);
    return true;
  }
  if (index === 0 && hasFrontRoom(data, at, unit, length)) openFront(data, at, unit, length);
  else if (hasBackRoom(data, at, unit, length)) openEntry(data, cursor.bytes, at, unit, index, length);
  else return fitLeaf(tree, cursor, length) && openInLeaf(tree, cursor, length);
  return true;
}

/** Moves the leaf's entries to a piece where the new one has room; false if they are too many for one leaf. */
function fitLeaf(tree: SequenceTree, cursor: Cursor, length: number): boolean {
  const { data, at, index, unit } = cursor;
  const count = leafCount(data, at);
  const live = liveBytes(data, at, unit);
  const need = leafBytesFor(live + length, count + 1, unit);
  if (need > tree.leafBytes) return false;
  const first = index === 0 && cursor.isFirst();
  if (!first && !(index === count && cursor.isLast())) {
    moveLeaf(tree, cursor, Math.min(tree.leafBytes, need + (need >>> 2)), 0, 0);
    return true;
  }
  // A queue would move its nearly full leaf for every few entries; it begins a new leaf instead.
  if (need > tree.leafBytes - (tree.leafBytes >>> 3) && leafRoom(data, at) >= tree.leafBytes) return false;
  const bytes = tree.edgeBytes(need);
  if (!first) {
    moveLeaf(tree, cursor, bytes, 0, 0);
    return true;
  }
  // The only leaf keeps half of its free room at the back, for those who push there as well.
  const free = bytes - leafBytesFor(live, count, unit);
  const front = tree.height > 0 ? free : Math.max(free >>> 1, length + unit);
  const skip = frontEntries(unit, front, length, (live + length) / (count + 1));
  moveLeaf(tree, cursor, bytes, skip, front - unit * skip);
  return true;
}

/** How many entries of `usual` bytes, and one of `length`, have room with their records in `free` bytes. */
function frontEntries(unit: number, free: number, length: number, usual: number): number {
  return 1 + Math.floor((free - length - unit) / (Math.ceil(usual) + unit));
}

/** Moves the entries of the cursor's leaf, which is not single, to a new piece of at least `bytes`. */
export function moveLeaf(tree: SequenceTree, cursor: Cursor, bytes: number, skip: number, gap: number): void {
  const piece = tree.newLeaf(bytes, skip, gap);
  const { heap } = tree;
  const { leaf, index } = cursor;
  appendEntries(
    heap.dataOf(piece),
    heap.bytesOf(piece),
    heap.offsetOf(piece),
    cursor.data,
    cursor.bytes,
    cursor.at,
    tree.unit,
    0,
    leafCount(cursor.data, cursor.at),
  );
  tree.relink(cursor, -1, piece);
  tree.dispose(leaf);
  cursor.enterLeaf(piece);
  cursor.index = index;
}

/** Makes one step towards a leaf that has room at the cursor. */
function makeRoom(tree: SequenceTree, cursor: Cursor, length: number, score: number): void {
  const { index } = cursor;
  const count = leafCount(cursor.data, cursor.at);
  const apart = count === 1 || isLong(tree, length);
  if (index === count && (apart || cursor.isLast())) addLeaf(tree, cursor, true, length, score);
  else if (index === 0 && (apart || cursor.isFirst())) addLeaf(tree, cursor, false, length, score);
  else splitLeaf(tree, cursor, apart ? index : middleOf(cursor.data, cursor.at, tree.unit), score);
}

/** Links an empty leaf for the new entry behind or in front of the cursor's, and goes there. */
function addLeaf(tree: SequenceTree, cursor: Cursor, after: boolean, length: number, score: number): void {
  const edge = after ? cursor.isLast() : cursor.isFirst();
  if (edge) trimLeaf(tree, cursor);
  tree.reserveNodes(nodesNeeded(tree, cursor));
  const piece = newLeafFor(tree, edge, after, length);
  insertChild(tree, cursor, 0, after, piece);
  // Whatever the separator was, the new entry is not below it by now: the leaf that was in front may have been first.
  if (!after) separateLeaf(tree, cursor);
  if (after) cursor.nextLeaf();
  else cursor.previousLeaf();
  setSeparator(tree, cursor, score);
}

function newLeafFor(tree: SequenceTree, edge: boolean, after: boolean, length: number): number {
  if (isLong(tree, length)) return tree.newSingle(length);
  const { unit } = tree;
  const need = leafBytesFor(length, 1, unit);
  if (!edge) return tree.newLeaf(Math.min(tree.leafBytes, need + (need >>> 2)), 0, 0);
  const bytes = tree.edgeBytes(need);
  if (after) return tree.newLeaf(bytes, 0, 0);
  const free = bytes - leafBytesFor(0, 0, unit);
  const skip = frontEntries(unit, free, length, length);
  return tree.newLeaf(bytes, skip, free - unit * skip);
}

/** Gives back the room of a leaf at the end of the tree that will not grow there any more. */
function trimLeaf(tree: SequenceTree, cursor: Cursor): void {
  const { data, at } = cursor;
  if (isSingle(data, at)) return;
  const need = leafNeed(data, at, tree.unit);
  if (leafRoom(data, at) - need > tree.leafBytes >>> 3) moveLeaf(tree, cursor, need, 0, 0);
}

/**
 * Cuts the cursor's leaf, which has two entries or more, in front of entry `cut`. An entry that is to be put in just there
 * goes to the shorter half.
 */
function splitLeaf(tree: SequenceTree, cursor: Cursor, cut: number, score: number): void {
  const { leaf, index, leafCount: count } = cursor;
  tree.reserveNodes(nodesNeeded(tree, cursor));
  const left = partOf(tree, cursor, 0, cut);
  let right = 0;
  try {
    right = partOf(tree, cursor, cut, count);
  } finally {
    if (right === 0) tree.dispose(left);
  }
  const leftIsShorter = isShorterBefore(cursor, cut);
  tree.relink(cursor, -1, left);
  tree.dispose(leaf);
  cursor.enterLeaf(left);
  insertChild(tree, cursor, 0, true, right);
  splitCount(tree, cursor, cut);
  cursor.nextLeaf();
  separateLeaf(tree, cursor);
  if (index < cut || (index === cut && leftIsShorter)) {
    cursor.previousLeaf();
    cursor.index = index;
    return;
  }
  cursor.index = index - cut;
  if (index === cut) setSeparator(tree, cursor, score);
}

/** A leaf with copies of entries [first, end) of the cursor's, and some room. */
function partOf(tree: SequenceTree, cursor: Cursor, first: number, end: number): number {
  const { heap } = tree;
  const { data, at, unit } = cursor;
  const live = entryStart(data, at, unit, end) - entryStart(data, at, unit, first);
  const need = leafBytesFor(live, end - first, unit);
  const piece = tree.newLeaf(Math.min(tree.leafBytes, need + (need >>> 2)), 0, 0);
  appendEntries(
    heap.dataOf(piece),
    heap.bytesOf(piece),
    heap.offsetOf(piece),
    data,
    cursor.bytes,
    at,
    unit,
    first,
    end - first,
  );
  return piece;
}

/** True if the entries in front of `cut` have fewer bytes than the others. */
function isShorterBefore(cursor: Cursor, cut: number): boolean {
  const { data, at, unit } = cursor;
  const middle = entryStart(data, at, unit, cut);
  return middle - entryStart(data, at, unit, 0) < entryStart(data, at, unit, cursor.leafCount) - middle;
}

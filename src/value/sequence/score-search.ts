/**
 * Finding places in a tree whose entries are members with scores, ordered by score and then by the members' bytes.
 *
 * Hot-path file: nothing allocates. Trees are not empty.
 *
 * Invariant: a search goes down to the last child that can begin at or before what is sought; the cursor may end behind
 * the last entry of a leaf when the next leaf begins after it.
 *
 * Nodes hold the scores alone. Where several children may begin with the sought score, their first members are read:
 * with scores that differ that is rare, and keeping members in nodes would make them unbounded.
 */
import { compareBytes } from "../../base/bytes.ts";
import type { PieceHeap } from "../heap/piece-heap.ts";
import type { Cursor } from "./cursor.ts";
import { entryStart, recordsOf, scorePlace } from "./leaf.ts";
import { childAt, nodeSize, separatorAt } from "./node.ts";
import type { SequenceTree } from "./tree.ts";

// Own constants are folded by the compiler, imported ones are read: these repeat leaf.ts and node.ts.
const RECORD_BYTES = 10;
const BOUNDARY = 2;
const SEPARATOR_BYTES = 8;

/**
 * Goes to the first entry that is not before (score, member); true if it is that one, and then the view is on it.
 */
export function seekEntry(
  tree: SequenceTree,
  cursor: Cursor,
  score: number,
  member: Uint8Array,
  offset: number,
  length: number,
): boolean {
  const { heap, fanOut } = tree;
  cursor.height = tree.height;
  let piece = tree.root;
  for (let level = tree.height - 1; level >= 0; level--) {
    const words = heap.wordsOf(piece);
    const data = heap.dataOf(piece);
    const at = heap.offsetOf(piece) >>> 2;
    const size = nodeSize(words, at);
    const first = separatorAt(at, fanOut, 0);
    let end = firstNotBelow(data, first, SEPARATOR_BYTES, 1, size, score, false);
    if (end < size && data.getFloat64(first + SEPARATOR_BYTES * end, true) === score) {
      end = firstChildAfter(heap, fanOut, piece, level, end, score, member, offset, length);
    }
    cursor.nodes[level] = piece;
    cursor.slots[level] = end - 1;
    piece = childAt(words, at, fanOut, end - 1);
  }
  cursor.enterLeaf(piece);
  return seekInLeaf(cursor, score, member, offset, length);
}

/** The first child of a node, from `low` on, whose separator is `score`, that begins after (score, member). */
function firstChildAfter(
  heap: PieceHeap,
  fanOut: number,
  node: number,
  level: number,
  low: number,
  score: number,
  member: Uint8Array,
  offset: number,
  length: number,
): number {
  const words = heap.wordsOf(node);
  const at = heap.offsetOf(node) >>> 2;
  const first = separatorAt(at, fanOut, 0);
  let high = firstNotBelow(
    heap.dataOf(node),
    first,
    SEPARATOR_BYTES,
    low + 1,
    nodeSize(words, at),
    score,
    true,
  );
  while (low < high) {
    const slot = (low + high) >>> 1;
    const leaf = firstLeaf(heap, fanOut, childAt(words, at, fanOut, slot), level);
    if (compareFirst(heap, leaf, score, member, offset, length) <= 0) low = slot + 1;
    else high = slot;
  }
  return low;
}

function seekInLeaf(
  cursor: Cursor,
  score: number,
  member: Uint8Array,
  offset: number,
  length: number,
): boolean {
  const count = cursor.leafCount;
  let low = firstEntryNotBelow(cursor, score, false);
  let high = low;
  if (low < count && cursor.scoreOf(low) === score) {
    // Mostly the score is there once.
    high = low + 1;
    if (high < count && cursor.scoreOf(high) === score) high = firstEntryNotBelow(cursor, score, true);
  }
  while (low < high) {
    const index = (low + high) >>> 1;
    cursor.place(index);
    const order = compareBytes(cursor.bytes, cursor.offset, cursor.length, member, offset, length);
    if (order === 0) return true;
    if (order < 0) low = index + 1;
    else high = index;
  }
  cursor.index = low;
  return false;
}

/**
 * Goes to the first entry with a score of at least `score`, or above it, and places the view; if there is none the cursor
 * is behind the last entry.
 */
export function seekScore(tree: SequenceTree, cursor: Cursor, score: number, above: boolean): void {
  const { heap, fanOut } = tree;
  cursor.height = tree.height;
  let piece = tree.root;
  for (let level = tree.height - 1; level >= 0; level--) {
    const words = heap.wordsOf(piece);
    const at = heap.offsetOf(piece) >>> 2;
    const first = separatorAt(at, fanOut, 0);
    const size = nodeSize(words, at);
    const slot = firstNotBelow(heap.dataOf(piece), first, SEPARATOR_BYTES, 1, size, score, above) - 1;
    cursor.nodes[level] = piece;
    cursor.slots[level] = slot;
    piece = childAt(words, at, fanOut, slot);
  }
  cursor.enterLeaf(piece);
  cursor.index = firstEntryNotBelow(cursor, score, above);
  settleView(cursor);
}

/** From behind the last entry of a leaf to the front of the next one, if there is one. */
export function settleView(cursor: Cursor): void {
  if (cursor.index === cursor.leafCount && !cursor.nextLeaf()) return;
  cursor.place(cursor.index);
}

/** The first of the rising doubles low to high - 1, `step` bytes apart, that is not below `score`, or is above it. */
function firstNotBelow(
  data: DataView,
  table: number,
  step: number,
  low: number,
  high: number,
  score: number,
  above: boolean,
): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = data.getFloat64(table + step * middle, true);
    if (found < score || (above && found === score)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same for the entries of the cursor's leaf. */
function firstEntryNotBelow(cursor: Cursor, score: number, above: boolean): number {
  const { data, at, leafCount: count } = cursor;
  const table = recordsOf(data, at, RECORD_BYTES);
  // A single leaf has one score, so that the step does not matter.
  const first = table === 0 ? scorePlace(data, at, 0) : table + BOUNDARY;
  return firstNotBelow(data, first, -RECORD_BYTES, 0, count, score, above);
}

/** The first leaf below a child of a node at `level`. */
function firstLeaf(heap: PieceHeap, fanOut: number, piece: number, level: number): number {
  for (; level > 0; level--) {
    piece = childAt(heap.wordsOf(piece), heap.offsetOf(piece) >>> 2, fanOut, 0);
  }
  return piece;
}

/** The order of the first entry of a leaf and (score, member): negative, zero or positive. */
function compareFirst(
  heap: PieceHeap,
  leaf: number,
  score: number,
  member: Uint8Array,
  offset: number,
  length: number,
): number {
  const data = heap.dataOf(leaf);
  const at = heap.offsetOf(leaf);
  const found = data.getFloat64(scorePlace(data, at, 0), true);
  if (found !== score) return found < score ? -1 : 1;
  const start = entryStart(data, at, RECORD_BYTES, 0);
  const end = entryStart(data, at, RECORD_BYTES, 1);
  return compareBytes(heap.bytesOf(leaf), start, end - start, member, offset, length);
}

/** True if the view's member, with another score, would still be between its neighbours, as far as its leaf shows. */
export function staysInPlace(cursor: Cursor, score: number): boolean {
  const { index } = cursor;
  const old = cursor.scoreOf(index);
  if (index > 0) {
    const before = cursor.scoreOf(index - 1);
    if (before > score || (before === score && !ascends(cursor, index - 1))) return false;
  } else if (score < old && !cursor.isFirst()) return false;
  if (index + 1 === cursor.leafCount) return score <= old || cursor.isLast();
  const after = cursor.scoreOf(index + 1);
  return after > score || (after === score && ascends(cursor, index));
}

/** True if the bytes of entry `index` of the leaf are in order with those of the next one. */
function ascends(cursor: Cursor, index: number): boolean {
  const { data, at, bytes } = cursor;
  const start = entryStart(data, at, RECORD_BYTES, index);
  const middle = entryStart(data, at, RECORD_BYTES, index + 1);
  const end = entryStart(data, at, RECORD_BYTES, index + 2);
  return compareBytes(bytes, start, middle - start, bytes, middle, end - middle) < 0;
}

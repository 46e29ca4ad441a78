/**
 * Checks every invariant of a tree by visiting all of it: for tests, and for a look at a server that is in doubt.
 */
import { assert } from "../../base/assert.ts";
import { compareBytes } from "../../base/bytes.ts";
import { Cursor } from "./cursor.ts";
import { entryStart, isSingle, leafCount, leafNeed, leafRoom, scorePlace, singleLength } from "./leaf.ts";
import { childAt, countAt, nodeBytesFor, nodeSize, separatorAt } from "./node.ts";
import type { SequenceTree } from "./tree.ts";

/** Throws AssertionBroken with the first thing that is not as it should be. */
export function verifyTree(tree: SequenceTree): void {
  tree.settleEnd();
  assert((tree.root === 0) === (tree.size === 0), "a tree without elements has no root");
  const seen = { bytes: 0 };
  if (tree.root !== 0) {
    const count = verifyBelow(tree, tree.root, tree.height - 1, seen);
    assert(count === tree.size, "the size is the number of elements");
    if (tree.scored) verifyOrder(tree);
  }
  const nodeRoom = tree.heap.roomFor(nodeBytesFor(tree.fanOut, tree.scored));
  assert(tree.memoryBytes === seen.bytes + tree.spareNodes * nodeRoom, "memoryBytes is the sum of the rooms");
}

/** Answers how many elements are below `piece`. */
function verifyBelow(tree: SequenceTree, piece: number, level: number, seen: { bytes: number }): number {
  const { heap, fanOut } = tree;
  seen.bytes += heap.roomOf(piece);
  if (level < 0) return verifyLeaf(tree, piece);
  const words = heap.wordsOf(piece);
  const at = heap.offsetOf(piece) >>> 2;
  const size = nodeSize(words, at);
  assert(size >= 1 && size <= fanOut, "a node has between one child and the fan-out");
  let sum = 0;
  for (let slot = 0; slot < size; slot++) {
    const child = childAt(words, at, fanOut, slot);
    const count = verifyBelow(tree, child, level - 1, seen);
    assert(count === countAt(words, at, slot), "the count of a child is that of the elements below it");
    sum += count;
    if (tree.scored && slot > 0) {
      const separator = heap.dataOf(piece).getFloat64(separatorAt(at, fanOut, slot), true);
      const before = childAt(words, at, fanOut, slot - 1);
      assert(
        edgeScore(tree, before, level - 1, true) <= separator,
        "no score is above the separator behind it",
      );
      assert(
        edgeScore(tree, child, level - 1, false) >= separator,
        "no score is below the separator before it",
      );
    }
  }
  return sum;
}

function verifyLeaf(tree: SequenceTree, piece: number): number {
  const { heap, unit } = tree;
  const data = heap.dataOf(piece);
  const at = heap.offsetOf(piece);
  const count = leafCount(data, at);
  assert(count > 0, "a leaf is not empty");
  if (isSingle(data, at)) {
    assert(count === 1 && singleLength(data, at) <= heap.roomOf(piece), "a single leaf has one entry");
    return 1;
  }
  assert(leafRoom(data, at) <= heap.roomOf(piece), "a leaf is within its piece");
  assert(leafNeed(data, at, unit) <= leafRoom(data, at), "the entries of a leaf are within it");
  for (let i = 0; i < count; i++) {
    assert(entryStart(data, at, unit, i) <= entryStart(data, at, unit, i + 1), "boundaries rise");
  }
  return count;
}

/** The last or the first score below a piece. */
function edgeScore(tree: SequenceTree, piece: number, level: number, last: boolean): number {
  const { heap } = tree;
  for (; level >= 0; level--) {
    const words = heap.wordsOf(piece);
    const at = heap.offsetOf(piece) >>> 2;
    piece = childAt(words, at, tree.fanOut, last ? nodeSize(words, at) - 1 : 0);
  }
  const data = heap.dataOf(piece);
  const at = heap.offsetOf(piece);
  return data.getFloat64(scorePlace(data, at, last ? leafCount(data, at) - 1 : 0), true);
}

function verifyOrder(tree: SequenceTree): void {
  const cursor = new Cursor();
  const before = new Cursor();
  cursor.serve(tree, tree.heap, tree.fanOut, tree.unit);
  before.serve(tree, tree.heap, tree.fanOut, tree.unit);
  before.seekFirst(tree.root, tree.height);
  cursor.seekFirst(tree.root, tree.height);
  while (cursor.next()) {
    const { score } = cursor;
    const previous = before.score;
    assert(
      previous < score || (previous === score && memberOrder(before, cursor) < 0),
      "elements are in order",
    );
    before.next();
  }
}

function memberOrder(a: Cursor, b: Cursor): number {
  return compareBytes(a.bytes, a.offset, a.length, b.bytes, b.offset, b.length);
}

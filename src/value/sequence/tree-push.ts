/**
 * Pushing at the ends of a tree: many entries in a row go to the same leaf, and the nodes above it are told once.
 *
 * Hot-path file: nothing allocates on V8's heap.
 *
 * Invariants
 *  - While `endLeaf` is not 0 it is the first or the last leaf of the tree (`endIsFirst`), one that may be changed, and the
 *    counts of the nodes above it lack `endAdded` entries.
 *  - Everything else that looks at the tree calls `settleEnd` first: by asking for the tree's cursor. So what a push
 *    leaves undone is seen by the next push alone.
 *  - A push that is the first change of an epoch takes the long way, on which the guard is told (see SequenceTree.own).
 */
import { assert } from "../../base/assert.ts";
import { copyBytes } from "../../base/bytes.ts";
import { hasBackRoom, hasFrontRoom, isSingle, leafCount } from "./leaf.ts";
import { openEntry, openFront } from "./leaf-edit.ts";
import type { SequenceTree } from "./tree.ts";
import { insertEntry, SIZE_MAX } from "./tree-insert.ts";

// Own constants are folded by the compiler, imported ones are read: this repeats leaf.ts.
const UNIT = 2;

/** Puts an entry in front of the first one; the tree has no scores. No view afterwards. */
export function pushFirst(tree: SequenceTree, bytes: Uint8Array, offset: number, length: number): void {
  const leaf = tree.endLeaf;
  if (leaf === 0 || !tree.endIsFirst || tree.watch.isDue) {
    pushAnew(tree, true, bytes, offset, length);
    return;
  }
  const { heap } = tree;
  const data = heap.dataOf(leaf);
  const at = heap.offsetOf(leaf);
  if (tree.size === SIZE_MAX || !hasFrontRoom(data, at, UNIT, length)) {
    pushAnew(tree, true, bytes, offset, length);
    return;
  }
  const to = openFront(data, at, UNIT, length);
  tree.size++;
  tree.endAdded++;
  copyBytes(heap.bytesOf(leaf), to, bytes, offset, length);
}

/** Puts an entry behind the last one; the tree has no scores. No view afterwards. */
export function pushLast(tree: SequenceTree, bytes: Uint8Array, offset: number, length: number): void {
  const leaf = tree.endLeaf;
  if (leaf === 0 || tree.endIsFirst || tree.watch.isDue) {
    pushAnew(tree, false, bytes, offset, length);
    return;
  }
  const { heap } = tree;
  const data = heap.dataOf(leaf);
  const at = heap.offsetOf(leaf);
  if (tree.size === SIZE_MAX || !hasBackRoom(data, at, UNIT, length)) {
    pushAnew(tree, false, bytes, offset, length);
    return;
  }
  const into = heap.bytesOf(leaf);
  const to = openEntry(data, into, at, UNIT, leafCount(data, at), length);
  tree.size++;
  tree.endAdded++;
  copyBytes(into, to, bytes, offset, length);
}

/** Finds or makes a leaf at the end that has room, which the next pushes will know. */
function pushAnew(
  tree: SequenceTree,
  first: boolean,
  bytes: Uint8Array,
  offset: number,
  length: number,
): void {
  assert(!tree.scored, "elements with scores are not pushed");
  const { cursor } = tree;
  if (tree.size > 0) {
    if (first) cursor.seekFirst(tree.root, tree.height);
    else cursor.seekEnd(tree.root, tree.height);
  }
  insertEntry(tree, cursor, length, 0);
  copyBytes(cursor.bytes, cursor.offset, bytes, offset, length);
  if (!isSingle(cursor.data, cursor.at)) tree.openEnd(cursor.leaf, first);
  cursor.leaf = 0;
}

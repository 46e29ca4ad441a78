/**
 * Copies a tree leaf by leaf: into an empty one, in order, so that its nodes are full and its leaves' rooms fit.
 *
 * Invariant: the copy is a whole tree after every leaf. If the system has no memory for it, all that it has is freed.
 */
import { Cursor } from "./cursor.ts";
import { isSingle, leafNeed, singleLength } from "./leaf.ts";
import { appendEntries, copySingle } from "./leaf-edit.ts";
import type { SequenceTree } from "./tree.ts";
import { insertChild, nodesNeeded, separateLeaf } from "./tree-nodes.ts";

/** Makes `to`, which is empty, equal to `from`. Error of kind "unavailable" without memory; `to` is gone then. */
export function copyTree(from: SequenceTree, to: SequenceTree): void {
  if (from.size === 0) return;
  from.settleEnd();
  const source = new Cursor();
  source.serve(from, from.heap, from.fanOut, from.unit);
  source.seekFirst(from.root, from.height);
  const cursor = to.cursor;
  try {
    do appendLeaf(to, cursor, source);
    while (source.nextLeaf());
  } catch (error) {
    to.release(Number.POSITIVE_INFINITY);
    throw error;
  }
}

function appendLeaf(to: SequenceTree, cursor: Cursor, source: Cursor): void {
  const count = source.leafCount;
  if (to.size === 0) {
    to.root = leafCopy(to, source);
    to.size = count;
    cursor.seekEnd(to.root, 0);
    return;
  }
  to.reserveNodes(nodesNeeded(to, cursor));
  insertChild(to, cursor, 0, true, leafCopy(to, source));
  cursor.nextLeaf();
  separateLeaf(to, cursor);
  cursor.addToCounts(0, count);
  to.size += count;
}

/** A leaf with the entries of the cursor's. */
function leafCopy(to: SequenceTree, source: Cursor): number {
  const { heap } = to;
  const { data, bytes, at } = source;
  if (isSingle(data, at)) {
    const piece = to.newSingle(singleLength(data, at));
    copySingle(heap.dataOf(piece), heap.bytesOf(piece), heap.offsetOf(piece), data, bytes, at);
    return piece;
  }
  const piece = to.newLeaf(leafNeed(data, at, to.unit), 0, 0);
  appendEntries(
    heap.dataOf(piece),
    heap.bytesOf(piece),
    heap.offsetOf(piece),
    data,
    bytes,
    at,
    to.unit,
    0,
    source.leafCount,
  );
  return piece;
}

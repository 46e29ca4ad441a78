/**
 * Children of inner nodes: adding one to a cursor's path, taking some out, and what follows from that further up.
 *
 * Nothing here allocates on V8's heap.
 *
 * Invariants
 *  - The nodes of the cursor's path are the caller's to change (`SequenceTree.own`).
 *  - A child is added without entries below it, and gets its share of its neighbour's count afterwards
 *    (`splitCount`): so the counts above are right at every moment.
 *  - A node with fewer than a quarter of its children is merged with a neighbour under the same parent if both together
 *    stay below three quarters, which leaves room for the next writes.
 */
import type { Cursor } from "./cursor.ts";
import {
  addToCountAt,
  appendChildren,
  childAt,
  closeChildren,
  countAt,
  countBetween,
  nodeSize,
  openChild,
  separatorAt,
  setChildAt,
  setCountAt,
  setNodeSize,
} from "./node.ts";
import type { SequenceTree } from "./tree.ts";

/** How many nodes `insertChild` would make, at most, for a child of the lowest node of the path. */
export function nodesNeeded(tree: SequenceTree, cursor: Cursor): number {
  let level = 0;
  while (level < tree.height && isFull(tree, cursor.nodes[level]!)) level++;
  return level === tree.height ? level + 1 : level;
}

function isFull(tree: SequenceTree, node: number): boolean {
  const { heap } = tree;
  return nodeSize(heap.wordsOf(node), heap.offsetOf(node) >>> 2) === tree.fanOut;
}

/**
 * Links `piece` behind (`after`) or in front of the path's child at `level`, with the count 0. The path stays on its
 * child; both are in the same node afterwards. Needs the nodes of `nodesNeeded`.
 */
export function insertChild(
  tree: SequenceTree,
  cursor: Cursor,
  level: number,
  after: boolean,
  piece: number,
): void {
  if (level === tree.height) growRoot(tree, cursor);
  else if (isFull(tree, cursor.nodes[level]!)) splitNode(tree, cursor, level, after);
  const { heap, fanOut } = tree;
  const node = cursor.nodes[level]!;
  const words = heap.wordsOf(node);
  const at = heap.offsetOf(node) >>> 2;
  const slot = cursor.slots[level]! + (after ? 1 : 0);
  openChild(words, at, fanOut, tree.scored, slot);
  setChildAt(words, at, fanOut, slot, piece);
  if (!after) cursor.slots[level] = slot + 1;
}

/** Puts a new root above the old one. */
function growRoot(tree: SequenceTree, cursor: Cursor): void {
  const { heap, fanOut } = tree;
  const level = tree.height;
  const root = tree.newNode();
  const words = heap.wordsOf(root);
  const at = heap.offsetOf(root) >>> 2;
  setNodeSize(words, at, 1);
  setCountAt(words, at, 0, tree.size);
  setChildAt(words, at, fanOut, 0, tree.root);
  cursor.nodes[level] = root;
  cursor.slots[level] = 0;
  cursor.height = level + 1;
  tree.root = root;
  tree.height = level + 1;
}

/** Cuts a full node of the path in two, so that the half with the path's child has room. */
function splitNode(tree: SequenceTree, cursor: Cursor, level: number, after: boolean): void {
  const { heap, fanOut, scored } = tree;
  const left = cursor.nodes[level]!;
  const slot = cursor.slots[level]!;
  const cut = cutOf(tree, cursor, slot, after);
  const right = tree.newNode();
  const words = heap.wordsOf(left);
  const at = heap.offsetOf(left) >>> 2;
  const rightAt = heap.offsetOf(right) >>> 2;
  appendChildren(heap.wordsOf(right), rightAt, words, at, fanOut, scored, cut);
  setNodeSize(words, at, cut);
  insertChild(tree, cursor, level + 1, true, right);
  const parent = cursor.nodes[level + 1]!;
  const parentSlot = cursor.slots[level + 1]!;
  splitCountOf(tree, parent, parentSlot, countBetween(words, at, 0, cut));
  if (scored) {
    const score = heap.dataOf(right).getFloat64(separatorAt(rightAt, fanOut, 0), true);
    const to = separatorAt(heap.offsetOf(parent) >>> 2, fanOut, parentSlot + 1);
    heap.dataOf(parent).setFloat64(to, score, true);
  }
  if (slot < cut) return;
  cursor.nodes[level] = right;
  cursor.slots[level] = slot - cut;
  cursor.slots[level + 1] = parentSlot + 1;
}

/** Where to cut a full node: at the ends of the tree it stays as full as it is. */
function cutOf(tree: SequenceTree, cursor: Cursor, slot: number, after: boolean): number {
  if (after && slot === tree.fanOut - 1 && cursor.isLast()) return slot;
  if (!after && slot === 0 && cursor.isFirst()) return 1;
  return tree.fanOut >>> 1;
}

/** Gives the next child of the lowest node what the path's child has above `kept` entries. */
export function splitCount(tree: SequenceTree, cursor: Cursor, kept: number): void {
  splitCountOf(tree, cursor.nodes[0]!, cursor.slots[0]!, kept);
}

function splitCountOf(tree: SequenceTree, node: number, slot: number, kept: number): void {
  const words = tree.heap.wordsOf(node);
  const at = tree.heap.offsetOf(node) >>> 2;
  addToCountAt(words, at, slot + 1, countAt(words, at, slot) - kept);
  setCountAt(words, at, slot, kept);
}

/** Makes `score` the separator in front of the cursor's leaf; nothing where entries have no scores. */
export function setSeparator(tree: SequenceTree, cursor: Cursor, score: number): void {
  if (!tree.scored) return;
  const { heap } = tree;
  const node = cursor.nodes[0]!;
  const to = separatorAt(heap.offsetOf(node) >>> 2, tree.fanOut, cursor.slots[0]!);
  heap.dataOf(node).setFloat64(to, score, true);
}

/** Makes the first score of the cursor's leaf the separator in front of it. */
export function separateLeaf(tree: SequenceTree, cursor: Cursor): void {
  if (!tree.scored) return;
  setSeparator(tree, cursor, cursor.scoreOf(0));
}

/**
 * Takes children [slot, slot + removed) of the path's node at `level` out, which have no entries by the counts any more
 * or whose count has been given to others, and lets what remains close up. The pieces are the caller's to dispose of. The
 * cursor is at no place afterwards.
 */
export function removeChildren(
  tree: SequenceTree,
  cursor: Cursor,
  level: number,
  slot: number,
  removed: number,
): void {
  for (;;) {
    const { heap, fanOut } = tree;
    const node = cursor.nodes[level]!;
    const words = heap.wordsOf(node);
    const at = heap.offsetOf(node) >>> 2;
    closeChildren(words, at, fanOut, tree.scored, slot, removed);
    if (level === tree.height - 1) break;
    const size = nodeSize(words, at);
    slot = cursor.slots[level + 1]!;
    if (size === 0) tree.dispose(node);
    else {
      if (4 * size > fanOut) break;
      slot = mergeNode(tree, cursor, level);
      if (slot < 0) break;
    }
    level++;
    removed = 1;
  }
  shrinkRoot(tree);
  cursor.leaf = 0;
}

/** Merges the path's node with a neighbour; answers the slot of the child that its parent has lost by that, or -1. */
function mergeNode(tree: SequenceTree, cursor: Cursor, level: number): number {
  const { heap, fanOut } = tree;
  const parent = cursor.nodes[level + 1]!;
  const slot = cursor.slots[level + 1]!;
  const size = nodeSize(heap.wordsOf(parent), heap.offsetOf(parent) >>> 2);
  if (slot + 1 < size && mergeChildren(tree, parent, fanOut, slot)) return slot + 1;
  if (slot > 0 && mergeChildren(tree, parent, fanOut, slot - 1)) return slot;
  return -1;
}

/** Moves the children of child `slot` + 1 to child `slot`, if they are few enough. */
function mergeChildren(tree: SequenceTree, parent: number, fanOut: number, slot: number): boolean {
  const { heap, scored } = tree;
  const parentWords = heap.wordsOf(parent);
  const parentAt = heap.offsetOf(parent) >>> 2;
  const left = childAt(parentWords, parentAt, fanOut, slot);
  const right = childAt(parentWords, parentAt, fanOut, slot + 1);
  const from = heap.wordsOf(right);
  const fromAt = heap.offsetOf(right) >>> 2;
  const held = nodeSize(heap.wordsOf(left), heap.offsetOf(left) >>> 2);
  if (4 * (held + nodeSize(from, fromAt)) > 3 * fanOut) return false;
  // Copying it could fail, which must not happen once children have been removed.
  if (tree.isCaptured(left)) return false;
  const at = heap.offsetOf(left) >>> 2;
  appendChildren(heap.wordsOf(left), at, from, fromAt, fanOut, scored, 0);
  if (scored) {
    // The first separator of a node means nothing; its parent knows a right one.
    const score = heap.dataOf(parent).getFloat64(separatorAt(parentAt, fanOut, slot + 1), true);
    heap.dataOf(left).setFloat64(separatorAt(at, fanOut, held), score, true);
  }
  addToCountAt(parentWords, parentAt, slot, countAt(parentWords, parentAt, slot + 1));
  tree.dispose(right);
  return true;
}

/** Takes roots with one child away, or the last one. */
function shrinkRoot(tree: SequenceTree): void {
  const { heap, fanOut } = tree;
  while (tree.height > 0) {
    const root = tree.root;
    const words = heap.wordsOf(root);
    const at = heap.offsetOf(root) >>> 2;
    const size = nodeSize(words, at);
    if (size > 1) return;
    tree.root = size === 1 ? childAt(words, at, fanOut, 0) : 0;
    tree.height = size === 1 ? tree.height - 1 : 0;
    tree.dispose(root);
  }
}

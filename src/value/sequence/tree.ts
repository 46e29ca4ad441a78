/**
 * A counted B+-tree over pieces: what both kinds of sequence are. This file has its state and its pieces; the files
 * beside it change it.
 *
 * Hot-path file: nothing allocates on V8's heap but a capture's list.
 *
 * Invariants
 *  - All leaves are at the same depth; none is empty. `root` is 0 exactly if `size` is 0, a leaf if `height` is 0.
 *  - The count of a child is the number of entries below it.
 *  - A piece whose epoch is not above `capturedEpoch` is read by a capture: it is never changed, but copied first
 *    (`own`), and when it leaves the tree it is kept for the capture instead of being freed.
 *  - `memoryBytes` is the sum of the rooms of the pieces of the tree, and of those that wait to be nodes.
 *
 * Memory that a change needs is asked for before the first byte is changed, so that a request that the system refuses
 * (an error of kind "unavailable") leaves a whole tree: `reserveNodes` keeps pieces for the nodes of a split.
 */
import { assert } from "../../base/assert.ts";
import type { ChangeWatch } from "../change-guard.ts";
import type { PieceHeap } from "../heap/piece-heap.ts";
import { Cursor, noteUse, takeCursor } from "./cursor.ts";
import {
  formatLeaf,
  formatSingle,
  LEAF_BYTES_MAX,
  PLAIN_UNIT,
  SCORED_UNIT,
  SINGLE_HEADER_BYTES,
} from "./leaf.ts";
import { addToCountAt, childAt, formatNode, nodeBytesFor, nodeSize, setChildAt } from "./node.ts";
import { RetiredPieces } from "./retired-pieces.ts";

const FAN_OUT_MIN = 4;
const LEAF_BYTES_MIN = 48;

/** Sizes of a tree's parts; tests make them small so that few elements give a high tree. */
export interface TreeSizes {
  /** The longest leaf for more than one entry. */
  readonly leafBytes: number;
  /** Children of a node at most. */
  readonly fanOut: number;
}

/** Leaves are as long as a size class of the heap, nodes of either kind just under one: 512 and 1,024 bytes. */
export const TREE_SIZES: TreeSizes = { leafBytes: 2048, fanOut: 63 };

/**
 * Of lists, which grow at their ends: half as many headers and remainders, while an insertion elsewhere moves twice as
 * much. With scores that would be every insertion.
 */
export const LIST_SIZES: TreeSizes = { leafBytes: 4096, fanOut: 63 };

/** A leaf at an end begins as this part of the tree, so that what it does not use yet is no large part of a small one. */
const EDGE_SHARE_BITS = 3;

export class SequenceTree {
  readonly heap: PieceHeap;
  readonly leafBytes: number;
  readonly fanOut: number;
  /** True if entries have scores, and nodes have separators. */
  readonly scored: boolean;
  /** Bytes of a leaf's record for an entry. */
  readonly unit: number;
  /** To be asked before anything changes: `own` does, and what changes a tree without calling that. */
  readonly watch: ChangeWatch;
  root = 0;
  height = 0;
  size = 0;
  memoryBytes = 0;
  /** Pieces born up to here are read by a capture; 0 if there is none. */
  capturedEpoch = 0;
  retired: RetiredPieces | undefined = undefined;
  /** What pushes have left to do: see tree-push.ts. */
  endLeaf = 0;
  endIsFirst = false;
  endAdded = 0;
  #epoch = 1;
  /** Pieces that wait to be nodes; a list through their first words. */
  spareNodes = 0;
  #spareNode = 0;
  /** Where freeing has come to. */
  #releasing: Cursor | undefined = undefined;
  /** The cursor that was the tree's last; others may have it by now. */
  #cursor: Cursor | undefined = undefined;

  constructor(heap: PieceHeap, sizes: TreeSizes, scored: boolean, watch: ChangeWatch) {
    const { leafBytes, fanOut } = sizes;
    assert(leafBytes >= LEAF_BYTES_MIN && leafBytes <= LEAF_BYTES_MAX, "leaves are from 48 to 32,768 bytes");
    assert(fanOut >= FAN_OUT_MIN, "a node can have four children");
    this.heap = heap;
    this.leafBytes = leafBytes;
    this.fanOut = fanOut;
    this.scored = scored;
    this.watch = watch;
    this.unit = scored ? SCORED_UNIT : PLAIN_UNIT;
  }

  /** The tree's own cursor, where it was left if not too many others have been used meanwhile. */
  get cursor(): Cursor {
    if (this.endLeaf !== 0) this.settleEnd();
    const cursor = this.#cursor;
    if (cursor === undefined || cursor.owner !== this) return this.#takeCursor();
    noteUse(cursor);
    return cursor;
  }

  /** The cursor for going on with a walk: it must be where the walk left it. */
  get placedCursor(): Cursor {
    const cursor = this.#cursor;
    assert(cursor !== undefined && cursor.owner === this && cursor.leaf !== 0, "the sequence has no view");
    return cursor;
  }

  #takeCursor(): Cursor {
    assert(this.#releasing === undefined, "a sequence that is being released is not used");
    this.#cursor = takeCursor(this, this.heap, this.fanOut, this.unit);
    return this.#cursor;
  }

  /** The first or the last leaf is `leaf`, and the next pushes go there. */
  openEnd(leaf: number, first: boolean): void {
    this.endLeaf = leaf;
    this.endIsFirst = first;
  }

  /** Tells the nodes what has been pushed below them; the next push looks for its leaf again. */
  settleEnd(): void {
    const { heap, fanOut, endAdded } = this;
    this.endLeaf = 0;
    if (endAdded === 0) return;
    this.endAdded = 0;
    let piece = this.root;
    for (let level = this.height; level > 0; level--) {
      const words = heap.wordsOf(piece);
      const at = heap.offsetOf(piece) >>> 2;
      const slot = this.endIsFirst ? 0 : nodeSize(words, at) - 1;
      addToCountAt(words, at, slot, endAdded);
      piece = childAt(words, at, fanOut, slot);
    }
  }

  /** From here on no piece that is in the tree now is changed or freed, until `endCapture`. */
  beginCapture(): RetiredPieces {
    assert(this.capturedEpoch === 0, "a sequence has one capture at a time");
    assert(this.#releasing === undefined, "a sequence that is being released is not captured");
    this.settleEnd();
    this.capturedEpoch = this.#epoch++;
    this.retired = new RetiredPieces(this.heap);
    return this.retired;
  }

  endCapture(): void {
    this.capturedEpoch = 0;
    this.retired = undefined;
  }

  /**
   * A leaf of at least `bytes` without entries; `skip` entries of `gap` bytes together have room at its front. The whole
   * room is the leaf's, even where the heap's steps make that more than `leafBytes`.
   */
  newLeaf(bytes: number, skip: number, gap: number): number {
    const { heap } = this;
    const piece = heap.allocate(bytes);
    const room = heap.roomOf(piece);
    this.memoryBytes += room;
    formatLeaf(
      heap.dataOf(piece),
      heap.offsetOf(piece),
      this.#epoch,
      Math.min(room, LEAF_BYTES_MAX),
      this.unit,
      skip,
      gap,
    );
    return piece;
  }

  /** How long a leaf at an end of the tree should be that needs `need` bytes now. */
  edgeBytes(need: number): number {
    return Math.min(this.leafBytes, Math.max(2 * need, this.memoryBytes >>> EDGE_SHARE_BITS));
  }

  /** A leaf for one entry of `length` bytes, which is not in it yet. */
  newSingle(length: number): number {
    const { heap } = this;
    const piece = heap.allocate(SINGLE_HEADER_BYTES + length);
    this.memoryBytes += heap.roomOf(piece);
    formatSingle(heap.dataOf(piece), heap.offsetOf(piece), this.#epoch, length);
    return piece;
  }

  /** Sees to it that `count` nodes can be made without asking for memory. */
  reserveNodes(count: number): void {
    const { heap } = this;
    while (this.spareNodes < count) {
      const piece = heap.allocate(nodeBytesFor(this.fanOut, this.scored));
      heap.wordsOf(piece)[heap.offsetOf(piece) >>> 2] = this.#spareNode;
      this.#spareNode = piece;
      this.spareNodes++;
      this.memoryBytes += heap.roomOf(piece);
    }
  }

  /** A node without children. */
  newNode(): number {
    const { heap } = this;
    this.reserveNodes(1);
    const piece = this.#spareNode;
    const words = heap.wordsOf(piece);
    const at = heap.offsetOf(piece) >>> 2;
    this.#spareNode = words[at]!;
    this.spareNodes--;
    formatNode(words, at, this.#epoch);
    return piece;
  }

  /** Ends a piece that is not in the tree any more. */
  dispose(piece: number): void {
    const { heap } = this;
    this.memoryBytes -= heap.roomOf(piece);
    if (this.isCaptured(piece)) this.retired!.add(piece);
    else heap.free(piece);
  }

  isCaptured(piece: number): boolean {
    const captured = this.capturedEpoch;
    return captured !== 0 && this.heap.wordsOf(piece)[this.heap.offsetOf(piece) >>> 2]! <= captured;
  }

  /** Makes every piece of the cursor's path one that may be changed; changes begin with it. */
  own(cursor: Cursor): void {
    this.watch.beforeChange();
    if (this.capturedEpoch !== 0) this.#copyCaptured(cursor);
  }

  #copyCaptured(cursor: Cursor): void {
    for (let level = this.height - 1; level >= 0; level--) {
      const piece = cursor.nodes[level]!;
      if (!this.isCaptured(piece)) continue;
      this.relink(cursor, level, this.#copyOf(piece));
      this.dispose(piece);
    }
    const { leaf, index } = cursor;
    if (!this.isCaptured(leaf)) return;
    const copy = this.#copyOf(leaf);
    this.relink(cursor, -1, copy);
    this.dispose(leaf);
    cursor.enterLeaf(copy);
    if (index < cursor.leafCount) cursor.place(index);
  }

  /** The same bytes in a piece of the present epoch. */
  #copyOf(piece: number): number {
    const { heap } = this;
    const room = heap.roomOf(piece);
    const copy = heap.allocate(room);
    const from = heap.offsetOf(piece);
    heap.bytesOf(copy).set(heap.bytesOf(piece).subarray(from, from + room), heap.offsetOf(copy));
    heap.wordsOf(copy)[heap.offsetOf(copy) >>> 2] = this.#epoch;
    this.memoryBytes += room;
    return copy;
  }

  /** Puts a piece in the place of the one that the cursor's path has at `level`; -1 is the leaf. */
  relink(cursor: Cursor, level: number, piece: number): void {
    const { heap } = this;
    const above = level + 1;
    if (level >= 0) cursor.nodes[level] = piece;
    if (above === this.height) {
      this.root = piece;
      return;
    }
    const parent = cursor.nodes[above]!;
    const at = heap.offsetOf(parent) >>> 2;
    setChildAt(heap.wordsOf(parent), at, this.fanOut, cursor.slots[above]!, piece);
  }

  /** Ends everything below and including `piece`, whose children are at `level` - 1; leaves are at -1. */
  disposeBelow(piece: number, level: number): void {
    if (level >= 0) {
      const { heap } = this;
      const words = heap.wordsOf(piece);
      const at = heap.offsetOf(piece) >>> 2;
      const size = nodeSize(words, at);
      for (let slot = 0; slot < size; slot++) {
        this.disposeBelow(childAt(words, at, this.fanOut, slot), level - 1);
      }
    }
    this.dispose(piece);
  }

  /**
   * Frees up to `piecesMax` pieces (at least one); true when none is left. After the first call nothing else may be
   * called. What a capture reads stays until the capture is released.
   */
  release(piecesMax: number): boolean {
    this.#releasing ??= this.#beginRelease();
    let left = Math.max(1, piecesMax);
    for (; this.spareNodes > 0 && left > 0; left--) this.dispose(this.newNode());
    while (this.root !== 0 && left > 0) left -= this.#releaseLeaf(this.#releasing);
    return this.root === 0 && this.spareNodes === 0;
  }

  #beginRelease(): Cursor {
    const last = this.#cursor;
    if (last !== undefined && last.owner === this) last.leave();
    this.settleEnd();
    this.size = 0;
    const cursor = new Cursor();
    cursor.serve(this, this.heap, this.fanOut, this.unit);
    if (this.root !== 0) cursor.seekFirst(this.root, this.height);
    return cursor;
  }

  /** Frees the cursor's leaf and the nodes that it was the last of, and goes to the next one; answers how many pieces. */
  #releaseLeaf(cursor: Cursor): number {
    const { heap } = this;
    this.dispose(cursor.leaf);
    for (let level = 0; level < this.height; level++) {
      const node = cursor.nodes[level]!;
      const words = heap.wordsOf(node);
      const at = heap.offsetOf(node) >>> 2;
      const slot = cursor.slots[level]! + 1;
      if (slot < nodeSize(words, at)) {
        cursor.slots[level] = slot;
        cursor.descendFirst(childAt(words, at, this.fanOut, slot), level);
        return level + 1;
      }
      this.dispose(node);
    }
    this.root = 0;
    return this.height + 1;
  }
}

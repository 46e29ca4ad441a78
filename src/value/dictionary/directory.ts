/**
 * From the upper half of a hash to the leaf: a trie of nodes, each of them a table over the next bits of the hash.
 *
 *   node   word 0  birth (see owned-pieces.ts)
 *          word 1  width: the table has 2^width entries, 1 <= width <= the widest allowed
 *          word 2  how many entries belong to nobody else: leaves of full depth, and nodes below
 *          word 4  the table: a leaf's piece, or a node's piece with the sign bit set
 *
 * Invariants
 *  - A leaf of depth d is named by all entries whose bits begin with its d bits, and by no others. They are in one node.
 *  - Only a node of the widest kind has nodes below it, each named by one entry.
 *  - A node below another has at least two leaves; the root may have one, of depth 0.
 *
 * A node doubles when a leaf needs one bit more, and begins a node below when it is as wide as allowed. So growth
 * copies one node of some KiB at most, never a table of the whole dictionary; and a capture is the root's number,
 * because nodes are copied before they change, as leaves are.
 *
 * Hot-path file: `leafFor` allocates nothing and costs one or two dependent loads up to some ten million entries.
 */
import { assert } from "../../base/assert.ts";
import type { PieceHeap } from "../heap/piece-heap.ts";
import type { OwnedPieces } from "./owned-pieces.ts";

export const NODE_WIDTH = 1;
const NODE_ALONE = 2;
export const NODE_TABLE = 4;
/** The sign bit marks a node; pieces are below 2^31. */
export const NODE_MARK = -0x8000_0000;
const PIECE_MASK = 0x7fff_ffff;
/** Leaves are not deeper; beyond this they grow instead (a hash with so many equal bits is no hash). */
export const DEPTH_MAX = 30;

/** The leaf for `high` below the node `root`. */
export function leafBelow(heap: PieceHeap, root: number, high: number): number {
  let entry = root;
  do {
    const node = entry & PIECE_MASK;
    const words = heap.wordsOf(node);
    const first = heap.offsetOf(node) >>> 2;
    const width = words[first + NODE_WIDTH]!;
    entry = words[first + NODE_TABLE + (high >>> (32 - width))]!;
    high <<= width;
  } while (entry < 0);
  return entry;
}

export class Directory {
  readonly #pieces: OwnedPieces;
  readonly #heap: PieceHeap;
  readonly #widthMax: number;
  #root = 0;
  #rootWords: Int32Array = new Int32Array(0);
  #rootTable = 0;
  #rootShift = 31;
  /** Where `#reach` has arrived: a node that may be written, its first bit, and the entry that names it. */
  #node = 0;
  #start = 0;
  #parent = 0;
  #parentEntry = 0;

  /** With one leaf of depth 0. `widthMax` is from 1 to 14. */
  constructor(pieces: OwnedPieces, widthMax: number, leaf: number) {
    this.#pieces = pieces;
    this.#heap = pieces.heap;
    this.#widthMax = widthMax;
    const root = this.#newNode(1, 0);
    this.#fill(root, 0, 2, leaf);
    this.#setRoot(root);
  }

  /** The node from which everything is reached; captures keep it. */
  get root(): number {
    return this.#root;
  }

  leafFor(high: number): number {
    const entry = this.#rootWords[this.#rootTable + (high >>> this.#rootShift)]!;
    return entry >= 0 ? entry : leafBelow(this.#heap, entry, high << (32 - this.#rootShift));
  }

  /** Names `leaf` instead of the leaf of this depth. Changes nothing if it throws for want of memory. */
  replace(high: number, depth: number, leaf: number): void {
    this.#reach(high);
    const node = this.#node;
    const span = 1 << (this.#widthOf(node) - (depth - this.#start));
    this.#fill(node, this.#indexOf(high) & -span, span, leaf);
  }

  /** Names two leaves of depth + 1 instead of the leaf of this depth. Changes nothing if it throws. */
  split(high: number, depth: number, left: number, right: number): void {
    assert(depth < DEPTH_MAX, "leaves split while their hashes differ within the depth");
    this.#reach(high);
    if (depth - this.#start === this.#widthOf(this.#node)) {
      if (depth - this.#start === this.#widthMax) {
        this.#addNodeBelow(high, left, right);
        return;
      }
      this.#double();
    }
    const node = this.#node;
    const half = 1 << (this.#widthOf(node) - (depth + 1 - this.#start));
    const first = this.#indexOf(high) & -(2 * half);
    this.#fill(node, first, half, left);
    this.#fill(node, first + half, half, right);
    if (half === 1) this.#addAlone(node, 2);
  }

  /** Names one leaf of depth - 1 instead of two of this depth. Changes nothing if it throws. */
  merge(high: number, depth: number, leaf: number): void {
    this.#reach(high);
    const node = this.#node;
    const span = 2 << (this.#widthOf(node) - (depth - this.#start));
    this.#fill(node, this.#indexOf(high) & -span, span, leaf);
    if (span === 2) this.#addAlone(node, -2);
  }

  /** Makes the node of `high` as narrow as its leaves allow, or lets it go; to be called after `merge`. */
  narrow(high: number): void {
    this.#reach(high);
    while (this.#aloneIn(this.#node) === 0 && this.#widthOf(this.#node) > 1) this.#halve();
    if (this.#parent === 0 || this.#aloneIn(this.#node) > 0) return;
    const leaf = this.leafFor(high);
    this.#fill(this.#parent, this.#parentEntry, 1, leaf);
    this.#pieces.disposeNode(this.#node);
  }

  /** Goes down to the node that names the leaf of `high`, and makes every node on the way one that may be written. */
  #reach(high: number): void {
    this.#parent = 0;
    this.#start = 0;
    this.#node = this.#root;
    for (;;) {
      if (this.#pieces.isNodeNeeded(this.#node)) this.#copyNode();
      const entry = this.#entryOf(this.#node, this.#indexOf(high));
      if (entry >= 0) return;
      this.#parent = this.#node;
      this.#parentEntry = this.#indexOf(high);
      this.#start += this.#widthOf(this.#node);
      this.#node = entry & PIECE_MASK;
    }
  }

  #copyNode(): void {
    const width = this.#widthOf(this.#node);
    const copy = this.#newNode(width, this.#aloneIn(this.#node));
    for (let i = 0; i < 1 << width; i++) this.#fill(copy, i, 1, this.#entryOf(this.#node, i));
    this.#exchange(copy);
  }

  #double(): void {
    const width = this.#widthOf(this.#node);
    const doubled = this.#newNode(width + 1, 0);
    for (let i = 0; i < 1 << width; i++) this.#fill(doubled, 2 * i, 2, this.#entryOf(this.#node, i));
    this.#exchange(doubled);
  }

  #halve(): void {
    const width = this.#widthOf(this.#node) - 1;
    const halved = this.#newNode(width, 0);
    let previous = 0;
    let run = 0;
    let alone = 0;
    // A leaf that is named once here has full depth; runs are powers of two long, so equal neighbours are one leaf.
    for (let i = 0; i <= 1 << width; i++) {
      const entry = i < 1 << width ? this.#entryOf(this.#node, 2 * i) : 0;
      if (entry !== previous) {
        if (run === 1) alone++;
        run = 0;
      }
      run++;
      previous = entry;
      if (i < 1 << width) this.#fill(halved, i, 1, entry);
    }
    this.#addAlone(halved, alone);
    this.#exchange(halved);
  }

  #addNodeBelow(high: number, left: number, right: number): void {
    const below = this.#newNode(1, 2);
    this.#fill(below, 0, 1, left);
    this.#fill(below, 1, 1, right);
    this.#fill(this.#node, this.#indexOf(high), 1, below | NODE_MARK);
  }

  /** Puts `node` in the place of the node that `#reach` arrived at. */
  #exchange(node: number): void {
    this.#pieces.disposeNode(this.#node);
    if (this.#parent === 0) this.#setRoot(node);
    else this.#fill(this.#parent, this.#parentEntry, 1, node | NODE_MARK);
    this.#node = node;
  }

  #setRoot(node: number): void {
    this.#root = node;
    this.#rootWords = this.#heap.wordsOf(node);
    this.#rootTable = (this.#heap.offsetOf(node) >>> 2) + NODE_TABLE;
    this.#rootShift = 32 - this.#widthOf(node);
  }

  #newNode(width: number, alone: number): number {
    const node = this.#pieces.allocate((NODE_TABLE + (1 << width)) * 4);
    const words = this.#heap.wordsOf(node);
    const first = this.#heap.offsetOf(node) >>> 2;
    words[first + NODE_WIDTH] = width;
    words[first + NODE_ALONE] = alone;
    return node;
  }

  #indexOf(high: number): number {
    return (high << this.#start) >>> (32 - this.#widthOf(this.#node));
  }

  #widthOf(node: number): number {
    return this.#heap.wordsOf(node)[(this.#heap.offsetOf(node) >>> 2) + NODE_WIDTH]!;
  }

  #aloneIn(node: number): number {
    return this.#heap.wordsOf(node)[(this.#heap.offsetOf(node) >>> 2) + NODE_ALONE]!;
  }

  #addAlone(node: number, count: number): void {
    this.#heap.wordsOf(node)[(this.#heap.offsetOf(node) >>> 2) + NODE_ALONE]! += count;
  }

  #entryOf(node: number, index: number): number {
    return this.#heap.wordsOf(node)[(this.#heap.offsetOf(node) >>> 2) + NODE_TABLE + index]!;
  }

  #fill(node: number, index: number, count: number, entry: number): void {
    const words = this.#heap.wordsOf(node);
    const first = (this.#heap.offsetOf(node) >>> 2) + NODE_TABLE + index;
    for (let i = 0; i < count; i++) words[first + i] = entry;
  }
}

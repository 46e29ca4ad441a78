/**
 * Frees every piece of a dictionary, so many at a time.
 *
 * Invariants: a piece is freed after those that it names; pieces that a capture needs go to the capture instead.
 *
 * A walk with a stack of its own, and not one by hash: a node can be freed only when everything below it is, and then
 * nothing names the way there any more.
 */
import { DEPTH_MAX, NODE_MARK, NODE_TABLE, NODE_WIDTH } from "./directory.ts";
import { referenceAt } from "./entry-format.ts";
import { Leaf } from "./leaf.ts";
import type { OwnedPieces } from "./owned-pieces.ts";

export class TearDown {
  readonly #pieces: OwnedPieces;
  readonly #leaf: Leaf;
  /** Per level: the node, its first bit, and the next entry to look at. */
  readonly #nodes = new Int32Array(DEPTH_MAX + 1);
  readonly #starts = new Int32Array(DEPTH_MAX + 1);
  readonly #entries = new Int32Array(DEPTH_MAX + 1);
  #level = 0;
  /** The leaf whose own pieces are being freed, or 0, and the next slot. */
  #current = 0;
  #slot = 0;
  /** Where the next leaf begins in hash order. */
  #position = 0;
  #high = 0;

  constructor(pieces: OwnedPieces, root: number) {
    this.#pieces = pieces;
    this.#leaf = new Leaf(pieces.heap);
    this.#nodes[0] = root;
  }

  /** Frees at most `budget` pieces; true when all are gone. */
  step(budget: number): boolean {
    while (budget > 0 && !this.isDone) {
      if (this.#current !== 0) budget -= this.#freeLeaf(budget);
      else if (this.#toNextLeaf()) budget--;
    }
    return this.isDone;
  }

  get isDone(): boolean {
    return this.#level < 0 && this.#current === 0;
  }

  /** Frees the pieces of the current leaf's entries and then itself; answers how many. */
  #freeLeaf(budget: number): number {
    const leaf = this.#leaf;
    const count = leaf.mayHaveReferences ? leaf.count : 0;
    let freed = 0;
    while (this.#slot < count) {
      const piece = referenceAt(leaf.data, leaf.entryAt(this.#slot++));
      if (piece === 0) continue;
      this.#pieces.dispose(piece, this.#high);
      if (++freed === budget) return freed;
    }
    this.#pieces.dispose(this.#current, this.#high);
    this.#current = 0;
    return freed + 1;
  }

  /** One step of the walk: onto a leaf, into a node, or out of one, which frees it (true). */
  #toNextLeaf(): boolean {
    const level = this.#level;
    const node = this.#nodes[level]!;
    const heap = this.#pieces.heap;
    const words = heap.wordsOf(node);
    const first = heap.offsetOf(node) >>> 2;
    const width = words[first + NODE_WIDTH]!;
    const index = this.#entries[level]!;
    if (index === 1 << width) {
      this.#level--;
      this.#pieces.disposeNode(node);
      return true;
    }
    const entry = words[first + NODE_TABLE + index]!;
    if (entry < 0) {
      this.#entries[level] = index + 1;
      this.#level = level + 1;
      this.#nodes[level + 1] = entry & ~NODE_MARK;
      this.#starts[level + 1] = this.#starts[level]! + width;
      this.#entries[level + 1] = 0;
      return false;
    }
    this.#leaf.place(entry);
    const depth = this.#leaf.depth;
    this.#entries[level] = index + (1 << (width - (depth - this.#starts[level]!)));
    this.#current = entry;
    this.#slot = 0;
    this.#high = this.#position | 0;
    this.#position += 2 ** (32 - depth);
    return false;
  }
}

/**
 * A sequence as it was at one instant, read in slices while the sequence goes on changing.
 *
 * Invariants: the entries are those at the instant of `capture()`, in their order; reading changes nothing; the memory
 * that the sequence has replaced meanwhile is given back by `release`, and by nothing else.
 *
 * It is the old root with all that hangs below it: writers copy a piece before they change it.
 */
import { assert } from "../../base/assert.ts";
import { Cursor } from "./cursor.ts";
import type { RetiredPieces } from "./retired-pieces.ts";
import type { SequenceTree } from "./tree.ts";

export class SequenceCapture {
  /** Elements that it has. */
  readonly size: number;
  readonly #tree: SequenceTree;
  readonly #root: number;
  readonly #height: number;
  readonly #retired: RetiredPieces;
  readonly #cursor = new Cursor();
  #begun = false;
  #released = false;

  constructor(tree: SequenceTree) {
    this.#tree = tree;
    this.size = tree.size;
    this.#root = tree.root;
    this.#height = tree.height;
    this.#retired = tree.beginCapture();
    this.#cursor.serve(this, tree.heap, tree.fanOut, tree.unit);
  }

  /** Goes to the first leaf, then to the next one; false if there is none. A leaf holds about 2 KiB, or one long entry. */
  nextLeaf(): boolean {
    assert(!this.#released, "a capture that was released is not read");
    if (this.#begun) return this.#cursor.nextLeaf();
    this.#begun = true;
    if (this.#root === 0) return false;
    this.#cursor.seekFirst(this.#root, this.#height);
    return true;
  }

  /** Entries of the leaf. */
  get count(): number {
    return this.#cursor.leafCount;
  }

  /** Places the view on entry `index` of the leaf. */
  place(index: number): void {
    this.#cursor.place(index);
  }

  /** The view: the element's, or member's, bytes are [offset, offset + length) of `bytes`, until `release`. */
  get bytes(): Uint8Array {
    return this.#cursor.bytes;
  }
  /** Over the same memory as `bytes`, with the same offsets. */
  get data(): DataView {
    return this.#cursor.data;
  }
  get offset(): number {
    return this.#cursor.offset;
  }
  get length(): number {
    return this.#cursor.length;
  }
  /** Of an entry with a score. */
  get score(): number {
    return this.#cursor.score;
  }

  /** Memory in bytes that is kept for the capture alone. */
  get heldBytes(): number {
    return this.#retired.bytes;
  }

  /** Ends the capture and frees up to `piecesMax` pieces; true when nothing is left to free. */
  release(piecesMax = Number.POSITIVE_INFINITY): boolean {
    if (!this.#released) {
      this.#released = true;
      this.#tree.endCapture();
      this.#cursor.leave();
    }
    return this.#retired.free(piecesMax);
  }
}

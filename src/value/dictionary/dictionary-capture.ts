/**
 * What a dictionary held at one instant, to be read leaf by leaf while the dictionary goes on changing.
 *
 * Invariants
 *  - The entries are exactly those of the instant of `Dictionary.capture`, each once, leaves in hash order.
 *  - `entry` is valid until the next call of a method of the capture, whatever the dictionary does meanwhile.
 *  - Until the first call of `release` the dictionary copies what it changes and the capture has not yet passed.
 *
 * It outlives the dictionary: a key may be deleted, and its dictionary released, while its capture is being written.
 */
import { assert } from "../../base/assert.ts";
import { leafBelow } from "./directory.ts";
import { type DictionaryEntry, EntryView } from "./entry-format.ts";
import { Leaf } from "./leaf.ts";
import { rangeEnd, readEntry } from "./leaf-store.ts";
import { HASH_END, type OwnedPieces, type RetiredPieces } from "./owned-pieces.ts";

export class DictionaryCapture {
  /** Entries in all. */
  readonly size: number;
  readonly #pieces: OwnedPieces;
  readonly #retired: RetiredPieces;
  readonly #root: number;
  readonly #leaf: Leaf;
  readonly #view = new EntryView();
  #next = 0;
  #leafSize = 0;
  #isReleased = false;

  constructor(pieces: OwnedPieces, root: number, size: number) {
    this.#pieces = pieces;
    this.#root = root;
    this.size = size;
    this.#leaf = new Leaf(pieces.heap);
    this.#retired = pieces.beginCapture();
  }

  /** Goes on to the next leaf that has entries; false if there is none. The one before is not needed any more. */
  nextLeaf(): boolean {
    assert(!this.#isReleased, "a released capture is not read");
    this.#leafSize = 0;
    while (this.#leafSize === 0) {
      this.#retired.position = this.#next;
      if (this.#next >= HASH_END) return false;
      const high = this.#next | 0;
      this.#leaf.place(leafBelow(this.#pieces.heap, this.#root, high));
      this.#next = rangeEnd(high, this.#leaf.depth);
      this.#leafSize = this.#leaf.count;
    }
    return true;
  }

  /** Entries in the leaf that `nextLeaf` went to: usually up to a hundred. */
  get leafSize(): number {
    return this.#leafSize;
  }

  /** Places `entry` on one of the `leafSize` entries. */
  read(index: number): void {
    assert(index < this.#leafSize, "entries of a leaf are numbered below its size");
    readEntry(this.#pieces.heap, this.#leaf, index, this.#view);
  }

  get entry(): DictionaryEntry {
    return this.#view;
  }

  /** Rooms of the pieces that only this capture still holds. */
  get retainedBytes(): number {
    return this.#retired.retainedBytes;
  }

  /**
   * Ends the capture: the dictionary may be captured again at once. Frees at most `budgetPieces` of what it retained and
   * answers true when all is freed; to be called again until it does.
   */
  release(budgetPieces: number): boolean {
    if (!this.#isReleased) {
      this.#isReleased = true;
      this.#leafSize = 0;
      this.#pieces.endCapture();
    }
    const { heap } = this.#pieces;
    const retired = this.#retired;
    for (; budgetPieces > 0 && retired.first !== 0; budgetPieces--) {
      const piece = retired.first;
      retired.first = heap.wordsOf(piece)[heap.offsetOf(piece) >>> 2]!;
      retired.retainedBytes -= heap.roomOf(piece);
      heap.free(piece);
    }
    return retired.first === 0;
  }
}

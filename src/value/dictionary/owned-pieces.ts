/**
 * The pieces of one dictionary: how much they take, and which of them a capture still needs as they are.
 *
 * Invariants
 *  - Word 0 of every piece is the epoch of its birth. `capture` ends an epoch, so a piece is part of the capture exactly
 *    if it was born in that epoch or before.
 *  - A piece that the capture needs is never written and never freed; when the dictionary replaces it, it goes to the
 *    capture, linked through word 0, which nobody compares any more.
 *  - What lies before the capture's position in hash order has been read, and belongs to the dictionary alone again.
 *
 * Births instead of reference counts: nothing is written to share a piece, so that capturing ten million entries costs
 * as much as capturing ten.
 */
import { assert } from "../../base/assert.ts";
import type { PieceHeap } from "../heap/piece-heap.ts";

/** Where hash order ends: one more than the highest upper half of a hash. */
export const HASH_END = 2 ** 32;

/** What replaced pieces wait in until the capture is released. */
export class RetiredPieces {
  /** Everything before this upper half of a hash has been read. */
  position = 0;
  retainedBytes = 0;
  first = 0;
}

export class OwnedPieces {
  readonly heap: PieceHeap;
  /** Rooms of the pieces, without those that only a capture needs. */
  memoryBytes = 0;
  #epoch = 0;
  #neededThrough = -1;
  #retired: RetiredPieces | undefined;

  constructor(heap: PieceHeap) {
    this.heap = heap;
  }

  /** A piece of `bytes` or more, its birth written; error of kind "unavailable" without memory. */
  allocate(bytes: number): number {
    const piece = this.heap.allocate(bytes);
    this.memoryBytes += this.heap.roomOf(piece);
    this.heap.wordsOf(piece)[this.heap.offsetOf(piece) >>> 2] = this.#epoch;
    return piece;
  }

  /** True if the capture needs the piece as it is. `high` is the upper half of a hash in the piece's range. */
  isNeeded(piece: number, high: number): boolean {
    const birth = this.heap.wordsOf(piece)[this.heap.offsetOf(piece) >>> 2]!;
    return birth <= this.#neededThrough && high >>> 0 >= this.#retired!.position;
  }

  /** The same for pieces of the directory, which the capture needs until it is released. */
  isNodeNeeded(piece: number): boolean {
    return this.heap.wordsOf(piece)[this.heap.offsetOf(piece) >>> 2]! <= this.#neededThrough;
  }

  /** Frees a piece of entries that the dictionary no longer names, or leaves it to the capture. */
  dispose(piece: number, high: number): void {
    this.#end(piece, this.isNeeded(piece, high));
  }

  /** The same for pieces of the directory. */
  disposeNode(piece: number): void {
    this.#end(piece, this.isNodeNeeded(piece));
  }

  /** Frees a piece that nothing ever named, as a change could not be finished. */
  discard(piece: number): void {
    this.#end(piece, false);
  }

  get isCaptured(): boolean {
    return this.#retired !== undefined;
  }

  /** From now on pieces that exist are copied before they change. */
  beginCapture(): RetiredPieces {
    assert(this.#retired === undefined, "a dictionary has one capture at a time");
    this.#neededThrough = this.#epoch++;
    this.#retired = new RetiredPieces();
    return this.#retired;
  }

  /** Nothing is copied for the capture any more; what was retired stays the caller's, to be freed. */
  endCapture(): void {
    this.#neededThrough = -1;
    this.#retired = undefined;
  }

  #end(piece: number, needed: boolean): void {
    const room = this.heap.roomOf(piece);
    this.memoryBytes -= room;
    if (!needed) {
      this.heap.free(piece);
      return;
    }
    const retired = this.#retired!;
    this.heap.wordsOf(piece)[this.heap.offsetOf(piece) >>> 2] = retired.first;
    retired.first = piece;
    retired.retainedBytes += room;
  }
}

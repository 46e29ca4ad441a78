/**
 * The pieces that a capture still reads and its structure has replaced.
 *
 * They are a list through their own first words: while a piece lives there stands its epoch, which nobody asks for any
 * more once it is here. So keeping a piece takes no memory and cannot fail in the middle of a write.
 */
import type { PieceHeap } from "../heap/piece-heap.ts";

export class RetiredPieces {
  /** Memory of the pieces, in bytes. */
  bytes = 0;
  readonly #heap: PieceHeap;
  #first = 0;

  constructor(heap: PieceHeap) {
    this.#heap = heap;
  }

  add(piece: number): void {
    const heap = this.#heap;
    heap.wordsOf(piece)[heap.offsetOf(piece) >>> 2] = this.#first;
    this.#first = piece;
    this.bytes += heap.roomOf(piece);
  }

  /** Frees up to `piecesMax` pieces; true when none is left. */
  free(piecesMax: number): boolean {
    const heap = this.#heap;
    for (let freed = 0; this.#first !== 0 && freed < piecesMax; freed++) {
      const piece = this.#first;
      this.#first = heap.wordsOf(piece)[heap.offsetOf(piece) >>> 2]!;
      this.bytes -= heap.roomOf(piece);
      heap.free(piece);
    }
    return this.#first === 0;
  }
}

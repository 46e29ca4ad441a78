/** What a structure held at one instant, as the pieces of the value format (docs/formats/value.md). */
import type { ByteWriter } from "../../base/byte-writer.ts";
import type { ElementVisitor } from "./element-visitor.ts";

/**
 * Invariants: the pieces are those of the instant of `capture()`, whatever becomes of the structure, even if it is
 * released; until `release` the structure copies what it changes and the capture has not yet passed.
 */
export interface ValueCapture {
  /** Elements, fields or members. */
  readonly size: number;
  /** Memory in bytes that is kept for the capture alone. */
  readonly retainedBytes: number;
  /** Appends the next piece (at most VALUE_PIECE_BYTES, or one longer element); false, and nothing, when all are written. */
  writePiece(out: ByteWriter): boolean;
  /**
   * Hands over the next elements, at most `elementsMax`; false, and none, when there are no more. A capture is written or visited,
   * not both.
   */
  visit(visitor: ElementVisitor, elementsMax: number): boolean;
  /** Ends the capture, read or not. Frees up to `piecesMax` retained pieces; true when all is freed, to be called until then. */
  release(piecesMax: number): boolean;
}

/** Unpacked collections as bytes: what is written piece by piece, and what is built from pieces. */
import type { UnpackedValue } from "../unpacked.ts";

/** Where pieces go; a buffer that grows. */
export interface ByteWriter {
  /** Room for `length` bytes at `position` of `bytes`, which may be another array than before. */
  reserve(length: number): void;
  readonly bytes: Uint8Array;
  position: number;
}

/** A structure as it was at one instant. */
export interface ValueCapture {
  /** Elements. */
  readonly size: number;
  /** Appends the next piece to `out`; false, with nothing appended, when the value is complete. */
  writePiece(out: ByteWriter): boolean;
  /** Ends the capture; frees up to `piecesMax` pieces that it alone held; true when all are free. */
  release(piecesMax: number): boolean;
}

/** Builds a structure from pieces as they come; each is checked before it is decoded. */
export interface ValueBuilder {
  addPiece(bytes: Uint8Array, offset: number, length: number): void;
  finish(): UnpackedValue;
}

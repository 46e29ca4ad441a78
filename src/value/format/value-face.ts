/**
 * Unpacked collections as pieces of bytes, from the outside: what writes one to a file, and what builds one again.
 *
 * Types only, so that files and structures need not know each other.
 */
import type { UnpackedValue } from "../unpacked.ts";

/** Bytes that grow at their end. Whoever owns it reads `bytes` up to `length` and clears it. */
export interface ByteWriter {
  /** Replaced when it grows: to be read anew after every piece. */
  readonly bytes: Uint8Array;
  readonly length: number;
  clear(): void;
}

/** A structure as it was at one moment, whatever has changed since. */
export interface ValueCapture {
  readonly size: number;
  /** Appends the next piece (at most VALUE_PIECE_BYTES, or one longer element) to `out`; false when the value is complete and nothing was appended. */
  writePiece(out: ByteWriter): boolean;
  /** Frees up to piecesMax retained pieces; true when all is freed; see DictionaryCapture.release. */
  release(piecesMax: number): boolean;
}

/** Builds a structure from pieces as they come; each piece is checked (length, checksum, counts, order) before it is decoded. */
export interface ValueBuilder {
  addPiece(bytes: Uint8Array, offset: number, length: number): void;
  finish(): UnpackedValue;
}

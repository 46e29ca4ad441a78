/**
 * What is in a values file: structures, each a run of blocks of its own.
 *
 * Invariants
 *  - a structure begins with a block and ends with one; the first is flagged FIRST, the last LAST, and no block holds
 *    bytes of two structures;
 *  - the raw bytes of its blocks, one after the other, are its handle (4 bytes) and its pieces, each after its length
 *    (4 bytes). A piece may reach over several blocks: an element of it can be as long as a request allows;
 *  - the end counts the structures.
 *
 * Described in docs/formats/checkpoint.md. Little-endian; pure.
 */
export const VALUES_MAGIC = "FERRVALS";
export const KIND_VALUE = 3;

export const FLAG_FIRST = 1;
export const FLAG_LAST = 2;

export const HANDLE_BYTES = 4;
export const PIECE_LENGTH_BYTES = 4;

/** Takes a structure's pieces. */
export interface PieceSink {
  addPiece(bytes: Uint8Array, offset: number, length: number): void;
}

/**
 * Finds the pieces in a structure's raw bytes as they come.
 *
 * Memory grows with the bytes that have come, never with what a length promises.
 */
export class PieceSplitter {
  readonly #sink: PieceSink;
  #held = new Uint8Array(0);
  #heldLength = 0;

  constructor(sink: PieceSink) {
    this.#sink = sink;
  }

  /** Hands over every piece that is whole by now. The sink must not keep the array. */
  add(bytes: Uint8Array, offset: number, length: number): void {
    if (this.#heldLength === 0) {
      this.#split(bytes, offset, length);
      return;
    }
    this.#hold(bytes, offset, length);
    const heldLength = this.#heldLength;
    if (heldLength < PIECE_LENGTH_BYTES || heldLength < PIECE_LENGTH_BYTES + lengthAt(this.#held, 0)) return;
    this.#heldLength = 0;
    this.#split(this.#held, 0, heldLength);
  }

  /** Bytes of a piece that is not whole; 0 at the end of a structure. */
  get heldBytes(): number {
    return this.#heldLength;
  }

  #split(bytes: Uint8Array, offset: number, length: number): void {
    let at = offset;
    const end = offset + length;
    while (end - at >= PIECE_LENGTH_BYTES) {
      const pieceBytes = lengthAt(bytes, at);
      if (end - at - PIECE_LENGTH_BYTES < pieceBytes) break;
      this.#sink.addPiece(bytes, at + PIECE_LENGTH_BYTES, pieceBytes);
      at += PIECE_LENGTH_BYTES + pieceBytes;
    }
    if (at < end) this.#hold(bytes, at, end - at);
  }

  /** Adds to the bytes held; `bytes` may be the array that holds them. */
  #hold(bytes: Uint8Array, offset: number, length: number): void {
    const wanted = this.#heldLength + length;
    if (wanted > this.#held.length) {
      const grown = new Uint8Array(Math.max(wanted, this.#held.length * 2));
      grown.set(this.#held.subarray(0, this.#heldLength));
      grown.set(bytes.subarray(offset, offset + length), this.#heldLength);
      this.#held = grown;
    } else {
      this.#held.set(bytes.subarray(offset, offset + length), this.#heldLength);
    }
    this.#heldLength = wanted;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

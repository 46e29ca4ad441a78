/**
 * Reads the entries of a piece whose checksum was right, and nothing beyond it.
 *
 * Invariant: an entry is within the piece, and its length is written in the shortest way, or `fail` throws.
 *
 * A right checksum does not make this needless: a program that writes a wrong length gives it a right checksum.
 * Hot-path file: nothing here allocates.
 */
import { packedHeaderBytes, packedLength, packedStart } from "../packed.ts";
import type { Fail } from "./piece-format.ts";

const LENGTH_1_MAX = 127;
const LENGTH_5_HEAD = 0xc0;
/** Behind the last byte of the 5-byte length of an entry. */
const LENGTH_BYTES_MAX = 5;

export class EntryReader {
  bytes: Uint8Array = new Uint8Array(0);
  data: DataView = new DataView(this.bytes.buffer);
  /** Where the next entry begins, and where the piece ends. */
  at = 0;
  end = 0;
  /** The last entry that was read. */
  start = 0;
  length = 0;
  readonly #fail: Fail;

  constructor(fail: Fail) {
    this.#fail = fail;
  }

  /** Goes on with the payload [at, end) of a piece. */
  begin(bytes: Uint8Array, data: DataView, at: number, end: number): void {
    this.bytes = bytes;
    this.data = data;
    this.at = at;
    this.end = end;
  }

  /** Lets go of the piece. */
  leave(): void {
    this.begin(new Uint8Array(0), new DataView(new ArrayBuffer(0)), 0, 0);
  }

  next(): void {
    const { at, end } = this;
    const first = at < end ? this.bytes[at]! : LENGTH_1_MAX + 1;
    if (first <= LENGTH_1_MAX) {
      this.start = at + 1;
      this.length = first;
    } else {
      this.#readLong(at, end);
    }
    this.at = this.start + this.length;
    if (this.at > end) this.#fail(`an entry of at most ${end - this.start} bytes`, `one of ${this.length}`);
  }

  /** Passes over `count` bytes that are no entry, and answers where they begin. */
  take(count: number): number {
    const { at } = this;
    if (count > this.end - at) this.#fail(`${count} more bytes`, `${this.end - at}`);
    this.at = at + count;
    return at;
  }

  #readLong(at: number, end: number): void {
    if (at >= end) this.#fail("another entry", "the end of the piece");
    const { bytes } = this;
    const first = bytes[at]!;
    if (first > LENGTH_5_HEAD) this.#fail("the length of an entry", `a first byte of ${first}`);
    const headerBytes = first < LENGTH_5_HEAD ? 2 : LENGTH_BYTES_MAX;
    if (at + headerBytes > end) this.#fail(`a length of ${headerBytes} bytes`, `${end - at}`);
    this.start = packedStart(bytes, at);
    this.length = packedLength(bytes, at);
    if (packedHeaderBytes(this.length) !== headerBytes)
      this.#fail(`${this.length} as a length of ${packedHeaderBytes(this.length)} bytes`, `${headerBytes}`);
  }
}

/**
 * Byte strings that a command collects, one behind the other, named by the order in which they came.
 *
 * Invariants: string i is [starts[i], starts[i + 1]) of `bytes`; what was appended never moves against the others. Between
 * commands at most KEPT_BYTES and KEPT_STRINGS are kept.
 *
 * One buffer with offsets instead of an array of buffers: a million strings are two allocations, not a million.
 *
 * Hot-path file: but for growing, nothing is allocated.
 */
import { compareBytes, copyBytes } from "../../base/bytes.ts";
import { FerriteError } from "../../base/errors.ts";

const INITIAL_BYTES = 8192;
const INITIAL_STRINGS = 256;
const KEPT_BYTES = 256 * 1024;
const KEPT_STRINGS = 8192;
/** Offsets are 32 bits. */
const BYTES_MAX = 2 ** 32 - 1;

export class ByteRuns {
  /** Strings. */
  count = 0;
  bytes = new Uint8Array(INITIAL_BYTES);
  /** Over the memory of `bytes`, with the same offsets. */
  data: DataView = new DataView(this.bytes.buffer);
  #starts = new Uint32Array(INITIAL_STRINGS + 1);

  /** Forgets everything, and what memory is more than should be kept. */
  clear(): void {
    this.count = 0;
    if (this.bytes.length > KEPT_BYTES) this.#use(new Uint8Array(INITIAL_BYTES));
    if (this.#starts.length > KEPT_STRINGS + 1) this.#starts = new Uint32Array(INITIAL_STRINGS + 1);
  }

  /** Adds a string from another buffer. Error of kind "unavailable" if all of them would be more than 4 GiB. */
  append(source: Uint8Array, offset: number, length: number): void {
    const { count } = this;
    if (count + 1 === this.#starts.length) this.#growStarts();
    const start = this.#starts[count]!;
    const end = start + length;
    if (end > this.bytes.length) this.#growBytes(end);
    copyBytes(this.bytes, start, source, offset, length);
    this.#starts[count + 1] = end;
    this.count = count + 1;
  }

  /** Where a string begins in `bytes`. */
  offsetOf(index: number): number {
    return this.#starts[index]!;
  }

  lengthOf(index: number): number {
    return this.#starts[index + 1]! - this.#starts[index]!;
  }

  /** memcmp, then the shorter first: negative, zero or positive. */
  compare(a: number, b: number): number {
    const { bytes } = this;
    return compareBytes(bytes, this.offsetOf(a), this.lengthOf(a), bytes, this.offsetOf(b), this.lengthOf(b));
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.data = new DataView(bytes.buffer);
  }

  #growBytes(needed: number): void {
    if (needed > BYTES_MAX) {
      throw new FerriteError("unavailable", "collect strings: they are more than 4 GiB together");
    }
    const grown = new Uint8Array(Math.max(needed, Math.min(BYTES_MAX, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.#starts[this.count]!));
    this.#use(grown);
  }

  #growStarts(): void {
    const grown = new Uint32Array(this.count * 2 + 1);
    grown.set(this.#starts);
    this.#starts = grown;
  }
}

/**
 * A window over a file that is read forward: asks for ranges by file offset, reads at least a window at a time.
 *
 * Invariants: the window holds file bytes [base, base + filled); nothing at or beyond `limit` is read; a range
 * that was asked for is contiguous in `bytes` until the next `ensure`.
 *
 * The window is as large as the largest range asked for and no larger than needed: memory is bounded by the
 * caller's ranges, not by the file.
 */
import type { File } from "../ports/file-system.ts";

export const WINDOW_BYTES = 1024 * 1024;

export class FileWindow {
  readonly file: File;
  /** File offset at which reading ends, whatever the file's size is. */
  readonly limit: number;
  bytes: Uint8Array = new Uint8Array(WINDOW_BYTES);
  #base = 0;
  #filled = 0;

  constructor(file: File, limit: number) {
    this.file = file;
    this.limit = limit;
  }

  /** File offset of `bytes[0]`. */
  get base(): number {
    return this.#base;
  }

  /** File offset at which the window ends. */
  get end(): number {
    return this.#base + this.#filled;
  }

  /**
   * Makes the file's range [offset, offset + length) lie in `bytes` and returns where; -1 if it reaches beyond
   * the limit or the file ends before it (another process cut it). Throws the system's error.
   */
  ensure(offset: number, length: number): number {
    if (offset >= this.#base && offset + length <= this.end) return offset - this.#base;
    if (offset + length > this.limit) return -1;
    this.#moveTo(offset, length);
    const wanted = Math.min(this.bytes.length, this.limit - offset);
    while (this.#filled < wanted) {
      const read = this.file.readSync(offset + this.#filled, this.bytes, this.#filled, wanted - this.#filled);
      if (read === 0) break;
      this.#filled += read;
    }
    return this.#filled >= length ? 0 : -1;
  }

  /** Makes `bytes[0]` be the byte at `offset`, keeping what is already there, with room for `length`. */
  #moveTo(offset: number, length: number): void {
    const kept = offset >= this.#base && offset < this.end ? this.end - offset : 0;
    const from = offset - this.#base;
    if (length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(this.bytes.length * 2, this.limit - offset)));
      if (kept > 0) grown.set(this.bytes.subarray(from, from + kept));
      this.bytes = grown;
    } else if (kept > 0) {
      this.bytes.copyWithin(0, from, from + kept);
    }
    this.#base = offset;
    this.#filled = kept;
  }
}

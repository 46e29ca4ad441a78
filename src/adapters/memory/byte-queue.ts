/** Bytes first in, first out, in pieces of any size; the simulated socket buffers of the in-memory transport. */
import { assert } from "../../base/assert.ts";

export class ByteQueue {
  #pieces: Uint8Array[] = [];
  #offset = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Keeps `bytes` itself: the caller hands over a private copy. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** Removes exactly `count` bytes, at most `length`, into a new array. */
  take(count: number): Uint8Array {
    assert(count >= 0 && count <= this.#length, "byte queue: more was taken than is there");
    const taken = new Uint8Array(count);
    let used = 0;
    for (let at = 0; at < count; ) {
      const piece = this.#pieces[used]!;
      const part = Math.min(count - at, piece.length - this.#offset);
      taken.set(piece.subarray(this.#offset, this.#offset + part), at);
      at += part;
      this.#offset += part;
      if (this.#offset < piece.length) break;
      this.#offset = 0;
      used++;
    }
    this.#pieces.splice(0, used);
    this.#length -= count;
    return taken;
  }

  clear(): void {
    this.#pieces = [];
    this.#offset = 0;
    this.#length = 0;
  }
}

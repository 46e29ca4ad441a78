/**
 * Copies and compares byte ranges four bytes at a time through DataViews.
 *
 * Hot-path file: no allocation for ranges up to COPY_WORDS_MAX. A DataView reads words at any alignment, and V8
 * compiles its accessors to single instructions: 64 bytes take 26 ns here, while
 * `subarray` with `set` pays for a view object first. Four words per step, because a loop's own cost (the interrupt
 * check) is that of a word.
 */

/** Above this many bytes two views and memmove, about 60 ns together, are faster than words. */
const COPY_WORDS_MAX = 192;

/** Keeps the DataView of the last buffer that was asked for: a caller's bytes, or an output arena. */
export class SourceView {
  #bytes: Uint8Array = new Uint8Array(0);
  #data: DataView = new DataView(new ArrayBuffer(0));

  /** A DataView over exactly the bytes of `bytes`; allocates when the buffer is another one than last time. */
  of(bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) this.#turn(bytes);
    return this.#data;
  }

  #turn(bytes: Uint8Array): void {
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#bytes = bytes;
  }
}

export function equalWords(
  a: DataView,
  aOffset: number,
  b: DataView,
  bOffset: number,
  length: number,
): boolean {
  let i = 0;
  for (const blocksEnd = length - 16; i <= blocksEnd; i += 16) {
    const difference =
      (a.getInt32(aOffset + i, true) ^ b.getInt32(bOffset + i, true)) |
      (a.getInt32(aOffset + i + 4, true) ^ b.getInt32(bOffset + i + 4, true)) |
      (a.getInt32(aOffset + i + 8, true) ^ b.getInt32(bOffset + i + 8, true)) |
      (a.getInt32(aOffset + i + 12, true) ^ b.getInt32(bOffset + i + 12, true));
    if (difference !== 0) return false;
  }
  for (const wordsEnd = length - 4; i <= wordsEnd; i += 4) {
    if (a.getInt32(aOffset + i, true) !== b.getInt32(bOffset + i, true)) return false;
  }
  for (; i < length; i++) if (a.getUint8(aOffset + i) !== b.getUint8(bOffset + i)) return false;
  return true;
}

/** Copies `length` bytes between buffers, or between ranges of one buffer that do not overlap. */
export function copyWords(
  to: DataView,
  toOffset: number,
  from: DataView,
  fromOffset: number,
  length: number,
): void {
  if (length > COPY_WORDS_MAX) {
    copyLong(to, toOffset, from, fromOffset, length);
    return;
  }
  let i = 0;
  for (const blocksEnd = length - 16; i <= blocksEnd; i += 16) {
    to.setInt32(toOffset + i, from.getInt32(fromOffset + i, true), true);
    to.setInt32(toOffset + i + 4, from.getInt32(fromOffset + i + 4, true), true);
    to.setInt32(toOffset + i + 8, from.getInt32(fromOffset + i + 8, true), true);
    to.setInt32(toOffset + i + 12, from.getInt32(fromOffset + i + 12, true), true);
  }
  for (const wordsEnd = length - 4; i <= wordsEnd; i += 4) {
    to.setInt32(toOffset + i, from.getInt32(fromOffset + i, true), true);
  }
  for (; i < length; i++) to.setUint8(toOffset + i, from.getUint8(fromOffset + i));
}

function copyLong(to: DataView, toOffset: number, from: DataView, fromOffset: number, length: number): void {
  const source = new Uint8Array(from.buffer, from.byteOffset + fromOffset, length);
  new Uint8Array(to.buffer, to.byteOffset + toOffset, length).set(source);
}

/**
 * Moves bytes within one buffer, where source and destination may overlap.
 *
 * Hot-path file: nothing allocates. Short moves are loops of words, because `copyWithin` costs about 60 ns before it
 * moves its first byte.
 */

/** Above this many bytes `copyWithin` is faster. */
const MOVE_WORDS_MAX = 160;

/** Moves `length` bytes from `from` to `to`; `data` and `bytes` are over the same memory, with equal offsets. */
export function moveBytes(data: DataView, bytes: Uint8Array, to: number, from: number, length: number): void {
  if (length > MOVE_WORDS_MAX) bytes.copyWithin(to, from, from + length);
  else if (to < from) moveDown(data, to, from, length);
  else moveUp(data, to, from, length);
}

function moveDown(data: DataView, to: number, from: number, length: number): void {
  let i = 0;
  for (const last = length - 4; i <= last; i += 4) {
    data.setInt32(to + i, data.getInt32(from + i, true), true);
  }
  for (; i < length; i++) data.setUint8(to + i, data.getUint8(from + i));
}

function moveUp(data: DataView, to: number, from: number, length: number): void {
  let i = length;
  for (; i >= 4; i -= 4) data.setInt32(to + i - 4, data.getInt32(from + i - 4, true), true);
  for (i--; i >= 0; i--) data.setUint8(to + i, data.getUint8(from + i));
}

/**
 * Counts and finds bits in a run of bytes.
 *
 * Hot-path file: nothing here allocates. Bits are numbered as Redis numbers them: bit 0 is the highest bit of the
 * first byte. Callers state the bounds; a range never leaves the value.
 *
 * Values begin at any byte, so words are read through a DataView, which costs what an aligned array costs. A carry-save adder
 * turns eight words into one whose bits are worth eight each, so that only every eighth word is counted bit by bit.
 */

/** Set bits of one 32-bit word. */
function bitsOfWord(word: number): number {
  word -= (word >>> 1) & 0x5555_5555;
  word = (word & 0x3333_3333) + ((word >>> 2) & 0x3333_3333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Set bits in `length` bytes from `offset` on. */
export function countBytes(data: DataView, offset: number, length: number): number {
  let total = 0;
  let ones = 0;
  let twos = 0;
  let fours = 0;
  const end = offset + length;
  let i = offset;
  for (const blocksEnd = end - 32; i <= blocksEnd; i += 32) {
    let a = data.getInt32(i, true);
    let b = data.getInt32(i + 4, true);
    let mixed = ones ^ a;
    const twosA = (ones & a) | (mixed & b);
    ones = mixed ^ b;
    a = data.getInt32(i + 8, true);
    b = data.getInt32(i + 12, true);
    mixed = ones ^ a;
    const twosB = (ones & a) | (mixed & b);
    ones = mixed ^ b;
    mixed = twos ^ twosA;
    const foursA = (twos & twosA) | (mixed & twosB);
    twos = mixed ^ twosB;
    a = data.getInt32(i + 16, true);
    b = data.getInt32(i + 20, true);
    mixed = ones ^ a;
    const twosC = (ones & a) | (mixed & b);
    ones = mixed ^ b;
    a = data.getInt32(i + 24, true);
    b = data.getInt32(i + 28, true);
    mixed = ones ^ a;
    const twosD = (ones & a) | (mixed & b);
    ones = mixed ^ b;
    mixed = twos ^ twosC;
    const foursB = (twos & twosC) | (mixed & twosD);
    twos = mixed ^ twosD;
    mixed = fours ^ foursA;
    total += bitsOfWord((fours & foursA) | (mixed & foursB));
    fours = mixed ^ foursB;
  }
  total = total * 8 + bitsOfWord(fours) * 4 + bitsOfWord(twos) * 2 + bitsOfWord(ones);
  for (const wordsEnd = end - 4; i <= wordsEnd; i += 4) total += bitsOfWord(data.getInt32(i, true));
  for (; i < end; i++) total += bitsOfWord(data.getUint8(i));
  return total;
}

/** Set bits among the bits [start, end) of the value at `offset`; the range is not empty. */
export function countBits(data: DataView, offset: number, start: number, end: number): number {
  const first = Math.floor(start / 8);
  const last = Math.floor((end - 1) / 8);
  // Whole bytes, then less what the range leaves out of the first and the last.
  const before = data.getUint8(offset + first) & ~(255 >> (start - first * 8));
  const behind = data.getUint8(offset + last) & ((1 << ((last + 1) * 8 - end)) - 1);
  return countBytes(data, offset + first, last - first + 1) - bitsOfWord(before) - bitsOfWord(behind);
}

/** The first bit that is `bit` among the bits [start, end) of the value at `offset`, or -1; the range is not empty. */
export function findBit(data: DataView, offset: number, start: number, end: number, bit: number): number {
  // Turned around, a clear bit is a set one.
  const flipped = bit === 1 ? 0 : 255;
  const last = Math.floor((end - 1) / 8);
  let index = Math.floor(start / 8);
  let byte = (data.getUint8(offset + index) ^ flipped) & (255 >> (start - index * 8));
  if (byte === 0 && index < last) {
    index = skipUniform(data, offset + index + 1, offset + last, -bit ^ -1) - offset;
    byte = data.getUint8(offset + index) ^ flipped;
  }
  if (byte === 0) return -1;
  const position = index * 8 + Math.clz32(byte) - 24;
  return position < end ? position : -1;
}

/** Where the first byte that differs from those of `word` is between `from` and `last`; `last` if there is none before it. */
function skipUniform(data: DataView, from: number, last: number, word: number): number {
  let i = from;
  for (const blocksEnd = last - 64; i <= blocksEnd; i += 64) {
    const difference =
      (data.getInt32(i, true) ^ word) |
      (data.getInt32(i + 4, true) ^ word) |
      (data.getInt32(i + 8, true) ^ word) |
      (data.getInt32(i + 12, true) ^ word) |
      (data.getInt32(i + 16, true) ^ word) |
      (data.getInt32(i + 20, true) ^ word) |
      (data.getInt32(i + 24, true) ^ word) |
      (data.getInt32(i + 28, true) ^ word) |
      (data.getInt32(i + 32, true) ^ word) |
      (data.getInt32(i + 36, true) ^ word) |
      (data.getInt32(i + 40, true) ^ word) |
      (data.getInt32(i + 44, true) ^ word) |
      (data.getInt32(i + 48, true) ^ word) |
      (data.getInt32(i + 52, true) ^ word) |
      (data.getInt32(i + 56, true) ^ word) |
      (data.getInt32(i + 60, true) ^ word);
    if (difference !== 0) break;
  }
  for (const wordsEnd = last - 4; i <= wordsEnd && data.getInt32(i, true) === word; i += 4);
  const byte = word & 255;
  while (i < last && data.getUint8(i) === byte) i++;
  return i;
}

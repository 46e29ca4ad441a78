/**
 * Uniform numbers below a bound from uniform 32-bit words, without the bias of a plain remainder.
 *
 * Words that fall into the last, incomplete multiple of the bound are thrown away: on average less than one word
 * more per number, for any bound. Allocates nothing.
 */
const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;
const HIGH_BITS = 0x1f_ffff;

/** Uniform in [0, bound); `bound` is an integer from 1 to 2^53. */
export function uniformBelow(source: { uint32(): number }, bound: number): number {
  if (!(bound >= 1 && bound <= TWO_53 && Number.isInteger(bound))) {
    throw new RangeError(`a random bound is an integer from 1 to 2^53, not ${bound}`);
  }
  if (bound <= TWO_32) {
    const limit = TWO_32 - (TWO_32 % bound);
    for (;;) {
      const word = source.uint32();
      if (word < limit) return word % bound;
    }
  }
  const limit = TWO_53 - (TWO_53 % bound);
  for (;;) {
    const word = (source.uint32() & HIGH_BITS) * TWO_32 + source.uint32();
    if (word < limit) return word % bound;
  }
}

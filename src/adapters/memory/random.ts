/**
 * Seeded randomness: the same seed gives the same numbers on every machine.
 *
 * The generator is Blackman and Vigna's xoshiro128** (period 2^128 - 1), its state spread from the seed by
 * splitmix32, as its authors advise. Not for anything that an attacker must not guess.
 */
import { assert } from "../../base/assert.ts";
import type { Random } from "../../ports/random.ts";
import { uniformBelow } from "../uniform.ts";

/** Four words, not all zero. */
export type RandomState = readonly [number, number, number, number];

export class SeededRandom implements Random {
  readonly #state = new Uint32Array(4);

  /** Any number; its low 53 bits count. */
  constructor(seed: number) {
    let counter = (seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32) >>> 0, 0x9e37_79b9);
    for (let i = 0; i < 4; i++) {
      counter = (counter + 0x9e37_79b9) >>> 0;
      this.#state[i] = mix(counter);
    }
  }

  /** Goes on exactly where `state()` was taken. */
  static restore(state: RandomState): SeededRandom {
    assert(
      state.some((word) => word !== 0),
      "a generator's state is not all zero",
    );
    const random = new SeededRandom(0);
    random.#state.set(state);
    return random;
  }

  state(): RandomState {
    const s = this.#state;
    return [s[0]!, s[1]!, s[2]!, s[3]!];
  }

  uint32(): number {
    const s = this.#state;
    const s1 = s[1]!;
    const result = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
    s[2] = s[2]! ^ s[0]!;
    s[3] = s[3]! ^ s1;
    s[1] = s1 ^ s[2]!;
    s[0] = s[0]! ^ s[3]!;
    s[2] = s[2]! ^ (s1 << 9);
    s[3] = rotate(s[3]!, 11);
    return result;
  }

  below(bound: number): number {
    return uniformBelow(this, bound);
  }

  fill(bytes: Uint8Array): void {
    let word = 0;
    for (let i = 0; i < bytes.length; i++) {
      word = (i & 3) === 0 ? this.uint32() : word >>> 8;
      bytes[i] = word;
    }
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

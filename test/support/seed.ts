/**
 * Seeds of random tests, and the random numbers drawn from them.
 *
 * Invariant: the seed alone decides every number, so a printed seed is enough to repeat a run. FERRITE_SEED
 * sets it; otherwise each run draws a fresh one, because a fixed seed stops finding anything after a day.
 */
import { randomInt } from "node:crypto";

/** The seed of this run, printed so that a failure in a log can be repeated. */
export function seedOf(purpose: string): number {
  const given = process.env["FERRITE_SEED"];
  const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error(`FERRITE_SEED must be an integer, not ${given}`);
  console.log(`${purpose}: FERRITE_SEED=${seed}`);
  return seed;
}

/** xorshift-multiply (mulberry32): small, seeded, even enough to choose commands with. */
export class Randomness {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 0 … bound-1. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** One to `most` things. */
  several<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.below(most) }, make);
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** A seed for a part of the run, so that the part can be repeated alone. */
  fork(): number {
    return this.below(2 ** 31);
  }
}

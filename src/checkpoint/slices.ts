/**
 * Keeps long work on the loop in slices: no slice is much longer than its budget, and others run between two.
 *
 * A slice begins on the turn after the one before has ended, and ends when its budget is used up. Time that passes while
 * its owner waits for a disk counts too: the work after it is then put off by one turn, which costs nothing, while a
 * promise that is settled already must not make a slice longer.
 */
import type { Clock } from "../ports/clock.ts";

export const SLICE_MS = 0.5;

export class Slices {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  #endMs = 0;
  #stopped: (() => Error) | undefined;

  constructor(clock: Clock, budgetMs = SLICE_MS) {
    this.#clock = clock;
    this.#budgetMs = budgetMs;
    this.#begin();
  }

  #begin(): void {
    this.#endMs = this.#clock.monotonicMs() + this.#budgetMs;
  }

  /** From now on every `breathe` throws what `reason` makes. */
  stop(reason: () => Error): void {
    this.#stopped = reason;
  }

  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped();
  }

  /** undefined while the slice may go on; else a promise that resolves on a later turn. */
  readonly breathe = (): Promise<void> | undefined => {
    this.throwIfStopped();
    return this.#clock.monotonicMs() < this.#endMs ? undefined : this.#next();
  };

  async #next(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    this.throwIfStopped();
    this.#begin();
  }
}

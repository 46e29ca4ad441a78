/**
 * Keeps long work on the loop in slices: no slice is much longer than its budget, and others run between two.
 *
 * A slice begins when its first piece of work asks, and ends with the turn of the loop or when its budget is used up.
 * Whoever waits for a disk calls `begin` after it, because what ran meanwhile is not this work's time.
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
    this.begin();
  }

  /** A new slice begins now. */
  begin(): void {
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
    this.begin();
  }
}

/**
 * Virtual time in which work takes some: what is done in slices is done in several, and others run between them.
 *
 * Only the monotonic clock is ahead by what was spent: timers stand where they were, and whoever measures sees them fire late.
 */
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import type { MonotonicMs } from "../../src/base/ids.ts";

/** What others get to do between two slices. */
const BETWEEN_SLICES_MS = 3;

export class WorkingClock extends VirtualClock {
  #spentMs = 0;
  #sliceIsOver = false;

  /** Called by work that asks for its next slice at once, if it finds that this one is over. */
  spend(ms: number): void {
    this.#spentMs += ms;
    this.#sliceIsOver = true;
  }

  override monotonicMs(): MonotonicMs {
    return (super.monotonicMs() + this.#spentMs) as MonotonicMs;
  }

  override soon(run: () => void): void {
    if (this.#sliceIsOver) this.after(BETWEEN_SLICES_MS, run);
    else super.soon(run);
    this.#sliceIsOver = false;
  }
}

/**
 * Virtual time in which work takes some: what is done in slices is done in several, and others run between them.
 *
 * Only the monotonic clock is ahead by what was spent: timers stand where they were, and whoever measures sees them fire late.
 */
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import type { MonotonicMs } from "../../src/base/ids.ts";

export class WorkingClock extends VirtualClock {
  #spentMs = 0;

  spend(ms: number): void {
    this.#spentMs += ms;
  }

  override monotonicMs(): MonotonicMs {
    return (super.monotonicMs() + this.#spentMs) as MonotonicMs;
  }
}

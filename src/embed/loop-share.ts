/**
 * When the next turn runs: in a microtask, or, where microtasks have had their share, after the event loop.
 *
 * Invariants: a requested run happens once, and not before the requester returns; awaited calls, each of which
 * follows the one before in a microtask, hold the event loop for LOOP_SHARE_MS and one turn at most. Without the
 * second a program that awaits a million reads would see no timer, no input and no sync of its log meanwhile.
 */
import type { Clock } from "../ports/clock.ts";

const LOOP_SHARE_MS = 5;
/** Its `then` is a microtask without the bookkeeping of queueMicrotask. What is run never throws. */
const READY = Promise.resolve();

export class LoopShare {
  readonly #clock: Clock;
  readonly #run: () => void;
  #requested = false;
  /** A turn has run since the event loop last came round; it began then. Wall clock, as the turns read it anyway. */
  #isCounting = false;
  #startMs = 0;
  #runAfterLoop = false;

  constructor(clock: Clock, run: () => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Runs soon. `nowMs` is the time of the last turn. */
  request(nowMs: number): void {
    if (this.#requested) return;
    this.#requested = true;
    const usedMs = nowMs - this.#startMs;
    // Negative: the wall clock was set back; the loop gets its turn a little early.
    if (this.#isCounting && (usedMs >= LOOP_SHARE_MS || usedMs < 0)) this.#runAfterLoop = true;
    else READY.then(this.#runRequested);
  }

  /** To be called after each turn, with its time. */
  ran(nowMs: number): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    this.#startMs = nowMs;
    this.#clock.soon(this.#cameRound);
  }

  readonly #runRequested = (): void => {
    this.#requested = false;
    this.#run();
  };

  readonly #cameRound = (): void => {
    this.#isCounting = false;
    if (!this.#runAfterLoop) return;
    this.#runAfterLoop = false;
    this.#runRequested();
  };
}

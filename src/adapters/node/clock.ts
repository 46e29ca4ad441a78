/**
 * Time from Node. Hot-path file: `wallMs` and `monotonicMs` allocate nothing.
 *
 * Delays above 2^31 - 1 ms, which setTimeout would turn into 1 ms, are waited for in several steps.
 */
import { performance } from "node:perf_hooks";
import type { EpochMs, MonotonicMs } from "../../base/ids.ts";
import type { Clock, Timer } from "../../ports/clock.ts";

const DELAY_MS_MAX = 2 ** 31 - 1;

export class NodeClock implements Clock {
  wallMs(): EpochMs {
    return Date.now() as EpochMs;
  }

  monotonicMs(): MonotonicMs {
    return performance.now() as MonotonicMs;
  }

  after(delayMs: number, run: () => void, options?: { unref?: boolean }): Timer {
    return new NodeTimer(this, delayMs, run, options?.unref === true);
  }

  soon(run: () => void): void {
    setImmediate(run);
  }
}

class NodeTimer implements Timer {
  readonly #clock: NodeClock;
  readonly #dueMs: number;
  readonly #run: () => void;
  readonly #unref: boolean;
  #handle: NodeJS.Timeout | undefined;

  constructor(clock: NodeClock, delayMs: number, run: () => void, unref: boolean) {
    this.#clock = clock;
    this.#dueMs = clock.monotonicMs() + delayMs;
    this.#run = run;
    this.#unref = unref;
    this.#wait(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }

  // setTimeout may fire a fraction of a millisecond early against performance.now: the rest is waited for.
  #wait(delayMs: number): void {
    this.#handle = setTimeout(
      () => {
        const leftMs = this.#dueMs - this.#clock.monotonicMs();
        if (leftMs > 0) this.#wait(leftMs);
        else this.#run();
      },
      Math.min(Math.ceil(delayMs), DELAY_MS_MAX),
    );
    if (this.#unref) this.#handle.unref();
  }
}

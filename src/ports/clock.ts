import type { EpochMs, MonotonicMs } from "../base/ids.ts";

/**
 * Time, as the server sees it. The wall clock may jump in either direction; deadlines for work use the
 * monotonic clock, expiry of keys uses the wall clock. Nothing in `src` outside `adapters` asks Node for time.
 */
export interface Clock {
  wallMs(): EpochMs;
  monotonicMs(): MonotonicMs;
  /** Calls `run` once after at least `delayMs`. The timer does not keep the process alive if `unref`. */
  after(delayMs: number, run: () => void, options?: { unref?: boolean }): Timer;
  /** Calls `run` on a later turn of the event loop, after input that is ready has been handled. */
  soon(run: () => void): void;
}

export interface Timer {
  /** Idempotent; after it `run` is not called. */
  cancel(): void;
}

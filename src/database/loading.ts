/** How far loading has come, for INFO and the log. */
import type { Clock } from "../ports/clock.ts";

export interface LoadingReading {
  readonly startedMs: number;
  readonly totalBytes: number;
  readonly loadedBytes: number;
  /** Since the start of loading. */
  readonly elapsedMs: number;
}

export class Loading {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #startedAt: number;
  totalBytes = 0;
  loadedBytes = 0;
  /** Set to have loading end at its next step. */
  isCancelled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.wallMs();
    this.#startedAt = clock.monotonicMs();
  }

  get reading(): LoadingReading {
    return {
      startedMs: this.#startedMs,
      totalBytes: this.totalBytes,
      loadedBytes: this.loadedBytes,
      elapsedMs: this.#clock.monotonicMs() - this.#startedAt,
    };
  }
}

/**
 * CLIENT PAUSE: which commands are held back now.
 *
 * Invariants: a pause that is on is only ever made longer or stricter; it ends by itself at its time or by
 * `clear`. Holding back means that the command has not begun, so nothing has to be undone.
 *
 * Pure but for its two fields: who waits, and how they go on, is the caller's business. Redis holds back even
 * CLIENT UNPAUSE while everything is paused; so does this.
 */
import { FLAG_MAY_REPLICATE, FLAG_WRITE } from "../commands/command-flags.ts";
import type { PauseMode } from "../commands/server-face.ts";

export class Pause {
  #untilMs = 0;
  #mode: PauseMode = "write";

  /** Wall clock of its end; in the past if there is none. */
  get untilMs(): number {
    return this.#untilMs;
  }
  get mode(): PauseMode {
    return this.#mode;
  }

  begin(untilMs: number, mode: PauseMode, nowMs: number): void {
    if (!this.isOn(nowMs)) {
      this.#untilMs = untilMs;
      this.#mode = mode;
      return;
    }
    this.#untilMs = Math.max(this.#untilMs, untilMs);
    if (mode === "all") this.#mode = "all";
  }

  clear(): void {
    this.#untilMs = 0;
  }

  isOn(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** `flags` of the command (for EXEC: of all that it will execute, or-ed). */
  holds(flags: number, nowMs: number): boolean {
    if (nowMs >= this.#untilMs) return false;
    return this.#mode === "all" || (flags & (FLAG_WRITE | FLAG_MAY_REPLICATE)) !== 0;
  }

  /** Nothing may change the data: expired keys stay where they are, and nothing is evicted. */
  freezesData(nowMs: number): boolean {
    return this.isOn(nowMs);
  }
}

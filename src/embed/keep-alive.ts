/**
 * Keeps the process alive while a call waits for something, and only then.
 *
 * The timers and files of a database are not meant to keep a program alive that has nothing else to do; a promise
 * that the program awaits is. Node ends a process whose promises can no longer settle without a word.
 */
import type { Clock, Timer } from "../ports/clock.ts";

const KEEP_ALIVE_MS = 60_000;

export class KeepAlive {
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Cheap while the need does not change. */
  update(needed: boolean): void {
    if (needed === (this.#timer !== undefined)) return;
    if (needed) this.#arm();
    else {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
  }

  #arm(): void {
    this.#timer = this.#clock.after(KEEP_ALIVE_MS, () => this.#arm());
  }
}

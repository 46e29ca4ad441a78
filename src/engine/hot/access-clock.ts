/**
 * What a record's 24-bit access clock means: seconds of last access (LRU), or minutes and a counter (LFU).
 *
 * Hot-path file: nothing here allocates. The formulas are Redis's (evict.c, 7.0): the LRU clock is wall seconds modulo
 * 2^24; the LFU clock is wall minutes modulo 2^16 in its upper 16 bits and a logarithmic counter in its lower 8,
 * raised with probability 1 / ((counter - 5) * factor + 1) and lowered by one per `decayMinutes` without access.
 */
import type { Random } from "../../ports/random.ts";

const CLOCK_MASK = 0xff_ffff;
const LFU_INITIAL = 5;

export class AccessClock {
  // `declare`: no initial undefined, so V8 learns what the field holds and need not check it on each access.
  declare private readonly random: Random;
  /** Set by the policy: LFU counters instead of times. */
  lfu = false;
  lfuLogFactor = 10;
  /** Minutes that lower a counter by one; 0 never lowers it. */
  lfuDecayMinutes = 1;
  #seconds = 0;
  #minutes = 0;

  constructor(random: Random) {
    this.random = random;
  }

  setNow(nowMs: number): void {
    const seconds = Math.floor(nowMs / 1000);
    this.#seconds = seconds & CLOCK_MASK;
    this.#minutes = Math.floor(seconds / 60) & 0xffff;
  }

  /** The clock of a record that is created now. */
  fresh(): number {
    return this.lfu ? (this.#minutes << 8) | LFU_INITIAL : this.#seconds;
  }

  /** The clock of a record with clock `clock` that is accessed now. */
  touched(clock: number): number {
    return this.lfu ? this.#touchedCounter(clock) : this.#seconds;
  }

  idleSeconds(clock: number): number {
    return this.lfu ? 0 : (this.#seconds - clock) & CLOCK_MASK;
  }

  /** The counter as decayed by now. */
  frequency(clock: number): number {
    if (!this.lfu) return 0;
    const counter = clock & 255;
    if (this.lfuDecayMinutes === 0) return counter;
    const elapsed = (this.#minutes - (clock >>> 8)) & 0xffff;
    const periods = Math.floor(elapsed / this.lfuDecayMinutes);
    return periods > counter ? 0 : counter - periods;
  }

  #touchedCounter(clock: number): number {
    let counter = this.frequency(clock);
    if (counter < 255) {
      const above = counter > LFU_INITIAL ? counter - LFU_INITIAL : 0;
      if (this.random.uint32() * (above * this.lfuLogFactor + 1) < 2 ** 32) counter++;
    }
    return (this.#minutes << 8) | counter;
  }
}

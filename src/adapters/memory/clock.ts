/**
 * Virtual time: nothing happens until a test lets it, and then always in the same order.
 *
 * Invariants
 *  - jobs of `soon` run before any timer, in the order in which they were asked for;
 *  - timers run by due time, equal ones in the order in which they were set, and each sees the clock at its time;
 *  - the monotonic clock only moves by `advance`; the wall clock moves with it and by `jumpWall`, which moves
 *    no timer: deadlines are monotonic.
 */
import { assert } from "../../base/assert.ts";
import type { EpochMs, MonotonicMs } from "../../base/ids.ts";
import type { Clock, Timer } from "../../ports/clock.ts";

/** Runs of one `drain` before it is taken for a loop that feeds itself. */
const STEPS_MAX = 10_000_000;

/** 2001-09-09T01:46:40Z: recognisable in a log, and clearly not now. */
const DEFAULT_WALL_MS = 1_000_000_000_000;

class VirtualTimer implements Timer {
  readonly dueMs: number;
  readonly order: number;
  run: (() => void) | undefined;

  constructor(dueMs: number, order: number, run: () => void) {
    this.dueMs = dueMs;
    this.order = order;
    this.run = run;
  }

  cancel(): void {
    this.run = undefined;
  }
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  #jobs: (() => void)[] = [];
  #nextJob = 0;
  /** Sorted by due time, then order; cancelled ones stay until they come up. */
  readonly #timers: VirtualTimer[] = [];

  constructor(startWallMs: number = DEFAULT_WALL_MS) {
    this.#wallOffsetMs = startWallMs;
  }

  wallMs(): EpochMs {
    return Math.floor(this.#wallOffsetMs + this.#nowMs) as EpochMs;
  }

  monotonicMs(): MonotonicMs {
    return this.#nowMs as MonotonicMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = new VirtualTimer(this.#nowMs + Math.max(0, delayMs), this.#order++, run);
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timers[middle]!.dueMs <= timer.dueMs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  }

  soon(run: () => void): void {
    this.#jobs.push(run);
  }

  /** Moves the wall clock alone, as an operator or NTP would. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** When the next timer is due, or undefined if there is none. */
  nextTimerMs(): MonotonicMs | undefined {
    this.#dropCancelled();
    return this.#timers[0]?.dueMs as MonotonicMs | undefined;
  }

  /** Jobs of `soon` that wait. */
  get jobsWaiting(): number {
    return this.#jobs.length - this.#nextJob;
  }

  /** Runs one job, or else one timer that is due now; false if there is neither. */
  step(): boolean {
    if (this.#nextJob < this.#jobs.length) {
      const job = this.#jobs[this.#nextJob++]!;
      if (this.#nextJob === this.#jobs.length) {
        this.#jobs = [];
        this.#nextJob = 0;
      }
      job();
      return true;
    }
    this.#dropCancelled();
    const timer = this.#timers[0];
    if (timer === undefined || timer.dueMs > this.#nowMs) return false;
    this.#timers.shift();
    const { run } = timer;
    timer.cancel();
    run!();
    return true;
  }

  /** Everything that can run now, including what it asks for meanwhile. */
  drain(): void {
    let steps = 0;
    while (this.step()) assert(++steps < STEPS_MAX, "virtual clock: jobs keep asking for more jobs");
  }

  /** Lets `ms` pass: jobs, then each timer at its own time, then jobs again. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    this.drain();
    while (this.#moveToNextTimer(endMs)) this.drain();
    this.#nowMs = endMs;
  }

  /**
   * The same for code that awaits: after each step all promise reactions run, so that what they ask for happens
   * at the right virtual time.
   */
  async advanceAsync(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.drainAsync();
    while (this.#moveToNextTimer(endMs)) await this.drainAsync();
    this.#nowMs = endMs;
  }

  async drainAsync(): Promise<void> {
    let steps = 0;
    await reactions();
    while (this.step()) {
      assert(++steps < STEPS_MAX, "virtual clock: jobs keep asking for more jobs");
      await reactions();
    }
  }

  #moveToNextTimer(endMs: number): boolean {
    const dueMs = this.nextTimerMs();
    if (dueMs === undefined || dueMs > endMs) return false;
    this.#nowMs = Math.max(this.#nowMs, dueMs);
    return true;
  }

  #dropCancelled(): void {
    while (this.#timers.length > 0 && this.#timers[0]!.run === undefined) this.#timers.shift();
  }
}

/** Resolves when the queue of promise reactions is empty: an immediate only runs then. */
function reactions(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * The work that no command asks for: expiry, cleaning of the record log, time-outs, samples for INFO.
 *
 * Invariants: each step runs in a turn of its own, so that the keys it removes reach the log; a step has a
 * budget in milliseconds, and steps of cleaning leave the loop free between them, so that no client waits for
 * more than one step; after `stop` nothing runs any more.
 */
import type { Engine } from "../engine/engine.ts";
import type { Clock, Timer } from "../ports/clock.ts";

/** Redis spends at most a quarter of the time between two ticks on expiry at effort 1. */
const EXPIRE_SHARE_BASE = 0.25;
const EXPIRE_SHARE_PER_EFFORT = 0.02;
/** One step of cleaning, and the pause after it. */
const CLEAN_STEP_MS = 0.5;
const CLEAN_PAUSE_MS = 1;

export interface MaintenanceParts {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Runs work in a turn. */
  readonly within: (work: () => void) => void;
  readonly hz: () => number;
  readonly activeExpireEffort: () => number;
  /** An expiry step took `elapsedMs` of the `budgetMs` that it had. */
  readonly onExpireCycle: (elapsedMs: number, budgetMs: number) => void;
  /** Everything else that wants to run once per tick; cheap. */
  readonly onTick: () => void;
}

export class Maintenance {
  readonly #parts: MaintenanceParts;
  #tick: Timer | undefined;
  #clean: Timer | undefined;
  #stopped = false;
  /** While the engine is being filled nothing may be removed from it. */
  isPaused = false;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  activeExpire = true;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#tick?.cancel();
    this.#clean?.cancel();
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#tick = this.#parts.clock.after(1000 / this.#parts.hz(), () => this.#onTick(), { unref: true });
  }

  #onTick(): void {
    const { engine, clock, within, hz, activeExpireEffort, onTick, onExpireCycle } = this.#parts;
    const share = EXPIRE_SHARE_BASE + EXPIRE_SHARE_PER_EFFORT * (activeExpireEffort() - 1);
    const budgetMs = (1000 / hz()) * share;
    within(() => {
      if (this.activeExpire && !this.isPaused) {
        const startMs = clock.monotonicMs();
        engine.expireSlice(budgetMs);
        onExpireCycle(clock.monotonicMs() - startMs, budgetMs);
      }
      onTick();
    });
    if (this.#clean === undefined && !this.isPaused) this.#step();
    this.#arm();
  }

  /** Goes on as long as the engine has something to clean. */
  #step(): void {
    this.#clean = undefined;
    if (this.#stopped || this.isPaused) return;
    let more = false;
    this.#parts.within(() => {
      more = this.#parts.engine.maintain(CLEAN_STEP_MS);
    });
    if (more) this.#clean = this.#parts.clock.after(CLEAN_PAUSE_MS, () => this.#step(), { unref: true });
  }
}

/**
 * Events that held the server up, by kind: for LATENCY.
 *
 * Invariants: an event kind keeps at most 160 samples, one per second (the worst of that second); nothing is
 * kept while the threshold is 0; names are constants of the program, so their number is bounded.
 */
import type { LatencyEvent, LatencyFace } from "../commands/server-face.ts";

/** Redis's number, which LATENCY HISTORY's readers know. */
const SAMPLES_MAX = 160;

/** The kinds of events that are recorded; LATENCY DOCTOR has advice for each. */
export type LatencyEventName =
  | "command"
  | "fast-command"
  | "aof-write"
  | "aof-fsync-always"
  | "expire-cycle"
  | "eviction-cycle"
  | "checkpoint"
  | "cold-read";

class EventSeries implements LatencyEvent {
  readonly name: string;
  readonly unixSeconds: number[] = [];
  readonly latenciesMs: number[] = [];
  maxMs = 0;

  constructor(name: string) {
    this.name = name;
  }

  add(latencyMs: number, seconds: number): void {
    this.maxMs = Math.max(this.maxMs, latencyMs);
    const last = this.latenciesMs.length - 1;
    if (last >= 0 && this.unixSeconds[last] === seconds) {
      this.latenciesMs[last] = Math.max(this.latenciesMs[last]!, latencyMs);
      return;
    }
    if (this.latenciesMs.length === SAMPLES_MAX) {
      this.unixSeconds.shift();
      this.latenciesMs.shift();
    }
    this.unixSeconds.push(seconds);
    this.latenciesMs.push(latencyMs);
  }
}

export class LatencyMonitor implements LatencyFace {
  readonly #series = new Map<string, EventSeries>();
  thresholdMs: number;

  constructor(thresholdMs: number) {
    this.thresholdMs = thresholdMs;
  }

  /** Cheap below the threshold; `latencyMs` may have a fraction. */
  record(name: LatencyEventName, latencyMs: number, unixSeconds: number): void {
    if (this.thresholdMs === 0 || latencyMs < this.thresholdMs) return;
    let series = this.#series.get(name);
    if (series === undefined) this.#series.set(name, (series = new EventSeries(name)));
    series.add(Math.floor(latencyMs), unixSeconds);
  }

  events(): readonly LatencyEvent[] {
    return [...this.#series.values()];
  }

  event(name: string): LatencyEvent | undefined {
    return this.#series.get(name);
  }

  reset(names: readonly string[]): number {
    if (names.length === 0) {
      const count = this.#series.size;
      this.#series.clear();
      return count;
    }
    let count = 0;
    for (const name of names) if (this.#series.delete(name)) count++;
    return count;
  }
}

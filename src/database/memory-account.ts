/**
 * The one memory cap: what counts, how much it is, and how room is made.
 *
 * What counts is everything that grows with use: the index and the record log of the engine (exact), the
 * JavaScript heap beyond what the process held when it was ready, and the buffers of log and connections (both
 * sampled by `tick`). The constant cost of the runtime itself is not charged to the user's cap.
 */
import type { MemoryFace, MemoryReading } from "../commands/server-face.ts";
import type { Engine, EvictionPolicy } from "../engine/engine.ts";
import type { Clock } from "../ports/clock.ts";
import type { Runtime } from "../ports/runtime.ts";

/**
 * The heap counts at the least of this many samples: what lies between two collections is garbage that goes by
 * itself, and nobody's data should be deleted for it.
 */
const HEAP_SAMPLES = 32;
/** How long one command may spend on making room. */
const EVICTION_BUDGET_MS = 0.5;

export class MemoryAccount implements MemoryFace {
  readonly #engine: Engine;
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #onEviction: (elapsedMs: number) => void;
  readonly #buffers: () => { readonly clients: number; readonly log: number };
  #heapAtStart: number;
  readonly #startupBytes: number;
  readonly #heapSamples = new Float64Array(HEAP_SAMPLES).fill(Number.POSITIVE_INFINITY);
  #nextSample = 0;
  #overhead = 0;
  #peak = 0;
  limitBytes = 0;
  policy: EvictionPolicy = "noeviction";

  constructor(parts: {
    engine: Engine;
    runtime: Runtime;
    clock: Clock;
    onEviction: (elapsedMs: number) => void;
    buffers: () => { readonly clients: number; readonly log: number };
  }) {
    this.#engine = parts.engine;
    this.#runtime = parts.runtime;
    this.#clock = parts.clock;
    this.#onEviction = parts.onEviction;
    this.#buffers = parts.buffers;
    this.#heapAtStart = parts.runtime.heapUsedBytes();
    this.#startupBytes = parts.runtime.memory().residentBytes;
  }

  /** The server is ready: what the heap holds from here on is charged. */
  markReady(): void {
    this.#heapAtStart = this.#runtime.heapUsedBytes();
    this.tick();
  }

  /** Samples what cannot be counted per command; ten times a second. */
  tick(): void {
    const buffers = this.#buffers();
    this.#heapSamples[this.#nextSample] = this.#runtime.heapUsedBytes();
    this.#nextSample = (this.#nextSample + 1) % HEAP_SAMPLES;
    const heap = Math.max(0, Math.min(...this.#heapSamples) - this.#heapAtStart);
    this.#overhead = heap + buffers.clients + buffers.log;
    this.#peak = Math.max(this.#peak, this.usedBytes);
  }

  get usedBytes(): number {
    return this.#engine.usedBytes + this.#overhead;
  }
  get peakBytes(): number {
    return Math.max(this.#peak, this.usedBytes);
  }

  /**
   * Deletes by the policy until the use is under the cap; false if that cannot be. When only the time was too short the
   * command goes on, as in Redis, and the next one makes more room.
   */
  makeRoom(): boolean {
    if (this.limitBytes === 0) return true;
    const excess = this.usedBytes - this.limitBytes;
    if (excess <= 0) return true;
    const startMs = this.#clock.monotonicMs();
    if (this.policy !== "noeviction") this.#engine.evict(this.policy, excess, EVICTION_BUDGET_MS);
    else this.#engine.reclaim(excess, EVICTION_BUDGET_MS);
    this.#onEviction(this.#clock.monotonicMs() - startMs);
    return this.usedBytes <= this.limitBytes || !this.#engine.evictionExhausted;
  }

  read(): MemoryReading {
    const buffers = this.#buffers();
    const process = this.#runtime.memory();
    const engine = this.#engine.memory();
    return {
      used: this.usedBytes,
      peak: this.peakBytes,
      startup: this.#startupBytes,
      rss: process.residentBytes,
      dataset: engine.logLiveBytes,
      index: engine.indexBytes,
      clients: buffers.clients,
      aofBuffer: buffers.log,
      heapUsed: process.heapUsedBytes,
      heapTotal: process.heapTotalBytes,
      system: this.#runtime.systemMemoryBytes,
      limit: this.limitBytes,
      policy: this.policy,
    };
  }

  purge(): void {
    this.#engine.releasePooled();
    this.#runtime.collectGarbage();
  }
}

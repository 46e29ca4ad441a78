/**
 * BGREWRITEAOF: makes the append-only file short again, when asked to or when it has grown enough.
 *
 * Where checkpoints are taken, the log needs no copy of the data set: a checkpoint is taken, and the parts that it holds go.
 * Where none are, a base is written.
 *
 * Invariant: what is rewritten is no shorter for what is lost: parts go only after what replaces them is durable.
 */
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { Database } from "./database.ts";

export interface RewriteSettings {
  readonly checkpointsEnabled: boolean;
  /** Growth in percent, 0 for never. */
  readonly percentage: number;
  readonly sizeMin: number;
}

export interface LogRewritingParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly checkpoints: Checkpoints;
  readonly settings: () => RewriteSettings;
  /** Writes a base of everything up to now and makes it the log's beginning. Rejects with the reason. */
  readonly writeBase: () => Promise<void>;
}

/** For INFO; durations in ms, -1 for none yet. */
export interface RewriteFigures {
  readonly inProgress: boolean;
  readonly scheduled: boolean;
  readonly startedMs: number;
  readonly lastDurationMs: number;
  readonly lastSucceeded: boolean;
  readonly rewrites: number;
  /** Size after the last rewrite, or at the start. */
  readonly baseBytes: number;
}

const SHARE_OF_PERCENT = 100;
const RETRY_PAUSE_MS = 60_000;

export class LogRewriting {
  readonly #parts: LogRewritingParts;
  #running = false;
  #scheduled = false;
  #startedMs = 0;
  #attemptedAt = Number.NEGATIVE_INFINITY;
  #lastDurationMs = -1;
  #lastSucceeded = true;
  #rewrites = 0;
  #baseBytes: number;

  constructor(parts: LogRewritingParts) {
    this.#parts = parts;
    this.#baseBytes = parts.database.log?.counters.sizeBytes ?? 0;
  }

  get figures(): RewriteFigures {
    return {
      inProgress: this.#running,
      scheduled: this.#scheduled,
      startedMs: this.#startedMs,
      lastDurationMs: this.#lastDurationMs,
      lastSucceeded: this.#lastSucceeded,
      rewrites: this.#rewrites,
      baseBytes: this.#baseBytes,
    };
  }

  /** Begins, or plans, a rewrite; answers the status text of the reply. */
  ask(): string {
    if (this.#running) return "Background append only file rewriting already in progress";
    if (this.#parts.checkpoints.figures.inProgress) {
      this.#scheduled = true;
      return "Background append only file rewriting scheduled";
    }
    void this.#run();
    return "Background append only file rewriting started";
  }

  /** Once per tick: begins what was planned, or is due because the log has grown. */
  tick(): void {
    const { checkpoints, clock } = this.#parts;
    if (this.#running || checkpoints.figures.inProgress) return;
    if (!this.#scheduled && !this.#hasGrown()) return;
    if (!this.#lastSucceeded && clock.monotonicMs() - this.#attemptedAt < RETRY_PAUSE_MS) return;
    void this.#run();
  }

  /** The log has become shorter by other means: a checkpoint that was taken for its own sake. */
  shortened(): void {
    this.#baseBytes = this.#parts.database.log?.counters.sizeBytes ?? 0;
  }

  #hasGrown(): boolean {
    const { database, settings } = this.#parts;
    const { percentage, sizeMin } = settings();
    const { log } = database;
    if (percentage === 0 || log === undefined || !log.canWrite) return false;
    const { sizeBytes } = log.counters;
    const base = Math.max(1, this.#baseBytes);
    return sizeBytes >= sizeMin && sizeBytes - base >= (base * percentage) / SHARE_OF_PERCENT;
  }

  async #run(): Promise<void> {
    const { clock, logger, checkpoints, settings, writeBase } = this.#parts;
    this.#running = true;
    this.#scheduled = false;
    this.#startedMs = clock.wallMs();
    this.#attemptedAt = clock.monotonicMs();
    try {
      if (settings().checkpointsEnabled) {
        const result = await checkpoints.take();
        if (result.kind === "failed") throw result.error;
      } else {
        await writeBase();
      }
      this.#lastSucceeded = true;
      this.#rewrites++;
      this.shortened();
    } catch (error) {
      this.#lastSucceeded = false;
      logger.warning("rewriting the append-only file failed; it stays as it was", { reason: String(error) });
    } finally {
      this.#lastDurationMs = clock.monotonicMs() - this.#attemptedAt;
      this.#running = false;
    }
  }
}

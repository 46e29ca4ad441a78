/**
 * Takes checkpoints: when one is due or asked for, at a moment between turns, one at a time; and what follows from them.
 *
 * Invariants
 *  - A capture begins between turns, so its LSN is that of the last effect whose turn is over.
 *  - Whoever asks for a checkpoint gets one whose LSN is not below that of the request's turn.
 *  - What only a published checkpoint makes superfluous (older checkpoints, parts of the log) goes after its publication, and
 *    never after a failure.
 *
 * Writing is CheckpointWriter's work and removing CheckpointSweeper's; this file decides when, and keeps the figures.
 */
import { assert } from "../base/assert.ts";
import { FerriteError, messageOf } from "../base/errors.ts";
import type { CheckpointFolder } from "../checkpoint/checkpoint-folder.ts";
import { type CheckpointResult, CheckpointWriter, describeFailure } from "../checkpoint/checkpoint-writer.ts";
import type { CheckpointIdentity, CheckpointManifest } from "../checkpoint/manifest-format.ts";
import { valuesFilesToRewrite } from "../checkpoint/retention.ts";
import { type SaveRule, saveDue } from "../checkpoint/save-policy.ts";
import { CheckpointSweeper } from "../checkpoint/sweep.ts";
import type { BlockCodec } from "../codec/compression.ts";
import type { Crc32c } from "../codec/crc32c.ts";
import type { EngineCapture } from "../engine/capture/capture-face.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Database } from "./database.ts";

/** Budget of one step of what has to be finished before a capture, as of all upkeep. */
const PREPARE_STEP_MS = 0.5;

export interface CheckpointSettings {
  /** Whether any are taken unasked. */
  readonly enabled: boolean;
  readonly rules: readonly SaveRule[];
  readonly intervalMs: number;
  readonly kept: number;
  readonly compression: boolean;
}

export interface CheckpointsParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly folder: CheckpointFolder;
  readonly identity: CheckpointIdentity;
  readonly crc32c: Crc32c;
  readonly loadCodec: () => Promise<BlockCodec>;
  readonly settings: () => CheckpointSettings;
  /** Runs work in a turn of its own. */
  readonly within: (work: () => void) => void;
  /** The id of the first checkpoint to be written, and the newest one that is there. */
  readonly nextId: number;
  readonly newest: CheckpointManifest | undefined;
  /** A checkpoint was published; the oldest one that is kept holds everything up to this LSN. */
  readonly published: (oldestLsn: number) => void;
}

/** For INFO; times are wall-clock ms, 0 for never. */
export interface CheckpointFigures {
  readonly inProgress: boolean;
  readonly scheduled: boolean;
  readonly startedMs: number;
  readonly lastSaveMs: number;
  readonly lastSucceeded: boolean;
  readonly lastDurationMs: number;
  readonly lastBytes: number;
  readonly saves: number;
  /** Memory that the one under way keeps: now and at most; and at most during the last one. */
  readonly retainedBytes: number;
  readonly retainedPeakBytes: number;
  readonly lastRetainedBytes: number;
  readonly phase: string;
}

export class Checkpoints {
  readonly #parts: CheckpointsParts;
  readonly #writer: CheckpointWriter;
  readonly #sweeper: CheckpointSweeper;
  #newest: CheckpointManifest | undefined;
  #codec: BlockCodec | undefined;
  #capture: EngineCapture | undefined;
  #running: Promise<CheckpointResult> | undefined;
  /** Settles when work is done during which none may begin. */
  #idle: Promise<void> | undefined;
  /** Asked for while one was being written. */
  #next: Promise<CheckpointResult> | undefined;
  #scheduled = false;
  #stopped = false;
  /** How many are reading each checkpoint that is read. */
  readonly #pins = new Map<number, number>();

  #lastSuccessAt: number;
  #lastAttemptAt = 0;
  #lastSaveMs: number;
  #lastSucceeded = true;
  #startedMs = 0;
  #lastDurationMs = -1;
  #lastBytes = 0;
  #saves = 0;
  #retainedPeak = 0;
  #lastRetainedBytes = 0;

  constructor(parts: CheckpointsParts) {
    const { clock, crc32c, folder, identity, nextId, newest } = parts;
    this.#parts = parts;
    this.#newest = newest;
    this.#writer = new CheckpointWriter({ clock, crc32c, folder, identity, nextId });
    this.#sweeper = new CheckpointSweeper(folder, clock);
    this.#lastSaveMs = newest?.wallMs ?? clock.wallMs();
    this.#lastSuccessAt = clock.monotonicMs();
  }

  /** The newest checkpoint that is published. */
  get newest(): CheckpointManifest | undefined {
    return this.#newest;
  }

  get figures(): CheckpointFigures {
    return {
      inProgress: this.#running !== undefined,
      scheduled: this.#scheduled,
      startedMs: this.#startedMs,
      lastSaveMs: this.#lastSaveMs,
      lastSucceeded: this.#lastSucceeded,
      lastDurationMs: this.#lastDurationMs,
      lastBytes: this.#lastBytes,
      saves: this.#saves,
      retainedBytes: this.#capture?.retainedBytes ?? 0,
      retainedPeakBytes: this.#retainedPeak,
      lastRetainedBytes: this.#lastRetainedBytes,
      phase: this.#writer.progress.phase,
    };
  }

  /** Once per tick: begins one that is due. */
  tick(): void {
    const { clock, settings, database } = this.#parts;
    if (this.#capture !== undefined)
      this.#retainedPeak = Math.max(this.#retainedPeak, this.#capture.retainedBytes);
    if (this.#stopped) return;
    const { enabled, rules, intervalMs } = settings();
    const reason = saveDue(
      { rules: enabled ? rules : [], intervalMs: enabled ? intervalMs : 0 },
      {
        nowMs: clock.monotonicMs(),
        lastSuccessMs: this.#lastSuccessAt,
        lastFailed: !this.#lastSucceeded,
        lastAttemptMs: this.#lastAttemptAt,
        changesSinceSuccess: database.effects.dirty,
        busy: this.#running !== undefined || this.#idle !== undefined,
        scheduled: this.#scheduled,
      },
    );
    if (reason !== undefined) void this.take();
  }

  /** A checkpoint is taken when none is being written any more (BGSAVE SCHEDULE). */
  schedule(): void {
    this.#scheduled = true;
  }

  /** Takes a checkpoint of everything up to the end of the present turn, after the one under way if there is one. Never rejects. */
  take(): Promise<CheckpointResult> {
    const before = this.#running ?? this.#idle;
    if (before === undefined) return this.#begin();
    this.#next ??= before.then(() => {
      this.#next = undefined;
      return this.take();
    });
    return this.#next;
  }

  /** Takes a checkpoint whose files stay until what `read` answers has settled. Rejects with what it rejects with. */
  async takeAndRead<T>(read: (result: CheckpointResult) => Promise<T>): Promise<T> {
    const result = await this.take();
    const { id } = result.kind === "published" ? result.manifest : result;
    // No turn lies between the end of the sweep of this checkpoint and here.
    this.#pins.set(id, (this.#pins.get(id) ?? 0) + 1);
    try {
      return await read(result);
    } finally {
      const left = this.#pins.get(id)! - 1;
      if (left === 0) this.#pins.delete(id);
      else this.#pins.set(id, left);
    }
  }

  /** Does work during which no checkpoint begins; those that are asked for meanwhile come after it. */
  async whileIdle<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running !== undefined || this.#idle !== undefined) await (this.#running ?? this.#idle);
    const done = work();
    this.#idle = done.then(
      () => {},
      () => {},
    );
    try {
      return await done;
    } finally {
      this.#idle = undefined;
    }
  }

  /** Gives up what is under way and begins nothing any more; resolves when nothing is being written. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#writer.giveUp();
    await this.#running;
  }

  #begin(): Promise<CheckpointResult> {
    this.#scheduled = false;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<CheckpointResult> {
    const { clock, database, settings } = this.#parts;
    this.#startedMs = clock.wallMs();
    this.#lastAttemptAt = clock.monotonicMs();
    this.#retainedPeak = 0;
    try {
      const codec = settings().compression ? (this.#codec ??= await this.#parts.loadCodec()) : undefined;
      await this.#betweenTurns();
      const changes = database.effects.dirty;
      const lsn = database.lastLsn;
      const previous = this.#newest;
      const rewrite = new Set(previous === undefined ? [] : valuesFilesToRewrite(previous));
      const capture = database.engine.beginCapture(this.#writer.nextId, rewrite);
      this.#capture = capture;
      database.log?.rotate();
      const result = await this.#writer.write({ capture, lsn, wallMs: clock.wallMs(), previous, codec });
      await this.#ended(result, changes);
      return result;
    } catch (error) {
      const result = {
        kind: "failed",
        id: this.#writer.nextId,
        error,
        mayBePublished: false,
        milliseconds: 0,
      } as const;
      await this.#ended(result, 0);
      return result;
    } finally {
      this.#capture = undefined;
    }
  }

  /** Resolves between two turns, at a moment at which a capture can begin: the caller begins it before it awaits anything. */
  async #betweenTurns(): Promise<void> {
    const { clock, database } = this.#parts;
    for (;;) {
      await new Promise<void>((resolve) => clock.soon(resolve));
      if (this.#stopped)
        throw new FerriteError("closed", "taking a checkpoint: given up, the server is stopping");
      assert(!database.turnIsOpen, "a turn is open between turns");
      if (!database.engine.captureIsBlocked) return;
      // It may remove what has expired, and that is logged.
      this.#parts.within(() => database.engine.maintain(PREPARE_STEP_MS));
    }
  }

  async #ended(result: CheckpointResult, changes: number): Promise<void> {
    const { clock, database, logger } = this.#parts;
    this.#lastSucceeded = result.kind === "published";
    this.#lastDurationMs = result.milliseconds;
    this.#lastRetainedBytes = this.#retainedPeak;
    if (result.kind === "failed") {
      logger.warning("a checkpoint failed", { reason: describeFailure(result) });
      return;
    }
    const { manifest, bytesWritten, milliseconds } = result;
    this.#newest = manifest;
    this.#lastSuccessAt = clock.monotonicMs();
    this.#lastSaveMs = clock.wallMs();
    this.#lastBytes = bytesWritten;
    this.#saves++;
    database.effects.dirty -= changes;
    const { id, lsn, keys } = manifest;
    logger.notice("checkpoint saved", {
      id,
      lsn,
      keys,
      bytesWritten,
      milliseconds: Math.round(milliseconds),
    });
    await this.#tidy();
  }

  /** Removes what is not needed any more. A failure is no failure of the checkpoint: the next one tries again. */
  async #tidy(): Promise<void> {
    const { database, settings, logger, published } = this.#parts;
    try {
      const liveBirths = database.engine.filedSegments();
      const { oldestLsn } = await this.#sweeper.sweep({
        keep: settings().kept,
        liveBirths,
        pinned: new Set(this.#pins.keys()),
      });
      published(oldestLsn);
    } catch (error) {
      logger.warning("old checkpoints could not be removed; the next checkpoint tries again", {
        reason: messageOf(error),
      });
    }
  }
}

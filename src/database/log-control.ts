/**
 * Begins, ends and rewrites the append-only file while the server runs.
 *
 * Invariants
 *  - A log that begins counts only when a checkpoint or a base holds everything before it; until then a crash finds what was
 *    there before, and never a gap.
 *  - One thing at a time: what is asked for while another is being done comes after it.
 */
import type { AppendOnlyLog } from "../aof/append-only-log.ts";
import { LogRewrite } from "../aof/log-rewrite.ts";
import { discardPendingLog, startLog } from "../aof/start-log.ts";
import type { SyncPolicy } from "../aof/sync-policy.ts";
import { messageOf } from "../base/errors.ts";
import { BaseSource } from "../checkpoint/base-source.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Logger } from "../ports/logger.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { Database } from "./database.ts";
import { failUnlessPublished } from "./save-failure.ts";

export interface LogControlParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fileSystem: FileSystem;
  readonly folder: string;
  readonly stem: string;
  readonly checkpoints: Checkpoints;
  readonly settings: () => {
    readonly enabled: boolean;
    readonly policy: SyncPolicy;
    readonly partBytesMax: number;
    readonly checkpointsEnabled: boolean;
  };
  readonly loopSyncMsMax: number;
  /** The log has become another one, or none. */
  readonly changed: () => void;
}

export class LogControl {
  readonly #parts: LogControlParts;
  #work: Promise<void> = Promise.resolve();
  #rewrite: LogRewrite | undefined;

  constructor(parts: LogControlParts) {
    this.#parts = parts;
  }

  /** The option has changed: begins or ends the log, as it says when its turn has come. */
  follow(): void {
    this.#work = this.#work.then(() => this.#follow());
  }

  /** Writes a base of everything up to now and lets the log begin with it. Rejects with the reason; the log is then what it was. */
  writeBase(): Promise<void> {
    const { database } = this.#parts;
    const { log } = database;
    if (log === undefined) return Promise.reject(new Error("the append-only file is disabled"));
    return this.#parts.checkpoints.whileIdle(() => this.#writeBase(log));
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    this.#rewrite?.abandon();
    await this.#work;
  }

  #writeBase(log: AppendOnlyLog): Promise<void> {
    const { database, fileSystem: fs, folder, stem, clock, logger } = this.#parts;
    return new Promise((resolve, reject) => {
      this.#rewrite = new LogRewrite(
        {
          log,
          fs,
          folder,
          stem,
          clock,
          logger,
          capture: () => new BaseSource(database.engine.beginCapture(0, "all")),
        },
        (error) => {
          this.#rewrite = undefined;
          if (error === undefined) resolve();
          else reject(error);
        },
      );
    });
  }

  async #follow(): Promise<void> {
    const { database, settings, logger } = this.#parts;
    const { enabled } = settings();
    if (enabled === (database.log !== undefined)) return;
    try {
      if (enabled) await this.#begin();
      else await this.#end();
    } catch (error) {
      logger.warning(
        enabled ? "the append-only file could not be begun" : "the append-only file could not be ended",
        {
          reason: messageOf(error),
          advice: enabled
            ? "set appendonly to no and to yes again when the cause is removed"
            : "restart the server",
        },
      );
    }
  }

  async #begin(): Promise<void> {
    const {
      database,
      clock,
      logger,
      fileSystem: fs,
      folder,
      stem,
      loopSyncMsMax,
      settings,
      changed,
    } = this.#parts;
    const { policy, partBytesMax, checkpointsEnabled } = settings();
    await new Promise<void>((resolve) => clock.soon(resolve));
    const lastLsn = database.lastLsn;
    const log = startLog({ fs, folder, stem, lastLsn, clock, logger, policy, partBytesMax, loopSyncMsMax });
    database.useLog(log, log.nextLsn);
    try {
      if (checkpointsEnabled) {
        // Its LSN is not below the log's beginning, and parts from there on are in the log.
        failUnlessPublished(await this.#parts.checkpoints.take());
        log.beginAt(lastLsn);
      } else {
        await this.#parts.checkpoints.whileIdle(() => this.#writeBase(log));
      }
      logger.notice("the append-only file has begun", { folder, lsn: lastLsn + 1 });
      changed();
    } catch (error) {
      const next = log.nextLsn;
      database.useLog(undefined, next);
      await log.close().catch(() => {});
      database.logHasEnded();
      discardPendingLog(fs, folder, stem);
      throw error;
    }
  }

  async #end(): Promise<void> {
    const { database, clock, logger, folder, changed } = this.#parts;
    await new Promise<void>((resolve) => clock.soon(resolve));
    const { log } = database;
    if (log === undefined) return;
    const lsn = database.lastLsn;
    database.useLog(undefined, log.nextLsn);
    try {
      await log.close(true);
    } finally {
      database.logHasEnded();
    }
    logger.notice("the append-only file has ended; from here on only checkpoints keep what is written", {
      folder,
      lsn,
    });
    changed();
  }
}

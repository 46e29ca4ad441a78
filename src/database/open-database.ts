/**
 * From a data directory to a database that can serve: read the log through the ordinary execute path, put the
 * torn tail aside, open the log for writing.
 *
 * Invariants: nothing on disk is changed before everything readable has been read and verified; an effect that
 * cannot be executed stops the start (a partial data set is never served); time during replay is the log's, so
 * nothing expires but by the log's own word.
 */
import { openLog } from "../aof/open-log.ts";
import { type LogSummary, readLog } from "../aof/read-log.ts";
import type { SyncPolicy } from "../aof/sync-policy.ts";
import { truncateTornTail } from "../aof/torn-tail.ts";
import { FerriteError } from "../base/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Logger } from "../ports/logger.ts";
import { GrowingOutput } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import { STRING_BYTES_MAX } from "../value/string.ts";
import type { Batch } from "./batch.ts";
import type { Database } from "./database.ts";

export interface LogOptions {
  readonly fileSystem: FileSystem;
  readonly folder: string;
  /** `persistence.aof_file`. */
  readonly stem: string;
  readonly policy: SyncPolicy;
  readonly partBytesMax: number;
  /** See AppendOnlyLogOptions. */
  readonly loopSyncMsMax: number;
  /** The data directory existed before: then a log is expected in it. */
  readonly isKnown: boolean;
  /** A checkpoint that was loaded holds everything up to here. */
  readonly afterLsn: number;
  /** False where no log is to be kept from now on: what there is is read all the same. */
  readonly keeps: boolean;
  /** Lets others run between two slices of work; may throw, to end it. */
  readonly breathe: () => Promise<void>;
  /** Called with the last LSN when all is read and nothing on disk has been changed; may throw, to end it. */
  readonly wasRead?: (lastLsn: number) => void;
}

export interface Recovered {
  readonly summary: LogSummary;
  readonly milliseconds: number;
}

/** Replays the log into the (empty) database and leaves it open for writing. */
export async function recoverFromLog(
  database: Database,
  options: LogOptions,
  clock: Clock,
  logger: Logger,
): Promise<Recovered> {
  const { fileSystem: fs, folder, stem, afterLsn, breathe } = options;
  const startMs = clock.monotonicMs();
  const replay = new Replayer(database);
  const summary = await readLog({
    fs,
    folder,
    stem,
    afterLsn,
    handler: replay,
    breathe,
  });
  options.wasRead?.(summary.lastLsn);
  replay.finish();
  // As after loading in Redis: what the checkpoint does not hold is what has changed since. A base is no checkpoint.
  database.effects.dirty = summary.lastLsn - afterLsn;
  if (!options.keeps) return goOnWithout(database, summary, clock.monotonicMs() - startMs);
  if (summary.manifest === undefined && options.isKnown && afterLsn > 0) {
    logger.warning("the data directory has no append-only file; going on from the checkpoint alone", {
      folder,
      lsn: afterLsn,
    });
  } else if (summary.manifest === undefined && options.isKnown) {
    logger.warning("the data directory has no append-only file; starting empty", { folder });
  }
  const tail = summary.tornTail;
  if (tail !== undefined) {
    const kept = truncateTornTail(fs, folder, tail, clock.wallMs());
    logger.warning("the end of the append-only file was torn and has been cut off", {
      file: `${folder}/${tail.part}`,
      offset: tail.offset,
      bytes: tail.bytes,
      reason: tail.reason,
      kept,
    });
  }
  if (summary.copied) {
    logger.notice(
      "the append-only file is a copy that was made while it was written; it ends where the copy ends",
      { folder },
    );
  }
  for (const name of summary.strayParts) {
    logger.warning("a file beside the append-only file belongs to nothing and is ignored", {
      file: `${folder}/${name}`,
    });
  }
  const { policy, partBytesMax, loopSyncMsMax } = options;
  const log = await openLog({
    fs,
    folder,
    stem,
    summary,
    clock,
    logger,
    policy,
    partBytesMax,
    loopSyncMsMax,
  });
  database.useLog(log, log.nextLsn);
  return { summary, milliseconds: clock.monotonicMs() - startMs };
}

function goOnWithout(database: Database, summary: LogSummary, milliseconds: number): Recovered {
  database.useLog(undefined, summary.lastLsn + 1);
  return { summary, milliseconds };
}

/** Executes logged effects; an effect that answers an error means that log and program disagree. */
class Replayer {
  readonly #database: Database;
  readonly #session;
  readonly #out = new GrowingOutput();
  readonly #stringBytesMax: number;
  readonly #batch: Batch;

  constructor(database: Database) {
    this.#database = database;
    this.#batch = database.newBatch();
    // What was allowed when it was logged is loaded, whatever the limit is now.
    this.#stringBytesMax = database.stringBytesMax;
    database.stringBytesMax = STRING_BYTES_MAX;
    this.#session = database.internalSession();
    database.effects.replaying = true;
    database.keyspace.expireOnAccess = false;
  }

  get ahead(): readonly Request[] {
    return this.#batch.requests;
  }

  prepare(count: number): void {
    // Of which database their keys are matters to the time alone.
    this.#batch.takeAll(this.#session, count);
    this.#batch.prepare();
  }

  effect(db: number, _request: Request, lsn: number, timeMs: number, index: number): void {
    const database = this.#database;
    const { reply, keyspace } = database;
    database.setNow(timeMs);
    keyspace.lsn = lsn;
    this.#session.db = db;
    database.enter(this.#session, this.#out);
    const errors = reply.errors;
    database.executeUnchecked(this.#session, this.#batch, index);
    if (reply.errors !== errors) {
      throw new FerriteError(
        "corruption",
        `the effect with LSN ${lsn} cannot be replayed: "${reply.lastError}"; the log was written by a newer version, or is not from this data set`,
      );
    }
    this.#out.position = 0;
  }

  finish(): void {
    const database = this.#database;
    database.stringBytesMax = this.#stringBytesMax;
    database.effects.replaying = false;
    database.keyspace.expireOnAccess = true;
    database.executor.endTurn();
    this.#batch.clear();
    database.table.resetCounters();
    database.setNow(database.clock.wallMs());
  }
}

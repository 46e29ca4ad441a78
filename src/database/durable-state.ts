/**
 * The data set on disk: loads it, and keeps it there while commands go on.
 *
 * Invariants
 *  - Nothing on disk is changed before everything was read and verified.
 *  - While data is loaded no command sees any of it.
 *  - The log, the checkpoints and what is kept of both agree at any moment at which the process may die: what a start would find
 *    has every effect that was acknowledged.
 */
import { readManifest } from "../aof/manifest-file.ts";
import { FerriteError, messageOf } from "../base/errors.ts";
import { CheckpointFolder, nextCheckpointId } from "../checkpoint/checkpoint-folder.ts";
import { type RejectedCheckpoint, refuseShortLog } from "../checkpoint/choose-checkpoint.ts";
import type { CheckpointManifest } from "../checkpoint/manifest-format.ts";
import { type BlockCodec, loadLz4 } from "../codec/compression.ts";
import { type Crc32c, crc32cPortable } from "../codec/crc32c.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Logger } from "../ports/logger.ts";
import type { DataDirectory } from "../recovery/data-directory.ts";
import { type LoadedNewest, loadNewest } from "../recovery/load-newest.ts";
import { logLacksAfter } from "../recovery/log-coverage.ts";
import { ATTENTION_LOADING } from "./attention.ts";
import { Backups } from "./backups.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { Database } from "./database.ts";
import { Loading, type LoadingReading } from "./loading.ts";
import { LogControl } from "./log-control.ts";
import { LogRewriting } from "./log-rewriting.ts";
import { type Recovered, recoverFromLog } from "./open-database.ts";
import { failUnlessPublished } from "./save-failure.ts";

/** Between two moments at which clients are answered while data is loaded. */
const LOADING_SLICE_MS = 5;
/** Between two attempts of DEBUG RELOAD to read what it has written. */
const RELOAD_PAUSE_MS = 100;

/** What reaches the disk. */
export interface StoragePorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fileSystem: FileSystem;
  /** Under `aof_sync = "always"`: how quick a sync must be for the loop to wait for it; see SyncPlace. Never by default. */
  readonly loopSyncMsMax?: number;
  /** Checksums of checkpoint files; by default the portable implementation. */
  readonly crc32c?: Crc32c;
  /** What compresses checkpoints; by default LZ4, loaded when it is first needed. */
  readonly loadCodec?: () => Promise<BlockCodec>;
}

export interface DurableStateParts {
  readonly config: Config;
  readonly ports: StoragePorts;
  readonly directory: DataDirectory;
  readonly database: Database;
  /** Runs work in a turn of its own; once the database is served. */
  readonly within: (work: () => void) => void;
  /** While the engine is being filled nothing may expire in it. */
  readonly pauseUpkeep: (on: boolean) => void;
}

export class DurableState {
  readonly #parts: DurableStateParts;
  readonly #folder: CheckpointFolder;
  #loading: Loading | undefined;
  #checkpoints: Checkpoints | undefined;
  #rewriting: LogRewriting | undefined;
  #logControl: LogControl | undefined;
  #backups: Backups | undefined;
  /** Somebody has said that what is not saved may be lost with the stop. */
  #isForgotten = false;
  #isSaveAskedFor = false;
  #reloading: Promise<void> | undefined;
  #loadedFrom: CheckpointManifest | undefined;
  #recovered: Recovered | undefined;

  constructor(parts: DurableStateParts) {
    const { config, ports, directory, database } = parts;
    this.#parts = parts;
    this.#folder = new CheckpointFolder(ports.fileSystem, directory.checkpointsPath);
    config.onChange("persistence.aof_sync", (policy) => database.log?.setPolicy(policy));
  }

  /** Undefined before and after. */
  get loading(): LoadingReading | undefined {
    return this.#loading?.reading;
  }
  /** Undefined until everything is loaded. */
  get checkpoints(): Checkpoints | undefined {
    return this.#checkpoints;
  }
  get rewriting(): LogRewriting | undefined {
    return this.#rewriting;
  }
  get backups(): Backups | undefined {
    return this.#backups;
  }
  /** The checkpoint that the start loaded, and what it read of the log. */
  get loadedFrom(): CheckpointManifest | undefined {
    return this.#loadedFrom;
  }
  get recovered(): Recovered | undefined {
    return this.#recovered;
  }

  /**
   * Loads everything that the directory holds. Meanwhile clients may be served: all but commands that need no data are answered
   * LOADING.
   */
  async recover(): Promise<void> {
    const { database } = this.#parts;
    const { clock } = this.#parts.ports;
    const loading = new Loading(clock);
    this.#loading = loading;
    database.setAttention(ATTENTION_LOADING, true);
    const { manifest, rejected } = await this.#loadCheckpoint(loading);
    this.#loadedFrom = manifest;
    this.#recovered = await this.#replay(manifest?.lsn ?? 0, rejected, loading);
    this.#beginCheckpoints();
    database.setAttention(ATTENTION_LOADING, false);
    this.#loading = undefined;
  }

  #loadCheckpoint(loading: Loading): Promise<LoadedNewest> {
    const { fileSystem, logger } = this.#parts.ports;
    const { persistence } = this.#parts.config.values;
    const manifest = readManifest(fileSystem, this.#parts.directory.aofPath, persistence.aof_file);
    let due = 0;
    return loadNewest({
      folder: this.#folder,
      identity: this.#parts.directory.identity,
      engine: this.#parts.database.engine,
      isKnown: !this.#parts.directory.isNew,
      logger,
      crc32c: this.#crc32c,
      codec: this.#loadCodec,
      logLacksAfter: (lsn) => logLacksAfter(manifest, lsn),
      logBaseLsn: manifest?.base?.lsn ?? 0,
      onProgress: (bytesDone, bytesTotal) => {
        loading.loadedBytes = bytesDone;
        loading.totalBytes = bytesTotal;
      },
      breathe: () => {
        const nowMs = this.#parts.ports.clock.monotonicMs();
        if (nowMs < due) return undefined;
        return this.#breathe(loading).then(() => {
          due = this.#parts.ports.clock.monotonicMs() + LOADING_SLICE_MS;
        });
      },
    });
  }

  #replay(afterLsn: number, rejected: readonly RejectedCheckpoint[], loading: Loading): Promise<Recovered> {
    const { persistence } = this.#parts.config.values;
    const { fileSystem, clock, logger, loopSyncMsMax } = this.#parts.ports;
    return recoverFromLog(
      this.#parts.database,
      {
        fileSystem,
        folder: this.#parts.directory.aofPath,
        stem: persistence.aof_file,
        policy: persistence.aof_sync,
        partBytesMax: persistence.aof_part_max_size,
        loopSyncMsMax: loopSyncMsMax ?? 0,
        isKnown: !this.#parts.directory.isNew,
        afterLsn,
        keeps: persistence.aof_enabled,
        breathe: () => this.#breathe(loading),
        wasRead: (lastLsn) => refuseShortLog(rejected, lastLsn, this.#folder.path),
      },
      clock,
      logger,
    );
  }

  /** Lets clients be answered between two slices of loading. */
  async #breathe(loading: Loading): Promise<void> {
    await new Promise<void>((resolve) => this.#parts.ports.clock.soon(resolve));
    if (loading.isCancelled) throw new FerriteError("closed", "loading was given up, the server is stopping");
  }

  /** Everything was read: the folder may be changed from here on. */
  #beginCheckpoints(): void {
    const folder = this.#folder;
    const { config, database, directory, ports } = this.#parts;
    const { clock, logger, fileSystem, loopSyncMsMax } = ports;
    const { persistence } = config.values;
    folder.create();
    folder.removeUnfinished();
    const checkpoints = new Checkpoints({
      database,
      clock,
      logger,
      folder,
      identity: this.#parts.directory.identity,
      crc32c: this.#crc32c,
      loadCodec: this.#loadCodec,
      settings: () => ({
        enabled: persistence.checkpoint_enabled,
        rules: persistence.save_rules,
        intervalMs: persistence.checkpoint_interval,
        kept: persistence.checkpoints_kept,
        compression: persistence.checkpoint_compression,
      }),
      within: this.#parts.within,
      nextId: nextCheckpointId(folder.list()),
      newest: this.#loadedFrom,
      published: (oldestLsn) => this.#dropLogBelow(oldestLsn + 1),
    });
    const logControl = new LogControl({
      database,
      clock,
      logger,
      fileSystem,
      folder: directory.aofPath,
      stem: persistence.aof_file,
      checkpoints,
      settings: () => ({
        enabled: persistence.aof_enabled,
        policy: persistence.aof_sync,
        partBytesMax: persistence.aof_part_max_size,
        checkpointsEnabled: persistence.checkpoint_enabled,
      }),
      loopSyncMsMax: loopSyncMsMax ?? 0,
      changed: () => this.#rewriting?.shortened(),
    });
    this.#backups = new Backups({
      checkpoints,
      clock,
      logger,
      folder,
      crc32c: this.#crc32c,
      loadCodec: this.#loadCodec,
      directory: config.values.backup.directory || `${directory.path}/backups`,
      fileName: persistence.checkpoint_file,
      compression: () => persistence.checkpoint_compression,
    });
    this.#checkpoints = checkpoints;
    this.#logControl = logControl;
    this.#rewriting = new LogRewriting({
      database,
      clock,
      logger,
      checkpoints,
      settings: () => ({
        checkpointsEnabled: persistence.checkpoint_enabled,
        percentage: persistence.aof_rewrite_percentage,
        sizeMin: persistence.aof_rewrite_min_size,
      }),
      writeBase: () => logControl.writeBase(),
    });
    config.onChange("persistence.aof_enabled", () => logControl.follow());
  }

  /** What every checkpoint that is kept holds need not be logged any more; where none are taken the log stays whole. */
  #dropLogBelow(lsn: number): void {
    const { log } = this.#parts.database;
    if (log === undefined || !this.#parts.config.values.persistence.checkpoint_enabled) return;
    log.dropPartsBelow(lsn);
    this.#rewriting?.shortened();
  }

  get #crc32c(): Crc32c {
    return this.#parts.ports.crc32c ?? crc32cPortable;
  }

  readonly #loadCodec = (): Promise<BlockCodec> => (this.#parts.ports.loadCodec ?? loadLz4)();

  /**
   * DEBUG RELOAD: everything is written, forgotten, and read again, while nobody may change it. Whoever asks while that is under
   * way is answered with it: nothing has changed since it began.
   */
  reload(): Promise<void> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async #reload(): Promise<void> {
    const { database, pauseUpkeep } = this.#parts;
    const checkpoints = this.#checkpoints;
    if (checkpoints === undefined)
      throw new FerriteError("unavailable", "ERR the data set is not loaded yet");
    database.setAttention(ATTENTION_LOADING, true);
    database.breakWatches();
    // What expires after the checkpoint would come back.
    pauseUpkeep(true);
    try {
      failUnlessPublished(await checkpoints.take());
      await checkpoints.whileIdle(() => this.#readAgain());
    } finally {
      pauseUpkeep(false);
      database.setAttention(ATTENTION_LOADING, false);
    }
  }

  /** Until it has succeeded nothing is served: an engine that is half full would be taken for the data set. */
  async #readAgain(): Promise<void> {
    const { database, ports } = this.#parts;
    const { lastLsn } = database;
    const loading = new Loading(ports.clock);
    this.#loading = loading;
    try {
      for (;;) {
        database.engine.clear();
        try {
          const { manifest } = await this.#loadCheckpoint(loading);
          if (manifest?.lsn === lastLsn) return;
          ports.logger.warning("reloading: the newest checkpoint cannot be read; trying again", { lastLsn });
        } catch (error) {
          ports.logger.warning("reloading: the checkpoint cannot be read; trying again", {
            reason: messageOf(error),
          });
        }
        await new Promise<void>((resolve) => void ports.clock.after(RELOAD_PAUSE_MS, resolve));
        if (loading.isCancelled) {
          // What is in memory is not the data set.
          this.#isForgotten = true;
          throw new FerriteError("closed", "reloading was given up, the server is stopping");
        }
      }
    } finally {
      this.#loading = undefined;
    }
  }

  /** Once per tick. */
  tick(): void {
    this.#checkpoints?.tick();
    this.#rewriting?.tick();
  }

  /**
   * For a stop: takes a checkpoint if one was asked for, or if without it what has changed would be lost. Rejects if it fails;
   * nothing is stopped by that. After "nosave" no later call saves anything.
   */
  async saveBeforeStop(save: "default" | "save" | "nosave"): Promise<void> {
    const checkpoints = this.#checkpoints;
    if (save === "nosave") this.#isForgotten = true;
    if (checkpoints === undefined || this.#isForgotten) return;
    const { effects, log } = this.#parts.database;
    const { checkpoint_enabled } = this.#parts.config.values.persistence;
    if (save === "save") this.#isSaveAskedFor = true;
    // What is executed while SHUTDOWN SAVE saves is saved by the stop that follows.
    const isWanted = checkpoint_enabled || this.#isSaveAskedFor;
    const isNeeded = (log?.counters.isPending ?? true) && isWanted && effects.dirty > 0;
    if (save !== "save" && !isNeeded) return;
    const result = await checkpoints.take();
    if (result.kind === "failed") this.#isSaveAskedFor = false;
    failUnlessPublished(result);
  }

  /** Makes what was executed durable, so that replies that wait for it can leave. A log that has failed stays so. */
  async settleLog(): Promise<void> {
    const log = this.#parts.database.log;
    if (log === undefined || !log.canWrite) return;
    await new Promise<void>((resolve) => log.forceSync(() => resolve()));
  }

  /** Nothing is begun any more. */
  beginStop(): void {
    if (this.#loading !== undefined) this.#loading.isCancelled = true;
  }

  /** What was executed is made durable; nothing is written afterwards. Rejects if it could not be. */
  async close(): Promise<void> {
    await this.#backups?.stop();
    await Promise.all([this.#checkpoints?.stop(), this.#logControl?.stop()]);
    await this.#parts.database.log?.close();
  }
}

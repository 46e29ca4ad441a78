/**
 * Puts a database together from a configuration and ports: directory, recovery, engine, the parts around it and
 * their upkeep. Server and library differ only in what carries the sessions.
 *
 * Invariants: the directory is locked before anything in it is read and released after the log is closed; what
 * is configured live takes effect here, in one place.
 */
import { hostname, release, type as systemType } from "node:os";
import { readManifest } from "../aof/manifest-file.ts";
import { FerriteError } from "../base/errors.ts";
import { CheckpointFolder, nextCheckpointId } from "../checkpoint/checkpoint-folder.ts";
import type { CheckpointManifest } from "../checkpoint/manifest-format.ts";
import { type BlockCodec, loadLz4 } from "../codec/compression.ts";
import { type Crc32c, crc32cPortable } from "../codec/crc32c.ts";
import { publishedEvents } from "../commands/notify-events.ts";
import type { Config } from "../config/config.ts";
import { Engine } from "../engine/engine.ts";
import type { Buffers } from "../ports/buffers.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Logger } from "../ports/logger.ts";
import type { Random } from "../ports/random.ts";
import type { Runtime } from "../ports/runtime.ts";
import { type DataDirectory, openDataDirectory } from "../recovery/data-directory.ts";
import { loadNewest } from "../recovery/load-newest.ts";
import { logLacksAfter } from "../recovery/log-coverage.ts";
import { applyCollectionLimits, COLLECTION_LIMIT_KEYS } from "./apply-collection-limits.ts";
import { ATTENTION_LOADING, ATTENTION_MEMORY, ATTENTION_MONITORS, ATTENTION_PAUSE } from "./attention.ts";
import { Checkpoints } from "./checkpoints.ts";
import { ClientRegistry } from "./client-registry.ts";
import { Database } from "./database.ts";
import { ExecutionPolicy } from "./execution-policy.ts";
import { HeldSessions } from "./held-sessions.ts";
import { InfoReport } from "./info.ts";
import { LatencyMonitor } from "./latency-monitor.ts";
import { Loading } from "./loading.ts";
import { LogRewriting } from "./log-rewriting.ts";
import { Maintenance } from "./maintenance.ts";
import { MemoryAccount } from "./memory-account.ts";
import { Monitors } from "./monitors.ts";
import { type Recovered, recoverFromLog } from "./open-database.ts";
import { Pause } from "./pause.ts";
import { failUnlessPublished, Persistence } from "./persistence.ts";
import { PubSub } from "./pub-sub.ts";
import { EventPublisher } from "./pub-sub-events.ts";
import { buildFace } from "./server-parts.ts";
import type { Session } from "./session.ts";
import { SlowLog } from "./slow-log.ts";
import { Statistics } from "./statistics.ts";

/** Between two moments at which clients are answered while data is loaded. */
const LOADING_SLICE_MS = 5;

export interface AssemblyPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly fileSystem: FileSystem;
  readonly runtime: Runtime;
  /** Where index and log take their memory from; by default the JavaScript engine. */
  readonly buffers?: Buffers;
  readonly version: string;
  /** What carries the bytes, for INFO. */
  readonly transportKind: string;
  /** Under `aof_sync = "always"`: how quick a sync must be for the loop to wait for it; see SyncPlace. Never by default. */
  readonly loopSyncMsMax?: number;
  /** Checksums of checkpoint files; by default the portable implementation. */
  readonly crc32c?: Crc32c;
  /** What compresses checkpoints; by default LZ4, loaded when it is first needed. */
  readonly loadCodec?: () => Promise<BlockCodec>;
  /** Stops everything, for SHUTDOWN. Rejects if it cannot. */
  readonly stop: () => Promise<void>;
}

/** What carries the sessions, as far as the upkeep has to know. */
export interface Carrier {
  within(work: () => void): void;
  /** Once per tick: time-outs, counters. */
  tick(sessions: Iterable<Session>, statistics: Statistics): void;
  /** Bytes that wait for clients. */
  readonly bufferedBytes: number;
  readonly port: number;
}

export class Assembly {
  readonly database: Database;
  readonly fileSystemKind: string;
  readonly memory: MemoryAccount;
  readonly statistics: Statistics;
  recovered: Recovered | undefined;
  /** The checkpoint that was loaded. */
  loadedFrom: CheckpointManifest | undefined;
  keysLoaded = 0;
  #loading: Loading | undefined;
  #checkpoints: Checkpoints | undefined;
  #rewriting: LogRewriting | undefined;
  readonly #config: Config;
  readonly #ports: AssemblyPorts;
  readonly #directory: DataDirectory;
  readonly #clients: ClientRegistry;
  readonly #monitors: Monitors;
  readonly #pubSub: PubSub;
  readonly #events: EventPublisher;
  readonly #held: HeldSessions;
  readonly #slowLog: SlowLog;
  readonly #latency: LatencyMonitor;
  #maintenance: Maintenance | undefined;
  #carrier: Carrier | undefined;
  #closed = false;

  constructor(config: Config, ports: AssemblyPorts, directory: DataDirectory) {
    this.#config = config;
    this.#ports = ports;
    this.#directory = directory;
    this.fileSystemKind = ports.fileSystem.kind;
    const { clock, random } = ports;
    const { storage, server } = config.values;
    const engine = new Engine({
      databases: server.databases,
      hashSeed: directory.identity.hashSeed,
      clock,
      random,
      ...(ports.buffers === undefined ? {} : { buffers: ports.buffers }),
      maxMemoryBytes: storage.max_memory,
      ...(config.sourceOf("storage.segment_size") === "default"
        ? {}
        : { segmentBytes: storage.segment_size }),
    });
    const pause = new Pause();
    this.#held = new HeldSessions(pause, clock, (on) => this.database.setAttention(ATTENTION_PAUSE, on));
    this.#clients = new ClientRegistry({
      pause,
      nowMs: () => clock.wallMs(),
      onPauseChanged: () => this.#held.changed(),
    });
    this.#monitors = new Monitors((active) => this.database.setAttention(ATTENTION_MONITORS, active));
    this.#pubSub = new PubSub(random);
    this.#events = new EventPublisher(this.#pubSub);
    this.#slowLog = new SlowLog(server.slowlog_max_len);
    this.#latency = new LatencyMonitor(server.latency_monitor_threshold);
    this.memory = new MemoryAccount({
      engine,
      runtime: ports.runtime,
      clock,
      buffers: () => this.#buffers(),
      onEviction: (elapsedMs) =>
        this.#latency.record("eviction-cycle", elapsedMs, Math.floor(clock.wallMs() / 1000)),
    });
    const policy = new ExecutionPolicy({
      database: () => this.database,
      clock,
      logger: ports.logger,
      held: this.#held,
      memory: this.memory,
      monitors: this.#monitors,
      statistics: () => this.statistics,
      slowLog: this.#slowLog,
      latency: this.#latency,
    });
    let statistics: Statistics | undefined;
    this.database = new Database({
      engine,
      clock,
      surround: (database) => {
        statistics = new Statistics({
          table: database.table,
          keyspace: database.keyspace,
          commandsExecuted: () => database.executor.commandsExecuted,
        });
        return {
          face: this.#face(database, statistics),
          policy,
          sessionOpened: (session) => {
            this.#clients.add(session);
            this.statistics.connectionsReceived++;
          },
          sessionClosed: (session) => {
            this.#clients.remove(session);
            this.#monitors.remove(session);
            this.#pubSub.forget(session);
          },
          startsAuthenticated: () => config.values.server.requirepass === "",
        };
      },
    });
    this.statistics = statistics!;
    this.#follow();
  }

  #face(database: Database, statistics: Statistics): ReturnType<typeof buildFace> {
    const { clock, runtime, transportKind, version, logger } = this.#ports;
    const persistence = new Persistence({
      database,
      clock,
      checkpoints: () => this.#checkpoints,
      rewriting: () => this.#rewriting,
      reload: () => this.#reload(),
    });
    return buildFace({
      config: this.#config,
      database,
      clock,
      logger,
      runtime,
      version,
      transportKind,
      fileSystemKind: this.fileSystemKind,
      operatingSystem: `${systemType()} ${release()} ${hostname()}`.trim(),
      databaseId: this.#directory.identity.databaseId,
      clients: this.#clients,
      monitors: this.#monitors,
      pubSub: this.#pubSub,
      slowLog: this.#slowLog,
      latency: this.#latency,
      statistics,
      memory: this.memory,
      persistence,
      report: (sources) => new InfoReport(sources),
      port: () => this.#carrier?.port ?? 0,
      stop: () => this.#ports.stop(),
      loading: () => this.#loading?.reading,
      saveBeforeStop: (save) => this.saveBeforeStop(save),
      setActiveExpire: (on) => {
        if (this.#maintenance !== undefined) this.#maintenance.activeExpire = on;
      },
    });
  }

  /** Options that may change while the server runs. */
  #follow(): void {
    const config = this.#config;
    const { executor } = this.database;
    const apply = (): void => {
      const { storage, server } = config.values;
      this.memory.limitBytes = storage.max_memory;
      this.memory.policy = storage.max_memory_policy;
      this.database.setAttention(ATTENTION_MEMORY, storage.max_memory > 0);
      this.database.engine.setAccessPolicy({
        policy: storage.max_memory_policy,
        samples: storage.max_memory_samples,
        lfuLogFactor: storage.lfu_log_factor,
        lfuDecayMinutes: storage.lfu_decay_time,
      });
      const slower = server.slowlog_log_slower_than;
      this.database.stringBytesMax = server.proto_max_bulk_len;
      this.database.transactions.bytesMax = server.client_query_buffer_limit;
      executor.slowMicroseconds = slower < 0 ? Number.POSITIVE_INFINITY : slower;
      executor.timeAll = slower >= 0 && slower < 1000;
      this.#slowLog.lengthMax = server.slowlog_max_len;
      this.#latency.thresholdMs = server.latency_monitor_threshold;
      applyCollectionLimits(this.database.collectionLimits, storage);
    };
    apply();
    const keys = [
      "storage.max_memory",
      "storage.max_memory_policy",
      "storage.max_memory_samples",
      "storage.lfu_log_factor",
      "storage.lfu_decay_time",
      "server.proto_max_bulk_len",
      "server.client_query_buffer_limit",
      "server.slowlog_log_slower_than",
      "server.slowlog_max_len",
      "server.latency_monitor_threshold",
      ...COLLECTION_LIMIT_KEYS,
    ] as const;
    for (const key of keys) config.onChange(key, apply);
    config.onChange("server.notify_keyspace_events", () => this.#followEvents());
    config.onChange("persistence.aof_sync", (policy) => this.database.log?.setPolicy(policy));
  }

  #followEvents(): void {
    const letters = this.#config.values.server.notify_keyspace_events;
    this.database.notifyOf(publishedEvents(letters), this.#events);
  }

  /**
   * Loads everything that the directory holds. Meanwhile clients may be served: all but commands that need no data are answered
   * LOADING.
   */
  async recover(): Promise<void> {
    const { database } = this;
    const { clock } = this.#ports;
    const loading = new Loading(clock);
    this.#loading = loading;
    database.setAttention(ATTENTION_LOADING, true);
    const folder = new CheckpointFolder(this.#ports.fileSystem, this.#directory.checkpointsPath);
    this.loadedFrom = await this.#loadCheckpoint(folder, loading);
    const afterLsn = this.loadedFrom?.lsn ?? 0;
    this.recovered = await this.#replay(afterLsn, loading);
    this.#beginCheckpoints(folder);
    for (let db = 0; db < database.keyspace.databases; db++) this.keysLoaded += database.keyspace.size(db);
    database.setAttention(ATTENTION_LOADING, false);
    this.#loading = undefined;
  }

  #loadCheckpoint(folder: CheckpointFolder, loading: Loading): Promise<CheckpointManifest | undefined> {
    const { fileSystem, logger } = this.#ports;
    const { persistence } = this.#config.values;
    let due = 0;
    return loadNewest({
      folder,
      identity: this.#directory.identity,
      engine: this.database.engine,
      logger,
      crc32c: this.#crc32c,
      codec: this.#loadCodec,
      logLacksAfter: (lsn) =>
        logLacksAfter(readManifest(fileSystem, this.#directory.aofPath, persistence.aof_file), lsn),
      onProgress: (bytesDone, bytesTotal) => {
        loading.loadedBytes = bytesDone;
        loading.totalBytes = bytesTotal;
      },
      breathe: () => {
        const nowMs = this.#ports.clock.monotonicMs();
        if (nowMs < due) return undefined;
        return this.#breathe(loading).then(() => {
          due = this.#ports.clock.monotonicMs() + LOADING_SLICE_MS;
        });
      },
    });
  }

  #replay(afterLsn: number, loading: Loading): Promise<Recovered> {
    const { persistence } = this.#config.values;
    const { fileSystem, clock, logger, loopSyncMsMax } = this.#ports;
    return recoverFromLog(
      this.database,
      {
        fileSystem,
        folder: this.#directory.aofPath,
        stem: persistence.aof_file,
        policy: persistence.aof_sync,
        partBytesMax: persistence.aof_part_max_size,
        loopSyncMsMax: loopSyncMsMax ?? 0,
        isKnown: !this.#directory.isNew,
        afterLsn,
        keeps: persistence.aof_enabled,
        breathe: () => this.#breathe(loading),
      },
      clock,
      logger,
    );
  }

  /** Lets clients be answered between two slices of loading. */
  async #breathe(loading: Loading): Promise<void> {
    await new Promise<void>((resolve) => this.#ports.clock.soon(resolve));
    if (loading.isCancelled) throw new FerriteError("closed", "loading was given up, the server is stopping");
  }

  /** Everything was read: the folder may be changed from here on. */
  #beginCheckpoints(folder: CheckpointFolder): void {
    const { clock, logger } = this.#ports;
    const { persistence } = this.#config.values;
    const { database } = this;
    folder.create();
    folder.removeUnfinished();
    const checkpoints = new Checkpoints({
      database,
      clock,
      logger,
      folder,
      identity: this.#directory.identity,
      crc32c: this.#crc32c,
      loadCodec: this.#loadCodec,
      settings: () => ({
        enabled: persistence.checkpoint_enabled,
        rules: persistence.save_rules,
        intervalMs: persistence.checkpoint_interval,
        kept: persistence.checkpoints_kept,
        compression: persistence.checkpoint_compression,
      }),
      within: (work) => this.#carrier?.within(work),
      nextId: nextCheckpointId(folder.list()),
      newest: this.loadedFrom,
      published: (oldestLsn) => this.#dropLogBelow(oldestLsn + 1),
    });
    this.#checkpoints = checkpoints;
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
      writeBase: () => Promise.reject(new FerriteError("unavailable", "not yet")),
    });
  }

  /** What every checkpoint that is kept holds need not be logged any more; where none are taken the log stays whole. */
  #dropLogBelow(lsn: number): void {
    const { log } = this.database;
    if (log === undefined || !this.#config.values.persistence.checkpoint_enabled) return;
    log.dropPartsBelow(lsn);
    this.#rewriting?.shortened();
  }

  get #crc32c(): Crc32c {
    return this.#ports.crc32c ?? crc32cPortable;
  }

  readonly #loadCodec = (): Promise<BlockCodec> => (this.#ports.loadCodec ?? loadLz4)();

  /** DEBUG RELOAD: everything is written, forgotten, and read again, while nobody may change it. */
  async #reload(): Promise<void> {
    const { database } = this;
    const checkpoints = this.#checkpoints;
    if (checkpoints === undefined)
      throw new FerriteError("unavailable", "ERR the data set is not loaded yet");
    database.setAttention(ATTENTION_LOADING, true);
    try {
      const result = await checkpoints.take();
      failUnlessPublished(result);
      const folder = new CheckpointFolder(this.#ports.fileSystem, this.#directory.checkpointsPath);
      await checkpoints.whileIdle(async () => {
        this.#maintenance!.isPaused = true;
        database.engine.clear();
        await this.#loadCheckpoint(folder, new Loading(this.#ports.clock));
      });
    } finally {
      this.#maintenance!.isPaused = false;
      database.setAttention(ATTENTION_LOADING, false);
    }
  }

  /** Begins the upkeep; the carrier serves from here on. */
  start(carrier: Carrier): void {
    this.#carrier = carrier;
    this.memory.markReady();
    // Not before: what is replayed has happened already.
    this.#followEvents();
    const { clock } = this.#ports;
    const config = this.#config;
    this.#maintenance = new Maintenance({
      engine: this.database.engine,
      clock,
      within: (work) => carrier.within(work),
      hz: () => config.values.server.hz,
      activeExpireEffort: () => config.values.storage.active_expire_effort,
      onExpireCycle: (elapsedMs, budgetMs) => {
        this.statistics.expireCycleMs += elapsedMs;
        if (elapsedMs >= budgetMs) this.statistics.expireCycleLimitReached++;
        this.#latency.record("expire-cycle", elapsedMs, Math.floor(clock.wallMs() / 1000));
      },
      onTick: () => {
        this.memory.tick();
        this.database.checkLog();
        this.#checkpoints?.tick();
        this.#rewriting?.tick();
        carrier.tick(this.#sessions(), this.statistics);
        this.statistics.evictedKeys = this.database.engine.evictedKeys;
        this.statistics.sample(clock.monotonicMs());
      },
    });
    this.#maintenance.start();
  }

  *#sessions(): Generator<Session> {
    for (const client of this.#clients.entries()) yield client as Session;
  }

  #buffers(): { clients: number; log: number } {
    return {
      clients: this.#carrier?.bufferedBytes ?? 0,
      log: this.database?.log?.pendingBytes ?? 0,
    };
  }

  /**
   * For a stop: takes a checkpoint if one was asked for, or if without it what has changed would be lost. Rejects if it fails;
   * nothing is stopped by that.
   */
  async saveBeforeStop(save: "default" | "save" | "nosave"): Promise<void> {
    const checkpoints = this.#checkpoints;
    if (checkpoints === undefined || save === "nosave") return;
    const { effects, log } = this.database;
    const isNeeded =
      log === undefined && this.#config.values.persistence.checkpoint_enabled && effects.dirty > 0;
    if (save === "save" || isNeeded) failUnlessPublished(await checkpoints.take());
  }

  beginStop(): void {
    this.#maintenance?.stop();
    if (this.#loading !== undefined) this.#loading.isCancelled = true;
  }

  /** Makes what was executed durable, so that replies that wait for it can leave. A log that has failed stays so. */
  async settleLog(): Promise<void> {
    const log = this.database.log;
    if (log === undefined || !log.canWrite) return;
    await new Promise<void>((resolve) => log.forceSync(() => resolve()));
  }

  /** Everything logged is made durable, then the directory is free. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.beginStop();
    try {
      await this.#checkpoints?.stop();
      await this.database.log?.close();
    } finally {
      this.#directory.release();
    }
  }
}

/** Locks the directory, recovers what it holds. On a failure the directory is free again and unchanged. */
export async function openAssembly(config: Config, ports: AssemblyPorts): Promise<Assembly> {
  const assembly = prepareAssembly(config, ports);
  try {
    await assembly.recover();
    return assembly;
  } catch (error) {
    await assembly.close();
    throw error;
  }
}

/** Locks the directory and reads who it is; `recover` comes next, `close` in any case. */
export function prepareAssembly(config: Config, ports: AssemblyPorts): Assembly {
  const { fileSystem, random, runtime, version } = ports;
  const note = `pid ${runtime.processId}, ferrite ${version}`;
  const directory = openDataDirectory(fileSystem, config.values.storage.data_dir, random, note);
  try {
    return new Assembly(config, ports, directory);
  } catch (error) {
    directory.release();
    throw error;
  }
}

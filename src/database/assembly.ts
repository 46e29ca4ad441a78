/**
 * Puts a database together from a configuration and ports: directory, recovery, engine, the parts around it and
 * their upkeep. Server and library differ only in what carries the sessions.
 *
 * Invariants: the directory is locked before anything in it is read and released after the log is closed; what
 * is configured live takes effect here, in one place.
 */
import { hostname, release, type as systemType } from "node:os";
import { publishedEvents } from "../commands/notify-events.ts";
import type { Config } from "../config/config.ts";
import { Engine } from "../engine/engine.ts";
import type { Buffers } from "../ports/buffers.ts";
import type { Random } from "../ports/random.ts";
import type { Runtime } from "../ports/runtime.ts";
import { type DataDirectory, openDataDirectory } from "../recovery/data-directory.ts";
import { applyCollectionLimits, COLLECTION_LIMIT_KEYS } from "./apply-collection-limits.ts";
import { ATTENTION_MEMORY, ATTENTION_MONITORS, ATTENTION_PAUSE } from "./attention.ts";
import { ClientRegistry } from "./client-registry.ts";
import { Database } from "./database.ts";
import { DurableState, type StoragePorts } from "./durable-state.ts";
import { ExecutionPolicy } from "./execution-policy.ts";
import { HeldSessions } from "./held-sessions.ts";
import { InfoReport } from "./info.ts";
import { LatencyMonitor } from "./latency-monitor.ts";
import { Maintenance } from "./maintenance.ts";
import { MemoryAccount } from "./memory-account.ts";
import { Monitors } from "./monitors.ts";
import { Pause } from "./pause.ts";
import { Persistence } from "./persistence.ts";
import { PubSub } from "./pub-sub.ts";
import { EventPublisher } from "./pub-sub-events.ts";
import { buildFace } from "./server-parts.ts";
import type { Session } from "./session.ts";
import { SlowLog } from "./slow-log.ts";
import { Statistics } from "./statistics.ts";

export interface AssemblyPorts extends StoragePorts {
  readonly random: Random;
  readonly runtime: Runtime;
  /** Where index and log take their memory from; by default the JavaScript engine. */
  readonly buffers?: Buffers;
  readonly version: string;
  /** What carries the bytes, for INFO. */
  readonly transportKind: string;
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
  /** The data set on disk. */
  readonly durable: DurableState;
  keysLoaded = 0;
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
    this.durable = new DurableState({
      config,
      ports,
      directory,
      database: this.database,
      within: (work) => this.#carrier?.within(work),
      pauseUpkeep: (on) => {
        if (this.#maintenance !== undefined) this.#maintenance.isPaused = on;
      },
    });
    this.#follow();
  }

  #face(database: Database, statistics: Statistics): ReturnType<typeof buildFace> {
    const { clock, runtime, transportKind, version, logger } = this.#ports;
    const persistence = new Persistence({ database, clock, durable: () => this.durable });
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
      loading: () => this.durable.loading,
      saveBeforeStop: (save) => this.durable.saveBeforeStop(save),
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
  }

  #followEvents(): void {
    const letters = this.#config.values.server.notify_keyspace_events;
    this.database.notifyOf(publishedEvents(letters), this.#events);
  }

  /** See DurableState.recover. */
  async recover(): Promise<void> {
    const { database } = this;
    await this.durable.recover();
    for (let db = 0; db < database.keyspace.databases; db++) this.keysLoaded += database.keyspace.size(db);
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
        this.durable.tick();
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

  beginStop(): void {
    this.#maintenance?.stop();
    this.durable.beginStop();
  }

  /** Everything logged is made durable, then the directory is free. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.beginStop();
    try {
      await this.durable.close();
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

/** Builds the ServerFace that command bodies see from the parts of an assembly: adapters, no decisions. */
import { createHash, timingSafeEqual } from "node:crypto";
import { FerriteError, messageOf } from "../base/errors.ts";
import type {
  AuthFace,
  ConfigFace,
  DebugFace,
  ExecutionFace,
  LifecycleFace,
  ServerFace,
  ServerIdentity,
  ShutdownRequest,
} from "../commands/server-face.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Runtime } from "../ports/runtime.ts";
import type { ClientRegistry } from "./client-registry.ts";
import type { Database } from "./database.ts";
import type { InfoReport } from "./info.ts";
import type { InfoSources, PersistenceReading } from "./info-sources.ts";
import type { LatencyMonitor } from "./latency-monitor.ts";
import type { LoadingReading } from "./loading.ts";
import type { MemoryAccount } from "./memory-account.ts";
import type { Monitors } from "./monitors.ts";
import type { Persistence } from "./persistence.ts";
import type { PubSub } from "./pub-sub.ts";
import type { SlowLog } from "./slow-log.ts";
import type { Statistics } from "./statistics.ts";

/** The release whose surface is offered; clients choose features by it. README lists what is not there yet. */
const REDIS_VERSION = "7.2.0";

export interface FaceParts {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtime: Runtime;
  readonly version: string;
  readonly transportKind: string;
  readonly fileSystemKind: string;
  readonly operatingSystem: string;
  readonly databaseId: string;
  readonly clients: ClientRegistry;
  readonly monitors: Monitors;
  readonly pubSub: PubSub;
  readonly slowLog: SlowLog;
  readonly latency: LatencyMonitor;
  readonly statistics: Statistics;
  readonly memory: MemoryAccount;
  readonly persistence: Persistence;
  readonly report: (sources: InfoSources) => InfoReport;
  readonly port: () => number;
  readonly stop: () => Promise<void>;
  readonly setActiveExpire: (on: boolean) => void;
  /** Undefined when everything is loaded. */
  readonly loading: () => LoadingReading | undefined;
  readonly saveBeforeStop: (save: ShutdownRequest["save"]) => Promise<void>;
}

export function buildFace(parts: FaceParts): ServerFace {
  const identity: ServerIdentity = {
    redisVersion: REDIS_VERSION,
    ferriteVersion: parts.version,
    runId: createHash("sha1")
      .update(`${parts.databaseId} ${parts.runtime.processId} ${parts.clock.wallMs()}`)
      .digest("hex"),
  };
  return {
    identity,
    execution: executionFace(parts.database, parts.clock),
    commands: parts.database.table,
    auth: authFace(parts.config),
    config: configFace(parts.config),
    clients: parts.clients,
    info: parts.report(infoSources(parts, identity)),
    memory: parts.memory,
    slowLog: parts.slowLog,
    latency: parts.latency,
    monitors: parts.monitors,
    pubSub: parts.pubSub,
    statistics: parts.statistics,
    persistence: parts.persistence,
    lifecycle: lifecycleFace(parts),
    debug: debugFace(parts),
  };
}

function executionFace(database: Database, clock: Clock): ExecutionFace {
  return {
    get mayWait() {
      return database.mayBlock;
    },
    wallMicroseconds: () => clock.wallMs() * 1000 + Math.floor((clock.monotonicMs() % 1) * 1000),
    after: (delayMs, run) => void clock.after(delayMs, run, { unref: true }),
  };
}

function authFace(config: Config): AuthFace {
  const digest = (bytes: string | Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
  return {
    get required() {
      return config.values.server.requirepass !== "";
    },
    verify(user, password) {
      const expected = config.values.server.requirepass;
      if (user !== "default") return false;
      if (expected === "") return true;
      // Digests have one length, so the comparison tells nothing about the password's.
      return timingSafeEqual(digest(Buffer.from(expected, "utf8")), digest(password));
    },
    userExists: (user) => user === "default",
  };
}

/** Commands carry one character per byte, the configuration texts in UTF-8. */
function configFace(config: Config): ConfigFace {
  const decode = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");
  const encode = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
  return {
    get: (patterns) =>
      config.getByGlob(patterns.map(decode)).map(([name, value]) => [encode(name), encode(value)]),
    set(pairs) {
      const refusal = config.setLive(pairs.map(([name, value]) => [decode(name), decode(value)]));
      return refusal === undefined ? undefined : encode(refusal);
    },
    async rewrite() {
      const refusal = config.rewrite();
      if (refusal !== undefined) throw new FerriteError("unavailable", refusal);
    },
  };
}

function lifecycleFace(parts: FaceParts): LifecycleFace {
  return {
    async shutdown(request: ShutdownRequest): Promise<never> {
      const log = parts.database.log;
      if (log !== undefined && !log.canWrite && !request.force) {
        throw new FerriteError(
          "unavailable",
          "ERR Errors trying to SHUTDOWN. Check logs: the append-only file cannot be written; SHUTDOWN FORCE stops and loses what is not in it",
        );
      }
      try {
        await parts.saveBeforeStop(request.save);
      } catch (error) {
        if (request.force) await parts.saveBeforeStop("nosave");
        else {
          throw new FerriteError(
            "unavailable",
            `ERR Errors trying to SHUTDOWN. Check logs: ${messageOf(error)}; SHUTDOWN NOSAVE or FORCE stops all the same`,
          );
        }
      }
      await parts.stop();
      return new Promise<never>(() => {});
    },
    abortShutdown: () => false,
  };
}

function debugFace(parts: FaceParts): DebugFace {
  return {
    get access() {
      return parts.config.values.server.enable_debug_command;
    },
    sleep: (ms) => parts.runtime.blockMs(ms),
    setActiveExpire: parts.setActiveExpire,
    log: (message) => parts.logger.warning("DEBUG LOG", { message }),
    collectGarbage: () => parts.runtime.collectGarbage(),
  };
}

function infoSources(parts: FaceParts, identity: ServerIdentity): InfoSources {
  const { database, clock, config, runtime } = parts;
  const startedMs = clock.wallMs();
  return {
    identity,
    clients: parts.clients,
    pubSub: parts.pubSub,
    memory: parts.memory,
    statistics: parts.statistics,
    table: database.table,
    keyspace: database.keyspace,
    nowMs: () => clock.wallMs(),
    server: () => ({
      startedMs,
      processId: runtime.processId,
      operatingSystem: parts.operatingSystem,
      nodeVersion: runtime.nodeVersion,
      executable: process.argv[1] ?? "",
      configFile: config.filePath ?? "",
      tcpPort: parts.port(),
      hz: config.values.server.hz,
      maxClients: config.values.server.max_clients,
      transport: parts.transportKind,
      fileSystem: parts.fileSystemKind,
      replicationId: parts.databaseId.padEnd(40, "0"),
      lastLsn: database.lastLsn,
    }),
    persistence: () => persistenceReading(parts),
    tiers: () => tierReading(database),
    processor: () => runtime.processorTime(),
  };
}

function tierReading(database: Database) {
  let hotKeys = 0;
  for (let db = 0; db < database.keyspace.databases; db++) hotKeys += database.keyspace.size(db);
  const hotBytes = database.engine.memory().logLiveBytes;
  return { hotKeys, hotBytes, warmKeys: 0, warmBytes: 0, coldKeys: 0, coldBytes: 0 };
}

function persistenceReading(parts: FaceParts): PersistenceReading {
  const { database, persistence, clock } = parts;
  const { log } = database;
  const counters = log?.counters;
  const save = persistence.checkpointFigures;
  const rewrite = persistence.rewriteFigures;
  const since = (startedMs: number | undefined): number =>
    startedMs === undefined ? -1 : Math.floor((clock.wallMs() - startedMs) / 1000);
  return {
    loading: parts.loading(),
    changesSinceSave: database.effects.dirty,
    saveInProgress: persistence.saveInProgress,
    lastSaveSeconds: persistence.lastSaveSeconds,
    lastSaveSucceeded: save?.lastSucceeded ?? true,
    lastSaveDurationSeconds: seconds(save?.lastDurationMs),
    currentSaveDurationSeconds: since(save?.inProgress === true ? save.startedMs : undefined),
    saves: save?.saves ?? 0,
    lastSaveBytes: save?.lastBytes ?? 0,
    savePhase: save?.phase ?? "idle",
    saveRetainedBytes: save?.retainedBytes ?? 0,
    saveRetainedPeakBytes: save?.retainedPeakBytes ?? 0,
    lastSaveRetainedBytes: save?.lastRetainedBytes ?? 0,
    aofEnabled: log !== undefined,
    aofRewriteInProgress: rewrite?.inProgress ?? false,
    aofRewriteScheduled: rewrite?.scheduled ?? false,
    aofLastRewriteDurationSeconds: seconds(rewrite?.lastDurationMs),
    aofCurrentRewriteDurationSeconds: since(rewrite?.inProgress === true ? rewrite.startedMs : undefined),
    aofLastRewriteSucceeded: rewrite?.lastSucceeded ?? true,
    aofRewrites: rewrite?.rewrites ?? 0,
    aofLastWriteSucceeded: log?.canWrite ?? true,
    aofCurrentSizeBytes: counters?.sizeBytes ?? 0,
    aofBaseSizeBytes: rewrite?.baseBytes ?? 0,
    aofBufferBytes: log?.pendingBytes ?? 0,
    aofSyncsPending: counters?.syncUnderWay === true ? 1 : 0,
    aofSyncsDelayed: counters?.delayedSyncs ?? 0,
    aofDurableLsn: log?.durableLsn ?? 0,
  };
}

/** Whole seconds, -1 for none yet. */
function seconds(milliseconds: number | undefined): number {
  return milliseconds === undefined || milliseconds < 0 ? -1 : Math.floor(milliseconds / 1000);
}

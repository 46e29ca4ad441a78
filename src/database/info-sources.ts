/**
 * What INFO reports on: the readings that its sections turn into lines. Each is taken when INFO is asked for,
 * so nothing here is kept up to date for it alone.
 */
import type { MemoryFace, PubSubFace, ServerIdentity } from "../commands/server-face.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Keyspace } from "../engine/keyspace.ts";
import type { ClientRegistry } from "./client-registry.ts";
import type { LoadingReading } from "./loading.ts";
import type { Statistics } from "./statistics.ts";

export interface InfoSources {
  readonly identity: ServerIdentity;
  readonly clients: ClientRegistry;
  readonly pubSub: Pick<PubSubFace, "topicCount">;
  readonly memory: MemoryFace;
  readonly statistics: Statistics;
  readonly table: CommandTable;
  readonly keyspace: Keyspace;
  nowMs(): number;
  server(): ServerReading;
  persistence(): PersistenceReading;
  tiers(): TierReading;
  processor(): ProcessorReading;
}

export interface ServerReading {
  readonly startedMs: number;
  readonly processId: number;
  /** "Linux 6.1.0 x86_64". */
  readonly operatingSystem: string;
  readonly nodeVersion: string;
  readonly executable: string;
  /** Empty where there is none. */
  readonly configFile: string;
  /** 0 if no TCP port is open. */
  readonly tcpPort: number;
  readonly hz: number;
  readonly maxClients: number;
  /** "native", "portable", …: which implementations carry the bytes. */
  readonly transport: string;
  readonly fileSystem: string;
  /** 40 hexadecimal digits: identifies the data set's history, as master_replid. */
  readonly replicationId: string;
  /** LSN of the last effect. */
  readonly lastLsn: number;
}

/** Durations in whole seconds, -1 where there was none yet. */
export interface PersistenceReading {
  /** Undefined when everything is loaded. */
  readonly loading: LoadingReading | undefined;
  readonly changesSinceSave: number;
  readonly saveInProgress: boolean;
  readonly lastSaveSeconds: number;
  readonly lastSaveSucceeded: boolean;
  readonly lastSaveDurationSeconds: number;
  readonly currentSaveDurationSeconds: number;
  readonly saves: number;
  readonly lastSaveBytes: number;
  /** What the checkpoint under way is doing; "idle" without one. */
  readonly savePhase: string;
  /** Memory that it keeps for itself: now, at most, and at most during the last one. */
  readonly saveRetainedBytes: number;
  readonly saveRetainedPeakBytes: number;
  readonly lastSaveRetainedBytes: number;
  readonly aofEnabled: boolean;
  readonly aofRewriteInProgress: boolean;
  readonly aofRewriteScheduled: boolean;
  readonly aofLastRewriteDurationSeconds: number;
  readonly aofCurrentRewriteDurationSeconds: number;
  readonly aofLastRewriteSucceeded: boolean;
  readonly aofRewrites: number;
  /** False while the log cannot take writes. */
  readonly aofLastWriteSucceeded: boolean;
  readonly aofCurrentSizeBytes: number;
  /** Size after the last rewrite, or at the start. */
  readonly aofBaseSizeBytes: number;
  readonly aofBufferBytes: number;
  readonly aofSyncsPending: number;
  readonly aofSyncsDelayed: number;
  /** LSN up to which everything is on disk. */
  readonly aofDurableLsn: number;
}

export interface TierReading {
  readonly hotKeys: number;
  readonly hotBytes: number;
  readonly warmKeys: number;
  readonly warmBytes: number;
  readonly coldKeys: number;
  readonly coldBytes: number;
}

export interface ProcessorReading {
  readonly userMicroseconds: number;
  readonly systemMicroseconds: number;
}

/** What the append-only log is given and what it tells about itself. */
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { SyncPolicy } from "./sync-policy.ts";

export const PART_BYTES_MAX_DEFAULT = 256 * 1024 * 1024;
export const HELD_BYTES_MAX_DEFAULT = 256 * 1024 * 1024;

export interface AppendOnlyLogOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy: SyncPolicy;
  /** A part is followed by a new one when it has grown to this. */
  readonly partBytesMax?: number;
  /** Space kept ready behind the log under `always`; 0 for none. */
  readonly spaceBytesMax?: number;
  /** Under `always`: the mean duration up to which syncs are made on the loop, see SyncPlace; 0, the default, for never. */
  readonly loopSyncMsMax?: number;
  /** Whether manifests have marks, by which a copied folder is known (copied-log.ts). Default true. */
  readonly marks?: boolean;
  /** Payload kept in memory while the disk fails; beyond it only a checkpoint helps. */
  readonly heldBytesMax?: number;
}

/**
 * Called once, between turns: every effect so far, up to `lsn`, lies in the parts before and is durable, and the next one
 * begins a part. With `error` there is no such place now.
 */
export type PartBegun = (error: unknown, lsn: number) => void;

/** For INFO and metrics. Counters start at 0 when the log is opened. */
export interface LogCounters {
  /** Bytes of log in all parts that the manifest names; prepared space is not log. */
  readonly sizeBytes: number;
  readonly parts: number;
  /** It was begun while the data set was there, and does not count yet: see `startLog`. */
  readonly isPending: boolean;
  readonly partName: string;
  readonly frames: number;
  readonly syncs: number;
  /** Seconds at which a sync was due and the one before was still under way. */
  readonly delayedSyncs: number;
  readonly lastSyncMs: number;
  readonly failures: number;
  readonly syncUnderWay: boolean;
}

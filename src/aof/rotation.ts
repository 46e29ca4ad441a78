/**
 * From one part to the next.
 *
 * Invariant: a part receives its first frame only when the part before it is durable to its end and the manifest
 * names both. A power cut therefore tears the last part only.
 *
 * The last step is a sync and a manifest on the event loop, a few milliseconds per part. What could make it long,
 * unsynced bytes, is synced on a thread before, while writing goes on.
 */
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../ports/logger.ts";
import type { PartBegun } from "./log-face.ts";
import type { LogFolder } from "./log-folder.ts";
import type { LogPart } from "./log-part.ts";

/** No more than this is left to the sync on the loop, unless writing outruns SYNCS_MAX syncs. */
const UNSYNCED_BYTES_MAX = 1024 * 1024;
const SYNCS_MAX = 4;

export type RotationResult =
  /** Without `error` because the present part has no effects: the next one begins it. */
  | { readonly kind: "stayed"; readonly error?: unknown }
  | { readonly kind: "moved"; readonly part: LogPart }
  /** The present part must not be used any more; `candidate` may be named by the manifest. */
  | { readonly kind: "failed"; readonly error: unknown; readonly candidate?: LogPart };

export class Rotation {
  readonly #folder: LogFolder;
  readonly #logger: Logger;
  readonly #partBytesMax: number;
  #atBytes: number;
  #syncs = 0;
  #wanted = false;
  /** Those who wait for a part that begins exactly where the data set is. */
  #waiting: PartBegun[] = [];

  constructor(folder: LogFolder, logger: Logger, partBytesMax: number) {
    this.#folder = folder;
    this.#logger = logger;
    this.#partBytesMax = partBytesMax;
    this.#atBytes = partBytesMax;
  }

  get wanted(): boolean {
    return this.#wanted;
  }

  /** True if somebody waits for a part that begins where the data set is: all that waits in memory goes before it. */
  get isExact(): boolean {
    return this.#waiting.length > 0;
  }

  request(begun?: PartBegun): void {
    this.#wanted = true;
    if (begun !== undefined) this.#waiting.push(begun);
  }

  /** Answers those who wait. */
  settle(error: unknown, lsn: number): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const begun of waiting) begun(error, lsn);
  }

  /** To be called when the part has grown. */
  grew(part: LogPart): void {
    if (part.sizeBytes >= this.#atBytes) this.#wanted = true;
  }

  /** A part has become the open one. */
  began(): void {
    this.#atBytes = this.#partBytesMax;
    this.#wanted = false;
    this.#syncs = 0;
  }

  /** True if the caller should sync on a thread and ask again. */
  syncFirst(part: LogPart): boolean {
    return (
      part.isDirty && part.sizeBytes - part.durableBytes > UNSYNCED_BYTES_MAX && this.#syncs++ < SYNCS_MAX
    );
  }

  /** Moves on to a new part, `drain` having written what waits. No operation on the present one may be under way. */
  move(part: LogPart, drain: () => void): RotationResult {
    this.#wanted = false;
    this.#syncs = 0;
    try {
      if (this.isExact) drain();
      if (!part.hasEffects) return { kind: "stayed" };
      if (part.durableBytes < part.sizeBytes) part.file.syncSync();
    } catch (error) {
      return { kind: "failed", error };
    }
    part.synced(part.sizeBytes, part.writtenLsn);
    let next: LogPart;
    try {
      next = this.#folder.create(part.writtenLsn + 1);
    } catch (error) {
      // The present part is sound: writing goes on in it, and it is tried again when it has grown further.
      this.#atBytes = part.sizeBytes + this.#partBytesMax / 8;
      this.#logger.warning("AOF: cannot start a new part", {
        error: messageOf(error),
        part: part.entry.name,
      });
      return { kind: "stayed", error };
    }
    try {
      this.#folder.publish(part, next);
    } catch (error) {
      return { kind: "failed", error, candidate: next };
    }
    part.space.tryCut(part.sizeBytes);
    part.close();
    this.began();
    this.#logger.verbose("AOF: new part", { part: next.entry.name, firstLsn: next.entry.firstLsn });
    return { kind: "moved", part: next };
  }
}

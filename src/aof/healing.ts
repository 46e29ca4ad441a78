/**
 * Puts the log back on its feet after a failed write or sync, on a new part.
 *
 * Invariants:
 *  - the failed part is never appended to or synced again; the manifest says that it ends where it was durable;
 *  - the new part begins with the effects after that: first those that were written but not synced, read back and
 *    verified, then those that wait in memory. So memory and disk converge, each effect once;
 *  - the new part is durable before the manifest names it. After a manifest may have been published, the same part
 *    is tried again: removing it could leave a manifest that names a missing file.
 *
 * A new part rather than truncating the old: after a failed fsync nothing is known about what it covered, and what
 * Linux says about the same file afterwards is not to be trusted.
 */
import { assert } from "../base/assert.ts";
import { FerriteError } from "../base/errors.ts";
import type { LogFolder } from "./log-folder.ts";
import type { LogPart } from "./log-part.ts";
import { carryUnsynced } from "./log-part.ts";
import type { PendingFrames } from "./pending-frames.ts";

export type HealingDone = (error: unknown, healed?: LogPart) => void;

export class Healing {
  readonly #folder: LogFolder;
  readonly #frames: PendingFrames;
  #failed: LogPart;
  #candidate: LogPart | undefined;
  /** True from the first attempt to publish the candidate on. */
  #offered = false;
  #busy = false;
  #abandoned = false;
  /** Effects up to here had to be forgotten; only a checkpoint can stand in for them. */
  #droppedLsn = 0;
  #checkpointLsn = 0;

  /** `candidate`, if given, is an empty part that a manifest may already name. */
  constructor(folder: LogFolder, frames: PendingFrames, failed: LogPart, candidate?: LogPart) {
    this.#folder = folder;
    this.#frames = frames;
    this.#failed = failed;
    this.#candidate = candidate;
    this.#offered = candidate !== undefined;
  }

  /** True if a manifest may name a part that has not taken over yet. */
  get offered(): boolean {
    return this.#offered;
  }

  /** Memory ran out: gives up the effects that wait, which from now on need a checkpoint. */
  dropHeld(): void {
    this.#droppedLsn = this.#frames.dropAll();
  }

  /** Every effect up to `lsn` is durable in a checkpoint, so the log need not hold it. */
  adoptCheckpoint(lsn: number): void {
    this.#checkpointLsn = Math.max(this.#checkpointLsn, lsn);
  }

  /**
   * One attempt. `done` is called once, at once or later, with the new part, which holds everything that waited
   * when the attempt began and is durable and published; or with the error, after which nothing is lost and
   * `attempt` may be called again.
   */
  attempt(done: HealingDone): void {
    assert(!this.#busy, "two attempts to heal the log at once");
    if (this.#candidate !== undefined) {
      this.#publish(this.#candidate, done);
      return;
    }
    let candidate: LogPart;
    try {
      candidate = this.#build();
    } catch (error) {
      done(error);
      return;
    }
    this.#busy = true;
    candidate.file.sync((error) => {
      this.#busy = false;
      if (error !== undefined || this.#abandoned) {
        this.#folder.discard(candidate);
        done(error ?? new FerriteError("closed", "the AOF was closed"));
        return;
      }
      candidate.synced(candidate.sizeBytes, candidate.writtenLsn);
      this.#candidate = candidate;
      this.#publish(candidate, done);
    });
  }

  /** The log is being closed: gives up a candidate that no manifest can name. */
  abandon(): void {
    this.#abandoned = true;
    const candidate = this.#candidate;
    this.#candidate = undefined;
    if (candidate === undefined) return;
    if (this.#offered) candidate.close();
    else this.#folder.discard(candidate);
  }

  #build(): LogPart {
    const failed = this.#failed;
    if (this.#droppedLsn > this.#checkpointLsn) throw this.#needsCheckpoint();
    const frames = this.#frames;
    frames.sealAll(failed.durableLsn);
    frames.dropThrough(this.#checkpointLsn);
    const carries = failed.isDirty && failed.writtenLsn > this.#checkpointLsn;
    const candidate = this.#folder.create(carries ? failed.durableLsn + 1 : frames.firstLsn);
    try {
      if (carries) carryUnsynced(this.#folder.fs, failed, candidate);
      for (const frame of frames.waiting) {
        frame.forEachPiece((bytes, offset, length) => candidate.file.appendSync(bytes, offset, length));
        candidate.wrote(frame.frameBytes, frame.nextLsn - 1);
      }
    } catch (error) {
      this.#folder.discard(candidate);
      throw error;
    }
    return candidate;
  }

  #publish(candidate: LogPart, done: HealingDone): void {
    this.#offered = true;
    try {
      this.#folder.publish(this.#failed, candidate);
    } catch (error) {
      done(error);
      return;
    }
    this.#candidate = undefined;
    this.#offered = false;
    this.#frames.dropThrough(candidate.writtenLsn);
    this.#cutFailed();
    if (this.#droppedLsn <= candidate.writtenLsn) {
      done(undefined, candidate);
      return;
    }
    // Effects were dropped while it was made: it is whole, but what comes next needs a part of its own.
    this.#failed = candidate;
    done(this.#needsCheckpoint());
  }

  #needsCheckpoint(): FerriteError {
    return new FerriteError(
      "unavailable",
      `effects up to LSN ${this.#droppedLsn} could not be kept in memory while the AOF failed: writes resume after a checkpoint (BGSAVE)`,
    );
  }

  /** Best effort, for Redis, which does not know `valid-bytes`; Ferrite itself reads no further than that. */
  #cutFailed(): void {
    try {
      this.#failed.file.truncateSync(this.#failed.durableBytes);
    } catch {
      // The next start cuts it.
    }
    this.#failed.close();
  }
}

/**
 * The append-only file as the server sees it: effects go in, LSNs become written and durable, failures heal.
 *
 * Invariants:
 *  - an LSN counts as acknowledged (`acknowledgedLsn`) only when it is written, under `always` only when it is
 *    durable; it never goes back, except that a change to `always` waits for durability again;
 *  - frames reach the part in order of LSN; at most one append, and one sync beside it, is under way;
 *  - after a failed write or sync nothing more is acknowledged until all of it is durable on a new part (healing.ts);
 *  - a part receives its first frame only when the part before it is durable to its end, so that a power cut
 *    tears the last part only;
 *  - under `always` frames go over space that was prepared (prepared-space.ts); to prepare it never delays one that fits;
 *  - no operation on a file begins while a command is being executed; only `commitTurn` and timers write.
 *
 * One write per turn of the event loop. Under `everysec` and `no` it is made at once, on the loop, even while a sync is
 * under way: measured on ext4, such writes take 45 µs, 2 to 8 ms at worst, while gating the replies until the sync
 * ends would cost every client that time. Under `always` write and sync are made on the loop, too, while the disk is
 * quick and most clients wait for them anyway (sync-place.ts). Else the disk or a thread is given the frame, and the
 * next turns gather into the next one meanwhile, so the batch grows with the load (group commit). Frames go past the
 * page cache where the system has it (direct-frames.ts).
 *
 * Hot-path file: the `append…` methods allocate nothing.
 */
import { assert } from "../base/assert.ts";
import { FerriteError } from "../base/errors.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import { DurabilityWaiters, type SyncDone } from "./durability-waiters.ts";
import type { EffectBuffer } from "./effect-buffer.ts";
import { FrameAppender } from "./frame-appender.ts";
import { HEADER_BYTES_MAX } from "./frame-format.ts";
import { Healing } from "./healing.ts";
import type { AppendOnlyLogOptions, LogCounters, PartBegun } from "./log-face.ts";
import { HELD_BYTES_MAX_DEFAULT, PART_BYTES_MAX_DEFAULT } from "./log-face.ts";
import type { LogFolder } from "./log-folder.ts";
import type { LogStatus } from "./log-health.ts";
import { LogHealth } from "./log-health.ts";
import type { LogPart } from "./log-part.ts";
import type { BaseEntry } from "./manifest-format.ts";
import { PendingFrames } from "./pending-frames.ts";
import { Rotation } from "./rotation.ts";
import { SPACE_AHEAD_MAX_BYTES } from "./space-policy.ts";
import { SyncPlace } from "./sync-place.ts";
import type { SyncPolicy } from "./sync-policy.ts";
import { SYNC_INTERVAL_MS } from "./sync-policy.ts";

export class AppendOnlyLog {
  readonly #clock: Clock;
  readonly #folder: LogFolder;
  readonly #frames: PendingFrames;
  readonly #appender: FrameAppender;
  readonly #heldBytesMax: number;
  readonly #partBytesMax: number;
  readonly #spaceBytesMax: number;
  #part: LogPart;
  #policy: SyncPolicy;
  #inFlight: EffectBuffer | undefined;
  #syncing = false;
  #timer: Timer | undefined;
  readonly #health: LogHealth;
  readonly #rotation: Rotation;
  /** Replies of an earlier turn wait for what the open frame holds. */
  #kept = false;
  #closing = false;
  #closed = false;
  readonly #waiters = new DurabilityWaiters();
  readonly #place: SyncPlace;
  #frameCount = 0;
  #delayedSyncs = 0;

  /**
   * `part` is the open part that the folder's manifest names; use `openLog`. With `failure` the log begins as one
   * that has failed: what the part holds beyond its durable end has to be moved first.
   */
  constructor(folder: LogFolder, part: LogPart, options: AppendOnlyLogOptions, failure?: unknown) {
    this.#clock = options.clock;
    this.#policy = options.policy;
    this.#heldBytesMax = options.heldBytesMax ?? HELD_BYTES_MAX_DEFAULT;
    this.#appender = new FrameAppender(options.clock);
    this.#folder = folder;
    this.#part = part;
    this.#frames = new PendingFrames(part.writtenLsn + 1);
    this.#partBytesMax = options.partBytesMax ?? PART_BYTES_MAX_DEFAULT;
    this.#place = new SyncPlace(options.loopSyncMsMax ?? 0);
    this.#spaceBytesMax = options.spaceBytesMax ?? SPACE_AHEAD_MAX_BYTES;
    this.#rotation = new Rotation(folder, options.logger, this.#partBytesMax);
    this.#health = new LogHealth(options.clock, options.logger, {
      isQuiet: () => this.#inFlight === undefined && !this.#syncing && !this.#part.space.busy,
      healed: (healed) => this.#healed(healed),
    });
    if (failure !== undefined) this.#poison(failure);
  }

  /** The LSN that the next effect will get. */
  get nextLsn(): number {
    return this.#frames.open.nextLsn;
  }

  /** The last effect that has been handed to the system, and the last that is known to be durable. */
  get writtenLsn(): number {
    return this.#part.writtenLsn;
  }

  get durableLsn(): number {
    return this.#part.durableLsn;
  }

  /** Replies that depend on effects up to here may leave, under the present policy. */
  get acknowledgedLsn(): number {
    return this.#policy === "always" ? this.#part.durableLsn : this.#part.writtenLsn;
  }

  /** Bytes of effects that are not yet written. */
  get pendingBytes(): number {
    return this.#frames.payloadBytes + (this.#inFlight?.payloadBytes ?? 0);
  }

  get policy(): SyncPolicy {
    return this.#policy;
  }

  /** False while the log heals: the server answers `misconfText` to writes. */
  get canWrite(): boolean {
    return this.#health.ok;
  }

  get status(): LogStatus {
    return this.#health.status;
  }

  /** What Redis answers to a write while its AOF cannot be written. Meaningful while `canWrite` is false. */
  get misconfText(): string {
    return this.#health.misconfText;
  }

  get counters(): LogCounters {
    return {
      sizeBytes: this.#folder.sealedBytes + this.#part.sizeBytes,
      parts: this.#folder.sealed.length + 1,
      isPending: this.#folder.isPending,
      partName: this.#part.entry.name,
      frames: this.#frameCount,
      syncs: this.#place.syncs,
      delayedSyncs: this.#delayedSyncs,
      lastSyncMs: this.#place.lastMs,
      failures: this.#health.failures,
      syncUnderWay: this.#syncing || this.#inFlight !== undefined,
    };
  }

  /** See EffectBuffer. The range must stay unchanged until `commitTurn` returns. */
  appendVerbatim(db: number, bytes: Uint8Array, start: number, end: number): void {
    this.#frames.open.appendVerbatim(db, bytes, start, end);
  }

  begin(db: number, argc: number): void {
    this.#frames.open.begin(db, argc);
  }

  argument(bytes: Uint8Array, offset: number, length: number): void {
    this.#frames.open.argument(bytes, offset, length);
  }

  argumentText(latin1: string): void {
    this.#frames.open.argumentText(latin1);
  }

  argumentInteger(value: number): void {
    this.#frames.open.argumentInteger(value);
  }

  end(): void {
    this.#frames.open.end();
  }

  beginUnit(): void {
    this.#frames.open.beginUnit();
  }

  endUnit(): void {
    this.#frames.open.endUnit();
  }

  /**
   * `listener` is called on the event loop, between turns, whenever `acknowledgedLsn` or `durableLsn` may have
   * advanced outside of `commitTurn`. It must not append effects.
   */
  onDurable(listener: (durableLsn: number) => void): void {
    this.#waiters.listen(listener);
  }

  /**
   * The turn is over: its effects become one frame. Never throws for a failing disk: then `acknowledgedLsn` stays,
   * `canWrite` is false, and the effects are kept until the log has healed. `commands` is how many the turn executed,
   * those without effects included.
   */
  commitTurn(nowMs: number, commands = 0): void {
    const frames = this.#frames;
    if (frames.open.isEmpty) return;
    assert(!this.#closed, "an effect is appended to a closed log");
    frames.endTurn(nowMs);
    if (!this.#health.ok) {
      this.#hold();
    } else if (this.#mayWriteOpen(commands)) {
      this.#writeOpen(nowMs);
    } else {
      this.#kept = true;
      frames.keep(this.#part.durableLsn);
      this.#continue();
    }
  }

  /** Whether the open frame can be written, and under `always` synced, here and now. */
  #mayWriteOpen(commands: number): boolean {
    const part = this.#part;
    const { open, waiting } = this.#frames;
    if (this.#inFlight !== undefined || waiting.length > 0) return false;
    if (!part.space.admits(part.sizeBytes, open.payloadBytes + HEADER_BYTES_MAX)) return false;
    if (this.#policy !== "always") return true;
    if (this.#syncing || this.#rotation.wanted) return false;
    return this.#place.isLoop(open.nextLsn - open.firstLsn, commands);
  }

  setPolicy(policy: SyncPolicy): void {
    this.#policy = policy;
    if (!this.#health.ok || this.#closed) return;
    this.#syncIfAwaited();
    this.#arm();
    this.#clock.soon(() => this.#announce());
  }

  /** Makes everything appended so far durable. `done` is called once, later, on the event loop. */
  forceSync(done: SyncDone): void {
    const lsn = this.nextLsn - 1;
    const error = this.#health.failure;
    if (error !== undefined || lsn <= this.durableLsn) {
      this.#clock.soon(() => done(error));
      return;
    }
    this.#waiters.add(lsn, done);
    this.#syncIfDirty();
  }

  /** Starts a new part as soon as nothing is under way; a part without effects is kept. `begun` is called later, if given. */
  rotate(begun?: PartBegun): void {
    this.#rotation.request(begun);
    // Effects of a turn that is not over yet must not be written without the rest of it.
    if (begun !== undefined) this.#clock.soon(this.#rotateSoon);
    else if (this.#frames.open.isEmpty) this.#continue();
  }

  /** Takes parts with effects below `lsn` only out of the log, see LogFolder. Throws the system's error, or the log's while it heals. */
  dropPartsBelow(lsn: number): readonly string[] {
    if (this.#health.failure !== undefined) throw this.#health.failure;
    return this.#folder.dropBelow(lsn, this.#part);
  }

  /** The log begins after `lsn` from now on, whose state `base` or a checkpoint holds, durably. Else as `dropPartsBelow`. */
  beginAt(lsn: number, base?: BaseEntry): readonly string[] {
    if (this.#health.failure !== undefined) throw this.#health.failure;
    return this.#folder.beginAt(lsn, base, this.#part);
  }

  /**
   * A durable checkpoint holds every effect up to `lsn`: while the log heals, these need not be written any more.
   * The only way on when more than `heldBytesMax` had to be held, or when written effects cannot be read back.
   */
  adoptCheckpoint(lsn: number): void {
    assert(lsn < this.nextLsn, "a checkpoint holds effects that do not exist yet");
    this.#health.healing?.adoptCheckpoint(lsn);
  }

  /** Writes and syncs what is left, closes; with `seal` the manifest says that nothing follows. Rejects if effects are not on disk. */
  async close(seal = false): Promise<void> {
    if (this.#closed) return;
    this.#closing = true;
    this.commitTurn(this.#clock.wallMs());
    try {
      await new Promise<void>((resolve, reject) =>
        this.forceSync((error) => (error ? reject(error) : resolve())),
      );
      await this.#part.space.settled();
      this.#stateDurability();
      if (this.#health.ok) {
        this.#part.space.tryCut(this.#part.sizeBytes);
        this.#part.file.syncSync();
        this.#part.synced(this.#part.sizeBytes, this.#part.writtenLsn);
        if (seal) this.#folder.publish(this.#part, undefined);
      }
    } finally {
      this.#closed = true;
      this.#rotation.settle(new FerriteError("closed", "the AOF was closed"), this.durableLsn);
      this.#timer?.cancel();
      this.#health.close();
      this.#part.close();
    }
  }

  /** The hot way: the frame is written on the loop, under `always` synced, and replies may leave on return. */
  #writeOpen(nowMs: number): void {
    const part = this.#part;
    const frame = this.#frames.open;
    frame.seal(nowMs, part.durableLsn);
    try {
      if (this.#policy === "always") {
        const beganMs = this.#clock.monotonicMs();
        this.#appender.writeDurableSync(part, frame);
        this.#synced(beganMs);
      } else {
        this.#appender.writeSync(part, frame);
      }
    } catch (error) {
      this.#frames.keepSealed();
      this.#poison(error);
      return;
    }
    const { frameBytes } = frame;
    const lastLsn = frame.nextLsn - 1;
    this.#wrote(frameBytes, lastLsn, part.durableLsn);
    frame.reset(lastLsn + 1);
    if (this.#policy === "always") this.#wasSynced(part, frameBytes);
    this.#syncIfAwaited();
    if (this.#kept || !this.#waiters.isEmpty) {
      this.#kept = false;
      this.#clock.soon(() => this.#announce());
    }
    if (this.#rotation.wanted) this.#continue();
  }

  #synced(beganMs: number): void {
    this.#place.observe(this.#clock.monotonicMs() - beganMs);
  }

  #wrote(bytes: number, lastLsn: number, statedLsn: number): void {
    const part = this.#part;
    part.wrote(bytes, lastLsn);
    part.statedLsn = statedLsn;
    this.#frameCount++;
    this.#rotation.grew(part);
    if (this.#timer === undefined) this.#arm();
  }

  /** Starts what is due and possible now: a rotation, or the next append on a thread. */
  #continue(): void {
    if (!this.#health.ok || this.#inFlight !== undefined) return;
    if (this.#rotation.wanted && !this.#rotateIfQuiet()) return;
    const frame = this.#frames.take(this.#part.durableLsn);
    if (frame === undefined) return;
    if (!this.#part.space.admits(this.#part.sizeBytes, frame.frameBytes)) {
      this.#frames.putBack(frame);
      return;
    }
    this.#inFlight = frame;
    const sync = this.#policy === "always";
    const stated = this.#part.durableLsn;
    const beganMs = this.#clock.monotonicMs();
    this.#appender.write(this.#part, frame, sync, (error) => {
      if (sync && error === undefined) this.#synced(beganMs);
      this.#appended(frame, sync, stated, error);
    });
  }

  #appended(frame: EffectBuffer, synced: boolean, stated: number, error: Error | undefined): void {
    this.#inFlight = undefined;
    if (error !== undefined || !this.#health.ok) {
      // A success after a failure of the same file counts for nothing: the error may have been reported once only.
      this.#frames.putBack(frame);
      if (error !== undefined && this.#health.ok) this.#poison(error);
      return;
    }
    const part = this.#part;
    const { frameBytes } = frame;
    this.#wrote(frameBytes, frame.nextLsn - 1, stated);
    this.#frames.recycle(frame);
    if (synced) this.#wasSynced(part, frameBytes);
    // The disk first: it works while the replies are sent.
    this.#continue();
    this.#announce();
    this.#syncIfAwaited();
  }

  /** The part is durable up to the frame just written; no append is under way. */
  #wasSynced(part: LogPart, frameBytes: number): void {
    part.synced(part.sizeBytes, part.writtenLsn);
    if (this.#policy !== "always" || this.#closing || this.#rotation.wanted || this.#spaceBytesMax === 0)
      return;
    part.space.prepare(part.sizeBytes, this.#partBytesMax, this.#spaceBytesMax, frameBytes, (failure) => {
      if (!this.#health.ok) return;
      if (failure === undefined) this.#continue();
      else this.#poison(failure);
    });
  }

  #syncIfAwaited(): void {
    if (!this.#waiters.isEmpty || this.#policy === "always") this.#syncIfDirty();
  }

  #syncIfDirty(): void {
    if (this.#syncing || !this.#health.ok || !this.#part.isDirty) return;
    this.#syncing = true;
    const beganMs = this.#clock.monotonicMs();
    const part = this.#part;
    const bytes = part.sizeBytes;
    const lsn = part.writtenLsn;
    part.space.syncFile.sync((error) => {
      this.#syncing = false;
      if (error === undefined) this.#synced(beganMs);
      if (!this.#health.ok) return;
      if (error !== undefined) {
        this.#poison(error);
        return;
      }
      part.synced(bytes, lsn);
      if (this.#rotation.wanted) this.#continue();
      this.#announce();
      this.#syncIfAwaited();
    });
  }

  #announce(): void {
    this.#waiters.announce(this.durableLsn);
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = this.#clock.after(SYNC_INTERVAL_MS, this.#tick, { unref: true });
  }

  /** Once a second while there is something to do: the sync of `everysec`, then a word that the tail is durable. */
  readonly #tick = (): void => {
    this.#timer = undefined;
    if (!this.#health.ok || this.#closed) return;
    if (this.#part.isDirty) {
      if (this.#policy === "no") return;
      if (this.#syncing) this.#delayedSyncs++;
      this.#syncIfDirty();
      this.#arm();
    } else {
      this.#stateDurability();
    }
  };

  #stateDurability(): void {
    if (this.#inFlight !== undefined) return;
    try {
      this.#appender.stateDurability(this.#part, this.#frames, this.#clock.wallMs());
    } catch (error) {
      this.#poison(error);
    }
  }

  /** False if the log has failed by it. */
  #rotateIfQuiet(): boolean {
    if (this.#syncing || this.#part.space.busy) return true;
    if (this.#rotation.syncFirst(this.#part)) {
      this.#syncIfDirty();
      return this.#health.ok;
    }
    const drained = !this.#rotation.isExact || this.#frames.isEmpty;
    const result = this.#rotation.move(this.#part, this.#drain);
    if (result.kind === "moved") this.#part = result.part;
    if (result.kind === "failed") this.#poison(result.error, result.candidate);
    else this.#rotation.settle(result.kind === "stayed" ? result.error : undefined, this.writtenLsn);
    if (!drained) this.#clock.soon(() => this.#announce());
    return this.#health.ok;
  }

  readonly #rotateSoon = (): void => {
    if (this.#health.failure === undefined) this.#continue();
    else this.#rotation.settle(this.#health.failure, this.durableLsn);
  };

  readonly #drain = (): void =>
    this.#frames.drain(this.#part.durableLsn, (frame) => {
      this.#appender.writeSync(this.#part, frame);
      this.#wrote(frame.frameBytes, frame.nextLsn - 1, this.#part.durableLsn);
    });

  #hold(): void {
    this.#frames.keep(this.#part.durableLsn);
    this.#health.hold(this.#frames.payloadBytes, this.#heldBytesMax, this.nextLsn - 1);
  }

  /** From here on nothing is acknowledged until a new part has taken over. */
  #poison(cause: unknown, candidate?: LogPart): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#health.fail(cause, new Healing(this.#folder, this.#frames, this.#part, candidate));
    this.#waiters.fail(this.#health.failure);
    this.#rotation.settle(cause, this.durableLsn);
  }

  #healed(part: LogPart): void {
    this.#part = part;
    this.#rotation.began();
    this.#rotation.grew(part);
    this.#continue();
    this.#announce();
    this.#arm();
  }
}

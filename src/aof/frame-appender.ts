/**
 * Writes a sealed frame to a part: on the loop, directly to the disk, or on a thread; over prepared space, or at the end.
 *
 * Invariants: of an asynchronous frame only the last piece syncs, and `done` is called once, after the last piece or
 * the first failure; a frame over prepared space is made even first. Almost every frame is one piece; a second one
 * is a large range that was not copied.
 */
import type { Clock } from "../ports/clock.ts";
import { DirectFrames } from "./direct-frames.ts";
import type { EffectBuffer } from "./effect-buffer.ts";
import { HEADER_BYTES_MAX } from "./frame-format.ts";
import type { LogPart } from "./log-part.ts";
import type { PendingFrames } from "./pending-frames.ts";

type AppendDone = (error: Error | undefined) => void;

interface Piece {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

export class FrameAppender {
  readonly #clock: Clock;
  readonly #direct = new DirectFrames();
  #part: LogPart | undefined;
  #position = 0;
  readonly #appendPiece = (bytes: Uint8Array, offset: number, length: number): void =>
    this.#part!.file.appendSync(bytes, offset, length);
  readonly #overwritePiece = (bytes: Uint8Array, offset: number, length: number): void => {
    this.#part!.space.writer.overwriteSync(this.#position, bytes, offset, length);
    this.#position += length;
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws the system's error; part of the frame may be in the file then. */
  writeSync(part: LogPart, frame: EffectBuffer): void {
    this.#part = part;
    if (part.space.covers(part.sizeBytes)) {
      this.#position = part.sizeBytes;
      frame.pad();
      frame.forEachPiece(this.#overwritePiece);
    } else {
      frame.forEachPiece(this.#appendPiece);
    }
  }

  /**
   * If all is written and durable and no frame says so yet, writes one without effects, whose header does: damage to an
   * idle log is then told from a torn tail. The frame itself need not be durable. Throws as `writeSync`.
   */
  stateDurability(part: LogPart, frames: PendingFrames, nowMs: number): void {
    if (part.isDirty || part.statedLsn >= part.durableLsn || !frames.isEmpty) return;
    if (!part.space.admits(part.sizeBytes, HEADER_BYTES_MAX)) return;
    const frame = frames.open;
    frame.seal(nowMs, part.durableLsn);
    try {
      this.writeSync(part, frame);
      part.wrote(frame.frameBytes, part.writtenLsn);
      part.statedLsn = part.durableLsn;
    } finally {
      frame.reset(frame.nextLsn);
    }
  }

  /** The frame, and all before it, is durable on return. Throws the system's error. */
  writeDurableSync(part: LogPart, frame: EffectBuffer): void {
    const direct = this.#direct;
    if (direct.suits(part, frame.frameBytes)) {
      if (direct.writeSync(part, frame)) return;
      direct.refused();
    } else {
      direct.passed();
    }
    this.writeSync(part, frame);
    part.space.syncFile.syncSync();
  }

  /** The frame must own its bytes and stay as it is until `done`. */
  write(part: LogPart, frame: EffectBuffer, sync: boolean, done: AppendDone): void {
    const direct = this.#direct;
    if (sync && direct.suits(part, frame.frameBytes)) {
      const fromMs = this.#clock.monotonicMs();
      if (direct.write(part, frame, done)) {
        direct.began(this.#clock.monotonicMs() - fromMs);
        return;
      }
      direct.refused();
    } else {
      direct.passed();
    }
    this.#writeOnThread(part, frame, sync, done);
  }

  #writeOnThread(part: LogPart, frame: EffectBuffer, sync: boolean, done: AppendDone): void {
    const over = part.space.covers(part.sizeBytes);
    if (over) frame.pad();
    const pieces: Piece[] = [];
    frame.forEachPiece((bytes, offset, length) => pieces.push({ bytes, offset, length }));
    const step = (index: number, position: number): void => {
      const { bytes, offset, length } = pieces[index]!;
      const last = index === pieces.length - 1;
      const written = (error: Error | undefined): void => {
        if (error !== undefined || last) done(error);
        else step(index + 1, position + length);
      };
      if (over) part.space.writer.overwrite(position, bytes, offset, length, sync && last, written);
      else part.file.append(bytes, offset, length, sync && last, written);
    };
    step(0, part.sizeBytes);
  }
}

/**
 * Gives frames to the disk as whole blocks (File.overwriteBlocks), over prepared space: the best place for a sync under
 * `always` where it exists, because the loop does not wait and no thread has to be woken.
 *
 * Invariants:
 *  - all of the part before the frame is durable, because the frame alone becomes durable;
 *  - the blocks are what the file holds: the end of the frame before it, the frame, and space ("#" LF) behind it; none
 *    reaches beyond the space that is durable;
 *  - the block in which the log ends is kept here: a direct write takes it out of the page cache.
 *
 * It has a price: while a frame is on its way the next turns gather, so the clients part into two groups, and each waits
 * for a write of its own. That pays while the loop has work meanwhile. Where it would rather wait for the disk, a sync
 * on the loop brings all clients into one group: with S for a sync and E for executing one request of every client
 * the loop does N / (S + E), direct frames N / max(E, 2 S), so the bound is an idle share of one half.
 *
 * Tried until it is refused or does not pay, and again after a while. A system that takes a write only when the disk
 * is done makes the loop wait after all; that counts as a refusal, too.
 */
import { copyBytes } from "../base/bytes.ts";
import type { EffectBuffer } from "./effect-buffer.ts";
import type { LogPart } from "./log-part.ts";

/** The average time of handing a frame over, above which the disk works while it is handed over. */
const HAND_OVER_MS_MAX = 0.5;
const SMOOTHING = 16;

/** The average share of a write's time in which the loop has nothing to do, above which it could as well wait. */
const IDLE_SHARE_MAX = 0.5;

/** Frames that go another way after a refusal, or when it does not pay. */
const REST_FRAMES = 256;

/** A larger frame keeps the disk busy for longer than a thread costs. */
const IMAGE_BYTES_MAX = 256 * 1024;
const IMAGE_BYTES = 64 * 1024;

const SPACE_FIRST = 35;
const SPACE_SECOND = 10;

export class DirectFrames {
  #restFrames = 0;
  #handOverMs = 0;
  #idleShare = 0;
  #beganMs = 0;
  #busyUntilMs = 0;
  /** What is written: blocks of the part from `#imageStart` on. */
  #image = new Uint8Array(IMAGE_BYTES);
  #imageStart = 0;
  /** The part and the end of its log up to which the image holds its last block; undefined if it does not. */
  #part: LogPart | undefined;
  #logEnd = 0;
  #filled = 0;
  readonly #fill = (bytes: Uint8Array, offset: number, length: number): void => {
    copyBytes(this.#image, this.#filled, bytes, offset, length);
    this.#filled += length;
  };

  /** True if a frame of so many bytes, made even, may be offered. */
  suits(part: LogPart, frameBytes: number): boolean {
    if (this.#restFrames > 0 || part.durableBytes !== part.sizeBytes || !part.space.covers(part.sizeBytes))
      return false;
    const block = part.space.writer.blockBytes;
    if (block === 0 || frameBytes + 2 * block > IMAGE_BYTES_MAX) return false;
    return blockEnd(part.sizeBytes + frameBytes + (frameBytes % 2), block) <= part.space.endBytes;
  }

  /** Hands over a sealed frame that suits; false, and nothing happens, if it is refused. `done` is called once, later. */
  write(part: LogPart, frame: EffectBuffer, done: (error: Error | undefined) => void): boolean {
    frame.pad();
    const { writer } = part.space;
    const block = writer.blockBytes;
    const position = part.sizeBytes;
    const start = position - (position % block);
    const length = blockEnd(position + frame.frameBytes, block) - start;
    if (!this.#bringLastBlock(part, start, length)) return false;
    this.#filled = position - start;
    frame.forEachPiece(this.#fill);
    const image = this.#image;
    for (let i = this.#filled; i < length; i += 2) {
      image[i] = SPACE_FIRST;
      image[i + 1] = SPACE_SECOND;
    }
    const logEnd = position + frame.frameBytes;
    this.#part = undefined;
    return writer.overwriteBlocks(start, image, 0, length, (error) => {
      if (error === undefined) {
        this.#part = part;
        this.#logEnd = logEnd;
      }
      done(error);
    });
  }

  /** A frame was offered from one time to the other, and `began` if it was taken. */
  offered(began: boolean, fromMs: number, toMs: number): void {
    this.#beganMs = this.#busyUntilMs = toMs;
    this.#handOverMs += (toMs - fromMs - this.#handOverMs) / SMOOTHING;
    if (!began || this.#handOverMs > HAND_OVER_MS_MAX) this.#rest();
  }

  /** A turn ended while a frame was on its way: until now the loop was busy. */
  turnEnded(nowMs: number): void {
    this.#busyUntilMs = nowMs;
  }

  /** The frame on its way is done. `loop`: a sync could as well be made there. */
  completed(nowMs: number, loop: boolean): void {
    const milliseconds = nowMs - this.#beganMs;
    if (milliseconds <= 0) return;
    this.#idleShare += ((nowMs - this.#busyUntilMs) / milliseconds - this.#idleShare) / SMOOTHING;
    if (loop && this.#idleShare > IDLE_SHARE_MAX) this.#rest();
  }

  #rest(): void {
    this.#restFrames = REST_FRAMES;
    this.#handOverMs = 0;
    this.#idleShare = 0;
  }

  /** A frame went another way. */
  passed(): void {
    if (this.#restFrames > 0) this.#restFrames--;
  }

  /** Puts the bytes from `start` to the end of the log at the image's beginning; the image has room for `length`. */
  #bringLastBlock(part: LogPart, start: number, length: number): boolean {
    const before = this.#image;
    const bytes = part.sizeBytes - start;
    // One byte more: space is written in pairs.
    if (length >= before.length) this.#image = new Uint8Array(IMAGE_BYTES_MAX + 2);
    const image = this.#image;
    const at = start - this.#imageStart;
    this.#imageStart = start;
    if (bytes === 0) return true;
    if (this.#part === part && this.#logEnd === part.sizeBytes) {
      if (image !== before || at > 0) copyBytes(image, 0, before, at, bytes);
      return true;
    }
    try {
      // Just written through the page cache, so it is still there.
      return part.space.writer.readResidentSync(start, image, 0, bytes) === bytes;
    } catch {
      // To look is optional: the frame goes another way, and meets what is wrong with the disk there.
      return false;
    }
  }
}

const blockEnd = (position: number, block: number): number => Math.ceil(position / block) * block;

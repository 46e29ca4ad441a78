/**
 * Gives frames to the disk as whole blocks (File.overwriteBlocks…), over prepared space and past the page cache.
 *
 * Invariants:
 *  - all of the part before the frame is durable, because the frame alone becomes durable;
 *  - the blocks are what the file holds: the end of the frame before it, the frame, and space ("#" LF) behind it; none
 *    reaches beyond the space that is durable;
 *  - the block in which the log ends is kept here: a direct write takes it out of the page cache.
 *
 * On the loop this is 84 us and 35 us of CPU instead of 100 and 48 for a write and a sync of 2.7 KB. Beside the loop it is
 * a hand-over of 13 us to the disk instead of two wake-ups of a thread. It does not replace the sync on the loop: as
 * the loop goes on, requests trickle in, and turns of two or three of them cost more than the waiting saves (measured
 * with 50 clients at pipeline 1: 66,000 requests/s and 9.8 us of CPU each beside the loop, 104,000 and 7.3 us on it).
 *
 * Tried until it is refused, and again after a while, because a refusal may be the moment's. A system that takes a
 * write only when the disk is done makes the loop wait after all; that counts as a refusal, too.
 */
import { copyBytes } from "../base/bytes.ts";
import type { EffectBuffer } from "./effect-buffer.ts";
import type { LogPart } from "./log-part.ts";

/** The average time of handing a frame over, above which the disk works while it is handed over. */
const HAND_OVER_MS_MAX = 0.5;
const SMOOTHING = 16;

/** Frames that go another way after a refusal. */
const REST_FRAMES = 256;

/** A larger frame keeps the disk busy for longer than a thread costs. */
const IMAGE_BYTES_MAX = 256 * 1024;
const IMAGE_BYTES = 64 * 1024;

const SPACE_FIRST = 35;
const SPACE_SECOND = 10;

export class DirectFrames {
  #restFrames = 0;
  #handOverMs = 0;
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
    const length = this.#compose(part, frame);
    if (length === 0) return false;
    return part.space.writer.overwriteBlocks(this.#imageStart, this.#image, 0, length, (error) => {
      if (error === undefined) this.#part = part;
      done(error);
    });
  }

  /** As `write`, durable on return. Throws the system's error. */
  writeSync(part: LogPart, frame: EffectBuffer): boolean {
    const length = this.#compose(part, frame);
    if (length === 0) return false;
    const written = part.space.writer.overwriteBlocksSync(this.#imageStart, this.#image, 0, length);
    if (written) this.#part = part;
    return written;
  }

  /** A frame was taken over, and handing it over took so long. */
  began(milliseconds: number): void {
    this.#handOverMs += (milliseconds - this.#handOverMs) / SMOOTHING;
    if (this.#handOverMs > HAND_OVER_MS_MAX) this.refused();
  }

  refused(): void {
    this.#restFrames = REST_FRAMES;
    this.#handOverMs = 0;
  }

  /** A frame went another way. */
  passed(): void {
    if (this.#restFrames > 0) this.#restFrames--;
  }

  /** Makes the image of the frame's blocks; the length in bytes, or 0 if the end of the log cannot be had. */
  #compose(part: LogPart, frame: EffectBuffer): number {
    frame.pad();
    const block = part.space.writer.blockBytes;
    const position = part.sizeBytes;
    const start = position - (position % block);
    const length = blockEnd(position + frame.frameBytes, block) - start;
    const brought = this.#bringLastBlock(part, start, length);
    this.#part = undefined;
    if (!brought) return 0;
    this.#logEnd = position + frame.frameBytes;
    this.#filled = position - start;
    frame.forEachPiece(this.#fill);
    const image = this.#image;
    for (let i = this.#filled; i < length; i += 2) {
      image[i] = SPACE_FIRST;
      image[i + 1] = SPACE_SECOND;
    }
    return length;
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

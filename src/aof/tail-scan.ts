/**
 * Decides what an invalid frame in the last part is: the torn tail of an interrupted write, or corruption.
 *
 * It is a torn tail if nothing valid follows it. Something valid may follow it after a power cut, too: the system
 * writes unsynced blocks in any order, so a later frame can survive an earlier one. That is believed only if both
 *  - no later frame states that the damaged place was durable when it was written, and
 *  - the damage holds zeros or prepared space ("#" LF), as blocks have that were never written; flipped bits do not
 *    look like that.
 * Everything else is corruption: losing what was synced must never look like an ordinary restart.
 *
 * A value may hold the bytes of frames (an AOF stored under a key), so a frame counts as following only if its LSN
 * could follow: at or after the damaged one, by no more than one per byte between them.
 */
import type { File } from "../ports/file-system.ts";
import { FileWindow, WINDOW_BYTES } from "./file-window.ts";
import { FrameHeader, HEADER_BYTES_MAX } from "./frame-format.ts";
import { FRAME_OK, FrameReader } from "./frame-reader.ts";

const HASH = 35;
const LF = 10;

export interface TailVerdict {
  readonly torn: boolean;
  /** Valid frames after the damage. */
  readonly framesAfter: number;
  /** File offset of the first of them, or undefined. */
  readonly nextFrameOffset?: number;
  readonly nextFirstLsn?: number;
  /** True if the rest of the file is only zeros or padding: nothing of it is worth keeping. */
  readonly blank: boolean;
  /** True if it is blank and begins as prepared space does: not torn at all. */
  readonly space: boolean;
  /** File offset after the last byte that is not blank. */
  readonly contentEnd: number;
}

/**
 * Judges a part from where `invalid` answered FRAME_INVALID; the effect due there had the LSN `expectedLsn`. Throws the system's error if the file cannot be read.
 */
export function judgeTail(invalid: FrameReader, expectedLsn: number): TailVerdict {
  const { file, position: from } = invalid;
  const { limit } = invalid.window;
  const known = invalid.extentKnown;
  const extentEnd = known ? invalid.extentEnd : 0;
  const contentEnd = endOfContent(file, from, limit);
  const blank = contentEnd === from;
  if (known && extentEnd > limit)
    return { torn: true, framesAfter: 0, blank: false, space: false, contentEnd: limit };
  // No frame begins behind the last content; prepared space may be many megabytes.
  const searchEnd = contentEnd;
  const start = known ? extentEnd : from + 1;
  const first = blank ? undefined : findFrame(file, start, limit, from, expectedLsn, searchEnd);
  if (first === undefined)
    return {
      torn: true,
      framesAfter: 0,
      blank,
      space: blank && beginsAsSpace(file, from, limit),
      contentEnd,
    };
  const followers = countFollowers(first, from, expectedLsn);
  const hole = containsHole(file, from, first.position);
  return {
    torn: hole && !followers.proven,
    framesAfter: followers.count,
    nextFrameOffset: first.position,
    nextFirstLsn: followers.firstLsn,
    blank: false,
    space: false,
    contentEnd,
  };
}

/** A reader that stands on the first valid frame that begins in [start, searchEnd) and whose LSN could follow, or undefined. */
export function findFrame(
  file: File,
  start: number,
  limit: number,
  damagedAt: number,
  expectedLsn: number,
  searchEnd = limit,
): FrameReader | undefined {
  const window = new FileWindow(file, limit);
  const header = new FrameHeader();
  for (let position = start; position < searchEnd; position += WINDOW_BYTES) {
    // A header may begin at the step's last byte, so the window reaches one header further.
    const length = Math.min(WINDOW_BYTES + HEADER_BYTES_MAX, limit - position);
    const at = window.ensure(position, length);
    if (at < 0) return undefined;
    const bytes = window.bytes;
    const end = at + Math.min(WINDOW_BYTES, length);
    for (let mark = bytes.indexOf(HASH, at); mark >= 0 && mark < end; mark = bytes.indexOf(HASH, mark + 1)) {
      if (header.parse(bytes, mark, Math.min(at + length, mark + HEADER_BYTES_MAX)) < 0) continue;
      const offset = position + mark - at;
      const ahead = header.firstLsn - expectedLsn;
      if (ahead < 0 || ahead > offset - damagedAt) continue;
      const reader = new FrameReader(file, offset, limit);
      if (reader.next() === FRAME_OK) return reader;
    }
  }
  return undefined;
}

/** How many valid frames there are from `first` on, and whether one of them proves that the damage was durable. */
function countFollowers(first: FrameReader, from: number, expectedLsn: number) {
  const { file } = first;
  const { limit } = first.window;
  const firstLsn = first.header.firstLsn;
  let count = 0;
  let proven = false;
  let reader: FrameReader | undefined = first;
  while (reader !== undefined && !proven) {
    count++;
    proven = reader.header.durableLsn >= expectedLsn;
    if (reader.next() !== FRAME_OK) reader = findFrame(file, reader.position + 1, limit, from, expectedLsn);
  }
  return { count, proven, firstLsn };
}

/** True if the range begins with a `#` line without content. */
function beginsAsSpace(file: File, from: number, to: number): boolean {
  let at = from;
  return (
    to - from >= 2 &&
    everyByte(file, from, Math.min(from + 2, to), (byte) => byte === (at++ === from ? HASH : LF))
  );
}

/** True if the range holds a zero or a piece of prepared space. */
function containsHole(file: File, from: number, to: number): boolean {
  let before = 0;
  return !everyByte(file, from, to, (byte) => {
    const hole = byte === 0 || (byte === LF && before === HASH);
    before = byte;
    return !hole;
  });
}

/** The offset after the last byte that is neither zero nor of a `#` line without content; `from` if all are. */
function endOfContent(file: File, from: number, to: number): number {
  let position = from;
  let end = from;
  everyByte(file, from, to, (byte) => {
    position++;
    if (byte !== 0 && byte !== HASH && byte !== LF) end = position;
    return true;
  });
  return end;
}

function everyByte(file: File, from: number, to: number, holds: (byte: number) => boolean): boolean {
  const window = new FileWindow(file, to);
  for (let position = from; position < to; position += WINDOW_BYTES) {
    const length = Math.min(WINDOW_BYTES, to - position);
    const at = window.ensure(position, length);
    if (at < 0) return false;
    for (let i = at; i < at + length; i++) if (!holds(window.bytes[i]!)) return false;
  }
  return true;
}

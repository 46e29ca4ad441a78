/**
 * Reads the frames of one part in order, verified, and the effects of each.
 *
 * Invariants:
 *  - no effect is handed out before the checksum of its whole frame was right;
 *  - after FRAME_INVALID the position stays at the start of what is invalid;
 *  - memory: one window; it grows to a frame of up to FRAME_WINDOW_MAX, or to one effect of a larger frame, which is
 *    read twice, first for its checksum and then for its effects.
 *
 * Hot-path file: replay allocates per frame, not per effect.
 */

import { crc32 } from "../base/crc32.ts";
import { FerriteError } from "../base/errors.ts";
import type { File } from "../ports/file-system.ts";
import type { Request } from "../protocol/request.ts";
import { COMMAND_INCOMPLETE, CommandParser } from "./command-parser.ts";
import { FileWindow, WINDOW_BYTES } from "./file-window.ts";
import {
  FrameHeader,
  HEADER_BYTES_MAX,
  HEADER_INCOMPLETE,
  KIND_BASE,
  KIND_EFFECTS,
  KIND_LOST,
} from "./frame-format.ts";

/** Frames of at most this size are held whole. */
export const FRAME_WINDOW_MAX = 16 * 1024 * 1024;

export const FRAME_OK = 0;
export const FRAME_END = 1;
export const FRAME_INVALID = 2;

/** What `nextCommand` found. */
export const COMMAND_EFFECT = 0;
export const COMMAND_MULTI = 1;
export const COMMAND_EXEC = 2;
export const COMMAND_NONE = 3;

export class FrameReader {
  readonly header = new FrameHeader();
  readonly file: File;
  /** File offset of the frame that `next` answers for, or of what is invalid. */
  position: number;
  /** File offset after the present frame. */
  frameEnd: number;
  /** Why the last `next` answered FRAME_INVALID. */
  reason = "";
  /** After FRAME_INVALID: the header was right, so where the frame ends is known. */
  extentKnown = false;
  /** The database of the command that `nextCommand` found. */
  db = 0;
  readonly window: FileWindow;
  readonly #parser = new CommandParser();
  #cursor = 0;
  #payloadStart = 0;

  /** Reads [from, limit) of the file. */
  constructor(file: File, from: number, limit: number) {
    this.file = file;
    this.position = from;
    this.frameEnd = from;
    this.window = new FileWindow(file, limit);
  }

  /** File offset after the command that `nextCommand` found last. */
  get commandEnd(): number {
    return this.#cursor;
  }

  get payloadStart(): number {
    return this.#payloadStart;
  }

  /** Goes to the frame after the present one. Throws the system's error if the file cannot be read. */
  next(): number {
    return this.readAt(this.frameEnd);
  }

  /** Reads and verifies the frame at a file offset. */
  readAt(position: number): number {
    this.position = position;
    this.frameEnd = position;
    this.extentKnown = false;
    const available = Math.min(HEADER_BYTES_MAX, this.window.limit - position);
    if (available <= 0) return FRAME_END;
    const at = this.window.ensure(position, available);
    if (at < 0) return this.#invalid("the file is shorter than it was");
    const length = this.header.parse(this.window.bytes, at, at + available);
    if (length === HEADER_INCOMPLETE) return this.#invalid("the file ends within a frame's header");
    if (length < 0) return this.#invalid("no frame header, or one whose checksum is wrong");
    this.#payloadStart = position + length;
    const end = this.#payloadStart + this.header.payloadBytes;
    this.extentKnown = true;
    if (end > this.window.limit) return this.#invalid("the file ends within a frame's payload");
    this.frameEnd = end;
    if (this.#checksum() !== this.header.payloadCrc) {
      this.frameEnd = position;
      return this.#invalid("the checksum of a frame's payload is wrong");
    }
    this.#cursor = this.#payloadStart;
    this.db = 0;
    return FRAME_OK;
  }

  /** The end of an invalid frame whose header was right. */
  get extentEnd(): number {
    return this.#payloadStart + this.header.payloadBytes;
  }

  /** Throws FerriteError("usage") if the present frame is of a kind that this version does not read. */
  requireKnownKind(): void {
    const { kind } = this.header;
    if (kind === KIND_EFFECTS || kind === KIND_BASE) return;
    if (kind === KIND_LOST && this.header.payloadBytes === 0) return;
    throw new FerriteError(
      "usage",
      `${this.file.path} holds a frame of kind #${String.fromCharCode(kind)} at offset ${this.position}; this version of ferrite reads #F, #B and #L only`,
    );
  }

  /**
   * Goes to the next command of the present frame; SELECT is absorbed into `db`. For COMMAND_EFFECT `request` is
   * filled, with ranges over memory that is valid until the next call. Throws FerriteError("corruption") if the
   * payload, whose checksum was right, is not commands.
   */
  nextCommand(request: Request): number {
    const { window } = this;
    while (this.#cursor < this.frameEnd) {
      let at = window.ensure(this.#cursor, 1);
      let end = this.#parse(at, request);
      while (end === COMMAND_INCOMPLETE && window.end < this.frameEnd) {
        // Doubling keeps the work linear: what was parsed of the command is parsed again after each read.
        const wanted = Math.max(this.#parser.needed, 2 * (window.end - this.#cursor));
        at = window.ensure(this.#cursor, Math.min(wanted, this.frameEnd - this.#cursor));
        if (at < 0) throw this.#malformed("the file is shorter than it was");
        end = this.#parse(at, request);
      }
      const kind = this.#take(at, end, request);
      if (kind !== COMMAND_NONE) return kind;
    }
    return COMMAND_NONE;
  }

  /**
   * As `nextCommand`, but leaves the memory in place that earlier requests lie in: COMMAND_NONE also where the next command is
   * not wholly at hand.
   */
  nextAtHand(request: Request): number {
    const { window } = this;
    while (this.#cursor < Math.min(this.frameEnd, window.end)) {
      const at = this.#cursor - window.base;
      const end = this.#parse(at, request);
      if (end === COMMAND_INCOMPLETE) return COMMAND_NONE;
      const kind = this.#take(at, end, request);
      if (kind !== COMMAND_NONE) return kind;
    }
    return COMMAND_NONE;
  }

  /** Parses the command at `at` of the window, as far as the window has it; answers as CommandParser.parse. */
  #parse(at: number, request: Request): number {
    const { window } = this;
    return this.#parser.parse(window.bytes, at, Math.min(window.end, this.frameEnd) - window.base, request);
  }

  /** Goes behind the command that was parsed from `at` to `end`; COMMAND_NONE if it is a SELECT, which is absorbed. */
  #take(at: number, end: number, request: Request): number {
    if (end < 0) throw this.#malformed("its payload is not a list of RESP commands");
    this.#cursor += end - at;
    const kind = structuralKind(request);
    if (kind === COMMAND_NONE) this.db = this.#selected(request);
    return kind;
  }

  #checksum(): number {
    const window = this.window;
    const length = this.header.payloadBytes;
    if (length <= FRAME_WINDOW_MAX) {
      const at = window.ensure(this.#payloadStart, length);
      return at < 0 ? -1 : crc32(window.bytes, at, length);
    }
    let crc = 0;
    for (let done = 0; done < length; ) {
      const step = Math.min(WINDOW_BYTES, length - done);
      const at = window.ensure(this.#payloadStart + done, step);
      if (at < 0) return -1;
      crc = crc32(window.bytes, at, step, crc);
      done += step;
    }
    return crc;
  }

  #selected(request: Request): number {
    let db = 0;
    const start = request.offsets[1]!;
    for (let i = 0; i < request.lengths[1]!; i++) {
      const digit = request.bytes[start + i]! - 48;
      if (digit < 0 || digit > 9 || db > 100_000_000) throw this.#malformed("a SELECT names no database");
      db = db * 10 + digit;
    }
    return db;
  }

  #malformed(what: string): FerriteError {
    return new FerriteError(
      "corruption",
      `the frame at offset ${this.position} of ${this.file.path} is invalid: ${what}`,
    );
  }

  #invalid(reason: string): number {
    this.reason = reason;
    return FRAME_INVALID;
  }
}

/**
 * COMMAND_MULTI and COMMAND_EXEC for the marks of a unit, COMMAND_NONE for SELECT, else COMMAND_EFFECT. The
 * writer makes the three in capital letters and no effect has such a name, so letters decide.
 */
function structuralKind(request: Request): number {
  const { bytes } = request;
  const at = request.offsets[0]!;
  const length = request.lengths[0]!;
  if (request.argc === 1) {
    if (length === 5 && spells(bytes, at, "MULTI")) return COMMAND_MULTI;
    if (length === 4 && spells(bytes, at, "EXEC")) return COMMAND_EXEC;
  } else if (request.argc === 2 && length === 6 && spells(bytes, at, "SELECT")) return COMMAND_NONE;
  return COMMAND_EFFECT;
}

function spells(bytes: Uint8Array, offset: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[offset + i] !== word.charCodeAt(i)) return false;
  return true;
}

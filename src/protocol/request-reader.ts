/**
 * Reads one connection's requests: finds the commands in the bytes that arrive and names their arguments by offset.
 *
 * Invariants
 *  - The commands found, and the error if there is one, depend on the bytes alone, never on how they were cut.
 *  - No byte is parsed more than twice, however slowly a command arrives.
 *  - Memory follows what has arrived, not what a header announces; every length is checked against ProtocolLimits.
 *  - After READ_MALFORMED nothing more is read: the position in the stream is lost for good.
 *
 * Hot path: `next` on a complete multi-bulk command allocates nothing and copies nothing (bench/micro/protocol).
 * It reads the strict common form in one pass without touching the reader's state; whatever is unusual (a piece
 * missing, an odd length, an inline command, a client that has not authenticated) is left to a careful second
 * pass, which keeps its place between arrivals. So the fast pass needs no state, and the careful one no speed.
 *
 * What is accepted, and the text of each refusal, is that of Redis 7.0: the byte after a carriage return and the
 * two bytes after an argument are not looked at, lengths are canonical decimals, a NUL in a line hides its end.
 */
import { assert } from "../base/assert.ts";
import { parseInt64, parseInteger } from "../base/bytes.ts";
import { splitInline } from "./inline-arguments.ts";
import { InputBuffer } from "./input-buffer.ts";
import { type ProtocolLimits, REQUEST_BYTES_CEILING } from "./limits.ts";
import type { Request } from "./request.ts";

export type { ProtocolLimits } from "./limits.ts";
export const READ_COMPLETE = 0;
export const READ_INCOMPLETE = 1;
export const READ_MALFORMED = 2;
/** Within this file: a line that held no command was skipped, or a step succeeded; carry on. */
const PROCEED = 3;

const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;
const NO_MARKS = new Int32Array(0);
/** Nothing has been returned that could be put back. */
const NOTHING = -1;

export class RequestReader {
  /** Until it is true, the two unauthenticated bounds hold. The owner sets it. */
  authenticated = true;
  readonly #limits: ProtocolLimits;
  #errorText = "";
  readonly #input = new InputBuffer();
  /** Start of the command that `next` returned last, or NOTHING. */
  #returned = NOTHING;
  /** Arguments still to come of the command that is half read; 0 between commands. */
  #missing = 0;
  /** Where reading goes on inside that command; between commands it is the input's start. */
  #position = 0;
  /** Announced length of the argument that is being read, or -1 while its length line is. */
  #bulk = -1;
  /** Bytes of the current line that were searched for its end in vain. */
  #searched = 0;
  /** Of the half-read command: offset from its start and length of each argument, in pairs. */
  #marks: Int32Array = NO_MARKS;
  #markCount = 0;
  #strict = true;

  constructor(limits: ProtocolLimits) {
    this.#limits = limits;
  }

  /** After READ_MALFORMED: the text for the client, without its "ERR " code; otherwise empty. */
  get errorText(): string {
    return this.#errorText;
  }

  /** Own memory in bytes, for the accounting of client buffers. */
  get bufferedBytes(): number {
    return this.#input.capacity + this.#marks.byteLength;
  }

  /** Bytes that have arrived and belong to no command that was returned. */
  get unreadBytes(): number {
    return this.#input.end - this.#input.start;
  }

  /** Lends `length` bytes at `offset`; they must stay as they are until `retain`. */
  offer(bytes: Uint8Array, offset: number, length: number): void {
    if (length === 0 || this.#errorText !== "") return;
    this.#returned = NOTHING;
    this.#position += this.#input.offer(bytes, offset, length, this.#announcedBytes());
  }

  /**
   * Fills `request` with the next complete command and consumes it. The ranges are valid until the next `offer`
   * or `retain`. Answers READ_COMPLETE, READ_INCOMPLETE (the rest has not arrived) or READ_MALFORMED.
   */
  next(request: Request): number {
    const input = this.#input;
    const bytes = input.bytes;
    const start = input.start;
    const end = input.end;
    if (this.#missing !== 0 || !this.authenticated || end - start < 4 || bytes[start] !== STAR) {
      return this.#careful(request);
    }
    const limits = this.#limits;
    let position = start + 2;
    let count = bytes[start + 1]! - 48;
    if (count < 1 || count > 9) return this.#careful(request);
    let byte = bytes[position++]!;
    while (byte !== CR) {
      const digit = byte - 48;
      if (digit < 0 || digit > 9 || count > 999 || position >= end) return this.#careful(request);
      count = count * 10 + digit;
      byte = bytes[position++]!;
    }
    if (position >= end || bytes[position++] !== LF || count > limits.argumentCountMax)
      return this.#careful(request);
    if (count > request.offsets.length) request.reserve(count);
    const offsets = request.offsets;
    const lengths = request.lengths;
    const bulkBytesMax = limits.bulkBytesMax;
    for (let i = 0; i < count; i++) {
      if (end - position < 6 || bytes[position] !== DOLLAR) return this.#careful(request);
      let length = bytes[position + 1]! - 48;
      if (length < 0 || length > 9) return this.#careful(request);
      position += 2;
      byte = bytes[position++]!;
      if (byte !== CR) {
        if (length === 0) return this.#careful(request);
        do {
          const digit = byte - 48;
          if (digit < 0 || digit > 9 || length > 99_999_999 || position >= end) return this.#careful(request);
          length = length * 10 + digit;
          byte = bytes[position++]!;
        } while (byte !== CR);
      }
      const from = position + 1;
      const after = from + length;
      if (after + 2 > end || length > bulkBytesMax) return this.#careful(request);
      if (bytes[position] !== LF || bytes[after] !== CR || bytes[after + 1] !== LF)
        return this.#careful(request);
      offsets[i] = from;
      lengths[i] = length;
      position = after + 2;
    }
    if (position - start > limits.requestBytesMax) return this.#careful(request);
    request.bytes = bytes;
    request.argc = count;
    request.start = start;
    request.end = position;
    request.verbatim = true;
    this.#returned = start;
    // The careful pass may have searched this command's first line before the rest of it arrived.
    this.#searched = 0;
    input.start = position;
    this.#position = position;
    return READ_COMPLETE;
  }

  /**
   * Puts the command that the last `next` returned back, to be returned again later. Only once per command, and
   * before the next `offer` or `retain`.
   */
  unread(): void {
    assert(this.#returned !== NOTHING, "no command to put back");
    this.#input.start = this.#returned;
    this.#position = this.#returned;
    this.#returned = NOTHING;
  }

  /**
   * Goes back to `position`, the start or the end of a request that `next` returned since the last `offer`: what
   * follows it is read again. A half-read command behind it, or an error, is found again too.
   */
  rewind(position: number): void {
    const input = this.#input;
    assert(position <= input.start, "a reader can only go back");
    input.start = position;
    this.#position = position;
    this.#returned = NOTHING;
    this.#missing = 0;
    this.#bulk = -1;
    this.#searched = 0;
    this.#markCount = 0;
    this.#errorText = "";
  }

  /** End of a turn: copies what is unread, after which the ranges lent and all returned commands are invalid. */
  retain(): void {
    if (this.#errorText !== "") {
      this.#forget();
      return;
    }
    this.#returned = NOTHING;
    if (this.#missing === 0) this.#marks = NO_MARKS;
    this.#position += this.#input.retain(this.#announcedBytes());
  }

  /** Back to the state of a new reader; `authenticated` stays. Releases all memory. */
  reset(): void {
    this.#forget();
    this.#errorText = "";
  }

  #forget(): void {
    this.#input.clear();
    this.#returned = NOTHING;
    this.#position = 0;
    this.#missing = 0;
    this.#bulk = -1;
    this.#searched = 0;
    this.#marks = NO_MARKS;
    this.#markCount = 0;
  }

  #careful(request: Request): number {
    this.#returned = NOTHING;
    if (this.#errorText !== "") return READ_MALFORMED;
    const input = this.#input;
    for (;;) {
      if (this.#missing === 0) {
        if (input.start === input.end) return READ_INCOMPLETE;
        const step = input.bytes[input.start] === STAR ? this.#readCount() : this.#readInline(request);
        if (step !== PROCEED) return step;
      } else {
        const step = this.#readArguments();
        if (step !== PROCEED) return step;
        return this.#complete(request);
      }
    }
  }

  /** Reads `*<count>`. A count of zero or less is a command without arguments: it is consumed without a reply. */
  #readCount(): number {
    const input = this.#input;
    const from = this.#position + 1;
    const lineEnd = this.#findLineEnd();
    if (lineEnd === NOTHING)
      return this.#lineTooLong() ? this.#refuse("too big mbulk count string") : READ_INCOMPLETE;
    let count = parseInteger(input.bytes, from, lineEnd - from);
    if (Number.isNaN(count)) count = Number(parseInt64(input.bytes, from, lineEnd - from));
    if (!(count <= this.#limits.argumentCountMax)) return this.#refuse("invalid multibulk length");
    if (count > this.#limits.unauthenticatedArgumentCountMax && !this.authenticated) {
      return this.#refuse("unauthenticated multibulk length");
    }
    this.#position = lineEnd + 2;
    this.#searched = 0;
    if (count <= 0) {
      input.start = this.#position;
      return PROCEED;
    }
    this.#strict = input.bytes[lineEnd + 1] === LF;
    this.#missing = count;
    this.#markCount = 0;
    this.#bulk = -1;
    return PROCEED;
  }

  #readArguments(): number {
    const input = this.#input;
    const bytes = input.bytes;
    while (this.#missing > 0) {
      if (this.#bulk < 0) {
        const step = this.#readLength();
        if (step !== PROCEED) return step;
      }
      const from = this.#position;
      const after = from + this.#bulk;
      if (input.end < after + 2) return READ_INCOMPLETE;
      this.#mark(from - input.start, this.#bulk);
      if (bytes[after] !== CR || bytes[after + 1] !== LF) this.#strict = false;
      this.#position = after + 2;
      this.#bulk = -1;
      this.#missing--;
    }
    return PROCEED;
  }

  /** Reads `$<length>` into #bulk. */
  #readLength(): number {
    const input = this.#input;
    const bytes = input.bytes;
    const limits = this.#limits;
    const lineStart = this.#position;
    const lineEnd = this.#findLineEnd();
    if (lineEnd === NOTHING)
      return this.#lineTooLong() ? this.#refuse("too big bulk count string") : READ_INCOMPLETE;
    if (bytes[lineStart] !== DOLLAR) {
      return this.#refuse(`expected '$', got '${String.fromCharCode(bytes[lineStart]!)}'`);
    }
    const length = parseInteger(bytes, lineStart + 1, lineEnd - lineStart - 1);
    if (!(length >= 0 && length <= limits.bulkBytesMax)) return this.#refuse("invalid bulk length");
    if (length > limits.unauthenticatedBulkBytesMax && !this.authenticated) {
      return this.#refuse("unauthenticated bulk length");
    }
    const requestBytes = lineEnd + 2 - input.start + length + 2;
    if (requestBytes > Math.min(limits.requestBytesMax, REQUEST_BYTES_CEILING)) {
      return this.#refuse("request exceeds the query buffer limit");
    }
    if (bytes[lineEnd + 1] !== LF) this.#strict = false;
    this.#position = lineEnd + 2;
    this.#searched = 0;
    this.#bulk = length;
    return PROCEED;
  }

  #readInline(request: Request): number {
    const input = this.#input;
    const lineFeed = this.#find(LF);
    if (lineFeed === NOTHING)
      return this.#lineTooLong() ? this.#refuse("too big inline request") : READ_INCOMPLETE;
    const start = input.start;
    const lineEnd = lineFeed > start && input.bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
    if (!splitInline(request, input.bytes, start, lineEnd))
      return this.#refuse("unbalanced quotes in request");
    this.#searched = 0;
    input.start = lineFeed + 1;
    this.#position = input.start;
    if (request.argc === 0) return PROCEED;
    this.#returned = start;
    return READ_COMPLETE;
  }

  #complete(request: Request): number {
    const input = this.#input;
    const start = input.start;
    const marks = this.#marks;
    const count = this.#markCount;
    if (count > request.offsets.length) {
      request.argc = 0;
      request.reserve(count);
    }
    for (let i = 0; i < count; i++) {
      request.offsets[i] = start + marks[2 * i]!;
      request.lengths[i] = marks[2 * i + 1]!;
    }
    request.bytes = input.bytes;
    request.argc = count;
    request.start = start;
    request.end = this.#position;
    request.verbatim = this.#strict;
    this.#returned = start;
    input.start = this.#position;
    return READ_COMPLETE;
  }

  #mark(offset: number, length: number): void {
    const index = this.#markCount * 2;
    if (index === this.#marks.length) {
      const marks = new Int32Array(Math.max(16, index * 2));
      marks.set(this.#marks);
      this.#marks = marks;
    }
    this.#marks[index] = offset;
    this.#marks[index + 1] = length;
    this.#markCount++;
  }

  /** Where the carriage return of the line at #position is, once the byte behind it has arrived too; else NOTHING. */
  #findLineEnd(): number {
    const found = this.#find(CR);
    return found === NOTHING || found + 1 >= this.#input.end ? NOTHING : found;
  }

  /** The first `wanted` in the current line, not looking beyond a NUL or the longest line allowed, or NOTHING. */
  #find(wanted: number): number {
    const bytes = this.#input.bytes;
    const end = Math.min(this.#input.end, this.#position + this.#limits.inlineBytesMax + 1);
    let position = this.#position + this.#searched;
    while (position < end) {
      const byte = bytes[position]!;
      if (byte === wanted) return position;
      if (byte === 0) break;
      position++;
    }
    this.#searched = position - this.#position;
    return NOTHING;
  }

  /** After a search in vain: whether the line cannot end within its bound any more. */
  #lineTooLong(): boolean {
    const arrived = this.#input.end - this.#position;
    if (arrived <= this.#limits.inlineBytesMax) return false;
    const wanted = this.#missing === 0 && this.#input.bytes[this.#position] !== STAR ? LF : CR;
    return this.#find(wanted) === NOTHING;
  }

  /** The bytes stay until the end of the turn: the owner may still go back to a request before them. */
  #refuse(text: string): number {
    this.#returned = NOTHING;
    this.#missing = 0;
    this.#errorText = `Protocol error: ${text}`;
    return READ_MALFORMED;
  }

  /** How far the unread bytes will reach at least, known while the last argument is arriving; else 0. */
  #announcedBytes(): number {
    if (this.#missing !== 1 || this.#bulk < 0) return 0;
    return this.#position - this.#input.start + this.#bulk + 2;
  }
}

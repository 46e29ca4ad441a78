/**
 * Decodes a stream of RESP2 and RESP3 replies, in whatever pieces it arrives, for clients: the library, the
 * command line and tests.
 *
 * Invariants: the replies depend on the bytes alone, not on their cuts; no element is decoded twice; memory
 * follows what has arrived, never what a header announces; nesting is kept on an explicit stack, so a hostile
 * peer cannot exhaust the call stack. After an error the reader stays failed: the place in the stream is lost.
 *
 * Bytes in a reply are copies, so a reply may be kept. Attributes (`|`) are decoded and dropped. RESP3's streamed
 * strings and aggregates, which no Redis sends, are refused.
 */
import { latin1, parseInt64, parseInteger } from "../base/bytes.ts";
import { FerriteError } from "../base/errors.ts";
import { InputBuffer } from "./input-buffer.ts";
import { type Reply, ReplyBigNumber, ReplyDouble, ReplyError, ReplyPush, ReplyVerbatim } from "./reply.ts";

export interface ReplyLimits {
  /** Longest bulk string, bulk error or verbatim string, in bytes. */
  bulkBytesMax: number;
  /** Longest line: a header, simple string, error or number, in bytes. */
  lineBytesMax: number;
  /** Most elements of one aggregate (a map's keys and values counted singly). */
  elementCountMax: number;
  /** Deepest nesting of aggregates. */
  depthMax: number;
}

export const DEFAULT_REPLY_LIMITS: Readonly<ReplyLimits> = {
  bulkBytesMax: 512 * 1024 * 1024,
  lineBytesMax: 1024 * 1024,
  elementCountMax: 2 ** 31 - 1,
  depthMax: 1024,
};

/** An aggregate whose elements are still arriving. `type` is its first byte. */
interface OpenAggregate {
  readonly type: number;
  readonly items: Reply[];
  missing: number;
}

const ARRAY = 42;
const ATTRIBUTE = 124;
const MAP = 37;
const SET = 126;
const PUSH = 62;
const BULK = 36;
const BULK_ERROR = 33;
const VERBATIM = 61;
/** Steps of decoding one element that yield no value: more bytes are needed, or an aggregate was opened or dropped. */
const PENDING = Symbol("pending");
const OPENED = Symbol("opened");

export class ReplyReader {
  readonly #limits: Readonly<ReplyLimits>;
  readonly #input = new InputBuffer();
  readonly #stack: OpenAggregate[] = [];
  /** Bytes consumed since the beginning of the stream, for messages. */
  #consumed = 0;
  /** Type and length of the bulk string that is arriving; length -1 if there is none. */
  #bulkType = 0;
  #bulk = -1;
  /** Bytes of the current line that were searched for its end in vain. */
  #searched = 0;
  #failure: FerriteError | undefined;

  constructor(limits: Partial<ReplyLimits> = {}) {
    this.#limits = { ...DEFAULT_REPLY_LIMITS, ...limits };
  }

  /** True in the middle of a reply; at the end of the stream that means it was cut off. */
  get midway(): boolean {
    return this.#stack.length > 0 || this.#bulk >= 0 || this.#input.start !== this.#input.end;
  }

  /** Adds bytes; they are copied, so the caller may reuse them. */
  push(bytes: Uint8Array, offset = 0, length = bytes.length - offset): void {
    if (length === 0) return;
    const announced = this.#bulk < 0 ? 0 : this.#bulk + 2;
    this.#input.offer(bytes, offset, length, announced);
    this.#input.retain(announced);
  }

  /** The next whole reply, or undefined if it has not arrived. Throws FerriteError("corruption"), from then on always. */
  next(): Reply | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const input = this.#input;
    for (;;) {
      const value = this.#element();
      if (value === PENDING) {
        if (input.start === input.end) input.retain(0);
        return undefined;
      }
      if (value === OPENED) continue;
      const whole = this.#place(value);
      if (whole !== undefined) return whole;
    }
  }

  /** Puts a value where it belongs; answers the outermost reply once it is whole. */
  #place(value: Reply): Reply | undefined {
    for (;;) {
      const open = this.#stack.at(-1);
      if (open === undefined) return value;
      open.items.push(value);
      open.missing--;
      if (open.missing > 0) return undefined;
      this.#stack.pop();
      if (open.type === ATTRIBUTE) return undefined;
      value = closed(open);
    }
  }

  #element(): Reply | typeof PENDING | typeof OPENED {
    if (this.#bulk >= 0) return this.#bulkBody();
    const input = this.#input;
    if (input.start === input.end) return PENDING;
    const lineEnd = this.#findLineEnd();
    if (lineEnd < 0) return PENDING;
    const type = input.bytes[input.start]!;
    const from = input.start + 1;
    const length = lineEnd - from;
    switch (type) {
      case BULK:
      case BULK_ERROR:
      case VERBATIM: {
        if (type === BULK && this.#isMinusOne(from, length)) return this.#take(lineEnd, null);
        const size = this.#count(from, length, this.#limits.bulkBytesMax, "length of a bulk string");
        this.#consumeTo(lineEnd + 2);
        this.#bulkType = type;
        this.#bulk = size;
        return this.#bulkBody();
      }
      case ARRAY:
      case MAP:
      case SET:
      case PUSH:
      case ATTRIBUTE:
        if (type === ARRAY && this.#isMinusOne(from, length)) return this.#take(lineEnd, null);
        return this.#open(type, from, length, lineEnd);
      default:
        return this.#take(lineEnd, this.#lineValue(type, from, length));
    }
  }

  #open(type: number, from: number, length: number, lineEnd: number): Reply | typeof OPENED {
    const perEntry = type === MAP || type === ATTRIBUTE ? 2 : 1;
    const count =
      perEntry * this.#count(from, length, this.#limits.elementCountMax / perEntry, "element count");
    if (this.#stack.length >= this.#limits.depthMax)
      this.#fail(`nesting deeper than ${this.#limits.depthMax}`);
    this.#consumeTo(lineEnd + 2);
    const open: OpenAggregate = { type, items: [], missing: count };
    if (count === 0) return type === ATTRIBUTE ? OPENED : closed(open);
    this.#stack.push(open);
    return OPENED;
  }

  /** The value of a type that is one line. */
  #lineValue(type: number, from: number, length: number): Reply {
    const bytes = this.#input.bytes;
    switch (type) {
      case 43: // +
        return text(bytes, from, length);
      case 45: // -
        return new ReplyError(text(bytes, from, length));
      case 58: // :
        return this.#integer(from, length);
      case 44: // ,
        return this.#double(latin1(bytes, from, length));
      case 35: // #
        if (length === 1 && (bytes[from] === 116 || bytes[from] === 102)) return bytes[from] === 116;
        return this.#fail("boolean that is neither t nor f");
      case 95: // _
        return length === 0 ? null : this.#fail("null with content");
      case 40: {
        const digits = latin1(bytes, from, length);
        return /^[+-]?\d+$/.test(digits)
          ? new ReplyBigNumber(bigNumber(digits))
          : this.#fail("big number that is not an integer");
      }
      default:
        return this.#fail(`type byte 0x${type.toString(16).padStart(2, "0")}, expected one of RESP`);
    }
  }

  #bulkBody(): Reply | typeof PENDING {
    const input = this.#input;
    const size = this.#bulk;
    const from = input.start;
    if (input.end - from < size + 2) return PENDING;
    if (input.bytes[from + size] !== 13 || input.bytes[from + size + 1] !== 10) {
      this.#consumeTo(from + size);
      this.#fail("bulk string that is not followed by a line end");
    }
    const type = this.#bulkType;
    if (type === VERBATIM && (size < 4 || input.bytes[from + 3] !== 58))
      this.#fail("verbatim string without a format");
    const value =
      type === BULK
        ? input.bytes.slice(from, from + size)
        : type === BULK_ERROR
          ? new ReplyError(text(input.bytes, from, size))
          : new ReplyVerbatim(latin1(input.bytes, from, 3), input.bytes.slice(from + 4, from + size));
    this.#bulk = -1;
    this.#consumeTo(from + size + 2);
    return value;
  }

  #integer(from: number, length: number): number | bigint {
    const bytes = this.#input.bytes;
    const small = parseInteger(bytes, from, length);
    if (!Number.isNaN(small)) return small;
    const digits = latin1(bytes, from, length);
    const big =
      length <= 21 && /^[+-]?\d+$/.test(digits) ? bigNumber(digits) : parseInt64(bytes, from, length);
    if (big === undefined || BigInt.asIntN(64, big) !== big) this.#fail("integer that does not fit 64 bits");
    const near = Number(big);
    return Number.isSafeInteger(near) ? near : big;
  }

  #double(digits: string): ReplyDouble {
    const word = digits.toLowerCase();
    if (word === "inf" || word === "+inf") return new ReplyDouble(Number.POSITIVE_INFINITY, digits);
    if (word === "-inf") return new ReplyDouble(Number.NEGATIVE_INFINITY, digits);
    if (word === "nan" || word === "-nan") return new ReplyDouble(Number.NaN, digits);
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(word)) this.#fail("double that is not a number");
    return new ReplyDouble(Number(digits), digits);
  }

  #isMinusOne(from: number, length: number): boolean {
    return length === 2 && this.#input.bytes[from] === 45 && this.#input.bytes[from + 1] === 49;
  }

  #count(from: number, length: number, max: number, what: string): number {
    const count = parseInteger(this.#input.bytes, from, length);
    if (!(count >= 0)) this.#fail(`${what} that is not a number of zero or more`);
    if (count > max) this.#fail(`${what} ${count}, expected at most ${Math.floor(max)}`);
    return count;
  }

  /** Index of the current line's carriage return once its line feed has arrived too, or -1. */
  #findLineEnd(): number {
    const input = this.#input;
    const from = input.start + this.#searched;
    const found = input.bytes.subarray(from, input.end).indexOf(13);
    const lineEnd = found < 0 ? input.end : from + found;
    if (lineEnd - input.start > this.#limits.lineBytesMax) {
      this.#fail(`line of more than ${this.#limits.lineBytesMax} bytes`);
    }
    if (lineEnd + 1 >= input.end) {
      this.#searched = lineEnd - input.start;
      return -1;
    }
    if (input.bytes[lineEnd + 1] !== 10) this.#fail("carriage return without a line feed");
    this.#searched = 0;
    return lineEnd;
  }

  #take(lineEnd: number, value: Reply): Reply {
    this.#consumeTo(lineEnd + 2);
    return value;
  }

  #consumeTo(position: number): void {
    this.#consumed += position - this.#input.start;
    this.#input.start = position;
  }

  #fail(found: string): never {
    const message = `reading a reply at offset ${this.#consumed} of the stream: found a ${found}; close the connection`;
    this.#failure = new FerriteError("corruption", message);
    throw this.#failure;
  }
}

function closed(open: OpenAggregate): Reply {
  const items = open.items;
  if (open.type === SET) return new Set(items);
  if (open.type === PUSH) return new ReplyPush(items);
  if (open.type !== MAP) return items;
  const map = new Map<Reply, Reply>();
  for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
  return map;
}

/** UTF-8 if the bytes are, else one character per byte: a message is for people, and must not fail to be read. */
function text(bytes: Uint8Array, offset: number, length: number): string {
  const decoded = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString("utf8");
  return decoded.includes("\ufffd") ? latin1(bytes, offset, length) : decoded;
}

/** BigInt() of a decimal with an optional sign; it knows no plus sign itself. */
function bigNumber(digits: string): bigint {
  return BigInt(digits.startsWith("+") ? digits.slice(1) : digits);
}

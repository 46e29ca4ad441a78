/**
 * The requests of the calls that wait for the next turn, encoded one behind the other in one buffer.
 *
 * Invariants: a request is whole in the arena or not in it at all; its bytes are a RESP array of bulk strings,
 * so the append-only file may take them as they stand; nothing in the arena changes from the beginning of a
 * turn until the turn is committed. Arguments are copied when they are added: the caller may reuse its arrays.
 *
 * Hot-path file: adding and loading a request allocates nothing (a string of more than SHORT_TEXT_MAX characters,
 * or with any beyond ASCII, is measured and written by Node). The form of the wire rather than a list of
 * arguments, because the log then needs no second copy, and the ranges are known without parsing.
 */
import { copyBytes, integerTextLength, writeInteger } from "../base/bytes.ts";
import { FerriteError } from "../base/errors.ts";
import { Request } from "../protocol/request.ts";

/** What may stand for an argument: bytes, text (sent as UTF-8), or a number (sent as its decimal text). */
export type Argument = string | Uint8Array | number | bigint;

const CAPACITY_BYTES = 64 * 1024;
/** An arena that had to grow beyond this is given back after the turn. */
const KEPT_BYTES = 8 * 1024 * 1024;
/** Ranges are 32-bit signed. */
const ARENA_BYTES_MAX = 2 ** 31 - 1;
const ARGUMENT_COUNT_KEPT = 64 * 1024;
const SHORT_TEXT_MAX = 64;
/** A type byte, a length of at most 17 digits and a line end. */
const HEADER_BYTES_MAX = 24;

export class RequestArena {
  bytes = new Uint8Array(CAPACITY_BYTES);
  /** The same memory, for Node's encoder. */
  #buffer = Buffer.from(this.bytes.buffer);
  #position = 0;
  #offsets = new Int32Array(256);
  #lengths = new Int32Array(256);
  #argumentCount = 0;
  readonly #argumentBytesMax: () => number;

  /** `argumentBytesMax` is asked for arguments of more than a few dozen bytes. */
  constructor(argumentBytesMax: () => number) {
    this.#argumentBytesMax = argumentBytesMax;
  }

  /** Where the next request begins. */
  get position(): number {
    return this.#position;
  }

  /** Index of the next request's first argument. */
  get argumentCount(): number {
    return this.#argumentCount;
  }

  /** Adds one request. Throws FerriteError("usage") for what is no argument; the arena is then as before. */
  add(args: readonly Argument[]): void {
    const position = this.#position;
    const argumentCount = this.#argumentCount;
    try {
      this.#header(42, args.length);
      for (let i = 0; i < args.length; i++) this.#argument(args[i]!, i);
    } catch (error) {
      this.#position = position;
      this.#argumentCount = argumentCount;
      throw error;
    }
  }

  #argument(value: Argument, index: number): void {
    if (typeof value === "string") this.#text(value);
    else if (value instanceof Uint8Array) this.#copy(value);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "bigint") this.#text(value.toString());
    else {
      throw new FerriteError(
        "usage",
        `argument ${index} of a call: expected a string, a Uint8Array, a number or a bigint, found ${value === null ? "null" : typeof value}`,
      );
    }
  }

  #text(text: string): void {
    if (text.length <= SHORT_TEXT_MAX && this.#shortText(text)) return;
    const length = Buffer.byteLength(text);
    const at = this.#beginArgument(length);
    this.#buffer.write(text, at, length, "utf8");
    this.#endArgument(at, length);
  }

  /** In one pass, as most keys are ASCII. False, with nothing added, if the text has a character beyond it. */
  #shortText(text: string): boolean {
    const start = this.#position;
    const { length } = text;
    const at = this.#beginArgument(length);
    const into = this.bytes;
    let all = 0;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      into[at + i] = code;
      all |= code;
    }
    if (all > 127) {
      this.#position = start;
      return false;
    }
    this.#endArgument(at, length);
    return true;
  }

  #copy(value: Uint8Array): void {
    const at = this.#beginArgument(value.length);
    copyBytes(this.bytes, at, value, 0, value.length);
    this.#endArgument(at, value.length);
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) {
      this.#text(String(value));
      return;
    }
    const length = integerTextLength(value);
    const at = this.#beginArgument(length);
    writeInteger(this.bytes, at, value);
    this.#endArgument(at, length);
  }

  /** Writes the header of an argument of `length` bytes and makes room for it; answers where its bytes go. */
  #beginArgument(length: number): number {
    if (length > SHORT_TEXT_MAX) this.#checkLength(length);
    this.#header(36, length);
    this.#makeRoom(length + 2);
    return this.#position;
  }

  #endArgument(at: number, length: number): void {
    const bytes = this.bytes;
    bytes[at + length] = 13;
    bytes[at + length + 1] = 10;
    this.#position = at + length + 2;
    const index = this.#argumentCount;
    if (index === this.#offsets.length) this.#growRanges();
    this.#offsets[index] = at;
    this.#lengths[index] = length;
    this.#argumentCount = index + 1;
  }

  #header(type: number, count: number): void {
    this.#makeRoom(HEADER_BYTES_MAX);
    const bytes = this.bytes;
    let position = this.#position;
    bytes[position++] = type;
    position += writeInteger(bytes, position, count);
    bytes[position++] = 13;
    bytes[position++] = 10;
    this.#position = position;
  }

  #checkLength(length: number): void {
    const max = this.#argumentBytesMax();
    if (length <= max) return;
    throw new FerriteError(
      "usage",
      `an argument of a call has ${length} bytes, expected at most ${max}; raise server.proto_max_bulk_len, or split the value`,
    );
  }

  #makeRoom(needed: number): void {
    if (this.bytes.length - this.#position >= needed) return;
    const least = this.#position + needed;
    if (least > ARENA_BYTES_MAX) {
      throw new FerriteError(
        "usage",
        `the calls of one turn have ${least} bytes, expected at most ${ARENA_BYTES_MAX}; await some of them before making more`,
      );
    }
    const bytes = new Uint8Array(Math.min(Math.max(least, this.bytes.length * 2), ARENA_BYTES_MAX));
    bytes.set(this.bytes.subarray(0, this.#position));
    this.#use(bytes);
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.#buffer = Buffer.from(bytes.buffer);
  }

  #growRanges(): void {
    const offsets = new Int32Array(this.#offsets.length * 2);
    const lengths = new Int32Array(this.#offsets.length * 2);
    offsets.set(this.#offsets);
    lengths.set(this.#lengths);
    this.#offsets = offsets;
    this.#lengths = lengths;
  }

  /** Points `request` at the request [start, end) whose `argc` arguments begin at index `first`. */
  load(request: Request, first: number, argc: number, start: number, end: number): void {
    request.bytes = this.bytes;
    request.argc = argc;
    request.reserve(argc);
    for (let i = 0; i < argc; i++) {
      request.offsets[i] = this.#offsets[first + i]!;
      request.lengths[i] = this.#lengths[first + i]!;
    }
    request.start = start;
    request.end = end;
    request.verbatim = true;
  }

  /** The request with bytes of its own, for a call that outlives the turn. Allocates. */
  detach(first: number, argc: number, start: number, end: number): Request {
    const request = new Request();
    request.reserve(argc);
    request.bytes = this.bytes.slice(start, end);
    request.argc = argc;
    for (let i = 0; i < argc; i++) {
      request.offsets[i] = this.#offsets[first + i]! - start;
      request.lengths[i] = this.#lengths[first + i]!;
    }
    request.end = end - start;
    request.verbatim = true;
    return request;
  }

  /** Forgets all requests; the memory of an unusually large turn is given back. */
  clear(): void {
    this.#position = 0;
    this.#argumentCount = 0;
    if (this.bytes.length > KEPT_BYTES) this.#use(new Uint8Array(CAPACITY_BYTES));
    if (this.#offsets.length > ARGUMENT_COUNT_KEPT) {
      this.#offsets = new Int32Array(256);
      this.#lengths = new Int32Array(256);
    }
  }
}

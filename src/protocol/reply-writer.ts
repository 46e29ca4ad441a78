/**
 * Writes replies in RESP2 or RESP3 straight into an OutputSpace.
 *
 * Invariants: each method writes one whole reply, or one whole header that its caller completes with as many
 * replies as it announced; no simple string or error ever contains a line end; more than ROOM_BYTES_MAX is never
 * asked of the space at once, so large payloads cross arenas in pieces.
 *
 * Hot path: ok, integer, bulk, nullBulk, the headers and bulkInteger allocate nothing (a bulk longer than
 * about a hundred bytes makes one view for its copy). Methods that take a JavaScript string serve replies whose
 * text the program composes; text longer than a few dozen bytes is encoded into a temporary buffer. A writer
 * instead of reply objects: there is no tree to build and walk, and nothing to collect.
 */
import { copyBytes, fromLatin1, writeInteger } from "../base/bytes.ts";
import { copyWords, SourceView } from "../base/word-bytes.ts";
import { DOUBLE_TEXT_BYTES_MAX, writeDouble } from "./format-double.ts";
import { type OutputSpace, ROOM_BYTES_MAX } from "./output-space.ts";

export { GrowingOutput, type OutputSpace } from "./output-space.ts";

/** Room for a type byte, a length of at most 17 digits and a line end. */
const HEADER_BYTES_MAX = 24;
/** Payloads up to this are written with a single request for room. */
const ONE_PIECE_BYTES_MAX = ROOM_BYTES_MAX - HEADER_BYTES_MAX - 2;
/** Payloads up to this are copied word by word. */
const WORDS_COPY_MAX = 256;
/** Texts up to this are written character by character. */
const SHORT_TEXT_MAX = 96;

const UTF8 = new TextEncoder();
const OK = fromLatin1("+OK\r\n");
const PONG = fromLatin1("+PONG\r\n");
const QUEUED = fromLatin1("+QUEUED\r\n");
const NULL_BULK = fromLatin1("$-1\r\n");
const NULL_ARRAY = fromLatin1("*-1\r\n");
const NULL_RESP3 = fromLatin1("_\r\n");
const TRUE_RESP3 = fromLatin1("#t\r\n");
const FALSE_RESP3 = fromLatin1("#f\r\n");

export class ReplyWriter {
  out: OutputSpace;
  /** The protocol of the client that is being answered. */
  resp: 2 | 3;
  /** Error replies written since the writer was made, and the text of the last: for the server's statistics. */
  errors = 0;
  lastError = "";
  readonly #target = new SourceView();
  readonly #digits = new Uint8Array(DOUBLE_TEXT_BYTES_MAX);

  constructor(out: OutputSpace, resp: 2 | 3 = 2) {
    this.out = out;
    this.resp = resp;
  }

  ok(): void {
    this.#constant(OK);
  }

  pong(): void {
    this.#constant(PONG);
  }

  queued(): void {
    this.#constant(QUEUED);
  }

  /** A simple string; line ends in `text` become spaces. */
  simple(text: string): void {
    this.#line(43, text);
  }

  /** An error; `text` begins with its code ("ERR syntax error"). Line ends are cut from its edges, else become spaces. */
  error(text: string): void {
    const tidy = endsInLineBreak(text) ? text.replace(/^[\r\n]+|[\r\n]+$/g, "") : text;
    this.errors++;
    this.lastError = tidy;
    this.#line(45, tidy);
  }

  /** A safe integer. */
  integer(n: number): void {
    this.#header(58, n);
  }

  integerBig(n: bigint): void {
    this.#line(58, n.toString());
  }

  /** A bulk string with the range's bytes. */
  bulk(bytes: Uint8Array, offset: number, length: number): void {
    const out = this.out;
    if (length > ONE_PIECE_BYTES_MAX) {
      this.#header(36, length);
      this.raw(bytes, offset, length);
      this.#lineEnd();
      return;
    }
    if (out.limit - out.position < length + HEADER_BYTES_MAX + 2) out.makeRoom(length + HEADER_BYTES_MAX + 2);
    const into = out.bytes;
    let position = out.position;
    into[position++] = 36;
    position += writeInteger(into, position, length);
    into[position++] = 13;
    into[position++] = 10;
    copyBytes(into, position, bytes, offset, length);
    position += length;
    into[position++] = 13;
    into[position++] = 10;
    out.position = position;
  }

  /**
   * A bulk string from a DataView, as the engine has of its records: half the time of `bulk` for short values.
   * `bytes` is over the same memory with the same offsets.
   */
  bulkData(data: DataView, bytes: Uint8Array, offset: number, length: number): void {
    if (length > WORDS_COPY_MAX) {
      this.bulk(bytes, offset, length);
      return;
    }
    const out = this.out;
    if (out.limit - out.position < length + HEADER_BYTES_MAX + 2) out.makeRoom(length + HEADER_BYTES_MAX + 2);
    const into = out.bytes;
    let position = out.position;
    into[position++] = 36;
    position += writeInteger(into, position, length);
    into[position++] = 13;
    into[position++] = 10;
    copyWords(this.#target.of(into), position, data, offset, length);
    position += length;
    into[position++] = 13;
    into[position++] = 10;
    out.position = position;
  }

  /** A bulk string with the text in UTF-8. */
  bulkText(text: string): void {
    if (text.length <= SHORT_TEXT_MAX && isAscii(text)) {
      this.#shortBulk(text);
      return;
    }
    const bytes = UTF8.encode(text);
    this.bulk(bytes, 0, bytes.length);
  }

  /** A bulk string with one byte per character; characters above U+00FF lose their upper bits. */
  bulkLatin1(text: string): void {
    if (text.length <= SHORT_TEXT_MAX) {
      this.#shortBulk(text);
      return;
    }
    const bytes = fromLatin1(text);
    this.bulk(bytes, 0, bytes.length);
  }

  /** A bulk string that holds the decimal text of a safe integer. */
  bulkInteger(n: number): void {
    const length = writeInteger(this.#digits, 0, n);
    this.bulk(this.#digits, 0, length);
  }

  nullBulk(): void {
    this.#constant(this.resp === 2 ? NULL_BULK : NULL_RESP3);
  }

  nullArray(): void {
    this.#constant(this.resp === 2 ? NULL_ARRAY : NULL_RESP3);
  }

  /** `n` replies follow. */
  arrayHeader(n: number): void {
    this.#header(42, n);
  }

  /** `pairs` times two replies follow; in RESP2 they are a flat array. */
  mapHeader(pairs: number): void {
    if (this.resp === 2) this.#header(42, pairs * 2);
    else this.#header(37, pairs);
  }

  setHeader(n: number): void {
    this.#header(this.resp === 2 ? 42 : 126, n);
  }

  pushHeader(n: number): void {
    this.#header(this.resp === 2 ? 42 : 62, n);
  }

  /**
   * Attributes in front of the next reply: `pairs` times two replies follow. RESP2 has none: it answers false,
   * and the caller writes no attributes.
   */
  attributeHeader(pairs: number): boolean {
    if (this.resp === 2) return false;
    this.#header(124, pairs);
    return true;
  }

  /** A double in Redis's text; in RESP2 as a bulk string. */
  double(x: number): void {
    const digits = this.#digits;
    const length = writeDouble(digits, 0, x);
    if (this.resp === 2) {
      this.bulk(digits, 0, length);
      return;
    }
    const out = this.out;
    if (out.limit - out.position < length + 3) out.makeRoom(length + 3);
    out.bytes[out.position++] = 44;
    copyBytes(out.bytes, out.position, digits, 0, length);
    out.position += length;
    this.#lineEnd();
  }

  boolean(b: boolean): void {
    if (this.resp === 2) this.#header(58, b ? 1 : 0);
    else this.#constant(b ? TRUE_RESP3 : FALSE_RESP3);
  }

  /** An integer of any size, as decimal text; in RESP2 a bulk string. */
  bigNumber(text: string): void {
    if (this.resp === 2) this.bulkLatin1(text);
    else this.#line(40, text);
  }

  /** Text (sent as UTF-8) with a format of three letters ("txt", "mkd"); in RESP2 a bulk string without it. */
  verbatim(format: string, text: string): void {
    if (this.resp === 2) {
      this.bulkText(text);
      return;
    }
    const bytes = UTF8.encode(text);
    this.#header(61, bytes.length + 4);
    const out = this.out;
    if (out.limit - out.position < 4) out.makeRoom(4);
    for (let i = 0; i < 3; i++) out.bytes[out.position++] = format.charCodeAt(i);
    out.bytes[out.position++] = 58;
    this.raw(bytes, 0, bytes.length);
    this.#lineEnd();
  }

  /** Bytes that are replies already (or parts of one, if the caller knows what it does), as they are. */
  raw(bytes: Uint8Array, offset: number, length: number): void {
    const out = this.out;
    while (length > 0) {
      if (out.position === out.limit) out.makeRoom(length < ROOM_BYTES_MAX ? length : ROOM_BYTES_MAX);
      const room = out.limit - out.position;
      const piece = length < room ? length : room;
      copyBytes(out.bytes, out.position, bytes, offset, piece);
      out.position += piece;
      offset += piece;
      length -= piece;
    }
  }

  #constant(bytes: Uint8Array): void {
    const out = this.out;
    const length = bytes.length;
    if (out.limit - out.position < length) out.makeRoom(length);
    const into = out.bytes;
    const position = out.position;
    for (let i = 0; i < length; i++) into[position + i] = bytes[i]!;
    out.position = position + length;
  }

  #header(type: number, n: number): void {
    const out = this.out;
    if (out.limit - out.position < HEADER_BYTES_MAX) out.makeRoom(HEADER_BYTES_MAX);
    const into = out.bytes;
    let position = out.position;
    into[position++] = type;
    position += writeInteger(into, position, n);
    into[position++] = 13;
    into[position++] = 10;
    out.position = position;
  }

  #lineEnd(): void {
    const out = this.out;
    if (out.limit - out.position < 2) out.makeRoom(2);
    out.bytes[out.position++] = 13;
    out.bytes[out.position++] = 10;
  }

  #shortBulk(text: string): void {
    const length = text.length;
    this.#header(36, length);
    const out = this.out;
    if (out.limit - out.position < length + 2) out.makeRoom(length + 2);
    const into = out.bytes;
    let position = out.position;
    for (let i = 0; i < length; i++) into[position++] = text.charCodeAt(i);
    into[position++] = 13;
    into[position++] = 10;
    out.position = position;
  }

  /**
   * A line of text. Characters up to U+00FF are bytes, so that what a client sent can be quoted back exactly;
   * a text with any other character is sent as UTF-8.
   */
  #line(type: number, text: string): void {
    if (text.length <= SHORT_TEXT_MAX && this.#shortLine(type, text)) return;
    const bytes = encodeLine(text);
    const out = this.out;
    if (out.limit - out.position < 1) out.makeRoom(1);
    out.bytes[out.position++] = type;
    this.raw(bytes, 0, bytes.length);
    this.#lineEnd();
  }

  /** False, with nothing written, if the text has a character that is not one byte. */
  #shortLine(type: number, text: string): boolean {
    const out = this.out;
    const length = text.length;
    if (out.limit - out.position < length + 3) out.makeRoom(length + 3);
    const into = out.bytes;
    let position = out.position;
    into[position++] = type;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 255) return false;
      into[position++] = code === 13 || code === 10 ? 32 : code;
    }
    into[position++] = 13;
    into[position++] = 10;
    out.position = position;
    return true;
  }
}

function encodeLine(text: string): Uint8Array {
  let wide = false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) wide = true;
  const bytes = wide ? UTF8.encode(text) : fromLatin1(text);
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 13 || bytes[i] === 10) bytes[i] = 32;
  return bytes;
}

/** At either edge; cheaper than a pattern on the text of every error. */
function endsInLineBreak(text: string): boolean {
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  return first === 10 || first === 13 || last === 10 || last === 13;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/**
 * The header line of a frame: `#F first effects bytes time durable payloadCrc headerCrc` CR LF.
 *
 * Invariants:
 *  - a header is shorter than HEADER_BYTES_MAX (128) bytes and starts with `#`, so that Redis skips it;
 *  - a second space may follow the kind: it makes the frame's length even (see prepared-space.ts);
 *  - all numbers are canonical decimals below 2^53; the checksums are eight lower-case hex digits;
 *  - `headerCrc` covers every byte of the line before the space in front of it, so a header is trusted, and
 *    its `payloadBytes` believed, without reading the payload;
 *  - the LSNs of a frame are `firstLsn` … `firstLsn + effects - 1`, those of a base have none; `durableLsn < firstLsn`.
 *
 * A line of text rather than a binary header: the file stays readable in `less` and loadable by Redis 7. Two
 * checksums rather than one: after damage the next frame is found by its header alone. See docs/formats/aof.md.
 *
 * Hot-path file: writing a header allocates nothing.
 */
import { writeInteger } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";

/** Every header, CR LF included, is shorter than this. */
export const HEADER_BYTES_MAX = 128;

/** `#F`: effects in plain text. */
export const KIND_EFFECTS = 70;
/** `#L`: effects that were lost and given up by a repair; no payload. */
export const KIND_LOST = 76;
/** `#B`: commands of a base, which have no LSNs of their own; `firstLsn` is the one after the base's. */
export const KIND_BASE = 66;

/** What `FrameHeader.parse` answers when the range ends before the line does. */
export const HEADER_INCOMPLETE = -1;
/** What `FrameHeader.parse` answers when the line is not a header or its checksum is wrong. */
export const HEADER_INVALID = -2;

const HASH = 35;
const SPACE = 32;
const CR = 13;
const LF = 10;
const FIELD_COUNT = 5;

/** The fields of one header; reused, so that reading headers allocates nothing. */
export class FrameHeader {
  /** The letter after `#`, as a byte. The caller refuses a kind that it does not know. */
  kind = 0;
  firstLsn = 0;
  effects = 0;
  payloadBytes = 0;
  /** Wall clock when the last effect was executed or later, never earlier; milliseconds since 1970. */
  timeMs = 0;
  /** Every effect up to here was known to be durable when the frame was written. */
  durableLsn = 0;
  payloadCrc = 0;
  readonly #fields = new Float64Array(FIELD_COUNT);

  /** The LSN that the effect after this frame has. */
  get nextLsn(): number {
    return this.kind === KIND_BASE ? this.firstLsn : this.firstLsn + this.effects;
  }

  /**
   * Parses the line at `offset` of the range that ends at `limit`. Returns its length, CR LF included, or
   * HEADER_INCOMPLETE or HEADER_INVALID, after which the fields are undefined.
   */
  parse(bytes: Uint8Array, offset: number, limit: number): number {
    const lineEnd = findLineEnd(bytes, offset, limit);
    if (lineEnd < 0) return lineEnd;
    // Shortest: "#F 1 0 0 0 0 00000000 00000000".
    if (lineEnd - offset < 30 || bytes[offset] !== HASH || bytes[offset + 2] !== SPACE) return HEADER_INVALID;
    const fields = bytes[offset + 3] === SPACE ? offset + 4 : offset + 3;
    const position = this.#parseFields(bytes, fields, lineEnd);
    if (position < 0 || position + 17 !== lineEnd || bytes[position + 8] !== SPACE) return HEADER_INVALID;
    const payloadCrc = parseHex(bytes, position);
    const headerCrc = parseHex(bytes, position + 9);
    if (payloadCrc < 0 || headerCrc !== crc32(bytes, offset, position + 8 - offset)) return HEADER_INVALID;
    this.kind = bytes[offset + 1]!;
    this.firstLsn = this.#fields[0]!;
    this.effects = this.#fields[1]!;
    this.payloadBytes = this.#fields[2]!;
    this.timeMs = this.#fields[3]!;
    this.durableLsn = this.#fields[4]!;
    this.payloadCrc = payloadCrc;
    if (this.durableLsn >= this.firstLsn) return HEADER_INVALID;
    return lineEnd + 2 - offset;
  }

  /** Reads the decimal fields, each followed by one space; returns the position after them, or -1. */
  #parseFields(bytes: Uint8Array, position: number, lineEnd: number): number {
    for (let field = 0; field < FIELD_COUNT; field++) {
      const start = position;
      // Nine digits fit a small integer, whose arithmetic is several times faster than that of a double.
      let digits = 0;
      const smallEnd = Math.min(lineEnd, start + 9);
      for (; position < smallEnd && bytes[position] !== SPACE; position++) {
        const digit = bytes[position]! - 48;
        if (digit < 0 || digit > 9) return -1;
        digits = (digits * 10 + digit) | 0;
      }
      let value = digits;
      for (; position < lineEnd && bytes[position] !== SPACE; position++) {
        const digit = bytes[position]! - 48;
        if (digit < 0 || digit > 9) return -1;
        value = value * 10 + digit;
      }
      if (position === start || position === lineEnd || value > Number.MAX_SAFE_INTEGER) return -1;
      this.#fields[field] = value;
      position++;
    }
    return position;
  }
}

/** The offset of CR LF, or HEADER_INCOMPLETE, or HEADER_INVALID if no header can be that long. */
function findLineEnd(bytes: Uint8Array, offset: number, limit: number): number {
  const end = Math.min(limit, offset + HEADER_BYTES_MAX);
  for (let i = offset + 1; i < end; i++) {
    if (bytes[i] !== LF) continue;
    return bytes[i - 1] === CR ? i - 1 : HEADER_INVALID;
  }
  return end === limit ? HEADER_INCOMPLETE : HEADER_INVALID;
}

/** Eight lower-case hex digits as an unsigned number, or -1. */
function parseHex(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let i = offset; i < offset + 8; i++) {
    const byte = bytes[i]!;
    const digit = byte >= 48 && byte <= 57 ? byte - 48 : byte >= 97 && byte <= 102 ? byte - 87 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function writeHex(bytes: Uint8Array, offset: number, value: number): void {
  for (let i = offset + 7; i >= offset; i--) {
    const digit = value & 15;
    bytes[i] = digit < 10 ? 48 + digit : 87 + digit;
    value >>>= 4;
  }
}

function writeField(bytes: Uint8Array, position: number, value: number): number {
  position += writeInteger(bytes, position, value);
  bytes[position] = SPACE;
  return position + 1;
}

/** Writes a header at `offset`, where HEADER_BYTES_MAX bytes must be free, longer by one if `padded`; returns its length. */
export function writeFrameHeader(
  bytes: Uint8Array,
  offset: number,
  kind: number,
  firstLsn: number,
  effects: number,
  payloadBytes: number,
  timeMs: number,
  durableLsn: number,
  payloadCrc: number,
  padded = false,
): number {
  bytes[offset] = HASH;
  bytes[offset + 1] = kind;
  bytes[offset + 2] = SPACE;
  let position = offset + 3;
  if (padded) bytes[position++] = SPACE;
  position = writeField(bytes, position, firstLsn);
  position = writeField(bytes, position, effects);
  position = writeField(bytes, position, payloadBytes);
  position = writeField(bytes, position, timeMs);
  position = writeField(bytes, position, durableLsn);
  writeHex(bytes, position, payloadCrc);
  position += 8;
  const headerCrc = crc32(bytes, offset, position - offset);
  bytes[position] = SPACE;
  writeHex(bytes, position + 1, headerCrc);
  bytes[position + 9] = CR;
  bytes[position + 10] = LF;
  return position + 11 - offset;
}

/**
 * Splits the line of an inline command into arguments, with Redis's quoting rules.
 *
 * The rules (those of Redis's `sdssplitargs`): arguments are separated by white space; inside double quotes
 * `\xHH` is one byte, `\n \r \t \b \a` are control characters and any other escaped character is itself; inside
 * single quotes only `\'` is an escape; a quote may open in the middle of an argument, and a closing quote must
 * be followed by white space or the end. Vertical tab and form feed are skipped before an argument and may
 * follow a closing quote, but do not end an unquoted argument.
 *
 * A line without quotes, the common one, becomes ranges over the caller's buffer and allocates nothing. A line
 * with quotes is decoded into a fresh buffer: decoding in place would spoil bytes that may be read again.
 */
import type { Request } from "./request.ts";

const BACKSLASH = 92;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;

/**
 * Fills `request` (arguments, `bytes`, `start`, `end`, `verbatim`) from the line [start, end) of `bytes`, which
 * holds no line feed and no NUL. An empty line gives no arguments. Answers false if the quotes do not balance.
 */
export function splitInline(request: Request, bytes: Uint8Array, start: number, end: number): boolean {
  let argc = 0;
  let position = start;
  for (;;) {
    while (position < end && isSpace(bytes[position]!)) position++;
    if (position === end) break;
    const from = position;
    while (position < end && !endsWord(bytes[position]!)) {
      const byte = bytes[position]!;
      if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) return splitQuoted(request, bytes, start, end);
      position++;
    }
    argc = addArgument(request, argc, from, position - from);
  }
  finish(request, bytes, argc, start, end);
  return true;
}

function splitQuoted(request: Request, bytes: Uint8Array, start: number, end: number): boolean {
  const decoded = new Uint8Array(end - start);
  let length = 0;
  let argc = 0;
  let position = start;
  for (;;) {
    while (position < end && isSpace(bytes[position]!)) position++;
    if (position === end) break;
    const from = length;
    while (position < end && !endsWord(bytes[position]!)) {
      const byte = bytes[position]!;
      if (byte !== DOUBLE_QUOTE && byte !== SINGLE_QUOTE) {
        decoded[length++] = byte;
        position++;
        continue;
      }
      const close = closingQuote(bytes, position, end);
      if (close < 0) return false;
      length = decodeQuoted(bytes, position + 1, close, byte, decoded, length);
      position = close + 1;
      // The text after a closing quote is known to be white space, which may be one that ends no bare word.
      break;
    }
    argc = addArgument(request, argc, from, length - from);
  }
  finish(request, decoded, argc, 0, length);
  return true;
}

/** Where the quote that opens at `open` closes, or -1 if it does not or is not followed by white space or the end. */
function closingQuote(bytes: Uint8Array, open: number, end: number): number {
  const quote = bytes[open]!;
  let position = open + 1;
  while (position < end && bytes[position] !== quote) {
    const escapes = quote === DOUBLE_QUOTE || bytes[position + 1] === SINGLE_QUOTE;
    position += bytes[position] === BACKSLASH && escapes && position + 1 < end ? 2 : 1;
  }
  if (position >= end) return -1;
  return position + 1 === end || isSpace(bytes[position + 1]!) ? position : -1;
}

/** Decodes what stands between two quotes into `into` at `length`; returns the new length. */
function decodeQuoted(
  bytes: Uint8Array,
  from: number,
  to: number,
  quote: number,
  into: Uint8Array,
  length: number,
): number {
  for (let position = from; position < to; position++) {
    const byte = bytes[position]!;
    if (byte !== BACKSLASH || position + 1 >= to) {
      into[length++] = byte;
    } else if (quote === SINGLE_QUOTE) {
      const escaped = bytes[position + 1] === SINGLE_QUOTE;
      into[length++] = escaped ? SINGLE_QUOTE : byte;
      if (escaped) position++;
    } else if (bytes[position + 1] === 120 && position + 3 < to && isHexPair(bytes, position + 2)) {
      into[length++] = hexDigit(bytes[position + 2]!) * 16 + hexDigit(bytes[position + 3]!);
      position += 3;
    } else {
      into[length++] = controlCharacter(bytes[++position]!);
    }
  }
  return length;
}

function addArgument(request: Request, argc: number, offset: number, length: number): number {
  if (argc === request.offsets.length) {
    request.argc = argc;
    request.reserve(argc + 1);
  }
  request.offsets[argc] = offset;
  request.lengths[argc] = length;
  return argc + 1;
}

function finish(request: Request, bytes: Uint8Array, argc: number, start: number, end: number): void {
  request.bytes = bytes;
  request.argc = argc;
  request.start = start;
  request.end = end;
  request.verbatim = false;
}

/** C's isspace in the "C" locale. */
function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

function endsWord(byte: number): boolean {
  return byte === 32 || byte === 9 || byte === 10 || byte === 13;
}

function isHexPair(bytes: Uint8Array, position: number): boolean {
  return hexDigit(bytes[position]!) >= 0 && hexDigit(bytes[position + 1]!) >= 0;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function controlCharacter(byte: number): number {
  if (byte === 110) return 10;
  if (byte === 114) return 13;
  if (byte === 116) return 9;
  if (byte === 98) return 8;
  return byte === 97 ? 7 : byte;
}

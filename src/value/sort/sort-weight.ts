/**
 * The numbers that SORT sorts by: C's `strtod` over the text up to its first zero byte.
 *
 * Invariants: NaN stands for "no valid number". Nothing at all is 0, blanks may stand in front and nowhere else, and what
 * overflows or loses digits to underflow is invalid (ERANGE), unlike a bound of a range, which is infinite then.
 *
 * Hot-path file: texts of at most 15 digits are read without allocation (value/double.ts).
 */
import { parseBound } from "../double.ts";

/** Below it doubles have fewer digits, and C's strtod sets ERANGE. */
const NORMAL_MIN = 2 ** -1022;
const ZERO = 48;
const LETTER_I = 105;
const LETTER_X = 120;

export function parseSortWeight(bytes: Uint8Array, offset: number, length: number): number {
  const value = parseBound(bytes, offset, length);
  if (value === 0) return hasVanished(bytes, offset, length) ? Number.NaN : value;
  const magnitude = Math.abs(value);
  // A subnormal text that is exact (a hexadecimal one) would be valid in C; nobody weighs by those.
  if (magnitude < NORMAL_MIN) return Number.NaN;
  if (magnitude === Number.POSITIVE_INFINITY) {
    const at = numberStart(bytes, offset, offset + length);
    return (bytes[at]! | 32) === LETTER_I ? value : Number.NaN;
  }
  return value;
}

/** For a text that was read as zero: true if a digit of its mantissa is another one. */
function hasVanished(bytes: Uint8Array, offset: number, length: number): boolean {
  const end = offset + length;
  let at = numberStart(bytes, offset, end);
  const isHexadecimal = at + 1 < end && bytes[at] === ZERO && (bytes[at + 1]! | 32) === LETTER_X;
  if (isHexadecimal) at += 2;
  // Behind "e", in hexadecimal "p", stands the exponent; a zero byte ends the text.
  for (; at < end && bytes[at] !== 0; at++) {
    const byte = bytes[at]!;
    if (byte > ZERO && byte <= ZERO + 9) return true;
    const letter = byte | 32;
    if (letter >= 97) return isHexadecimal && letter <= 102;
  }
  return false;
}

/** Where the number begins behind blanks and a sign. */
function numberStart(bytes: Uint8Array, offset: number, end: number): number {
  let at = offset;
  while (at < end && (bytes[at] === 32 || (bytes[at]! >= 9 && bytes[at]! <= 13))) at++;
  return at < end && (bytes[at] === 43 || bytes[at] === 45) ? at + 1 : at;
}

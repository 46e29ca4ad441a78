/**
 * The doubles that commands take as arguments: C's `strtod`, once as Redis reads scores and once as it reads the bounds
 * of a range.
 *
 * Invariant: NaN stands for "no valid number"; a text that says "nan" is none.
 *
 * Hot-path file: texts of at most 15 digits, with or without a point, and infinities are read without allocation and exactly
 * rounded (a quotient of two integers that a double holds exactly is). All others become a string, which JavaScript rounds exactly.
 */
import { equalsIgnoreCase, fromLatin1, latin1 } from "../base/bytes.ts";

/** 10^k for as many digits as the short form has; each is exact. */
const POWERS_OF_TEN = Float64Array.from({ length: 16 }, (_, k) => 10 ** k);
const SHORT_DIGITS_MAX = 15;
const PLUS = 43;
const MINUS = 45;
const POINT = 46;
/** A double has 53 bits of mantissa, and its smallest step is 2^-1074. */
const MANTISSA_BITS = 53;
const EXPONENT_MIN = -1074;
const EXPONENT_MAX = 1024;

// Each alternative begins with another character and no part can match what the next one matches: linear in any text.
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i;
const LEADING_BLANKS = /^[ \t\n\v\f\r]+/;

/** A score, increment or weight: the whole range is the number, without blanks; what overflows or vanishes is invalid. */
export function parseScore(bytes: Uint8Array, offset: number, length: number): number {
  const short = parseShort(bytes, offset, length);
  if (!Number.isNaN(short)) return short;
  const infinite = parseInfinity(bytes, offset, length);
  if (!Number.isNaN(infinite)) return infinite;
  const text = latin1(bytes, offset, length);
  const value = readText(text);
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return Number.NaN;
  return value === 0 && hasDigitsBesideZero(text) ? Number.NaN : value;
}

/**
 * The bound of a range by score, without its "(": the range up to its first zero byte. Blanks may stand in front, nothing
 * at all is 0, and what is too large is infinite.
 */
export function parseBound(bytes: Uint8Array, offset: number, length: number): number {
  const short = parseShort(bytes, offset, length);
  if (!Number.isNaN(short)) return short;
  const infinite = parseInfinity(bytes, offset, length);
  if (!Number.isNaN(infinite)) return infinite;
  let text = latin1(bytes, offset, length);
  const zero = text.indexOf("\0");
  if (zero >= 0) text = text.slice(0, zero);
  if (text === "") return 0;
  text = text.replace(LEADING_BLANKS, "");
  const later = parseInfinity(fromLatin1(text), 0, text.length);
  return Number.isNaN(later) ? readText(text) : later;
}

/** [-]digits[.digits] with at least one digit and at most 15; NaN for anything else. */
function parseShort(bytes: Uint8Array, offset: number, length: number): number {
  const end = offset + length;
  const negative = length > 0 && bytes[offset] === MINUS;
  let position = negative ? offset + 1 : offset;
  if (end - position > SHORT_DIGITS_MAX + 1) return Number.NaN;
  let mantissa = 0;
  let digits = 0;
  let fraction = -1;
  for (; position < end; position++) {
    const byte = bytes[position]!;
    const digit = byte - 48;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digits++;
    } else if (byte === POINT && fraction < 0) {
      fraction = digits;
    } else {
      return Number.NaN;
    }
  }
  if (digits === 0 || digits > SHORT_DIGITS_MAX) return Number.NaN;
  const magnitude = fraction < 0 ? mantissa : mantissa / POWERS_OF_TEN[digits - fraction]!;
  return negative ? -magnitude : magnitude;
}

/** [+-]inf or infinity in any case; NaN for anything else. */
function parseInfinity(bytes: Uint8Array, offset: number, length: number): number {
  const first = bytes[offset]!;
  const signed = length > 0 && (first === PLUS || first === MINUS) ? 1 : 0;
  const start = offset + signed;
  const rest = length - signed;
  if (!equalsIgnoreCase(bytes, start, rest, "inf") && !equalsIgnoreCase(bytes, start, rest, "infinity")) {
    return Number.NaN;
  }
  return first === MINUS ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function readText(text: string): number {
  if (DECIMAL.test(text)) return Number(text);
  const match = HEXADECIMAL.exec(text);
  if (match === null) return Number.NaN;
  const fraction = match[3] ?? "";
  const digits = match[2]! + fraction;
  if (digits === "") return Number.NaN;
  const magnitude = scaled(BigInt(`0x${digits}`), Number(match[4] ?? 0) - 4 * fraction.length);
  return match[1] === "-" ? -magnitude : magnitude;
}

/** mantissa × 2^exponent, rounded once, half to even. */
function scaled(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  if (bits + exponent > EXPONENT_MAX) return Number.POSITIVE_INFINITY;
  const excess = Math.max(bits - MANTISSA_BITS, EXPONENT_MIN - exponent, 0);
  if (excess > bits + 1) return 0;
  let kept = mantissa >> BigInt(excess);
  const rest = mantissa - (kept << BigInt(excess));
  const half = excess === 0 ? 0n : 1n << BigInt(excess - 1);
  if (excess > 0 && (rest > half || (rest === half && (kept & 1n) === 1n))) kept += 1n;
  // A power of two from 2^-1074 to 2^1023, all of which are doubles, so the product is exact.
  return Number(kept) * 2 ** (exponent + excess);
}

/** True if the mantissa is not zero: then a value of zero has vanished. */
function hasDigitsBesideZero(text: string): boolean {
  return /^[+-]?0x/i.test(text) ? /^[+-]?0x[0.]*[1-9a-f]/i.test(text) : /^[+-]?[0.]*[1-9]/.test(text);
}

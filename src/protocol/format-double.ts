/**
 * The text of a double as Redis 7.0 replies it: C's `%.17g`, with `inf`, `-inf` and `nan`.
 *
 * Seventeen significant digits always read back as the same double; unlike JavaScript's own shortest text they
 * show its error (0.1 is "0.10000000000000001"), and that is what clients of Redis 7.0 see. Integers, the usual
 * scores, are written digit by digit without allocation; any other number costs two short strings.
 */
import { writeInteger } from "../base/bytes.ts";

/** The longest text: "-2.2250738585072014e-308". */
export const DOUBLE_TEXT_BYTES_MAX = 24;
/** Exponents from here on are written in scientific notation, as is every one below -4. */
const DIGITS = 17;

export function formatDouble(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (x === Number.POSITIVE_INFINITY) return "inf";
  if (x === Number.NEGATIVE_INFINITY) return "-inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  if (Number.isSafeInteger(x)) return String(x);
  const scientific = roundsHalfUp(x) ? roundedDown(x) : x.toExponential(DIGITS - 1);
  const mark = scientific.indexOf("e");
  const exponent = Number(scientific.slice(mark + 1));
  const negative = x < 0;
  let digits = scientific[negative ? 1 : 0]! + scientific.slice(negative ? 3 : 2, mark);
  let kept = digits.length;
  while (kept > 1 && digits.charCodeAt(kept - 1) === 48) kept--;
  digits = digits.slice(0, kept);
  return (negative ? "-" : "") + layOut(digits, exponent);
}

/** Writes `formatDouble(x)` at `offset`; returns the number of bytes, at most DOUBLE_TEXT_BYTES_MAX. */
export function writeDouble(destination: Uint8Array, offset: number, x: number): number {
  if (Number.isSafeInteger(x) && (x !== 0 || !Object.is(x, -0))) return writeInteger(destination, offset, x);
  const text = formatDouble(x);
  for (let i = 0; i < text.length; i++) destination[offset + i] = text.charCodeAt(i);
  return text.length;
}

/** Digits d1 d2 … of d1.d2… × 10^exponent, without trailing zeros, in the layout that %g chooses. */
function layOut(digits: string, exponent: number): string {
  if (exponent < -4 || exponent >= DIGITS) {
    const magnitude = Math.abs(exponent);
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${magnitude < 10 ? "0" : ""}${magnitude}`;
  }
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits + "0".repeat(exponent + 1 - digits.length);
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/**
 * True if x lies exactly between two texts of 17 digits and toExponential takes the one whose last digit is odd.
 * ECMAScript rounds such a tie up, C to even. A tie has 18 digits, the last a 5, and so is m / 2^k with k of at
 * most 25 (5^26 has 19 digits): the first test, which nearly every fraction fails at once, is that.
 */
function roundsHalfUp(x: number): boolean {
  const scaled = x * 0x200_0000;
  if (scaled !== Math.floor(scaled)) return false;
  const exact = x.toExponential(60);
  const mark = exact.indexOf(".");
  if (!/^50*e/.test(exact.slice(mark + DIGITS))) return false;
  return (exact.charCodeAt(mark + DIGITS - 1) - 48) % 2 === 0;
}

/** The 17 digits of a tie whose seventeenth is even: the exact digits, cut. */
function roundedDown(x: number): string {
  const exact = x.toExponential(60);
  return exact.slice(0, exact.indexOf(".") + DIGITS) + exact.slice(exact.indexOf("e"));
}

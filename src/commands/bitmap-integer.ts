/**
 * Integers of 1 to 64 bits at any bit of a string, and what becomes of them when they overflow.
 *
 * Invariants: a field is big-endian, as bits are numbered; bits behind the string's end read as zero; a field is only written
 * within the string. A value is written by its lowest bits, so a negative number is its two's complement.
 *
 * Hot-path file: the functions on numbers allocate nothing beyond the box that V8 may put around a number above 2^31.
 * Fields of up to 52 bits are doubles, which hold them and every sum with an argument of 15 digits exactly; the others,
 * and longer arguments, go through BigInt.
 */

export const OVERFLOW_WRAP = 0;
export const OVERFLOW_SATURATE = 1;
export const OVERFLOW_FAIL = 2;

const SATURATE = OVERFLOW_SATURATE;
const FAIL = OVERFLOW_FAIL;

/** The widest field whose arithmetic is exact in doubles. */
export const NARROW_BITS_MAX = 52;

const LOW_BITS = 32;
const LOW_BITS_WIDE = 32n;

/** The unsigned field of `bits` (1 to NARROW_BITS_MAX) at bit `position` of the value [offset, offset + length). */
export function readUnsigned(
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  bits: number,
): number {
  let index = Math.floor(position / 8);
  const skipped = position - index * 8;
  let value = index < length ? bytes[offset + index]! & (255 >> skipped) : 0;
  let missing = bits - (8 - skipped);
  if (missing <= 0) return value >> -missing;
  for (; missing >= 8; missing -= 8) {
    index++;
    value = value * 256 + (index < length ? bytes[offset + index]! : 0);
  }
  if (missing === 0) return value;
  index++;
  const last = index < length ? bytes[offset + index]! : 0;
  return value * (1 << missing) + (last >> (8 - missing));
}

/** As readUnsigned, in two's complement. */
export function readSigned(
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  bits: number,
): number {
  const value = readUnsigned(bytes, offset, length, position, bits);
  return value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}

/** Writes the lowest `bits` (1 to NARROW_BITS_MAX) of `value`, which may be negative; the field lies within the value. */
export function writeNarrow(
  bytes: Uint8Array,
  offset: number,
  position: number,
  bits: number,
  value: number,
): void {
  const end = position + bits;
  let index = Math.floor((end - 1) / 8);
  /** Bits of byte `index` up to where the field ends in it. */
  let used = end - index * 8;
  for (let rest = bits; rest > 0; index--) {
    const taken = used < rest ? used : rest;
    const size = 1 << taken;
    const above = Math.floor(value / size);
    const shift = 8 - used;
    const mask = (size - 1) << shift;
    const at = offset + index;
    bytes[at] = (bytes[at]! & ~mask) | ((value - above * size) << shift);
    value = above;
    rest -= taken;
    used = 8;
  }
}

/** As readUnsigned or readSigned, for fields above 32 bits. Allocates. */
export function readWide(
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  bits: number,
  signed: boolean,
): bigint {
  const high = readUnsigned(bytes, offset, length, position, bits - LOW_BITS);
  const low = readUnsigned(bytes, offset, length, position + bits - LOW_BITS, LOW_BITS);
  const value = (BigInt(high) << LOW_BITS_WIDE) | BigInt(low);
  return signed ? BigInt.asIntN(bits, value) : value;
}

/** As writeNarrow, for fields above 32 bits. Allocates. */
export function writeWide(
  bytes: Uint8Array,
  offset: number,
  position: number,
  bits: number,
  value: bigint,
): void {
  const highBits = bits - LOW_BITS;
  writeNarrow(bytes, offset, position, highBits, Number(BigInt.asUintN(highBits, value >> LOW_BITS_WIDE)));
  writeNarrow(bytes, offset, position + highBits, LOW_BITS, Number(BigInt.asUintN(LOW_BITS, value)));
}

/**
 * What a field of `bits` (at most NARROW_BITS_MAX) holds after it is set to `wanted`, which may be out of its range; NaN if
 * that fails. `unsignedCast`: a negative number stands for a huge one, as where C converts it.
 */
export function fitNarrow(
  wanted: number,
  bits: number,
  signed: boolean,
  overflow: number,
  unsignedCast: boolean,
): number {
  const max = 2 ** (signed ? bits - 1 : bits) - 1;
  const min = signed ? -max - 1 : 0;
  if (wanted >= min && wanted <= max) return wanted;
  if (overflow === FAIL) return Number.NaN;
  if (overflow === SATURATE) return wanted > max || unsignedCast ? max : min;
  const modulus = 2 ** bits;
  const wrapped = wanted - Math.floor(wanted / modulus) * modulus;
  return wrapped > max ? wrapped - modulus : wrapped;
}

/**
 * What a field of any width holds after `value + increment` was put into it; undefined if that fails. `value` is the
 * field's own and within its range, or any int64 with an increment of 0. Allocates.
 *
 * The comparisons are Redis's, whose int64 arithmetic wraps: a value that lies further below the range than an int64 can tell counts
 * as above it.
 */
export function fitWide(
  value: bigint,
  increment: bigint,
  bits: number,
  signed: boolean,
  overflow: number,
): bigint | undefined {
  const from = signed ? value : BigInt.asUintN(64, value);
  const max = 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
  const min = signed ? -max - 1n : 0n;
  const isAbove = signed ? isAboveSigned(from, increment, bits, max) : isAboveUnsigned(from, increment, max);
  if (!isAbove && from + increment >= min) return from + increment;
  if (overflow === FAIL) return undefined;
  if (overflow === SATURATE) return isAbove ? max : min;
  const sum = from + increment;
  return signed ? BigInt.asIntN(bits, sum) : BigInt.asUintN(bits, sum);
}

function isAboveSigned(value: bigint, increment: bigint, bits: number, max: bigint): boolean {
  const most = BigInt.asIntN(64, max - value);
  if (value > max || (bits !== 64 && increment > most)) return true;
  return value >= 0n && increment > 0n && increment > most;
}

function isAboveUnsigned(value: bigint, increment: bigint, max: bigint): boolean {
  return value > max || (increment > 0n && increment > max - value);
}

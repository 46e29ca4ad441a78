/**
 * The arithmetic of INCRBYFLOAT and HINCRBYFLOAT: Redis's `long double` (x87, 64 bits of mantissa), exactly.
 *
 * Invariant: a LongDouble is ± mantissa × 2^exponent with a mantissa below 2^64 (an odd one, or zero), within the
 * range of the x87 format, subnormals included; or infinite. Every operation rounds once, half to even, as the
 * processor and the C library do, so sums agree with Redis digit by digit.
 *
 * JavaScript has no wider type than double, in which 0.1 + 0.2 is 0.30000000000000004; Redis answers 0.3. Exact
 * rationals in BigInt cost a few microseconds, which is little beside logging the result. Not a hot path.
 */
export interface LongDouble {
  readonly negative: boolean;
  /** Zero for both zeros; ignored if infinite. */
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly infinite: boolean;
}

/** The sum is NaN or infinite: Redis answers "increment would produce NaN or Infinity". */
export const NOT_FINITE = Symbol("not finite");

const MANTISSA_BITS = 64;
/** Weight of the last bit of the smallest subnormal. */
const EXPONENT_MIN = -16445;
/** Values of 2^16384 and more are infinite. */
const MAGNITUDE_BITS_MAX = 16384;
/** Digits after the point in Redis's text (`%.17Lf`). */
const FRACTION_DIGITS = 17;
/** Redis reads numbers of fewer bytes than this. */
const TEXT_LENGTH_MAX = 5 * 1024;
/** Decimal exponents beyond these are infinite or zero whatever the digits, which are fewer than TEXT_LENGTH_MAX. */
const DECIMAL_EXPONENT_MAX = 5000;

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/**
 * What Redis reads as a long double: C's `strtold` over the whole text without leading white space; decimal,
 * hexadecimal or infinite. Undefined for anything else, NaN, and for what overflows or vanishes to zero.
 */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length === 0 || text.length >= TEXT_LENGTH_MAX) return undefined;
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinity(infinite[1] === "-");
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) {
    const fraction = hexadecimal[3] ?? "";
    const digits = hexadecimal[2]! + fraction;
    if (digits === "") return undefined;
    const shift = Math.max(-1e6, Math.min(1e6, Number(hexadecimal[4] ?? 0)));
    const mantissa = BigInt(`0x${digits}`);
    return representable(
      roundBinary(hexadecimal[1] === "-", mantissa, shift - 4 * fraction.length),
      mantissa,
    );
  }
  const decimal = DECIMAL.exec(text);
  if (decimal === null) return undefined;
  const fraction = decimal[3] ?? "";
  const digits = decimal[2]! + fraction;
  if (digits === "") return undefined;
  return roundDecimal(decimal[1] === "-", BigInt(digits), Number(decimal[4] ?? 0) - fraction.length);
}

/** The rounded sum, or NOT_FINITE. */
export function addLongDouble(a: LongDouble, b: LongDouble): LongDouble | typeof NOT_FINITE {
  if (a.infinite || b.infinite) return NOT_FINITE;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = signedAt(a, exponent) + signedAt(b, exponent);
  if (sum === 0n) return { negative: a.negative && b.negative, mantissa: 0n, exponent: 0, infinite: false };
  const rounded = roundBinary(sum < 0n, sum < 0n ? -sum : sum, exponent);
  return rounded.infinite ? NOT_FINITE : rounded;
}

/** Redis's "human" text of a finite value: `%.17Lf` without trailing zeros, and 0 for -0. */
export function formatLongDouble(value: LongDouble): string {
  const scaled = value.mantissa * 10n ** BigInt(FRACTION_DIGITS);
  const units =
    value.exponent >= 0 ? scaled << BigInt(value.exponent) : shiftRightHalfEven(scaled, -value.exponent);
  if (units === 0n) return "0";
  const digits = units.toString().padStart(FRACTION_DIGITS + 1, "0");
  const whole = digits.slice(0, -FRACTION_DIGITS);
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, "");
  return `${value.negative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/**
 * `current` + `increment` in Redis's text. Undefined if either is not a valid float (callers that need to know
 * which one use `parseLongDouble`), NOT_FINITE if the sum is not a finite number.
 */
export function incrementByFloat(current: string, increment: string): string | undefined | typeof NOT_FINITE {
  const a = parseLongDouble(current);
  const b = parseLongDouble(increment);
  if (a === undefined || b === undefined) return undefined;
  const sum = addLongDouble(a, b);
  return sum === NOT_FINITE ? NOT_FINITE : formatLongDouble(sum);
}

function infinity(negative: boolean): LongDouble {
  return { negative, mantissa: 0n, exponent: 0, infinite: true };
}

/** digits × 10^exponent, rounded; undefined if it overflows or vanishes. */
function roundDecimal(negative: boolean, digits: bigint, exponent: number): LongDouble | undefined {
  if (digits === 0n) return { negative, mantissa: 0n, exponent: 0, infinite: false };
  if (exponent > DECIMAL_EXPONENT_MAX || exponent < -2 * DECIMAL_EXPONENT_MAX - TEXT_LENGTH_MAX)
    return undefined;
  if (exponent >= 0) return representable(roundBinary(negative, digits * 10n ** BigInt(exponent), 0), digits);
  const divisor = 10n ** BigInt(-exponent);
  // Enough quotient bits that those below the mantissa need only be known as zero or not: the sticky bit.
  const shift = Math.max(0, MANTISSA_BITS + 2 - bitLength(digits) + bitLength(divisor));
  const dividend = digits << BigInt(shift);
  const quotient = dividend / divisor;
  const sticky = quotient * divisor === dividend ? 0n : 1n;
  return representable(roundBinary(negative, (quotient << 1n) | sticky, -shift - 1), digits);
}

/** strtold's range errors, which Redis treats as invalid input. */
function representable(rounded: LongDouble, exact: bigint): LongDouble | undefined {
  if (rounded.infinite) return undefined;
  return rounded.mantissa === 0n && exact !== 0n ? undefined : rounded;
}

/** mantissa × 2^exponent (mantissa not negative), rounded half to even to what the x87 format holds. */
function roundBinary(negative: boolean, mantissa: bigint, exponent: number): LongDouble {
  const excess = Math.max(bitLength(mantissa) - MANTISSA_BITS, EXPONENT_MIN - exponent);
  if (excess > 0) {
    mantissa = shiftRightHalfEven(mantissa, excess);
    exponent += excess;
  }
  if (mantissa === 0n) return { negative, mantissa, exponent: 0, infinite: false };
  if (bitLength(mantissa) + exponent > MAGNITUDE_BITS_MAX) return infinity(negative);
  while ((mantissa & 1n) === 0n) {
    mantissa >>= 1n;
    exponent++;
  }
  return { negative, mantissa, exponent, infinite: false };
}

function shiftRightHalfEven(value: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  const cut = value >> shift;
  const rest = value - (cut << shift);
  const half = 1n << (shift - 1n);
  return rest > half || (rest === half && (cut & 1n) === 1n) ? cut + 1n : cut;
}

function signedAt(value: LongDouble, exponent: number): bigint {
  if (value.mantissa === 0n) return 0n;
  const magnitude = value.mantissa << BigInt(value.exponent - exponent);
  return value.negative ? -magnitude : magnitude;
}

function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const hexadecimal = value.toString(16);
  return hexadecimal.length * 4 - (Math.clz32(Number.parseInt(hexadecimal[0]!, 16)) - 28);
}

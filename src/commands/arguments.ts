/**
 * Arguments that many commands share: int64 values, expiry times, database numbers, cursors, and their errors.
 *
 * Invariants: a function that answers "invalid" (NaN, -1 or false) after an error reply says so; every other function
 * leaves the reply alone. Numbers that a double holds exactly are parsed without allocation; the rest of the
 * int64 range goes through BigInt, because only such arguments need it.
 */
import { latin1 } from "../base/bytes.ts";
import { type LongDouble, parseLongDouble } from "../value/long-double.ts";
import type { Context } from "./context.ts";

export const SYNTAX_ERROR = "ERR syntax error";
export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
export const NOT_AN_INTEGER_ERROR = "ERR value is not an integer or out of range";
export const NO_SUCH_KEY = "ERR no such key";
export const SAME_OBJECT = "ERR source and destination objects are the same";
export const STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

/**
 * The latest expiry kept, in milliseconds (the year 287396). Redis keeps any int64; a time beyond this one
 * means "never" to every clock, and is held as this one.
 */
export const EXPIRY_MS_MAX = Number.MAX_SAFE_INTEGER;

export const SECONDS = 1000;
export const MILLISECONDS = 1;

const INT64_MAX = 2n ** 63n - 1n;

/**
 * An int64 as a double: exact up to 2^53, rounded beyond, NaN if the text is not a canonical int64. For sizes,
 * offsets and counts, where everything beyond 2^53 means the same.
 */
export function approximateInt64(context: Context, index: number): number {
  const exact = context.integer(index);
  if (!Number.isNaN(exact)) return exact;
  const wide = context.integer64(index);
  return wide === undefined ? Number.NaN : Number(wide);
}

/** As approximateInt64, but NaN comes after the error reply. */
export function integerOrReply(context: Context, index: number): number {
  const value = approximateInt64(context, index);
  if (Number.isNaN(value)) context.reply.error(NOT_AN_INTEGER_ERROR);
  return value;
}

/** What `ExpiryArgument.read` answers. */
export const EXPIRY_READ = 0;
export const EXPIRY_NOT_AN_INTEGER = 1;
/** Where int64 arithmetic would overflow. */
export const EXPIRY_OVERFLOWS = 2;

/**
 * An expiry read from an argument: absolute milliseconds, clamped to ±EXPIRY_MS_MAX.
 *
 * An object that is used again and again, because a time is beyond V8's small integers: every function that
 * took or answered one could box it. So the only boxes are those of the calls into the keyspace and the log.
 */
export class ExpiryArgument {
  ms = Number.NaN;

  /** Argument `index` in units of `unitMs` (1 or 1000), counted from now if `relative`. */
  read(context: Context, index: number, unitMs: number, relative: boolean): number {
    const exact = context.integer(index);
    if (Number.isNaN(exact)) return this.#readWide(context, index, unitMs, relative);
    // At most 15 digits: neither the product nor the sum can leave int64.
    let ms = exact * unitMs;
    if (relative) ms += context.nowMs;
    if (ms > EXPIRY_MS_MAX) ms = EXPIRY_MS_MAX;
    else if (ms < -EXPIRY_MS_MAX) ms = -EXPIRY_MS_MAX;
    this.ms = ms;
    return EXPIRY_READ;
  }

  #readWide(context: Context, index: number, unitMs: number, relative: boolean): number {
    const wide = context.integer64(index);
    if (wide === undefined) return EXPIRY_NOT_AN_INTEGER;
    const unit = BigInt(unitMs);
    if (wide > INT64_MAX / unit || wide < (-INT64_MAX - 1n) / unit) return EXPIRY_OVERFLOWS;
    const base = relative ? BigInt(context.nowMs) : 0n;
    const scaled = wide * unit;
    if (scaled > INT64_MAX - base) return EXPIRY_OVERFLOWS;
    this.ms = Math.max(-EXPIRY_MS_MAX, Math.min(EXPIRY_MS_MAX, Number(scaled + base)));
    return EXPIRY_READ;
  }

  /** As `read`, for commands that demand a positive argument (SET, SETEX, GETEX); false after the error reply. */
  readPositiveOrReply(
    context: Context,
    index: number,
    unitMs: number,
    relative: boolean,
    command: string,
  ): boolean {
    const read = this.read(context, index, unitMs, relative);
    if (read === EXPIRY_READ && this.ms > (relative ? context.nowMs : 0)) return true;
    if (read === EXPIRY_NOT_AN_INTEGER) context.reply.error(NOT_AN_INTEGER_ERROR);
    else replyInvalidExpiry(context, command);
    return false;
  }
}

/** The one that all bodies use; its time is valid until the next one is read. */
export const expiryArgument = new ExpiryArgument();

export function replyInvalidExpiry(context: Context, command: string): void {
  context.reply.error(`ERR invalid expire time in '${command}' command`);
}

/** A logical database number; -1 after the error reply. */
export function databaseOrReply(context: Context, index: number): number {
  const value = integerOrReply(context, index);
  if (Number.isNaN(value)) return -1;
  if (value < -2147483648 || value > 2147483647) {
    context.reply.error("ERR value is out of range, value must between -2147483648 and 2147483647");
    return -1;
  }
  if (value >= 0 && value < context.keyspace.databases) return value;
  context.reply.error("ERR DB index is out of range");
  return -1;
}

/**
 * A cursor of the SCAN family, read as Redis reads it (C's strtoul on the whole text); -1 after the error
 * reply. Values that no scan ever answered are harmless, so those beyond 2^53 are rounded.
 */
export function cursorOrReply(context: Context, index: number): number {
  const text = latin1(context.bytes, context.offset(index), context.length(index));
  const match = /^([+-]?)([0-9]*)$/.exec(text);
  const digits = match === null || (match[1] !== "" && match[2] === "") ? undefined : match[2];
  const value = digits === undefined ? undefined : BigInt(digits === "" ? "0" : digits);
  if (value === undefined || value >= 2n ** 64n) {
    context.reply.error("ERR invalid cursor");
    return -1;
  }
  // strtoul takes a minus sign and answers the complement; such a cursor lies behind every scan's end.
  if (match?.[1] === "-" && value > 0n) return Number.MAX_SAFE_INTEGER;
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

/** Replies with the arity error that the dispatcher gives, for commands whose arity depends on more than a count. */
export function replyWrongArity(context: Context, command: string): void {
  context.reply.error(`ERR wrong number of arguments for '${command}' command`);
}

/** True if arguments `a` and `b` are the same bytes. */
export function sameArgument(context: Context, a: number, b: number): boolean {
  const length = context.length(a);
  if (length !== context.length(b)) return false;
  const bytes = context.bytes;
  const aOffset = context.offset(a);
  const bOffset = context.offset(b);
  for (let i = 0; i < length; i++) if (bytes[aOffset + i] !== bytes[bOffset + i]) return false;
  return true;
}

/** From here on a number of milliseconds is no int64. */
const INT64_BOUND = 2 ** 63;

/**
 * The time-out of a blocking command: seconds, with a fraction; answered in whole milliseconds, rounded up, 0 for
 * "for ever". NaN after the error reply. Redis 7.0 answers "is negative" for what is out of range; 7.2 is followed.
 */
export function timeoutOrReply(context: Context, index: number): number {
  const seconds = parseLongDouble(context.text(index));
  if (seconds === undefined) {
    context.reply.error("ERR timeout is not a float or out of range");
    return Number.NaN;
  }
  const ms = millisecondsUp(seconds);
  if (ms < 0) context.reply.error("ERR timeout is negative");
  else if (ms >= INT64_BOUND - context.nowMs) context.reply.error("ERR timeout is out of range");
  else return ms;
  return Number.NaN;
}

function millisecondsUp(seconds: LongDouble): number {
  if (seconds.infinite) return seconds.negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const magnitude = Number(seconds.mantissa) * 2 ** seconds.exponent * 1000;
  if (seconds.negative) return magnitude < 1 ? 0 : -Math.floor(magnitude);
  // What is too small for a double is still some time, where 0 would mean "for ever".
  return magnitude === 0 && seconds.mantissa > 0n ? 1 : Math.ceil(magnitude);
}

const OUT_OF_INT64_RANGE = `ERR value is out of range, value must between ${-INT64_MAX} and ${INT64_MAX}`;

/**
 * How many elements by chance, negative for ones that may repeat: an int64 but its lowest, which has no opposite; NaN after
 * the error reply.
 */
export function randomCountOrReply(context: Context, index: number): number {
  const exact = context.integer(index);
  if (!Number.isNaN(exact)) return exact;
  const wide = context.integer64(index);
  if (wide !== undefined && wide >= -INT64_MAX) return Number(wide);
  context.reply.error(wide === undefined ? NOT_AN_INTEGER_ERROR : OUT_OF_INT64_RANGE);
  return Number.NaN;
}

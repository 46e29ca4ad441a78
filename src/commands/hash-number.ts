/**
 * Fields as numbers: HINCRBY over int64, and HINCRBYFLOAT.
 *
 * Invariants: a field keeps its own time; an overflow or a value that is no number changes nothing.
 *
 * Hot-path file: values and increments of at most 15 digits are added as doubles, which is exact, and nothing is
 * allocated. The rest of int64 goes through BigInt, where exactness matters more than speed.
 */
import { fromLatin1, latin1, parseInt64, parseInteger, writeInteger } from "../base/bytes.ts";
import { NO_EXPIRY } from "../engine/keyspace.ts";
import { addLongDouble, formatLongDouble, NOT_FINITE, parseLongDouble } from "../value/long-double.ts";
import { NOT_AN_INTEGER_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { finishSet } from "./hash-set.ts";
import { FIELD_ARGUMENT, WRITES } from "./hash-specs.ts";
import { HASH_KEY } from "./hash-view.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import type { CommandSpec } from "./spec.ts";

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const FIELD = 2;
/** Above the 5 KiB that a float's text may have: longer ones stay too long when they are cut here. */
const FLOAT_TEXT_BYTES_READ = 8192;
const ZERO = { negative: false, mantissa: 0n, exponent: 0, infinite: false } as const;

/** Where results are printed before `set` copies them. */
const digits = new Uint8Array(32);

function hincrBy(context: Context): void {
  const { hash } = context;
  const increment = context.integer(3);
  if (Number.isNaN(increment)) {
    incrementWide(context);
    return;
  }
  if (!hash.openToChange()) return;
  const found = hash.findArgument(FIELD);
  const current = found ? parseInteger(hash.bytes, hash.valueOffset, hash.valueLength) : 0;
  if (Number.isNaN(current)) {
    addWide(context, found, BigInt(increment));
    return;
  }
  const sum = current + increment;
  setNumber(context, found, digits, writeInteger(digits, 0, sum), "hincrby");
  context.effects.verbatim();
  context.reply.integer(sum);
}

function incrementWide(context: Context): void {
  const { hash } = context;
  const increment = context.integer64(3);
  if (increment === undefined) {
    context.reply.error(NOT_AN_INTEGER_ERROR);
    return;
  }
  if (hash.openToChange()) addWide(context, hash.findArgument(FIELD), increment);
}

/** The general case: any int64 plus any int64. The field was looked for. */
function addWide(context: Context, found: boolean, increment: bigint): void {
  const { hash } = context;
  const current = found ? parseInt64(hash.bytes, hash.valueOffset, hash.valueLength) : 0n;
  if (current === undefined) {
    context.reply.error("ERR hash value is not an integer");
    return;
  }
  const sum = current + increment;
  if (sum < INT64_MIN || sum > INT64_MAX) {
    context.reply.error("ERR increment or decrement would overflow");
    return;
  }
  const text = fromLatin1(sum.toString());
  setNumber(context, found, text, text.length, "hincrby");
  context.effects.verbatim();
  context.reply.integerBig(sum);
}

function hincrByFloat(context: Context): void {
  const { hash, reply } = context;
  const length = Math.min(context.length(3), FLOAT_TEXT_BYTES_READ);
  const increment = parseLongDouble(latin1(context.bytes, context.offset(3), length));
  if (increment === undefined) {
    reply.error("ERR value is not a valid float");
    return;
  }
  if (increment.infinite) {
    reply.error("ERR value is NaN or Infinity");
    return;
  }
  if (!hash.openToChange()) return;
  const found = hash.findArgument(FIELD);
  const current = found
    ? parseLongDouble(latin1(hash.bytes, hash.valueOffset, Math.min(hash.valueLength, FLOAT_TEXT_BYTES_READ)))
    : ZERO;
  if (current === undefined) {
    reply.error("ERR hash value is not a float");
    return;
  }
  const sum = addLongDouble(current, increment);
  if (sum === NOT_FINITE) {
    reply.error("ERR increment would produce NaN or Infinity");
    return;
  }
  const text = fromLatin1(formatLongDouble(sum));
  const expiryMs = found ? hash.expiryMs : NO_EXPIRY;
  setNumber(context, found, text, text.length, "hincrbyfloat");
  logResult(context, text, expiryMs);
  reply.bulk(text, 0, text.length);
}

/** Gives the field, which was found or not, the text as its value. It keeps its time. */
function setNumber(context: Context, found: boolean, text: Uint8Array, length: number, event: string): void {
  const { bytes, hash } = context;
  const isNew = hash.isAbsent;
  if (!found || !hash.overwrite(text, 0, length)) {
    const expiryMs = found ? hash.expiryMs : NO_EXPIRY;
    hash.set(bytes, context.offset(FIELD), context.length(FIELD), text, 0, length, expiryMs);
  }
  finishSet(context, isNew, event);
}

/** The sum is logged, not the sum's terms: another machine's long double may round differently. */
function logResult(context: Context, text: Uint8Array, expiryMs: number): void {
  const { effects } = context;
  const expires = expiryMs !== NO_EXPIRY;
  if (expires) effects.beginUnit();
  effects.begin(context.db, 4);
  effects.argumentText("HSET");
  effects.requestArgument(HASH_KEY);
  effects.requestArgument(FIELD);
  effects.argument(text, 0, text.length);
  effects.end();
  if (!expires) return;
  // HSET has taken the field's time away.
  effects.begin(context.db, 6);
  effects.argumentText("HPEXPIREAT");
  effects.requestArgument(HASH_KEY);
  effects.argumentInteger(expiryMs);
  effects.argumentText("FIELDS");
  effects.argumentText("1");
  effects.requestArgument(FIELD);
  effects.end();
  effects.endUnit();
}

const COMMON = {
  arity: 4,
  flags: WRITES,
  group: "hash",
  keys: oneKey("value", "RW", "access", "update"),
  docs: () => ({
    complexity: "O(1)",
  }),
} as const;

export const hashNumberCommands: readonly CommandSpec[] = [
  {
    ...COMMON,
    name: "hincrby",
    docs: () => ({
      ...COMMON.docs(),
      since: "2.0.0",
      summary: "Increment the integer value of a hash field by the given number",
      arguments: [KEY_ARGUMENT, FIELD_ARGUMENT, { name: "increment", type: "integer" }],
    }),
    execute: hincrBy,
  },
  {
    ...COMMON,
    name: "hincrbyfloat",
    docs: () => ({
      ...COMMON.docs(),
      since: "2.6.0",
      summary: "Increment the float value of a hash field by the given amount",
      arguments: [KEY_ARGUMENT, FIELD_ARGUMENT, { name: "increment", type: "double" }],
    }),
    execute: hincrByFloat,
  },
];

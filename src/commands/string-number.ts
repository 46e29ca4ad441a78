/**
 * Strings as numbers: INCR, DECR, INCRBY, DECRBY over int64, and INCRBYFLOAT.
 *
 * Invariants: the key keeps its expiry; an overflow or a value that is no number changes nothing.
 *
 * Hot-path file: values and increments of at most 15 digits are added as doubles, which is exact, and nothing is
 * allocated. The rest of int64 goes through BigInt, where exactness matters more than speed.
 */
import { assert } from "../base/assert.ts";
import { fromLatin1, latin1, parseInt64, parseInteger, writeInteger } from "../base/bytes.ts";
import { NO_EXPIRY, TYPE_STRING } from "../engine/keyspace.ts";
import { incrementByFloat, NOT_FINITE } from "../value/long-double.ts";
import { STRING_PLAIN, STRING_TEXT } from "../value/string.ts";
import { NOT_AN_INTEGER_ERROR, WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { NOTIFY_NEW, NOTIFY_STRING } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Above the 5 KiB that a float's text may have. */
const FLOAT_TEXT_BYTES_READ = 8192;

/** Where results are printed before `put` copies them. */
const digits = new Uint8Array(32);

function incr(context: Context): void {
  incrementBy(context, 1);
}

function decr(context: Context): void {
  incrementBy(context, -1);
}

function incrBy(context: Context): void {
  const increment = context.integer(2);
  if (!Number.isNaN(increment)) incrementBy(context, increment);
  else incrementByWideArgument(context, false);
}

function decrBy(context: Context): void {
  const decrement = context.integer(2);
  if (!Number.isNaN(decrement)) incrementBy(context, -decrement);
  else incrementByWideArgument(context, true);
}

/** `increment` has at most 15 digits. */
function incrementBy(context: Context, increment: number): void {
  const keyspace = context.keyspace;
  let sum = increment;
  let expiryMs = NO_EXPIRY;
  const found = context.findForWrite(1);
  if (found) {
    if (keyspace.type !== TYPE_STRING) {
      context.reply.error(WRONG_TYPE);
      return;
    }
    const current = parseInteger(keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength);
    if (Number.isNaN(current)) {
      incrementWide(context, BigInt(increment));
      return;
    }
    sum += current;
    expiryMs = keyspace.expiryMs;
  }
  // -0 is what DECRBY 0 makes of an absent key; it has to read and print as 0.
  sum += 0;
  putText(context, STRING_PLAIN, digits, writeInteger(digits, 0, sum), expiryMs);
  context.effects.verbatim();
  tell(context, found, "incrby");
  context.reply.integer(sum);
}

function incrementByWideArgument(context: Context, negated: boolean): void {
  const argument = context.integer64(2);
  if (argument === undefined) {
    context.reply.error(NOT_AN_INTEGER_ERROR);
    return;
  }
  if (negated && argument === INT64_MIN) {
    context.reply.error("ERR decrement would overflow");
    return;
  }
  if (context.findForWrite(1) && context.keyspace.type !== TYPE_STRING) context.reply.error(WRONG_TYPE);
  else incrementWide(context, negated ? -argument : argument);
}

/** The general case: any int64 plus any int64. */
function incrementWide(context: Context, increment: bigint): void {
  const keyspace = context.keyspace;
  let current: bigint | undefined = 0n;
  let expiryMs = NO_EXPIRY;
  const found = context.findForWrite(1);
  if (found) {
    current = parseInt64(keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength);
    expiryMs = keyspace.expiryMs;
  }
  if (current === undefined) {
    context.reply.error(NOT_AN_INTEGER_ERROR);
    return;
  }
  const sum = current + increment;
  if (sum < INT64_MIN || sum > INT64_MAX) {
    context.reply.error("ERR increment or decrement would overflow");
    return;
  }
  const text = fromLatin1(sum.toString());
  putText(context, STRING_PLAIN, text, text.length, expiryMs);
  context.effects.verbatim();
  tell(context, found, "incrby");
  context.reply.integerBig(sum);
}

function incrByFloat(context: Context): void {
  const { keyspace, reply } = context;
  let current = "0";
  let expiryMs = NO_EXPIRY;
  const found = context.findForWrite(1);
  if (found) {
    if (keyspace.type !== TYPE_STRING) {
      reply.error(WRONG_TYPE);
      return;
    }
    current = latin1(keyspace.valueBytes, keyspace.valueOffset, floatTextLength(keyspace.valueLength));
    expiryMs = keyspace.expiryMs;
  }
  const increment = latin1(context.bytes, context.offset(2), floatTextLength(context.length(2)));
  const sum = incrementByFloat(current, increment);
  if (sum === undefined) {
    reply.error("ERR value is not a valid float");
    return;
  }
  if (sum === NOT_FINITE) {
    reply.error("ERR increment would produce NaN or Infinity");
    return;
  }
  const text = fromLatin1(sum);
  putText(context, STRING_TEXT, text, text.length, expiryMs);
  logResult(context, text);
  tell(context, found, "incrbyfloat");
  reply.bulk(text, 0, text.length);
}

function tell(context: Context, existed: boolean, event: string): void {
  if (!existed) context.notify(NOTIFY_NEW, "new", 1);
  context.notify(NOTIFY_STRING, event, 1);
}

/** A text that is too long for a float stays too long when it is cut here, and a huge one makes no huge string. */
function floatTextLength(length: number): number {
  return Math.min(length, FLOAT_TEXT_BYTES_READ);
}

/** The sum is logged, not the sum's terms: another machine's long double may round differently. */
function logResult(context: Context, text: Uint8Array): void {
  const effects = context.effects;
  effects.begin(context.db, 4);
  effects.argumentText("SET");
  effects.requestArgument(1);
  effects.argument(text, 0, text.length);
  effects.argumentText("KEEPTTL");
  effects.end();
}

function putText(
  context: Context,
  encoding: number,
  text: Uint8Array,
  length: number,
  expiryMs: number,
): void {
  assert(length > 0 && length <= text.length, "a number's text has at least one digit");
  context.keyspace.put(
    context.db,
    context.bytes,
    context.offset(1),
    context.length(1),
    TYPE_STRING,
    encoding,
    text,
    0,
    length,
    expiryMs,
  );
}

const COMMON = {
  flags: ["write", "denyoom", "fast"],
  group: "string",
  keys: oneKey("value", "RW", "access", "update"),
  docs: () => ({
    complexity: "O(1)",
  }),
} as const;

export const stringNumberCommands: readonly CommandSpec[] = [
  {
    ...COMMON,
    name: "decr",
    arity: 2,
    docs: () => ({
      ...COMMON.docs(),
      since: "1.0.0",
      summary: "Decrement the integer value of a key by one",
      arguments: [KEY_ARGUMENT],
    }),
    execute: decr,
  },
  {
    ...COMMON,
    name: "decrby",
    arity: 3,
    docs: () => ({
      ...COMMON.docs(),
      since: "1.0.0",
      summary: "Decrement the integer value of a key by the given number",
      arguments: [KEY_ARGUMENT, { name: "decrement", type: "integer" }],
    }),
    execute: decrBy,
  },
  {
    ...COMMON,
    name: "incr",
    arity: 2,
    docs: () => ({
      ...COMMON.docs(),
      since: "1.0.0",
      summary: "Increment the integer value of a key by one",
      arguments: [KEY_ARGUMENT],
    }),
    execute: incr,
  },
  {
    ...COMMON,
    name: "incrby",
    arity: 3,
    docs: () => ({
      ...COMMON.docs(),
      since: "1.0.0",
      summary: "Increment the integer value of a key by the given amount",
      arguments: [KEY_ARGUMENT, { name: "increment", type: "integer" }],
    }),
    execute: incrBy,
  },
  {
    ...COMMON,
    name: "incrbyfloat",
    arity: 3,
    docs: () => ({
      ...COMMON.docs(),
      since: "2.6.0",
      summary: "Increment the float value of a key by the given amount",
      arguments: [KEY_ARGUMENT, { name: "increment", type: "double" }],
    }),
    execute: incrByFloat,
  },
];

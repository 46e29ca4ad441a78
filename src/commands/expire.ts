/**
 * Expiry of keys: EXPIRE and its three siblings, TTL, PTTL, EXPIRETIME, PEXPIRETIME, PERSIST.
 *
 * Invariants: times are kept and logged absolute, in milliseconds; a time that is not in the future deletes the
 * key and logs DEL, except in replay, where the log itself holds the DEL that removed the key.
 *
 * Hot-path file: nothing here allocates unless an argument has more than 15 digits or is wrong.
 */
import { NO_EXPIRY } from "../engine/keyspace.ts";
import {
  absoluteExpiry,
  EXPIRY_OVERFLOWS,
  MILLISECONDS,
  NOT_AN_INTEGER_ERROR,
  replyInvalidExpiry,
  SECONDS,
} from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

/** Sets the expiry of the present key in argument `index`, or deletes it if the time has passed; logs either. */
export function expireAt(context: Context, index: number, expiryMs: number): void {
  const { keyspace, effects } = context;
  if (expiryMs <= context.nowMs && keyspace.expireOnAccess) {
    context.remove(index);
    logDelete(context, index);
    return;
  }
  const ms = expiryMs < 0 ? 0 : expiryMs;
  keyspace.setExpiry(context.db, context.bytes, context.offset(index), context.length(index), ms);
  effects.begin(context.db, 3);
  effects.argumentText("PEXPIREAT");
  effects.requestArgument(index);
  effects.argumentInteger(ms);
  effects.end();
}

/** `DEL key`, the key being argument `index`. */
export function logDelete(context: Context, index: number): void {
  const effects = context.effects;
  effects.begin(context.db, 2);
  effects.argumentText("DEL");
  effects.requestArgument(index);
  effects.end();
}

const CONDITION_NX = 1;
const CONDITION_XX = 2;
const CONDITION_GT = 4;
const CONDITION_LT = 8;

function expire(context: Context): void {
  expireBy(context, SECONDS, context.nowMs, "expire");
}

function pexpire(context: Context): void {
  expireBy(context, MILLISECONDS, context.nowMs, "pexpire");
}

function expireAtSeconds(context: Context): void {
  expireBy(context, SECONDS, 0, "expireat");
}

function pexpireAt(context: Context): void {
  expireBy(context, MILLISECONDS, 0, "pexpireat");
}

function expireBy(context: Context, unitMs: number, baseMs: number, command: string): void {
  const conditions = context.argc === 3 ? 0 : conditionsOrReply(context);
  if (conditions < 0) return;
  const expiryMs = absoluteExpiry(context, 2, unitMs, baseMs);
  if (Number.isNaN(expiryMs)) {
    context.reply.error(NOT_AN_INTEGER_ERROR);
    return;
  }
  if (expiryMs === EXPIRY_OVERFLOWS) {
    replyInvalidExpiry(context, command);
    return;
  }
  if (!context.findForWrite(1) || !isAllowed(conditions, context.keyspace.expiryMs, expiryMs)) {
    context.reply.integer(0);
    return;
  }
  expireAt(context, 1, expiryMs);
  context.reply.integer(1);
}

/** The bits of NX, XX, GT and LT from argument 3 on; -1 after the error reply. */
function conditionsOrReply(context: Context): number {
  let conditions = 0;
  for (let index = 3; index < context.argc; index++) {
    if (context.is(index, "nx")) conditions |= CONDITION_NX;
    else if (context.is(index, "xx")) conditions |= CONDITION_XX;
    else if (context.is(index, "gt")) conditions |= CONDITION_GT;
    else if (context.is(index, "lt")) conditions |= CONDITION_LT;
    else {
      // Redis prints the option as a C string: up to its first zero byte.
      context.reply.error(`ERR Unsupported option ${context.text(index).replace(/\0.*$/s, "")}`);
      return -1;
    }
  }
  if ((conditions & CONDITION_NX) !== 0 && conditions !== CONDITION_NX) {
    context.reply.error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return -1;
  }
  if ((conditions & CONDITION_GT) !== 0 && (conditions & CONDITION_LT) !== 0) {
    context.reply.error("ERR GT and LT options at the same time are not compatible");
    return -1;
  }
  return conditions;
}

/** A key without an expiry counts as one that expires after every time. */
function isAllowed(conditions: number, currentMs: number, expiryMs: number): boolean {
  if (conditions === 0) return true;
  const persistent = currentMs === NO_EXPIRY;
  if ((conditions & CONDITION_NX) !== 0 && !persistent) return false;
  if ((conditions & CONDITION_XX) !== 0 && persistent) return false;
  if ((conditions & CONDITION_GT) !== 0 && (persistent || expiryMs <= currentMs)) return false;
  return (conditions & CONDITION_LT) === 0 || persistent || expiryMs < currentMs;
}

function persist(context: Context): void {
  if (!context.findForWrite(1) || context.keyspace.expiryMs === NO_EXPIRY) {
    context.reply.integer(0);
    return;
  }
  context.keyspace.setExpiry(context.db, context.bytes, context.offset(1), context.length(1), NO_EXPIRY);
  context.effects.verbatim();
  context.reply.integer(1);
}

function ttl(context: Context): void {
  const ms = expiryOrReply(context);
  if (ms >= 0) context.reply.integer(toSeconds(remaining(ms, context.nowMs)));
}

function pttl(context: Context): void {
  const ms = expiryOrReply(context);
  if (ms >= 0) context.reply.integer(remaining(ms, context.nowMs));
}

function expireTime(context: Context): void {
  const ms = expiryOrReply(context);
  if (ms >= 0) context.reply.integer(toSeconds(ms));
}

function pexpireTime(context: Context): void {
  const ms = expiryOrReply(context);
  if (ms >= 0) context.reply.integer(ms);
}

/** The key's expiry; -1 after the reply (-2 for an absent key, -1 for one that does not expire). */
function expiryOrReply(context: Context): number {
  if (!context.peek(1)) {
    context.reply.integer(-2);
    return -1;
  }
  const ms = context.keyspace.expiryMs;
  if (ms !== NO_EXPIRY) return ms;
  context.reply.integer(-1);
  return -1;
}

function remaining(expiryMs: number, nowMs: number): number {
  return expiryMs > nowMs ? expiryMs - nowMs : 0;
}

/** To the nearest second, as Redis. */
function toSeconds(ms: number): number {
  return Math.floor((ms + 500) / 1000);
}

const CONDITIONS: ArgumentDoc = {
  name: "condition",
  type: "oneof",
  since: "7.0.0",
  optional: true,
  arguments: [
    { name: "nx", type: "pure-token", token: "NX" },
    { name: "xx", type: "pure-token", token: "XX" },
    { name: "gt", type: "pure-token", token: "GT" },
    { name: "lt", type: "pure-token", token: "LT" },
  ],
};

const EXPIRE_COMMON = {
  arity: -3,
  flags: ["write", "fast"],
  group: "generic",
  complexity: "O(1)",
  keys: oneKey("meta", "RW", "update"),
  history: [["7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."]],
} as const;

const TTL_COMMON = {
  arity: 2,
  flags: ["readonly", "fast"],
  group: "generic",
  complexity: "O(1)",
  keys: oneKey("meta", "RO", "access"),
  arguments: [KEY_ARGUMENT],
} as const;

export const expireCommands: readonly CommandSpec[] = [
  {
    ...EXPIRE_COMMON,
    name: "expire",
    since: "1.0.0",
    summary: "Set a key's time to live in seconds",
    arguments: [KEY_ARGUMENT, { name: "seconds", type: "integer" }, CONDITIONS],
    execute: expire,
  },
  {
    ...EXPIRE_COMMON,
    name: "expireat",
    since: "1.2.0",
    summary: "Set the expiration for a key as a UNIX timestamp",
    arguments: [KEY_ARGUMENT, { name: "unix-time-seconds", type: "unix-time" }, CONDITIONS],
    execute: expireAtSeconds,
  },
  {
    ...TTL_COMMON,
    name: "expiretime",
    since: "7.0.0",
    summary: "Get the expiration Unix timestamp for a key",
    execute: expireTime,
  },
  {
    name: "persist",
    arity: 2,
    flags: ["write", "fast"],
    group: "generic",
    since: "2.2.0",
    summary: "Remove the expiration from a key",
    complexity: "O(1)",
    keys: oneKey("meta", "RW", "update"),
    arguments: [KEY_ARGUMENT],
    execute: persist,
  },
  {
    ...EXPIRE_COMMON,
    name: "pexpire",
    since: "2.6.0",
    summary: "Set a key's time to live in milliseconds",
    arguments: [KEY_ARGUMENT, { name: "milliseconds", type: "integer" }, CONDITIONS],
    execute: pexpire,
  },
  {
    ...EXPIRE_COMMON,
    name: "pexpireat",
    since: "2.6.0",
    summary: "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
    arguments: [KEY_ARGUMENT, { name: "unix-time-milliseconds", type: "unix-time" }, CONDITIONS],
    execute: pexpireAt,
  },
  {
    ...TTL_COMMON,
    name: "pexpiretime",
    since: "7.0.0",
    summary: "Get the expiration Unix timestamp for a key in milliseconds",
    execute: pexpireTime,
  },
  {
    ...TTL_COMMON,
    name: "pttl",
    since: "2.6.0",
    summary: "Get the time to live for a key in milliseconds",
    tips: ["nondeterministic_output"],
    history: [["2.8.0", "Added the -2 reply."]],
    execute: pttl,
  },
  {
    ...TTL_COMMON,
    name: "ttl",
    since: "1.0.0",
    summary: "Get the time to live for a key in seconds",
    tips: ["nondeterministic_output"],
    history: [["2.8.0", "Added the -2 reply."]],
    execute: ttl,
  },
];

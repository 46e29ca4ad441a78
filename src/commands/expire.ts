/**
 * Expiry of keys: EXPIRE and its three siblings, TTL, PTTL, EXPIRETIME, PEXPIRETIME, PERSIST.
 *
 * Invariants: times are kept and logged absolute, in milliseconds; a time that is not in the future deletes the
 * key and logs DEL, except in replay, where the log itself holds the DEL that removed the key.
 *
 * Hot-path file: times stay in `expiryArgument` and in the view; nothing is allocated but the box that V8 may put
 * around a time that is handed to the keyspace. The BigInt path is for arguments of more than 15 digits.
 */
import { NO_EXPIRY } from "../engine/keyspace.ts";
import {
  EXPIRY_NOT_AN_INTEGER,
  EXPIRY_READ,
  type ExpiryArgument,
  expiryArgument,
  MILLISECONDS,
  NOT_AN_INTEGER_ERROR,
  replyInvalidExpiry,
  SECONDS,
} from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { NOTIFY_GENERIC, NOTIFY_KEY_MISS } from "./notify-events.ts";
import type { ArgumentDoc, CommandDocs, CommandSpec } from "./spec.ts";

/** Gives the present key in argument `index` this expiry, or deletes it if the time has passed; logs either. */
export function expireAt(context: Context, index: number, expiry: ExpiryArgument): void {
  const { keyspace, effects } = context;
  if (expiry.ms <= context.nowMs) {
    if (keyspace.expireOnAccess) {
      context.remove(index);
      logDelete(context, index);
      context.notify(NOTIFY_GENERIC, "del", index);
      return;
    }
    if (expiry.ms < 0) expiry.ms = 0;
  }
  keyspace.setExpiry(context.db, context.bytes, context.offset(index), context.length(index), expiry.ms);
  effects.begin(context.db, 3);
  effects.argumentText("PEXPIREAT");
  effects.requestArgument(index);
  effects.argumentInteger(expiry.ms);
  effects.end();
  context.notify(NOTIFY_GENERIC, "expire", index);
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
  expireBy(context, SECONDS, true, "expire");
}

function pexpire(context: Context): void {
  expireBy(context, MILLISECONDS, true, "pexpire");
}

function expireAtSeconds(context: Context): void {
  expireBy(context, SECONDS, false, "expireat");
}

function pexpireAt(context: Context): void {
  expireBy(context, MILLISECONDS, false, "pexpireat");
}

function expireBy(context: Context, unitMs: number, relative: boolean, command: string): void {
  const conditions = context.argc === 3 ? 0 : conditionsOrReply(context);
  if (conditions < 0) return;
  const read = expiryArgument.read(context, 2, unitMs, relative);
  if (read !== EXPIRY_READ) {
    if (read === EXPIRY_NOT_AN_INTEGER) context.reply.error(NOT_AN_INTEGER_ERROR);
    else replyInvalidExpiry(context, command);
    return;
  }
  if (!context.findForWrite(1) || (conditions !== 0 && !isAllowed(context, conditions))) {
    context.reply.integer(0);
    return;
  }
  expireAt(context, 1, expiryArgument);
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

/** May the key under the view get the time in `expiryArgument`? One without an expiry counts as expiring last. */
function isAllowed(context: Context, conditions: number): boolean {
  const currentMs = context.keyspace.expiryMs;
  const expiryMs = expiryArgument.ms;
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
  context.notify(NOTIFY_GENERIC, "persist", 1);
  context.reply.integer(1);
}

function ttl(context: Context): void {
  if (hasExpiryOrReply(context)) context.reply.integer(toSeconds(remainingMs(context)));
}

function pttl(context: Context): void {
  if (hasExpiryOrReply(context)) context.reply.integer(remainingMs(context));
}

function expireTime(context: Context): void {
  if (hasExpiryOrReply(context)) context.reply.integer(toSeconds(context.keyspace.expiryMs));
}

function pexpireTime(context: Context): void {
  if (hasExpiryOrReply(context)) context.reply.integer(context.keyspace.expiryMs);
}

/** Places the view on a key that expires; false after the reply (-2: no such key, -1: it does not expire). */
function hasExpiryOrReply(context: Context): boolean {
  if (!context.peek(1)) {
    context.notify(NOTIFY_KEY_MISS, "keymiss", 1);
    context.reply.integer(-2);
    return false;
  }
  if (context.keyspace.expiryMs !== NO_EXPIRY) return true;
  context.reply.integer(-1);
  return false;
}

function remainingMs(context: Context): number {
  const ms = context.keyspace.expiryMs - context.nowMs;
  return ms > 0 ? ms : 0;
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
  keys: oneKey("meta", "RW", "update"),
  docs: (): Pick<CommandDocs, "complexity" | "history"> => ({
    complexity: "O(1)",
    history: [["7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."]],
  }),
} as const;

const TTL_COMMON = {
  arity: 2,
  flags: ["readonly", "fast"],
  group: "generic",
  keys: oneKey("meta", "RO", "access"),
  docs: () => ({
    complexity: "O(1)",
    arguments: [KEY_ARGUMENT],
  }),
} as const;

export const expireCommands: readonly CommandSpec[] = [
  {
    ...EXPIRE_COMMON,
    name: "expire",
    docs: () => ({
      ...EXPIRE_COMMON.docs(),
      since: "1.0.0",
      summary: "Set a key's time to live in seconds",
      arguments: [KEY_ARGUMENT, { name: "seconds", type: "integer" }, CONDITIONS],
    }),
    execute: expire,
  },
  {
    ...EXPIRE_COMMON,
    name: "expireat",
    docs: () => ({
      ...EXPIRE_COMMON.docs(),
      since: "1.2.0",
      summary: "Set the expiration for a key as a UNIX timestamp",
      arguments: [KEY_ARGUMENT, { name: "unix-time-seconds", type: "unix-time" }, CONDITIONS],
    }),
    execute: expireAtSeconds,
  },
  {
    ...TTL_COMMON,
    name: "expiretime",
    docs: () => ({
      ...TTL_COMMON.docs(),
      since: "7.0.0",
      summary: "Get the expiration Unix timestamp for a key",
    }),
    execute: expireTime,
  },
  {
    name: "persist",
    arity: 2,
    flags: ["write", "fast"],
    group: "generic",
    keys: oneKey("meta", "RW", "update"),
    docs: () => ({
      since: "2.2.0",
      summary: "Remove the expiration from a key",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT],
    }),
    execute: persist,
  },
  {
    ...EXPIRE_COMMON,
    name: "pexpire",
    docs: () => ({
      ...EXPIRE_COMMON.docs(),
      since: "2.6.0",
      summary: "Set a key's time to live in milliseconds",
      arguments: [KEY_ARGUMENT, { name: "milliseconds", type: "integer" }, CONDITIONS],
    }),
    execute: pexpire,
  },
  {
    ...EXPIRE_COMMON,
    name: "pexpireat",
    docs: () => ({
      ...EXPIRE_COMMON.docs(),
      since: "2.6.0",
      summary: "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
      arguments: [KEY_ARGUMENT, { name: "unix-time-milliseconds", type: "unix-time" }, CONDITIONS],
    }),
    execute: pexpireAt,
  },
  {
    ...TTL_COMMON,
    name: "pexpiretime",
    docs: () => ({
      ...TTL_COMMON.docs(),
      since: "7.0.0",
      summary: "Get the expiration Unix timestamp for a key in milliseconds",
    }),
    execute: pexpireTime,
  },
  {
    ...TTL_COMMON,
    name: "pttl",
    docs: () => ({
      ...TTL_COMMON.docs(),
      since: "2.6.0",
      summary: "Get the time to live for a key in milliseconds",
      tips: ["nondeterministic_output"],
      history: [["2.8.0", "Added the -2 reply."]],
    }),
    execute: pttl,
  },
  {
    ...TTL_COMMON,
    name: "ttl",
    docs: () => ({
      ...TTL_COMMON.docs(),
      since: "1.0.0",
      summary: "Get the time to live for a key in seconds",
      tips: ["nondeterministic_output"],
      history: [["2.8.0", "Added the -2 reply."]],
    }),
    execute: ttl,
  },
];

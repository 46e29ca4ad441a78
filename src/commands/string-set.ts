/**
 * Commands that give keys whole new string values: SET and its older forms, MSET, MSETNX.
 *
 * Invariants: what is logged is absolute (an expiry as PXAT) and unconditional, so that replaying it needs no
 * clock and no earlier state; a refused condition logs nothing.
 *
 * Hot-path file: SET, SETNX and MSET allocate nothing (with an expiry: nothing but the box that V8 may put around
 * a time that is handed to the keyspace). A plain SET does not look the key up first: `put` replaces whatever was
 * there with one probe.
 */
import { NO_EXPIRY, TYPE_STRING } from "../engine/keyspace.ts";
import { STRING_PLAIN } from "../value/string.ts";
import { expiryArgument, MILLISECONDS, replyWrongArity, SECONDS } from "./arguments.ts";
import type { Context } from "./context.ts";
import { allKeys, KEY_ARGUMENT, oneKey, VALUE_ARGUMENT } from "./keys-spec.ts";
import { NOTIFY_GENERIC, NOTIFY_NEW, NOTIFY_STRING } from "./notify-events.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";
import {
  OPTION_ANY_EXPIRY,
  OPTION_GET,
  OPTION_KEEP_EXPIRY,
  OPTION_NX,
  OPTION_XX,
  optionExpiryOrReply,
  SET_OPTIONS,
  stringOptionsOrReply,
} from "./string-options.ts";
import { replyString } from "./string-read.ts";

/** Gives the key in argument `key` the value in argument `value`; tells of the key if it is new. */
export function putArgument(context: Context, key: number, value: number, expiryMs: number): void {
  const bytes = context.bytes;
  const isNew = context.notifications !== 0 && !context.findForWrite(key);
  context.keyspace.put(
    context.db,
    bytes,
    context.offset(key),
    context.length(key),
    TYPE_STRING,
    STRING_PLAIN,
    bytes,
    context.offset(value),
    context.length(value),
    expiryMs,
  );
  if (isNew) context.notify(NOTIFY_NEW, "new", key);
}

function set(context: Context): void {
  if (context.argc === 3) {
    putArgument(context, 1, 2, NO_EXPIRY);
    context.effects.verbatim();
    context.notify(NOTIFY_STRING, "set", 1);
    context.reply.ok();
    return;
  }
  setWithOptions(context);
}

function setWithOptions(context: Context): void {
  const options = stringOptionsOrReply(context, 3, SET_OPTIONS);
  if (options < 0) return;
  let expiryMs = NO_EXPIRY;
  if ((options & OPTION_ANY_EXPIRY) !== 0) {
    if (!optionExpiryOrReply(context, options, "set")) return;
    expiryMs = expiryArgument.ms;
  }
  const answersOld = (options & OPTION_GET) !== 0;
  if (answersOld && !replyString(context)) return;
  if ((options & (OPTION_NX | OPTION_XX | OPTION_KEEP_EXPIRY)) !== 0) {
    const found = context.findForWrite(1);
    if ((options & (found ? OPTION_NX : OPTION_XX)) !== 0) {
      if (!answersOld) context.reply.nullBulk();
      return;
    }
    if (found && (options & OPTION_KEEP_EXPIRY) !== 0) expiryMs = context.keyspace.expiryMs;
  }
  putArgument(context, 1, 2, expiryMs);
  const expires = (options & OPTION_ANY_EXPIRY) !== 0;
  if (expires) logSetUntil(context, 2);
  else logSet(context, (options & OPTION_KEEP_EXPIRY) !== 0);
  context.notify(NOTIFY_STRING, "set", 1);
  if (expires) context.notify(NOTIFY_GENERIC, "expire", 1);
  if (!answersOld) context.reply.ok();
}

/** `SET key value`, with KEEPTTL if asked. */
export function logSet(context: Context, keepExpiry: boolean): void {
  const effects = context.effects;
  effects.begin(context.db, keepExpiry ? 4 : 3);
  effects.argumentText("SET");
  effects.requestArgument(1);
  effects.requestArgument(2);
  if (keepExpiry) effects.argumentText("KEEPTTL");
  effects.end();
}

/** `SET key value PXAT ms`, the value being argument `value` and the time `expiryArgument`. */
function logSetUntil(context: Context, value: number): void {
  const effects = context.effects;
  effects.begin(context.db, 5);
  effects.argumentText("SET");
  effects.requestArgument(1);
  effects.requestArgument(value);
  effects.argumentText("PXAT");
  effects.argumentInteger(expiryArgument.ms);
  effects.end();
}

function setEx(context: Context): void {
  setUntil(context, SECONDS, "setex");
}

function psetEx(context: Context): void {
  setUntil(context, MILLISECONDS, "psetex");
}

function setUntil(context: Context, unitMs: number, command: string): void {
  if (!expiryArgument.readPositiveOrReply(context, 2, unitMs, true, command)) return;
  putArgument(context, 1, 3, expiryArgument.ms);
  logSetUntil(context, 3);
  context.notify(NOTIFY_STRING, "set", 1);
  context.notify(NOTIFY_GENERIC, "expire", 1);
  context.reply.ok();
}

function setNx(context: Context): void {
  if (context.findForWrite(1)) {
    context.reply.integer(0);
    return;
  }
  putArgument(context, 1, 2, NO_EXPIRY);
  context.effects.verbatim();
  context.notify(NOTIFY_STRING, "set", 1);
  context.reply.integer(1);
}

function mset(context: Context): void {
  if (!hasPairs(context, "mset")) return;
  putPairs(context);
  context.reply.ok();
}

function msetNx(context: Context): void {
  if (!hasPairs(context, "msetnx")) return;
  for (let index = 1; index < context.argc; index += 2) {
    if (context.findForWrite(index)) {
      context.reply.integer(0);
      return;
    }
  }
  putPairs(context);
  context.reply.integer(1);
}

function hasPairs(context: Context, command: string): boolean {
  if (context.argc % 2 === 1) return true;
  replyWrongArity(context, command);
  return false;
}

function putPairs(context: Context): void {
  const argc = context.argc;
  for (let index = 1; index < argc; index += 2) {
    putArgument(context, index, index + 1, NO_EXPIRY);
    context.notify(NOTIFY_STRING, "set", index);
  }
  context.effects.verbatim();
}

const PAIRS: ArgumentDoc = {
  name: "key_value",
  type: "block",
  multiple: true,
  arguments: [KEY_ARGUMENT, VALUE_ARGUMENT],
};

/** True if SET's options name GET. */
function asksForOldValue(context: Context): boolean {
  for (let index = 3; index < context.argc; index++) if (context.is(index, "get")) return true;
  return false;
}

export const stringSetCommands: readonly CommandSpec[] = [
  {
    name: "mset",
    arity: -3,
    flags: ["write", "denyoom"],
    group: "string",
    keys: allKeys("meta", 2, "OW", "update"),
    docs: () => ({
      since: "1.0.1",
      summary: "Set multiple keys to multiple values",
      complexity: "O(N) where N is the number of keys to set.",
      tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
      arguments: [PAIRS],
    }),
    execute: mset,
  },
  {
    name: "msetnx",
    arity: -3,
    flags: ["write", "denyoom"],
    group: "string",
    keys: allKeys("meta", 2, "OW", "insert"),
    docs: () => ({
      since: "1.0.1",
      summary: "Set multiple keys to multiple values, only if none of the keys exist",
      complexity: "O(N) where N is the number of keys to set.",
      tips: ["request_policy:multi_shard", "response_policy:agg_min"],
      arguments: [PAIRS],
    }),
    execute: msetNx,
  },
  {
    name: "psetex",
    arity: 4,
    flags: ["write", "denyoom"],
    group: "string",
    keys: oneKey("meta", "OW", "update"),
    docs: () => ({
      since: "2.6.0",
      summary: "Set the value and expiration in milliseconds of a key",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, { name: "milliseconds", type: "integer" }, VALUE_ARGUMENT],
    }),
    execute: psetEx,
  },
  {
    name: "set",
    arity: -3,
    flags: ["write", "denyoom"],
    group: "string",
    keys: {
      ...oneKey("meta", "RW", "access", "update", "variable_flags"),
      accessNow: (context) => (asksForOldValue(context) ? ["RW", "access", "update"] : ["OW", "update"]),
      notes: "RW and ACCESS due to the optional `GET` argument",
    },
    docs: () => ({
      since: "1.0.0",
      summary: "Set the string value of a key",
      complexity: "O(1)",
      history: [
        ["2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."],
        ["6.0.0", "Added the `KEEPTTL` option."],
        ["6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."],
        ["7.0.0", "Allowed the `NX` and `GET` options to be used together."],
      ],
      arguments: [
        KEY_ARGUMENT,
        VALUE_ARGUMENT,
        {
          name: "condition",
          type: "oneof",
          since: "2.6.12",
          optional: true,
          arguments: [
            { name: "nx", type: "pure-token", token: "NX" },
            { name: "xx", type: "pure-token", token: "XX" },
          ],
        },
        { name: "get", type: "pure-token", token: "GET", since: "6.2.0", optional: true },
        {
          name: "expiration",
          type: "oneof",
          optional: true,
          arguments: [
            { name: "seconds", type: "integer", token: "EX", since: "2.6.12" },
            { name: "milliseconds", type: "integer", token: "PX", since: "2.6.12" },
            { name: "unix-time-seconds", type: "unix-time", token: "EXAT", since: "6.2.0" },
            { name: "unix-time-milliseconds", type: "unix-time", token: "PXAT", since: "6.2.0" },
            { name: "keepttl", type: "pure-token", token: "KEEPTTL", since: "6.0.0" },
          ],
        },
      ],
    }),
    execute: set,
  },
  {
    name: "setex",
    arity: 4,
    flags: ["write", "denyoom"],
    group: "string",
    keys: oneKey("meta", "OW", "update"),
    docs: () => ({
      since: "2.0.0",
      summary: "Set the value and expiration of a key",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, { name: "seconds", type: "integer" }, VALUE_ARGUMENT],
    }),
    execute: setEx,
  },
  {
    name: "setnx",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    group: "string",
    keys: oneKey("meta", "OW", "insert"),
    docs: () => ({
      since: "1.0.0",
      summary: "Set the value of a key, only if the key does not exist",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, VALUE_ARGUMENT],
    }),
    execute: setNx,
  },
];

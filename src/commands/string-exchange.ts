/**
 * Commands that answer a string and change its key in the same step: GETDEL, GETEX, GETSET.
 *
 * Invariants: the reply is written while the view is on the old value, before anything changes; what is logged
 * is the change alone (DEL, PEXPIREAT, PERSIST, SET), so a replay need not read. None of the three allocates.
 */
import { NO_EXPIRY, TYPE_STRING } from "../engine/keyspace.ts";
import { expiryArgument, WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { expireAt, logDelete } from "./expire.ts";
import { KEY_ARGUMENT, oneKey, VALUE_ARGUMENT } from "./keys-spec.ts";
import { NOTIFY_GENERIC, NOTIFY_STRING } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";
import {
  GETEX_OPTIONS,
  OPTION_ANY_EXPIRY,
  OPTION_PERSIST,
  optionExpiryOrReply,
  stringOptionsOrReply,
} from "./string-options.ts";
import { replyString } from "./string-read.ts";
import { logSet, putArgument } from "./string-set.ts";

function getDel(context: Context): void {
  if (!replyString(context)) return;
  if (!context.remove(1)) return;
  logDelete(context, 1);
  context.notify(NOTIFY_GENERIC, "del", 1);
}

function getSet(context: Context): void {
  if (!replyString(context)) return;
  putArgument(context, 1, 2, NO_EXPIRY);
  logSet(context, false);
  context.notify(NOTIFY_STRING, "set", 1);
}

function getEx(context: Context): void {
  if (context.argc === 2) {
    replyString(context);
    return;
  }
  const options = stringOptionsOrReply(context, 2, GETEX_OPTIONS);
  if (options < 0) return;
  const { keyspace, reply } = context;
  if (!context.findForRead(1)) {
    reply.nullBulk();
    return;
  }
  if (keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  const expires = (options & OPTION_ANY_EXPIRY) !== 0;
  if (expires && !optionExpiryOrReply(context, options, "getex")) return;
  const hadExpiry = keyspace.expiryMs !== NO_EXPIRY;
  reply.bulkData(keyspace.valueData, keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength);
  if (expires) expireAt(context, 1, expiryArgument);
  else if ((options & OPTION_PERSIST) !== 0 && hadExpiry) persistArgument(context);
}

function persistArgument(context: Context): void {
  const effects = context.effects;
  context.keyspace.setExpiry(context.db, context.bytes, context.offset(1), context.length(1), NO_EXPIRY);
  effects.begin(context.db, 2);
  effects.argumentText("PERSIST");
  effects.requestArgument(1);
  effects.end();
  context.notify(NOTIFY_GENERIC, "persist", 1);
}

export const stringExchangeCommands: readonly CommandSpec[] = [
  {
    name: "getdel",
    arity: 2,
    flags: ["write", "fast"],
    group: "string",
    keys: oneKey("value", "RW", "access", "delete"),
    docs: () => ({
      since: "6.2.0",
      summary: "Get the value of a key and delete the key",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT],
    }),
    execute: getDel,
  },
  {
    name: "getex",
    arity: -2,
    flags: ["write", "fast"],
    group: "string",
    keys: {
      ...oneKey("value", "RW", "access", "update"),
      notes: "RW and UPDATE because it changes the TTL",
    },
    docs: () => ({
      since: "6.2.0",
      summary: "Get the value of a key and optionally set its expiration",
      complexity: "O(1)",
      arguments: [
        KEY_ARGUMENT,
        {
          name: "expiration",
          type: "oneof",
          optional: true,
          arguments: [
            { name: "seconds", type: "integer", token: "EX" },
            { name: "milliseconds", type: "integer", token: "PX" },
            { name: "unix-time-seconds", type: "unix-time", token: "EXAT" },
            { name: "unix-time-milliseconds", type: "unix-time", token: "PXAT" },
            { name: "persist", type: "pure-token", token: "PERSIST" },
          ],
        },
      ],
    }),
    execute: getEx,
  },
  {
    name: "getset",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    group: "string",
    keys: oneKey("value", "RW", "access", "update"),
    docs: () => ({
      since: "1.0.0",
      summary: "Set the string value of a key and return its old value",
      complexity: "O(1)",
      deprecated: { since: "6.2.0", replacedBy: "`SET` with the `!GET` argument" },
      arguments: [KEY_ARGUMENT, VALUE_ARGUMENT],
    }),
    execute: getSet,
  },
];

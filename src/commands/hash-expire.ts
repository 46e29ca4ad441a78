/**
 * Times of fields: HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT. Redis 7.4's commands and replies.
 *
 * Invariants: times are kept and logged absolute, in milliseconds, and only for the fields that were given one; a time that
 * is not in the future deletes the field and logs HDEL, except in replay, where the log itself holds the HDEL.
 */

import { NO_EXPIRY } from "../engine/keyspace.ts";
import { integerOrReply, MILLISECONDS, replyInvalidExpiry, SECONDS } from "./arguments.ts";
import type { Context } from "./context.ts";
import { fieldsOrReply } from "./hash-field-arguments.ts";
import { COUNTED_FIELDS, WRITES } from "./hash-specs.ts";
import { HASH_KEY } from "./hash-view.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { NOTIFY_GENERIC, NOTIFY_HASH } from "./notify-events.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

/** The latest time of a field: Redis's bound. */
const FIELD_EXPIRY_MS_MAX = 2 ** 46 - 1;

const CONDITION_NONE = 0;
const CONDITION_NX = 1;
const CONDITION_XX = 2;
const CONDITION_GT = 3;
const CONDITION_LT = 4;

/** The replies per field. */
const NO_FIELD = -2;
const NOT_MET = 0;
const SET = 1;
const DELETED = 2;

/** By field of the request: what became of it, for the log. */
let outcomes = new Int8Array(64);
/** Outcomes of more fields are not kept beyond their command. */
const OUTCOMES_KEPT = 4096;

function hexpire(context: Context): void {
  expireFields(context, SECONDS, true, "hexpire");
}

function hpexpire(context: Context): void {
  expireFields(context, MILLISECONDS, true, "hpexpire");
}

function hexpireAt(context: Context): void {
  expireFields(context, SECONDS, false, "hexpireat");
}

function hpexpireAt(context: Context): void {
  expireFields(context, MILLISECONDS, false, "hpexpireat");
}

function expireFields(context: Context, unitMs: number, relative: boolean, command: string): void {
  const { hash } = context;
  if (!hash.openToChange()) return;
  const expiryMs = timeOrReply(context, unitMs, relative, command);
  if (Number.isNaN(expiryMs)) return;
  const condition = conditionAt(context, 3);
  const at = condition === CONDITION_NONE ? 3 : 4;
  const first = fieldsOrReply(context, at, "ERR Parameter `numFields` should be greater than 0");
  if (first < 0) return;
  const { argc, reply } = context;
  const deletes = expiryMs <= context.nowMs && context.keyspace.expireOnAccess;
  if (outcomes.length < argc) outcomes = new Int8Array(argc);
  let changed = 0;
  for (let index = first; index < argc; index++) {
    const outcome = expireField(context, index, condition, expiryMs, deletes);
    outcomes[index] = outcome;
    if (outcome > NOT_MET) changed++;
  }
  reply.arrayHeader(argc - first);
  for (let index = first; index < argc; index++) reply.integer(outcomes[index]!);
  if (changed > 0) finish(context, first, changed, expiryMs, deletes);
  if (outcomes.length > OUTCOMES_KEPT) outcomes = new Int8Array(64);
}

/** The absolute time of argument 2 in milliseconds; NaN after the error reply. */
function timeOrReply(context: Context, unitMs: number, relative: boolean, command: string): number {
  const value = integerOrReply(context, 2);
  if (Number.isNaN(value)) return value;
  const base = relative ? context.nowMs : 0;
  if (value < 0) context.reply.error("ERR invalid expire time, must be >= 0");
  else if (value * unitMs > FIELD_EXPIRY_MS_MAX - base) replyInvalidExpiry(context, command);
  else return value * unitMs + base;
  return Number.NaN;
}

function conditionAt(context: Context, index: number): number {
  if (context.is(index, "nx")) return CONDITION_NX;
  if (context.is(index, "xx")) return CONDITION_XX;
  if (context.is(index, "gt")) return CONDITION_GT;
  return context.is(index, "lt") ? CONDITION_LT : CONDITION_NONE;
}

function expireField(
  context: Context,
  index: number,
  condition: number,
  expiryMs: number,
  deletes: boolean,
): number {
  const { hash } = context;
  if (!hash.findArgument(index)) return NO_FIELD;
  if (!isAllowed(condition, hash.expiryMs, expiryMs)) return NOT_MET;
  const { bytes } = context;
  const offset = context.offset(index);
  const length = context.length(index);
  if (deletes) {
    hash.delete(bytes, offset, length);
    return DELETED;
  }
  hash.setFieldExpiry(bytes, offset, length, expiryMs);
  return SET;
}

/** May a field with this time (or NO_EXPIRY: later than any) get that one? */
function isAllowed(condition: number, currentMs: number, expiryMs: number): boolean {
  const persistent = currentMs === NO_EXPIRY;
  switch (condition) {
    case CONDITION_NX:
      return persistent;
    case CONDITION_XX:
      return !persistent;
    case CONDITION_GT:
      return !persistent && expiryMs > currentMs;
    case CONDITION_LT:
      return persistent || expiryMs < currentMs;
    default:
      return true;
  }
}

/** Saves, logs and tells. All fields that changed were given the time, or all were deleted. */
function finish(context: Context, first: number, changed: number, expiryMs: number, deletes: boolean): void {
  const { argc, effects, hash } = context;
  hash.save();
  effects.begin(context.db, deletes ? 2 + changed : 5 + changed);
  effects.argumentText(deletes ? "HDEL" : "HPEXPIREAT");
  effects.requestArgument(HASH_KEY);
  if (!deletes) {
    effects.argumentInteger(expiryMs);
    effects.argumentText("FIELDS");
    effects.argumentInteger(changed);
  }
  for (let index = first; index < argc; index++)
    if (outcomes[index]! > NOT_MET) effects.requestArgument(index);
  effects.end();
  context.notify(NOTIFY_HASH, deletes ? "hdel" : "hexpire", HASH_KEY);
  if (hash.isAbsent) context.notify(NOTIFY_GENERIC, "del", HASH_KEY);
}

const CONDITION: ArgumentDoc = {
  name: "condition",
  type: "oneof",
  optional: true,
  arguments: [
    { name: "nx", type: "pure-token", token: "NX" },
    { name: "xx", type: "pure-token", token: "XX" },
    { name: "gt", type: "pure-token", token: "GT" },
    { name: "lt", type: "pure-token", token: "LT" },
  ],
};

const COMMON = {
  arity: -6,
  flags: WRITES,
  group: "hash",
  keys: oneKey("value", "RW", "update"),
  docs: () => ({
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
  }),
} as const;

export const hashExpireCommands: readonly CommandSpec[] = [
  {
    ...COMMON,
    name: "hexpire",
    docs: () => ({
      ...COMMON.docs(),
      summary: "Set expiry for hash field using relative time to expire (seconds)",
      arguments: [KEY_ARGUMENT, { name: "seconds", type: "integer" }, CONDITION, COUNTED_FIELDS],
    }),
    execute: hexpire,
  },
  {
    ...COMMON,
    name: "hexpireat",
    docs: () => ({
      ...COMMON.docs(),
      summary: "Set expiry for hash field using an absolute Unix timestamp (seconds)",
      arguments: [KEY_ARGUMENT, { name: "unix-time-seconds", type: "unix-time" }, CONDITION, COUNTED_FIELDS],
    }),
    execute: hexpireAt,
  },
  {
    ...COMMON,
    name: "hpexpire",
    docs: () => ({
      ...COMMON.docs(),
      summary: "Set expiry for hash field using relative time to expire (milliseconds)",
      arguments: [KEY_ARGUMENT, { name: "milliseconds", type: "integer" }, CONDITION, COUNTED_FIELDS],
    }),
    execute: hpexpire,
  },
  {
    ...COMMON,
    name: "hpexpireat",
    docs: () => ({
      ...COMMON.docs(),
      summary: "Set expiry for hash field using an absolute Unix timestamp (milliseconds)",
      arguments: [
        KEY_ARGUMENT,
        { name: "unix-time-milliseconds", type: "unix-time" },
        CONDITION,
        COUNTED_FIELDS,
      ],
    }),
    execute: hpexpireAt,
  },
];

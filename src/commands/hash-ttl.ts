/**
 * Times of fields, asked for and taken away: HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME, HPERSIST. Redis 7.4's commands and
 * replies: per field -2 if it is not there, -1 if it has no time.
 */
import { NO_EXPIRY } from "../engine/keyspace.ts";
import type { Context } from "./context.ts";
import { fieldsOrReply } from "./hash-field-arguments.ts";
import { COUNTED_FIELDS, READS_FAST } from "./hash-specs.ts";
import { HASH_KEY } from "./hash-view.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { NOTIFY_HASH } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";

const NO_FIELD = -2;
const NO_TIME = -1;
const PERSISTED = 1;
const COUNT_ERROR = "ERR Number of fields must be a positive integer";

function httl(context: Context): void {
  replyTimes(context, true, true);
}

function hpttl(context: Context): void {
  replyTimes(context, true, false);
}

function hexpireTime(context: Context): void {
  replyTimes(context, false, true);
}

function hpexpireTime(context: Context): void {
  replyTimes(context, false, false);
}

function replyTimes(context: Context, remaining: boolean, inSeconds: boolean): void {
  const { hash } = context;
  if (!hash.openToRead()) return;
  const first = fieldsOrReply(context, 2, COUNT_ERROR);
  if (first < 0) return;
  const { argc, nowMs, reply } = context;
  reply.arrayHeader(argc - first);
  for (let index = first; index < argc; index++) {
    if (!hash.findArgument(index)) reply.integer(NO_FIELD);
    else if (hash.expiryMs === NO_EXPIRY) reply.integer(NO_TIME);
    else {
      const ms = remaining ? hash.expiryMs - nowMs : hash.expiryMs;
      // Rounded up, unlike TTL: a field that is there has a second left.
      reply.integer(inSeconds ? Math.ceil(ms / 1000) : ms);
    }
  }
}

function hpersist(context: Context): void {
  const { hash } = context;
  if (!hash.openToChange()) return;
  const first = fieldsOrReply(context, 2, COUNT_ERROR);
  if (first < 0) return;
  const { argc, bytes, reply } = context;
  reply.arrayHeader(argc - first);
  let persisted = 0;
  for (let index = first; index < argc; index++) {
    if (!hash.findArgument(index)) reply.integer(NO_FIELD);
    else if (hash.expiryMs === NO_EXPIRY) reply.integer(NO_TIME);
    else {
      hash.setFieldExpiry(bytes, context.offset(index), context.length(index), NO_EXPIRY);
      reply.integer(PERSISTED);
      persisted++;
    }
  }
  if (persisted === 0) return;
  hash.save();
  context.effects.verbatim();
  context.notify(NOTIFY_HASH, "hpersist", HASH_KEY);
}

const TIME = {
  arity: -5,
  flags: READS_FAST,
  group: "hash",
  keys: oneKey("value", "RO", "access"),
  docs: () => ({
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    arguments: [KEY_ARGUMENT, COUNTED_FIELDS],
  }),
} as const;

export const hashTtlCommands: readonly CommandSpec[] = [
  {
    ...TIME,
    name: "hexpiretime",
    docs: () => ({
      ...TIME.docs(),
      summary: "Returns the expiration time of a hash field as a Unix timestamp, in seconds.",
    }),
    execute: hexpireTime,
  },
  {
    name: "hpersist",
    arity: -5,
    flags: ["write", "fast"],
    group: "hash",
    keys: oneKey("value", "RW", "update"),
    docs: () => ({
      since: "7.4.0",
      summary: "Removes the expiration time for each specified field",
      complexity: "O(N) where N is the number of specified fields",
      arguments: [KEY_ARGUMENT, COUNTED_FIELDS],
    }),
    execute: hpersist,
  },
  {
    ...TIME,
    name: "hpexpiretime",
    docs: () => ({
      ...TIME.docs(),
      summary: "Returns the expiration time of a hash field as a Unix timestamp, in msec.",
    }),
    execute: hpexpireTime,
  },
  {
    ...TIME,
    name: "hpttl",
    docs: () => ({
      ...TIME.docs(),
      summary: "Returns the TTL in msec of a hash field.",
      tips: ["nondeterministic_output"],
    }),
    execute: hpttl,
  },
  {
    ...TIME,
    name: "httl",
    docs: () => ({
      ...TIME.docs(),
      summary: "Returns the TTL in seconds of a hash field.",
      tips: ["nondeterministic_output"],
    }),
    execute: httl,
  },
];

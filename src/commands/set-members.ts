/**
 * Commands over the members of one set: SADD, SREM, SISMEMBER, SMISMEMBER, SCARD, SMEMBERS, and SMOVE between two.
 *
 * Invariants: a command that changed nothing logs nothing; a set without members is no key.
 *
 * Hot-path file: nothing here allocates but what makes a packed set unpacked.
 */

import { TYPE_SET } from "../engine/keyspace.ts";
import { sameArgument, WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { NOTIFY_GENERIC, NOTIFY_NEW, NOTIFY_SET } from "./notify-events.ts";
import { MEMBER_ARGUMENT, MEMBERS_ARGUMENT } from "./set-specs.ts";
import type { CommandSpec } from "./spec.ts";

const KEY = 1;

function sadd(context: Context): void {
  const { set, argc, bytes } = context;
  if (!set.openToChange(KEY)) return;
  const isNew = set.isAbsent;
  let added = 0;
  for (let index = 2; index < argc; index++) {
    if (set.add(bytes, context.offset(index), context.length(index))) added++;
  }
  if (set.save()) {
    context.effects.verbatim();
    if (isNew) context.notify(NOTIFY_NEW, "new", KEY);
    context.notify(NOTIFY_SET, "sadd", KEY);
  }
  context.reply.integer(added);
}

function srem(context: Context): void {
  const { set, argc, bytes } = context;
  if (!set.openToChange(KEY)) return;
  let removed = 0;
  for (let index = 2; index < argc && !set.isAbsent; index++) {
    if (set.remove(bytes, context.offset(index), context.length(index))) removed++;
  }
  if (removed > 0) {
    set.save();
    context.effects.verbatim();
    context.notify(NOTIFY_SET, "srem", KEY);
    if (set.isAbsent) context.notify(NOTIFY_GENERIC, "del", KEY);
  }
  context.reply.integer(removed);
}

function sisMember(context: Context): void {
  const { set } = context;
  if (set.openToRead(KEY)) context.reply.integer(set.findArgument(2) ? 1 : 0);
}

function smisMember(context: Context): void {
  const { set, argc, reply } = context;
  if (!set.openToRead(KEY)) return;
  reply.arrayHeader(argc - 2);
  for (let index = 2; index < argc; index++) reply.integer(set.findArgument(index) ? 1 : 0);
}

function scard(context: Context): void {
  const { set } = context;
  if (set.openToRead(KEY)) context.reply.integer(set.size);
}

function smembers(context: Context): void {
  const { set, reply } = context;
  if (!set.openToRead(KEY)) return;
  reply.setHeader(set.size);
  for (let more = set.first(); more; more = set.next()) set.replyMember();
}

function smove(context: Context): void {
  const { bytes, reply, set } = context;
  const offset = context.offset(3);
  const length = context.length(3);
  // As Redis: an absent source answers before the destination's type is looked at.
  if (!context.findForWrite(KEY)) {
    reply.integer(0);
    return;
  }
  if (!set.openToChange(KEY)) return;
  if (context.findForWrite(2) && context.keyspace.type !== TYPE_SET) {
    reply.error(WRONG_TYPE);
    return;
  }
  set.openToChange(KEY);
  if (!set.find(bytes, offset, length)) {
    reply.integer(0);
    return;
  }
  if (sameArgument(context, 1, 2)) {
    reply.integer(1);
    return;
  }
  set.removeFound();
  set.save();
  context.notify(NOTIFY_SET, "srem", KEY);
  if (set.isAbsent) context.notify(NOTIFY_GENERIC, "del", KEY);
  set.openToChange(2);
  const isNew = set.isAbsent;
  const added = set.add(bytes, offset, length);
  set.save();
  context.effects.verbatim();
  if (isNew) context.notify(NOTIFY_NEW, "new", 2);
  if (added) context.notify(NOTIFY_SET, "sadd", 2);
  reply.integer(1);
}

export const setMemberCommands: readonly CommandSpec[] = [
  {
    name: "sadd",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    group: "set",
    keys: oneKey("value", "RW", "insert"),
    docs: () => ({
      since: "1.0.0",
      summary: "Add one or more members to a set",
      complexity:
        "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
      history: [["2.4.0", "Accepts multiple `member` arguments."]],
      arguments: [KEY_ARGUMENT, MEMBERS_ARGUMENT],
    }),
    execute: sadd,
  },
  {
    name: "srem",
    arity: -3,
    flags: ["write", "fast"],
    group: "set",
    keys: oneKey("value", "RW", "delete"),
    docs: () => ({
      since: "1.0.0",
      summary: "Remove one or more members from a set",
      complexity: "O(N) where N is the number of members to be removed.",
      history: [["2.4.0", "Accepts multiple `member` arguments."]],
      arguments: [KEY_ARGUMENT, MEMBERS_ARGUMENT],
    }),
    execute: srem,
  },
  {
    name: "sismember",
    arity: 3,
    flags: ["readonly", "fast"],
    group: "set",
    keys: oneKey("value", "RO"),
    docs: () => ({
      since: "1.0.0",
      summary: "Determine if a given value is a member of a set",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, MEMBER_ARGUMENT],
    }),
    execute: sisMember,
  },
  {
    name: "smismember",
    arity: -3,
    flags: ["readonly", "fast"],
    group: "set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "6.2.0",
      summary: "Returns the membership associated with the given elements for a set",
      complexity: "O(N) where N is the number of elements being checked for membership",
      arguments: [KEY_ARGUMENT, MEMBERS_ARGUMENT],
    }),
    execute: smisMember,
  },
  {
    name: "scard",
    arity: 2,
    flags: ["readonly", "fast"],
    group: "set",
    keys: oneKey("value", "RO"),
    docs: () => ({
      since: "1.0.0",
      summary: "Get the number of members in a set",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT],
    }),
    execute: scard,
  },
  {
    name: "smembers",
    arity: 2,
    flags: ["readonly"],
    group: "set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "1.0.0",
      summary: "Get all the members in a set",
      complexity: "O(N) where N is the set cardinality.",
      tips: ["nondeterministic_output_order"],
      arguments: [KEY_ARGUMENT],
    }),
    execute: smembers,
  },
  {
    name: "smove",
    arity: 4,
    flags: ["write", "fast"],
    group: "set",
    keys: {
      first: 1,
      last: 2,
      step: 1,
      need: "value",
      access: ["RW", "access", "delete"],
      described: [
        {
          access: ["RW", "access", "delete"],
          begin: { index: 1 },
          find: { last: 0, step: 1, limit: 0 },
        },
        { access: ["RW", "insert"], begin: { index: 2 }, find: { last: 0, step: 1, limit: 0 } },
      ],
    },
    docs: () => ({
      since: "1.0.0",
      summary: "Move a member from one set to another",
      complexity: "O(1)",
      arguments: [
        { name: "source", type: "key", keySpecIndex: 0 },
        { name: "destination", type: "key", keySpecIndex: 1 },
        MEMBER_ARGUMENT,
      ],
    }),
    execute: smove,
  },
];

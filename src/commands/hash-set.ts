/**
 * Commands that set and delete fields: HSET, HMSET, HSETNX, HDEL.
 *
 * Invariants: a field that is set loses its own time, if it had one; a command that changed nothing logs nothing.
 *
 * Hot-path file: nothing here allocates but what makes a packed hash unpacked.
 */
import { replyWrongArity } from "./arguments.ts";
import type { Context } from "./context.ts";
import { FIELD_ARGUMENT, FIELDS_ARGUMENT, WRITES } from "./hash-specs.ts";
import { HASH_KEY } from "./hash-view.ts";
import { KEY_ARGUMENT, oneKey, VALUE_ARGUMENT } from "./keys-spec.ts";
import { NOTIFY_GENERIC, NOTIFY_HASH, NOTIFY_NEW } from "./notify-events.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

function hset(context: Context): void {
  const created = setPairs(context, "hset");
  if (created >= 0) context.reply.integer(created);
}

function hmset(context: Context): void {
  if (setPairs(context, "hmset") >= 0) context.reply.ok();
}

/** Sets the fields of the request; answers how many are new, or -1 after the error reply. */
function setPairs(context: Context, command: string): number {
  const { argc, hash } = context;
  if (argc % 2 === 1) {
    replyWrongArity(context, command);
    return -1;
  }
  if (!hash.openToChange()) return -1;
  const isNew = hash.isAbsent;
  let created = 0;
  if (argc > 4) hash.collect();
  for (let index = 2; index < argc; index += 2) if (hash.setArguments(index, index + 1)) created++;
  finishSet(context, isNew, "hset");
  context.effects.verbatim();
  return created;
}

/** Saves what was set and tells of it. */
export function finishSet(context: Context, isNew: boolean, event: string): void {
  const { hash } = context;
  hash.save();
  if (isNew) context.notify(NOTIFY_NEW, "new", HASH_KEY);
  context.notify(NOTIFY_HASH, event, HASH_KEY);
}

function hsetNx(context: Context): void {
  const { hash } = context;
  if (!hash.openToChange()) return;
  if (hash.findArgument(2)) {
    context.reply.integer(0);
    return;
  }
  const isNew = hash.isAbsent;
  hash.setArguments(2, 3);
  finishSet(context, isNew, "hset");
  context.effects.verbatim();
  context.reply.integer(1);
}

function hdel(context: Context): void {
  const { hash } = context;
  if (!hash.openToChange()) return;
  const { argc, bytes } = context;
  let deleted = 0;
  for (let index = 2; index < argc && !hash.isAbsent; index++) {
    if (hash.delete(bytes, context.offset(index), context.length(index))) deleted++;
  }
  if (deleted > 0) {
    hash.save();
    context.effects.verbatim();
    context.notify(NOTIFY_HASH, "hdel", HASH_KEY);
    if (hash.isAbsent) context.notify(NOTIFY_GENERIC, "del", HASH_KEY);
  }
  context.reply.integer(deleted);
}

const PAIRS: ArgumentDoc = {
  name: "field_value",
  type: "block",
  multiple: true,
  arguments: [FIELD_ARGUMENT, VALUE_ARGUMENT],
};

export const hashSetCommands: readonly CommandSpec[] = [
  {
    name: "hdel",
    arity: -3,
    flags: ["write", "fast"],
    group: "hash",
    keys: oneKey("value", "RW", "delete"),
    docs: () => ({
      since: "2.0.0",
      summary: "Delete one or more hash fields",
      complexity: "O(N) where N is the number of fields to be removed.",
      history: [["2.4.0", "Accepts multiple `field` arguments."]],
      arguments: [KEY_ARGUMENT, FIELDS_ARGUMENT],
    }),
    execute: hdel,
  },
  {
    name: "hmset",
    arity: -4,
    flags: WRITES,
    group: "hash",
    keys: oneKey("value", "RW", "update"),
    docs: () => ({
      since: "2.0.0",
      summary: "Set multiple hash fields to multiple values",
      complexity: "O(N) where N is the number of fields being set.",
      deprecated: { since: "4.0.0", replacedBy: "`HSET` with multiple field-value pairs" },
      arguments: [KEY_ARGUMENT, PAIRS],
    }),
    execute: hmset,
  },
  {
    name: "hset",
    arity: -4,
    flags: WRITES,
    group: "hash",
    keys: oneKey("value", "RW", "update"),
    docs: () => ({
      since: "2.0.0",
      summary: "Set the string value of a hash field",
      complexity:
        "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple field/value pairs.",
      history: [["4.0.0", "Accepts multiple `field` and `value` arguments."]],
      arguments: [KEY_ARGUMENT, PAIRS],
    }),
    execute: hset,
  },
  {
    name: "hsetnx",
    arity: 4,
    flags: WRITES,
    group: "hash",
    keys: oneKey("value", "RW", "insert"),
    docs: () => ({
      since: "2.0.0",
      summary: "Set the value of a hash field, only if the field does not exist",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, FIELD_ARGUMENT, VALUE_ARGUMENT],
    }),
    execute: hsetNx,
  },
];

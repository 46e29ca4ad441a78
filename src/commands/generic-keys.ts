/**
 * Commands about the presence and type of keys: DEL, UNLINK, EXISTS, TOUCH, TYPE, RANDOMKEY.
 *
 * Hot-path file: DEL, UNLINK, EXISTS, TOUCH and TYPE allocate nothing. EXISTS and TYPE look without touching: they
 * say nothing about how much a key is used.
 */
import {
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STREAM,
  TYPE_STRING,
} from "../engine/keyspace.ts";
import type { Context } from "./context.ts";
import { allKeys, KEY_ARGUMENT, KEYS_ARGUMENT, oneKey, SUMMED_OVER_SHARDS } from "./keys-spec.ts";
import { NOTIFY_GENERIC, NOTIFY_KEY_MISS } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";

function del(context: Context): void {
  const argc = context.argc;
  let removed = 0;
  for (let index = 1; index < argc; index++) {
    if (!context.remove(index)) continue;
    removed++;
    context.notify(NOTIFY_GENERIC, "del", index);
  }
  if (removed > 0) context.effects.verbatim();
  context.reply.integer(removed);
}

function exists(context: Context): void {
  const argc = context.argc;
  let found = 0;
  for (let index = 1; index < argc; index++) {
    if (context.peek(index)) found++;
    else context.notify(NOTIFY_KEY_MISS, "keymiss", index);
  }
  context.reply.integer(found);
}

function touch(context: Context): void {
  const argc = context.argc;
  let found = 0;
  for (let index = 1; index < argc; index++) if (context.findForRead(index)) found++;
  context.reply.integer(found);
}

/** Redis's name of a value type. */
export function typeName(type: number): string {
  switch (type) {
    case TYPE_STRING:
      return "string";
    case TYPE_LIST:
      return "list";
    case TYPE_SET:
      return "set";
    case TYPE_SORTED_SET:
      return "zset";
    case TYPE_HASH:
      return "hash";
    case TYPE_STREAM:
      return "stream";
    default:
      return "unknown";
  }
}

const STRING_REPLY = Buffer.from("+string\r\n");

function type(context: Context): void {
  if (!context.peek(1)) {
    context.notify(NOTIFY_KEY_MISS, "keymiss", 1);
    context.reply.simple("none");
  } else if (context.keyspace.type === TYPE_STRING) context.reply.raw(STRING_REPLY, 0, STRING_REPLY.length);
  else context.reply.simple(typeName(context.keyspace.type));
}

function randomKey(context: Context): void {
  const keyspace = context.keyspace;
  if (!keyspace.random(context.db)) context.reply.nullBulk();
  else context.reply.bulk(keyspace.keyBytes, keyspace.keyOffset, keyspace.keyLength);
}

export const genericKeyCommands: readonly CommandSpec[] = [
  {
    name: "del",
    arity: -2,
    flags: ["write"],
    group: "generic",
    keys: allKeys("meta", 1, "RM", "delete"),
    docs: () => ({
      since: "1.0.0",
      summary: "Delete a key",
      complexity:
        "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a string, the individual complexity for this key is O(M) where M is the number of elements in the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).",
      tips: SUMMED_OVER_SHARDS,
      arguments: [KEYS_ARGUMENT],
    }),
    execute: del,
  },
  {
    name: "exists",
    arity: -2,
    flags: ["readonly", "fast"],
    group: "generic",
    keys: allKeys("meta", 1, "RO"),
    docs: () => ({
      since: "1.0.0",
      summary: "Determine if a key exists",
      complexity: "O(N) where N is the number of keys to check.",
      tips: SUMMED_OVER_SHARDS,
      history: [["3.0.3", "Accepts multiple `key` arguments."]],
      arguments: [KEYS_ARGUMENT],
    }),
    execute: exists,
  },
  {
    name: "randomkey",
    arity: 1,
    flags: ["readonly"],
    group: "generic",
    docs: () => ({
      since: "1.0.0",
      summary: "Return a random key from the keyspace",
      complexity: "O(1)",
      tips: ["request_policy:all_shards", "nondeterministic_output"],
    }),
    execute: randomKey,
  },
  {
    name: "touch",
    arity: -2,
    flags: ["readonly", "fast"],
    group: "generic",
    keys: allKeys("meta", 1, "RO"),
    docs: () => ({
      since: "3.2.1",
      summary: "Alters the last access time of a key(s). Returns the number of existing keys specified.",
      complexity: "O(N) where N is the number of keys that will be touched.",
      tips: SUMMED_OVER_SHARDS,
      arguments: [KEYS_ARGUMENT],
    }),
    execute: touch,
  },
  {
    name: "type",
    arity: 2,
    flags: ["readonly", "fast"],
    group: "generic",
    keys: oneKey("meta", "RO"),
    docs: () => ({
      since: "1.0.0",
      summary: "Determine the type stored at key",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT],
    }),
    execute: type,
  },
  {
    name: "unlink",
    arity: -2,
    flags: ["write", "fast"],
    group: "generic",
    keys: allKeys("meta", 1, "RM", "delete"),
    docs: () => ({
      since: "4.0.0",
      summary:
        "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking.",
      complexity:
        "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in order to reclaim memory, where N is the number of allocations the deleted objects where composed of.",
      tips: SUMMED_OVER_SHARDS,
      arguments: [KEYS_ARGUMENT],
    }),
    execute: del,
  },
];

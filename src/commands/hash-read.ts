/**
 * Commands that read hashes: HGET, HMGET, HEXISTS, HSTRLEN, HLEN, HGETALL, HKEYS, HVALS.
 *
 * Hot-path file: nothing here allocates; bytes go from the record or the dictionary to the reply in one copy.
 */
import type { Context } from "./context.ts";
import { FIELD_ARGUMENT, FIELDS_ARGUMENT, READS_FAST } from "./hash-specs.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import type { CommandSpec } from "./spec.ts";

function hget(context: Context): void {
  const { hash } = context;
  if (!hash.openToRead()) return;
  if (hash.findArgument(2)) replyValue(context);
  else context.reply.nullBulk();
}

function hmget(context: Context): void {
  const { hash } = context;
  if (!hash.openToRead()) return;
  const { argc, reply } = context;
  reply.arrayHeader(argc - 2);
  for (let index = 2; index < argc; index++) {
    if (hash.findArgument(index)) replyValue(context);
    else reply.nullBulk();
  }
}

function hexists(context: Context): void {
  const { hash } = context;
  if (hash.openToRead()) context.reply.integer(hash.findArgument(2) ? 1 : 0);
}

function hstrlen(context: Context): void {
  const { hash } = context;
  if (hash.openToRead()) context.reply.integer(hash.findArgument(2) ? hash.valueLength : 0);
}

function hlen(context: Context): void {
  const { hash } = context;
  if (hash.openToRead()) context.reply.integer(hash.size);
}

function hgetAll(context: Context): void {
  const { hash } = context;
  if (!hash.openToRead()) return;
  context.reply.mapHeader(hash.visibleSize());
  for (let more = hash.first(); more; more = hash.next()) {
    replyField(context);
    replyValue(context);
  }
}

function hkeys(context: Context): void {
  const { hash } = context;
  if (!hash.openToRead()) return;
  context.reply.arrayHeader(hash.visibleSize());
  for (let more = hash.first(); more; more = hash.next()) replyField(context);
}

function hvals(context: Context): void {
  const { hash } = context;
  if (!hash.openToRead()) return;
  context.reply.arrayHeader(hash.visibleSize());
  for (let more = hash.first(); more; more = hash.next()) replyValue(context);
}

function replyField(context: Context): void {
  const { hash } = context;
  context.reply.bulkData(hash.data, hash.bytes, hash.fieldOffset, hash.fieldLength);
}

function replyValue(context: Context): void {
  const { hash } = context;
  context.reply.bulkData(hash.data, hash.bytes, hash.valueOffset, hash.valueLength);
}

const WHOLE = {
  arity: 2,
  flags: ["readonly"],
  group: "hash",
  keys: oneKey("value", "RO", "access"),
  docs: () => ({
    since: "2.0.0",
    complexity: "O(N) where N is the size of the hash.",
    tips: ["nondeterministic_output_order"],
    arguments: [KEY_ARGUMENT],
  }),
} as const;

export const hashReadCommands: readonly CommandSpec[] = [
  {
    name: "hexists",
    arity: 3,
    flags: READS_FAST,
    group: "hash",
    keys: oneKey("value", "RO"),
    docs: () => ({
      since: "2.0.0",
      summary: "Determine if a hash field exists",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, FIELD_ARGUMENT],
    }),
    execute: hexists,
  },
  {
    name: "hget",
    arity: 3,
    flags: READS_FAST,
    group: "hash",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.0.0",
      summary: "Get the value of a hash field",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, FIELD_ARGUMENT],
    }),
    execute: hget,
  },
  {
    ...WHOLE,
    name: "hgetall",
    docs: () => ({
      ...WHOLE.docs(),
      summary: "Get all the fields and values in a hash",
    }),
    execute: hgetAll,
  },
  {
    ...WHOLE,
    name: "hkeys",
    docs: () => ({
      ...WHOLE.docs(),
      summary: "Get all the fields in a hash",
    }),
    execute: hkeys,
  },
  {
    name: "hlen",
    arity: 2,
    flags: READS_FAST,
    group: "hash",
    keys: oneKey("value", "RO"),
    docs: () => ({
      since: "2.0.0",
      summary: "Get the number of fields in a hash",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT],
    }),
    execute: hlen,
  },
  {
    name: "hmget",
    arity: -3,
    flags: READS_FAST,
    group: "hash",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.0.0",
      summary: "Get the values of all the given hash fields",
      complexity: "O(N) where N is the number of fields being requested.",
      arguments: [KEY_ARGUMENT, FIELDS_ARGUMENT],
    }),
    execute: hmget,
  },
  {
    name: "hstrlen",
    arity: 3,
    flags: READS_FAST,
    group: "hash",
    keys: oneKey("value", "RO"),
    docs: () => ({
      since: "3.2.0",
      summary: "Get the length of the value of a hash field",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, FIELD_ARGUMENT],
    }),
    execute: hstrlen,
  },
  {
    ...WHOLE,
    name: "hvals",
    docs: () => ({
      ...WHOLE.docs(),
      summary: "Get all the values in a hash",
    }),
    execute: hvals,
  },
];

/**
 * Commands that read strings: GET, MGET, STRLEN, GETRANGE and its old name SUBSTR.
 *
 * Hot-path file: GET, MGET and STRLEN allocate nothing; bytes go from the record to the reply in one copy.
 */
import { parseInt64 } from "../base/bytes.ts";
import { TYPE_STRING } from "../engine/keyspace.ts";
import { integerOrReply, WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { allKeys, KEY_ARGUMENT, KEYS_ARGUMENT, oneKey } from "./keys-spec.ts";
import type { CommandSpec } from "./spec.ts";

/** Replies with the string in argument 1, nil, or WRONGTYPE; false after the last. The view stays on the key. */
export function replyString(context: Context): boolean {
  const keyspace = context.keyspace;
  if (!context.findForRead(1)) {
    context.reply.nullBulk();
    return true;
  }
  if (keyspace.type !== TYPE_STRING) {
    context.reply.error(WRONG_TYPE);
    return false;
  }
  context.reply.bulkData(keyspace.valueData, keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength);
  return true;
}

function get(context: Context): void {
  replyString(context);
}

function mget(context: Context): void {
  const { keyspace, reply, argc } = context;
  reply.arrayHeader(argc - 1);
  for (let index = 1; index < argc; index++) {
    // A key of another type is nil here, not an error.
    if (!context.findForRead(index) || keyspace.type !== TYPE_STRING) reply.nullBulk();
    else reply.bulkData(keyspace.valueData, keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength);
  }
}

function strlen(context: Context): void {
  const keyspace = context.keyspace;
  if (!context.findForRead(1)) context.reply.integer(0);
  else if (keyspace.type !== TYPE_STRING) context.reply.error(WRONG_TYPE);
  else context.reply.integer(keyspace.valueLength);
}

function getRange(context: Context): void {
  const { keyspace, reply } = context;
  let start = integerOrReply(context, 2);
  if (Number.isNaN(start)) return;
  let end = integerOrReply(context, 3);
  if (Number.isNaN(end)) return;
  if (!context.findForRead(1)) {
    reply.bulkLatin1("");
    return;
  }
  if (keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  const length = keyspace.valueLength;
  // Two ends before the text clamp to its first byte, unless they are in the wrong order.
  if (start < 0 && end < 0 && isReversed(context, start, end)) start = length;
  else {
    if (start < 0) start = Math.max(0, start + length);
    if (end < 0) end = Math.max(0, end + length);
    if (end >= length) end = length - 1;
  }
  if (start > end || length === 0) reply.bulkLatin1("");
  else reply.bulk(keyspace.valueBytes, keyspace.valueOffset + start, end - start + 1);
}

/** start > end, exactly also where a double rounds both to one number. */
export function isReversed(context: Context, start: number, end: number): boolean {
  if (start !== end || start >= -Number.MAX_SAFE_INTEGER) return start > end;
  const bytes = context.bytes;
  const exactStart = parseInt64(bytes, context.offset(2), context.length(2));
  const exactEnd = parseInt64(bytes, context.offset(3), context.length(3));
  return exactStart !== undefined && exactEnd !== undefined && exactStart > exactEnd;
}

const RANGE_COMPLEXITY =
  "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.";

const RANGE_ARGUMENTS = [
  KEY_ARGUMENT,
  { name: "start", type: "integer" },
  { name: "end", type: "integer" },
] as const;

export const stringReadCommands: readonly CommandSpec[] = [
  {
    name: "get",
    arity: 2,
    flags: ["readonly", "fast"],
    group: "string",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "1.0.0",
      summary: "Get the value of a key",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT],
    }),
    execute: get,
  },
  {
    name: "getrange",
    arity: 4,
    flags: ["readonly"],
    group: "string",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.4.0",
      summary: "Get a substring of the string stored at a key",
      complexity: RANGE_COMPLEXITY,
      arguments: RANGE_ARGUMENTS,
    }),
    execute: getRange,
  },
  {
    name: "mget",
    arity: -2,
    flags: ["readonly", "fast"],
    group: "string",
    keys: allKeys("value", 1, "RO", "access"),
    docs: () => ({
      since: "1.0.0",
      summary: "Get the values of all the given keys",
      complexity: "O(N) where N is the number of keys to retrieve.",
      tips: ["request_policy:multi_shard"],
      arguments: [KEYS_ARGUMENT],
    }),
    execute: mget,
  },
  {
    name: "strlen",
    arity: 2,
    flags: ["readonly", "fast"],
    group: "string",
    keys: oneKey("meta", "RO"),
    docs: () => ({
      since: "2.2.0",
      summary: "Get the length of the value stored in a key",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT],
    }),
    execute: strlen,
  },
  {
    name: "substr",
    arity: 4,
    flags: ["readonly"],
    group: "string",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "1.0.0",
      summary: "Get a substring of the string stored at a key",
      complexity: RANGE_COMPLEXITY,
      deprecated: { since: "2.0.0", replacedBy: "`GETRANGE`" },
      arguments: RANGE_ARGUMENTS,
    }),
    execute: getRange,
  },
];

/**
 * HSCAN: iteration over the fields of a hash.
 *
 * Invariants: a field that is there from the first call to the last is answered at least once, whatever changes between calls;
 * a packed hash is answered as a whole, as Redis does with its compact form.
 *
 * A reply names its number of elements before them: the part is visited twice and nothing is kept.
 */
import { matchesGlob } from "../base/glob.ts";
import { cursorOrReply, integerOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import type { CommandSpec } from "./spec.ts";

const COUNT_DEFAULT = 10;
const STAR = 42;

function hscan(context: Context): void {
  const { hash, reply } = context;
  const cursor = cursorOrReply(context, 2);
  if (cursor < 0 || !hash.openToRead()) return;
  if (hash.isAbsent) {
    replyNothing(context);
    return;
  }
  let count = COUNT_DEFAULT;
  let pattern = 0;
  let withValues = true;
  for (let index = 3; index < context.argc; index++) {
    const isLast = index + 1 === context.argc;
    if (context.is(index, "novalues")) withValues = false;
    else if (context.is(index, "match") && !isLast) pattern = ++index;
    else if (context.is(index, "count") && !isLast) {
      count = integerOrReply(context, ++index);
      if (Number.isNaN(count)) return;
    } else count = 0;
    if (count < 1) {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  if (pattern !== 0 && context.length(pattern) === 1 && context.bytes[context.offset(pattern)] === STAR) {
    pattern = 0;
  }
  let matching = 0;
  const next = hash.scan(cursor, count, () => {
    if (pattern === 0 || matches(context, pattern)) matching++;
  });
  reply.arrayHeader(2);
  reply.bulkInteger(next);
  reply.arrayHeader(withValues ? matching * 2 : matching);
  hash.scan(cursor, count, () => {
    if (pattern !== 0 && !matches(context, pattern)) return;
    reply.bulkData(hash.data, hash.bytes, hash.fieldOffset, hash.fieldLength);
    if (withValues) reply.bulkData(hash.data, hash.bytes, hash.valueOffset, hash.valueLength);
  });
}

function replyNothing(context: Context): void {
  const { reply } = context;
  reply.arrayHeader(2);
  reply.bulkInteger(0);
  reply.arrayHeader(0);
}

function matches(context: Context, pattern: number): boolean {
  const { hash } = context;
  return matchesGlob(
    context.bytes,
    context.offset(pattern),
    context.length(pattern),
    hash.bytes,
    hash.fieldOffset,
    hash.fieldLength,
  );
}

export const hashScanCommand: CommandSpec = {
  name: "hscan",
  arity: -3,
  flags: ["readonly"],
  group: "hash",
  since: "2.8.0",
  summary: "Incrementally iterate hash fields and associated values",
  complexity:
    "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
  keys: oneKey("value", "RO", "access"),
  tips: ["nondeterministic_output"],
  arguments: [
    KEY_ARGUMENT,
    { name: "cursor", type: "integer" },
    { name: "pattern", type: "pattern", token: "MATCH", optional: true },
    { name: "count", type: "integer", token: "COUNT", optional: true },
    { name: "novalues", type: "pure-token", token: "NOVALUES", since: "7.4.0", optional: true },
  ],
  execute: hscan,
};

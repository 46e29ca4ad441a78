/**
 * SSCAN: iteration over the members of a set.
 *
 * Invariants: a member that is there from the first call to the last is answered at least once, whatever changes between
 * calls; a packed set is answered as a whole, as Redis does with its compact forms.
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

function sscan(context: Context): void {
  const { reply, set } = context;
  const cursor = cursorOrReply(context, 2);
  if (cursor < 0 || !set.openToRead(1)) return;
  if (set.isAbsent) {
    reply.arrayHeader(2);
    reply.bulkInteger(0);
    reply.arrayHeader(0);
    return;
  }
  let count = COUNT_DEFAULT;
  let pattern = 0;
  for (let index = 3; index < context.argc; index += 2) {
    const isLast = index + 1 === context.argc;
    if (context.is(index, "match") && !isLast) pattern = index + 1;
    else if (context.is(index, "count") && !isLast) {
      count = integerOrReply(context, index + 1);
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
  const next = set.scan(cursor, count, () => {
    if (pattern === 0 || matches(context, pattern)) matching++;
  });
  reply.arrayHeader(2);
  reply.bulkInteger(next);
  reply.arrayHeader(matching);
  set.scan(cursor, count, () => {
    if (pattern === 0 || matches(context, pattern)) set.replyMember();
  });
}

function matches(context: Context, pattern: number): boolean {
  const { bytes, set } = context;
  return matchesGlob(
    bytes,
    context.offset(pattern),
    context.length(pattern),
    set.bytes,
    set.offset,
    set.length,
  );
}

export const setScanCommand: CommandSpec = {
  name: "sscan",
  arity: -3,
  flags: ["readonly"],
  group: "set",
  since: "2.8.0",
  summary: "Incrementally iterate Set elements",
  complexity:
    "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
  keys: oneKey("value", "RO", "access"),
  tips: ["nondeterministic_output"],
  arguments: [
    KEY_ARGUMENT,
    { name: "cursor", type: "integer" },
    { name: "pattern", type: "pattern", token: "MATCH", optional: true },
    { name: "count", type: "integer", token: "COUNT", optional: true },
  ],
  execute: sscan,
};

/**
 * ZSCAN: iteration over the members of a sorted set with their scores.
 *
 * Invariants: a member that is there from the first call to the last is answered at least once, whatever changes between
 * calls; a packed sorted set is answered as a whole, as Redis does with its compact form.
 *
 * A reply names its number of elements before them: the part is visited twice and nothing is kept.
 */
import { matchesGlob } from "../base/glob.ts";
import { formatDouble } from "../protocol/format-double.ts";
import type { UnpackedSortedSet } from "../value/sorted-set/unpacked-sorted-set.ts";
import { cursorOrReply, integerOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { OPEN_ABSENT, OPEN_REFUSED, type SortedSetValue } from "./sorted-set-value.ts";

const COUNT_DEFAULT = 10;
const STAR = 42;
const COMPACT_INTEGER_MAX = 2 ** 62;

type Visit = (bytes: Uint8Array, offset: number, length: number, score: number) => void;

export function zscan(context: Context): void {
  const { reply, sortedSet } = context;
  const cursor = cursorOrReply(context, 2);
  if (cursor < 0) return;
  const opened = sortedSet.openForRead(1);
  if (opened === OPEN_REFUSED) return;
  if (opened === OPEN_ABSENT) {
    replyPart(context, 0, 0);
    return;
  }
  let count = COUNT_DEFAULT;
  let pattern = 0;
  for (let index = 3; index < context.argc; index += 2) {
    const isLast = index + 1 === context.argc;
    if (!isLast && context.is(index, "match")) pattern = index + 1;
    else if (!isLast && context.is(index, "count")) {
      count = integerOrReply(context, index + 1);
      if (Number.isNaN(count)) return;
    } else count = 0;
    if (count < 1) {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  if (pattern !== 0 && isStar(context, pattern)) pattern = 0;
  let matching = 0;
  const next = visitPart(sortedSet, cursor, count, (bytes, offset, length) => {
    if (pattern === 0 || matches(context, pattern, bytes, offset, length)) matching++;
  });
  replyPart(context, next, matching);
  visitPart(sortedSet, cursor, count, (bytes, offset, length, score) => {
    if (pattern !== 0 && !matches(context, pattern, bytes, offset, length)) return;
    reply.bulk(bytes, offset, length);
    reply.bulkLatin1(sortedSet.isCompact ? compactText(score) : formatDouble(score));
  });
}

function replyPart(context: Context, next: number, elements: number): void {
  const { reply } = context;
  reply.arrayHeader(2);
  reply.bulkInteger(next);
  reply.arrayHeader(elements * 2);
}

/** Redis's listpacks keep integers up to half of int64 as such, and answer all their digits here. */
function compactText(score: number): string {
  const isInteger = Number.isInteger(score) && Math.abs(score) <= COMPACT_INTEGER_MAX;
  return isInteger ? BigInt(score).toString() : formatDouble(score);
}

/** Visits the elements from the cursor on, about `count` of them; answers the next cursor. */
function visitPart(set: SortedSetValue, cursor: number, count: number, visit: Visit): number {
  if (set.structure !== undefined) return visitStructure(set.structure, cursor, count, visit);
  for (let rank = 0; rank < set.size; rank++) {
    if (rank === 0) set.seek(0);
    else set.next();
    visit(set.bytes, set.offset, set.length, set.score);
  }
  return 0;
}

function visitStructure(structure: UnpackedSortedSet, cursor: number, count: number, visit: Visit): number {
  const { members } = structure;
  return members.scan(cursor, count, () => {
    const { bytes, data, keyOffset, keyLength, valueOffset } = members.entry;
    visit(bytes, keyOffset, keyLength, data.getFloat64(valueOffset, true));
  });
}

function isStar(context: Context, index: number): boolean {
  return context.length(index) === 1 && context.bytes[context.offset(index)] === STAR;
}

function matches(
  context: Context,
  pattern: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  return matchesGlob(context.bytes, context.offset(pattern), context.length(pattern), bytes, offset, length);
}

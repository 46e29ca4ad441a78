/**
 * ZRANDMEMBER: elements by chance, with or without repetition.
 *
 * Elements are chosen by rank, so each is exactly as likely as any other, in either form. Distinct ones are drawn by Floyd's
 * method from their ranks; where a good part of the set is wanted a walk over all of it decides for each element.
 */
import { randomCountOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { replyElements } from "./sorted-set-range.ts";
import { OPEN_ABSENT, OPEN_REFUSED } from "./sorted-set-value.ts";

/** As Redis: replies count members and scores together. */
const PAIRS_MAX = 2 ** 62;
/** From this share of the set on a walk is cheaper than that many descents. */
const WALK_SHARE = 8;

export function zrandmember(context: Context): void {
  const { argc, reply, sortedSet } = context;
  if (argc === 2) {
    const opened = sortedSet.openForRead(1);
    if (opened === OPEN_REFUSED) return;
    if (opened === OPEN_ABSENT) reply.nullBulk();
    else {
      sortedSet.seek(context.structures.random.below(sortedSet.size));
      reply.bulk(sortedSet.bytes, sortedSet.offset, sortedSet.length);
    }
    return;
  }
  const count = countOrReply(context);
  if (Number.isNaN(count)) return;
  const opened = sortedSet.openForRead(1);
  if (opened === OPEN_REFUSED) return;
  const withScores = argc === 4;
  if (opened === OPEN_ABSENT || count === 0) reply.arrayHeader(0);
  else if (count < 0) replyRepeated(context, -count, withScores);
  else if (count >= sortedSet.size) replyElements(context, 0, sortedSet.size, false, withScores);
  else if (count * WALK_SHARE < sortedSet.size) replyFew(context, count, withScores);
  else replyMany(context, count, withScores);
}

/** NaN after the error reply. */
function countOrReply(context: Context): number {
  const { argc, reply } = context;
  const count = randomCountOrReply(context, 2);
  if (Number.isNaN(count)) return Number.NaN;
  if (argc > 4 || (argc === 4 && !context.is(3, "withscores"))) {
    reply.error(SYNTAX_ERROR);
    return Number.NaN;
  }
  if (argc === 4 && Math.abs(count) > PAIRS_MAX) {
    reply.error("ERR value is out of range");
    return Number.NaN;
  }
  return count;
}

function replyHeader(context: Context, count: number, withScores: boolean): void {
  context.reply.arrayHeader(withScores && context.reply.resp === 2 ? count * 2 : count);
}

/** Replies with the element of the view. */
function replyElement(context: Context, withScores: boolean): void {
  const { reply, sortedSet } = context;
  if (withScores && reply.resp !== 2) reply.arrayHeader(2);
  reply.bulk(sortedSet.bytes, sortedSet.offset, sortedSet.length);
  if (withScores) reply.double(sortedSet.score);
}

function replyRepeated(context: Context, count: number, withScores: boolean): void {
  const { random } = context.structures;
  const { sortedSet } = context;
  const { size } = sortedSet;
  sortedSet.prepareJumps();
  replyHeader(context, count, withScores);
  for (let i = 0; i < count; i++) {
    sortedSet.seek(random.below(size));
    replyElement(context, withScores);
  }
}

/** Floyd's choice of `count` of the ranks: each step adds one of the first ranks, or the step's own if that is taken. */
function replyFew(context: Context, count: number, withScores: boolean): void {
  const { random } = context.structures;
  const { sortedSet } = context;
  const { size } = sortedSet;
  const chosen = new Set<number>();
  sortedSet.prepareJumps();
  replyHeader(context, count, withScores);
  for (let last = size - count; last < size; last++) {
    const drawn = random.below(last + 1);
    const rank = chosen.has(drawn) ? last : drawn;
    chosen.add(rank);
    sortedSet.seek(rank);
    replyElement(context, withScores);
  }
}

/** Takes each element with the chance that fills the count exactly. */
function replyMany(context: Context, count: number, withScores: boolean): void {
  const { random } = context.structures;
  const { sortedSet } = context;
  const { size } = sortedSet;
  let wanted = count;
  replyHeader(context, count, withScores);
  for (let rank = 0; wanted > 0; rank++) {
    if (rank === 0) sortedSet.seek(0);
    else sortedSet.next();
    if (random.below(size - rank) >= wanted) continue;
    replyElement(context, withScores);
    wanted--;
  }
}

/**
 * Commands that ask about members and sizes: ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK, ZCOUNT, ZLEXCOUNT.
 *
 * Hot-path file: nothing here allocates, but for the text of scores that are no integers.
 */
import { replyWrongArity, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { elementRange } from "./sorted-set-bounds.ts";
import { OPEN_ABSENT, OPEN_REFUSED } from "./sorted-set-value.ts";

export function zcard(context: Context): void {
  const { reply, sortedSet } = context;
  if (sortedSet.openForRead(1) !== OPEN_REFUSED) reply.integer(sortedSet.size);
}

export function zscore(context: Context): void {
  if (context.sortedSet.openForRead(1) !== OPEN_REFUSED) replyScore(context, 2);
}

export function zmscore(context: Context): void {
  if (context.sortedSet.openForRead(1) === OPEN_REFUSED) return;
  context.reply.arrayHeader(context.argc - 2);
  for (let index = 2; index < context.argc; index++) replyScore(context, index);
}

function replyScore(context: Context, member: number): void {
  if (find(context, member)) context.reply.double(context.sortedSet.score);
  else context.reply.nullBulk();
}

function find(context: Context, member: number): boolean {
  return context.sortedSet.find(context.bytes, context.offset(member), context.length(member));
}

export function zrank(context: Context): void {
  replyRank(context, "zrank", false);
}

export function zrevrank(context: Context): void {
  replyRank(context, "zrevrank", true);
}

function replyRank(context: Context, command: string, reversed: boolean): void {
  const { argc, reply, sortedSet } = context;
  if (argc > 4) {
    replyWrongArity(context, command);
    return;
  }
  const withScore = argc === 4;
  if (withScore && !context.is(3, "withscore")) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (sortedSet.openForRead(1) === OPEN_REFUSED) return;
  if (!find(context, 2)) {
    if (withScore) reply.nullArray();
    else reply.nullBulk();
    return;
  }
  const { score } = sortedSet;
  const rank = sortedSet.rankOfFound(context.bytes, context.offset(2), context.length(2));
  if (withScore) reply.arrayHeader(2);
  reply.integer(reversed ? sortedSet.size - 1 - rank : rank);
  if (withScore) reply.double(score);
}

export function zcount(context: Context): void {
  if (elementRange.readScoresOrReply(context, 2, 3)) replyCount(context);
}

export function zlexcount(context: Context): void {
  if (elementRange.readMembersOrReply(context, 2, 3)) replyCount(context);
}

function replyCount(context: Context): void {
  const opened = context.sortedSet.openForRead(1);
  if (opened === OPEN_REFUSED) return;
  if (opened === OPEN_ABSENT) {
    context.reply.integer(0);
    return;
  }
  elementRange.locate(context.sortedSet, false);
  context.reply.integer(elementRange.count);
}

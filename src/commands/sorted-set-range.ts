/**
 * Commands that answer or store ranges: ZRANGE with its older forms, and ZRANGESTORE.
 *
 * Hot-path file: nothing here allocates, but for the text of scores that are no integers; elements go from where they are
 * to the reply in one copy.
 */
import { integerOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { BY_MEMBER, BY_RANK, BY_SCORE, elementRange } from "./sorted-set-bounds.ts";
import { concludeStore, scoreTable } from "./sorted-set-store.ts";
import { OPEN_ABSENT, OPEN_REFUSED, type SortedSetValue } from "./sorted-set-value.ts";

/** For the kind and the direction of a range: an option decides. */
const BY_OPTION = -1;
const FORWARD = 0;
const REVERSE = 1;

// What the options said.
let kind = BY_RANK;
let isReversed = false;
let withScores = false;
let limitOffset = 0;
let limitCount = -1;

export function zrange(context: Context): void {
  replyRange(context, BY_OPTION, BY_OPTION);
}

export function zrevrange(context: Context): void {
  replyRange(context, BY_RANK, REVERSE);
}

export function zrangebyscore(context: Context): void {
  replyRange(context, BY_SCORE, FORWARD);
}

export function zrevrangebyscore(context: Context): void {
  replyRange(context, BY_SCORE, REVERSE);
}

export function zrangebylex(context: Context): void {
  replyRange(context, BY_MEMBER, FORWARD);
}

export function zrevrangebylex(context: Context): void {
  replyRange(context, BY_MEMBER, REVERSE);
}

function replyRange(context: Context, kindGiven: number, directionGiven: number): void {
  if (!readRangeOrReply(context, 1, kindGiven, directionGiven, false)) return;
  const opened = context.sortedSet.openForRead(1);
  if (opened === OPEN_REFUSED) return;
  if (opened === OPEN_ABSENT) {
    context.reply.arrayHeader(0);
    return;
  }
  locateRange(context.sortedSet);
  replyElements(context, elementRange.first, elementRange.count, isReversed, withScores);
}

export function zrangestore(context: Context): void {
  if (!readRangeOrReply(context, 2, BY_OPTION, BY_OPTION, true)) return;
  const { sortedSet } = context;
  const opened = sortedSet.openForRead(2);
  if (opened === OPEN_REFUSED) return;
  scoreTable.clear();
  if (opened !== OPEN_ABSENT) {
    locateRange(sortedSet);
    collectRange(context);
  }
  concludeStore(context, "zrangestore");
}

/** Puts the elements of the located range into the table. */
function collectRange(context: Context): void {
  const { limits, sortedSet } = context;
  const { first, count } = elementRange;
  // Redis fills a listpack, which has no -0, until an element is too much for it.
  let isCompact = kind !== BY_RANK || count <= limits.sortedSetEntriesMax;
  if (isReversed) sortedSet.prepareJumps();
  for (let i = 0; i < count; i++) {
    if (i === 0) sortedSet.seek(isReversed ? first + count - 1 : first);
    else if (isReversed) sortedSet.previous();
    else sortedSet.next();
    const { bytes, offset, length, score } = sortedSet;
    if (i >= limits.sortedSetEntriesMax || length > limits.sortedSetValueBytesMax) isCompact = false;
    scoreTable.append(bytes, offset, length, isCompact ? score + 0 : score);
  }
}

/** Reads the range behind the key in argument `key`, and the options; false after the error reply. */
function readRangeOrReply(
  context: Context,
  key: number,
  kindGiven: number,
  directionGiven: number,
  stores: boolean,
): boolean {
  if (!readOptionsOrReply(context, key + 3, kindGiven, directionGiven, stores)) return false;
  const { reply } = context;
  if (limitCount !== -1 && kind === BY_RANK) {
    reply.error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (withScores && kind === BY_MEMBER) {
    reply.error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  // From high to low the upper bound is named first, but ranks are counted from that end.
  const isSwapped = isReversed && kind !== BY_RANK;
  return elementRange.readOrReply(
    context,
    kind,
    isSwapped ? key + 2 : key + 1,
    isSwapped ? key + 1 : key + 2,
  );
}

function readOptionsOrReply(
  context: Context,
  first: number,
  kindGiven: number,
  directionGiven: number,
  stores: boolean,
): boolean {
  const { argc } = context;
  kind = kindGiven;
  let direction = directionGiven;
  withScores = false;
  limitOffset = 0;
  limitCount = -1;
  for (let index = first; index < argc; index++) {
    if (!stores && context.is(index, "withscores")) withScores = true;
    else if (context.is(index, "limit") && index + 2 < argc) {
      limitOffset = integerOrReply(context, index + 1);
      if (Number.isNaN(limitOffset)) return false;
      limitCount = integerOrReply(context, index + 2);
      if (Number.isNaN(limitCount)) return false;
      index += 2;
    } else if (direction === BY_OPTION && context.is(index, "rev")) direction = REVERSE;
    else if (kind === BY_OPTION && context.is(index, "bylex")) kind = BY_MEMBER;
    else if (kind === BY_OPTION && context.is(index, "byscore")) kind = BY_SCORE;
    else {
      context.reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  if (kind === BY_OPTION) kind = BY_RANK;
  isReversed = direction === REVERSE;
  return true;
}

function locateRange(set: SortedSetValue): void {
  elementRange.locate(set, isReversed);
  if (kind !== BY_RANK) elementRange.limit(limitOffset, limitCount, isReversed);
}

/** Replies with the elements of the open sorted set that have the ranks [first, first + count), the highest first with `reversed`. */
export function replyElements(
  context: Context,
  first: number,
  count: number,
  reversed: boolean,
  scored: boolean,
): void {
  const { reply } = context;
  const set = context.sortedSet;
  const isFlat = reply.resp === 2;
  reply.arrayHeader(scored && isFlat ? count * 2 : count);
  if (count === 0) return;
  if (reversed) set.prepareJumps();
  set.seek(reversed ? first + count - 1 : first);
  for (let left = count; ; ) {
    if (scored && !isFlat) reply.arrayHeader(2);
    reply.bulk(set.bytes, set.offset, set.length);
    if (scored) reply.double(set.score);
    if (--left === 0) return;
    if (reversed) set.previous();
    else set.next();
  }
}

/**
 * Commands that take the lowest or highest elements: ZPOPMIN, ZPOPMAX, ZMPOP, and BZPOPMIN, BZPOPMAX, BZMPOP, which wait
 * for a sorted set that has some.
 *
 * Invariants: what is logged names the key that was served and how many went (`ZPOPMIN key [count]`), so that replaying
 * waits for nothing and looks at no other key; a command that took nothing is not logged.
 *
 * Hot-path file: nothing here allocates, but for a time-out and for the text of scores that are no integers.
 */
import { TYPE_SORTED_SET } from "../engine/keyspace.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { approximateInt64, SYNTAX_ERROR, timeoutOrReply } from "./arguments.ts";
import type { Context } from "./context.ts";
import { NOTIFY_SORTED_SET } from "./notify-events.ts";
import { OPEN_ABSENT, OPEN_FOUND, OPEN_REFUSED, type SortedSetValue } from "./sorted-set-value.ts";

const MIN = 0;
const MAX = 1;
/** For a count that was not given. */
const NO_COUNT = -1;

// What the arguments of ZMPOP and BZMPOP said.
let keyCount = 0;
let end: number = MIN;
let count = 0;

export function zpopmin(context: Context): void {
  popFromKey(context, MIN);
}

export function zpopmax(context: Context): void {
  popFromKey(context, MAX);
}

function popFromKey(context: Context, where: number): void {
  const { argc, reply, sortedSet } = context;
  if (argc > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  let wanted = NO_COUNT;
  if (argc === 3) {
    wanted = approximateInt64(context, 2);
    if (Number.isNaN(wanted) || wanted < 0) {
      reply.error("ERR value is out of range, must be positive");
      return;
    }
  }
  const opened = sortedSet.openForWrite(1);
  if (opened === OPEN_REFUSED) return;
  if (opened === OPEN_ABSENT || wanted === 0) {
    reply.arrayHeader(0);
    return;
  }
  const taken = Math.min(wanted === NO_COUNT ? 1 : wanted, sortedSet.size);
  const isPaired = reply.resp !== 2 && wanted !== NO_COUNT;
  reply.arrayHeader(isPaired ? taken : taken * 2);
  replyEnd(reply, sortedSet, where, taken, isPaired);
  const keyIsGone = removeEnd(sortedSet, where, taken);
  context.effects.verbatim();
  tell(sortedSet, where, keyIsGone);
}

export function zmpop(context: Context): void {
  if (!readPopOrReply(context, 1)) return;
  const key = openFirst(context, 2, keyCount);
  if (key > 0) popWithKey(context, key, end, count);
  else if (key === 0) context.reply.nullArray();
}

export function bzpopmin(context: Context): void {
  popOrWait(context, MIN);
}

export function bzpopmax(context: Context): void {
  popOrWait(context, MAX);
}

function popOrWait(context: Context, where: number): void {
  const last = context.argc - 1;
  const timeoutMs = timeoutOrReply(context, last);
  if (Number.isNaN(timeoutMs)) return;
  const key = openReady(context, 1, last - 1);
  if (key > 0) popWithKey(context, key, where, NO_COUNT);
  else if (key === 0) waitOrReply(context, 1, last - 1, timeoutMs);
}

export function bzmpop(context: Context): void {
  if (!readPopOrReply(context, 2)) return;
  const timeoutMs = timeoutOrReply(context, 1);
  if (Number.isNaN(timeoutMs)) return;
  const key = openReady(context, 3, keyCount);
  if (key > 0) popWithKey(context, key, end, count);
  else if (key === 0) waitOrReply(context, 3, keyCount, timeoutMs);
}

function waitOrReply(context: Context, firstKey: number, keys: number, timeoutMs: number): void {
  if (context.mayBlock) context.waitForKeys(firstKey, keys, TYPE_SORTED_SET, timeoutMs, replyNothing);
  else context.reply.nullArray();
}

function replyNothing(reply: ReplyWriter): void {
  reply.nullArray();
}

/** Reads `numkeys key … MIN|MAX [COUNT count]`; false after the error reply. */
function readPopOrReply(context: Context, countArgument: number): boolean {
  const { argc, reply } = context;
  keyCount = approximateInt64(context, countArgument);
  if (Number.isNaN(keyCount) || keyCount < 1) {
    reply.error("ERR numkeys should be greater than 0");
    return false;
  }
  const where = countArgument + keyCount + 1;
  if (where < argc && context.is(where, "min")) end = MIN;
  else if (where < argc && context.is(where, "max")) end = MAX;
  else {
    reply.error(SYNTAX_ERROR);
    return false;
  }
  count = 1;
  for (let index = where + 1; index < argc; index += 2) {
    if (index > where + 1 || index + 1 === argc || !context.is(index, "count")) {
      reply.error(SYNTAX_ERROR);
      return false;
    }
    count = approximateInt64(context, index + 1);
    if (Number.isNaN(count) || count < 1) {
      reply.error("ERR count should be greater than 0");
      return false;
    }
  }
  return true;
}

/** Opens the first of the keys that exists; answers its argument, 0 if there is none, -1 after the error reply. */
function openFirst(context: Context, firstKey: number, keys: number): number {
  for (let key = firstKey; key < firstKey + keys; key++) {
    const opened = context.sortedSet.openForWrite(key);
    if (opened === OPEN_REFUSED) return -1;
    if (opened === OPEN_FOUND) return key;
  }
  return 0;
}

/** The same for a command that may have waited: then the key that became ready is served, and no other is looked at. */
function openReady(context: Context, firstKey: number, keys: number): number {
  const ready = context.wakeKeyArgument;
  return ready === 0 ? openFirst(context, firstKey, keys) : openFirst(context, ready, 1);
}

/**
 * Takes up to `wanted` elements from the open sorted set, replies and logs. With NO_COUNT it is one, and the reply is the key,
 * the member and its score; else the key and an array of pairs.
 */
function popWithKey(context: Context, key: number, where: number, wanted: number): void {
  const { reply, sortedSet } = context;
  const isPaired = wanted !== NO_COUNT;
  const taken = isPaired ? Math.min(wanted, sortedSet.size) : 1;
  reply.arrayHeader(isPaired ? 2 : 3);
  reply.bulk(context.bytes, context.offset(key), context.length(key));
  if (isPaired) reply.arrayHeader(taken);
  replyEnd(reply, sortedSet, where, taken, isPaired);
  const keyIsGone = removeEnd(sortedSet, where, taken);
  const { effects } = context;
  effects.begin(context.db, isPaired ? 3 : 2);
  effects.argumentText(where === MIN ? "ZPOPMIN" : "ZPOPMAX");
  effects.requestArgument(key);
  if (isPaired) effects.argumentInteger(taken);
  effects.end();
  tell(sortedSet, where, keyIsGone);
}

/** Members and scores of `taken` elements from an end of the open sorted set, each in an array of two with `isPaired`. */
function replyEnd(
  reply: ReplyWriter,
  set: SortedSetValue,
  where: number,
  taken: number,
  isPaired: boolean,
): void {
  if (where === MAX) set.prepareJumps();
  set.seek(where === MIN ? 0 : set.size - 1);
  for (let left = taken; ; ) {
    if (isPaired) reply.arrayHeader(2);
    reply.bulk(set.bytes, set.offset, set.length);
    reply.double(set.score);
    if (--left === 0) return;
    if (where === MIN) set.next();
    else set.previous();
  }
}

/** True if the key went with its last elements. */
function removeEnd(set: SortedSetValue, where: number, taken: number): boolean {
  set.removeRange(where === MIN ? 0 : set.size - taken, taken);
  return set.finish();
}

function tell(set: SortedSetValue, where: number, keyIsGone: boolean): void {
  set.tell(NOTIFY_SORTED_SET, where === MIN ? "zpopmin" : "zpopmax", keyIsGone);
}

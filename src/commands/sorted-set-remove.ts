/**
 * Commands that remove members: ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.
 *
 * Invariant: a key whose last member goes is removed with it; a request that removed nothing is not logged.
 *
 * Hot-path file: nothing here allocates.
 */
import type { Context } from "./context.ts";
import { NOTIFY_SORTED_SET } from "./notify-events.ts";
import { BY_MEMBER, BY_RANK, BY_SCORE, elementRange } from "./sorted-set-bounds.ts";
import { OPEN_FOUND, OPEN_REFUSED } from "./sorted-set-value.ts";

export function zrem(context: Context): void {
  const { argc, bytes, sortedSet } = context;
  if (sortedSet.openForWrite(1) === OPEN_REFUSED) return;
  let removed = 0;
  for (let index = 2; index < argc && sortedSet.size > 0; index++) {
    const offset = context.offset(index);
    const length = context.length(index);
    if (!sortedSet.find(bytes, offset, length)) continue;
    sortedSet.removeFound(bytes, offset, length);
    removed++;
  }
  concludeRemoval(context, "zrem");
  context.reply.integer(removed);
}

/** After what was removed, if anything: the key's new version or end, the effect and the events. */
function concludeRemoval(context: Context, event: string): void {
  const { sortedSet } = context;
  if (!sortedSet.isChanged) return;
  const keyIsGone = sortedSet.finish();
  context.effects.verbatim();
  sortedSet.tell(NOTIFY_SORTED_SET, event, keyIsGone);
}

export function zremrangebyrank(context: Context): void {
  removeRange(context, BY_RANK, "zremrangebyrank");
}

export function zremrangebyscore(context: Context): void {
  removeRange(context, BY_SCORE, "zremrangebyscore");
}

export function zremrangebylex(context: Context): void {
  removeRange(context, BY_MEMBER, "zremrangebylex");
}

function removeRange(context: Context, kind: number, event: string): void {
  if (!elementRange.readOrReply(context, kind, 2, 3)) return;
  const { sortedSet } = context;
  const opened = sortedSet.openForWrite(1);
  if (opened === OPEN_REFUSED) return;
  let removed = 0;
  if (opened === OPEN_FOUND) {
    elementRange.locate(sortedSet, false);
    removed = elementRange.count;
    if (removed > 0) sortedSet.removeRange(elementRange.first, removed);
  }
  concludeRemoval(context, event);
  context.reply.integer(removed);
}

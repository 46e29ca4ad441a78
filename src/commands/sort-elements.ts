/**
 * The elements that SORT sorts: copied out of a list, set or sorted set, because the lookups that follow move the view.
 *
 * Hot-path file: but for growing buffers, nothing is allocated.
 */
import { TYPE_LIST, TYPE_SET, TYPE_SORTED_SET } from "../engine/keyspace.ts";
import type { ByteRuns } from "../value/sort/byte-runs.ts";
import type { Context } from "./context.ts";

/** Elements of the collection that the keyspace's view is on; -1 if it is of a type that is not sorted. */
export function sortableSize(context: Context): number {
  switch (context.keyspace.type) {
    case TYPE_LIST:
      context.list.open();
      return context.list.length;
    case TYPE_SORTED_SET:
      context.sortedSet.openView();
      return context.sortedSet.size;
    case TYPE_SET:
      context.set.openAtView();
      return context.set.size;
    default:
      return -1;
  }
}

/**
 * Appends `count` elements from `start` on of the collection that `sortableSize` has just opened, in its own order: by
 * position, by score and then member, or, of a set, as they are met.
 */
export function collectElements(context: Context, start: number, count: number, into: ByteRuns): void {
  if (count <= 0) return;
  switch (context.keyspace.type) {
    case TYPE_LIST:
      collectList(context, start, count, into);
      break;
    case TYPE_SORTED_SET:
      collectSortedSet(context, start, count, into);
      break;
    default:
      collectSet(context, start, count, into);
  }
}

function collectList({ list }: Context, start: number, count: number, into: ByteRuns): void {
  list.seek(start);
  for (;;) {
    into.append(list.bytes, list.offset, list.elementLength);
    if (--count === 0) return;
    list.next();
  }
}

function collectSortedSet({ sortedSet }: Context, start: number, count: number, into: ByteRuns): void {
  sortedSet.seek(start);
  for (;;) {
    into.append(sortedSet.bytes, sortedSet.offset, sortedSet.length);
    if (--count === 0) return;
    sortedSet.next();
  }
}

function collectSet({ set }: Context, start: number, count: number, into: ByteRuns): void {
  let index = 0;
  for (let more = set.first(); more && index < start + count; more = set.next()) {
    if (index++ >= start) into.append(set.bytes, set.offset, set.length);
  }
}

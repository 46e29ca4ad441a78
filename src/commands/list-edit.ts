/**
 * Commands that change lists elsewhere than by pushing and popping: LSET, LINSERT, LREM, LTRIM.
 *
 * Invariant: a command that finds nothing to change logs nothing, and leaves the key's version as it is.
 */
import { integerOrReply, NO_SUCH_KEY, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { LIST_ABSENT, LIST_WRONG_TYPE, listForWrite } from "./list-open.ts";
import { NOTIFY_GENERIC, NOTIFY_LIST } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";

function lset(context: Context): void {
  const { list, reply } = context;
  const found = listForWrite(context, 1);
  if (found === LIST_WRONG_TYPE) return;
  if (found === LIST_ABSENT) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  let index = integerOrReply(context, 2);
  if (Number.isNaN(index)) return;
  if (index < 0) index += list.length;
  if (index < 0 || index >= list.length) {
    reply.error("ERR index out of range");
    return;
  }
  list.seek(index);
  list.replace(context.bytes, context.offset(3), context.length(3));
  list.finish();
  context.effects.verbatim();
  context.notify(NOTIFY_LIST, "lset", 1);
  reply.ok();
}

function linsert(context: Context): void {
  const { list, reply } = context;
  const isBehind = context.is(2, "after");
  if (!isBehind && !context.is(2, "before")) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const found = listForWrite(context, 1);
  if (found === LIST_WRONG_TYPE) return;
  if (found === LIST_ABSENT) {
    reply.integer(0);
    return;
  }
  const pivot = context.offset(3);
  const pivotLength = context.length(3);
  list.seek(0);
  while (!list.holds(context.bytes, pivot, pivotLength)) {
    if (list.next()) continue;
    reply.integer(-1);
    return;
  }
  list.insert(context.bytes, context.offset(4), context.length(4), isBehind);
  const { length } = list;
  list.finish();
  context.effects.verbatim();
  context.notify(NOTIFY_LIST, "linsert", 1);
  reply.integer(length);
}

function lrem(context: Context): void {
  const { list, reply } = context;
  const count = integerOrReply(context, 2);
  if (Number.isNaN(count)) return;
  const found = listForWrite(context, 1);
  if (found === LIST_WRONG_TYPE) return;
  const removed = found === LIST_ABSENT ? 0 : removeEqual(context, count);
  if (removed > 0) {
    const isGone = list.length === 0;
    list.finish();
    context.effects.verbatim();
    context.notify(NOTIFY_LIST, "lrem", 1);
    if (isGone) context.notify(NOTIFY_GENERIC, "del", 1);
  }
  reply.integer(removed);
}

/** Removes elements equal to argument 3: as many as `count` says, from the back if it is negative, all if it is 0. */
function removeEqual(context: Context, count: number): number {
  const { list, bytes } = context;
  const offset = context.offset(3);
  const length = context.length(3);
  const backward = count < 0;
  const wanted = count === 0 ? list.length : Math.abs(count);
  let removed = 0;
  list.seek(backward ? list.length - 1 : 0);
  while (removed < wanted && list.index >= 0 && list.index < list.length) {
    if (list.holds(bytes, offset, length)) {
      list.removeHere();
      removed++;
      // What is looked at next has taken the removed one's place already, unless the walk goes backward.
      if (backward) list.previous();
    } else if (backward) list.previous();
    else list.next();
  }
  return removed;
}

function ltrim(context: Context): void {
  const { list, reply } = context;
  let start = integerOrReply(context, 2);
  if (Number.isNaN(start)) return;
  let end = integerOrReply(context, 3);
  if (Number.isNaN(end)) return;
  const found = listForWrite(context, 1);
  if (found === LIST_WRONG_TYPE) return;
  if (found === LIST_ABSENT) {
    reply.ok();
    return;
  }
  const { length } = list;
  if (start < 0) start = Math.max(0, start + length);
  if (end < 0) end += length;
  if (end >= length) end = length - 1;
  const kept = start > end ? 0 : end - start + 1;
  if (kept < length) {
    keepRange(context, kept === 0 ? 0 : start, kept);
    context.effects.verbatim();
  }
  context.notify(NOTIFY_LIST, "ltrim", 1);
  if (kept === 0) context.notify(NOTIFY_GENERIC, "del", 1);
  reply.ok();
}

function keepRange(context: Context, start: number, kept: number): void {
  const { list } = context;
  list.removeRange(start + kept, list.length - start - kept);
  list.removeRange(0, start);
  list.finish();
}

const INDEX = { name: "index", type: "integer" } as const;
const ELEMENT = { name: "element", type: "string" } as const;

export const listEditCommands: readonly CommandSpec[] = [
  {
    name: "linsert",
    arity: 5,
    flags: ["write", "denyoom"],
    group: "list",
    keys: oneKey("value", "RW", "insert"),
    docs: () => ({
      since: "2.2.0",
      summary: "Insert an element before or after another element in a list",
      complexity:
        "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).",
      arguments: [
        KEY_ARGUMENT,
        {
          name: "where",
          type: "oneof",
          arguments: [
            { name: "before", type: "pure-token", token: "BEFORE" },
            { name: "after", type: "pure-token", token: "AFTER" },
          ],
        },
        { name: "pivot", type: "string" },
        ELEMENT,
      ],
    }),
    execute: linsert,
  },
  {
    name: "lrem",
    arity: 4,
    flags: ["write"],
    group: "list",
    keys: oneKey("value", "RW", "delete"),
    docs: () => ({
      since: "1.0.0",
      summary: "Remove elements from a list",
      complexity: "O(N+M) where N is the length of the list and M is the number of elements removed.",
      arguments: [KEY_ARGUMENT, { name: "count", type: "integer" }, ELEMENT],
    }),
    execute: lrem,
  },
  {
    name: "lset",
    arity: 4,
    flags: ["write", "denyoom"],
    group: "list",
    keys: oneKey("value", "RW", "update"),
    docs: () => ({
      since: "1.0.0",
      summary: "Set the value of an element in a list by its index",
      complexity:
        "O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).",
      arguments: [KEY_ARGUMENT, INDEX, ELEMENT],
    }),
    execute: lset,
  },
  {
    name: "ltrim",
    arity: 4,
    flags: ["write"],
    group: "list",
    keys: oneKey("value", "RW", "delete"),
    docs: () => ({
      since: "1.0.0",
      summary: "Trim a list to the specified range",
      complexity: "O(N) where N is the number of elements to be removed by the operation.",
      arguments: [KEY_ARGUMENT, { name: "start", type: "integer" }, { name: "stop", type: "integer" }],
    }),
    execute: ltrim,
  },
];

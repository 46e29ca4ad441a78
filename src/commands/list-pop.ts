/**
 * LPOP and RPOP, and what every command that pops has in common.
 *
 * Hot-path file: nothing allocates, but where a list changes its form.
 */

import { replyWrongArity } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { countOrReply, LIST_ABSENT, LIST_WRONG_TYPE, listForWrite } from "./list-open.ts";
import { replyElement, replyElements, replyElementsBackward } from "./list-reply.ts";
import { NOTIFY_GENERIC, NOTIFY_LIST } from "./notify-events.ts";
import type { CommandDocs, CommandSpec } from "./spec.ts";

function lpop(context: Context): void {
  pop(context, true, "lpop");
}

function rpop(context: Context): void {
  pop(context, false, "rpop");
}

function pop(context: Context, fromFront: boolean, command: string): void {
  const { argc, reply } = context;
  if (argc > 3) {
    replyWrongArity(context, command);
    return;
  }
  const hasCount = argc === 3;
  const count = hasCount ? countOrReply(context, 2, 0, "ERR value is out of range, must be positive") : 1;
  if (count < 0) return;
  const found = listForWrite(context, 1);
  if (found === LIST_WRONG_TYPE) return;
  if (found === LIST_ABSENT) {
    if (hasCount) reply.nullArray();
    else reply.nullBulk();
    return;
  }
  if (count === 0) {
    reply.arrayHeader(0);
    return;
  }
  if (hasCount) replyPopped(context, count, fromFront);
  else replyElement(context, fromFront ? 0 : context.list.length - 1);
  removePopped(context, 1, count, fromFront);
  context.effects.verbatim();
}

/** Replies with an array of up to `count` elements from an end of the list, in the order in which they are popped. */
export function replyPopped(context: Context, count: number, fromFront: boolean): void {
  const { length } = context.list;
  const popped = Math.min(count, length);
  context.reply.arrayHeader(popped);
  if (fromFront) replyElements(context, 0, popped);
  else replyElementsBackward(context, length - 1, popped);
}

/** Removes up to `count` elements from an end of the list, whose key is in argument `key`, and tells of it. */
export function removePopped(context: Context, key: number, count: number, fromFront: boolean): void {
  const { list } = context;
  const popped = Math.min(count, list.length);
  list.removeRange(fromFront ? 0 : list.length - popped, popped);
  const isGone = list.length === 0;
  list.finish();
  if (context.notifications === 0) return;
  context.notify(NOTIFY_LIST, fromFront ? "lpop" : "rpop", key);
  if (isGone) context.notify(NOTIFY_GENERIC, "del", key);
}

const COMMON = {
  arity: -2,
  flags: ["write", "fast"],
  group: "list",
  keys: oneKey("value", "RW", "access", "delete"),
  docs: (): Pick<CommandDocs, "since" | "complexity" | "history" | "arguments"> => ({
    since: "1.0.0",
    complexity: "O(N) where N is the number of elements returned",
    history: [["6.2.0", "Added the `count` argument."]],
    arguments: [KEY_ARGUMENT, { name: "count", type: "integer", optional: true, since: "6.2.0" }],
  }),
} as const;

export const listPopCommands: readonly CommandSpec[] = [
  {
    ...COMMON,
    name: "lpop",
    docs: () => ({
      ...COMMON.docs(),
      summary: "Remove and get the first elements in a list",
    }),
    execute: lpop,
  },
  {
    ...COMMON,
    name: "rpop",
    docs: () => ({
      ...COMMON.docs(),
      summary: "Remove and get the last elements in a list",
    }),
    execute: rpop,
  },
];

/**
 * Commands that add to the ends of lists: LPUSH, RPUSH, LPUSHX, RPUSHX.
 *
 * Hot-path file: nothing allocates, but where a list changes its form.
 */
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { LIST_ABSENT, LIST_WRONG_TYPE, listForWrite } from "./list-open.ts";
import { NOTIFY_LIST, NOTIFY_NEW } from "./notify-events.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

function lpush(context: Context): void {
  push(context, true, false);
}

function rpush(context: Context): void {
  push(context, false, false);
}

function lpushX(context: Context): void {
  push(context, true, true);
}

function rpushX(context: Context): void {
  push(context, false, true);
}

function push(context: Context, toFront: boolean, onlyIfPresent: boolean): void {
  const { list, reply } = context;
  const found = listForWrite(context, 1);
  if (found === LIST_WRONG_TYPE) return;
  if (found === LIST_ABSENT && onlyIfPresent) {
    reply.integer(0);
    return;
  }
  list.pushArguments(context.request, 2, context.argc, toFront);
  const { length } = list;
  list.finish();
  context.effects.verbatim();
  tellPush(context, 1, toFront, found === LIST_ABSENT);
  reply.integer(length);
}

/** Tells who waits for the key in argument `key`, and who listens, that it was pushed to. */
export function tellPush(context: Context, key: number, toFront: boolean, isNew: boolean): void {
  context.signalReady(context.db, context.bytes, context.offset(key), context.length(key));
  if (context.notifications === 0) return;
  if (isNew) context.notify(NOTIFY_NEW, "new", key);
  context.notify(NOTIFY_LIST, toFront ? "lpush" : "rpush", key);
}

const PUSH_ARGUMENTS: readonly ArgumentDoc[] = [
  KEY_ARGUMENT,
  { name: "element", type: "string", multiple: true },
];

const COMMON = {
  arity: -3,
  flags: ["write", "denyoom", "fast"],
  group: "list",
  keys: oneKey("value", "RW", "insert"),
  docs: () => ({
    complexity:
      "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
    arguments: PUSH_ARGUMENTS,
  }),
} as const;

const TAKES_MANY = "Accepts multiple `element` arguments.";

export const listPushCommands: readonly CommandSpec[] = [
  {
    ...COMMON,
    name: "lpush",
    docs: () => ({
      ...COMMON.docs(),
      since: "1.0.0",
      summary: "Prepend one or multiple elements to a list",
      history: [["2.4.0", TAKES_MANY]],
    }),
    execute: lpush,
  },
  {
    ...COMMON,
    name: "lpushx",
    docs: () => ({
      ...COMMON.docs(),
      since: "2.2.0",
      summary: "Prepend an element to a list, only if the list exists",
      history: [["4.0.0", TAKES_MANY]],
    }),
    execute: lpushX,
  },
  {
    ...COMMON,
    name: "rpush",
    docs: () => ({
      ...COMMON.docs(),
      since: "1.0.0",
      summary: "Append one or multiple elements to a list",
      history: [["2.4.0", TAKES_MANY]],
    }),
    execute: rpush,
  },
  {
    ...COMMON,
    name: "rpushx",
    docs: () => ({
      ...COMMON.docs(),
      since: "2.2.0",
      summary: "Append an element to a list, only if the list exists",
      history: [["4.0.0", TAKES_MANY]],
    }),
    execute: rpushX,
  },
];

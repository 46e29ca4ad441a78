/**
 * Commands that pop from the first of several keys that has a list, and those of them that wait for one: LMPOP, BLMPOP,
 * BLPOP, BRPOP.
 *
 * Invariants: what is logged is the pop that happened, as LPOP or RPOP of one key; a command that begins to wait has
 * changed nothing and logs nothing.
 */
import { TYPE_LIST } from "../engine/keyspace.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { SYNTAX_ERROR, timeoutOrReply } from "./arguments.ts";
import type { Context } from "./context.ts";
import { countedKeys } from "./counted-keys.ts";
import { KEYS_ARGUMENT } from "./keys-spec.ts";
import { countOrReply, frontOrReply, LIST_ABSENT, LIST_WRONG_TYPE, listForWrite } from "./list-open.ts";
import { removePopped, replyPopped } from "./list-pop.ts";
import { replyElement } from "./list-reply.ts";
import type { ArgumentDoc, CommandDocs, CommandSpec } from "./spec.ts";

/** One element, and no array around it. */
const SINGLE = 0;

export function replyNullArray(reply: ReplyWriter): void {
  reply.nullArray();
}

function blpop(context: Context): void {
  popOrWait(context, true);
}

function brpop(context: Context): void {
  popOrWait(context, false);
}

function popOrWait(context: Context, fromFront: boolean): void {
  const { argc } = context;
  const timeoutMs = timeoutOrReply(context, argc - 1);
  if (Number.isNaN(timeoutMs)) return;
  if (!popFromAny(context, 1, argc - 2, fromFront, SINGLE)) waitForLists(context, 1, argc - 2, timeoutMs);
}

function waitForLists(context: Context, firstKey: number, keyCount: number, timeoutMs: number): void {
  if (context.mayBlock) context.waitForKeys(firstKey, keyCount, TYPE_LIST, timeoutMs, replyNullArray);
  else context.reply.nullArray();
}

function lmpop(context: Context): void {
  const keyCount = countOrReply(context, 1, 1, "ERR numkeys should be greater than 0");
  if (keyCount < 0) return;
  const fromFront = endAndCountOrReply(context, keyCount + 2);
  if (fromFront < 0) return;
  if (!popFromAny(context, 2, keyCount, fromFront === 1, wantedCount)) context.reply.nullArray();
}

function blmpop(context: Context): void {
  const keyCount = countOrReply(context, 2, 1, "ERR numkeys should be greater than 0");
  if (keyCount < 0) return;
  const fromFront = endAndCountOrReply(context, keyCount + 3);
  if (fromFront < 0) return;
  const timeoutMs = timeoutOrReply(context, 1);
  if (Number.isNaN(timeoutMs)) return;
  if (popFromAny(context, 3, keyCount, fromFront === 1, wantedCount)) return;
  waitForLists(context, 3, keyCount, timeoutMs);
}

/** What `endAndCountOrReply` read last. */
let wantedCount = 1;

/** Reads LEFT or RIGHT in argument `index` and COUNT behind it: 1 for the front, 0 for the back, -1 after an error reply. */
function endAndCountOrReply(context: Context, index: number): number {
  const { argc, reply } = context;
  if (index >= argc) {
    reply.error(SYNTAX_ERROR);
    return -1;
  }
  const fromFront = frontOrReply(context, index);
  if (fromFront < 0) return -1;
  wantedCount = 1;
  if (index + 1 === argc) return fromFront;
  if (!context.is(index + 1, "count") || index + 2 >= argc) {
    reply.error(SYNTAX_ERROR);
    return -1;
  }
  wantedCount = countOrReply(context, index + 2, 1, "ERR count should be greater than 0");
  if (wantedCount < 0) return -1;
  if (index + 3 === argc) return fromFront;
  reply.error(SYNTAX_ERROR);
  return -1;
}

/** True if a reply was written: of what was popped, or of an error. `count` is SINGLE or how many at most. */
function popFromAny(
  context: Context,
  firstKey: number,
  keyCount: number,
  fromFront: boolean,
  count: number,
): boolean {
  // Woken for one key: what the others hold, wrong types included, is not asked again.
  const woken = context.wakeKeyArgument;
  const first = woken === 0 ? firstKey : woken;
  const end = woken === 0 ? firstKey + keyCount : woken + 1;
  for (let key = first; key < end; key++) {
    const found = listForWrite(context, key);
    if (found === LIST_ABSENT) continue;
    if (found !== LIST_WRONG_TYPE) popFrom(context, key, fromFront, count);
    return true;
  }
  return false;
}

/** Pops from the list that is at hand, whose key is in argument `key`. */
function popFrom(context: Context, key: number, fromFront: boolean, count: number): void {
  const { list, reply } = context;
  const popped = Math.min(Math.max(count, 1), list.length);
  reply.arrayHeader(2);
  reply.bulk(context.bytes, context.offset(key), context.length(key));
  if (count === SINGLE) replyElement(context, fromFront ? 0 : list.length - 1);
  else replyPopped(context, count, fromFront);
  removePopped(context, key, popped, fromFront);
  logPop(context, key, fromFront, count === SINGLE ? SINGLE : popped);
}

/** `LPOP key` or `RPOP key`, with the count where one was asked for. */
function logPop(context: Context, key: number, fromFront: boolean, count: number): void {
  const { effects } = context;
  effects.begin(context.db, count === SINGLE ? 2 : 3);
  effects.argumentText(fromFront ? "LPOP" : "RPOP");
  effects.requestArgument(key);
  if (count !== SINGLE) effects.argumentInteger(count);
  effects.end();
}

const END_AND_COUNT: readonly ArgumentDoc[] = [
  {
    name: "where",
    type: "oneof",
    arguments: [
      { name: "left", type: "pure-token", token: "LEFT" },
      { name: "right", type: "pure-token", token: "RIGHT" },
    ],
  },
  { name: "count", type: "integer", token: "COUNT", optional: true },
];

const NUMBER_OF_KEYS: ArgumentDoc = { name: "numkeys", type: "integer" };
const TIMEOUT: ArgumentDoc = { name: "timeout", type: "double" };

const FROM_KEYS_COMPLEXITY =
  "O(N+M) where N is the number of provided keys and M is the number of elements returned.";

const BLOCKING_POP = {
  arity: -3,
  flags: ["write", "noscript", "blocking"],
  group: "list",
  keys: { first: 1, last: -2, step: 1, need: "value", access: ["RW", "access", "delete"] },
  docs: (): Pick<CommandDocs, "since" | "complexity" | "history" | "arguments"> => ({
    since: "2.0.0",
    complexity: "O(N) where N is the number of provided keys.",
    history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
    arguments: [KEYS_ARGUMENT, TIMEOUT],
  }),
} as const;

export const listPopAnyCommands: readonly CommandSpec[] = [
  {
    name: "blmpop",
    arity: -5,
    flags: ["write", "blocking", "movablekeys"],
    group: "list",
    keys: countedKeys(2, "RW", "access", "delete"),
    docs: () => ({
      since: "7.0.0",
      summary: "Pop elements from a list, or block until one is available",
      complexity: FROM_KEYS_COMPLEXITY,
      arguments: [TIMEOUT, NUMBER_OF_KEYS, KEYS_ARGUMENT, ...END_AND_COUNT],
    }),
    execute: blmpop,
  },
  {
    ...BLOCKING_POP,
    name: "blpop",
    docs: () => ({
      ...BLOCKING_POP.docs(),
      summary: "Remove and get the first element in a list, or block until one is available",
    }),
    execute: blpop,
  },
  {
    ...BLOCKING_POP,
    name: "brpop",
    docs: () => ({
      ...BLOCKING_POP.docs(),
      summary: "Remove and get the last element in a list, or block until one is available",
    }),
    execute: brpop,
  },
  {
    name: "lmpop",
    arity: -4,
    flags: ["write", "movablekeys"],
    group: "list",
    keys: countedKeys(1, "RW", "access", "delete"),
    docs: () => ({
      since: "7.0.0",
      summary: "Pop elements from a list",
      complexity: FROM_KEYS_COMPLEXITY,
      arguments: [NUMBER_OF_KEYS, KEYS_ARGUMENT, ...END_AND_COUNT],
    }),
    execute: lmpop,
  },
];

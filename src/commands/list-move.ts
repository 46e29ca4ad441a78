/**
 * Commands that move an element from a list to another, or to the same: LMOVE, RPOPLPUSH and those of them that wait,
 * BLMOVE, BRPOPLPUSH.
 *
 * Invariants: the element is pushed before it is popped, so that it is never in neither list; of a command that had to
 * wait the move that happened is logged, as LMOVE or RPOPLPUSH.
 *
 * The element is copied once on its way, because the write to the target may move the memory of the source.
 */
import { copyWords } from "../base/word-bytes.ts";
import { TYPE_LIST } from "../engine/keyspace.ts";
import { timeoutOrReply } from "./arguments.ts";
import type { Context } from "./context.ts";
import { sourceAndDestination } from "./keys-spec.ts";
import { frontOrReply, LIST_ABSENT, LIST_FOUND, LIST_WRONG_TYPE, listForWrite } from "./list-open.ts";
import { removePopped } from "./list-pop.ts";
import { replyNullArray } from "./list-pop-any.ts";
import { tellPush } from "./list-push.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

const KEPT_BYTES = 4096;

/** An element on its way. */
class Copied {
  bytes: Uint8Array = new Uint8Array(KEPT_BYTES);
  length = 0;
  #data = new DataView(this.bytes.buffer);

  take(data: DataView, offset: number, length: number): void {
    if (length > this.bytes.length) this.#use(new Uint8Array(length));
    copyWords(this.#data, 0, data, offset, length);
    this.length = length;
  }

  /** Lets the memory of a long element go. */
  leave(): void {
    if (this.bytes.length > KEPT_BYTES) this.#use(new Uint8Array(KEPT_BYTES));
  }

  #use(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.#data = new DataView(bytes.buffer);
  }
}

const copied = new Copied();

function lmove(context: Context): void {
  const fromFront = frontOrReply(context, 3);
  if (fromFront < 0) return;
  const toFront = frontOrReply(context, 4);
  if (toFront < 0) return;
  const moved = move(context, fromFront === 1, toFront === 1);
  if (moved === LIST_FOUND) context.effects.verbatim();
  else if (moved === LIST_ABSENT) context.reply.nullBulk();
}

function rpopLpush(context: Context): void {
  const moved = move(context, false, true);
  if (moved === LIST_FOUND) context.effects.verbatim();
  else if (moved === LIST_ABSENT) context.reply.nullBulk();
}

function blmove(context: Context): void {
  const fromFront = frontOrReply(context, 3);
  if (fromFront < 0) return;
  const toFront = frontOrReply(context, 4);
  if (toFront < 0) return;
  const timeoutMs = timeoutOrReply(context, 5);
  if (Number.isNaN(timeoutMs)) return;
  const moved = move(context, fromFront === 1, toFront === 1);
  if (moved === LIST_FOUND) logMove(context, 5, "LMOVE");
  else if (moved === LIST_ABSENT) waitForSource(context, timeoutMs);
}

function brpopLpush(context: Context): void {
  const timeoutMs = timeoutOrReply(context, 3);
  if (Number.isNaN(timeoutMs)) return;
  const moved = move(context, false, true);
  if (moved === LIST_FOUND) logMove(context, 3, "RPOPLPUSH");
  else if (moved === LIST_ABSENT) waitForSource(context, timeoutMs);
}

/** The reply when time is up is an array's null, as Redis's is, although that of a found element is none. */
function waitForSource(context: Context, timeoutMs: number): void {
  if (context.mayBlock) context.waitForKeys(1, 1, TYPE_LIST, timeoutMs, replyNullArray);
  else context.reply.nullBulk();
}

/** The request under its name without waiting, cut to `argc` arguments. */
function logMove(context: Context, argc: number, name: string): void {
  const { effects } = context;
  effects.begin(context.db, argc);
  effects.argumentText(name);
  for (let index = 1; index < argc; index++) effects.requestArgument(index);
  effects.end();
}

/** Moves an element from the list in argument 1 to that in argument 2 and replies with it; LIST_ABSENT: no reply yet. */
function move(context: Context, fromFront: boolean, toFront: boolean): number {
  const { list, reply } = context;
  const source = listForWrite(context, 1);
  if (source !== LIST_FOUND) return source;
  list.seek(fromFront ? 0 : list.length - 1);
  copied.take(list.data, list.offset, list.elementLength);
  const target = listForWrite(context, 2);
  if (target === LIST_WRONG_TYPE) return LIST_WRONG_TYPE;
  list.push(copied.bytes, 0, copied.length, toFront);
  list.finish();
  tellPush(context, 2, toFront, target === LIST_ABSENT);
  listForWrite(context, 1);
  removePopped(context, 1, 1, fromFront);
  reply.bulk(copied.bytes, 0, copied.length);
  copied.leave();
  return LIST_FOUND;
}

const SIDES: ArgumentDoc["arguments"] & {} = [
  { name: "left", type: "pure-token", token: "LEFT" },
  { name: "right", type: "pure-token", token: "RIGHT" },
];
const TIMEOUT: ArgumentDoc = { name: "timeout", type: "double" };
const TIMEOUT_HISTORY = [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]] as const;
const SOURCE_AND_DESTINATION: readonly ArgumentDoc[] = [
  { name: "source", type: "key", keySpecIndex: 0 },
  { name: "destination", type: "key", keySpecIndex: 1 },
];
const MOVE_ARGUMENTS: readonly ArgumentDoc[] = [
  ...SOURCE_AND_DESTINATION,
  { name: "wherefrom", type: "oneof", arguments: SIDES },
  { name: "whereto", type: "oneof", arguments: SIDES },
];

const MOVES = {
  group: "list",
  keys: sourceAndDestination("value", ["RW", "access", "delete"], ["RW", "insert"]),
  docs: () => ({
    complexity: "O(1)",
  }),
} as const;
const BLOCKING_SUMMARY =
  "Pop an element from a list, push it to another list and return it; or block until one is available";

export const listMoveCommands: readonly CommandSpec[] = [
  {
    ...MOVES,
    name: "blmove",
    arity: 6,
    flags: ["write", "denyoom", "noscript", "blocking"],
    docs: () => ({
      ...MOVES.docs(),
      since: "6.2.0",
      summary: BLOCKING_SUMMARY,
      arguments: [...MOVE_ARGUMENTS, TIMEOUT],
    }),
    execute: blmove,
  },
  {
    ...MOVES,
    name: "brpoplpush",
    arity: 4,
    flags: ["write", "denyoom", "noscript", "blocking"],
    docs: () => ({
      ...MOVES.docs(),
      since: "2.2.0",
      summary: BLOCKING_SUMMARY,
      deprecated: { since: "6.2.0", replacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments" },
      history: TIMEOUT_HISTORY,
      arguments: [...SOURCE_AND_DESTINATION, TIMEOUT],
    }),
    execute: brpopLpush,
  },
  {
    ...MOVES,
    name: "lmove",
    arity: 5,
    flags: ["write", "denyoom"],
    docs: () => ({
      ...MOVES.docs(),
      since: "6.2.0",
      summary: "Pop an element from a list, push it to another list and return it",
      arguments: MOVE_ARGUMENTS,
    }),
    execute: lmove,
  },
  {
    ...MOVES,
    name: "rpoplpush",
    arity: 3,
    flags: ["write", "denyoom"],
    docs: () => ({
      ...MOVES.docs(),
      since: "1.2.0",
      summary: "Remove the last element in a list, prepend it to another list and return it",
      deprecated: { since: "6.2.0", replacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments" },
      arguments: SOURCE_AND_DESTINATION,
    }),
    execute: rpopLpush,
  },
];

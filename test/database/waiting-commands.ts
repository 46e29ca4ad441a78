/**
 * Commands that wait for keys, made of strings: the mechanism of BLPOP and its kin without lists.
 *
 * `tpush key text` appends; `tpop key… timeout` takes the first character of the first key that has one; `tmove from to
 * timeout` moves one character; `tgone key timeout` waits until the key is gone, and tells how often it was woken.
 */
import { timeoutOrReply } from "../../src/commands/arguments.ts";
import type { Context } from "../../src/commands/context.ts";
import type { CommandSpec } from "../../src/commands/spec.ts";
import { WAKE_AT_ANY_CHANGE } from "../../src/commands/waiting-face.ts";
import { NO_EXPIRY, TYPE_STRING } from "../../src/engine/keyspace.ts";
import type { ReplyWriter } from "../../src/protocol/reply-writer.ts";

const nil = (reply: ReplyWriter): void => reply.nullArray();

function textAt(context: Context, index: number): string {
  if (!context.peek(index)) return "";
  const { valueBytes, valueOffset, valueLength } = context.keyspace;
  return Buffer.from(valueBytes.slice(valueOffset, valueOffset + valueLength)).toString("latin1");
}

function store(context: Context, index: number, value: string): void {
  const { effects, keyspace, bytes, db } = context;
  if (value === "") {
    context.remove(index);
    effects.begin(db, 2);
    effects.argumentText("DEL");
    effects.requestArgument(index);
  } else {
    const [offset, length] = [context.offset(index), context.length(index)];
    keyspace.put(db, bytes, offset, length, TYPE_STRING, 1, Buffer.from(value), 0, value.length, NO_EXPIRY);
    effects.begin(db, 3);
    effects.argumentText("SET");
    effects.requestArgument(index);
    effects.argumentText(value);
  }
  effects.end();
}

function push(context: Context, index: number, text: string): void {
  store(context, index, textAt(context, index) + text);
  context.signalReady(context.db, context.bytes, context.offset(index), context.length(index));
}

function pop(context: Context): void {
  const timeoutMs = timeoutOrReply(context, context.argc - 1);
  if (Number.isNaN(timeoutMs)) return;
  for (let index = 1; index < context.argc - 1; index++) {
    const value = textAt(context, index);
    if (value === "") continue;
    store(context, index, value.slice(1));
    context.reply.arrayHeader(2);
    context.reply.bulk(context.bytes, context.offset(index), context.length(index));
    context.reply.bulkText(value[0]!);
    return;
  }
  if (context.mayBlock) context.waitForKeys(1, context.argc - 2, TYPE_STRING, timeoutMs, nil);
  else context.reply.nullArray();
}

function move(context: Context): void {
  const timeoutMs = timeoutOrReply(context, 3);
  if (Number.isNaN(timeoutMs)) return;
  const value = textAt(context, 1);
  if (value !== "") {
    context.effects.beginUnit();
    store(context, 1, value.slice(1));
    push(context, 2, value[0]!);
    context.effects.endUnit();
    context.reply.bulkText(value[0]!);
  } else if (context.mayBlock) context.waitForKeys(1, 1, TYPE_STRING, timeoutMs, nil);
  else context.reply.nullArray();
}

function gone(context: Context): void {
  const wakes = context.wakeNote === undefined ? 0 : (context.wakeNote as number) + 1;
  if (textAt(context, 1) === "") context.reply.integer(wakes);
  else {
    context.wakeNote = wakes;
    context.waitForKeys(1, 1, WAKE_AT_ANY_CHANGE, 0, nil);
  }
}

const spec = (
  name: string,
  arity: number,
  last: number,
  execute: (context: Context) => void,
): CommandSpec => ({
  name,
  arity,
  flags: ["write"],
  group: "generic",
  keys: { first: 1, last, step: 1, need: "value", access: ["RW"] },
  docs: () => ({ since: "1.0.0", summary: name, complexity: "O(1)" }),
  execute,
});

export const waitingCommands: readonly CommandSpec[] = [
  spec("tpush", 3, 1, (context) => {
    push(context, 1, context.text(2));
    context.reply.ok();
  }),
  spec("tpop", -3, -2, pop),
  spec("tmove", 4, 2, move),
  spec("tgone", 3, 1, gone),
];

/**
 * Commands that change a string in place: APPEND and SETRANGE.
 *
 * Invariants: the key keeps its expiry; an edited value is raw from then on, whatever it holds; no value grows
 * beyond `stringBytesMax`. APPEND allocates nothing here: `resize` answers the record's own bytes to write to,
 * with spare room kept behind them, so a run of appends costs linear time.
 */
import { copyBytes } from "../base/bytes.ts";
import { NO_EXPIRY, TYPE_STRING } from "../engine/keyspace.ts";
import { STRING_RAW } from "../value/string.ts";
import { integerOrReply, STRING_TOO_LONG, WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey, VALUE_ARGUMENT } from "./keys-spec.ts";
import { NOTIFY_NEW, NOTIFY_STRING } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";
import { putArgument } from "./string-set.ts";

function append(context: Context): void {
  const { keyspace, reply } = context;
  const added = context.length(2);
  if (!context.findForWrite(1)) {
    putArgument(context, 1, 2, NO_EXPIRY);
    context.effects.verbatim();
    context.notify(NOTIFY_STRING, "append", 1);
    reply.integer(added);
    return;
  }
  if (keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  const before = keyspace.valueLength;
  if (before + added > context.stringBytesMax) {
    reply.error(STRING_TOO_LONG);
    return;
  }
  resizeArgument(context, before + added, keyspace.expiryMs, true);
  copyBytes(keyspace.valueBytes, keyspace.valueOffset + before, context.bytes, context.offset(2), added);
  context.effects.verbatim();
  context.notify(NOTIFY_STRING, "append", 1);
  reply.integer(before + added);
}

function setRange(context: Context): void {
  const { keyspace, reply } = context;
  const offset = integerOrReply(context, 2);
  if (Number.isNaN(offset)) return;
  if (offset < 0) {
    reply.error("ERR offset is out of range");
    return;
  }
  const found = context.findForWrite(1);
  if (found && keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  const before = found ? keyspace.valueLength : 0;
  const written = context.length(3);
  if (written === 0) {
    reply.integer(before);
    return;
  }
  const end = offset + written;
  if (end > context.stringBytesMax) {
    reply.error(STRING_TOO_LONG);
    return;
  }
  const after = Math.max(before, end);
  resizeArgument(context, after, found ? keyspace.expiryMs : NO_EXPIRY, after > before);
  copyBytes(keyspace.valueBytes, keyspace.valueOffset + offset, context.bytes, context.offset(3), written);
  context.effects.verbatim();
  if (!found) context.notify(NOTIFY_NEW, "new", 1);
  context.notify(NOTIFY_STRING, "setrange", 1);
  reply.integer(after);
}

/** Makes the string in argument 1 `length` bytes long and open to writing through the view. */
function resizeArgument(context: Context, length: number, expiryMs: number, grow: boolean): void {
  context.keyspace.resize(
    context.db,
    context.bytes,
    context.offset(1),
    context.length(1),
    TYPE_STRING,
    STRING_RAW,
    length,
    expiryMs,
    grow,
  );
}

export const stringEditCommands: readonly CommandSpec[] = [
  {
    name: "append",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    group: "string",
    keys: oneKey("value", "RW", "insert"),
    docs: () => ({
      since: "2.0.0",
      summary: "Append a value to a key",
      complexity:
        "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of any size, since the dynamic string library used by Redis will double the free space available on every reallocation.",
      arguments: [KEY_ARGUMENT, VALUE_ARGUMENT],
    }),
    execute: append,
  },
  {
    name: "setrange",
    arity: 4,
    flags: ["write", "denyoom"],
    group: "string",
    keys: oneKey("value", "RW", "update"),
    docs: () => ({
      since: "2.2.0",
      summary: "Overwrite part of a string at key starting at the specified offset",
      complexity:
        "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.",
      arguments: [KEY_ARGUMENT, { name: "offset", type: "integer" }, VALUE_ARGUMENT],
    }),
    execute: setRange,
  },
];

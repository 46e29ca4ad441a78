/**
 * Commands that give a value another place: RENAME, RENAMENX, MOVE, COPY. They serve every type.
 *
 * Invariants: value, encoding and expiry travel together; source and destination are never both absent in
 * between, because the keyspace moves in one step. All four are logged as they came: given the same state they
 * do the same, and a refused one logs nothing.
 */
import { cloneBytes } from "../base/bytes.ts";
import { encodingNameOf } from "../value/unpacked.ts";
import { databaseOrReply, NO_SUCH_KEY, SAME_OBJECT, SYNTAX_ERROR, sameArgument } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey, sourceAndDestination } from "./keys-spec.ts";
import { NOTIFY_GENERIC, NOTIFY_NEW } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";

function rename(context: Context): void {
  if (renameOrReply(context, false)) context.reply.ok();
}

function renameNx(context: Context): void {
  if (renameOrReply(context, true)) context.reply.integer(1);
}

/** True if the value moved and the reply is still to be written. */
function renameOrReply(context: Context, onlyIfFree: boolean): boolean {
  const { keyspace, reply, bytes, db } = context;
  if (!context.findForWrite(1)) {
    reply.error(NO_SUCH_KEY);
    return false;
  }
  if (sameArgument(context, 1, 2)) {
    if (onlyIfFree) reply.integer(0);
    else reply.ok();
    return false;
  }
  // With notifications on also for RENAME: a target whose time is over is told of.
  const taken = (onlyIfFree || context.notifications !== 0) && context.findForWrite(2);
  if (onlyIfFree && taken) {
    reply.integer(0);
    return false;
  }
  keyspace.move(
    db,
    bytes,
    context.offset(1),
    context.length(1),
    db,
    bytes,
    context.offset(2),
    context.length(2),
  );
  context.effects.verbatim();
  context.notify(NOTIFY_NEW, "new", 2);
  context.notify(NOTIFY_GENERIC, "rename_from", 1);
  context.notify(NOTIFY_GENERIC, "rename_to", 2);
  context.signalReady(db, bytes, context.offset(1), context.length(1));
  context.signalReady(db, bytes, context.offset(2), context.length(2));
  return true;
}

function move(context: Context): void {
  const { keyspace, reply, bytes, db } = context;
  const target = databaseOrReply(context, 2);
  if (target < 0) return;
  if (target === db) {
    reply.error(SAME_OBJECT);
    return;
  }
  const offset = context.offset(1);
  const length = context.length(1);
  if (!context.findForWrite(1) || keyspace.findForWrite(target, bytes, offset, length)) {
    reply.integer(0);
    return;
  }
  keyspace.move(db, bytes, offset, length, target, bytes, offset, length);
  context.effects.verbatim();
  context.notifyKey(NOTIFY_NEW, "new", bytes, offset, length, target);
  context.notify(NOTIFY_GENERIC, "move_from", 1);
  context.notifyKey(NOTIFY_GENERIC, "move_to", bytes, offset, length, target);
  context.signalReady(db, bytes, offset, length);
  context.signalReady(target, bytes, offset, length);
  reply.integer(1);
}

function copy(context: Context): void {
  const { keyspace, reply, bytes, db, argc } = context;
  let target = db;
  let replaces = false;
  for (let index = 3; index < argc; index++) {
    if (context.is(index, "replace")) replaces = true;
    else if (context.is(index, "db") && index + 1 < argc) {
      target = databaseOrReply(context, ++index);
      if (target < 0) return;
    } else {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  if (target === db && sameArgument(context, 1, 2)) {
    reply.error(SAME_OBJECT);
    return;
  }
  if (!context.findForRead(1)) {
    reply.integer(0);
    return;
  }
  const taken = keyspace.findForWrite(target, bytes, context.offset(2), context.length(2));
  if (taken && !replaces) {
    reply.integer(0);
    return;
  }
  copyTo(context, target);
  context.effects.verbatim();
  context.notifyKey(NOTIFY_NEW, "new", bytes, context.offset(2), context.length(2), target);
  context.notifyKey(NOTIFY_GENERIC, "copy_to", bytes, context.offset(2), context.length(2), target);
  context.signalReady(target, bytes, context.offset(2), context.length(2));
  reply.integer(1);
}

/** Copies the record in argument 1, which is present, to the name in argument 2 of database `target`. */
function copyTo(context: Context, target: number): void {
  const keyspace = context.keyspace;
  context.peek(1);
  const structure = keyspace.unpacked;
  if (structure !== undefined) {
    keyspace.putUnpacked(
      target,
      context.bytes,
      context.offset(2),
      context.length(2),
      keyspace.type,
      encodingNameOf(keyspace.encoding),
      structure.copy(),
      keyspace.expiryMs,
    );
    return;
  }
  // The keyspace takes no range of its own buffers, because making room may move them.
  const value = cloneBytes(keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength);
  keyspace.put(
    target,
    context.bytes,
    context.offset(2),
    context.length(2),
    keyspace.type,
    keyspace.encoding,
    value,
    0,
    value.length,
    keyspace.expiryMs,
  );
}

const RENAME_ARGUMENTS = [KEY_ARGUMENT, { name: "newkey", type: "key", keySpecIndex: 1 }] as const;

export const genericMoveCommands: readonly CommandSpec[] = [
  {
    name: "copy",
    arity: -3,
    flags: ["write", "denyoom"],
    group: "generic",
    keys: sourceAndDestination("value", ["RO", "access"], ["OW", "update"]),
    docs: () => ({
      since: "6.2.0",
      summary: "Copy a key",
      complexity:
        "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
      arguments: [
        { name: "source", type: "key", keySpecIndex: 0 },
        { name: "destination", type: "key", keySpecIndex: 1 },
        { name: "destination-db", type: "integer", token: "DB", optional: true },
        { name: "replace", type: "pure-token", token: "REPLACE", optional: true },
      ],
    }),
    execute: copy,
  },
  {
    name: "move",
    arity: 3,
    flags: ["write", "fast"],
    group: "generic",
    keys: oneKey("value", "RW", "access", "update"),
    docs: () => ({
      since: "1.0.0",
      summary: "Move a key to another database",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, { name: "db", type: "integer" }],
    }),
    execute: move,
  },
  {
    name: "rename",
    arity: 3,
    flags: ["write"],
    group: "generic",
    keys: sourceAndDestination("value", ["RW", "access", "delete"], ["OW", "update"]),
    docs: () => ({
      since: "1.0.0",
      summary: "Rename a key",
      complexity: "O(1)",
      arguments: RENAME_ARGUMENTS,
    }),
    execute: rename,
  },
  {
    name: "renamenx",
    arity: 3,
    flags: ["write", "fast"],
    group: "generic",
    keys: sourceAndDestination("value", ["RW", "access", "delete"], ["OW", "insert"]),
    docs: () => ({
      since: "1.0.0",
      summary: "Rename a key, only if the new key does not exist",
      complexity: "O(1)",
      history: [
        ["3.2.0", "The command no longer returns an error when source and destination names are the same."],
      ],
      arguments: RENAME_ARGUMENTS,
    }),
    execute: renameNx,
  },
];

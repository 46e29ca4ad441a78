/** Finds the list that a command's argument names: the first step of every list command. */
import { TYPE_LIST } from "../engine/keyspace.ts";
import { SYNTAX_ERROR, WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";

/** What looking a list up answers. */
export const LIST_ABSENT = 0;
export const LIST_FOUND = 1;
/** The error reply is written. */
export const LIST_WRONG_TYPE = 2;

/** Turns `context.list` to the key in argument `key`, for reading. */
export function listForRead(context: Context, key: number): number {
  return context.findForRead(key) ? taken(context, key) : LIST_ABSENT;
}

/** Turns `context.list` to the key in argument `key`, for writing: to one that can be pushed to even if it is absent. */
export function listForWrite(context: Context, key: number): number {
  if (context.findForWrite(key)) return taken(context, key);
  context.list.takeAbsent(context.db, context.bytes, context.offset(key), context.length(key));
  return LIST_ABSENT;
}

function taken(context: Context, key: number): number {
  if (context.keyspace.type !== TYPE_LIST) {
    context.reply.error(WRONG_TYPE);
    return LIST_WRONG_TYPE;
  }
  context.list.take(context.db, context.bytes, context.offset(key), context.length(key));
  return LIST_FOUND;
}

/** LEFT or RIGHT: 1 for the front, 0 for the back, -1 after the error reply. */
export function frontOrReply(context: Context, index: number): number {
  if (context.is(index, "left")) return 1;
  if (context.is(index, "right")) return 0;
  context.reply.error(SYNTAX_ERROR);
  return -1;
}

/** A count that must not be below `least`; -1 after the reply of `error`. */
export function countOrReply(context: Context, index: number, least: number, error: string): number {
  const exact = context.integer(index);
  if (exact >= least) return exact;
  const wide = Number.isNaN(exact) ? context.integer64(index) : undefined;
  if (wide !== undefined && wide >= BigInt(least)) return Number(wide);
  context.reply.error(error);
  return -1;
}

/**
 * BITOP: a string made of others, bit by bit.
 *
 * Invariants: sources are all looked at, and their types checked, before anything changes; the destination is a new value, raw
 * and without an expiry, whatever it held; an empty result removes it.
 *
 * Hot-path file: a result of one block is put in one go and nothing is allocated but by `put`. A longer one is
 * written block by block straight into the destination's record: no copy of a bitmap exists beside the result. The destination may be a
 * source: it keeps its bytes when it is resized, and a block of it is read before it is overwritten.
 */
import { assert } from "../base/assert.ts";
import { NO_EXPIRY, TYPE_STRING } from "../engine/keyspace.ts";
import { STRING_RAW } from "../value/string.ts";
import { SYNTAX_ERROR, WRONG_TYPE } from "./arguments.ts";
import {
  BLOCK_BYTES,
  OPERATION_AND,
  OPERATION_NOT,
  OPERATION_OR,
  OPERATION_XOR,
  OperationBlock,
} from "./bitmap-block.ts";
import type { Context } from "./context.ts";
import { NOTIFY_GENERIC, NOTIFY_NEW, NOTIFY_STRING } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";

const DESTINATION = 2;
const FIRST_SOURCE = 3;
const block = new OperationBlock();

function bitOp(context: Context): void {
  const operation = operationOf(context);
  if (operation < 0) {
    context.reply.error(SYNTAX_ERROR);
    return;
  }
  if (operation === OPERATION_NOT && context.argc !== 4) {
    context.reply.error("ERR BITOP NOT must be called with a single source key.");
    return;
  }
  const length = beginOrReply(context, operation);
  if (length < 0) return;
  if (length === 0) removeDestination(context);
  else if (length <= BLOCK_BYTES) putBlock(context);
  else writeBlocks(context, operation, length);
  context.reply.integer(length);
}

function operationOf(context: Context): number {
  if (context.is(1, "and")) return OPERATION_AND;
  if (context.is(1, "or")) return OPERATION_OR;
  if (context.is(1, "xor")) return OPERATION_XOR;
  return context.is(1, "not") ? OPERATION_NOT : -1;
}

/** Combines the first block of all sources; answers the length of the longest in bytes, or -1 after the error reply. */
function beginOrReply(context: Context, operation: number): number {
  const { keyspace, argc } = context;
  let longest = 0;
  block.begin(operation);
  for (let index = FIRST_SOURCE; index < argc; index++) {
    if (!context.findForRead(index)) {
      block.addNothing();
      continue;
    }
    if (keyspace.type !== TYPE_STRING) {
      context.reply.error(WRONG_TYPE);
      return -1;
    }
    const length = keyspace.valueLength;
    if (length > longest) longest = length;
    block.add(keyspace.valueData, keyspace.valueOffset, length < BLOCK_BYTES ? length : BLOCK_BYTES);
  }
  return longest;
}

function removeDestination(context: Context): void {
  if (!context.remove(DESTINATION)) return;
  context.notify(NOTIFY_GENERIC, "del", DESTINATION);
  context.effects.verbatim();
}

function putBlock(context: Context): void {
  const existed = context.findForWrite(DESTINATION);
  context.keyspace.put(
    context.db,
    context.bytes,
    context.offset(DESTINATION),
    context.length(DESTINATION),
    TYPE_STRING,
    STRING_RAW,
    block.bytes,
    0,
    block.length,
    NO_EXPIRY,
  );
  finish(context, existed);
}

/** The block holds the first part of the result; combines the others as well and writes all of them. */
function writeBlocks(context: Context, operation: number, length: number): void {
  const keyspace = context.keyspace;
  const existed = context.findForWrite(DESTINATION);
  // Bytes of another type are not kept, so what holds them must go by its own rules.
  if (existed && keyspace.type !== TYPE_STRING) context.remove(DESTINATION);
  for (let start = 0; start < length; start += BLOCK_BYTES) {
    if (start > 0) combineBlock(context, operation, start);
    assert(block.length === Math.min(BLOCK_BYTES, length - start), "a block of BITOP has another length");
    // After the first time this only opens the record that was made then.
    openDestination(context, length);
    keyspace.valueBytes.set(block.bytes.subarray(0, block.length), keyspace.valueOffset + start);
  }
  finish(context, existed);
}

/** Fills the block with the part of the result that begins at byte `start`. */
function combineBlock(context: Context, operation: number, start: number): void {
  const { keyspace, argc } = context;
  block.begin(operation);
  for (let index = FIRST_SOURCE; index < argc; index++) {
    const rest = context.peek(index) ? keyspace.valueLength - start : 0;
    if (rest <= 0) block.addNothing();
    else block.add(keyspace.valueData, keyspace.valueOffset + start, rest < BLOCK_BYTES ? rest : BLOCK_BYTES);
  }
}

function openDestination(context: Context, length: number): void {
  context.keyspace.resize(
    context.db,
    context.bytes,
    context.offset(DESTINATION),
    context.length(DESTINATION),
    TYPE_STRING,
    STRING_RAW,
    length,
    NO_EXPIRY,
    false,
  );
}

function finish(context: Context, existed: boolean): void {
  if (!existed) context.notify(NOTIFY_NEW, "new", DESTINATION);
  context.notify(NOTIFY_STRING, "set", DESTINATION);
  context.effects.verbatim();
}

export const bitmapOperationCommands: readonly CommandSpec[] = [
  {
    name: "bitop",
    arity: -4,
    flags: ["write", "denyoom"],
    group: "bitmap",
    keys: {
      first: DESTINATION,
      last: -1,
      step: 1,
      need: "value",
      access: ["OW", "update"],
      described: [
        { access: ["OW", "update"], begin: { index: 2 }, find: { last: 0, step: 1, limit: 0 } },
        { access: ["RO", "access"], begin: { index: 3 }, find: { last: -1, step: 1, limit: 0 } },
      ],
    },
    docs: () => ({
      since: "2.6.0",
      summary: "Perform bitwise operations between strings",
      complexity: "O(N)",
      arguments: [
        { name: "operation", type: "string" },
        { name: "destkey", type: "key", keySpecIndex: 0 },
        { name: "key", type: "key", keySpecIndex: 1, multiple: true },
      ],
    }),
    execute: bitOp,
  },
];

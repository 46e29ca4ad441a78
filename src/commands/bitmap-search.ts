/**
 * What is in a bitmap: BITCOUNT and BITPOS, over the whole string or a range of bytes or bits.
 *
 * Hot-path file: nothing here allocates; the string is read where it is.
 *
 * A key that is absent is answered before its range is looked at, as Redis 7.0 does, so that range is not checked.
 */
import { TYPE_STRING } from "../engine/keyspace.ts";
import { integerOrReply, SYNTAX_ERROR, WRONG_TYPE } from "./arguments.ts";
import { countBits, findBit } from "./bitmap-kernels.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";
import { isReversed } from "./string-read.ts";

const BITS_PER_BYTE = 8;
const BITS_PER_BIT = 1;

/** The bits that `clampRange` found: from `firstBit` up to but without `endBit`; none if they are equal. */
let firstBit = 0;
let endBit = 0;

/** Bits per unit of the range, said by the word in argument `index` (BYTE without it); 0 after the error reply. */
function rangeUnitOrReply(context: Context, index: number): number {
  if (index >= context.argc || context.is(index, "byte")) return BITS_PER_BYTE;
  if (context.is(index, "bit")) return BITS_PER_BIT;
  context.reply.error(SYNTAX_ERROR);
  return 0;
}

/** Brings [start, end], which may count from the end, into the string; see `firstBit` and `endBit`. */
function clampRange(start: number, end: number, lengthBytes: number, unitBits: number): void {
  const total = (lengthBytes * 8) / unitBits;
  let from = start < 0 ? start + total : start;
  let to = end < 0 ? end + total : end;
  if (from < 0) from = 0;
  if (to < 0) to = 0;
  if (to >= total) to = total - 1;
  firstBit = from * unitBits;
  endBit = from > to ? firstBit : (to + 1) * unitBits;
}

function bitCount(context: Context): void {
  const { keyspace, reply, argc } = context;
  if (!context.findForRead(1)) {
    reply.integer(0);
    return;
  }
  if (keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  if (argc === 3 || argc > 5) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (argc > 3) {
    const start = integerOrReply(context, 2);
    if (Number.isNaN(start)) return;
    const end = integerOrReply(context, 3);
    if (Number.isNaN(end)) return;
    if (start < 0 && end < 0 && isReversed(context, start, end)) {
      reply.integer(0);
      return;
    }
    const unitBits = rangeUnitOrReply(context, 4);
    if (unitBits === 0) return;
    clampRange(start, end, keyspace.valueLength, unitBits);
  } else {
    clampRange(0, -1, keyspace.valueLength, BITS_PER_BYTE);
  }
  if (firstBit >= endBit) reply.integer(0);
  else reply.integer(countBits(keyspace.valueData, keyspace.valueOffset, firstBit, endBit));
}

function bitPos(context: Context): void {
  const { keyspace, reply, argc } = context;
  const bit = integerOrReply(context, 2);
  if (Number.isNaN(bit)) return;
  if (bit !== 0 && bit !== 1) {
    reply.error("ERR The bit argument must be 1 or 0.");
    return;
  }
  if (!context.findForRead(1)) {
    // An absent key is clear bits without end.
    reply.integer(bit === 1 ? -1 : 0);
    return;
  }
  if (keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  if (argc > 6) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const start = argc > 3 ? integerOrReply(context, 3) : 0;
  if (Number.isNaN(start)) return;
  const unitBits = rangeUnitOrReply(context, 5);
  if (unitBits === 0) return;
  const end = argc > 4 ? integerOrReply(context, 4) : -1;
  if (Number.isNaN(end)) return;
  clampRange(start, end, keyspace.valueLength, unitBits);
  if (firstBit >= endBit) {
    reply.integer(-1);
    return;
  }
  const position = findBit(keyspace.valueData, keyspace.valueOffset, firstBit, endBit, bit);
  // Without an explicit end clear bits follow the string.
  if (position < 0 && bit === 0 && argc <= 4) reply.integer(endBit);
  else reply.integer(position);
}

const START: ArgumentDoc = { name: "start", type: "integer" };
const END: ArgumentDoc = { name: "end", type: "integer" };
const UNIT: ArgumentDoc = {
  name: "index_unit",
  type: "oneof",
  since: "7.0.0",
  optional: true,
  arguments: [
    { name: "byte", type: "pure-token", token: "BYTE" },
    { name: "bit", type: "pure-token", token: "BIT" },
  ],
};
const HISTORY = [["7.0.0", "Added the `BYTE|BIT` option."]] as const;

export const bitmapSearchCommands: readonly CommandSpec[] = [
  {
    name: "bitcount",
    arity: -2,
    flags: ["readonly"],
    group: "bitmap",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.6.0",
      summary: "Count set bits in a string",
      complexity: "O(N)",
      history: HISTORY,
      arguments: [
        KEY_ARGUMENT,
        { name: "index", type: "block", optional: true, arguments: [START, END, UNIT] },
      ],
    }),
    execute: bitCount,
  },
  {
    name: "bitpos",
    arity: -3,
    flags: ["readonly"],
    group: "bitmap",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.8.7",
      summary: "Find first bit set or clear in a string",
      complexity: "O(N)",
      history: HISTORY,
      arguments: [
        KEY_ARGUMENT,
        { name: "bit", type: "integer" },
        {
          name: "index",
          type: "block",
          optional: true,
          arguments: [START, { name: "end_index", type: "block", optional: true, arguments: [END, UNIT] }],
        },
      ],
    }),
    execute: bitPos,
  },
];

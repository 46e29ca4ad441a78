/**
 * Single bits of strings: SETBIT and GETBIT; and how commands open a string for writing bits.
 *
 * Invariants: a string grows only to the byte that holds the bit, with zeros; it keeps its expiry and is raw from then on,
 * as after every edit in place. What changes nothing logs nothing.
 *
 * Hot-path file: nothing here allocates. A bit within the string is written where it is; only growth or a
 * record that may not change any more costs a copy.
 */
import { NO_EXPIRY, TYPE_STRING } from "../engine/keyspace.ts";
import { STRING_RAW } from "../value/string.ts";
import { WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { NOTIFY_NEW, NOTIFY_STRING } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";

export const BIT_OFFSET_ERROR = "ERR bit offset is not an integer or out of range";

/** The number of a bit in argument `index`; -1 after the error reply. */
function bitOffsetOrReply(context: Context, index: number): number {
  const offset = context.integer(index);
  // NaN, which also stands for integers of 16 digits and more, fails both comparisons.
  if (offset >= 0 && offset < context.stringBytesMax * 8) return offset;
  context.reply.error(BIT_OFFSET_ERROR);
  return -1;
}

/**
 * Makes the string in argument 1 at least `length` bytes long and raw, and opens it for writing through the view. The
 * view is on it, or `found` is false. Tells of the key if it is new.
 */
export function openForBits(context: Context, found: boolean, length: number): void {
  const keyspace = context.keyspace;
  const before = found ? keyspace.valueLength : 0;
  // Spare room is for bitmaps that grow step by step; one that is set far behind its end is made as long as it says.
  const growsByStep = length > before && length - before <= before;
  keyspace.resize(
    context.db,
    context.bytes,
    context.offset(1),
    context.length(1),
    TYPE_STRING,
    STRING_RAW,
    length > before ? length : before,
    found ? keyspace.expiryMs : NO_EXPIRY,
    growsByStep,
  );
  if (!found) context.notify(NOTIFY_NEW, "new", 1);
}

/**
 * Makes the string that the view is on raw, as Redis does with every string that a command opened for bits, also when no
 * bit changed. Clients see it by OBJECT ENCODING, so it is an effect; but the value stays, so the version does too, and
 * WATCH takes no notice.
 */
export function makeRaw(context: Context): void {
  const keyspace = context.keyspace;
  const lsn = keyspace.lsn;
  keyspace.lsn = keyspace.version;
  openForBits(context, true, 0);
  keyspace.lsn = lsn;
  context.effects.verbatim();
}

function setBit(context: Context): void {
  const { keyspace, reply } = context;
  const offset = bitOffsetOrReply(context, 2);
  if (offset < 0) return;
  const bit = context.integer(3);
  if (bit !== 0 && bit !== 1) {
    reply.error("ERR bit is not an integer or out of range");
    return;
  }
  const found = context.findForWrite(1);
  if (found && keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  const index = Math.floor(offset / 8);
  const mask = 128 >> (offset - index * 8);
  const within = found && index < keyspace.valueLength;
  const old = within && (keyspace.valueBytes[keyspace.valueOffset + index]! & mask) !== 0 ? 1 : 0;
  if (!within || old !== bit) {
    openForBits(context, found, index + 1);
    const at = keyspace.valueOffset + index;
    const byte = keyspace.valueBytes[at]!;
    keyspace.valueBytes[at] = bit === 1 ? byte | mask : byte & ~mask;
    context.notify(NOTIFY_STRING, "setbit", 1);
    context.effects.verbatim();
  } else if (keyspace.encoding !== STRING_RAW) {
    makeRaw(context);
  }
  reply.integer(old);
}

function getBit(context: Context): void {
  const { keyspace, reply } = context;
  const offset = bitOffsetOrReply(context, 2);
  if (offset < 0) return;
  if (!context.findForRead(1)) {
    reply.integer(0);
    return;
  }
  if (keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  const index = Math.floor(offset / 8);
  const byte = index < keyspace.valueLength ? keyspace.valueBytes[keyspace.valueOffset + index]! : 0;
  reply.integer((byte >> (7 - (offset - index * 8))) & 1);
}

export const bitmapEditCommands: readonly CommandSpec[] = [
  {
    name: "getbit",
    arity: 3,
    flags: ["readonly", "fast"],
    group: "bitmap",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.2.0",
      summary: "Returns the bit value at offset in the string value stored at key",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, { name: "offset", type: "integer" }],
    }),
    execute: getBit,
  },
  {
    name: "setbit",
    arity: 4,
    flags: ["write", "denyoom"],
    group: "bitmap",
    keys: oneKey("value", "RW", "access", "update"),
    docs: () => ({
      since: "2.2.0",
      summary: "Sets or clears the bit at offset in the string value stored at key",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, { name: "offset", type: "integer" }, { name: "value", type: "integer" }],
    }),
    execute: setBit,
  },
];

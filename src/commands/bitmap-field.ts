/**
 * BITFIELD and BITFIELD_RO: integers of any width within a string.
 *
 * Invariants: all operations are checked before the first is carried out; the string grows once, to the last byte that an
 * operation writes; what changes nothing logs nothing.
 *
 * Hot-path file: fields of up to 52 bits with arguments of up to 15 digits allocate nothing; see bitmap-integer.ts.
 */
import { TYPE_STRING } from "../engine/keyspace.ts";
import { STRING_RAW } from "../value/string.ts";
import { WRONG_TYPE } from "./arguments.ts";
import { makeRaw, openForBits } from "./bitmap-edit.ts";
import {
  BitFieldParser,
  FIELD_END,
  FIELD_GET,
  FIELD_INCREMENT,
  FIELD_INVALID,
  FIELD_SET,
} from "./bitmap-field-parser.ts";
import {
  fitNarrow,
  fitWide,
  NARROW_BITS_MAX,
  readSigned,
  readUnsigned,
  readWide,
  writeNarrow,
  writeWide,
} from "./bitmap-integer.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { NOTIFY_STRING } from "./notify-events.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

const parser = new BitFieldParser();

/** Operations with a reply, and how far they write, as `checkAllOrReply` found. */
let replies = 0;
let bytesWritten = 0;

function bitField(context: Context): void {
  if (!checkAllOrReply(context)) return;
  if (bytesWritten === 0) readFields(context);
  else writeFields(context);
}

function bitFieldReadOnly(context: Context): void {
  if (!checkAllOrReply(context)) return;
  if (bytesWritten === 0) readFields(context);
  else context.reply.error("ERR BITFIELD_RO only supports the GET subcommand");
}

/** Counts the operations; false after the error reply. */
function checkAllOrReply(context: Context): boolean {
  replies = 0;
  bytesWritten = 0;
  parser.begin();
  for (;;) {
    const operation = parser.next(context);
    if (operation === FIELD_END) return true;
    if (operation === FIELD_INVALID) return false;
    replies++;
    if (operation === FIELD_GET) continue;
    const end = Math.floor((parser.position + parser.bits - 1) / 8) + 1;
    if (end > bytesWritten) bytesWritten = end;
  }
}

function readFields(context: Context): void {
  const { keyspace, reply } = context;
  const found = context.findForRead(1);
  if (found && keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  const length = found ? keyspace.valueLength : 0;
  reply.arrayHeader(replies);
  parser.begin();
  while (parser.next(context) === FIELD_GET) replyField(context, length);
}

function writeFields(context: Context): void {
  const { keyspace, reply } = context;
  const found = context.findForWrite(1);
  if (found && keyspace.type !== TYPE_STRING) {
    reply.error(WRONG_TYPE);
    return;
  }
  const before = found ? keyspace.valueLength : 0;
  const grows = bytesWritten > before;
  let opened = grows;
  if (opened) openForBits(context, found, bytesWritten);
  reply.arrayHeader(replies);
  let writes = 0;
  parser.begin();
  for (;;) {
    const operation = parser.next(context);
    if (operation === FIELD_END) break;
    if (operation === FIELD_GET) {
      replyField(context, keyspace.valueLength);
      continue;
    }
    const outcome = isNarrow(context)
      ? writeNarrowField(context, operation, opened)
      : writeWideField(context, operation, opened);
    if (outcome === FIELD_WRITTEN) opened = true;
    if (outcome === FIELD_WRITTEN || (grows && outcome === FIELD_KEPT)) writes++;
  }
  if (writes > 0) context.notify(NOTIFY_STRING, "setbit", 1);
  // A string that only became longer is logged too; Redis forgets that.
  if (opened) context.effects.verbatim();
  else if (keyspace.encoding !== STRING_RAW) makeRaw(context);
}

/** What became of an operation that writes: the string has changed, the field had that value already, or it overflows. */
const FIELD_WRITTEN = 1;
const FIELD_KEPT = 2;
const FIELD_FAILED = 3;

/** True if the operation can be done in doubles. */
function isNarrow(context: Context): boolean {
  return parser.bits <= NARROW_BITS_MAX && !Number.isNaN(context.integer(parser.valueArgument));
}

/** Carries out the parser's operation and replies; opens the string for writing before its first change. */
function writeNarrowField(context: Context, operation: number, opened: boolean): number {
  const { keyspace, reply } = context;
  const { bits, signed, position } = parser;
  const old = readNarrow(context, keyspace.valueLength);
  const argument = context.integer(parser.valueArgument);
  const isSet = operation === FIELD_SET;
  const value = fitNarrow(isSet ? argument : old + argument, bits, signed, parser.overflow, isSet && !signed);
  if (Number.isNaN(value)) {
    reply.nullBulk();
    return FIELD_FAILED;
  }
  reply.integer(isSet ? old : value);
  if (value === old) return FIELD_KEPT;
  if (!opened) openForBits(context, true, 0);
  writeNarrow(keyspace.valueBytes, keyspace.valueOffset, position, bits, value);
  return FIELD_WRITTEN;
}

function writeWideField(context: Context, operation: number, opened: boolean): number {
  const { keyspace, reply } = context;
  const { bits, signed, position } = parser;
  const old = readAny(context);
  const argument = wideArgument(context);
  const increments = operation === FIELD_INCREMENT;
  const value = increments
    ? fitWide(old, argument, bits, signed, parser.overflow)
    : fitWide(argument, 0n, bits, signed, parser.overflow);
  if (value === undefined) {
    reply.nullBulk();
    return FIELD_FAILED;
  }
  reply.integerBig(increments ? value : old);
  if (value === old) return FIELD_KEPT;
  if (!opened) openForBits(context, true, 0);
  if (bits > NARROW_BITS_MAX) {
    writeWide(keyspace.valueBytes, keyspace.valueOffset, position, bits, value);
  } else {
    writeNarrow(keyspace.valueBytes, keyspace.valueOffset, position, bits, Number(value));
  }
  return FIELD_WRITTEN;
}

/** The operation's value or increment, which the parser has checked. */
function wideArgument(context: Context): bigint {
  const short = context.integer(parser.valueArgument);
  return Number.isNaN(short) ? context.integer64(parser.valueArgument)! : BigInt(short);
}

/** Replies with the field that the parser is on; the view's value, or nothing at all, is `length` bytes long. */
function replyField(context: Context, length: number): void {
  if (parser.bits <= NARROW_BITS_MAX) {
    context.reply.integer(readNarrow(context, length));
    return;
  }
  const { valueBytes, valueOffset } = context.keyspace;
  const { position, bits, signed } = parser;
  context.reply.integerBig(readWide(valueBytes, valueOffset, length, position, bits, signed));
}

function readNarrow(context: Context, length: number): number {
  const { valueBytes, valueOffset } = context.keyspace;
  const { position, bits } = parser;
  return parser.signed
    ? readSigned(valueBytes, valueOffset, length, position, bits)
    : readUnsigned(valueBytes, valueOffset, length, position, bits);
}

function readAny(context: Context): bigint {
  const { valueBytes, valueOffset, valueLength } = context.keyspace;
  const { position, bits, signed } = parser;
  if (bits <= NARROW_BITS_MAX) return BigInt(readNarrow(context, valueLength));
  return readWide(valueBytes, valueOffset, valueLength, position, bits, signed);
}

const ENCODING: ArgumentDoc = { name: "encoding", type: "string" };
const OFFSET: ArgumentDoc = { name: "offset", type: "integer" };
const GET_ARGUMENT: ArgumentDoc = {
  name: "encoding_offset",
  type: "block",
  token: "GET",
  arguments: [ENCODING, OFFSET],
};
const WRITE_ARGUMENT: ArgumentDoc = {
  name: "write",
  type: "block",
  arguments: [
    {
      name: "wrap_sat_fail",
      type: "oneof",
      token: "OVERFLOW",
      optional: true,
      arguments: [
        { name: "wrap", type: "pure-token", token: "WRAP" },
        { name: "sat", type: "pure-token", token: "SAT" },
        { name: "fail", type: "pure-token", token: "FAIL" },
      ],
    },
    {
      name: "write_operation",
      type: "oneof",
      arguments: [
        {
          name: "encoding_offset_value",
          type: "block",
          token: "SET",
          arguments: [ENCODING, OFFSET, { name: "value", type: "integer" }],
        },
        {
          name: "encoding_offset_increment",
          type: "block",
          token: "INCRBY",
          arguments: [ENCODING, OFFSET, { name: "increment", type: "integer" }],
        },
      ],
    },
  ],
};
const COMPLEXITY = "O(1) for each subcommand specified";

/** True if all operations are GET or OVERFLOW; one that is incomplete or unknown counts as a write. */
function onlyReads(context: Context): boolean {
  for (let index = 2; index < context.argc; ) {
    const left = context.argc - index - 1;
    if (context.is(index, "get") && left >= 2) index += 3;
    else if (context.is(index, "overflow") && left >= 1) index += 2;
    else return false;
  }
  return true;
}

export const bitmapFieldCommands: readonly CommandSpec[] = [
  {
    name: "bitfield",
    arity: -2,
    flags: ["write", "denyoom"],
    group: "bitmap",
    keys: {
      ...oneKey("value", "RW", "access", "update", "variable_flags"),
      accessNow: (context) => (onlyReads(context) ? ["RO", "access"] : ["RW", "access", "update"]),
      notes: "This command allows both access and modification of the key",
    },
    docs: () => ({
      since: "3.2.0",
      summary: "Perform arbitrary bitfield integer operations on strings",
      complexity: COMPLEXITY,
      arguments: [
        KEY_ARGUMENT,
        {
          name: "operation",
          type: "oneof",
          optional: true,
          multiple: true,
          arguments: [GET_ARGUMENT, WRITE_ARGUMENT],
        },
      ],
    }),
    execute: bitField,
  },
  {
    name: "bitfield_ro",
    arity: -2,
    flags: ["readonly", "fast"],
    group: "bitmap",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "6.0.0",
      summary: "Perform arbitrary bitfield integer operations on strings. Read-only variant of BITFIELD",
      complexity: COMPLEXITY,
      arguments: [KEY_ARGUMENT, { ...GET_ARGUMENT, optional: true, multiple: true, multipleToken: true }],
    }),
    execute: bitFieldReadOnly,
  },
];

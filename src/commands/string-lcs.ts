/**
 * LCS: the longest common subsequence of two strings, its length, or the ranges it is made of.
 *
 * Invariants: the table of lengths never takes more than STRING_BYTES_MAX; ranges come from the ends of the
 * strings backwards, and of several longest subsequences the same one is chosen as by Redis (where both ways
 * are equally long, the second string is shortened).
 *
 * The plain quadratic table, as in Redis: Hirschberg's method would need less memory but answers another of the
 * equally long subsequences, and clients can see which.
 */
import { cloneBytes } from "../base/bytes.ts";
import { TYPE_STRING } from "../engine/keyspace.ts";
import { STRING_BYTES_MAX } from "../value/string.ts";
import { integerOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { twoKeys } from "./keys-spec.ts";
import type { CommandSpec } from "./spec.ts";

interface LcsOptions {
  lengthOnly: boolean;
  ranges: boolean;
  withLengths: boolean;
  lengthMin: number;
}

/** Lengths of the common subsequences of all pairs of prefixes: row i, column j stands at i × (b + 1) + j. */
interface LcsTable {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly lengths: Uint32Array;
  readonly total: number;
}

function lcs(context: Context): void {
  const a = stringOrReply(context, 1);
  if (a === undefined) return;
  const b = stringOrReply(context, 2);
  if (b === undefined) return;
  const options = optionsOrReply(context);
  if (options === undefined) return;
  if ((a.length + 1) * (b.length + 1) * 4 > STRING_BYTES_MAX) {
    context.reply.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    return;
  }
  const table = fillTable(a, b);
  if (options.ranges) replyRanges(context, table, options);
  else if (options.lengthOnly) context.reply.integer(table.total);
  else replyText(context, table);
}

/** A copy of the string (empty if the key is absent), because the next lookup moves the view. */
function stringOrReply(context: Context, index: number): Uint8Array | undefined {
  const keyspace = context.keyspace;
  if (!context.findForRead(index)) return new Uint8Array(0);
  if (keyspace.type === TYPE_STRING) {
    return cloneBytes(keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength);
  }
  context.reply.error("ERR The specified keys must contain string values");
  return undefined;
}

function optionsOrReply(context: Context): LcsOptions | undefined {
  const options: LcsOptions = { lengthOnly: false, ranges: false, withLengths: false, lengthMin: 0 };
  const argc = context.argc;
  for (let index = 3; index < argc; index++) {
    if (context.is(index, "idx")) options.ranges = true;
    else if (context.is(index, "len")) options.lengthOnly = true;
    else if (context.is(index, "withmatchlen")) options.withLengths = true;
    else if (context.is(index, "minmatchlen") && index + 1 < argc) {
      options.lengthMin = integerOrReply(context, ++index);
      if (Number.isNaN(options.lengthMin)) return undefined;
    } else {
      context.reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  if (options.ranges && options.lengthOnly) {
    context.reply.error("ERR If you want both the length and indexes, please just use IDX.");
    return undefined;
  }
  return options;
}

function fillTable(a: Uint8Array, b: Uint8Array): LcsTable {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    const byte = a[i - 1]!;
    const row = i * width;
    const above = row - width;
    for (let j = 1; j < width; j++) {
      if (b[j - 1] === byte) {
        lengths[row + j] = lengths[above + j - 1]! + 1;
        continue;
      }
      const shorterA = lengths[above + j]!;
      const shorterB = lengths[row + j - 1]!;
      lengths[row + j] = shorterA > shorterB ? shorterA : shorterB;
    }
  }
  return { a, b, lengths, total: lengths[lengths.length - 1]! };
}

/** Walks the chosen subsequence from its end; `match` gets the index of each of its bytes in both strings. */
function walkBack(table: LcsTable, match: (aIndex: number, bIndex: number) => void): void {
  const { a, b, lengths } = table;
  const width = b.length + 1;
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) match(--i, --j);
    else if (lengths[(i - 1) * width + j]! > lengths[i * width + j - 1]!) i--;
    else j--;
  }
}

function replyText(context: Context, table: LcsTable): void {
  const text = new Uint8Array(table.total);
  let position = table.total;
  walkBack(table, (aIndex) => {
    text[--position] = table.a[aIndex]!;
  });
  context.reply.bulk(text, 0, text.length);
}

/** Runs of bytes that are adjacent in both strings, each as a's first and last index, then b's. */
function findRanges(table: LcsTable): number[] {
  const ranges: number[] = [];
  walkBack(table, (aIndex, bIndex) => {
    const last = ranges.length - 4;
    if (last >= 0 && ranges[last] === aIndex + 1 && ranges[last + 2] === bIndex + 1) {
      ranges[last] = aIndex;
      ranges[last + 2] = bIndex;
    } else ranges.push(aIndex, aIndex, bIndex, bIndex);
  });
  return ranges;
}

function replyRanges(context: Context, table: LcsTable, options: LcsOptions): void {
  const reply = context.reply;
  const ranges = findRanges(table);
  const chosen: number[] = [];
  for (let at = 0; at < ranges.length; at += 4) {
    if (ranges[at + 1]! - ranges[at]! + 1 >= options.lengthMin) chosen.push(at);
  }
  reply.mapHeader(2);
  reply.bulkLatin1("matches");
  reply.arrayHeader(chosen.length);
  for (const at of chosen) {
    reply.arrayHeader(options.withLengths ? 3 : 2);
    for (const side of [at, at + 2]) {
      reply.arrayHeader(2);
      reply.integer(ranges[side]!);
      reply.integer(ranges[side + 1]!);
    }
    if (options.withLengths) reply.integer(ranges[at + 1]! - ranges[at]! + 1);
  }
  reply.bulkLatin1("len");
  reply.integer(table.total);
}

export const stringLcsCommands: readonly CommandSpec[] = [
  {
    name: "lcs",
    arity: -3,
    flags: ["readonly"],
    group: "string",
    keys: twoKeys("value", "RO", "access"),
    docs: () => ({
      since: "7.0.0",
      summary: "Find longest common substring",
      complexity: "O(N*M) where N and M are the lengths of s1 and s2, respectively",
      arguments: [
        { name: "key1", type: "key", keySpecIndex: 0 },
        { name: "key2", type: "key", keySpecIndex: 0 },
        { name: "len", type: "pure-token", token: "LEN", optional: true },
        { name: "idx", type: "pure-token", token: "IDX", optional: true },
        { name: "len", type: "integer", token: "MINMATCHLEN", optional: true },
        { name: "withmatchlen", type: "pure-token", token: "WITHMATCHLEN", optional: true },
      ],
    }),
    execute: lcs,
  },
];

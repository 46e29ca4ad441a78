/**
 * HRANDFIELD: one field by chance, several different ones, or several that may repeat.
 *
 * Invariants: every field is as likely as any other; different fields are answered once each; a field whose time is over
 * is never answered.
 *
 * Different fields of a large hash are drawn one by one until there are enough, while that is likely to go quickly (Redis's
 * bound: a third of the fields); above it one walk over the hash decides at each field, by the chance that is left, whether
 * it is among them. Only the former keeps what it drew, in proportion to the reply.
 */
import { latin1 } from "../base/bytes.ts";
import { PACKED_BYTES_MAX } from "../value/unpacked.ts";
import { randomCountOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import type { CommandSpec } from "./spec.ts";

const INT64_MAX = 2n ** 63n - 1n;
/** More than this share of the fields is chosen in one walk. */
const DRAWN_ONE_IN = 3;

/** Where the fields of a packed hash begin: two bytes each at least. */
const places = new Int32Array(PACKED_BYTES_MAX / 2);

function hrandField(context: Context): void {
  const { hash } = context;
  if (context.argc > 2) {
    severalFields(context);
    return;
  }
  if (!hash.openToRead()) return;
  if (hash.isAbsent || !placeOnOne(context)) context.reply.nullBulk();
  else replyField(context, false);
}

/** Places the hash, which is present, on a field; false if no field is left whose time is not over. */
function placeOnOne(context: Context): boolean {
  const { hash } = context;
  if (hash.isPacked) {
    hash.showAgain(places[context.structures.random.below(notePlaces(context))]!);
    return true;
  }
  // After many misses the first one that is not over will do.
  return hash.random() || hash.first();
}

/** Fills `places`; answers how many fields there are. */
function notePlaces(context: Context): number {
  const { hash } = context;
  let count = 0;
  for (let more = hash.first(); more; more = hash.next()) places[count++] = hash.place;
  return count;
}

function severalFields(context: Context): void {
  const { argc, hash, reply } = context;
  const count = randomCountOrReply(context, 2);
  if (Number.isNaN(count)) return;
  if (argc > 4 || (argc === 4 && !context.is(3, "withvalues"))) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const withValues = argc === 4;
  if (withValues && Math.abs(count) > Number(INT64_MAX / 2n)) {
    reply.error("ERR value is out of range");
    return;
  }
  if (!hash.openToRead()) return;
  const size = count === 0 ? 0 : hash.visibleSize();
  if (size === 0) {
    reply.arrayHeader(0);
    return;
  }
  const answered = count < 0 ? -count : Math.min(count, size);
  reply.arrayHeader(withValues && reply.resp === 2 ? answered * 2 : answered);
  if (count < 0) replyRepeating(context, answered, withValues);
  else if (answered === size) replyAll(context, withValues);
  else if (hash.isPacked) replyPacked(context, answered, withValues);
  else if (answered * DRAWN_ONE_IN < size && !hash.mayHaveDue) replyDrawn(context, answered, withValues);
  else replyChosen(context, answered, size, withValues);
}

function replyRepeating(context: Context, count: number, withValues: boolean): void {
  const { hash } = context;
  const size = hash.isPacked ? notePlaces(context) : 0;
  for (let i = 0; i < count; i++) {
    if (hash.isPacked) hash.showAgain(places[context.structures.random.below(size)]!);
    else placeOnOne(context);
    replyField(context, withValues);
  }
}

function replyAll(context: Context, withValues: boolean): void {
  const { hash } = context;
  for (let more = hash.first(); more; more = hash.next()) replyField(context, withValues);
}

/** Different fields of a packed hash: as many steps of a shuffle as there are fields to answer. */
function replyPacked(context: Context, count: number, withValues: boolean): void {
  const { hash } = context;
  const size = notePlaces(context);
  for (let i = 0; i < count; i++) {
    const chosen = i + context.structures.random.below(size - i);
    const place = places[chosen]!;
    places[chosen] = places[i]!;
    hash.showAgain(place);
    replyField(context, withValues);
  }
}

/** Different fields, drawn one by one: few of many. */
function replyDrawn(context: Context, count: number, withValues: boolean): void {
  const { hash } = context;
  const drawn = new Set<string>();
  while (drawn.size < count) {
    placeOnOne(context);
    const before = drawn.size;
    drawn.add(latin1(hash.bytes, hash.fieldOffset, hash.fieldLength));
    if (drawn.size > before) replyField(context, withValues);
  }
}

/** Different fields, chosen on one walk: Knuth's selection sampling. */
function replyChosen(context: Context, count: number, size: number, withValues: boolean): void {
  const { hash } = context;
  let left = size;
  for (let more = hash.first(); more && count > 0; more = hash.next()) {
    if (context.structures.random.below(left--) >= count) continue;
    count--;
    replyField(context, withValues);
  }
}

function replyField(context: Context, withValue: boolean): void {
  const { hash, reply } = context;
  if (withValue && reply.resp === 3) reply.arrayHeader(2);
  reply.bulkData(hash.data, hash.bytes, hash.fieldOffset, hash.fieldLength);
  if (withValue) reply.bulkData(hash.data, hash.bytes, hash.valueOffset, hash.valueLength);
}

export const hashRandomCommand: CommandSpec = {
  name: "hrandfield",
  arity: -2,
  flags: ["readonly"],
  group: "hash",
  keys: oneKey("value", "RO", "access"),
  docs: () => ({
    since: "6.2.0",
    summary: "Get one or multiple random fields from a hash",
    complexity: "O(N) where N is the number of fields returned",
    tips: ["nondeterministic_output"],
    arguments: [
      KEY_ARGUMENT,
      {
        name: "options",
        type: "block",
        optional: true,
        arguments: [
          { name: "count", type: "integer" },
          { name: "withvalues", type: "pure-token", token: "WITHVALUES", optional: true },
        ],
      },
    ],
  }),
  execute: hrandField,
};

/**
 * Commands that read lists: LLEN, LINDEX, LRANGE, LPOS.
 *
 * Hot-path file: nothing allocates; bytes go from the list to the reply in one copy.
 */
import { integerOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { countOrReply, LIST_ABSENT, LIST_FOUND, LIST_WRONG_TYPE, listForRead } from "./list-open.ts";
import { replyElement, replyElements } from "./list-reply.ts";
import type { CommandSpec } from "./spec.ts";

function llen(context: Context): void {
  const found = listForRead(context, 1);
  if (found === LIST_FOUND) context.reply.integer(context.list.length);
  else if (found === LIST_ABSENT) context.reply.integer(0);
}

function lindex(context: Context): void {
  const { list, reply } = context;
  const found = listForRead(context, 1);
  if (found === LIST_WRONG_TYPE) return;
  if (found === LIST_ABSENT) {
    reply.nullBulk();
    return;
  }
  let index = integerOrReply(context, 2);
  if (Number.isNaN(index)) return;
  if (index < 0) index += list.length;
  if (index < 0 || index >= list.length) reply.nullBulk();
  else replyElement(context, index);
}

function lrange(context: Context): void {
  const { list, reply } = context;
  let start = integerOrReply(context, 2);
  if (Number.isNaN(start)) return;
  let end = integerOrReply(context, 3);
  if (Number.isNaN(end)) return;
  const found = listForRead(context, 1);
  if (found === LIST_WRONG_TYPE) return;
  const length = found === LIST_ABSENT ? 0 : list.length;
  if (start < 0) start = Math.max(0, start + length);
  if (end < 0) end += length;
  if (end >= length) end = length - 1;
  if (start > end) {
    reply.arrayHeader(0);
    return;
  }
  reply.arrayHeader(end - start + 1);
  replyElements(context, start, end - start + 1);
}

/** LPOS's options. */
const options = { rank: 1, count: -1, looksAt: 0 };

const RANK_IS_ZERO =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start " +
  "from the end of the list";
/** Its magnitude is no int64. */
const INT64_MIN = -(2 ** 63);

function positionOptionsOrReply(context: Context): boolean {
  const { argc, reply } = context;
  options.rank = 1;
  options.count = -1;
  options.looksAt = 0;
  for (let index = 3; index < argc; index += 2) {
    const hasValue = index + 1 < argc;
    if (hasValue && context.is(index, "rank")) {
      if (!rankOrReply(context, index + 1)) return false;
    } else if (hasValue && context.is(index, "count")) {
      options.count = countOrReply(context, index + 1, 0, "ERR COUNT can't be negative");
      if (options.count < 0) return false;
    } else if (hasValue && context.is(index, "maxlen")) {
      options.looksAt = countOrReply(context, index + 1, 0, "ERR MAXLEN can't be negative");
      if (options.looksAt < 0) return false;
    } else {
      reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  return true;
}

function rankOrReply(context: Context, index: number): boolean {
  const rank = integerOrReply(context, index);
  if (Number.isNaN(rank)) return false;
  options.rank = rank;
  if (rank === 0) context.reply.error(RANK_IS_ZERO);
  else if (rank === INT64_MIN && context.integer64(index) === BigInt(INT64_MIN)) {
    context.reply.error(
      "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    );
  } else return true;
  return false;
}

function lpos(context: Context): void {
  if (!positionOptionsOrReply(context)) return;
  const { list, reply } = context;
  const found = listForRead(context, 1);
  if (found === LIST_WRONG_TYPE) return;
  const length = found === LIST_ABSENT ? 0 : list.length;
  const { rank, count, looksAt } = options;
  const looks = looksAt === 0 ? length : Math.min(looksAt, length);
  const backward = rank < 0;
  const skipped = Math.abs(rank) - 1;
  if (count < 0) {
    if (seekMatch(context, looks, backward, skipped)) reply.integer(list.index);
    else reply.nullBulk();
    return;
  }
  // Counted first, because an array's length comes before its elements.
  const wanted = count === 0 ? length : count;
  const matches = Math.min(wanted, countMatches(context, looks, backward) - skipped);
  if (matches <= 0) {
    reply.arrayHeader(0);
    return;
  }
  reply.arrayHeader(matches);
  seekMatch(context, looks, backward, skipped);
  reply.integer(list.index);
  for (let i = 1; i < matches; i++) {
    do step(context, backward);
    while (!holdsWanted(context));
    reply.integer(list.index);
  }
}

function step(context: Context, backward: boolean): boolean {
  return backward ? context.list.previous() : context.list.next();
}

function holdsWanted(context: Context): boolean {
  return context.list.holds(context.bytes, context.offset(2), context.length(2));
}

/** Moves the element view to the match behind the first `skipped` ones among the first `looks` elements; false if there is none. */
function seekMatch(context: Context, looks: number, backward: boolean, skipped: number): boolean {
  const { list } = context;
  if (looks === 0) return false;
  list.seek(backward ? list.length - 1 : 0);
  for (let i = 0; i < looks; i++) {
    if (holdsWanted(context) && skipped-- === 0) return true;
    step(context, backward);
  }
  return false;
}

function countMatches(context: Context, looks: number, backward: boolean): number {
  const { list } = context;
  if (looks === 0) return 0;
  let matches = 0;
  list.seek(backward ? list.length - 1 : 0);
  for (let i = 0; i < looks; i++) {
    if (holdsWanted(context)) matches++;
    step(context, backward);
  }
  return matches;
}

const READS = { group: "list", keys: oneKey("value", "RO", "access") } as const;

export const listReadCommands: readonly CommandSpec[] = [
  {
    ...READS,
    name: "lindex",
    arity: 3,
    flags: ["readonly"],
    docs: () => ({
      since: "1.0.0",
      summary: "Get an element from a list by its index",
      complexity:
        "O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the first or the last element of the list O(1).",
      arguments: [KEY_ARGUMENT, { name: "index", type: "integer" }],
    }),
    execute: lindex,
  },
  {
    name: "llen",
    arity: 2,
    flags: ["readonly", "fast"],
    group: "list",
    keys: oneKey("value", "RO"),
    docs: () => ({
      since: "1.0.0",
      summary: "Get the length of a list",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT],
    }),
    execute: llen,
  },
  {
    ...READS,
    name: "lpos",
    arity: -3,
    flags: ["readonly"],
    docs: () => ({
      since: "6.0.6",
      summary: "Return the index of matching elements on a list",
      complexity:
        "O(N) where N is the number of elements in the list, for the average case. When searching for elements near the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant time.",
      arguments: [
        KEY_ARGUMENT,
        { name: "element", type: "string" },
        { name: "rank", type: "integer", token: "RANK", optional: true },
        { name: "num-matches", type: "integer", token: "COUNT", optional: true },
        { name: "len", type: "integer", token: "MAXLEN", optional: true },
      ],
    }),
    execute: lpos,
  },
  {
    ...READS,
    name: "lrange",
    arity: 4,
    flags: ["readonly"],
    docs: () => ({
      since: "1.0.0",
      summary: "Get a range of elements from a list",
      complexity:
        "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the specified range.",
      arguments: [KEY_ARGUMENT, { name: "start", type: "integer" }, { name: "stop", type: "integer" }],
    }),
    execute: lrange,
  },
];

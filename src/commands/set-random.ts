/**
 * Members by chance: SPOP, which takes them out, and SRANDMEMBER.
 *
 * Invariants: every member is as likely as any other; different members are answered once each. SPOP is logged as the SREM
 * of what went, in one unit, or as the DEL of the key when everything went.
 *
 * Different members of a large set are drawn one by one until there are enough, while that is likely to go quickly (Redis's
 * bound: a third of the members); above it one walk over the set decides at each member, by the chance that is left,
 * whether it is among them. Only the former keeps what it drew, in proportion to the reply.
 */
import { latin1 } from "../base/bytes.ts";
import { randomCountOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { NOTIFY_GENERIC, NOTIFY_SET } from "./notify-events.ts";
import type { CommandSpec } from "./spec.ts";

const KEY = 1;
const NOT_POSITIVE = "ERR value is out of range, must be positive";
/** More than this share of the members is chosen in one walk. */
const DRAWN_ONE_IN = 3;
/** Members that one SREM in the log names at most. */
const LOGGED_MEMBERS_MAX = 1024;

function spop(context: Context): void {
  if (context.argc > 3) context.reply.error(SYNTAX_ERROR);
  else if (context.argc === 3) popSeveral(context);
  else popOne(context);
}

function popOne(context: Context): void {
  const { effects, reply, set } = context;
  if (!set.openToChange(KEY)) return;
  if (set.isAbsent) {
    reply.nullBulk();
    return;
  }
  effects.begin(context.db, 3);
  effects.argumentText("SREM");
  effects.requestArgument(KEY);
  popRandom(context);
  effects.end();
  set.save();
  context.notify(NOTIFY_SET, "spop", KEY);
  if (set.isAbsent) context.notify(NOTIFY_GENERIC, "del", KEY);
}

/** Takes a member out, replies with it and names it in the effect. */
function popRandom(context: Context): void {
  const { set } = context;
  set.random();
  set.replyMember();
  context.effects.argument(set.bytes, set.offset, set.length);
  set.removeFound();
}

function popSeveral(context: Context): void {
  const { effects, reply, set } = context;
  const count = positiveOrReply(context, 2);
  if (count < 0 || !set.openToChange(KEY)) return;
  const popped = Math.min(count, set.size);
  reply.setHeader(popped);
  if (popped === 0) return;
  if (popped === set.size) {
    for (let more = set.first(); more; more = set.next()) set.replyMember();
    set.removeAll();
    effects.begin(context.db, 2);
    effects.argumentText("DEL");
    effects.requestArgument(KEY);
    effects.end();
  } else {
    effects.beginUnit();
    for (let left = popped; left > 0; ) {
      const named = Math.min(left, LOGGED_MEMBERS_MAX);
      effects.begin(context.db, named + 2);
      effects.argumentText("SREM");
      effects.requestArgument(KEY);
      for (let i = 0; i < named; i++) popRandom(context);
      effects.end();
      left -= named;
    }
    effects.endUnit();
    set.save();
  }
  context.notify(NOTIFY_SET, "spop", KEY);
  if (set.isAbsent) context.notify(NOTIFY_GENERIC, "del", KEY);
}

/** A count from 0 on; -1 after the error reply. */
function positiveOrReply(context: Context, index: number): number {
  const exact = context.integer(index);
  const wide = Number.isNaN(exact) ? context.integer64(index) : BigInt(exact);
  if (wide !== undefined && wide >= 0n) return Number(wide);
  context.reply.error(NOT_POSITIVE);
  return -1;
}

function srandMember(context: Context): void {
  const { argc, reply, set } = context;
  if (argc > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (argc === 3) {
    severalMembers(context);
    return;
  }
  if (!set.openToRead(KEY)) return;
  if (set.isAbsent) reply.nullBulk();
  else {
    set.random();
    set.replyMember();
  }
}

function severalMembers(context: Context): void {
  const { reply, set } = context;
  const count = randomCountOrReply(context, 2);
  if (Number.isNaN(count) || !set.openToRead(KEY)) return;
  if (set.isAbsent || count === 0) {
    reply.arrayHeader(0);
    return;
  }
  const { size } = set;
  const answered = count < 0 ? -count : Math.min(count, size);
  reply.arrayHeader(answered);
  if (count < 0) replyRepeating(context, answered);
  else if (answered === size) replyAll(context);
  else if (answered * DRAWN_ONE_IN < size && !set.isPacked) replyDrawn(context, answered);
  else replyChosen(context, answered, size);
}

function replyRepeating(context: Context, count: number): void {
  const { set } = context;
  for (let i = 0; i < count; i++) {
    set.random();
    set.replyMember();
  }
}

function replyAll(context: Context): void {
  const { set } = context;
  for (let more = set.first(); more; more = set.next()) set.replyMember();
}

/** Different members, drawn one by one: few of many. */
function replyDrawn(context: Context, count: number): void {
  const { set } = context;
  const drawn = new Set<string>();
  while (drawn.size < count) {
    set.random();
    const before = drawn.size;
    drawn.add(latin1(set.bytes, set.offset, set.length));
    if (drawn.size > before) set.replyMember();
  }
}

/** Different members, chosen on one walk: Knuth's selection sampling. */
function replyChosen(context: Context, count: number, size: number): void {
  const { set } = context;
  const { random } = context.structures;
  let left = size;
  for (let more = set.first(); more && count > 0; more = set.next()) {
    if (random.below(left--) >= count) continue;
    count--;
    set.replyMember();
  }
}

export const setRandomCommands: readonly CommandSpec[] = [
  {
    name: "spop",
    arity: -2,
    flags: ["write", "fast"],
    group: "set",
    keys: oneKey("value", "RW", "access", "delete"),
    docs: () => ({
      since: "1.0.0",
      summary: "Remove and return one or multiple random members from a set",
      complexity: "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
      tips: ["nondeterministic_output"],
      history: [["3.2.0", "Added the `count` argument."]],
      arguments: [KEY_ARGUMENT, { name: "count", type: "integer", optional: true, since: "3.2.0" }],
    }),
    execute: spop,
  },
  {
    name: "srandmember",
    arity: -2,
    flags: ["readonly"],
    group: "set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "1.0.0",
      summary: "Get one or multiple random members from a set",
      complexity:
        "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
      tips: ["nondeterministic_output"],
      history: [["2.6.0", "Added the optional `count` argument."]],
      arguments: [KEY_ARGUMENT, { name: "count", type: "integer", optional: true, since: "2.6.0" }],
    }),
    execute: srandMember,
  },
];

/**
 * Command flags as bits, and the ACL categories that follow from flags and group.
 *
 * Invariant: the order of both lists is the order in which Redis prints them in COMMAND INFO.
 */
import { assert } from "../base/assert.ts";
import type { CommandFlag, CommandGroup, CommandSpec } from "./spec.ts";

export const FLAG_WRITE = 1 << 0;
export const FLAG_READONLY = 1 << 1;
export const FLAG_DENYOOM = 1 << 2;
export const FLAG_ADMIN = 1 << 3;
export const FLAG_PUBSUB = 1 << 4;
export const FLAG_NOSCRIPT = 1 << 5;
export const FLAG_BLOCKING = 1 << 6;
export const FLAG_LOADING = 1 << 7;
export const FLAG_STALE = 1 << 8;
export const FLAG_SKIP_MONITOR = 1 << 9;
export const FLAG_SKIP_SLOWLOG = 1 << 10;
export const FLAG_ASKING = 1 << 11;
export const FLAG_FAST = 1 << 12;
export const FLAG_NO_AUTH = 1 << 13;
export const FLAG_NO_MANDATORY_KEYS = 1 << 14;
export const FLAG_NO_ASYNC_LOADING = 1 << 15;
export const FLAG_NO_MULTI = 1 << 16;
export const FLAG_MOVABLE_KEYS = 1 << 17;
export const FLAG_ALLOW_BUSY = 1 << 18;
export const FLAG_MAY_REPLICATE = 1 << 19;
export const FLAG_SENTINEL = 1 << 20;
export const FLAG_TOUCHES_ARBITRARY_KEYS = 1 << 21;

/** In Redis's order of printing; the last three are never printed. */
const FLAG_BITS: readonly (readonly [CommandFlag, number])[] = [
  ["write", FLAG_WRITE],
  ["readonly", FLAG_READONLY],
  ["denyoom", FLAG_DENYOOM],
  ["admin", FLAG_ADMIN],
  ["pubsub", FLAG_PUBSUB],
  ["noscript", FLAG_NOSCRIPT],
  ["blocking", FLAG_BLOCKING],
  ["loading", FLAG_LOADING],
  ["stale", FLAG_STALE],
  ["skip_monitor", FLAG_SKIP_MONITOR],
  ["skip_slowlog", FLAG_SKIP_SLOWLOG],
  ["asking", FLAG_ASKING],
  ["fast", FLAG_FAST],
  ["no_auth", FLAG_NO_AUTH],
  ["no_mandatory_keys", FLAG_NO_MANDATORY_KEYS],
  ["no_async_loading", FLAG_NO_ASYNC_LOADING],
  ["no_multi", FLAG_NO_MULTI],
  ["movablekeys", FLAG_MOVABLE_KEYS],
  ["allow_busy", FLAG_ALLOW_BUSY],
  ["may_replicate", FLAG_MAY_REPLICATE],
  ["sentinel", FLAG_SENTINEL],
  ["touches_arbitrary_keys", FLAG_TOUCHES_ARBITRARY_KEYS],
];
const HIDDEN_FLAGS = FLAG_MAY_REPLICATE | FLAG_SENTINEL | FLAG_TOUCHES_ARBITRARY_KEYS;

export function flagBits(flags: readonly CommandFlag[]): number {
  let bits = 0;
  for (const flag of flags) {
    const entry = FLAG_BITS.find(([name]) => name === flag);
    assert(entry !== undefined, `unknown command flag ${flag}`);
    bits |= entry[1];
  }
  return bits;
}

/** The words that COMMAND INFO shows, in its order. */
export function flagNames(bits: number): readonly string[] {
  return FLAG_BITS.filter(([, bit]) => (bits & bit & ~HIDDEN_FLAGS) !== 0).map(([name]) => name);
}

/** Every ACL category, in Redis's order. */
export const CATEGORIES: readonly string[] = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
];

const CATEGORY_OF_GROUP: Readonly<Partial<Record<CommandGroup, string>>> = {
  string: "string",
  generic: "keyspace",
  hash: "hash",
  list: "list",
  set: "set",
  "sorted-set": "sortedset",
  bitmap: "bitmap",
  hyperloglog: "hyperloglog",
  geo: "geo",
  stream: "stream",
  connection: "connection",
  transactions: "transaction",
  scripting: "scripting",
};

/** The command's categories without '@', in Redis's order. A container has none from its group: its subcommands do. */
export function categoriesOf(spec: CommandSpec): readonly string[] {
  const bits = flagBits(spec.flags);
  const found = new Set<string>();
  const scripting = spec.group === "scripting";
  if ((bits & FLAG_WRITE) !== 0) found.add("write");
  if ((bits & FLAG_READONLY) !== 0 && !scripting) found.add("read");
  if ((bits & FLAG_ADMIN) !== 0) found.add("admin").add("dangerous");
  if ((bits & FLAG_PUBSUB) !== 0) found.add("pubsub");
  if ((bits & FLAG_BLOCKING) !== 0) found.add("blocking");
  found.add((bits & FLAG_FAST) !== 0 ? "fast" : "slow");
  const ofGroup = CATEGORY_OF_GROUP[spec.group];
  if (ofGroup !== undefined && spec.subcommands === undefined) found.add(ofGroup);
  for (const category of spec.categories ?? []) {
    if (category.startsWith("-")) found.delete(category.slice(1));
    else found.add(category);
  }
  for (const category of found) {
    assert(CATEGORIES.includes(category), `unknown ACL category ${category} of ${spec.name}`);
  }
  return CATEGORIES.filter((category) => found.has(category));
}

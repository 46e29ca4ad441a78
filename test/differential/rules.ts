/**
 * The one table of replies in which two correct servers may differ, each with its reason.
 *
 * Invariant: a reply that no rule names must be the same byte for byte. A rule says what is still compared; it
 * never lets an error pass for an answer, or the other way round.
 */
import type { Command } from "../support/resp-client.ts";
import { decodeReply, describe, type RespValue } from "../support/resp-value.ts";

/** Servers execute a command at moments that differ by what the machine is busy with. */
export const TIME_TOLERANCE_MS = 8000;

/** Characters of a message before the first argument it can quote: "ERR unknown command '". */
const QUOTED_FROM = 12;

interface Rule {
  /** `name` or `name subcommand`, lower case. */
  readonly commands: readonly string[];
  readonly reason: string;
  /** Called only when both replies are answers, not errors. */
  readonly same: (redis: RespValue, ferrite: RespValue) => boolean;
}

export const RULES: readonly Rule[] = [
  {
    commands: ["keys", "scan"],
    reason: "the order of keys is the hash table's own; the set of keys and the cursor are compared",
    same: (redis, ferrite) => unordered(redis) === unordered(ferrite),
  },
  {
    commands: ["hscan", "zscan"],
    reason:
      "the order of fields or members is the structure's own; the cursor, and they with their values or scores, are compared",
    same: (redis, ferrite) => unorderedPairs(redis) === unorderedPairs(ferrite),
  },
  {
    commands: ["hgetall"],
    reason: "the order of fields is the structure's own; fields with their values are compared",
    same: (redis, ferrite) => sameKind(redis, ferrite) && pairs(redis) === pairs(ferrite),
  },
  {
    commands: ["hkeys", "hvals"],
    reason: "the order of fields is the structure's own",
    same: (redis, ferrite) => unordered(redis) === unordered(ferrite),
  },
  {
    commands: ["hrandfield"],
    reason: "which fields is chance; how many there are is compared",
    same: (redis, ferrite) => sameKind(redis, ferrite) && itemCount(redis) === itemCount(ferrite),
  },
  {
    commands: ["smembers", "sinter", "sunion", "sdiff", "sscan"],
    reason: "the order of members is the structure's own",
    same: (redis, ferrite) => unordered(redis) === unordered(ferrite),
  },
  {
    commands: ["srandmember", "spop"],
    reason: "which members is chance; how many there are is compared",
    same: (redis, ferrite) => sameKind(redis, ferrite) && itemCount(redis) === itemCount(ferrite),
  },
  {
    commands: ["zrandmember"],
    reason: "which members is chance; how many there are is compared",
    same: (redis, ferrite) => sameKind(redis, ferrite) && itemCount(redis) === itemCount(ferrite),
  },
  {
    commands: ["randomkey"],
    reason: "which key is chance; whether there is one is compared",
    same: sameKind,
  },
  {
    commands: ["ttl", "expiretime"],
    reason: "seconds relative to, or counted from, the moment of execution",
    same: (redis, ferrite) => near(redis, ferrite, TIME_TOLERANCE_MS / 1000),
  },
  {
    commands: ["pttl", "pexpiretime"],
    reason: "milliseconds relative to, or counted from, the moment of execution",
    same: (redis, ferrite) => near(redis, ferrite, TIME_TOLERANCE_MS),
  },
  {
    commands: ["time", "lastsave", "info", "role", "slowlog len", "latency reset"],
    reason: "facts of the process and the moment",
    same: sameKind,
  },
  {
    commands: ["object idletime", "object freq", "object refcount"],
    reason: "inner bookkeeping of the store: sampled clocks, shared integers, its own sizes",
    same: sameKind,
  },
  {
    commands: ["object encoding"],
    reason:
      "Redis 7.0 calls every list a quicklist and every set of texts a hashtable; 7.2, which is followed, calls small ones listpack",
    same: (redis, ferrite) =>
      (textIs(redis, "quicklist") || textIs(redis, "hashtable")) && textIs(ferrite, "listpack"),
  },
  {
    commands: ["memory usage"],
    reason: "sizes are the store's own; Redis still finds a key whose time is over, Ferrite does not",
    same: (redis, ferrite) => sameKind(redis, ferrite) || ferrite.kind === "null",
  },
  {
    commands: ["client id", "client info", "client list"],
    reason: "numbers, addresses and ages of connections",
    same: sameKind,
  },
  {
    commands: ["hello"],
    reason: "version and connection number differ; names, order, protocol and mode are compared",
    same: (redis, ferrite) => withoutVersion(redis) === withoutVersion(ferrite),
  },
  {
    commands: ["config get"],
    reason: "several options are answered in the order of a hash table",
    same: (redis, ferrite) => pairs(redis) === pairs(ferrite),
  },
  {
    commands: ["command info"],
    reason: "flags are sets, their order is free",
    same: (redis, ferrite) => describe(sorted(redis)) === describe(sorted(ferrite)),
  },
];

/** True if the replies to the command are the same, or differ only as a rule allows. */
export function sameReply(command: Command, redis: Buffer, ferrite: Buffer): boolean {
  if (redis.equals(ferrite)) return true;
  const left = decodeReply(redis);
  const right = decodeReply(ferrite);
  if (left.kind === "error" || right.kind === "error") return sameMessage(command, left, right);
  const rule = ruleFor(command);
  if (rule === undefined) return false;
  return rule.same(left, right);
}

/** Redis quotes arguments in messages as C strings, which end at a zero byte; the kind of error is still compared. */
function sameMessage(command: Command, redis: RespValue, ferrite: RespValue): boolean {
  if (redis.kind !== "error" || ferrite.kind !== "error") return false;
  const hasZero = command.some((argument) => Buffer.from(argument).includes(0));
  return hasZero && redis.text.slice(0, QUOTED_FROM) === ferrite.text.slice(0, QUOTED_FROM);
}

function ruleFor(command: Command): Rule | undefined {
  const [name, word] = command.map((argument) => Buffer.from(argument).toString("latin1").toLowerCase());
  return RULES.find(
    ({ commands }) => commands.includes(name ?? "") || commands.includes(`${name ?? ""} ${word ?? ""}`),
  );
}

function sameKind(redis: RespValue, ferrite: RespValue): boolean {
  return redis.kind === ferrite.kind;
}

function textIs(value: RespValue, text: string): boolean {
  return value.kind === "text" && value.text === text;
}

function near(redis: RespValue, ferrite: RespValue, tolerance: number): boolean {
  if (redis.kind !== "integer" || ferrite.kind !== "integer") return false;
  // Negative numbers say "no key" and "no expiry": those are not times.
  if (redis.value < 0n || ferrite.value < 0n) return false;
  const difference = redis.value - ferrite.value;
  return difference <= BigInt(tolerance) && difference >= -BigInt(tolerance);
}

export function unordered(value: RespValue): string {
  return describe(sorted(value, true));
}

/** Sets in one order; with `arraysToo` arrays of strings as well. A cursor and its keys stay in their places. */
function sorted(value: RespValue, arraysToo = false): RespValue {
  if (!("items" in value)) return value;
  const items = value.items.map((item) => sorted(item, arraysToo));
  const isSet = value.kind === "set" || (arraysToo && items.every((item) => item.kind === "text"));
  if (isSet || (value.kind === "array" && isFlags(items))) {
    items.sort((a, b) => (describe(a) < describe(b) ? -1 : 1));
  }
  return { kind: value.kind, items };
}

function isFlags(items: readonly RespValue[]): boolean {
  return items.length > 0 && items.every((item) => item.kind === "text");
}

/** A cursor, and names with their values, whatever the order of the names. */
function unorderedPairs(value: RespValue): string {
  if (!("items" in value) || value.items.length !== 2) return describe(value);
  return `${describe(value.items[0]!)} ${pairs(value.items[1]!)}`;
}

function itemCount(value: RespValue): number {
  return "items" in value ? value.items.length : -1;
}

/** Names with their values, whatever the order of the names. */
export function pairs(value: RespValue): string {
  if (!("items" in value)) return describe(value);
  const { items } = value;
  return items
    .flatMap((name, index) => (index % 2 === 0 ? [`${describe(name)} ${describe(items[index + 1]!)}`] : []))
    .sort()
    .join();
}

function withoutVersion(value: RespValue): string {
  if (!("items" in value)) return describe(value);
  const kept = value.items.filter((_, index) => {
    const name = value.items[index - (index % 2)];
    return index % 2 === 0 || !(name?.kind === "text" && (name.text === "version" || name.text === "id"));
  });
  return describe({ kind: value.kind, items: kept });
}

/**
 * Redis's command group "hash": few fields that collide, hashes that grow past every threshold, all options and wrong ones.
 * The times of fields are not among them: Redis 7.0 does not know those commands.
 */
import type { CommandGroup, Unit, Vocabulary } from "../../support/random-commands.ts";
import type { Argument, Command } from "../../support/resp-client.ts";

const FIELDS: readonly Argument[] = [
  ...["f", "g", "h", "field:1", "field:2", "", "0", "12", "\x00", "\xff\r\n", "a\x00b"],
  ...["x".repeat(63), "x".repeat(64), "x".repeat(65), "y".repeat(127), "y".repeat(128), "y".repeat(600)],
];

export const hashGroup: CommandGroup = {
  name: "hash",
  weight: 12,
  next: (words) => {
    const { random } = words;
    if (random.oneIn(25)) return underOtherLimits(words);
    const make = random.pick([set, set, set, get, get, number, whole, remove, chance]);
    return { commands: [make(words)] };
  },
};

function set(words: Vocabulary): Command {
  const { random } = words;
  if (random.oneIn(12)) return ["HSET", words.key(), ...manyPairs(words)];
  return random.pick<() => Command>([
    () => ["HSET", words.key(), ...pairs(words, 4)],
    () => ["HMSET", words.key(), ...pairs(words, 3)],
    () => ["HSETNX", words.key(), field(words), words.value()],
    () => ["HSET", words.key(), field(words), words.value()],
  ])();
}

/** Enough for one field more than a limit, or for more than 4 KiB below all limits. */
function manyPairs(words: Vocabulary): Argument[] {
  const { random } = words;
  const count = random.pick([10, 60, 100, 511, 512, 513]);
  const length = random.pick([3, 3, 20, 64, 65]);
  const value = "v".repeat(random.pick([0, 1, 7, 64]));
  return Array.from({ length: count }, (_, i) => [String(i).padStart(length, "."), value]).flat();
}

function get(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["HGET", words.key(), field(words)],
    () => ["HMGET", words.key(), ...random.several(5, () => field(words))],
    () => ["HEXISTS", words.key(), field(words)],
    () => ["HSTRLEN", words.key(), field(words)],
    () => ["HLEN", words.key()],
  ])();
}

function number(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["HINCRBY", words.key(), field(words), words.integer()],
    () => ["HINCRBYFLOAT", words.key(), field(words), words.float()],
  ])();
}

function whole(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["HGETALL", words.key()],
    () => ["HKEYS", words.key()],
    () => ["HVALS", words.key()],
    () => ["OBJECT", "ENCODING", words.key()],
    () => ["HSCAN", words.key(), scanCursor(words), "COUNT", "100000", ...match(words)],
    () => ["HSCAN", words.key(), "0", random.pick(["COUNT", "MATCH", "bad"])],
    () => ["HSCAN", words.key(), "0", "COUNT", random.pick(["0", "-1", "x", "9223372036854775808"])],
  ])();
}

function scanCursor(words: Vocabulary): string {
  return words.random.oneIn(6) ? words.random.pick(["x", "-", " 1", "99999999999999999999", ""]) : "0";
}

function match(words: Vocabulary): Argument[] {
  return words.random.oneIn(2) ? ["MATCH", words.pattern()] : [];
}

function remove(words: Vocabulary): Command {
  const { random } = words;
  if (random.oneIn(4)) {
    const length = random.pick([3, 20, 64]);
    return ["HDEL", words.key(), ...Array.from({ length: 100 }, (_, i) => String(i).padStart(length, "."))];
  }
  return ["HDEL", words.key(), ...random.several(4, () => field(words))];
}

function chance(words: Vocabulary): Command {
  const { random } = words;
  if (random.oneIn(3)) return ["HRANDFIELD", words.key()];
  const count = random.oneIn(8)
    ? random.pick(["x", "", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1.0"])
    : String(random.between(-30, 30));
  return ["HRANDFIELD", words.key(), count, ...words.some(2, "WITHVALUES"), ...words.some(20, "bad")];
}

/** The limits are lowered for a few commands only: a server that is started again has the defaults. */
function underOtherLimits(words: Vocabulary): Unit {
  const { random } = words;
  const key = words.key();
  const limits = (entries: string, bytes: string): Command => [
    ...["CONFIG", "SET", "hash-max-listpack-entries", entries, "hash-max-listpack-value", bytes],
  ];
  const some = random.several(5, () => random.pick([set, number, remove])(words));
  const commands: Command[] = [
    limits(random.pick(["0", "1", "3", "512"]), random.pick(["0", "1", "5", "64", "1000"])),
    ...some,
    ["HSET", key, ...pairs(words, 2)],
    ["OBJECT", "ENCODING", key],
    limits("512", "64"),
  ];
  return { commands };
}

function pairs(words: Vocabulary, most: number): Argument[] {
  return words.random.several(most, () => [field(words), words.value()]).flat();
}

function field(words: Vocabulary): Argument {
  return words.random.oneIn(4) ? String(words.random.below(20)) : words.random.pick(FIELDS);
}

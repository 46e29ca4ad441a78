/**
 * Redis's command group "set": few members, sets of integers and of texts, sets that grow past every threshold.
 *
 * What SPOP takes is chance, so it is asked for everything, or of a set that is deleted right behind it.
 */
import type { CommandGroup, Unit, Vocabulary } from "../../support/random-commands.ts";
import type { Argument, Command } from "../../support/resp-client.ts";

const MEMBERS: readonly Argument[] = [
  ...["a", "b", "c", "d", "x y", "", "member:1", "member:2", "Z"],
  ...["0", "1", "2", "-1", "7", "10", "11", "-11", "007", "+1", "1.0", " 1", "-0"],
  ...["9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808"],
  "m".repeat(64),
  "m".repeat(65),
];
const COUNTS = [
  "0",
  "1",
  "2",
  "-1",
  "-3",
  "5",
  "100",
  "x",
  "",
  "-9223372036854775808",
  "9223372036854775807",
];

export const setGroup: CommandGroup = {
  name: "set",
  weight: 12,
  next: (words) => {
    const { random } = words;
    if (random.oneIn(15)) return taken(words);
    const make = random.pick([add, add, add, ask, ask, remove, combine, combine]);
    return { commands: [make(words)] };
  },
};

function member(words: Vocabulary): Argument {
  return words.random.oneIn(20) ? words.value() : words.random.pick(MEMBERS);
}

function members(words: Vocabulary, most: number): Argument[] {
  return words.random.several(most, () => member(words));
}

function add(words: Vocabulary): Command {
  const { random } = words;
  if (!random.oneIn(12)) return ["SADD", words.key(), ...members(words, 5)];
  const count = random.pick([20, 127, 128, 129, 511, 512, 513, 700]);
  const step = random.pick([1, 7919, 4294967311]);
  const integers = random.oneIn(2);
  const length = random.pick([3, 20, 64, 65]);
  return [
    "SADD",
    words.key(),
    ...Array.from({ length: count }, (_, i) =>
      integers ? String((i - 100) * step) : String(i).padStart(length, "."),
    ),
  ];
}

function ask(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["SISMEMBER", words.key(), member(words)],
    () => ["SMISMEMBER", words.key(), ...members(words, 4)],
    () => ["SCARD", words.key()],
    () => ["SMEMBERS", words.key()],
    () => ["SRANDMEMBER", words.key()],
    () => ["SRANDMEMBER", words.key(), random.pick(COUNTS)],
    () => ["OBJECT", "ENCODING", words.key()],
    () => [
      "SSCAN",
      words.key(),
      "0",
      "COUNT",
      "100000",
      ...(random.oneIn(3) ? ["MATCH", words.pattern()] : []),
    ],
    () => ["SSCAN", words.key(), random.pick(["0", "x"]), "COUNT", random.pick(["0", "x", "100000"])],
  ])();
}

function remove(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["SREM", words.key(), ...members(words, 5)],
    () => ["SMOVE", words.key(), words.key(), member(words)],
    () => ["SPOP", words.key(), random.pick(["1000000", "0", "-1", "x", ""])],
  ])();
}

function combine(words: Vocabulary): Command {
  const { random } = words;
  const keys = words.keys();
  return random.pick<() => Command>([
    () => [random.pick(["SINTER", "SUNION", "SDIFF"]), ...keys],
    () => [random.pick(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), words.key(), ...keys],
    () => [
      "SINTERCARD",
      random.oneIn(6) ? random.pick(["0", "-1", "x", "9"]) : String(keys.length),
      ...keys,
      ...(random.oneIn(2) ? ["LIMIT", random.pick(["0", "1", "3", "-1", "x"])] : []),
    ],
  ])();
}

/** Members by chance, and the set gone before anything is compared. */
function taken(words: Vocabulary): Unit {
  const key = words.key();
  const pop: Command = words.random.oneIn(2)
    ? ["SPOP", key]
    : ["SPOP", key, words.random.pick(["1", "2", "5", "200"])];
  return { commands: [pop, ["SCARD", key], ["DEL", key]] };
}

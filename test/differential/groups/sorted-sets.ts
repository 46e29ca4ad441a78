/**
 * Redis's command group "sorted-set": few members whose scores collide, sets that grow past every threshold, all options and
 * wrong ones.
 *
 * Ranges by member are only defined where all scores are the same, so they are asked for on keys of their own.
 */
import { type CommandGroup, SESSIONS, type Unit, type Vocabulary } from "../../support/random-commands.ts";
import type { Argument, Command } from "../../support/resp-client.ts";

const EVEN_KEYS: readonly Argument[] = ["even:1", "even:2"];
const SCORES = [
  ...["0", "-0", "1", "1", "2", "3", "-1", "1.5", "0.1", "1e3", "1e20", "-2.5e-7", "3.0", "+4", ".5", "5."],
  ...["inf", "-inf", "+inf", "Infinity", "17179869184", "9007199254740993", "0x10", "1e-320", "5e-324"],
];
const BAD_SCORES = ["nan", "x", "", " 1", "1 ", "1e400", "1e-400", "--1", "1_0", "0x", "inff"];

export const sortedSetGroup: CommandGroup = {
  name: "sorted-set",
  weight: 14,
  next: (words) => {
    const { random } = words;
    if (random.oneIn(40)) return inTransaction(words);
    if (random.oneIn(60)) return { commands: [shortWait(words)] };
    if (random.oneIn(40)) return underOtherLimits(words);
    const make = random.pick([add, add, add, ask, range, range, byMember, remove, take, combine, others]);
    return { commands: [make(words)] };
  },
};

function add(words: Vocabulary): Command {
  const { random } = words;
  if (random.oneIn(12)) return ["ZADD", words.key(), ...manyElements(words)];
  return random.pick<() => Command>([
    () => ["ZADD", words.key(), ...elements(words, 4)],
    () => ["ZADD", words.key(), ...words.some(4, "NX", "XX", "GT", "LT", "CH"), ...elements(words, 4)],
    () => [
      "ZADD",
      words.key(),
      ...words.some(3, "xx", "gt"),
      "INCR",
      ...elements(words, random.oneIn(9) ? 2 : 1),
    ],
    () => ["ZINCRBY", words.key(), score(words), member(words)],
  ])();
}

/** Enough for a structure of more than one leaf, for one element more than a limit, or for more than 4 KiB below it. */
function manyElements(words: Vocabulary): Argument[] {
  const { random } = words;
  const count = random.pick([20, 100, 127, 128, 129, 130, 700]);
  const length = random.pick([3, 3, 20, 40, 64, 65]);
  const scores = random.pick([1, 7, 1000]);
  return Array.from({ length: count }, (_, i) => [
    String((i * 7919) % scores),
    String(i).padStart(length, "."),
  ]).flat();
}

function ask(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["ZCARD", words.key()],
    () => ["ZSCORE", words.key(), member(words)],
    () => ["ZMSCORE", words.key(), ...random.several(4, () => member(words))],
    () => [random.pick(["ZRANK", "ZREVRANK"]), words.key(), member(words)],
    () => ["ZCOUNT", words.key(), bound(words), bound(words)],
    () => ["OBJECT", "ENCODING", words.key()],
    () => [
      "ZSCAN",
      words.key(),
      "0",
      "COUNT",
      "100000",
      ...(random.oneIn(2) ? ["MATCH", words.pattern()] : []),
    ],
    () => ["ZRANDMEMBER", words.key(), ...randomCount(words)],
  ])();
}

function range(words: Vocabulary): Command {
  const { random } = words;
  const options = (...more: string[]): Argument[] => [...words.some(3, ...more), ...limit(words)];
  return random.pick<() => Command>([
    () => ["ZRANGE", words.key(), "0", "-1", "WITHSCORES"],
    () => ["ZRANGE", words.key(), rank(words), rank(words), ...words.some(3, "REV", "withscores")],
    () => ["ZREVRANGE", words.key(), rank(words), rank(words), ...words.some(2, "WITHSCORES")],
    () => ["ZRANGE", words.key(), bound(words), bound(words), "BYSCORE", ...options("REV", "WITHSCORES")],
    () => ["ZRANGE", words.key(), bound(words), bound(words), ...options("REV", "byscore", "bad")],
    () => ["ZRANGEBYSCORE", words.key(), bound(words), bound(words), ...options("WITHSCORES")],
    () => ["ZREVRANGEBYSCORE", words.key(), bound(words), bound(words), ...options("withscores", "REV")],
    () => ["ZRANGESTORE", words.key(), words.key(), rank(words), rank(words), ...words.some(3, "REV")],
    () => ["ZRANGESTORE", words.key(), words.key(), bound(words), bound(words), "BYSCORE", ...options("REV")],
  ])();
}

function byMember(words: Vocabulary): Command {
  const { random } = words;
  const key = random.pick(EVEN_KEYS);
  const [from, to] = [memberBound(words), memberBound(words)];
  return random.pick<() => Command>([
    () => ["ZADD", key, ...random.several(5, () => ["0", member(words)]).flat()],
    () => ["ZADD", key, ...Array.from({ length: 150 }, (_, i) => ["-0", `m${i * 37}`]).flat()],
    () => ["ZREM", key, member(words), `m${37 * random.below(150)}`],
    () => ["ZLEXCOUNT", key, from, to],
    () => ["ZRANGEBYLEX", key, from, to, ...limit(words)],
    () => ["ZREVRANGEBYLEX", key, from, to, ...limit(words)],
    () => [
      "ZRANGE",
      key,
      from,
      to,
      "BYLEX",
      ...words.some(2, "REV"),
      ...words.some(9, "WITHSCORES"),
      ...limit(words),
    ],
    () => ["ZRANGESTORE", random.pick(EVEN_KEYS), key, from, to, "BYLEX", ...limit(words)],
    () => ["ZREMRANGEBYLEX", key, from, random.oneIn(2) ? to : from],
    () => ["DEL", key],
  ])();
}

function remove(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["ZREM", words.key(), ...random.several(4, () => member(words))],
    () => ["ZREMRANGEBYRANK", words.key(), rank(words), rank(words)],
    () => ["ZREMRANGEBYSCORE", words.key(), bound(words), bound(words)],
    () => ["ZREMRANGEBYSCORE", words.key(), "-inf", String(random.between(-1, 2))],
    () => ["ZREMRANGEBYRANK", words.key(), String(random.between(-20, 30)), random.pick(["-3", "-2", "100"])],
  ])();
}

function take(words: Vocabulary): Command {
  const { random } = words;
  const name = random.pick(["ZPOPMIN", "ZPOPMAX"]);
  return random.pick<() => Command>([
    () => [name, words.key()],
    () => [name, words.key(), words.integer()],
    () => [name, words.key(), String(random.between(1, 200))],
    () => ["ZMPOP", ...counted(words), random.pick(["MIN", "max"]), ...popCount(words)],
  ])();
}

function combine(words: Vocabulary): Command {
  const { random } = words;
  const operation = random.pick(["UNION", "INTER", "UNION", "INTER", "DIFF"]);
  const keys = words.keys();
  const numbered = counted(words, keys);
  const options: Argument[] = [];
  if (random.oneIn(2)) options.push("WEIGHTS", ...keys.map(() => score(words)));
  if (random.oneIn(2))
    options.push("AGGREGATE", random.pick(["SUM", "min", "MAX", random.oneIn(5) ? "avg" : "sum"]));
  const given = operation === "DIFF" && !random.oneIn(9) ? [] : options;
  return random.pick<() => Command>([
    () => [`Z${operation}`, ...numbered, ...given, ...words.some(2, "WITHSCORES"), ...words.some(40, "bad")],
    () => [`Z${operation}STORE`, words.key(), ...numbered, ...given, ...words.some(30, "WITHSCORES")],
    () => [
      "ZINTERCARD",
      ...numbered,
      ...(random.oneIn(2) ? ["LIMIT", random.pick(["0", "1", "3", "-1", "x"])] : []),
    ],
  ])();
}

function others(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["RENAME", words.key(), words.key()],
    () => ["COPY", words.key(), words.key(), ...words.some(2, "REPLACE")],
    () => ["TYPE", words.key()],
  ])();
}

/** Limits are set back at once: a server that was restarted has forgotten them. */
function underOtherLimits(words: Vocabulary): Unit {
  const { random } = words;
  const [name, other, usual] = random.pick([
    ["zset-max-listpack-entries", random.pick(["3", "0", "1000"]), "128"],
    ["zset-max-listpack-value", random.pick(["5", "0", "300"]), "64"],
  ] as const);
  const commands = Array.from({ length: 6 }, () => random.pick([add, add, ask, range, combine])(words));
  return { commands: [["CONFIG", "SET", name, other], ...commands, ["CONFIG", "SET", name, usual]] };
}

/** Answers at once, or with a null when a hundredth of a second is over. */
function shortWait(words: Vocabulary): Command {
  const { random } = words;
  const timeout = random.oneIn(5) ? random.pick(["-1", "x", "", "nan"]) : "0.01";
  return random.pick<() => Command>([
    () => [random.pick(["BZPOPMIN", "BZPOPMAX"]), ...words.keys(), timeout],
    () => ["BZMPOP", timeout, ...counted(words), random.pick(["MIN", "MAX"]), ...popCount(words)],
  ])();
}

/** Inside a transaction nothing waits, whatever its time-out. */
function inTransaction(words: Vocabulary): Unit {
  const wait = words.random.pick<() => Command>([
    () => ["BZPOPMIN", ...words.keys(), "0"],
    () => ["BZPOPMAX", ...words.keys(), "0"],
    () => ["BZMPOP", "0", "2", words.key(), words.key(), "MIN", "COUNT", "3"],
  ])();
  return { commands: [["MULTI"], add(words), wait, range(words), wait, ["EXEC"]], session: SESSIONS - 1 };
}

function elements(words: Vocabulary, most: number): Argument[] {
  return words.random.several(most, () => [score(words), member(words)]).flat();
}

function score(words: Vocabulary): string {
  const { random } = words;
  if (random.oneIn(25)) return random.pick(BAD_SCORES);
  if (random.oneIn(4)) return String(random.between(-300, 300) / 8);
  return random.oneIn(3) ? words.float() : random.pick(SCORES);
}

function member(words: Vocabulary): Argument {
  const { random } = words;
  if (random.oneIn(10)) return words.value();
  return random.pick([
    "a",
    "b",
    "c",
    "ab",
    "",
    "1",
    "22",
    "\xff\x00",
    "x".repeat(random.pick([63, 64, 65, 200])),
  ]);
}

/** Of a range by score. */
function bound(words: Vocabulary): string {
  const { random } = words;
  if (random.oneIn(20))
    return random.pick(["nan", "x", "", "(", "1 ", "1e400", "-1e400", "(inf", "((1", "[1"]);
  if (random.oneIn(4)) return random.pick(["-inf", "+inf", "-inf", "inf"]);
  const number = random.oneIn(2) ? String(random.between(-5, 10)) : score(words);
  return random.oneIn(3) ? `(${number}` : number;
}

function memberBound(words: Vocabulary): string {
  const { random } = words;
  if (random.oneIn(15)) return random.pick(["a", "", "+1", "-x", "((", "[", "("]);
  if (random.oneIn(3)) return random.pick(["-", "+"]);
  const text = random.pick([
    "a",
    "ab",
    "b",
    "c",
    "",
    "1",
    "m",
    "m1",
    `m${random.below(6000)}`,
    "\xff",
    "x".repeat(64),
  ]);
  return random.pick(["[", "("]) + text;
}

function rank(words: Vocabulary): string {
  const { random } = words;
  if (random.oneIn(9)) return words.integer();
  return String(random.oneIn(3) ? random.between(-200, 200) : random.between(-6, 6));
}

function limit(words: Vocabulary): Argument[] {
  const { random } = words;
  if (!random.oneIn(3)) return [];
  if (random.oneIn(12))
    return random.pick([["LIMIT"], ["LIMIT", "1"], ["LIMIT", "x", "1"], ["limit", "0", "-1"]]);
  return [
    "LIMIT",
    random.pick(["0", "1", "2", "100", "-1"]),
    random.pick(["0", "1", "2", "5", "-1", "1000"]),
  ];
}

function counted(words: Vocabulary, keys: readonly Argument[] = words.keys()): Argument[] {
  const number = words.random.oneIn(12) ? words.integer() : String(keys.length);
  return [number, ...keys];
}

function popCount(words: Vocabulary): Argument[] {
  const { random } = words;
  if (!random.oneIn(2)) return [];
  return ["COUNT", random.pick(["1", "2", "5", "200", "0", "-1", "x"]), ...words.some(20, "COUNT")];
}

/** Never a great many with repetition: both servers would answer all of them. */
function randomCount(words: Vocabulary): Argument[] {
  const { random } = words;
  const count = random.pick([
    "0",
    "1",
    "2",
    "5",
    "100000",
    "-1",
    "-3",
    "-40",
    "x",
    "",
    "9223372036854775807",
  ]);
  return random.oneIn(4) ? [] : [count, ...words.some(2, "WITHSCORES"), ...words.some(30, "bad")];
}

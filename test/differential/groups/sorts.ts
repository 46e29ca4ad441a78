/**
 * Redis's SORT and SORT_RO: lists, sets and sorted sets of few elements, weights and fields under keys made of them, all
 * options and wrong ones.
 *
 * Sources have keys of their own: Redis turns a sorted set that it sorts into a skiplist for good, which shows. Where Redis's
 * order is an accident (sets that are not sorted, equal weights by bytes in sets and sorted sets, zero bytes in a C string)
 * nothing is asked for.
 */
import { type CommandGroup, SESSIONS, type Vocabulary } from "../../support/random-commands.ts";
import type { Argument, Command } from "../../support/resp-client.ts";

const LISTS: readonly Argument[] = ["sort:l", "sort:m"];
const SORTED_SETS: readonly Argument[] = ["sort:z", "sort:y"];
const SETS: readonly Argument[] = ["sort:s", "sort:t"];
/** Small sets of integers, which both servers keep in order. */
const INTEGER_SET: Argument = "sort:i";
const NUMBERS = [
  ...["1", "2", "3", "10", "-5", "0", "1.5", "3.0", "1e1", ".5", "5.", "+4", " 7", "0x1f", "inf", "-inf"],
  ...["123456789012345678", "9007199254740993", "-0", ""],
];
const WORDS = ["a", "b", "ab", "B", "a\xff", "aaaaaaab", "aaaaaaaa", "aaaaaa", "x".repeat(70), "12x"];
const BAD_NUMBERS = ["nan", "x", "1 ", " ", "1e400", "1e-400", "1e-310", "0x"];
/** Read up to the zero byte; as bytes Redis compares them as C strings do. */
const NUMBERS_WITH_ZERO_BYTES = ["7\u0000x", "\u0000", "x\u0000", "-3\u0000"];
/** Takes back what an overflow of an earlier number has left in Redis's errno, which SORT looks at without clearing it. */
const CLEARS_ERRNO: Command = ["ZADD", "sort:z", "XX", "1.5", "nobody"];

export const sortGroup: CommandGroup = {
  name: "sort",
  weight: 8,
  next: (words) => {
    const { random } = words;
    if (random.oneIn(2)) {
      const command = random.oneIn(3) ? weigh(words) : fill(words);
      // A key whose time is over counts in DBSIZE until somebody asks for it.
      return { commands: command.includes("PXAT") ? [command, ["EXISTS", command[1]!]] : [command] };
    }
    if (random.oneIn(20)) {
      const commands = [["MULTI"], CLEARS_ERRNO, sort(words), CLEARS_ERRNO, sort(words), ["EXEC"]];
      return { commands, session: SESSIONS - 1 };
    }
    return { commands: [CLEARS_ERRNO, sort(words)] };
  },
};

function fill(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["RPUSH", random.pick(LISTS), ...random.several(6, () => element(words))],
    () => ["RPUSH", random.pick(LISTS), ...random.several(9, () => number(words))],
    () => ["RPUSH", random.pick(LISTS), ...many(words)],
    () => ["LPOP", random.pick(LISTS), String(random.between(1, 300))],
    () => [
      "ZADD",
      random.pick(SORTED_SETS),
      ...random.several(5, () => [String(random.below(4)), element(words)]).flat(),
    ],
    () => ["SADD", random.pick(SETS), ...random.several(6, () => element(words))],
    () => ["SADD", INTEGER_SET, ...random.several(4, () => String(random.between(-20, 20)))],
    () => ["SREM", random.pick(SETS), element(words)],
    () => ["ZREM", random.pick(SORTED_SETS), element(words)],
    () => ["DEL", source(words)],
    () => ["EXPIRE", source(words), words.time(1000, false)],
    () => ["SET", random.pick(LISTS), words.value()],
    () => ["HSET", random.pick(SETS), "f", "1"],
  ])();
}

/** Enough for many merges, and for a result that is no short list any more. */
function many(words: Vocabulary): Argument[] {
  const { random } = words;
  const count = random.pick([20, 130, 600]);
  const width = random.pick([1, 3, 20]);
  return Array.from({ length: count }, (_, i) => String((i * 7919) % 211).padStart(width, "0"));
}

function element(words: Vocabulary): Argument {
  return words.random.oneIn(3) ? words.random.pick(WORDS) : number(words);
}

function number(words: Vocabulary): string {
  if (words.random.oneIn(60)) return words.random.pick(BAD_NUMBERS);
  return words.random.oneIn(2) ? String(words.random.below(20)) : words.random.pick(NUMBERS);
}

/** What the patterns below lead to. */
function weigh(words: Vocabulary): Command {
  const { random } = words;
  const weight = (): Argument =>
    random.oneIn(40)
      ? random.pick(BAD_NUMBERS)
      : random.oneIn(3)
        ? random.pick(WORDS.slice(0, 8))
        : number(words);
  const name = (prefix: string): string => prefix + String(element(words));
  return random.pick<() => Command>([
    () => ["SET", name("n_"), number(words)],
    () => ["SET", name("n_"), number(words), "PXAT", random.pick(["1", "99999999999999"])],
    () => ["SET", name("w_"), weight()],
    () => ["SET", `${name("w_")}_e`, weight()],
    () => ["MSET", ...random.several(9, () => [name("n_"), number(words)]).flat()],
    () => ["MSET", ...random.several(9, () => [name("w_"), weight()]).flat()],
    () => ["HSET", name("h_"), "f", number(words), "->", weight()],
    () => ["HSET", name("h_"), random.pick(["f", "g"]), weight()],
    () => ["DEL", name(random.pick(["n_", "w_", "h_"]))],
    () => ["HSET", name("h_"), "zero", random.pick(NUMBERS_WITH_ZERO_BYTES)],
    () => ["SET", `${name("")}_w`, weight()],
    () => ["RPUSH", name("n_"), "1"],
  ])();
}

function source(words: Vocabulary): Argument {
  return words.random.pick([...LISTS, ...SORTED_SETS, ...SETS, INTEGER_SET, "sort:none"]);
}

function sort(words: Vocabulary): Command {
  const { random } = words;
  const from = source(words);
  const isList = LISTS.includes(from);
  const options: Argument[][] = [];
  const store = random.oneIn(4);
  const alpha = random.oneIn(2);
  const limit = random.oneIn(3);
  if (store) options.push([random.pick(["STORE", "store"]), destination(words)]);
  if (alpha) options.push([random.pick(["ALPHA", "alpha"])]);
  if (limit) options.push(["LIMIT", position(words), position(words)]);
  if (random.oneIn(3)) options.push([random.pick(["DESC", "ASC", "desc"])]);
  // Elements of the same weight stay as they are where Redis sorts the whole of a list.
  if (random.oneIn(2) && (!alpha || (isList && !limit))) options.push(["BY", weightPattern(words, alpha)]);
  else if (random.oneIn(4) && keepsItsOrder(from))
    options.push(["BY", random.pick(["nosort", "", "#", "x->f"])]);
  while (random.oneIn(3)) options.push([random.pick(["GET", "get"]), valuePattern(words)]);
  if (random.oneIn(40)) options.push([random.pick(strayWords(from))]);
  options.sort(() => (random.oneIn(2) ? 1 : -1));
  return [store || random.oneIn(2) ? "SORT" : "SORT_RO", from, ...options.flat()];
}

/** Sets do not, but for those of integers; a set that holds another type is refused by both. */
function keepsItsOrder(from: Argument): boolean {
  return !SETS.includes(from);
}

/** BY takes the next option for a pattern, and a set is not sorted then. */
function strayWords(from: Argument): Argument[] {
  const words = ["LIMIT", "GET", "STORE", "x", "LIMIT 0", "", "->"];
  return keepsItsOrder(from) ? [...words, "BY"] : words;
}

function weightPattern(words: Vocabulary, alpha: boolean): string {
  if (!alpha && words.random.oneIn(8)) return "h_*->zero";
  return words.random.pick([
    ...["n_*", "n_*", "n_*", "h_*->f", "h_*->f", "w_*", "w_*_e", "h_*->->", "n_*->f", "h_*->none", "none_*"],
    ...["n_*->", "*_w", "n_*\u0000->f", "h_*->\u0000"],
  ]);
}

function valuePattern(words: Vocabulary): string {
  return words.random.pick([
    ...[
      "#",
      "#",
      "n_*",
      "w_*",
      "w_*_e",
      "h_*->f",
      "h_*->g",
      "h_*->->",
      "n_*->f",
      "w_*->",
      "none_*",
      "*_w",
      "sort:*",
    ],
    ...["constant", "#x", "#\u0000x", "", "->", "*->*", "n_\u0000*", "n_*\u0000->f"],
  ]);
}

function destination(words: Vocabulary): Argument {
  const { random } = words;
  if (random.oneIn(2)) return words.key();
  return random.oneIn(3) ? source(words) : random.pick(["n_1", "w_a", "sort:l"]);
}

function position(words: Vocabulary): string {
  return words.random.oneIn(12) ? words.integer() : String(words.random.between(-2, 12));
}

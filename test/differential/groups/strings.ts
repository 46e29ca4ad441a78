/** Redis's command group "string", with every option and wrong ones. */
import type { CommandGroup, Unit, Vocabulary } from "../../support/random-commands.ts";
import type { Argument, Command } from "../../support/resp-client.ts";

export const stringGroup: CommandGroup = {
  name: "string",
  weight: 10,
  next: (words) => {
    const make = words.random.pick([whole, whole, edits, numbers]);
    return { commands: [make(words)] } satisfies Unit;
  },
};

function whole(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["SET", words.key(), words.value()],
    () => ["SET", words.key(), words.value(), ...setOptions(words)],
    () => ["SET", words.key(), words.value(), ...setOptions(words)],
    () => ["SETNX", words.key(), words.value()],
    () => ["SETEX", words.key(), words.time(1000, false), words.value()],
    () => ["PSETEX", words.key(), words.time(1, false), words.value()],
    () => ["GET", words.key()],
    () => ["GETDEL", words.key()],
    () => ["GETSET", words.key(), words.value()],
    () => ["GETEX", words.key(), ...(random.oneIn(2) ? [] : expiry(words))],
    () => ["GETEX", words.key(), ...words.some(2, "PERSIST"), ...words.some(6, "PERSIST", "KEEPTTL")],
    () => ["MGET", ...words.keys()],
    () => ["MSET", ...words.pairs()],
    () => ["MSETNX", ...words.pairs()],
  ])();
}

function edits(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["APPEND", words.key(), words.value()],
    () => ["STRLEN", words.key()],
    () => ["GETRANGE", words.key(), words.integer(), words.integer()],
    () => ["SUBSTR", words.key(), words.integer(), words.integer()],
    () => ["SETRANGE", words.key(), offset(words), words.value()],
    () => ["LCS", words.key(), words.key(), ...lcsOptions(words)],
  ])();
}

function numbers(words: Vocabulary): Command {
  return words.random.pick<() => Command>([
    () => ["INCR", words.key()],
    () => ["DECR", words.key()],
    () => ["INCRBY", words.key(), words.integer()],
    () => ["DECRBY", words.key(), words.integer()],
    () => ["INCRBYFLOAT", words.key(), words.float()],
    () => ["SET", words.key(), words.integer()],
    () => ["SET", words.key(), words.float()],
  ])();
}

/** Never an offset that is legal and large: a padded value of half a gigabyte would prove little. */
function offset(words: Vocabulary): string {
  return words.random.pick([
    "0",
    "1",
    "5",
    "50",
    "2000",
    "-1",
    "x",
    "536870912",
    "9223372036854775807",
    "01",
  ]);
}

export function expiry(words: Vocabulary): Argument[] {
  return words.random.pick<() => Argument[]>([
    () => ["EX", words.time(1000, false)],
    () => ["px", words.time(1, false)],
    () => ["EXAT", words.time(1000, true)],
    () => ["PxAt", words.time(1, true)],
    () => [words.random.pick(["KEEPTTL", "PERSIST", "EX", "PXAT", "bad"])],
  ])();
}

function setOptions(words: Vocabulary): Argument[] {
  const options: Argument[] = words.some(3, words.random.pick(["NX", "XX", "nx"]), "GET");
  if (words.random.oneIn(2)) options.push(...expiry(words));
  if (words.random.oneIn(10)) options.push(...expiry(words));
  if (words.random.oneIn(10)) options.push(words.random.pick(["XX", "NX", "get", "KEEPTTL", "", "EX"]));
  return options;
}

function lcsOptions(words: Vocabulary): Argument[] {
  const options: Argument[] = words.some(3, "LEN", "idx", "WITHMATCHLEN");
  if (words.random.oneIn(3)) options.push("MINMATCHLEN", words.random.pick(["0", "1", "2", "-3", "x", ""]));
  if (words.random.oneIn(12)) options.push("bad");
  return options;
}

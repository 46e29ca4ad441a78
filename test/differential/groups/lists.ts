/** Redis's command group "list": few elements that repeat, lists that grow past every threshold, all options and wrong ones. */
import { type CommandGroup, SESSIONS, type Unit, type Vocabulary } from "../../support/random-commands.ts";
import type { Argument, Command } from "../../support/resp-client.ts";

export const listGroup: CommandGroup = {
  name: "list",
  weight: 10,
  next: (words) => {
    if (words.random.oneIn(40)) return inTransaction(words);
    if (words.random.oneIn(60)) return { commands: [shortWait(words)] };
    const make = words.random.pick([push, push, pop, read, read, edit, move]);
    return { commands: [make(words)] };
  },
};

function push(words: Vocabulary): Command {
  const { random } = words;
  const name = random.pick(["LPUSH", "RPUSH", "LPUSH", "RPUSH", "LPUSHX", "RPUSHX"]);
  if (random.oneIn(12)) return [name, words.key(), ...manyElements(words)];
  return [name, words.key(), ...random.several(6, () => element(words))];
}

/** Enough to need more than one leaf, or one entry more than a limit. */
function manyElements(words: Vocabulary): Argument[] {
  const { random } = words;
  const count = random.pick([30, 130, 600, 2000]);
  const length = random.pick([1, 3, 20, 130]);
  return Array.from({ length: count }, (_, i) => String(i % 97).padStart(length, "."));
}

function pop(words: Vocabulary): Command {
  const { random } = words;
  const name = random.pick(["LPOP", "RPOP"]);
  return random.pick<() => Command>([
    () => [name, words.key()],
    () => [name, words.key(), words.integer()],
    () => [name, words.key(), String(random.between(1, 300))],
    () => ["LMPOP", ...counted(words), random.pick(["LEFT", "right"]), ...count(words)],
  ])();
}

function read(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["LLEN", words.key()],
    () => ["LINDEX", words.key(), position(words)],
    () => ["LRANGE", words.key(), position(words), position(words)],
    () => ["LRANGE", words.key(), "0", "-1"],
    () => ["LPOS", words.key(), element(words), ...positionOptions(words)],
    () => ["OBJECT", "ENCODING", words.key()],
    () => ["TYPE", words.key()],
  ])();
}

function edit(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["LSET", words.key(), position(words), element(words)],
    () => [
      "LINSERT",
      words.key(),
      random.pick(["BEFORE", "after", random.oneIn(9) ? "bad" : "AFTER"]),
      element(words),
      element(words),
    ],
    () => ["LREM", words.key(), position(words), element(words)],
    () => ["LTRIM", words.key(), position(words), position(words)],
    () => ["LTRIM", words.key(), random.pick(["0", "1", "-500"]), random.pick(["-1", "-2", "700"])],
    () => ["CONFIG", "SET", "list-max-listpack-size", random.pick(["-2", "-2", "-1", "-5", "3", "128"])],
  ])();
}

function move(words: Vocabulary): Command {
  const { random } = words;
  const side = (): Argument => random.pick(["LEFT", "RIGHT", "left", random.oneIn(12) ? "bad" : "right"]);
  return random.pick<() => Command>([
    () => ["LMOVE", words.key(), words.key(), side(), side()],
    () => ["RPOPLPUSH", words.key(), words.key()],
    () => ["RENAME", words.key(), words.key()],
    () => ["COPY", words.key(), words.key(), ...words.some(2, "REPLACE")],
  ])();
}

/** Answers at once, or with a null when a hundredth of a second is over. Redis 7.0 tells other than 7.2 of times beyond int64. */
function shortWait(words: Vocabulary): Command {
  const { random } = words;
  const timeout = random.oneIn(5) ? random.pick(["-1", "x", "", "nan"]) : "0.01";
  return random.pick<() => Command>([
    () => [random.pick(["BLPOP", "BRPOP"]), ...words.keys(), timeout],
    () => ["BLMOVE", words.key(), words.key(), random.pick(["LEFT", "RIGHT"]), "LEFT", timeout],
    () => ["BRPOPLPUSH", words.key(), words.key(), timeout],
    () => ["BLMPOP", timeout, ...counted(words), random.pick(["LEFT", "RIGHT"]), ...count(words)],
  ])();
}

/** Inside a transaction nothing waits, whatever its time-out. */
function inTransaction(words: Vocabulary): Unit {
  const { random } = words;
  const wait = random.pick<() => Command>([
    () => ["BLPOP", ...words.keys(), "0"],
    () => ["BLMOVE", words.key(), words.key(), "RIGHT", "LEFT", "0"],
    () => ["BRPOPLPUSH", words.key(), words.key(), "0"],
    () => ["BLMPOP", "0", "2", words.key(), words.key(), "LEFT", "COUNT", "3"],
  ])();
  const commands: Command[] = [["MULTI"], push(words), wait, move(words), wait, ["EXEC"]];
  return { commands, session: SESSIONS - 1 };
}

function element(words: Vocabulary): Argument {
  const { random } = words;
  if (random.oneIn(8)) return words.value();
  return random.pick(["a", "b", "c", "", "1", "22", "x".repeat(random.pick([9, 10, 96, 97, 127, 128, 700]))]);
}

function position(words: Vocabulary): string {
  const { random } = words;
  if (random.oneIn(6)) return words.integer();
  return String(random.oneIn(3) ? random.between(-700, 700) : random.between(-9, 9));
}

function positionOptions(words: Vocabulary): Argument[] {
  const { random } = words;
  const options: Argument[] = [];
  // The least int64 is left out: its magnitude overflows in Redis 7.0, and is refused since 7.2.
  if (random.oneIn(2))
    options.push("RANK", random.pick(["1", "2", "-1", "-2", "-7", "0", "x", "1.5", "300"]));
  if (random.oneIn(2)) options.push("count", random.pick(["0", "1", "2", "100", "-1", "x"]));
  if (random.oneIn(3)) options.push("MAXLEN", random.pick(["0", "1", "5", "400", "-1", "x"]));
  if (random.oneIn(30)) options.push(random.pick(["RANK", "bad", ""]));
  return options;
}

function counted(words: Vocabulary): Argument[] {
  const keys = words.keys();
  const number = words.random.oneIn(12) ? words.integer() : String(keys.length);
  return [number, ...keys];
}

function count(words: Vocabulary): Argument[] {
  const { random } = words;
  if (random.oneIn(2)) return [];
  const options: Argument[] = ["COUNT", random.oneIn(5) ? words.integer() : String(random.between(1, 40))];
  return random.oneIn(30) ? [...options, "COUNT", "1"] : options;
}

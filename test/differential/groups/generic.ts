/** Redis's command group "generic": names, types, times and databases of keys. */
import type { CommandGroup, Unit, Vocabulary } from "../../support/random-commands.ts";
import type { Argument, Command } from "../../support/resp-client.ts";

export const genericGroup: CommandGroup = {
  name: "generic",
  weight: 8,
  next: (words) => {
    if (words.random.oneIn(25)) return shortLife(words);
    const make = words.random.pick([keyspace, keyspace, times, times, iteration]);
    return { commands: [make(words)] };
  },
};

function keyspace(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["DEL", ...words.keys()],
    () => ["UNLINK", ...words.keys()],
    () => ["EXISTS", ...words.keys()],
    () => ["TOUCH", ...words.keys()],
    () => ["TYPE", words.key()],
    () => ["RENAME", words.key(), words.key()],
    () => ["RENAMENX", words.key(), words.key()],
    () => ["MOVE", words.key(), words.database()],
    () => ["COPY", words.key(), words.key(), ...copyOptions(words)],
    () => ["OBJECT", random.pick(["ENCODING", "REFCOUNT", "freq", "IDLETIME", "bad"]), words.key()],
    () => ["OBJECT", "ENCODING", words.key()],
    () => ["OBJECT", "HELP"],
    () => ["OBJECT"],
    () => ["WAIT", random.pick(["0", "-1", "x", ""]), random.pick(["0", "1", "-1", "x"])],
  ])();
}

function times(words: Vocabulary): Command {
  return words.random.pick<() => Command>([
    () => ["EXPIRE", words.key(), words.time(1000, false), ...conditions(words)],
    () => ["PEXPIRE", words.key(), words.time(1, false), ...conditions(words)],
    () => ["EXPIREAT", words.key(), words.time(1000, true), ...conditions(words)],
    () => ["PEXPIREAT", words.key(), words.time(1, true), ...conditions(words)],
    () => ["TTL", words.key()],
    () => ["PTTL", words.key()],
    () => ["EXPIRETIME", words.key()],
    () => ["PEXPIRETIME", words.key()],
    () => ["PERSIST", words.key()],
  ])();
}

function iteration(words: Vocabulary): Command {
  const { random } = words;
  const types = ["string", "STRING", "hash", "zset", "x", ""];
  return random.pick<() => Command>([
    () => ["KEYS", words.pattern()],
    () => ["SCAN", "0", "COUNT", "1000"],
    () => ["SCAN", "0", "COUNT", "1000", "MATCH", words.pattern()],
    () => ["scan", random.pick(["0", "", "+0"]), "COUNT", "1000", "TYPE", random.pick(types)],
    () => ["SCAN", random.pick(["x", " 1", "1 ", "-", "99999999999999999999"])],
    () => ["SCAN", "0", "COUNT", random.pick(["0", "-1", "x", "9223372036854775808"])],
    () => ["SCAN", "0", random.pick(["COUNT", "MATCH", "TYPE", "bad"])],
    () => ["RANDOMKEY"],
  ])();
}

/** A life of one millisecond, waited out: the key must be gone for every command that follows. */
function shortLife(words: Vocabulary): Unit {
  const key = words.key();
  const commands = words.random.pick<Command[]>([
    [["SET", key, words.value(), "PX", "1"]],
    [["PEXPIRE", key, "1"]],
    [["GETEX", key, "PX", "1"]],
    [["PSETEX", key, "1", words.value()]],
  ]);
  return { commands, pauseMs: 5 };
}

function conditions(words: Vocabulary): Argument[] {
  if (!words.random.oneIn(3)) return [];
  const one = words.random.pick(["NX", "xx", "GT", "lt", "LT", "bad", ""]);
  return words.random.oneIn(4) ? [one, words.random.pick(["NX", "XX", "GT", "LT"])] : [one];
}

function copyOptions(words: Vocabulary): Argument[] {
  const options: Argument[] = words.some(2, "REPLACE");
  if (words.random.oneIn(2)) options.push("db", words.database());
  if (words.random.oneIn(12)) options.push(words.random.pick(["bad", "DB", "REPLACE"]));
  return options;
}

/** Redis's command group "server", as far as two servers can agree on it, and commands that no server knows. */
import {
  type CommandGroup,
  KEYS,
  type Unit,
  type Vocabulary,
  WATCHED_KEYS,
} from "../../support/random-commands.ts";
import type { Command } from "../../support/resp-client.ts";

export const serverGroup: CommandGroup = {
  name: "server",
  weight: 3,
  next: (words) => {
    if (words.random.oneIn(8)) return counted;
    if (words.random.oneIn(20)) return { commands: [emptying(words)] };
    return { commands: [words.random.pick([facts, options, unknown])(words)] };
  },
};

/** DBSIZE counts keys whose time is over until somebody asks for them: so ask for every key first. */
const counted: Unit = { commands: [["EXISTS", ...KEYS, ...WATCHED_KEYS], ["DBSIZE"]] };

function emptying(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["FLUSHDB", ...words.some(3, "ASYNC", "sync", "bad")],
    () => ["FLUSHALL", ...words.some(3, "async", "SYNC", "bad")],
    () => ["SWAPDB", words.database(), words.database()],
    () => ["SWAPDB", "0", "1"],
    () => ["SWAPDB", "1", "2"],
  ])();
}

function facts(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["COMMAND", "GETKEYS", ...keyCommand(words)],
    () => ["COMMAND", "GETKEYSANDFLAGS", ...keyCommand(words)],
    () => ["COMMAND", "GETKEYS", random.pick(["PING", "bad", "GET"])],
    () => ["COMMAND", "INFO", random.pick(["get", "SET", "bad", "incr", "expire"])],
    () => ["COMMAND", random.pick(["bad", "COUNT x"])],
    () => ["TIME"],
    () => ["LASTSAVE"],
    () => ["ROLE"],
    () => ["INFO", random.pick(["keyspace", "server", "bad", "everything"])],
    () => ["MEMORY", "USAGE", words.key(), ...words.some(3, "SAMPLES", "0")],
    () => ["MEMORY", random.pick(["bad", "USAGE"])],
    () => ["DEBUG", "SLEEP", "0"],
    () => ["REPLICAOF", "NO", "ONE"],
    () => ["SLAVEOF", "no", "one"],
    () => ["CLUSTER", random.pick(["INFO", "NODES", "KEYSLOT"]), ...words.some(2, "x")],
    () => ["FAILOVER", ...words.some(2, "ABORT")],
    () => ["MODULE", "LIST"],
    () => ["SHUTDOWN", "ABORT"],
    () => ["SHUTDOWN", random.pick(["bad", "NOSAVE SAVE"])],
    () => ["SWAPDB", "0"],
    () => ["LATENCY", "RESET"],
    () => ["LATENCY", random.pick(["LATEST", "bad"])],
    () => ["LATENCY", "HISTORY", "bad"],
  ])();
}

function options(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["CONFIG", "GET", random.pick(["maxmemory", "databases", "proto-max-bulk-len", "hz", "nothing*"])],
    () => ["CONFIG", "GET", "maxmemory-policy", "timeout"],
    () => ["CONFIG", "SET", "maxmemory-samples", random.pick(["5", "5", "x", "0", "-1", "99999999999"])],
    () => ["CONFIG", "SET", "maxmemory-policy", random.pick(["noeviction", "bad", ""])],
    () => ["CONFIG", "SET", "timeout", random.pick(["0", "x"])],
    () => ["CONFIG", "SET", "bad", "1"],
    () => ["CONFIG", "SET", "databases", "17"],
    () => ["CONFIG", "SET", "timeout"],
    () => ["CONFIG", "SET", "timeout", "0", "timeout", "0"],
    () => ["CONFIG", "RESETSTAT"],
    () => ["CONFIG", random.pick(["bad", "GET"])],
    () => ["SLOWLOG", random.pick(["LEN", "RESET", "bad"])],
    () => ["SLOWLOG", "GET", random.pick(["0", "-1", "-2", "x"])],
  ])();
}

function keyCommand(words: Vocabulary): Command {
  return words.random.pick<() => Command>([
    () => ["GET", words.key()],
    () => ["MSET", ...words.pairs()],
    () => ["DEL", ...words.keys()],
    () => ["RENAME", words.key(), words.key()],
    () => ["SET", words.key()],
    () => ["OBJECT", "ENCODING", words.key()],
  ])();
}

function unknown(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => [random.pick(["NOSUCH", "", "get\x00", "\xff", "a b"]), ...words.keys()],
    () => ["NOSUCH", words.value(), "x".repeat(140), words.value()],
    () => [random.pick(["GET", "SET", "DEL", "MSET", "EXPIRE", "TTL", "COPY", "CONFIG", "CLIENT", "ECHO"])],
    () => ["MSET", words.key(), words.value(), words.key()],
    () => [random.pick(["GET", "TTL", "INCR", "STRLEN", "TYPE"]), words.key(), words.key()],
  ])();
}

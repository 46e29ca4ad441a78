/** Redis's command group "connection": what belongs to one client. Nothing here changes the protocol version. */
import type { CommandGroup, Unit, Vocabulary } from "../../support/random-commands.ts";
import type { Command } from "../../support/resp-client.ts";

export const connectionGroup: CommandGroup = {
  name: "connection",
  weight: 3,
  next: (words) => {
    if (words.random.oneIn(15)) return silence(words);
    return { commands: [words.random.pick([basic, basic, client])(words)] };
  },
};

function basic(words: Vocabulary): Command {
  return words.random.pick<() => Command>([
    () => ["SELECT", words.database()],
    () => ["SELECT", words.database()],
    () => ["PING"],
    () => ["PING", words.value()],
    () => ["ECHO", words.value()],
    () => ["AUTH", words.random.pick(["x", "", "default"])],
    () => ["AUTH", words.random.pick(["default", "nobody"]), "wrong"],
    () => ["HELLO"],
    () => ["HELLO", words.random.pick(["1", "4", "x", ""])],
    () => ["RESET", "x"],
  ])();
}

function client(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["CLIENT", "GETNAME"],
    () => [
      "CLIENT",
      "SETNAME",
      random.pick(["worker", "", "two words", "line\nfeed", "\xff", "x".repeat(200)]),
    ],
    () => ["CLIENT", "ID"],
    () => ["CLIENT", "INFO"],
    () => ["CLIENT", "LIST", ...words.some(2, "TYPE"), ...words.some(3, "normal", "replica", "bad")],
    () => ["CLIENT", "LIST", "ID", random.pick(["0", "x", "999999999", ""])],
    () => ["CLIENT", "KILL", random.pick(["127.0.0.1:1", "", "x"])],
    () => [
      "CLIENT",
      "KILL",
      random.pick(["ID", "ADDR", "LADDR", "USER", "TYPE", "bad"]),
      random.pick(["x", "999999"]),
    ],
    () => ["CLIENT", "NO-EVICT", random.pick(["on", "OFF", "x"])],
    () => ["CLIENT", "REPLY", random.pick(["ON", "x"])],
    () => ["CLIENT", "UNPAUSE"],
    () => ["CLIENT", "PAUSE", random.pick(["x", "-1", ""])],
    () => ["CLIENT", "UNBLOCK", random.pick(["999999", "x"]), ...words.some(3, "TIMEOUT", "ERROR", "bad")],
    () => ["CLIENT", "TRACKINGINFO"],
    () => ["CLIENT", "GETREDIR"],
    () => ["CLIENT", random.pick(["bad", ""])],
    () => ["CLIENT"],
  ])();
}

function silence(words: Vocabulary): Unit {
  return words.random.pick<() => Unit>([
    () => ({
      commands: [
        ["CLIENT", "REPLY", "SKIP"],
        ["SET", words.key(), words.value()],
      ],
      replies: 0,
    }),
    () => ({
      commands: [
        ["CLIENT", "REPLY", "OFF"],
        ["APPEND", words.key(), words.value()],
        ["GET", words.key()],
        ["CLIENT", "REPLY", "ON"],
      ],
      replies: 1,
    }),
  ])();
}

/**
 * MULTI, EXEC, DISCARD, WATCH and UNWATCH, over two connections of their own that also write what the other one watches.
 * The keys are their own, too: a few commands of Redis create a key without breaking a transaction that watches it
 * (BITFIELD whose every part fails).
 *
 * What is queued answers the same at any moment: no times that remain, nothing by chance, because EXEC's reply is compared
 * byte for byte.
 */
import {
  type CommandGroup,
  SESSIONS,
  type Unit,
  type Vocabulary,
  WATCHED_KEYS,
} from "../../support/random-commands.ts";
import type { Command } from "../../support/resp-client.ts";
import { stringGroup } from "./strings.ts";

export const transactionGroup: CommandGroup = {
  name: "transactions",
  weight: 8,
  next: (all) => {
    const words = all.withKeys(WATCHED_KEYS);
    // Over the first connection, which is in no transaction: what is queued would expire at no certain moment.
    if (words.random.oneIn(20)) return { commands: [["SET", words.key(), "short", "PX", "1"]], pauseMs: 5 };
    const session = 1 + words.random.below(SESSIONS - 1);
    if (words.random.oneIn(6)) return { commands: whole(words), session };
    const make = words.random.pick([control, control, write, write, strings]);
    return { commands: [make(words)], session };
  },
};

function control(words: Vocabulary): Command {
  return words.random.pick<() => Command>([
    () => ["MULTI"],
    () => ["MULTI"],
    () => ["EXEC"],
    () => ["EXEC"],
    () => ["EXEC"],
    () => ["WATCH", ...words.keys()],
    () => ["WATCH", ...words.keys()],
    () => ["WATCH", words.key()],
    () => ["UNWATCH"],
    () => ["DISCARD"],
    () => ["RESET", "x"],
    () =>
      words.random.pick<Command>([["GET"], ["NOPE", "x"], ["CONFIG", "NOPE"], ["EXEC", "x"], ["MULTI", "x"]]),
  ])();
}

/** What may break a transaction, and what looks as if it did. */
function write(words: Vocabulary): Command {
  const { random } = words;
  return random.pick<() => Command>([
    () => ["DEL", ...words.keys()],
    () => ["SET", words.key(), words.value()],
    () => ["EXISTS", ...words.keys()],
    () => ["TOUCH", ...words.keys()],
    () => ["TYPE", words.key()],
    () => ["RENAME", words.key(), words.key()],
    () => ["RENAMENX", words.key(), words.key()],
    () => ["MOVE", words.key(), words.database()],
    () => ["COPY", words.key(), words.key(), "DB", words.database(), ...words.some(2, "REPLACE")],
    () => ["COPY", words.key(), words.key(), ...words.some(2, "REPLACE")],
    () => ["EXPIRE", words.key(), words.time(1000, false)],
    () => ["PERSIST", words.key()],
    () => ["SELECT", words.database()],
    () => ["SWAPDB", words.database(), words.database()],
    () => [random.pick(["FLUSHDB", "FLUSHALL", "PING"])],
  ])();
}

/** One command of the string group, whose replies depend on the data alone. */
function strings(words: Vocabulary): Command {
  return stringGroup.next(words).commands[0]!;
}

/** A transaction as most programs send it: in one piece. */
function whole(words: Vocabulary): Unit["commands"] {
  const body = words.random.several(4, () => words.random.pick([write, strings])(words));
  if (words.random.oneIn(12)) body.push(["SAVE"]);
  return [...(words.random.oneIn(3) ? [["WATCH", words.key()]] : []), ["MULTI"], ...body, ["EXEC"]];
}

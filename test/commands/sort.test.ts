import { describe, expect, it } from "vitest";
import { genericCommands } from "../../src/commands/generic.ts";
import { hashCommands } from "../../src/commands/hashes.ts";
import { listCommands } from "../../src/commands/lists.ts";
import {
  NOTIFY_ALL,
  NOTIFY_KEY_MISS,
  NOTIFY_KEYEVENT,
  NOTIFY_NEW,
} from "../../src/commands/notify-events.ts";
import { setCommands } from "../../src/commands/sets.ts";
import { sortCommands } from "../../src/commands/sort-specs.ts";
import { sortedSetCommands } from "../../src/commands/sorted-set-specs.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { rig, settle } from "../engine/support.ts";
import { type Argument, CommandHarness } from "../support/command-harness.ts";
import { decodeReply } from "../support/redis-oracle.ts";

const COMMANDS = [
  ...listCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...hashCommands,
  ...genericCommands,
  ...sortCommands,
  ...stringCommands,
];
const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
const NO_NUMBER = "-ERR One or more scores can't be converted into double\r\n";
const SYNTAX_ERROR = "-ERR syntax error\r\n";
const NOT_AN_INTEGER = "-ERR value is not an integer or out of range\r\n";

interface Bench {
  readonly h: CommandHarness;
  /** Elements of the reply. */
  readonly ask: (...command: readonly Argument[]) => unknown;
  /** Gives freed structures back and recounts what the engine counts. */
  readonly verify: () => void;
}

function bench(): Bench {
  const { engine, keyspace } = rig({ segmentBytes: 64 * 1024 });
  const h = new CommandHarness(COMMANDS, { keyspace, structures: engine });
  return {
    h,
    ask: (...command) => decodeReply(h.run(...command)),
    verify: () => {
      settle(engine);
      engine.verify();
    },
  };
}

/** A run with other events would only repeat these. */
function eventsOf(h: CommandHarness, ...command: readonly Argument[]): string[] {
  const told: string[] = [];
  h.context.notifications = NOTIFY_ALL | NOTIFY_NEW | NOTIFY_KEY_MISS | NOTIFY_KEYEVENT;
  h.context.eventSink = {
    publishEvent: (_wanted, event, bytes, offset, length) => {
      told.push(`${event} ${Buffer.from(bytes.slice(offset, offset + length)).toString("latin1")}`);
    },
  };
  h.run(...command);
  h.context.notifications = 0;
  return told;
}

describe("SORT by number", () => {
  it("sorts lists, sets and sorted sets by what their elements are as numbers", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "10", "9", "-1", "2.5", "1e1", "inf", "-inf", "0x0f", " 3", "");
    h.run("SADD", "set", "3", "x1", "20");
    h.run("SREM", "set", "x1");
    h.run("ZADD", "zset", "1", "30", "2", "4", "3", "5");
    expect(ask("SORT", "list")).toEqual(["-inf", "-1", "", "2.5", " 3", "9", "10", "1e1", "0x0f", "inf"]);
    expect(ask("SORT", "set")).toEqual(["3", "20"]);
    expect(ask("SORT_RO", "zset", "desc")).toEqual(["30", "5", "4"]);
    expect(ask("SORT", "nothing")).toEqual([]);
  });

  it("decides between equal numbers by their bytes, in both directions", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "1.0", "1", "+1", "01", "-0", "0");
    expect(ask("SORT", "list")).toEqual(["-0", "0", "+1", "01", "1", "1.0"]);
    expect(ask("SORT", "list", "DESC")).toEqual(["1.0", "1", "01", "+1", "0", "-0"]);
  });

  it("refuses what is no number, or too large or too small for one", () => {
    const { h } = bench();
    for (const element of ["x", "1 ", "nan", " ", "0x", "1e400", "-1e400", "1e-400", "0x1p-2000", "1e-310"]) {
      h.run("DEL", "list");
      h.run("RPUSH", "list", "1", element, "2");
      expect(h.run("SORT", "list"), element).toBe(NO_NUMBER);
      expect(h.run("SORT", "list", "STORE", "to"), element).toBe(NO_NUMBER);
      expect(h.run("EXISTS", "to")).toBe(":0\r\n");
    }
  });

  it("reads a number up to a zero byte, and zeros in every form", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "2\x00x", "1", "0e5", "-0.0", "0x0p9", "\x00");
    expect(ask("SORT", "list", "LIMIT", 4, 2)).toEqual(["1", "2\x00x"]);
  });

  it("agrees with an array's sort on many elements", () => {
    const { h, ask } = bench();
    const numbers = Array.from({ length: 5000 }, (_, i) => ((i * 7919) % 3001) - 1500);
    for (let i = 0; i < numbers.length; i += 100) h.run("RPUSH", "list", ...numbers.slice(i, i + 100));
    const sorted = [...numbers].sort((a, b) => a - b).map(String);
    expect(ask("SORT", "list")).toEqual(sorted);
    expect(ask("SORT", "list", "LIMIT", 4990, 100)).toEqual(sorted.slice(4990));
    expect(ask("SORT", "list", "DESC")).toEqual(sorted.reverse());
  });
});

describe("SORT by bytes", () => {
  it("compares whole strings, the shorter first", () => {
    const { h, ask } = bench();
    const words = ["b", "", "a\x00", "a", "B", "\xff", "aaaaaaab", "aaaaaaaa", "aaaaaa", "a\x00b"];
    h.run("RPUSH", "list", ...words.map((word) => Buffer.from(word, "latin1")));
    const sorted = ["", "B", "a", "a\x00", "a\x00b", "aaaaaa", "aaaaaaaa", "aaaaaaab", "b", "\xff"];
    expect(ask("SORT", "list", "ALPHA")).toEqual(sorted);
    expect(ask("SORT", "list", "ALPHA", "DESC")).toEqual(sorted.reverse());
  });

  it("leaves elements of equal weight as they came, those without one first", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "c", "x", "a", "y", "b");
    h.run("MSET", "w_a", "same", "w_b", "same", "w_c", "same");
    expect(ask("SORT", "list", "ALPHA", "BY", "w_*")).toEqual(["x", "y", "c", "a", "b"]);
    expect(ask("SORT", "list", "ALPHA", "BY", "w_*", "DESC")).toEqual(["c", "a", "b", "x", "y"]);
  });
});

describe("SORT's patterns", () => {
  it("weighs by other keys and by fields of hashes, what is not there being 0", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "a", "b", "c");
    h.run("MSET", "w_a", "3", "w_b", "-1");
    h.run("HSET", "h_a", "f", "1", "->", "9");
    h.run("HSET", "h_c", "f", "-5");
    h.run("RPUSH", "w_c", "a list weighs nothing");
    expect(ask("SORT", "list", "BY", "w_*")).toEqual(["b", "c", "a"]);
    expect(ask("SORT", "list", "BY", "h_*->f")).toEqual(["c", "b", "a"]);
    expect(ask("SORT", "list", "BY", "h_*->->", "DESC")).toEqual(["a", "c", "b"]);
  });

  it("replies with the values of several patterns, the element itself among them", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "2", "1");
    h.run("MSET", "w_1", "one", "w_2*", "star");
    h.run("HSET", "h_2", "f", "two");
    expect(
      ask("SORT", "list", "GET", "#", "GET", "w_*", "GET", "h_*->f", "GET", "w_1", "GET", "w_**"),
    ).toEqual(["1", "one", null, null, null, "2", null, "two", null, "star"]);
  });

  it("keeps the collection's order where BY has no star, whatever the elements are", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "c", "a", "b", "d");
    h.run("ZADD", "zset", "3", "a", "1", "b", "2", "c");
    expect(ask("SORT", "list", "BY", "nosort")).toEqual(["c", "a", "b", "d"]);
    expect(ask("SORT", "list", "BY", "nosort", "DESC", "LIMIT", 1, 2)).toEqual(["b", "a"]);
    expect(ask("SORT", "zset", "BY", "nosort")).toEqual(["b", "c", "a"]);
    expect(ask("SORT", "zset", "BY", "nosort", "DESC")).toEqual(["a", "c", "b"]);
    expect(ask("SORT", "zset", "BY", "nosort", "LIMIT", 2, 5)).toEqual(["a"]);
  });

  it("stores an unsorted set in the order of its bytes", () => {
    const { h, ask } = bench();
    h.run("SADD", "set", "c", "a", "b");
    expect(h.run("SORT", "set", "BY", "nosort", "STORE", "to")).toBe(":3\r\n");
    expect(ask("LRANGE", "to", 0, -1)).toEqual(["a", "b", "c"]);
  });

  it("passes over a field whose time is over, and removes a key whose time is over", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "1");
    h.run("HSET", "h_1", "f", "v", "g", "w");
    h.run("HPEXPIRE", "h_1", "50", "FIELDS", "1", "f");
    h.run("SET", "w_1", "x", "PX", "50");
    expect(ask("SORT", "list", "GET", "h_*->f", "GET", "w_*")).toEqual(["v", "x"]);
    // What the hash commands opened last was opened to be changed.
    h.run("HSET", "list2", "f", "v");
    h.nowMs += 100;
    h.effects.take();
    expect(ask("SORT", "list", "GET", "h_*->f", "GET", "h_*->g", "GET", "w_*")).toEqual([null, "w", null]);
    expect(h.effects.take().map(({ args }) => args.join(" "))).toEqual(["DEL w_1"]);
    expect(h.run("TYPE", "list")).toBe("+list\r\n");
  });
});

describe("SORT's options", () => {
  it("limits from an offset, however far out of range", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "3", "1", "2");
    expect(ask("SORT", "list", "LIMIT", 1, 1)).toEqual(["2"]);
    expect(ask("SORT", "list", "LIMIT", -5, 2)).toEqual(["1", "2"]);
    expect(ask("SORT", "list", "LIMIT", 1, -1)).toEqual(["2", "3"]);
    expect(ask("SORT", "list", "LIMIT", 3, 10)).toEqual([]);
    expect(ask("SORT", "list", "LIMIT", 0, 0)).toEqual([]);
    expect(ask("SORT", "list", "LIMIT", 1, "9223372036854775807")).toEqual(["2", "3"]);
  });

  it("refuses what it does not know, STORE in SORT_RO included", () => {
    const { h } = bench();
    for (const words of [["x"], ["LIMIT", 1], ["BY"], ["GET"], ["STORE"], ["ASC", "DESC", "no"]]) {
      expect(h.run("SORT", "list", ...words), words.join(" ")).toBe(SYNTAX_ERROR);
    }
    expect(h.run("SORT_RO", "list", "STORE", "to")).toBe(SYNTAX_ERROR);
    expect(h.run("SORT", "list", "LIMIT", "x", 1)).toBe(NOT_AN_INTEGER);
    expect(h.run("SORT", "list", "LIMIT", 1, "1.5")).toBe(NOT_AN_INTEGER);
  });

  it("refuses strings and hashes", () => {
    const { h } = bench();
    h.run("SET", "string", "1");
    h.run("HSET", "hash", "1", "2");
    expect(h.run("SORT", "string")).toBe(WRONG_TYPE);
    expect(h.run("SORT_RO", "hash", "BY", "nosort")).toBe(WRONG_TYPE);
  });
});

describe("SORT with STORE", () => {
  it("replaces the destination, whatever it held, and takes its expiry", () => {
    const { h, ask, verify } = bench();
    h.run("RPUSH", "list", "3", "1", "2");
    h.run("SET", "to", "v", "EX", "100");
    expect(h.run("SORT", "list", "STORE", "to")).toBe(":3\r\n");
    expect(ask("LRANGE", "to", 0, -1)).toEqual(["1", "2", "3"]);
    expect(h.run("TTL", "to")).toBe(":-1\r\n");
    expect(h.run("SORT", "list", "DESC", "STORE", "list")).toBe(":3\r\n");
    expect(ask("LRANGE", "list", 0, -1)).toEqual(["3", "2", "1"]);
    verify();
  });

  it("stores an empty element for what GET does not find", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "list", "1", "2");
    h.run("SET", "w_2", "two");
    expect(h.run("SORT", "list", "GET", "w_*", "GET", "#", "STORE", "w_2")).toBe(":4\r\n");
    expect(ask("LRANGE", "w_2", 0, -1)).toEqual(["", "1", "two", "2"]);
  });

  it("logs the result in pieces, and DEL only where there was a key", () => {
    const { h } = bench();
    h.run("RPUSH", "list", "2", "1");
    expect(h.effectsOf("SORT", "list", "STORE", "to")).toEqual(["RPUSH to 1 2"]);
    expect(h.effectsOf("SORT", "list", "STORE", "to")).toEqual(["DEL to", "RPUSH to 1 2"]);
    expect(h.effectsOf("SORT", "nothing", "STORE", "to")).toEqual(["DEL to"]);
    expect(h.effectsOf("SORT", "nothing", "STORE", "to")).toEqual([]);
    expect(h.effectsOf("SORT", "list")).toEqual([]);
    for (let i = 0; i < 30; i++) h.run("RPUSH", "long", ...Array.from({ length: 100 }, (_, k) => k));
    const pieces = h.effectsOf("SORT", "long", "STORE", "to").map((effect) => effect.split(" ").length - 2);
    expect(pieces).toEqual([1024, 1024, 952]);
    h.run("RPUSH", "wide", "a".repeat(700_000), "b".repeat(700_000), "c".repeat(700_000));
    expect(
      h.effectsOf("SORT", "wide", "ALPHA", "STORE", "to").map((effect) => effect.split(" ").length),
    ).toEqual([2, 4, 3]);
  });

  it("logs what gives the same again, however large", () => {
    const { h, ask, verify } = bench();
    for (let i = 0; i < 40; i++) {
      h.run("RPUSH", "list", ...Array.from({ length: 100 }, (_, k) => `${(k * 37 + i * 11) % 1000}`));
    }
    h.run("SET", "w_1", "x".repeat(5000));
    h.effects.take();
    h.run("SORT", "list", "STORE", "plain", "LIMIT", 0, 3000);
    h.run("SORT", "list", "GET", "w_*", "GET", "#", "STORE", "values");
    const copy = bench();
    copy.h.replay(h.effects.take());
    expect(copy.ask("LRANGE", "plain", 0, -1)).toEqual(ask("LRANGE", "plain", 0, -1));
    expect(copy.ask("LRANGE", "values", 0, -1)).toEqual(ask("LRANGE", "values", 0, -1));
    expect(copy.h.run("LLEN", "values")).toBe(":8000\r\n");
    verify();
    copy.verify();
  });

  it("tells of what it stored or removed, and of keys that it missed", () => {
    const { h } = bench();
    h.run("RPUSH", "list", "1");
    expect(eventsOf(h, "SORT", "list", "STORE", "to")).toEqual(["new to", "sortstore to"]);
    expect(eventsOf(h, "SORT", "list", "STORE", "to")).toEqual(["sortstore to"]);
    expect(eventsOf(h, "SORT", "list", "BY", "w_*", "GET", "h_*->f")).toEqual(["keymiss w_1", "keymiss h_1"]);
    expect(eventsOf(h, "SORT", "nothing", "STORE", "to")).toEqual(["keymiss nothing", "del to"]);
  });
});

describe("SORT's memory", () => {
  it("sorts again after a large collection as before", () => {
    const { h, ask } = bench();
    h.run("RPUSH", "small", "2", "1");
    for (let i = 0; i < 300; i++)
      h.run("RPUSH", "large", ...Array.from({ length: 100 }, (_, k) => i * 100 + k));
    expect(ask("SORT", "large", "DESC", "LIMIT", 0, 2)).toEqual(["29999", "29998"]);
    expect(ask("SORT", "small")).toEqual(["1", "2"]);
    expect(ask("SORT", "large", "ALPHA", "LIMIT", 0, 3)).toEqual(["0", "1", "10"]);
    expect(ask("SORT", "small", "BY", "none_*", "ALPHA")).toEqual(["2", "1"]);
  });
});

/** Sorted-set commands on a real engine: forms, effects, events, waiting, and what comes after Redis 7.0. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { genericCommands } from "../../src/commands/generic.ts";
import { NOTIFY_ALL, NOTIFY_KEYEVENT, NOTIFY_NEW } from "../../src/commands/notify-events.ts";
import { sortedSetCommands } from "../../src/commands/sorted-set-specs.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { TYPE_SORTED_SET } from "../../src/engine/keyspace.ts";
import type { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { rig, settle } from "../engine/support.ts";
import { type Argument, CommandHarness } from "../support/command-harness.ts";
import { decodeReply } from "../support/redis-oracle.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

interface Bench {
  readonly h: CommandHarness;
  /** Gives freed structures back and recounts what the engine counts. */
  readonly verify: () => void;
  readonly structureBytes: () => number;
}

function bench(resp: 2 | 3 = 2): Bench {
  const { engine, keyspace } = rig({ segmentBytes: 64 * 1024 });
  const commands = [...sortedSetCommands, ...genericCommands, ...stringCommands];
  const h = new CommandHarness(commands, { keyspace, structures: engine, resp });
  const verify = (): void => {
    settle(engine);
    engine.verify();
  };
  return { h, verify, structureBytes: () => engine.heap.usedBytes };
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const wholeOf = (h: CommandHarness, key: string): string[] =>
  decodeReply(h.run("ZRANGE", key, 0, -1, "WITHSCORES")) as string[];
const encodingOf = (h: CommandHarness, key: string): string =>
  decodeReply(h.run("OBJECT", "ENCODING", key)) as string;

function fill(h: CommandHarness, key: string, count: number, member = (i: number): string => `m${i}`): void {
  for (let i = 0; i < count; i++) h.run("ZADD", key, i, member(i));
}

describe("the form of a sorted set", () => {
  it("is packed up to Redis's limits of elements and bytes, and stays large once it was", () => {
    const { h, verify, structureBytes } = bench();
    fill(h, "k", 128);
    expect(encodingOf(h, "k")).toBe("listpack");
    expect(structureBytes()).toBe(0);
    h.run("ZADD", "k", 128, "m128");
    expect(encodingOf(h, "k")).toBe("skiplist");
    h.run("ZREMRANGEBYRANK", "k", 1, -1);
    expect(encodingOf(h, "k")).toBe("skiplist");
    h.run("ZADD", "long", 1, "x".repeat(64), 2, "y");
    expect(encodingOf(h, "long")).toBe("listpack");
    h.run("ZADD", "long", 3, "x".repeat(65));
    expect(encodingOf(h, "long")).toBe("skiplist");
    expect(wholeOf(h, "long")).toEqual(["x".repeat(64), "1", "y", "2", "x".repeat(65), "3"]);
    verify();
  });

  it("is unpacked beyond 4 KiB under the same name, which changes when a limit is passed later", () => {
    const { h, verify, structureBytes } = bench();
    fill(h, "k", 100, (i) => String(i).padStart(60, "."));
    expect(structureBytes()).toBeGreaterThan(0);
    expect(encodingOf(h, "k")).toBe("listpack");
    h.run("COPY", "k", "copy");
    expect(encodingOf(h, "copy")).toBe("listpack");
    h.run("ZADD", "k", 1, "x".repeat(70));
    expect(encodingOf(h, "k")).toBe("skiplist");
    expect(wholeOf(h, "copy")).toHaveLength(200);
    h.run("DEL", "k", "copy");
    verify();
    expect(structureBytes()).toBe(0);
  });

  it("is chosen anew where a result is stored", () => {
    const { h } = bench();
    fill(h, "k", 200);
    h.run("ZRANGESTORE", "part", "k", 0, 99);
    expect(encodingOf(h, "part")).toBe("listpack");
    h.run("ZUNIONSTORE", "all", 2, "k", "part");
    expect(encodingOf(h, "all")).toBe("skiplist");
    h.run("ZRANGESTORE", "k", "k", 0, 0);
    expect(encodingOf(h, "k")).toBe("listpack");
    expect(wholeOf(h, "k")).toEqual(["m0", "0"]);
  });

  it("keeps the expiry where members change, and loses it where the whole is replaced", () => {
    const { h } = bench();
    h.run("ZADD", "k", 1, "a");
    h.run("PEXPIREAT", "k", 1_800_000_000_000);
    h.run("ZADD", "k", 2, "b", 3, "a");
    fill(h, "k", 200);
    h.run("ZREM", "k", "m1");
    expect(h.run("PEXPIRETIME", "k")).toBe(":1800000000000\r\n");
    h.run("ZRANGESTORE", "k", "k", 0, -1);
    expect(h.run("PEXPIRETIME", "k")).toBe(":-1\r\n");
  });

  it("gets a new version with every change, and only then", () => {
    const { h } = bench();
    const versionOf = (): number => {
      const key = Buffer.from("k");
      expect(h.keyspace.peek(0, key, 0, 1)).toBe(true);
      return h.keyspace.version;
    };
    for (const count of [3, 200]) {
      fill(h, "k", count);
      for (const command of [
        ["ZADD", "k", "7.5", "m1"],
        ["ZINCRBY", "k", "1", "m2"],
        ["ZREM", "k", "m0"],
        ["ZPOPMIN", "k"],
      ]) {
        const before = versionOf();
        h.run(...command);
        expect(versionOf()).not.toBe(before);
      }
      const before = versionOf();
      h.run("ZADD", "k", 7.5, "m1");
      h.run("ZREM", "k", "absent");
      h.run("ZADD", "k", "XX", 1, "absent");
      h.run("ZRANGE", "k", 0, -1);
      expect(versionOf()).toBe(before);
    }
  });

  it("takes members of any bytes and length", () => {
    const { h, verify } = bench();
    const huge = new Uint8Array(1_000_000).fill(7);
    h.run("ZADD", "k", 1, huge, 2, "", 3, "\0\r\n");
    expect(h.run("ZRANK", "k", huge)).toBe(":0\r\n");
    expect(h.run("ZSCORE", "k", "")).toBe(bulk("2"));
    expect(h.run("ZREM", "k", huge)).toBe(":1\r\n");
    expect(wholeOf(h, "k")).toEqual(["", "2", "\0\r\n", "3"]);
    verify();
  });

  it("is the same in both forms, whatever is done to it", () => {
    type Step = readonly Argument[];
    const member = fc.nat(40).map((n) => `m${n}`);
    const score = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(0.5, "inf", "-inf"));
    const rank = fc.integer({ min: -50, max: 50 });
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.tuple(score, member).map(([s, m]): Step => ["ZADD", "k", s, m]),
      fc.tuple(score, member).map(([s, m]): Step => ["ZADD", "k", "GT", "CH", s, m]),
      fc.tuple(fc.integer({ min: -3, max: 3 }), member).map(([s, m]): Step => ["ZINCRBY", "k", s, m]),
      member.map((m): Step => ["ZREM", "k", m]),
      member.map((m): Step => ["ZREVRANK", "k", m, "WITHSCORE"]),
      fc.tuple(rank, rank).map(([a, b]): Step => ["ZRANGE", "k", a, b, "REV", "WITHSCORES"]),
      fc.tuple(score, score).map(([a, b]): Step => ["ZRANGEBYSCORE", "k", `(${a}`, b, "LIMIT", 1, 5]),
      fc.tuple(rank, rank).map(([a, b]): Step => ["ZREMRANGEBYRANK", "k", a, b]),
      fc.constantFrom<Step>(
        ["ZPOPMIN", "k", 2],
        ["ZPOPMAX", "k"],
        ["ZCARD", "k"],
        ["ZCOUNT", "k", "-inf", 2],
      ),
      fc.constantFrom<Step>(
        ["ZUNION", 2, "k", "k", "WITHSCORES"],
        ["ZINTER", 2, "k", "k", "AGGREGATE", "MAX"],
      ),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const packed = bench();
        const unpacked = bench();
        unpacked.h.context.limits.sortedSetEntriesMax = 0;
        for (const command of steps) expect(unpacked.h.run(...command)).toBe(packed.h.run(...command));
        expect(packed.structureBytes()).toBe(0);
        packed.verify();
        unpacked.verify();
      }),
      { numRuns: 60 },
    );
  });
});

describe("what is logged gives the same again", () => {
  const cases: readonly (readonly [string, readonly Argument[], readonly string[]])[] = [
    ["ZADD", ["ZADD", "k", "NX", 9, "new"], ["ZADD k NX 9 new"]],
    ["ZADD INCR", ["ZADD", "k", "INCR", 0.5, "a"], ["ZADD k INCR 0.5 a"]],
    ["ZINCRBY", ["ZINCRBY", "k", 1, "a"], ["ZINCRBY k 1 a"]],
    ["ZPOPMIN", ["ZPOPMIN", "k", 2], ["ZPOPMIN k 2"]],
    ["ZMPOP", ["ZMPOP", 2, "none", "k", "MAX", "COUNT", 9], ["ZPOPMAX k 3"]],
    ["BZPOPMIN", ["BZPOPMIN", "none", "k", 0], ["ZPOPMIN k"]],
    ["BZMPOP", ["BZMPOP", 0, 1, "k", "MIN"], ["ZPOPMIN k 1"]],
    ["ZREMRANGEBYSCORE", ["ZREMRANGEBYSCORE", "k", "(1", 2], ["ZREMRANGEBYSCORE k (1 2"]],
    ["ZUNIONSTORE", ["ZUNIONSTORE", "d", 1, "k"], ["ZUNIONSTORE d 1 k"]],
    ["an empty result over a key", ["ZDIFFSTORE", "k", 2, "k", "k"], ["ZDIFFSTORE k 2 k k"]],
  ];
  for (const [name, command, effects] of cases) {
    it(name, () => {
      const { h } = bench();
      h.run("ZADD", "k", 1, "a", 2, "b", 3, "c");
      expect(h.effectsOf(...command)).toEqual(effects);
    });
  }

  const unchanged: readonly (readonly Argument[])[] = [
    ["ZADD", "k", "1", "a"],
    ["ZADD", "k", "NX", "5", "a"],
    ["ZADD", "k", "GT", "0", "a"],
    ["ZADD", "none", "XX", "1", "a"],
    ["ZADD", "k", "5", "a", "x", "b"],
    ["ZINCRBY", "k", "nan", "a"],
    ["ZREM", "k", "none"],
    ["ZREM", "none", "a"],
    ["ZREMRANGEBYSCORE", "k", "5", "1"],
    ["ZPOPMIN", "k", "0"],
    ["ZPOPMAX", "none"],
    ["ZMPOP", "1", "none", "MIN"],
    ["BZPOPMIN", "none", "0"],
    ["ZRANGESTORE", "none", "none", "0", "-1"],
    ["ZINTERSTORE", "none", "2", "k", "none"],
  ];
  for (const command of unchanged) {
    it(`nothing, by ${command.join(" ")}`, () => {
      const { h } = bench();
      h.run("ZADD", "k", 1, "a", 2, "b");
      expect(h.effectsOf(...command)).toEqual([]);
      expect(wholeOf(h, "k")).toEqual(["a", "1", "b", "2"]);
    });
  }

  it("nothing, where a sum would be no number", () => {
    const { h } = bench();
    h.run("ZADD", "k", "inf", "a");
    expect(h.run("ZINCRBY", "k", "-inf", "a")).toBe("-ERR resulting score is not a number (NaN)\r\n");
    expect(h.run("ZSCORE", "k", "a")).toBe(bulk("inf"));
  });
});

it("tells of what it did, in Redis's order", () => {
  const { h } = bench();
  const events: string[] = [];
  h.context.notifications = NOTIFY_ALL | NOTIFY_KEYEVENT | NOTIFY_NEW;
  h.context.eventSink = {
    publishEvent: (_, event, bytes, offset, length) => {
      events.push(`${event} ${Buffer.from(bytes.subarray(offset, offset + length)).toString()}`);
    },
  };
  const eventsOf = (...command: Argument[]): string[] => {
    events.length = 0;
    h.run(...command);
    return [...events];
  };
  expect(eventsOf("ZADD", "k", 1, "a", 2, "b")).toEqual(["new k", "zadd k"]);
  expect(eventsOf("ZADD", "k", 1, "a")).toEqual([]);
  expect(eventsOf("ZINCRBY", "k", 1, "a")).toEqual(["zincr k"]);
  expect(eventsOf("ZRANGESTORE", "d", "k", 0, 0)).toEqual(["new d", "zrangestore d"]);
  expect(eventsOf("ZUNIONSTORE", "d", 1, "k")).toEqual(["zunionstore d"]);
  expect(eventsOf("ZDIFFSTORE", "d", 2, "k", "k")).toEqual(["del d"]);
  expect(eventsOf("ZPOPMAX", "k")).toEqual(["zpopmax k"]);
  expect(eventsOf("ZREM", "k", "a", "b")).toEqual(["zrem k", "del k"]);
  h.run("ZADD", "k", 1, "a");
  expect(eventsOf("ZREMRANGEBYLEX", "k", "-", "+")).toEqual(["zremrangebylex k", "del k"]);
});

describe("ZRANK WITHSCORE", () => {
  it("answers rank and score, and null arrays", () => {
    const { h } = bench(3);
    h.run("ZADD", "k", 1, "a", 2.5, "b");
    expect(h.run("ZRANK", "k", "b", "WITHSCORE")).toBe("*2\r\n:1\r\n,2.5\r\n");
    expect(h.run("ZREVRANK", "k", "b", "withscore")).toBe("*2\r\n:0\r\n,2.5\r\n");
    expect(h.run("ZRANK", "k", "none", "WITHSCORE")).toBe("_\r\n");
    const { h: old } = bench(2);
    expect(old.run("ZRANK", "none", "b", "WITHSCORE")).toBe("*-1\r\n");
    expect(old.run("ZRANK", "k", "b", "bad")).toBe("-ERR syntax error\r\n");
    expect(old.run("ZRANK", "k", "b", "WITHSCORE", "x")).toContain("wrong number of arguments");
  });
});

describe("ZRANDMEMBER", () => {
  it("reaches every element in both forms, without repeating one unless asked to", () => {
    for (const size of [30, 300]) {
      const { h } = bench();
      fill(h, "k", size);
      const met = new Set<string>();
      for (let i = 0; i < 60; i++) {
        const few = decodeReply(h.run("ZRANDMEMBER", "k", 3)) as string[];
        const many = decodeReply(h.run("ZRANDMEMBER", "k", size - 5)) as string[];
        const repeated = decodeReply(h.run("ZRANDMEMBER", "k", -2 * size)) as string[];
        expect(new Set(few).size).toBe(3);
        expect(new Set(many).size).toBe(size - 5);
        expect(repeated).toHaveLength(2 * size);
        for (const member of [...few, ...many, ...repeated]) met.add(member);
      }
      expect(met.size).toBe(size);
      const pairs = decodeReply(h.run("ZRANDMEMBER", "k", 2, "WITHSCORES")) as string[];
      expect(pairs[0]).toBe(`m${pairs[1]}`);
    }
  });
});

describe("ZSCAN", () => {
  it("meets every member that stays, though others come and go between its calls", () => {
    const { h } = bench();
    fill(h, "k", 1000);
    const met = new Set<string>();
    let cursor = "0";
    let round = 0;
    do {
      const [next, found] = decodeReply(h.run("ZSCAN", "k", cursor, "COUNT", 20)) as [string, string[]];
      for (let i = 0; i < found.length; i += 2) met.add(found[i]!);
      cursor = next;
      for (let i = 0; i < 40; i++) {
        h.run("ZADD", "k", i, `new ${round} ${i}`);
        h.run("ZREM", "k", `new ${round - 3} ${i}`, `m${500 + ((round * 40 + i) % 500)}`);
      }
      round++;
    } while (cursor !== "0");
    for (let i = 0; i < 500; i++) expect(met).toContain(`m${i}`);
  });
});

// -- waiting -------------------------------------------------------------------------------------------------------

interface Wait {
  readonly firstKey: number;
  readonly keys: number;
  readonly type: number;
  readonly timeoutMs: number;
  readonly onTimeout: (reply: ReplyWriter) => void;
}

function waitingBench(): Bench & { readonly waits: Wait[]; readonly signals: string[] } {
  const made = bench();
  const { context } = made.h;
  const waits: Wait[] = [];
  const signals: string[] = [];
  context.mayBlock = true;
  context.waiters = 1;
  context.waiting = {
    wait: (firstKey, keys, type, timeoutMs, onTimeout) => {
      waits.push({ firstKey, keys, type, timeoutMs, onTimeout });
    },
    signal: (_, bytes, offset, length) => {
      signals.push(Buffer.from(bytes.slice(offset, offset + length)).toString());
    },
    signalDatabase: () => {},
  };
  return { ...made, waits, signals };
}

describe("commands that wait", () => {
  it("wait for their keys while none has elements, and serve the one that became ready", () => {
    const { h, waits } = waitingBench();
    expect(h.run("BZPOPMIN", "a", "b", "1.5")).toBe("");
    expect(h.run("BZMPOP", 0, 2, "a", "b", "MAX", "COUNT", 2)).toBe("");
    expect(waits.map(({ firstKey, keys, type, timeoutMs }) => [firstKey, keys, type, timeoutMs])).toEqual([
      [1, 2, TYPE_SORTED_SET, 1500],
      [3, 2, TYPE_SORTED_SET, 0],
    ]);
    // A key before the one that is ready has come to hold another type: nobody waits for that.
    h.run("SET", "a", "text");
    h.run("ZADD", "b", 1, "x", 2, "y", 3, "z");
    h.context.wakeKeyArgument = 2;
    expect(h.run("BZPOPMIN", "a", "b", "1.5")).toBe(`*3\r\n${bulk("b")}${bulk("x")}${bulk("1")}`);
    h.context.wakeKeyArgument = 4;
    const pairs = `*2\r\n*2\r\n${bulk("z")}${bulk("3")}*2\r\n${bulk("y")}${bulk("2")}`;
    expect(h.run("BZMPOP", 0, 2, "a", "b", "MAX", "COUNT", 2)).toBe(`*2\r\n${bulk("b")}${pairs}`);
    expect(h.run("EXISTS", "b")).toBe(":0\r\n");
  });

  it("go on waiting if somebody else was faster", () => {
    const { h, waits } = waitingBench();
    h.context.wakeKeyArgument = 1;
    expect(h.run("BZPOPMAX", "a", 0)).toBe("");
    expect(waits).toHaveLength(1);
  });

  it("answer at once where waiting is not allowed, or where a key is of another type", () => {
    const { h, waits } = waitingBench();
    h.run("SET", "text", "x");
    expect(h.run("BZPOPMIN", "none", "text", 0)).toBe(WRONG_TYPE);
    expect(h.run("BZPOPMIN", "none", "nan")).toBe("-ERR timeout is not a float or out of range\r\n");
    h.context.mayBlock = false;
    expect(h.run("BZPOPMIN", "none", 0)).toBe("*-1\r\n");
    expect(h.run("BZMPOP", 0, 1, "none", "MIN")).toBe("*-1\r\n");
    expect(waits).toEqual([]);
  });

  it("are told of everything that gives a key elements", () => {
    const { h, signals } = waitingBench();
    for (const command of [
      ["ZADD", "k", "1", "a"],
      ["ZINCRBY", "i", "1", "a"],
      ["ZUNIONSTORE", "u", "1", "k"],
      ["ZRANGESTORE", "r", "k", "0", "-1"],
    ]) {
      signals.length = 0;
      h.run(...command);
      expect(signals).toContain(command[1]);
    }
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bitmapCommands } from "../../src/commands/bitmaps.ts";
import { genericCommands } from "../../src/commands/generic.ts";
import { listCommands } from "../../src/commands/lists.ts";
import { NOTIFY_ALL, NOTIFY_KEYEVENT, NOTIFY_NEW } from "../../src/commands/notify-events.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { TYPE_LIST } from "../../src/engine/keyspace.ts";
import type { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { rig, settle } from "../engine/support.ts";
import { type Argument, CommandHarness } from "../support/command-harness.ts";
import { decodeReply } from "../support/redis-oracle.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

interface Bench {
  readonly h: CommandHarness;
  /** Gives freed structures back and recounts what the engine counts. */
  readonly verify: () => void;
}

function bench(resp: 2 | 3 = 2): Bench {
  const { engine, keyspace } = rig({ segmentBytes: 64 * 1024 });
  const h = new CommandHarness([...listCommands, ...genericCommands, ...stringCommands, ...bitmapCommands], {
    keyspace,
    resp,
  });
  return {
    h,
    verify: () => {
      settle(engine);
      engine.verify();
    },
  };
}

const text = (...elements: string[]): string => elements.map((e) => `$${e.length}\r\n${e}\r\n`).join("");
const array = (...elements: string[]): string => `*${elements.length}\r\n${text(...elements)}`;
const wholeOf = (h: CommandHarness, key: string): string[] =>
  decodeReply(h.run("LRANGE", key, 0, -1)) as string[];

function fill(h: CommandHarness, key: string, count: number, element = (i: number): string => `e${i}`): void {
  for (let i = 0; i < count; i++) h.run("RPUSH", key, element(i));
}

// -- against a model -----------------------------------------------------------------------------------------------

/** One list as an array; answers what the command answers. */
type Step = (list: string[]) => { readonly command: Argument[]; readonly reply: string };

const integer = (value: number): string => `:${value}\r\n`;
const element = fc.oneof(
  fc.constantFrom("", "a", "b", "c", "12", "-1"),
  fc.constantFrom(9, 10, 96, 97, 127, 128, 400, 1500).map((length) => "x".repeat(length)),
);
const index = fc.integer({ min: -14, max: 14 });

function range(list: readonly string[], start: number, end: number): [number, number] {
  const from = Math.max(0, start < 0 ? start + list.length : start);
  const to = Math.min(list.length - 1, end < 0 ? end + list.length : end);
  return [from, Math.max(from, to + 1)];
}

const push = fc
  .record({ values: fc.array(element, { minLength: 1, maxLength: 6 }), front: fc.boolean() })
  .map(
    ({ values, front }): Step =>
      (list) => {
        if (front) list.unshift(...[...values].reverse());
        else list.push(...values);
        return { command: [front ? "LPUSH" : "RPUSH", "k", ...values], reply: integer(list.length) };
      },
  );
const pop = fc.record({ count: fc.option(fc.integer({ min: 1, max: 9 })), front: fc.boolean() }).map(
  ({ count, front }): Step =>
    (list) => {
      const name = front ? "LPOP" : "RPOP";
      const had = list.length > 0;
      const taken = front
        ? list.splice(0, count ?? 1)
        : list.splice(Math.max(0, list.length - (count ?? 1))).reverse();
      if (count === null) return { command: [name, "k"], reply: had ? text(...taken) : "$-1\r\n" };
      return { command: [name, "k", count], reply: had ? array(...taken) : "*-1\r\n" };
    },
);
const set = fc.record({ at: index, value: element }).map(
  ({ at, value }): Step =>
    (list) => {
      const place = at < 0 ? at + list.length : at;
      const command = ["LSET", "k", at, value];
      if (list.length === 0) return { command, reply: "-ERR no such key\r\n" };
      if (place < 0 || place >= list.length) return { command, reply: "-ERR index out of range\r\n" };
      list[place] = value;
      return { command, reply: "+OK\r\n" };
    },
);
const insert = fc.record({ pivot: element, value: element, behind: fc.boolean() }).map(
  ({ pivot, value, behind }): Step =>
    (list) => {
      const command = ["LINSERT", "k", behind ? "AFTER" : "before", pivot, value];
      if (list.length === 0) return { command, reply: integer(0) };
      const at = list.indexOf(pivot);
      if (at < 0) return { command, reply: integer(-1) };
      list.splice(behind ? at + 1 : at, 0, value);
      return { command, reply: integer(list.length) };
    },
);
const remove = fc.record({ count: fc.integer({ min: -3, max: 3 }), value: element }).map(
  ({ count, value }): Step =>
    (list) => {
      const most = count === 0 ? list.length : Math.abs(count);
      const places = list.flatMap((held, i) => (held === value ? [i] : []));
      const gone = count < 0 ? places.slice(-most) : places.slice(0, most);
      for (const place of [...gone].reverse()) list.splice(place, 1);
      return { command: ["LREM", "k", count, value], reply: integer(gone.length) };
    },
);
const trim = fc.record({ start: index, end: index }).map(
  ({ start, end }): Step =>
    (list) => {
      const [from, to] = range(list, start, end);
      list.splice(0, list.length, ...list.slice(from, to));
      return { command: ["LTRIM", "k", start, end], reply: "+OK\r\n" };
    },
);
const rotate = fc.record({ from: fc.boolean(), to: fc.boolean() }).map(
  ({ from, to }): Step =>
    (list) => {
      const command = ["LMOVE", "k", "k", from ? "LEFT" : "RIGHT", to ? "left" : "right"];
      const moved = from ? list.shift() : list.pop();
      if (moved === undefined) return { command, reply: "$-1\r\n" };
      if (to) list.unshift(moved);
      else list.push(moved);
      return { command, reply: text(moved) };
    },
);
const read = fc.record({ start: index, end: index, value: element }).chain(({ start, end, value }) =>
  fc.constantFrom<Step>(
    (list) => ({ command: ["LLEN", "k"], reply: integer(list.length) }),
    (list) => ({
      command: ["LRANGE", "k", start, end],
      reply: array(...list.slice(...range(list, start, end))),
    }),
    (list) => {
      const found = list.at(start);
      return { command: ["LINDEX", "k", start], reply: found === undefined ? "$-1\r\n" : text(found) };
    },
    (list) => {
      const at = list.indexOf(value);
      return { command: ["LPOS", "k", value], reply: at < 0 ? "$-1\r\n" : integer(at) };
    },
    (list) => {
      const places = list.flatMap((held, i) => (held === value ? [i] : [])).reverse();
      const reply = `*${places.length}\r\n${places.map(integer).join("")}`;
      return { command: ["LPOS", "k", value, "RANK", -1, "COUNT", 0], reply };
    },
  ),
);

const steps = fc.array(fc.oneof(push, push, pop, set, insert, remove, trim, rotate, read), {
  minLength: 1,
  maxLength: 60,
});

describe("a list of random commands", () => {
  for (const sizeMax of [-2, -1, 5, 0]) {
    it(`is what an array would be, with list-max-listpack-size ${sizeMax}`, () => {
      fc.assert(
        fc.property(steps, (program) => {
          const { h, verify } = bench();
          h.context.limits.listSizeMax = sizeMax;
          const model: string[] = [];
          for (const step of program) {
            const { command, reply } = step(model);
            expect(h.run(...command)).toBe(reply);
            expect(wholeOf(h, "k")).toEqual(model);
          }
          expect(h.run("EXISTS", "k")).toBe(integer(model.length > 0 ? 1 : 0));
          const effects = h.effects.take();
          const other = bench();
          other.h.replay(effects);
          expect(wholeOf(other.h, "k")).toEqual(model);
          verify();
        }),
        { numRuns: 100 },
      );
    });
  }
});

// -- forms ---------------------------------------------------------------------------------------------------------

describe("a list's forms", () => {
  it("are listpack while it is small, and quicklist beyond", () => {
    const { h } = bench();
    fill(h, "k", 3);
    expect(h.run("OBJECT", "ENCODING", "k")).toBe(text("listpack"));
    fill(h, "k", 2000, () => "x".repeat(10));
    expect(h.run("OBJECT", "ENCODING", "k")).toBe(text("quicklist"));
  });

  it("are listpack up to 8 KiB, although records end at 4", () => {
    const { h } = bench();
    fill(h, "k", 500, () => "x".repeat(10));
    expect(h.keyspace.peek(0, Buffer.from("k"), 0, 1)).toBe(true);
    expect(h.keyspace.unpacked).toBeDefined();
    expect(h.run("OBJECT", "ENCODING", "k")).toBe(text("listpack"));
  });

  it("return to listpack when little is left", () => {
    const { h, verify } = bench();
    fill(h, "k", 5000);
    h.run("LTRIM", "k", 100, 109);
    expect(h.run("OBJECT", "ENCODING", "k")).toBe(text("listpack"));
    expect(wholeOf(h, "k")).toEqual(Array.from({ length: 10 }, (_, i) => `e${100 + i}`));
    verify();
    expect(h.context.structures.heap.usedBytes).toBe(0);
  });

  it("keep the expiry through every change", () => {
    const { h } = bench();
    fill(h, "k", 2);
    h.run("PEXPIREAT", "k", h.nowMs + 1000);
    fill(h, "k", 3000);
    expect(h.run("PTTL", "k")).toBe(integer(1000));
    h.run("LTRIM", "k", 0, 3);
    expect(h.run("PTTL", "k")).toBe(integer(1000));
    h.run("LPOP", "k", 2);
    expect(h.run("PTTL", "k")).toBe(integer(1000));
  });

  it("survive long elements at both ends and in the middle", () => {
    const { h, verify } = bench();
    const long = "L".repeat(1_000_000);
    h.run("RPUSH", "k", "a", "b");
    h.run("LPUSH", "k", long);
    h.run("LINSERT", "k", "AFTER", "a", long);
    h.run("LSET", "k", -1, `${long}2`);
    expect(wholeOf(h, "k")).toEqual([long, "a", long, `${long}2`]);
    expect(h.run("LMOVE", "k", "k", "LEFT", "RIGHT")).toBe(text(long));
    h.run("LREM", "k", 0, long);
    h.run("LSET", "k", 1, "z");
    expect(wholeOf(h, "k")).toEqual(["a", "z"]);
    verify();
  });

  it("are copied whole", () => {
    const { h, verify } = bench();
    fill(h, "small", 3);
    fill(h, "large", 3000);
    for (const key of ["small", "large"]) {
      h.run("COPY", key, `${key}2`);
      const before = wholeOf(h, key);
      h.run("RPUSH", key, "more");
      expect(wholeOf(h, `${key}2`)).toEqual(before);
      expect(h.run("OBJECT", "ENCODING", `${key}2`)).toBe(h.run("OBJECT", "ENCODING", key));
    }
    h.run("DEL", "small", "large", "small2", "large2");
    verify();
    expect(h.context.structures.heap.usedBytes).toBe(0);
  });

  it("count their memory", () => {
    const { h } = bench();
    fill(h, "large", 5000, () => "x".repeat(20));
    expect(h.context.structures.heap.usedBytes).toBeLessThan(5000 * 24 * 1.1);
  });

  it("write in place only where the record may be written", () => {
    // The segment of the first list is sealed by what comes after it.
    const { h, verify } = bench();
    fill(h, "k", 5);
    for (let i = 0; i < 200; i++) h.run("SET", `s${i}`, "v".repeat(1000));
    h.run("LPOP", "k");
    h.run("LSET", "k", 0, "E1");
    expect(wholeOf(h, "k")).toEqual(["E1", "e2", "e3", "e4"]);
    verify();
  });
});

// -- replies, errors and what is logged ----------------------------------------------------------------------------

describe("list commands", () => {
  it("refuse values of other types and change nothing", () => {
    const { h } = bench();
    h.run("SET", "s", "v");
    h.run("RPUSH", "l", "a");
    const commands: Argument[][] = [
      ["LPUSH", "s", "x"],
      ["RPUSHX", "s", "x"],
      ["LPOP", "s"],
      ["RPOP", "s", 2],
      ["LLEN", "s"],
      ["LINDEX", "s", 0],
      ["LSET", "s", 0, "x"],
      ["LINSERT", "s", "BEFORE", "a", "b"],
      ["LRANGE", "s", 0, -1],
      ["LTRIM", "s", 0, -1],
      ["LREM", "s", 0, "x"],
      ["LPOS", "s", "x"],
      ["LMOVE", "s", "l", "LEFT", "LEFT"],
      ["LMOVE", "l", "s", "LEFT", "LEFT"],
      ["RPOPLPUSH", "l", "s"],
      ["LMPOP", 2, "none", "s", "LEFT"],
      ["BLPOP", "none", "s", 0],
      ["BLMOVE", "l", "s", "LEFT", "LEFT", 0],
    ];
    h.effects.take();
    for (const command of commands) expect(h.run(...command)).toBe(WRONG_TYPE);
    expect(h.run("GET", "l")).toBe(WRONG_TYPE);
    expect(h.effects.take()).toEqual([]);
    expect(wholeOf(h, "l")).toEqual(["a"]);
  });

  it("log nothing where nothing changed", () => {
    const { h } = bench();
    h.run("RPUSH", "l", "a", "b");
    const commands: Argument[][] = [
      ["LPUSHX", "none", "x"],
      ["LPOP", "none"],
      ["LPOP", "l", 0],
      ["LTRIM", "l", 0, -1],
      ["LREM", "l", 0, "x"],
      ["LINSERT", "l", "BEFORE", "x", "y"],
      ["LSET", "l", 7, "x"],
      ["LMOVE", "none", "l", "LEFT", "LEFT"],
      ["LMPOP", 1, "none", "LEFT"],
      ["BLPOP", "none", 0],
    ];
    for (const command of commands) expect(h.effectsOf(...command)).toEqual([]);
  });

  it("log the pop or the move that happened", () => {
    const { h } = bench();
    fill(h, "l", 20);
    expect(h.effectsOf("BLPOP", "none", "l", 0)).toEqual(["LPOP l"]);
    expect(h.effectsOf("BRPOP", "l", 0)).toEqual(["RPOP l"]);
    expect(h.effectsOf("BLMPOP", 0, 1, "l", "RIGHT", "COUNT", 3)).toEqual(["RPOP l 3"]);
    expect(h.effectsOf("LMPOP", 1, "l", "LEFT")).toEqual(["LPOP l 1"]);
    expect(h.effectsOf("BLMOVE", "l", "m", "left", "right", 0)).toEqual(["LMOVE l m left right"]);
    expect(h.effectsOf("BRPOPLPUSH", "l", "m", 0)).toEqual(["RPOPLPUSH l m"]);
    expect(h.effectsOf("LMPOP", 1, "l", "LEFT", "COUNT", 100)).toEqual(["LPOP l 12"]);
    expect(h.run("EXISTS", "l")).toBe(integer(0));
  });

  it("answer nulls of the right kind", () => {
    for (const [resp, bulk, list] of [
      [2, "$-1\r\n", "*-1\r\n"],
      [3, "_\r\n", "_\r\n"],
    ] as const) {
      const { h } = bench(resp);
      expect(h.run("LPOP", "none")).toBe(bulk);
      expect(h.run("LPOP", "none", 2)).toBe(list);
      expect(h.run("LINDEX", "none", "x")).toBe(bulk);
      expect(h.run("RPOPLPUSH", "none", "m")).toBe(bulk);
      expect(h.run("BLMOVE", "none", "m", "LEFT", "LEFT", 0)).toBe(bulk);
      expect(h.run("LMPOP", 1, "none", "LEFT")).toBe(list);
      expect(h.run("BLPOP", "none", 0)).toBe(list);
      expect(h.run("LPOS", "none", "x")).toBe(bulk);
      expect(h.run("LPOS", "none", "x", "COUNT", 0)).toBe("*0\r\n");
    }
  });

  it("tell of what they did in Redis's order", () => {
    const { h } = bench();
    const events: string[] = [];
    h.context.notifications = NOTIFY_ALL | NOTIFY_NEW | NOTIFY_KEYEVENT;
    h.context.eventSink = {
      publishEvent: (_wanted, event, bytes, offset, length) => {
        events.push(`${event} ${Buffer.from(bytes.subarray(offset, offset + length)).toString()}`);
      },
    };
    const eventsOf = (...command: Argument[]): string[] => {
      events.length = 0;
      h.run(...command);
      return [...events];
    };
    expect(eventsOf("RPUSH", "l", "a", "b")).toEqual(["new l", "rpush l"]);
    expect(eventsOf("LPUSH", "l", "a")).toEqual(["lpush l"]);
    expect(eventsOf("LMOVE", "l", "m", "LEFT", "RIGHT")).toEqual(["new m", "rpush m", "lpop l"]);
    expect(eventsOf("LSET", "l", 0, "z")).toEqual(["lset l"]);
    expect(eventsOf("LINSERT", "l", "AFTER", "z", "y")).toEqual(["linsert l"]);
    expect(eventsOf("LTRIM", "l", 0, -1)).toEqual(["ltrim l"]);
    expect(eventsOf("LREM", "l", 0, "b")).toEqual(["lrem l"]);
    expect(eventsOf("LTRIM", "l", 5, 6)).toEqual(["ltrim l", "del l"]);
    expect(eventsOf("RPOPLPUSH", "m", "n")).toEqual(["new n", "lpush n", "rpop m", "del m"]);
    expect(eventsOf("BLPOP", "n", 0)).toEqual(["lpop n", "del n"]);
  });
});

describe("LPOS", () => {
  it("counts from either end, skips, and looks no further than told", () => {
    const { h } = bench();
    h.run("RPUSH", "l", "a", "b", "c", "1", "2", "3", "c", "c");
    expect(h.run("LPOS", "l", "c")).toBe(integer(2));
    expect(h.run("LPOS", "l", "c", "RANK", 2)).toBe(integer(6));
    expect(h.run("LPOS", "l", "c", "RANK", -1)).toBe(integer(7));
    expect(h.run("LPOS", "l", "c", "COUNT", 2)).toBe(`*2\r\n${integer(2)}${integer(6)}`);
    expect(h.run("LPOS", "l", "c", "RANK", -1, "COUNT", 2)).toBe(`*2\r\n${integer(7)}${integer(6)}`);
    expect(h.run("LPOS", "l", "c", "RANK", 2, "COUNT", 0)).toBe(`*2\r\n${integer(6)}${integer(7)}`);
    expect(h.run("LPOS", "l", "c", "MAXLEN", 2)).toBe("$-1\r\n");
    expect(h.run("LPOS", "l", "c", "RANK", -1, "MAXLEN", 2, "COUNT", 0)).toBe(
      `*2\r\n${integer(7)}${integer(6)}`,
    );
    expect(h.run("LPOS", "l", "c", "RANK", "9223372036854775807")).toBe("$-1\r\n");
    expect(h.run("LPOS", "l", "c", "RANK", "-9223372036854775808")).toMatch(/^-ERR value is out of range/);
  });
});

// -- waiting -------------------------------------------------------------------------------------------------------

interface Wait {
  readonly first: number;
  readonly count: number;
  readonly type: number;
  readonly timeoutMs: number;
  readonly onTimeout: (reply: ReplyWriter) => void;
}

function waitingBench(): Bench & { readonly waits: Wait[]; readonly signals: string[] } {
  const waits: Wait[] = [];
  const signals: string[] = [];
  const made = bench();
  const { context } = made.h;
  context.mayBlock = true;
  context.waiters = 1;
  context.waiting = {
    wait: (first, count, type, timeoutMs, onTimeout) =>
      waits.push({ first, count, type, timeoutMs, onTimeout }),
    signal: (_db, bytes, offset, length) =>
      signals.push(Buffer.from(bytes.subarray(offset, offset + length)).toString()),
    signalDatabase: () => {},
  };
  return { ...made, waits, signals };
}

describe("commands that wait", () => {
  it("wait for lists under their keys, without a reply or an effect", () => {
    const { h, waits } = waitingBench();
    const cases: readonly (readonly [Argument[], number, number, number])[] = [
      [["BLPOP", "a", "b", "1.5"], 1, 2, 1500],
      [["BRPOP", "a", 0], 1, 1, 0],
      [["BLMPOP", 2, 3, "a", "b", "c", "LEFT"], 3, 3, 2000],
      [["BLMOVE", "a", "b", "LEFT", "RIGHT", 0], 1, 1, 0],
      [["BRPOPLPUSH", "a", "b", 1], 1, 1, 1000],
    ];
    for (const [command, first, count, timeoutMs] of cases) {
      expect(h.run(...command)).toBe("");
      expect(waits.pop()).toMatchObject({ first, count, timeoutMs, type: TYPE_LIST });
    }
    expect(h.effects.take()).toEqual([]);
  });

  it("take from the key that woke them and ask no other", () => {
    const { h } = waitingBench();
    h.run("SET", "a", "no list");
    h.run("RPUSH", "b", "x", "y", "z");
    h.context.wakeKeyArgument = 2;
    expect(h.run("BLPOP", "a", "b", 0)).toBe(array("b", "x"));
    h.context.wakeKeyArgument = 4;
    expect(h.run("BLMPOP", 0, 2, "a", "b", "RIGHT", "COUNT", 9)).toBe(`*2\r\n${text("b")}${array("z", "y")}`);
  });

  it("go on waiting if somebody else was faster", () => {
    const { h, waits } = waitingBench();
    h.context.wakeKeyArgument = 1;
    expect(h.run("BLPOP", "a", "b", 0)).toBe("");
    expect(h.run("BLMOVE", "a", "b", "LEFT", "LEFT", 0)).toBe("");
    expect(waits.length).toBe(2);
  });

  it("are woken by everything that pushes", () => {
    const { h, signals } = waitingBench();
    h.run("RPUSH", "a", "1", "2");
    h.run("LPUSHX", "a", "3");
    h.run("LMOVE", "a", "b", "LEFT", "LEFT");
    h.run("RPOPLPUSH", "a", "c");
    expect(signals).toEqual(["a", "a", "b", "c"]);
  });
});

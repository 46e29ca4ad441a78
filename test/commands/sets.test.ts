/** Set commands on an engine: what is answered, logged and kept, in all forms and across the limits between them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { genericCommands } from "../../src/commands/generic.ts";
import { setCommands } from "../../src/commands/sets.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { rig } from "../engine/support.ts";
import { CommandHarness } from "../support/command-harness.ts";
import { integers, texts } from "./hash-support.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
const NIL = "$-1\r\n";

function setRig() {
  const { engine, keyspace, clock } = rig({ segmentBytes: 64 * 1024 });
  const h = new CommandHarness([...setCommands, ...genericCommands, ...stringCommands], {
    keyspace,
    structures: engine,
    nowMs: clock.now,
  });
  const membersOf = (key: string): string[] => texts(h.run("SMEMBERS", key)).sort();
  const encodingOf = (key: string): string => h.run("OBJECT", "ENCODING", key).split("\r\n")[1]!;
  return { h, engine, membersOf, encodingOf };
}

const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => String(from + i));

const FORMS = [
  { name: "packed", start: ["first"], encoding: "listpack" },
  { name: "integer", start: ["-5"], encoding: "intset" },
  { name: "unpacked", start: ["x".repeat(65)], encoding: "hashtable" },
];

describe.each(FORMS)("a set in $name form", ({ start, encoding }) => {
  const started = () => {
    const made = setRig();
    made.h.run("SADD", "k", ...start);
    return made;
  };

  it("adds, finds, counts and removes members, and is no key without any", () => {
    const { h, engine, membersOf, encodingOf } = started();
    expect(h.run("SADD", "k", "7", "12", "7")).toBe(":2\r\n");
    expect(encodingOf("k")).toBe(encoding);
    expect(h.run("SISMEMBER", "k", "7")).toBe(":1\r\n");
    expect(h.run("SMISMEMBER", "k", "12", "none", start[0]!)).toBe(integers(1, 0, 1));
    expect(h.run("SCARD", "k")).toBe(":3\r\n");
    expect(membersOf("k")).toEqual([...start, "7", "12"].sort());
    expect(h.effectsOf("SADD", "k", "7")).toEqual([]);
    expect(h.effectsOf("SREM", "k", "none")).toEqual([]);
    expect(h.run("SREM", "k", "7", "none", "7")).toBe(":1\r\n");
    expect(h.effectsOf("SREM", "k", "12", ...start)).toEqual([`SREM k 12 ${start[0]}`]);
    expect(h.run("EXISTS", "k")).toBe(":0\r\n");
    engine.verify();
  });

  it("keeps the key's expiry", () => {
    const { h } = started();
    h.run("PEXPIREAT", "k", "1800000000000");
    h.run("SADD", "k", "8");
    h.run("SREM", "k", "8");
    h.run("SADD", "k", ...numbered(600), "y".repeat(70));
    expect(h.run("PEXPIRETIME", "k")).toBe(":1800000000000\r\n");
  });

  it("gives members by chance: each comes, different ones once, SPOP is logged as what went", () => {
    const { h, membersOf } = started();
    h.run("SADD", "k", "1", "2", "3");
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) seen.add(h.run("SRANDMEMBER", "k"));
    expect(seen.size).toBe(4);
    const three = texts(h.run("SRANDMEMBER", "k", "3"));
    expect(new Set(three).size).toBe(3);
    expect(texts(h.run("SRANDMEMBER", "k", "-9"))).toHaveLength(9);
    const [effect] = h.effectsOf("SPOP", "k");
    expect(effect).toMatch(/^SREM k /);
    expect(membersOf("k")).not.toContain(effect!.slice(7));
    expect(h.effectsOf("SPOP", "k", "2")[0]).toMatch(/^SREM k \S+ \S+$/);
    expect(h.effectsOf("SPOP", "k", "5")).toEqual(["DEL k"]);
    expect(h.run("SPOP", "k")).toBe(NIL);
  });
});

describe("the limits between the forms", () => {
  it("integers stay an intset up to 512 and come in ascending order", () => {
    const { h, encodingOf } = setRig();
    h.run("SADD", "k", ...numbered(512, -200).reverse(), "-9223372036854775808");
    expect(encodingOf("k")).toBe("hashtable");
    h.run("SADD", "l", ...numbered(511, -200).reverse(), "-9223372036854775808");
    expect(encodingOf("l")).toBe("intset");
    expect(texts(h.run("SMEMBERS", "l"))).toEqual(["-9223372036854775808", ...numbered(511, -200)]);
    h.run("SADD", "l", "text");
    expect(encodingOf("l")).toBe("hashtable");
    h.run("SADD", "m", "1", "2", "text");
    expect(encodingOf("m")).toBe("listpack");
    expect(h.run("SISMEMBER", "m", "2")).toBe(":1\r\n");
  });

  it.each(["01", "+1", "-0", "1.0", " 1", "", "9223372036854775808"])("%j is no integer", (text) => {
    const { h, encodingOf } = setRig();
    h.run("SADD", "k", text);
    expect(encodingOf("k")).toBe("listpack");
  });

  it("texts stay a listpack up to 128 of 64 bytes, whatever form they are kept in", () => {
    const { h, engine, encodingOf, membersOf } = setRig();
    const long = numbered(128).map((text) => text.padStart(64, "."));
    h.run("SADD", "k", ...long);
    expect(encodingOf("k")).toBe("listpack");
    expect(engine.memory().structures).toBe(1);
    expect(membersOf("k")).toEqual([...long].sort());
    h.run("SADD", "k", "one more");
    expect(encodingOf("k")).toBe("hashtable");
  });
});

describe("several sets", () => {
  const filled = () => {
    const made = setRig();
    made.h.run("SADD", "a", "1", "2", "3", "4");
    made.h.run("SADD", "b", "3", "4", "five", "z".repeat(99));
    made.h.run("SADD", "c", "4", "five");
    return made;
  };
  const answer = (reply: string): string[] => texts(reply).sort();

  it("intersect, unite and differ", () => {
    const { h } = filled();
    expect(answer(h.run("SINTER", "a", "b"))).toEqual(["3", "4"]);
    expect(answer(h.run("SINTER", "a", "b", "c"))).toEqual(["4"]);
    expect(answer(h.run("SINTER", "a", "none"))).toEqual([]);
    expect(answer(h.run("SUNION", "a", "c", "none"))).toEqual(["1", "2", "3", "4", "five"]);
    expect(answer(h.run("SDIFF", "a", "b"))).toEqual(["1", "2"]);
    expect(answer(h.run("SDIFF", "a", "a"))).toEqual([]);
    expect(h.run("SINTERCARD", "2", "a", "b")).toBe(":2\r\n");
    expect(h.run("SINTERCARD", "2", "a", "b", "LIMIT", "1")).toBe(":1\r\n");
  });

  it("store their result, also where a source is, and remove a destination without members", () => {
    const { h, engine, membersOf } = filled();
    expect(h.run("SUNIONSTORE", "a", "a", "b")).toBe(":6\r\n");
    expect(membersOf("a")).toEqual(["1", "2", "3", "4", "five", "z".repeat(99)]);
    h.run("SET", "text", "x");
    expect(h.run("SINTERSTORE", "text", "a", "c")).toBe(":2\r\n");
    expect(membersOf("text")).toEqual(["4", "five"]);
    expect(h.effectsOf("SDIFFSTORE", "c", "c", "c")).toEqual(["SDIFFSTORE c c c"]);
    expect(h.run("EXISTS", "c")).toBe(":0\r\n");
    expect(h.effectsOf("SDIFFSTORE", "c", "none", "a")).toEqual([]);
    engine.verify();
  });

  it("move a member", () => {
    const { h, membersOf } = filled();
    expect(h.run("SMOVE", "a", "c", "1")).toBe(":1\r\n");
    expect(h.run("SMOVE", "a", "c", "none")).toBe(":0\r\n");
    expect(h.run("SMOVE", "a", "new", "2")).toBe(":1\r\n");
    expect(h.run("SMOVE", "a", "a", "3")).toBe(":1\r\n");
    expect([membersOf("a"), membersOf("new")]).toEqual([["3", "4"], ["2"]]);
    expect(membersOf("c")).toEqual(["1", "4", "five"]);
  });

  it("answer for other types before anything is changed", () => {
    const { h, membersOf } = filled();
    h.run("SET", "text", "x");
    for (const words of [
      ["SADD", "text", "1"],
      ["SREM", "text", "1"],
      ["SPOP", "text"],
      ["SMEMBERS", "text"],
      ["SINTER", "none", "text"],
      ["SUNIONSTORE", "a", "b", "text"],
      ["SMOVE", "a", "text", "1"],
    ])
      expect(h.run(...words), words.join(" ")).toBe(WRONG_TYPE);
    expect(membersOf("a")).toEqual(["1", "2", "3", "4"]);
  });
});

describe("any sequence of changes", () => {
  const member = fc.oneof(
    fc.integer({ min: -20, max: 20 }).map(String),
    fc.constantFrom("a", "b", "", "x".repeat(65), "y".repeat(60)),
    fc.integer({ min: 0, max: 700 }).map((n) => `m${n}`),
  );
  const step = fc.record({
    kind: fc.constantFrom("SADD", "SADD", "SREM"),
    key: fc.constantFrom("p", "q"),
    members: fc.array(member, { minLength: 1, maxLength: 60 }),
  });

  it("leaves what a plain set would hold, and scans to it", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { h, engine, membersOf } = setRig();
        const model: Record<string, Set<string>> = { p: new Set(), q: new Set() };
        for (const { kind, key, members } of steps) {
          const set = model[key]!;
          const before = set.size;
          for (const one of members)
            if (kind === "SADD") set.add(one);
            else set.delete(one);
          expect(h.run(kind, key, ...members)).toBe(`:${Math.abs(set.size - before)}\r\n`);
        }
        for (const key of ["p", "q"]) {
          expect(membersOf(key)).toEqual([...model[key]!].sort());
          expect(h.run("SCARD", key)).toBe(`:${model[key]!.size}\r\n`);
        }
        expect(texts(h.run("SINTER", "p", "q")).sort()).toEqual(
          [...model["p"]!].filter((one) => model["q"]!.has(one)).sort(),
        );
        engine.verify();
      }),
      { numRuns: 60 },
    );
  });

  it("SSCAN meets every member of a large set that is there throughout", () => {
    const { h } = setRig();
    h.run("SADD", "k", ...numbered(3000).map((text) => `m${text}`));
    const seen = new Set<string>();
    let cursor = "0";
    let extra = 0;
    do {
      const reply = h.run("SSCAN", "k", cursor, "COUNT", "50");
      const lines = reply.split("\r\n");
      cursor = lines[2]!;
      for (const line of lines.slice(4)) if (line.startsWith("m")) seen.add(line);
      for (let i = 0; i < 100; i++) h.run("SADD", "k", `new${extra++}`);
    } while (cursor !== "0");
    for (const text of numbered(3000)) expect(seen.has(`m${text}`)).toBe(true);
  });
});

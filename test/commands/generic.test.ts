import { describe, expect, it } from "vitest";
import { genericCommands } from "../../src/commands/generic.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { CommandHarness, contents, type HarnessOptions } from "../support/command-harness.ts";
import { decodeReply } from "../support/redis-oracle.ts";

const NOW = 1_700_000_000_000;
const harness = (options: HarnessOptions = {}) =>
  new CommandHarness([...stringCommands, ...genericCommands], { nowMs: NOW, ...options });

/** All keys that a full scan answers, and how many calls it took. */
function scanAll(h: CommandHarness, ...options: readonly string[]): { keys: string[]; calls: number } {
  const keys: string[] = [];
  let cursor = "0";
  let calls = 0;
  do {
    const [next, batch] = decodeReply(h.run("SCAN", cursor, ...options)) as [string, string[]];
    keys.push(...batch);
    cursor = next;
    calls++;
  } while (cursor !== "0");
  return { keys: keys.sort(), calls };
}

describe("what is logged", () => {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["EXPIRE", "k", "10"], [`PEXPIREAT k ${NOW + 10_000}`]],
    [["PEXPIRE", "k", "10", "NX"], [`PEXPIREAT k ${NOW + 10}`]],
    [["EXPIREAT", "k", "1800000000"], ["PEXPIREAT k 1800000000000"]],
    [["EXPIRE", "k", "0"], ["DEL k"]],
    [["PEXPIREAT", "k", "-5"], ["DEL k"]],
    [["EXPIRE", "none", "10"], []],
    [["EXPIRE", "k", "10", "XX"], []],
    [["PERSIST", "k"], []],
    [["PERSIST", "volatile"], ["PERSIST volatile"]],
    [["DEL", "none", "k"], ["DEL none k"]],
    [["UNLINK", "k"], ["UNLINK k"]],
    [["DEL", "none"], []],
    [["RENAME", "k", "k2"], ["RENAME k k2"]],
    [["RENAME", "k", "k"], []],
    [["RENAMENX", "k", "volatile"], []],
    [["MOVE", "k", "3"], ["MOVE k 3"]],
    [["COPY", "k", "k2", "DB", "3"], ["COPY k k2 DB 3"]],
    [["COPY", "k", "volatile"], []],
    [["TOUCH", "k"], []],
    [["EXISTS", "k"], []],
  ];
  for (const [command, effects] of cases) {
    it(`${command.join(" ")}: ${effects.join(", ") || "nothing"}`, () => {
      const h = harness();
      h.run("SET", "k", "v");
      h.run("SET", "volatile", "v", "EX", "100");
      expect(h.effectsOf(...command)).toEqual(effects);
    });
  }

  it("replaying a PEXPIREAT whose time has passed keeps the key until the log's own DEL", () => {
    const h = harness();
    h.replay([
      { db: 0, args: ["SET", "k", "v"] },
      { db: 0, args: ["PEXPIREAT", "k", String(NOW - 1000)] },
      { db: 0, args: ["PERSIST", "k"] },
    ]);
    expect(h.run("GET", "k") + h.run("TTL", "k")).toBe("$1\r\nv\r\n:-1\r\n");
  });
});

describe("expiry", () => {
  it("GT and LT take a key without an expiry for one that expires last", () => {
    const h = harness();
    h.run("SET", "k", "v");
    expect(h.run("EXPIRE", "k", "10", "GT")).toBe(":0\r\n");
    expect(h.run("EXPIRE", "k", "10", "LT")).toBe(":1\r\n");
    expect(h.run("EXPIRE", "k", "10", "GT")).toBe(":0\r\n");
    expect(h.run("EXPIRE", "k", "11", "GT")).toBe(":1\r\n");
    expect(h.run("EXPIRE", "k", "11", "LT", "XX")).toBe(":0\r\n");
    expect(h.run("EXPIRE", "k", "9", "LT", "XX")).toBe(":1\r\n");
    expect(h.run("EXPIRE", "k", "9", "NX")).toBe(":0\r\n");
  });

  it("a key lives through its last millisecond and is gone in the next", () => {
    const h = harness();
    h.run("SET", "k", "v", "PX", "100");
    h.nowMs += 100;
    expect(h.run("PTTL", "k") + h.run("EXISTS", "k")).toBe(":0\r\n:1\r\n");
    h.nowMs += 1;
    expect(h.run("PTTL", "k") + h.run("EXISTS", "k") + h.run("TYPE", "k")).toBe(":-2\r\n:0\r\n+none\r\n");
    expect(h.effects.take().at(-1)?.args).toEqual(["DEL", "k"]);
  });

  it("TTL and EXPIRETIME round to the nearest second", () => {
    const h = harness();
    h.run("SET", "k", "v", "PX", "1499");
    expect(h.run("TTL", "k")).toBe(":1\r\n");
    h.run("PEXPIRE", "k", "1500");
    expect(h.run("TTL", "k") + h.run("EXPIRETIME", "k")).toBe(`:2\r\n:${NOW / 1000 + 2}\r\n`);
    expect(h.run("PEXPIRETIME", "k")).toBe(`:${NOW + 1500}\r\n`);
  });
});

describe("moving and copying", () => {
  it("the expiry goes along, and what was at the destination is gone", () => {
    const h = harness();
    h.run("SET", "a", "1", "PX", "5000");
    h.run("SET", "b", "2", "PX", "9000");
    expect(h.run("RENAME", "a", "b")).toBe("+OK\r\n");
    expect(h.run("PTTL", "b") + h.run("GET", "b") + h.run("EXISTS", "a")).toBe(":5000\r\n$1\r\n1\r\n:0\r\n");
    expect(h.run("COPY", "b", "c", "DB", "2", "REPLACE")).toBe(":1\r\n");
    expect(h.run("MOVE", "b", "1")).toBe(":1\r\n");
    expect(contents(h.keyspace)).toEqual([
      JSON.stringify([1, "b", 0, NOW + 5000, "1"]),
      JSON.stringify([2, "c", 0, NOW + 5000, "1"]),
    ]);
  });

  it("an expired key in the way does not count, and its removal is logged first", () => {
    const h = harness();
    h.run("SET", "a", "1");
    h.run("SET", "b", "2", "PX", "10");
    h.nowMs += 11;
    expect(h.effectsOf("RENAMENX", "a", "b")).toEqual(["DEL b", "RENAMENX a b"]);
  });
});

describe("SCAN and KEYS", () => {
  it("a full scan answers every key, whatever the count", () => {
    const h = harness();
    const names = Array.from({ length: 300 }, (_, i) => `key:${i}`).sort();
    for (const name of names) h.run("SET", name, "v");
    for (const count of ["1", "7", "10", "100000", "9223372036854775807"]) {
      expect(scanAll(h, "COUNT", count).keys).toEqual(names);
    }
    expect(scanAll(h, "COUNT", "7").calls).toBeGreaterThan(20);
    expect(scanAll(h, "MATCH", "key:1?").keys).toEqual(names.filter((name) => /^key:1.$/.test(name)));
    expect(scanAll(h, "TYPE", "hash").keys).toEqual([]);
    expect((decodeReply(h.run("KEYS", "*")) as string[]).sort()).toEqual(names);
    expect((decodeReply(h.run("KEYS", "*9")) as string[]).sort()).toEqual(
      names.filter((n) => n.endsWith("9")),
    );
  });

  it("expired keys are passed over, and not removed", () => {
    const h = harness();
    h.run("SET", "gone", "v", "PX", "10");
    h.run("SET", "here", "v");
    h.nowMs += 11;
    h.effects.take();
    expect(h.run("KEYS", "*")).toBe("*1\r\n$4\r\nhere\r\n");
    expect(h.run("RANDOMKEY")).toBe("$4\r\nhere\r\n");
    expect(scanAll(h).keys).toEqual(["here"]);
    expect(h.effects.take()).toEqual([]);
  });

  it("any cursor is harmless", () => {
    const h = harness();
    h.run("SET", "k", "v");
    for (const cursor of ["5000", "9007199254740993", "18446744073709551615", "-1"]) {
      expect(h.run("SCAN", cursor)).toBe("*2\r\n$1\r\n0\r\n*0\r\n");
    }
  });
});

describe("OBJECT", () => {
  it("asks the policy which of FREQ and IDLETIME is kept", () => {
    const lru = harness({ policy: "allkeys-lru" });
    lru.run("SET", "k", "v");
    lru.nowMs += 5000;
    expect(lru.run("OBJECT", "IDLETIME", "k")).toBe(":5\r\n");
    expect(lru.run("OBJECT", "FREQ", "k")).toMatch(/^-ERR An LFU maxmemory policy is not selected/);
    const lfu = harness({ policy: "volatile-lfu" });
    lfu.run("SET", "k", "v");
    expect(lfu.run("OBJECT", "FREQ", "k")).toBe(":5\r\n");
    expect(lfu.run("OBJECT", "IDLETIME", "k")).toMatch(/^-ERR An LFU maxmemory policy is selected/);
    expect(lfu.run("OBJECT", "FREQ", "none")).toBe("$-1\r\n");
  });

  it("looking does not count as an access, and reading does", () => {
    const h = harness();
    h.run("SET", "k", "v");
    h.nowMs += 5000;
    for (const command of ["EXISTS", "TYPE", "TTL"]) h.run(command, "k");
    expect(h.run("OBJECT", "IDLETIME", "k")).toBe(":5\r\n");
    h.run("TOUCH", "k");
    expect(h.run("OBJECT", "IDLETIME", "k")).toBe(":0\r\n");
  });

  it("knows which integers Redis shares", () => {
    const h = harness();
    h.run("MSET", "small", "9999", "large", "10000", "text", "x");
    expect(h.run("OBJECT", "REFCOUNT", "small")).toBe(":2147483647\r\n");
    expect(h.run("OBJECT", "REFCOUNT", "large") + h.run("OBJECT", "REFCOUNT", "text")).toBe(":1\r\n:1\r\n");
  });
});

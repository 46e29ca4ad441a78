import { describe, expect, it } from "vitest";
import { genericCommands } from "../../src/commands/generic.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { TYPE_HASH } from "../../src/engine/keyspace.ts";
import { CommandHarness, contents, type HarnessOptions } from "../support/command-harness.ts";

const harness = (options: HarnessOptions = {}) =>
  new CommandHarness([...stringCommands, ...genericCommands], options);

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

function putHash(h: CommandHarness, name: string): void {
  const key = Buffer.from(name);
  h.keyspace.put(0, key, 0, key.length, TYPE_HASH, 0, Buffer.from("fields"), 0, 6, -1);
}

describe("what is logged is absolute and loads anywhere", () => {
  const NOW = 1_700_000_000_000;
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["a plain SET", ["SET", "k", "v"], ["SET k v"]],
    ["SET EX", ["SET", "k", "v", "EX", "10"], [`SET k v PXAT ${NOW + 10_000}`]],
    ["SET EXAT", ["SET", "k", "v", "EXAT", "1800000000"], ["SET k v PXAT 1800000000000"]],
    ["SET NX GET", ["SET", "new", "v", "NX", "GET"], ["SET new v"]],
    ["SET KEEPTTL", ["SET", "k", "v", "KEEPTTL"], ["SET k v KEEPTTL"]],
    ["SETEX", ["SETEX", "k", "5", "v"], [`SET k v PXAT ${NOW + 5000}`]],
    ["PSETEX", ["PSETEX", "k", "5", "v"], [`SET k v PXAT ${NOW + 5}`]],
    ["SETNX of a new key", ["SETNX", "new", "v"], ["SETNX new v"]],
    ["MSET", ["MSET", "a", "1", "b", "2"], ["MSET a 1 b 2"]],
    ["GETSET", ["GETSET", "k", "w"], ["SET k w"]],
    ["GETDEL", ["GETDEL", "k"], ["DEL k"]],
    ["GETEX PX", ["GETEX", "k", "PX", "7"], [`PEXPIREAT k ${NOW + 7}`]],
    ["GETEX in the past", ["GETEX", "k", "PXAT", "1"], ["DEL k"]],
    ["GETEX PERSIST of a volatile key", ["GETEX", "volatile", "PERSIST"], ["PERSIST volatile"]],
    ["INCRBYFLOAT", ["INCRBYFLOAT", "n", "0.5"], ["SET n 10.5 KEEPTTL"]],
    ["INCR", ["INCR", "n"], ["INCR n"]],
    ["APPEND", ["APPEND", "k", "x"], ["APPEND k x"]],
    ["SETRANGE", ["SETRANGE", "k", "3", "x"], ["SETRANGE k 3 x"]],
    [
      "an expiry beyond 2^53 ms",
      ["SET", "k", "v", "PXAT", "9223372036854775807"],
      ["SET k v PXAT 9007199254740991"],
    ],
  ];
  for (const [name, command, effects] of cases) {
    it(name, () => {
      const h = harness({ nowMs: NOW });
      h.run("MSET", "k", "value", "n", "10", "volatile", "v");
      h.run("EXPIRE", "volatile", "100");
      expect(h.effectsOf(...command)).toEqual(effects);
    });
  }

  const unchanged: readonly (readonly string[])[] = [
    ["GET", "k"],
    ["MGET", "k", "none"],
    ["SET", "k", "v", "NX"],
    ["SET", "none", "v", "XX", "EX", "10"],
    ["SETNX", "k", "v"],
    ["MSETNX", "none", "1", "k", "2"],
    ["GETDEL", "none"],
    ["GETEX", "k"],
    ["GETEX", "k", "PERSIST"],
    ["GETEX", "none", "EX", "10"],
    ["SETRANGE", "k", "3", ""],
    ["SETRANGE", "none", "3", ""],
    ["INCR", "k"],
    ["INCRBYFLOAT", "k", "1"],
    ["SET", "k", "v", "EX", "0"],
  ];
  for (const command of unchanged) {
    it(`nothing, by ${command.join(" ")}`, () => {
      const h = harness();
      h.run("SET", "k", "value");
      const before = contents(h.keyspace);
      expect(h.effectsOf(...command)).toEqual([]);
      expect(contents(h.keyspace)).toEqual(before);
    });
  }

  it("the removal of an expired key comes before the effect that met it", () => {
    const h = harness();
    h.run("SET", "k", "1", "PX", "10");
    h.nowMs += 11;
    expect(h.effectsOf("INCR", "k")).toEqual(["DEL k", "INCR k"]);
    expect(h.run("GET", "k")).toBe("$1\r\n1\r\n");
  });
});

describe("types and encodings", () => {
  it("refuse a key of another type, and leave it alone", () => {
    const h = harness();
    putHash(h, "h");
    const before = contents(h.keyspace);
    for (const command of [
      ["GET", "h"],
      ["STRLEN", "h"],
      ["GETRANGE", "h", "0", "1"],
      ["GETDEL", "h"],
      ["GETEX", "h", "EX", "10"],
      ["GETSET", "h", "v"],
      ["SET", "h", "v", "GET"],
      ["APPEND", "h", "v"],
      ["SETRANGE", "h", "0", "v"],
      ["INCR", "h"],
      ["DECRBY", "h", "9223372036854775807"],
      ["INCRBYFLOAT", "h", "1"],
    ]) {
      expect(h.run(...command), command[0]).toBe(WRONG_TYPE);
    }
    expect(h.run("MGET", "h")).toBe("*1\r\n$-1\r\n");
    expect(h.effects.take()).toEqual([]);
    expect(contents(h.keyspace)).toEqual(before);
  });

  it("a plain SET replaces any type and its expiry", () => {
    const h = harness();
    putHash(h, "h");
    h.run("EXPIRE", "h", "100");
    expect(h.run("SET", "h", "v")).toBe("+OK\r\n");
    expect(h.run("TYPE", "h") + h.run("TTL", "h")).toBe("+string\r\n:-1\r\n");
  });

  const encodings: readonly (readonly [string, readonly (readonly string[])[], string])[] = [
    ["an integer", [["SET", "k", "-12"]], "int"],
    ["the largest integer", [["SET", "k", "9223372036854775807"]], "int"],
    ["one more", [["SET", "k", "9223372036854775808"]], "embstr"],
    ["no canonical integer", [["SET", "k", "012"]], "embstr"],
    ["44 bytes", [["SET", "k", "x".repeat(44)]], "embstr"],
    ["45 bytes", [["SET", "k", "x".repeat(45)]], "raw"],
    [
      "an appended value",
      [
        ["SET", "k", "1"],
        ["APPEND", "k", "2"],
      ],
      "raw",
    ],
    ["an append to nothing", [["APPEND", "k", "12"]], "int"],
    ["SETRANGE on nothing", [["SETRANGE", "k", "0", "12"]], "raw"],
    [
      "a sum in a raw value",
      [
        ["SETRANGE", "k", "0", "12"],
        ["INCR", "k"],
      ],
      "int",
    ],
    ["a float's text", [["INCRBYFLOAT", "k", "12"]], "embstr"],
    [
      "a copy of a raw value",
      [
        ["SETRANGE", "j", "0", "12"],
        ["COPY", "j", "k"],
      ],
      "raw",
    ],
    [
      "a renamed raw value",
      [
        ["SETRANGE", "j", "0", "12"],
        ["RENAME", "j", "k"],
      ],
      "raw",
    ],
  ];
  for (const [name, commands, encoding] of encodings) {
    it(`${name}: ${encoding}`, () => {
      const h = harness();
      for (const command of commands) h.run(...command);
      expect(h.run("OBJECT", "ENCODING", "k")).toBe(`$${encoding.length}\r\n${encoding}\r\n`);
    });
  }
});

describe("limits", () => {
  it("integers stop at the ends of int64", () => {
    const h = harness();
    const overflow = "-ERR increment or decrement would overflow\r\n";
    h.run("SET", "max", "9223372036854775807");
    h.run("SET", "min", "-9223372036854775808");
    expect(h.run("INCR", "max")).toBe(overflow);
    expect(h.run("DECR", "min")).toBe(overflow);
    expect(h.run("INCRBY", "min", "9223372036854775807")).toBe(":-1\r\n");
    expect(h.run("DECRBY", "max", "9223372036854775807")).toBe(":0\r\n");
    expect(h.run("DECRBY", "new", "-9223372036854775808")).toBe("-ERR decrement would overflow\r\n");
    expect(h.run("INCRBY", "wide", "9007199254740993")).toBe(":9007199254740993\r\n");
    expect(h.run("INCR", "wide")).toBe(":9007199254740994\r\n");
    expect(h.run("DECRBY", "zero", "0") + h.run("GET", "zero")).toBe(":0\r\n$1\r\n0\r\n");
  });

  it("a string stops at 512 MB, before memory is taken", () => {
    const h = harness();
    const tooLong = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
    expect(h.run("SETRANGE", "k", 536870912, "x")).toBe(tooLong);
    expect(h.run("SETRANGE", "k", "9223372036854775807", "x")).toBe(tooLong);
    expect(h.run("EXISTS", "k")).toBe(":0\r\n");
  });

  it("LCS refuses a table beyond the limit", () => {
    const h = harness();
    h.run("MSET", "a", "x".repeat(12_000), "b", "y".repeat(12_000));
    expect(h.run("LCS", "a", "b")).toBe(
      "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n",
    );
  });
});

describe("SET's conditions and expiries", () => {
  it("the expiry survives INCR, APPEND, SETRANGE, INCRBYFLOAT and KEEPTTL, and ends with SET, GETSET and MSET", () => {
    for (const command of [
      ["INCR", "k"],
      ["APPEND", "k", "0"],
      ["SETRANGE", "k", "0", "2"],
      ["INCRBYFLOAT", "k", "1"],
      ["SET", "k", "2", "KEEPTTL"],
      ["SET", "k", "2", "KEEPTTL", "XX"],
    ]) {
      const h = harness();
      h.run("SET", "k", "1", "PX", "5000");
      h.run(...command);
      expect(h.run("PTTL", "k"), command.join(" ")).toBe(":5000\r\n");
    }
    for (const command of [
      ["SET", "k", "2"],
      ["GETSET", "k", "2"],
      ["MSET", "k", "2"],
      ["SET", "k", "2", "GET"],
    ]) {
      const h = harness();
      h.run("SET", "k", "1", "PX", "5000");
      h.run(...command);
      expect(h.run("PTTL", "k"), command.join(" ")).toBe(":-1\r\n");
    }
  });

  it("answers the old value with GET, also when the condition refuses", () => {
    const h = harness();
    expect(h.run("SET", "k", "1", "GET")).toBe("$-1\r\n");
    expect(h.run("SET", "k", "2", "GET", "NX")).toBe("$1\r\n1\r\n");
    expect(h.run("GET", "k")).toBe("$1\r\n1\r\n");
    expect(h.run("SET", "none", "2", "XX", "GET")).toBe("$-1\r\n");
  });

  it("a key may be set to expire in the past, and is then gone", () => {
    const h = harness();
    expect(h.run("SET", "k", "v", "PXAT", "1")).toBe("+OK\r\n");
    expect(h.run("GET", "k")).toBe("$-1\r\n");
  });
});

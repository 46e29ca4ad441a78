/** Hash commands on an engine: what is answered, logged and kept, in both forms and across the limits between them. */
import { describe, expect, it } from "vitest";
import { bulk, hashRig, pairsOf, texts } from "./hash-support.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
const NIL = "$-1\r\n";
const encodingOf = (h: ReturnType<typeof hashRig>["h"], key: string): string =>
  h.run("OBJECT", "ENCODING", key).split("\r\n")[1]!;

const FORMS = [
  { name: "packed", prepare: [] as string[] },
  { name: "unpacked", prepare: ["long", "x".repeat(65)] },
];

describe.each(FORMS)("a $name hash", ({ prepare }) => {
  const start = () => {
    const made = hashRig();
    if (prepare.length > 0) made.h.run("HSET", "k", ...prepare);
    return made;
  };

  it("sets, gets and deletes fields", () => {
    const { h, engine } = start();
    expect(h.run("HSET", "k", "f", "1", "g", "two", "f", "one")).toBe(":2\r\n");
    expect(h.run("HGET", "k", "f")).toBe(bulk("one"));
    expect(h.run("HMGET", "k", "g", "none", "f")).toBe(`*3\r\n${bulk("two")}${NIL}${bulk("one")}`);
    expect(h.run("HSTRLEN", "k", "g")).toBe(":3\r\n");
    expect(h.run("HEXISTS", "k", "g")).toBe(":1\r\n");
    expect(h.run("HEXISTS", "k", "h")).toBe(":0\r\n");
    expect(h.run("HLEN", "k")).toBe(`:${2 + prepare.length / 2}\r\n`);
    expect(h.run("HSET", "k", "g", "another value", "h", "")).toBe(":1\r\n");
    expect(h.run("HDEL", "k", "f", "f", "none")).toBe(":1\r\n");
    expect(pairsOf(h.run("HGETALL", "k"))).toEqual({
      ...(prepare.length > 0 ? { [prepare[0]!]: prepare[1] } : {}),
      g: "another value",
      h: "",
    });
    expect(texts(h.run("HKEYS", "k")).sort()).toEqual(["g", "h", ...prepare.slice(0, 1)]);
    expect(texts(h.run("HVALS", "k")).sort()).toEqual(["", "another value", ...prepare.slice(1)]);
    engine.verify();
  });

  it("is no key any more without fields", () => {
    const { h, engine } = start();
    h.run("HSET", "k", "f", "1", "g", "2");
    expect(h.effectsOf("HDEL", "k", "f", "g", "long", "more")).toEqual(["HDEL k f g long more"]);
    expect(h.run("EXISTS", "k")).toBe(":0\r\n");
    engine.verify();
  });

  it("keeps the key's expiry when fields change", () => {
    const { h } = start();
    h.run("HSET", "k", "f", "1");
    h.run("PEXPIREAT", "k", "1800000000000");
    h.run("HSET", "k", "g", "x".repeat(3));
    h.run("HINCRBY", "k", "f", "1000000");
    h.run("HDEL", "k", "g");
    h.run("HSET", "k", "big", "x".repeat(5000));
    expect(h.run("PEXPIRETIME", "k")).toBe(":1800000000000\r\n");
  });

  it("counts with integers and floats", () => {
    const { h } = start();
    expect(h.run("HINCRBY", "k", "n", "9")).toBe(":9\r\n");
    expect(h.run("HINCRBY", "k", "n", "-8")).toBe(":1\r\n");
    expect(h.run("HINCRBY", "k", "n", "9223372036854775806")).toBe(":9223372036854775807\r\n");
    expect(h.run("HINCRBY", "k", "n", "1")).toBe("-ERR increment or decrement would overflow\r\n");
    expect(h.run("HINCRBY", "k", "n", "x")).toBe("-ERR value is not an integer or out of range\r\n");
    h.run("HSET", "k", "t", "text");
    expect(h.run("HINCRBY", "k", "t", "1")).toBe("-ERR hash value is not an integer\r\n");
    expect(h.run("HINCRBYFLOAT", "k", "t", "1")).toBe("-ERR hash value is not a float\r\n");
    expect(h.effectsOf("HINCRBYFLOAT", "k", "x", "0.1")).toEqual(["HSET k x 0.1"]);
    expect(h.effectsOf("HINCRBYFLOAT", "k", "x", "0.2")).toEqual(["HSET k x 0.3"]);
    expect(h.effectsOf("HINCRBY", "k", "i", "5")).toEqual(["HINCRBY k i 5"]);
  });

  it("answers random fields: one, different ones, repeating ones", () => {
    const { h } = start();
    const fields = Array.from({ length: 40 }, (_, i) => `f${i}`);
    h.run("HSET", "k", ...fields.flatMap((field) => [field, `v${field}`]));
    const all = new Set([...fields, ...prepare.slice(0, 1)]);
    expect(all).toContain(texts(`*1\r\n${h.run("HRANDFIELD", "k")}`)[0]);
    for (const count of [1, 7, 20, 39, 41, 100]) {
      const drawn = texts(h.run("HRANDFIELD", "k", String(count)));
      expect(drawn).toHaveLength(Math.min(count, all.size));
      expect(new Set(drawn).size).toBe(drawn.length);
      for (const field of drawn) expect(all).toContain(field);
    }
    expect(texts(h.run("HRANDFIELD", "k", "-100"))).toHaveLength(100);
    expect(h.run("HRANDFIELD", "k", "0")).toBe("*0\r\n");
    const both = texts(h.run("HRANDFIELD", "k", "-30", "WITHVALUES"));
    for (let i = 0; i < both.length; i += 2) {
      if (both[i] !== prepare[0]) expect(both[i + 1]).toBe(`v${both[i]}`);
    }
    const seen = new Set(texts(h.run("HRANDFIELD", "k", "-2000")));
    expect(seen.size).toBe(all.size);
  });

  it("is scanned as a whole in the end", () => {
    const { h } = start();
    const fields = Array.from({ length: 300 }, (_, i) => `field:${i}`);
    h.run("HSET", "k", ...fields.flatMap((field) => [field, "v"]));
    const seen = new Set<string>();
    let cursor = "0";
    do {
      const reply = h.run("HSCAN", "k", cursor, "COUNT", "5", "NOVALUES", "MATCH", "field:*");
      cursor = reply.split("\r\n")[2]!;
      for (const field of texts(reply.slice(reply.lastIndexOf("*")))) seen.add(field);
    } while (cursor !== "0");
    expect([...seen].sort()).toEqual([...fields].sort());
  });
});

describe("the form of a hash", () => {
  it("follows the limits, and the size of its record apart from them", () => {
    const { h, engine } = hashRig();
    h.run("HSET", "k", "f", "v");
    expect(encodingOf(h, "k")).toBe("listpack");
    const pairs = Array.from({ length: 100 }, (_, i) => [`f${i}`, "x".repeat(60)]).flat();
    h.run("HSET", "k", ...pairs);
    expect(encodingOf(h, "k")).toBe("listpack");
    expect(engine.memory().structures).toBe(1);
    h.run("HSET", "k", "f", "x".repeat(64));
    expect(encodingOf(h, "k")).toBe("listpack");
    h.run("HSET", "k", "f", "x".repeat(65));
    expect(encodingOf(h, "k")).toBe("hashtable");
    h.run("HDEL", "k", "f");
    expect(encodingOf(h, "k")).toBe("hashtable");
    expect(h.run("HLEN", "k")).toBe(":100\r\n");
    h.run("DEL", "k");
    expect(engine.memory().structures).toBe(0);
    h.run("HSET", "n", ...Array.from({ length: 512 }, (_, i) => [`${i}`, "1"]).flat());
    expect(encodingOf(h, "n")).toBe("listpack");
    h.run("HSETNX", "n", "one more", "1");
    expect(encodingOf(h, "n")).toBe("hashtable");
    expect(h.run("HLEN", "n")).toBe(":513\r\n");
    engine.verify();
  });

  it("meets a lowered limit at the next change", () => {
    const { h } = hashRig();
    h.run("HSET", "k", "a", "1", "b", "2", "c", "3");
    h.context.limits.hashEntriesMax = 2;
    expect(encodingOf(h, "k")).toBe("listpack");
    h.run("HINCRBY", "k", "a", "1");
    expect(encodingOf(h, "k")).toBe("hashtable");
    expect(pairsOf(h.run("HGETALL", "k"))).toEqual({ a: "2", b: "2", c: "3" });
  });

  it("is copied, renamed and measured with its fields", () => {
    const { h, engine } = hashRig();
    h.run("HSET", "k", "f", "x".repeat(100), "g", "1");
    expect(h.run("COPY", "k", "copy")).toBe(":1\r\n");
    h.run("HSET", "copy", "f", "other");
    expect(h.run("HGET", "k", "f")).toBe(bulk("x".repeat(100)));
    h.run("RENAME", "copy", "name");
    expect(pairsOf(h.run("HGETALL", "name"))).toEqual({ f: "other", g: "1" });
    expect(encodingOf(h, "name")).toBe("hashtable");
    engine.verify();
  });
});

describe("hash commands", () => {
  it("refuse other types and change nothing", () => {
    const { h } = hashRig();
    h.run("SET", "s", "text");
    const commands = [
      ["HSET", "s", "f", "v"],
      ["HSETNX", "s", "f", "v"],
      ["HMSET", "s", "f", "v"],
      ["HGET", "s", "f"],
      ["HMGET", "s", "f"],
      ["HGETALL", "s"],
      ["HKEYS", "s"],
      ["HVALS", "s"],
      ["HLEN", "s"],
      ["HSTRLEN", "s", "f"],
      ["HEXISTS", "s", "f"],
      ["HDEL", "s", "f"],
      ["HINCRBY", "s", "f", "1"],
      ["HINCRBYFLOAT", "s", "f", "1"],
      ["HRANDFIELD", "s"],
      ["HRANDFIELD", "s", "2"],
      ["HSCAN", "s", "0"],
      ["HEXPIRE", "s", "10", "FIELDS", "1", "f"],
      ["HTTL", "s", "FIELDS", "1", "f"],
      ["HPERSIST", "s", "FIELDS", "1", "f"],
    ];
    for (const command of commands) {
      expect([command[0], h.run(...command)]).toEqual([command[0], WRONG_TYPE]);
      expect(h.effectsOf(...command)).toEqual([]);
    }
    expect(h.run("GET", "s")).toBe(bulk("text"));
  });

  it("answer for an absent key as for an empty hash, and make none", () => {
    const { h } = hashRig();
    expect(h.run("HGETALL", "k")).toBe("*0\r\n");
    expect(h.run("HKEYS", "k")).toBe("*0\r\n");
    expect(h.run("HLEN", "k")).toBe(":0\r\n");
    expect(h.run("HMGET", "k", "a", "b")).toBe(`*2\r\n${NIL}${NIL}`);
    expect(h.run("HRANDFIELD", "k")).toBe(NIL);
    expect(h.run("HRANDFIELD", "k", "5")).toBe("*0\r\n");
    expect(h.run("HSCAN", "k", "0")).toBe("*2\r\n$1\r\n0\r\n*0\r\n");
    expect(h.run("HDEL", "k", "f")).toBe(":0\r\n");
    expect(h.run("HINCRBYFLOAT", "k", "f", "nan")).toBe("-ERR value is not a valid float\r\n");
    expect(h.run("EXISTS", "k")).toBe(":0\r\n");
    expect(h.effects.take()).toEqual([]);
  });

  it("answer maps and pairs in RESP3", () => {
    const { h } = hashRig({ resp: 3 });
    h.run("HSET", "k", "f", "v");
    expect(h.run("HGETALL", "k")).toBe(`%1\r\n${bulk("f")}${bulk("v")}`);
    expect(h.run("HRANDFIELD", "k", "1", "WITHVALUES")).toBe(`*1\r\n*2\r\n${bulk("f")}${bulk("v")}`);
    expect(h.run("HGET", "k", "none")).toBe("_\r\n");
    expect(h.run("HGETALL", "none")).toBe("%0\r\n");
  });

  it("keep every byte of fields and values, also empty and large ones", () => {
    const { h, engine } = hashRig();
    const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
    const large = new Uint8Array(3_000_000).fill(7);
    h.run("HSET", "k", "", "", binary, binary.slice(100), "large", large);
    expect(h.run("HGET", "k", "")).toBe("$0\r\n\r\n");
    expect(h.run("HGET", "k", binary)).toBe(bulk(Buffer.from(binary.slice(100)).toString("latin1")));
    expect(h.run("HSTRLEN", "k", "large")).toBe(":3000000\r\n");
    expect(h.run("HGET", "k", "large").length).toBe(3_000_000 + 12);
    h.run("HSET", "k", large, "field of three million bytes");
    expect(h.run("HGET", "k", large)).toBe(bulk("field of three million bytes"));
    h.run("DEL", "k");
    while (engine.maintain(5)) {}
    expect(engine.memory().heapUsedBytes).toBe(0);
  });
});

/** Fields with times of their own: Redis 7.4's commands, and what becomes of the fields when their time is over. */
import { describe, expect, it } from "vitest";
import { NOTIFY_ALL, NOTIFY_KEYEVENT } from "../../src/commands/notify-events.ts";
import { fieldExpiryTo } from "../../src/database/field-expiry.ts";
import { bulk, type HashRig, hashRig, integers, pairsOf, texts } from "./hash-support.ts";

const NOW = 1_700_000_000_000;

function eventsOf(rig: HashRig): string[] {
  const events: string[] = [];
  rig.h.context.notifications = NOTIFY_ALL | NOTIFY_KEYEVENT;
  rig.h.context.eventSink = {
    publishEvent(_wanted, event, bytes, offset, length) {
      events.push(`${event} ${Buffer.from(bytes.slice(offset, offset + length)).toString("latin1")}`);
    },
  };
  return events;
}

const lines = (rig: HashRig): string[] => rig.h.effects.take().map((effect) => effect.args.join(" "));

describe("times of fields", () => {
  it("are set, told and taken away", () => {
    const { h } = hashRig();
    h.run("HSET", "k", "a", "1", "b", "2", "c", "3");
    expect(h.run("HEXPIRE", "k", "100", "FIELDS", "2", "a", "none")).toBe(integers(1, -2));
    expect(h.run("HPEXPIRE", "k", "1500", "FIELDS", "1", "b")).toBe(integers(1));
    expect(h.run("HTTL", "k", "FIELDS", "4", "a", "b", "c", "none")).toBe(integers(100, 2, -1, -2));
    expect(h.run("HPTTL", "k", "FIELDS", "2", "a", "b")).toBe(integers(100_000, 1500));
    expect(h.run("HEXPIRETIME", "k", "FIELDS", "1", "b")).toBe(integers(NOW / 1000 + 2));
    expect(h.run("HPEXPIRETIME", "k", "FIELDS", "1", "b")).toBe(integers(NOW + 1500));
    expect(h.run("HPERSIST", "k", "FIELDS", "3", "a", "c", "none")).toBe(integers(1, -1, -2));
    expect(h.run("HTTL", "k", "FIELDS", "1", "a")).toBe(integers(-1));
    expect(h.run("HEXPIREAT", "k", "1800000000", "FIELDS", "1", "a")).toBe(integers(1));
    expect(h.run("HPEXPIRETIME", "k", "FIELDS", "1", "a")).toBe(integers(1_800_000_000_000));
    expect(h.run("HTTL", "none", "FIELDS", "2", "a", "b")).toBe(integers(-2, -2));
    expect(h.run("HEXPIRE", "none", "1", "FIELDS", "1", "a")).toBe(integers(-2));
    expect(h.run("HPERSIST", "none", "FIELDS", "1", "a")).toBe(integers(-2));
  });

  it("follow the conditions", () => {
    const { h } = hashRig();
    h.run("HSET", "k", "a", "1", "b", "2");
    const set = (seconds: number, condition: string, field: string): string =>
      h.run("HEXPIRE", "k", seconds, condition, "FIELDS", "1", field);
    expect(set(100, "XX", "a")).toBe(integers(0));
    expect(set(100, "GT", "a")).toBe(integers(0));
    expect(set(100, "nx", "a")).toBe(integers(1));
    expect(set(50, "NX", "a")).toBe(integers(0));
    expect(set(50, "GT", "a")).toBe(integers(0));
    expect(set(150, "gt", "a")).toBe(integers(1));
    expect(set(150, "LT", "a")).toBe(integers(0));
    expect(set(140, "lt", "a")).toBe(integers(1));
    expect(set(200, "XX", "a")).toBe(integers(1));
    expect(set(10, "LT", "b")).toBe(integers(1));
    expect(h.run("HTTL", "k", "FIELDS", "2", "a", "b")).toBe(integers(200, 10));
  });

  it("that are past delete the field, and with the last one the key", () => {
    const made = hashRig();
    const { h } = made;
    const events = eventsOf(made);
    h.run("HSET", "k", "a", "1", "b", "2");
    h.effects.take();
    events.length = 0;
    expect(h.run("HPEXPIREAT", "k", NOW, "FIELDS", "2", "a", "none")).toBe(integers(2, -2));
    expect(h.run("HEXPIRE", "k", "0", "FIELDS", "1", "b")).toBe(integers(2));
    expect(h.run("EXISTS", "k")).toBe(":0\r\n");
    expect(lines(made)).toEqual(["HDEL k a", "HDEL k b"]);
    expect(events).toEqual(["hdel k", "hdel k", "del k"]);
  });

  it("are logged absolute, for the fields that were given them", () => {
    const { h } = hashRig();
    h.run("HSET", "k", "a", "1", "b", "2", "c", "3");
    h.run("HEXPIRE", "k", "5", "FIELDS", "1", "b");
    expect(h.effectsOf("HEXPIRE", "k", "10", "NX", "FIELDS", "4", "a", "b", "none", "c")).toEqual([
      `HPEXPIREAT k ${NOW + 10_000} FIELDS 2 a c`,
    ]);
    expect(h.effectsOf("HEXPIRE", "k", "10", "NX", "FIELDS", "1", "a")).toEqual([]);
    expect(h.effectsOf("HPERSIST", "k", "FIELDS", "2", "a", "x")).toEqual(["HPERSIST k FIELDS 2 a x"]);
    expect(h.effectsOf("HPERSIST", "k", "FIELDS", "1", "a")).toEqual([]);
    expect(h.effectsOf("HINCRBYFLOAT", "k", "b", "0.5")).toEqual([
      "HSET k b 2.5",
      `HPEXPIREAT k ${NOW + 5000} FIELDS 1 b`,
    ]);
  });

  it("go when the field is set, and stay when it is counted", () => {
    const { h } = hashRig();
    h.run("HSET", "k", "a", "1", "b", "2");
    h.run("HEXPIRE", "k", "10", "FIELDS", "2", "a", "b");
    h.run("HINCRBY", "k", "a", "1");
    h.run("HINCRBY", "k", "a", "100000");
    h.run("HINCRBYFLOAT", "k", "a", "1.5");
    h.run("HSET", "k", "b", "2");
    expect(h.run("HTTL", "k", "FIELDS", "2", "a", "b")).toBe(integers(10, -1));
  });

  it("give a compact hash a name of its own", () => {
    const { h } = hashRig();
    h.run("HSET", "k", "a", "1");
    h.run("HEXPIRE", "k", "10", "FIELDS", "1", "a");
    expect(h.run("OBJECT", "ENCODING", "k")).toBe(bulk("listpackex"));
    h.run("HPERSIST", "k", "FIELDS", "1", "a");
    expect(h.run("OBJECT", "ENCODING", "k")).toBe(bulk("listpackex"));
    h.run("HSET", "k", "a", "x".repeat(65));
    expect(h.run("OBJECT", "ENCODING", "k")).toBe(bulk("hashtable"));
    h.run("HSET", "large", "f", "x".repeat(65));
    h.run("HEXPIRE", "large", "10", "FIELDS", "1", "f");
    expect(h.run("OBJECT", "ENCODING", "large")).toBe(bulk("hashtable"));
  });

  it("are refused with Redis's texts", () => {
    const { h } = hashRig();
    h.run("HSET", "k", "a", "1");
    const cases: readonly (readonly [readonly string[], string])[] = [
      [["HEXPIRE", "k", "x", "FIELDS", "1", "a"], "ERR value is not an integer or out of range"],
      [["HEXPIRE", "k", "-1", "FIELDS", "1", "a"], "ERR invalid expire time, must be >= 0"],
      [["HEXPIRE", "k", "70368744178", "FIELDS", "1", "a"], "ERR invalid expire time in 'hexpire' command"],
      [
        ["HPEXPIRE", "k", "70368744177663", "FIELDS", "1", "a"],
        "ERR invalid expire time in 'hpexpire' command",
      ],
      [
        ["HPEXPIREAT", "k", "70368744177664", "FIELDS", "1", "a"],
        "ERR invalid expire time in 'hpexpireat' command",
      ],
      [["HEXPIRE", "k", "1", "FIELDS", "0", "a"], "ERR Parameter `numFields` should be greater than 0"],
      [["HEXPIRE", "k", "1", "FIELDS", "x", "a"], "ERR Parameter `numFields` should be greater than 0"],
      [
        ["HEXPIRE", "k", "1", "FIELDS", "2", "a"],
        "ERR The `numfields` parameter must match the number of arguments",
      ],
      [
        ["HEXPIRE", "k", "1", "FIELDS", "9223372036854775807", "a"],
        "ERR The `numfields` parameter must match the number of arguments",
      ],
      [
        ["HEXPIRE", "k", "1", "bad", "FIELDS", "1", "a"],
        "ERR Mandatory argument FIELDS is missing or not at the right position",
      ],
      [
        ["HTTL", "k", "bad", "1", "a"],
        "ERR Mandatory argument FIELDS is missing or not at the right position",
      ],
      [["HTTL", "k", "FIELDS", "-1", "a"], "ERR Number of fields must be a positive integer"],
      [
        ["HPERSIST", "k", "FIELDS", "1", "a", "b"],
        "ERR The `numfields` parameter must match the number of arguments",
      ],
      [["HTTL", "k", "FIELDS", "1"], "ERR wrong number of arguments for 'httl' command"],
    ];
    for (const [command, text] of cases)
      expect([command, h.run(...command)]).toEqual([command, `-${text}\r\n`]);
    expect(h.run("HTTL", "k", "FIELDS", "1", "a")).toBe(integers(-1));
  });
});

describe("a field whose time is over", () => {
  const start = (): HashRig => {
    const made = hashRig();
    made.h.run("HSET", "k", "a", "1", "b", "2", "c", "3");
    made.h.run("HPEXPIRE", "k", "100", "FIELDS", "2", "a", "b");
    made.h.effects.take();
    return made;
  };

  it("is there at its last millisecond and gone at the next", () => {
    const { h, pass } = start();
    pass(100);
    expect(h.run("HGET", "k", "a")).toBe(bulk("1"));
    pass(1);
    expect(h.run("HGET", "k", "a")).toBe("$-1\r\n");
    expect(h.run("HLEN", "k")).toBe(":1\r\n");
    expect(pairsOf(h.run("HGETALL", "k"))).toEqual({ c: "3" });
  });

  it.each([
    ["HGETALL", "k"],
    ["HKEYS", "k"],
    ["HLEN", "k"],
    ["HSET", "k", "x", "1"],
    ["HDEL", "k", "a"],
    ["HRANDFIELD", "k", "5"],
    ["HSCAN", "k", "0"],
  ])("is removed and logged by whoever opens the hash: %s", (...command) => {
    const made = start();
    made.pass(101);
    made.h.run(...command);
    const effects = lines(made);
    expect(effects.slice(0, 2).sort()).toEqual(["HDEL k a", "HDEL k b"]);
    expect(effects.slice(2)).toEqual(command[0] === "HSET" ? ["HSET k x 1"] : []);
  });

  it("counts as absent for what follows, also in replay", () => {
    const made = start();
    const { h, pass } = made;
    pass(101);
    expect(h.run("HINCRBY", "k", "a", "5")).toBe(":5\r\n");
    expect(h.run("HSETNX", "k", "b", "new")).toBe(":1\r\n");
    expect(h.run("HTTL", "k", "FIELDS", "2", "a", "b")).toBe(integers(-1, -1));
    const replayed = hashRig();
    replayed.h.run("HSET", "k", "a", "1", "b", "2", "c", "3");
    replayed.h.run("HPEXPIRE", "k", "100", "FIELDS", "2", "a", "b");
    replayed.pass(1_000_000);
    replayed.h.replay(h.effects.take());
    expect(pairsOf(replayed.h.run("HGETALL", "k"))).toEqual({ a: "5", b: "new", c: "3" });
  });

  it("takes the key with it when it was the last, and the key's expiry is not inherited", () => {
    const made = hashRig();
    const { h, pass, engine } = made;
    const events = eventsOf(made);
    h.run("HSET", "k", "a", "1");
    h.run("EXPIRE", "k", "1000");
    h.run("HPEXPIRE", "k", "100", "FIELDS", "1", "a");
    pass(101);
    events.length = 0;
    h.effects.take();
    expect(h.run("HSET", "k", "a", "2")).toBe(":1\r\n");
    expect(lines(made)).toEqual(["HDEL k a", "HSET k a 2"]);
    expect(events).toEqual(["hexpired k", "del k", "hset k"]);
    expect(h.run("TTL", "k")).toBe(":-1\r\n");
    engine.verify();
  });

  it("stays in replay, where the log says what goes", () => {
    const made = start();
    made.pass(1000);
    made.h.keyspace.expireOnAccess = false;
    expect(made.h.run("HGET", "k", "a")).toBe(bulk("1"));
    expect(made.h.run("HPEXPIREAT", "k", NOW + 5, "FIELDS", "1", "c")).toBe(integers(1));
    expect(made.h.run("HLEN", "k")).toBe(":3\r\n");
    made.h.keyspace.expireOnAccess = true;
    expect(made.h.run("EXISTS", "k")).toBe(":1\r\n");
    expect(made.h.run("HLEN", "k")).toBe(":0\r\n");
    expect(made.h.run("EXISTS", "k")).toBe(":0\r\n");
  });

  it("changes the key's version, so that WATCH sees it", () => {
    const { h, pass } = start();
    const version = (): number => {
      h.run("EXISTS", "k");
      return h.keyspace.version;
    };
    const before = version();
    pass(101);
    h.run("HLEN", "k");
    const removed = version();
    expect(removed).not.toBe(before);
    h.run("HSET", "k", "d", "1");
    expect(version()).not.toBe(removed);
  });
});

describe("the engine's cycle", () => {
  it("removes due fields of hashes that nobody opens, whatever their number", () => {
    const made = hashRig();
    const { h, engine, pass } = made;
    const events = eventsOf(made);
    engine.fieldExpiryListener = fieldExpiryTo(h.effects, h.context);
    const keys = 20;
    for (let key = 0; key < keys; key++) {
      const fields = Array.from({ length: 700 }, (_, i) => `f${i}`);
      h.run("HSET", `k${key}`, ...fields.flatMap((field) => [field, "v"]));
      h.run("HPEXPIRE", `k${key}`, 100 + key, "FIELDS", 600, ...fields.slice(0, 600));
    }
    h.run("HSET", "all", "a", "1");
    h.run("HPEXPIRE", "all", "50", "FIELDS", "1", "a");
    h.effects.take();
    events.length = 0;
    engine.expireSlice(1000);
    expect(lines(made)).toEqual([]);
    pass(110);
    for (let i = 0; i < 50; i++) engine.expireSlice(1);
    const effects = lines(made);
    expect(effects).toHaveLength(600 * 10 + 1);
    expect(effects).toContain("HDEL all a");
    expect(events.filter((event) => event === "del all")).toHaveLength(1);
    expect(h.run("EXISTS", "all")).toBe(":0\r\n");
    for (let key = 0; key < keys; key++)
      expect(h.run("HLEN", `k${key}`)).toBe(key < 10 ? ":100\r\n" : ":700\r\n");
    pass(1000);
    for (let i = 0; i < 50; i++) engine.expireSlice(1);
    expect(lines(made)).toHaveLength(6000);
    expect(texts(h.run("HKEYS", "k15"))).toHaveLength(100);
    engine.verify();
  });

  it("leaves a key alone whose own time is over", () => {
    const made = hashRig();
    const { h, engine, pass } = made;
    engine.fieldExpiryListener = fieldExpiryTo(h.effects, h.context);
    h.run("HSET", "k", "a", "1", "b", "2");
    h.run("HPEXPIRE", "k", "100", "FIELDS", "1", "a");
    h.run("PEXPIRE", "k", "100");
    h.effects.take();
    pass(101);
    engine.expireSlice(1000);
    expect(lines(made)).toEqual(["DEL k"]);
    engine.verify();
  });
});

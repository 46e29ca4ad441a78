import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";

const fresh = (): Config => loadConfig({ workingFolder: "/srv" });
const get = (config: Config, ...patterns: string[]): Record<string, string> =>
  Object.fromEntries(config.getByGlob(patterns));
const failed = (name: string, reason: string): string =>
  `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;

describe("CONFIG SET", () => {
  it.each([
    ["maxmemory", "100mb", "104857600"],
    ["maxmemory", "1k", "1000"],
    ["maxmemory-policy", "ALLKEYS-lru", "allkeys-lru"],
    ["appendfsync", "always", "always"],
    ["timeout", "60", "60"],
    ["HZ", "20", "20"],
    ["hz", "99999", "500"],
    ["requirepass", "pässword x", "pässword x"],
    ["protected-mode", "no", "no"],
    ["slowlog-log-slower-than", "-1", "-1"],
    ["hash-max-ziplist-entries", "600", "600"],
    [
      "client-output-buffer-limit",
      "pubsub 64mb 16mb 90",
      "normal 0 0 0 slave 268435456 67108864 60 pubsub 67108864 16777216 90",
    ],
    ["notify-keyspace-events", "EKxeg$", "g$xeKE"],
    ["notify-keyspace-events", "AKKE$x", "AKE"],
    ["notify-keyspace-events", "mEKlg$shzxetdn", "AKEm"],
    ["notify-keyspace-events", "mnKE", "nKEm"],
    ["notify-keyspace-events", "", ""],
    ["client-output-buffer-limit", "replica 0 0 0", "normal 0 0 0 slave 0 0 0 pubsub 33554432 8388608 60"],
    ["save", "", ""],
    ["replica-read-only", "yes", "yes"],
    ["port", "6379", "6379"],
  ])("%s %s reads back as %s", (name, value, shown) => {
    const config = fresh();
    expect(config.setLive([[name, value]])).toBeUndefined();
    expect(get(config, name)).toEqual({ [name]: shown });
  });

  it("shows an alias and its option as the same value", () => {
    const config = fresh();
    config.setLive([["hash-max-ziplist-entries", "600"]]);
    expect(get(config, "hash-max-*-entries")).toEqual({
      "hash-max-listpack-entries": "600",
      "hash-max-ziplist-entries": "600",
    });
  });

  it.each([
    ["maxmemory", "abc", "argument must be a memory value"],
    ["maxmemory", "-5", "argument must be a memory value"],
    [
      "maxmemory-policy",
      "foo",
      "argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction",
    ],
    ["hz", "abc", "argument couldn't be parsed into an integer"],
    ["hz", "10.5", "argument couldn't be parsed into an integer"],
    ["timeout", "-1", "argument must be between 0 and 2147483647 inclusive"],
    ["timeout", "9999999999", "argument must be between 0 and 2147483647 inclusive"],
    ["appendonly", "maybe", "argument must be 'yes' or 'no'"],
    ["appendfsync", "x", "argument(s) must be one of the following: everysec, always, no"],
    ["loglevel", "foo", "argument(s) must be one of the following: debug, verbose, notice, warning"],
    ["save", "900", "Invalid save parameters"],
    ["save", "x 1", "Invalid save parameters"],
    ["slowlog-max-len", "-5", "argument must be between 0 and 9223372036854775807 inclusive"],
    ["maxmemory-samples", "0", "argument must be between 1 and 2147483647 inclusive"],
    ["maxclients", "0", "argument must be between 1 and 4294967295 inclusive"],
    ["proto-max-bulk-len", "100", "argument must be between 1048576 and 536870912 inclusive"],
    ["client-output-buffer-limit", "normal 0 0", "Wrong number of arguments in buffer limit configuration."],
    [
      "client-output-buffer-limit",
      "foo 0 0 0",
      "Invalid client class specified in buffer limit configuration.",
    ],
    [
      "client-output-buffer-limit",
      "normal x 0 0",
      "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
    ],
    ["databases", "5", "can't set immutable config"],
    ["databases", "16", "can't set immutable config"],
    ["appendfilename", "x", "can't set immutable config"],
    ["dir", "/tmp", "can't set protected config"],
    ["port", "7000", "this version cannot change it at run time; set server.port and restart"],
    ["io-threads", "4", "this version supports no other value than '1'"],
    ["notify-keyspace-events", "KEq", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."],
  ])("%s %s is refused in Redis's words", (name, value, reason) => {
    const config = fresh();
    const before = get(config, "*");
    expect(config.setLive([[name, value]])).toBe(failed(name, reason));
    expect(get(config, "*")).toEqual(before);
  });

  it("names an unknown parameter and a duplicate", () => {
    expect(
      fresh().setLive([
        ["maxmemory", "1"],
        ["foo", "bar"],
      ]),
    ).toBe("ERR Unknown option or number of arguments for CONFIG SET - 'foo'");
    expect(
      fresh().setLive([
        ["hz", "10"],
        ["HZ", "20"],
      ]),
    ).toBe(failed("HZ", "duplicate parameter"));
    expect(
      fresh().setLive([
        ["hash-max-listpack-entries", "1"],
        ["hash-max-ziplist-entries", "2"],
      ]),
    ).toBe(failed("hash-max-ziplist-entries", "duplicate parameter"));
  });

  it("takes all pairs or none", () => {
    const config = fresh();
    expect(
      config.setLive([
        ["maxmemory", "100mb"],
        ["hz", "abc"],
      ]),
    ).toBe(failed("hz", "argument couldn't be parsed into an integer"));
    expect(config.values.storage.max_memory).toBe(0);
    expect(
      config.setLive([
        ["maxmemory", "100mb"],
        ["hz", "50"],
      ]),
    ).toBeUndefined();
    expect([config.values.storage.max_memory, config.values.server.hz]).toEqual([104_857_600, 50]);
  });

  it("tells listeners, and undoes everything when one of them cannot", () => {
    const config = fresh();
    const seen: unknown[] = [];
    config.onChange("server.hz", (value) => seen.push(["hz", value]));
    const stop = config.onChange("server.max_clients", (value) => {
      seen.push(["max_clients", value]);
      if (value > 20_000)
        throw new Error("The operating system is not able to handle the specified number of clients");
    });
    config.onChange("server.timeout", (value) => seen.push(["timeout", value]));

    const refused = config.setLive([
      ["hz", "50"],
      ["maxclients", "30000"],
      ["timeout", "5"],
    ]);
    expect(refused).toBe(
      failed("maxclients", "The operating system is not able to handle the specified number of clients"),
    );
    expect(config.values.server).toMatchObject({ hz: 10, max_clients: 10_000, timeout: 0 });
    expect(config.sourceOf("server.hz")).toBe("default");
    expect(seen).toEqual([
      ["hz", 50],
      ["max_clients", 30_000],
      ["hz", 10],
      ["max_clients", 10_000],
    ]);

    stop();
    expect(config.setLive([["maxclients", "30000"]])).toBeUndefined();
    expect(config.sourceOf("server.max_clients")).toBe("CONFIG SET");
  });
});

describe("CONFIG GET", () => {
  it("matches names as globs in any case, each once, and echoes an exact name as it was asked for", () => {
    const config = fresh();
    expect(get(config, "maxmemory*")).toEqual({
      maxmemory: "0",
      "maxmemory-policy": "noeviction",
      "maxmemory-samples": "5",
      "maxmemory-clients": "0",
    });
    expect(config.getByGlob(["HZ", "hz", "h?"])).toEqual([["HZ", "10"]]);
    expect(config.getByGlob(["nothing", "no*thing"])).toEqual([]);
    expect(config.getByGlob(["APPEND*"]).map(([name]) => name)).toEqual([
      "appendonly",
      "appendfsync",
      "appendfilename",
      "appenddirname",
    ]);
  });

  it("answers what clients probe for", () => {
    const config = fresh();
    expect(
      get(config, "save", "appendonly", "dir", "databases", "bind", "cluster-enabled", "unixsocketperm"),
    ).toEqual({
      save: "",
      appendonly: "yes",
      dir: "/srv/data",
      databases: "16",
      bind: "127.0.0.1",
      "cluster-enabled": "no",
      unixsocketperm: "0",
    });
  });
});

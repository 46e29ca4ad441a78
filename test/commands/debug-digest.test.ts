/** DEBUG DIGEST and DIGEST-VALUE: the signatures that redis-server gives the same data. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromLatin1 } from "../../src/base/bytes.ts";
import { ValueDigest } from "../../src/commands/debug-digest-format.ts";
import { RedisServer, requireRedis } from "../support/redis-server.ts";
import type { Command, RespClient } from "../support/resp-client.ts";
import { itemsOf, textOf } from "../support/resp-value.ts";
import { ServerBench } from "./server-support.ts";

const ZEROS = "0".repeat(40);
const reason = requireRedis();

const STRINGS: readonly Command[] = [
  ["SET", "a", "1"],
  ["SET", "b", "text"],
  ["SET", "", ""],
  ["SET", "\xff\x00\r\n", "\x00\xfe"],
  ["SET", "long", "x".repeat(100_000)],
  ["SET", "volatile", "v", "PX", "100000000"],
  ["SETBIT", "bits", "1000", "1"],
  ["INCRBY", "number", "9223372036854775807"],
  ["SELECT", "3"],
  ["SET", "a", "1"],
  ["SET", "other", "w"],
];

/** The number of no type. */
const UNKNOWN_TYPE = 15;

// Without -0: Redis keeps it in large sorted sets and makes it 0 in small ones.
const SCORES = [0, 1, -1.5, 0.1, 1e21, 123456789.125, 2 ** 53, 5e-324, Infinity, -Infinity];
const part = (text: string): [Uint8Array, number, number] => [fromLatin1(text), 0, text.length];

interface TypeCase {
  readonly name: string;
  readonly redisType: number;
  readonly commands: readonly Command[];
  readonly feed: (value: ValueDigest) => void;
}

/** Types whose elements are told by hand here; in the server their sources tell them. */
const OTHER_TYPES: readonly TypeCase[] = [
  {
    name: "lists",
    redisType: 1,
    commands: [["RPUSH", "k", "a", "7", "", "a"]],
    feed: (value) => {
      for (const element of ["a", "7", "", "a"]) value.listElement(...part(element));
    },
  },
  {
    name: "sets of integers",
    redisType: 2,
    commands: [["SADD", "k", "3", "-1", "20"]],
    feed: (value) => {
      for (const member of ["20", "3", "-1"]) value.setMember(...part(member));
    },
  },
  {
    name: "sets of texts that expire",
    redisType: 2,
    commands: [
      ["SADD", "k", "b", "a", "x".repeat(100)],
      ["EXPIRE", "k", "1000"],
    ],
    feed: (value) => {
      for (const member of ["x".repeat(100), "a", "b"]) value.setMember(...part(member));
    },
  },
  {
    name: "sorted sets",
    redisType: 3,
    commands: [["ZADD", "k", ...SCORES.flatMap((score, i) => [scoreText(score), `m${i}`])]],
    feed: (value) => {
      SCORES.forEach((score, i) => {
        value.sortedSetMember(...part(`m${i}`), score);
      });
    },
  },
  {
    name: "sorted sets of many members",
    redisType: 3,
    commands: [["ZADD", "k", ...Array.from({ length: 300 }, (_, i) => [`${i}.7`, `${i}`]).flat()]],
    feed: (value) => {
      for (let i = 299; i >= 0; i--) value.sortedSetMember(...part(`${i}`), Number(`${i}.7`));
    },
  },
  {
    name: "hashes",
    redisType: 4,
    commands: [["HSET", "k", "f", "v", "g", "12", "", ""]],
    feed: (value) => {
      value.hashField(...part(""), ...part(""));
      value.hashField(...part("f"), ...part("v"));
      value.hashField(...part("g"), ...part("12"));
    },
  },
  {
    name: "streams",
    redisType: 6,
    commands: [
      ["XADD", "k", "5-1", "a", "1", "b", "2"],
      ["XADD", "k", "18446744073709551615-3", "a", "1"],
    ],
    feed: (value) => {
      value.streamEntry("5", "1");
      value.streamField(...part("a"), ...part("1"));
      value.streamField(...part("b"), ...part("2"));
      value.streamEntry("18446744073709551615", "3");
      value.streamField(...part("a"), ...part("1"));
    },
  },
];

function scoreText(score: number): string {
  if (!Number.isFinite(score)) return score > 0 ? "inf" : "-inf";
  return String(score);
}

function bytesOf(command: Command): Uint8Array[] {
  return command.map((word) => (typeof word === "string" ? fromLatin1(word) : word));
}

/** Executes SELECT as the session would; everything else as it stands. */
function fill(bench: ServerBench, commands: readonly Command[]): void {
  for (const command of commands) {
    if (command[0] === "SELECT") bench.client.db = Number(command[1]);
    else bench.run(...bytesOf(command));
  }
}

describe("a signature", () => {
  const digest = (...commands: Command[]): string => {
    const bench = new ServerBench();
    fill(bench, commands);
    return bench.run("DEBUG", "DIGEST");
  };

  it("of nothing is zero", () => {
    expect(digest()).toBe(`+${ZEROS}\r\n`);
    expect(new ServerBench().run("DEBUG", "DIGEST-VALUE", "none")).toBe(`*1\r\n+${ZEROS}\r\n`);
    expect(new ServerBench().run("DEBUG", "DIGEST-VALUE")).toBe("*0\r\n");
  });

  it("depends on keys, values, databases and whether there is an expiry, not on the order of writes or when it is due", () => {
    const one = digest(["SET", "a", "1"], ["SET", "b", "2"]);
    expect(digest(["SET", "b", "2"], ["SET", "a", "1"])).toBe(one);
    expect(digest(["SET", "a", "2"], ["SET", "b", "1"])).not.toBe(one);
    expect(digest(["SELECT", "1"], ["SET", "a", "1"], ["SET", "b", "2"])).not.toBe(one);
    const volatile = digest(["SET", "a", "1", "EX", "100"], ["SET", "b", "2"]);
    expect(volatile).not.toBe(one);
    expect(digest(["SET", "a", "1", "EX", "2000"], ["SET", "b", "2"])).toBe(volatile);
  });

  it("leaves keys as it found them", () => {
    const bench = new ServerBench();
    bench.run("SET", "a", "1");
    const { hits, misses } = bench.keyspace;
    bench.run("DEBUG", "DIGEST");
    bench.run("DEBUG", "DIGEST-VALUE", "a", "none");
    expect([bench.keyspace.hits, bench.keyspace.misses]).toEqual([hits, misses]);
  });

  it("is refused, not guessed, for values that cannot be read", () => {
    const bench = new ServerBench();
    const key = fromLatin1("h");
    bench.keyspace.put(0, key, 0, 1, UNKNOWN_TYPE, 0, key, 0, 1, -1);
    expect(bench.run("DEBUG", "DIGEST")).toMatch(/^-ERR/);
    expect(bench.run("DEBUG", "DIGEST-VALUE", "h")).toMatch(/^\*1\r\n-ERR/);
  });
});

describe.skipIf(reason !== undefined)(`signatures beside redis-server${reason ? ` (${reason})` : ""}`, () => {
  let server: RedisServer;
  let redis: RespClient;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = await server.client();
  });
  afterAll(async () => {
    await redis?.close();
    await server?.stop();
  });

  it("of strings in several databases are the same", async () => {
    const bench = new ServerBench();
    fill(bench, STRINGS);
    await redis.pipeline(STRINGS.map(bytesOf));
    expect(bench.run("DEBUG", "DIGEST")).toBe(`+${textOf(await redis.ask("DEBUG", "DIGEST"))}\r\n`);
    await redis.ask("SELECT", "0");
    bench.client.db = 0;
    const keys = STRINGS.filter(([name]) => name !== "SELECT").map((command) => command[1]!);
    const question = bytesOf(["DEBUG", "DIGEST-VALUE", ...keys]);
    const [theirs] = await redis.pipeline([question]);
    expect(bench.run(...question)).toBe(theirs!.toString("latin1"));
  });

  for (const { name, redisType, commands, feed } of OTHER_TYPES) {
    it(`of ${name} follow its rules`, async () => {
      await redis.pipeline([["DEL", "k"], ...commands]);
      const value = new ValueDigest();
      value.begin(redisType);
      feed(value);
      value.end(commands.some(([word]) => word === "EXPIRE"));
      const [theirs] = itemsOf(await redis.ask("DEBUG", "DIGEST-VALUE", "k"));
      expect(value.signature.text()).toBe(textOf(theirs!));
    });
  }
});

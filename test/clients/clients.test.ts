/** The clients that Node applications use, unchanged: what they send by themselves, and their own parsers, against the server. */
import KeyvRedis from "@keyv/redis";
import { RedisStore } from "connect-redis";
import { Redis } from "ioredis";
import { Keyv } from "keyv";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FerriteServer } from "../support/ferrite-server.ts";
import { temporaryFolder } from "../support/temp.ts";

type SessionData = Parameters<RedisStore["set"]>[1];

let server: FerriteServer;
let url: string;

beforeAll(async () => {
  server = await FerriteServer.start({ dataDir: temporaryFolder("clients") });
  url = `redis://127.0.0.1:${server.port}`;
});
afterAll(() => server.stop());

/** Resolves with the first value given to the function that `listen` is called with. */
function first<T>(listen: (give: (value: T) => void) => void): Promise<T> {
  return new Promise((resolve) => listen(resolve));
}

describe("ioredis", () => {
  const connected = (): Redis => new Redis(server.port, "127.0.0.1");

  it("reads and writes every type, pipelines, transactions and scans", async () => {
    const client = connected();
    expect(await client.set("io:s", "1", "EX", 100)).toBe("OK");
    expect(await client.get("io:s")).toBe("1");
    expect(await client.getBuffer("io:s")).toEqual(Buffer.from("1"));
    await client.hset("io:h", { a: 1, b: "two" });
    expect(await client.hgetall("io:h")).toEqual({ a: "1", b: "two" });
    await client.rpush("io:l", "x", "y", "z");
    expect(await client.lrange("io:l", 0, -1)).toEqual(["x", "y", "z"]);
    await client.sadd("io:set", "m", "n");
    expect((await client.smembers("io:set")).sort()).toEqual(["m", "n"]);
    await client.zadd("io:z", "2", "b", "1", "a");
    expect(await client.zrange("io:z", "0", "-1", "WITHSCORES")).toEqual(["a", "1", "b", "2"]);
    expect(await client.multi().incr("io:c").get("io:c").exec()).toEqual([
      [null, 1],
      [null, "1"],
    ]);
    const pipeline = client.pipeline();
    for (let i = 0; i < 50; i++) pipeline.set(`io:k${i}`, i);
    expect(await pipeline.exec()).toHaveLength(50);
    const keys = new Set<string>();
    for await (const found of client.scanStream({ match: "io:k*" })) for (const key of found) keys.add(key);
    expect(keys.size).toBe(50);
    await expect(client.lpush("io:s", "x")).rejects.toThrow("WRONGTYPE");
    await client.quit();
  });

  it("subscribes, and waits for a list", async () => {
    const client = connected();
    const other = connected();
    await other.subscribe("io:channel");
    await other.psubscribe("io:pattern:*");
    const message = first<string>((give) => other.on("message", (_channel, text) => give(text)));
    const matched = first<string>((give) => other.on("pmessage", (_pattern, channel) => give(channel)));
    expect(await client.publish("io:channel", "hello")).toBe(1);
    expect(await client.publish("io:pattern:7", "x")).toBe(1);
    expect([await message, await matched]).toEqual(["hello", "io:pattern:7"]);
    expect(await client.blpop("io:none", 0.05)).toBeNull();
    const waiting = connected();
    const popped = waiting.blpop("io:queue", 0);
    await client.rpush("io:queue", "job");
    expect(await popped).toEqual(["io:queue", "job"]);
    await Promise.all([client.quit(), other.quit(), waiting.quit()]);
  });
});

describe.each([2, 3] as const)("node-redis over RESP%d", (RESP) => {
  it("reads and writes every type, transactions and scans", async () => {
    const client = createClient({ url, RESP });
    await client.connect();
    const key = (name: string): string => `nr${RESP}:${name}`;
    await client.set(key("s"), "1", { EX: 100 });
    expect(await client.get(key("s"))).toBe("1");
    await client.hSet(key("h"), { a: 1, b: 2 });
    expect({ ...(await client.hGetAll(key("h"))) }).toEqual({ a: "1", b: "2" });
    await client.rPush(key("l"), ["x", "y"]);
    expect(await client.lRange(key("l"), 0, -1)).toEqual(["x", "y"]);
    await client.sAdd(key("set"), ["m", "n"]);
    expect([...(await client.sMembers(key("set")))].sort()).toEqual(["m", "n"]);
    await client.zAdd(key("z"), [
      { score: 1.5, value: "a" },
      { score: 2, value: "b" },
    ]);
    expect(await client.zRangeWithScores(key("z"), 0, -1)).toEqual([
      { score: 1.5, value: "a" },
      { score: 2, value: "b" },
    ]);
    expect(await client.multi().incr(key("c")).get(key("c")).exec()).toEqual([1, "1"]);
    const keys: string[] = [];
    for await (const found of client.scanIterator({ MATCH: key("*") })) keys.push(...found);
    expect(new Set(keys).size).toBe(6);
    await client.close();
  });

  it("subscribes, and waits for a list", async () => {
    const client = createClient({ url, RESP });
    await client.connect();
    const other = client.duplicate();
    await other.connect();
    let give: (text: string) => void = () => {};
    const message = first<string>((giver) => {
      give = giver;
    });
    await other.subscribe(`nr${RESP}:channel`, (text) => give(text));
    await client.publish(`nr${RESP}:channel`, "hello");
    expect(await message).toBe("hello");
    expect(await client.blPop(`nr${RESP}:none`, 0.05)).toBeNull();
    await other.close();
    await client.close();
  });
});

describe("connect-redis", () => {
  it("keeps, renews, lists and destroys sessions", async () => {
    const client = createClient({ url });
    await client.connect();
    const store = new RedisStore({ client, prefix: "sess:" });
    const call = <T>(run: (done: (error: unknown, value?: T) => void) => void): Promise<T | undefined> =>
      new Promise((resolve, reject) => run((error, value) => (error ? reject(error) : resolve(value))));
    const session = { cookie: { originalMaxAge: 60_000, maxAge: 60_000 }, user: 1 } as unknown as SessionData;
    await call((done) => store.set("s1", session, done));
    await call((done) => store.set("s2", session, done));
    expect(await call<unknown>((done) => store.get("s1", done))).toMatchObject({ user: 1 });
    await call((done) => store.touch("s1", session, done));
    expect(await call<number>((done) => store.length(done))).toBe(2);
    expect(await call<unknown>((done) => store.all(done))).toHaveLength(2);
    await call((done) => store.destroy("s1", done));
    expect(await call<unknown>((done) => store.get("s1", done))).toBeFalsy();
    await call((done) => store.clear(done));
    expect(await call<number>((done) => store.length(done))).toBe(0);
    await client.close();
  });
});

describe("@keyv/redis", () => {
  it("keeps, finds and clears values of a namespace", async () => {
    const keyv = new Keyv(new KeyvRedis(url), { namespace: "kv" });
    await keyv.set("a", { x: 1 }, 60_000);
    await keyv.set("b", 2);
    expect(await keyv.get("a")).toEqual({ x: 1 });
    expect(await keyv.get(["a", "b", "none"])).toEqual([{ x: 1 }, 2, undefined]);
    expect(await keyv.has("a")).toBe(true);
    await keyv.delete("a");
    expect(await keyv.has("a")).toBe(false);
    await keyv.clear();
    expect(await keyv.get("b")).toBeUndefined();
    await keyv.disconnect();
  });
});

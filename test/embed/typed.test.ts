/** The typed commands of the library, on every kind of file and on none. */
import { afterEach, describe, expect, it } from "vitest";
import { type FerriteDatabase, open, ReplyError } from "../../src/index.ts";
import { temporaryFolder } from "../support/temp.ts";
import { fileKinds, openFolder, utf8 } from "./support.ts";

const kinds = [...fileKinds, "memory"] as const;

describe.each(kinds)("typed commands on %s files", (kind) => {
  let db: FerriteDatabase;
  const start = async (): Promise<FerriteDatabase> => {
    db =
      kind === "memory"
        ? await open({ memory: true, logger: "silent" })
        : await openFolder(temporaryFolder("embed-typed"), { "server.io": kind });
    return db;
  };
  afterEach(() => db.close());

  it("sets, gets and deletes bytes and text", async () => {
    await start();
    expect(await db.set("text", "grüße 🦀")).toBe(true);
    expect(await db.getText("text")).toBe("grüße 🦀");
    expect(utf8(await db.get("text"))).toBe("grüße 🦀");
    const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(await db.set(binary, binary)).toBe(true);
    expect(await db.get(binary)).toEqual(binary);
    expect(await db.get("absent")).toBeNull();
    expect(await db.getText("absent")).toBeNull();
    expect(await db.set("", "")).toBe(true);
    expect(await db.get("")).toEqual(new Uint8Array(0));
    expect(await db.exists("text", "text", "absent", "")).toBe(3);
    expect(await db.del("text", binary, "absent")).toBe(2);
    expect(await db.del()).toBe(0);
    expect(await db.dbSize()).toBe(1);
    expect(utf8(await db.getDel(""))).toBe("");
    expect(await db.dbSize()).toBe(0);
  });

  it("copies arguments at the call and results at the reply", async () => {
    await start();
    const value = new Uint8Array(1000).fill(65);
    const setting = db.set("k", value);
    value.fill(66);
    await setting;
    const first = await db.get("k");
    expect(first).toEqual(new Uint8Array(1000).fill(65));
    first?.fill(67);
    expect(await db.get("k")).toEqual(new Uint8Array(1000).fill(65));
  });

  it("takes numbers and bigints as their decimal text", async () => {
    await start();
    for (const value of [0, -0, -1, 1.5, 2 ** 53, -(2 ** 31), 1e21, 2n ** 80n]) {
      await db.set("n", value);
      expect(await db.getText("n")).toBe(String(value));
    }
  });

  it("sets under conditions and with lifetimes", async () => {
    await start();
    expect(await db.set("k", 1, { onlyIf: "present" })).toBe(false);
    expect(await db.set("k", 1, { onlyIf: "absent" })).toBe(true);
    expect(await db.set("k", 2, { onlyIf: "absent" })).toBe(false);
    expect(await db.ttlMs("k")).toBe(Number.POSITIVE_INFINITY);
    expect(await db.set("k", 2, { onlyIf: "present", ttlMs: 100_000 })).toBe(true);
    expect(await db.set("k", 3, { keepTtl: true })).toBe(true);
    const left = await db.ttlMs("k");
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(100_000);
    expect(await db.persist("k")).toBe(true);
    expect(await db.persist("k")).toBe(false);
    expect(await db.expire("k", { expireAt: new Date(Date.now() + 60_000) })).toBe(true);
    expect(await db.ttlMs("k")).toBeLessThanOrEqual(60_000);
    expect(await db.expire("k", { ttlMs: -1 })).toBe(true);
    expect(await db.ttlMs("k")).toBeNull();
    expect(await db.expire("k", { ttlMs: 10 })).toBe(false);
    await db.set("gone", 1, { expireAt: new Date(Date.now() - 1) });
    expect(await db.exists("gone")).toBe(0);
    await expect(db.set("k", 1, { ttlMs: 5, keepTtl: true })).rejects.toMatchObject({ kind: "usage" });
  });

  it("reads and writes many at once", async () => {
    await start();
    await db.mset({ a: "1", b: 2 });
    await db.mset(new Map<string, Uint8Array>([["c", Buffer.from("3")]]));
    await db.mset([]);
    expect(await db.mgetText("a", "b", "c", "d")).toEqual(["1", "2", "3", null]);
    expect((await db.mget("a", "d")).map(utf8)).toEqual(["1", null]);
    expect(await db.mget()).toEqual([]);
    expect(await db.exists()).toBe(0);
  });

  it("counts, appends, renames", async () => {
    await start();
    expect(await db.incr("n")).toBe(1);
    expect(await db.incr("n", -3)).toBe(-2);
    expect(await db.incr("n", 2n ** 60n)).toBe(2n ** 60n - 2n);
    expect(await db.incrByFloat("f", 1.5)).toBe(1.5);
    expect(await db.incrByFloat("f", -0.25)).toBe(1.25);
    expect(await db.append("s", "héé")).toBe(5);
    expect(await db.strlen("s")).toBe(5);
    expect(await db.type("s")).toBe("string");
    expect(await db.type("absent")).toBe("none");
    await db.rename("s", "t");
    expect(await db.getText("t")).toBe("héé");
    const error = await db.rename("absent", "x").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ name: "ReplyError", code: "ERR", message: "ERR no such key" });
    await expect(db.incr("t")).rejects.toThrow("ERR value is not an integer or out of range");
  });

  it("scans every key, also while keys come and go", async () => {
    await start();
    await db.pipeline(Array.from({ length: 2000 }, (_, i) => ["SET", `key:${i}`, i]));
    const seen = new Set<string>();
    let steps = 0;
    for await (const key of db.scanText({ count: 50 })) {
      seen.add(key);
      if (steps++ % 10 === 0) await db.set(`new:${steps}`, 1);
      if (steps % 100 === 0) await db.del(...[...seen].slice(0, 1));
    }
    for (let i = 0; i < 2000; i++) expect(seen.has(`key:${i}`)).toBe(true);
    const matched: string[] = [];
    for await (const key of db.scan({ match: "key:199?", type: "string" })) matched.push(utf8(key)!);
    expect(new Set(matched)).toEqual(new Set(Array.from({ length: 10 }, (_, i) => `key:199${i}`)));
    await db.flushDatabase();
    for await (const key of db.scan()) throw new Error(`found ${utf8(key)} in an empty database`);
  });

  it("keeps sixteen databases apart", async () => {
    await start();
    const other = db.client({ database: 3, name: "other" });
    await other.set("k", "three");
    expect(await db.get("k")).toBeNull();
    await db.select(3);
    expect(await db.getText("k")).toBe("three");
    await expect(db.select(16)).rejects.toThrow("ERR DB index is out of range");
    expect(await db.callText("CLIENT", "LIST")).toMatch(/name=other .*db=3 /);
    expect(other.id).not.toBe(db.id);
    expect(() => db.client({ database: 16 })).toThrow(/no database 16.*0 to 15/);
    expect(() => db.client({ name: "two words" })).toThrow(/without spaces/);
  });
});

/** What a resolved promise means, what a failing disk does to it, and how a database ends. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { open } from "../../src/index.ts";
import { temporaryFolder } from "../support/temp.ts";
import { closeAfterTest, FailingFiles, fileKinds, openFolder, openOn } from "./support.ts";

const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ resolvedWith: value }),
    (reason: unknown) => reason,
  );

/** Everything that the parts of the append-only file hold now. */
function logText(folder: string): string {
  const aof = join(folder, "aof");
  return readdirSync(aof)
    .filter((name) => !name.includes("manifest"))
    .map((name) => readFileSync(join(aof, name), "latin1"))
    .join("");
}

describe.each(fileKinds)("on %s files", (kind) => {
  it.each(["always", "everysec", "no"] as const)(
    "has written what a promise of '%s' says",
    async (policy) => {
      const folder = temporaryFolder("embed-durable");
      const db = await openFolder(folder, { "server.io": kind, "persistence.aof_sync": policy });
      for (let i = 0; i < 20; i++) {
        await db.set(`key-${i}`, "v");
        expect(logText(folder)).toContain(`key-${i}\r\n`);
      }
      if (policy === "always") {
        const persistence = String(await db.callText("INFO", "persistence"));
        expect(persistence).toMatch(/aof_buffer_length:0/);
        expect(await db.call("WAITAOF", 1, 0, 0)).toEqual([1, 0]);
      }
    },
  );

  it("finds everything again, expiry included, after close and without it", async () => {
    const folder = temporaryFolder("embed-again");
    const config = { "server.io": kind } as const;
    const first = await openFolder(folder, config);
    await first.mset(Array.from({ length: 1000 }, (_, i) => [`k${i}`, i] as const));
    await first.set("short", "lived", { ttlMs: 1_000_000 });
    const last = first.set("unawaited", "1");
    await first.close();
    expect(await last).toBe(true);
    const second = await openFolder(folder, config);
    expect(await second.dbSize()).toBe(1002);
    expect(await second.getText("k999")).toBe("999");
    expect(await second.ttlMs("short")).toBeGreaterThan(900_000);
    expect(await second.getText("unawaited")).toBe("1");
  });

  it("removes expired keys by itself, and logs that", async () => {
    const folder = temporaryFolder("embed-expire");
    const db = await openFolder(folder, { "server.io": kind, "server.hz": 100 });
    await db.set("k", "v", { ttlMs: 1 });
    while ((await db.dbSize()) > 0) await new Promise(setImmediate);
    await db.close();
    expect(logText(folder)).toMatch(/DEL\r\n\$1\r\nk\r\n/);
  });

  it.each(["always", "everysec"] as const)(
    "refuses writes while the disk fails under '%s', and heals",
    async (policy) => {
      const files = new FailingFiles(kind);
      const folder = temporaryFolder("embed-failing");
      const db = await openOn(files, folder, { "persistence.aof_sync": policy });
      const other = db.client();
      await db.set("before", 1);
      files.failing = "ENOSPC";
      // The write that meets the failure was executed: it is acknowledged when the log has healed, not before.
      let settled = false;
      const caught = db.set("during", 2).then((done) => {
        settled = true;
        return done;
      });
      let refusal: unknown;
      do refusal = await reasonOf(Promise.race([other.call("SET", "refused", 3), new Promise(setImmediate)]));
      while ((refusal as { code?: string }).code !== "MISCONF");
      expect(refusal).toMatchObject({
        message: expect.stringMatching(/^MISCONF Errors writing to the AOF file/),
      });
      expect(await other.getText("before")).toBe("1");
      expect(await db.getText("before")).toBe("1");
      expect(settled).toBe(false);
      files.failing = undefined;
      expect(await caught).toBe(true);
      expect(await db.set("after", 4)).toBe(true);
      await db.close();
      const again = await openFolder(folder, { "server.io": kind });
      expect(await again.mgetText("before", "during", "after")).toEqual(["1", "2", "4"]);
    },
  );

  it("ends while the disk fails: calls reject, close says so, the directory is free", async () => {
    const files = new FailingFiles(kind);
    const folder = temporaryFolder("embed-lost");
    const db = await openOn(files, folder, { "persistence.aof_sync": "always" });
    await db.set("kept", 1);
    files.failing = "EIO";
    const lost = reasonOf(db.set("lost", 2));
    const refused = db.client();
    while (
      ((await reasonOf(Promise.race([refused.del("x"), new Promise(setImmediate)]))) as { code?: string })
        .code !== "MISCONF"
    );
    expect(await reasonOf(db.close())).toMatchObject({ kind: "unavailable" });
    expect(await lost).toMatchObject({ kind: "unavailable" });
    files.failing = undefined;
    const again = await openFolder(folder, { "server.io": kind });
    expect(await again.getText("kept")).toBe("1");
  });
});

describe("the end", () => {
  it("settles every kind of call that is under way", async () => {
    const db = await openFolder(undefined, { "persistence.aof_sync": "always" });
    const [writer, waiter, paused] = [db.client(), db.client(), db.client()];
    const forever = reasonOf(waiter.call("WAITAOF", 0, 1, 0));
    const behind = reasonOf(waiter.get("k"));
    const durable = reasonOf(db.client().call("WAITAOF", 1, 0, 0));
    await writer.ttlMs("x");
    await db.call("CLIENT", "PAUSE", 100_000, "WRITE");
    const held = reasonOf(paused.set("held", 1));
    await db.call("CLIENT", "NO-EVICT", "on");
    const read = reasonOf(db.get("k"));
    const closing = db.close();
    expect(db.isOpen).toBe(false);
    const late = reasonOf(db.get("k"));
    expect(await read).toEqual({ resolvedWith: null });
    expect(await durable).toEqual({ resolvedWith: [1, 0] });
    expect(await forever).toMatchObject({ kind: "closed" });
    expect(await behind).toMatchObject({ kind: "closed" });
    expect(await held).toMatchObject({ kind: "closed" });
    expect(await late).toMatchObject({ kind: "closed" });
    await closing;
    await db.close();
    expect(() => db.client()).toThrow(/closed/);
  });

  it("executes what was called before it, and makes it durable", async () => {
    const folder = temporaryFolder("embed-closing");
    const db = await openFolder(folder, { "persistence.aof_sync": "always" });
    const sets = Array.from({ length: 1000 }, (_, i) => db.client().set(`k${i}`, i));
    await db.close();
    expect((await Promise.all(sets)).every((done) => done)).toBe(true);
    expect(await (await openFolder(folder)).dbSize()).toBe(1000);
  });

  it("comes with SHUTDOWN too", async () => {
    const folder = temporaryFolder("embed-shutdown");
    const db = await openFolder(folder);
    await db.set("k", 1);
    expect(await reasonOf(db.call("SHUTDOWN", "NOSAVE"))).toMatchObject({ kind: "closed" });
    await db.close();
    expect(db.isOpen).toBe(false);
    expect(await (await openFolder(folder)).getText("k")).toBe("1");
  });

  it("comes at the end of the block with `await using`", async () => {
    const folder = temporaryFolder("embed-using");
    {
      await using db = await open(folder, { logger: "silent" });
      await using client = db.client();
      await client.set("k", 1);
    }
    expect(await (await openFolder(folder)).getText("k")).toBe("1");
  });

  it("leaves nothing of a database that is kept nowhere", async () => {
    const db = closeAfterTest(await open({ memory: true, logger: "silent" }));
    const other = closeAfterTest(
      await open({ memory: true, logger: "silent", config: { "server.databases": 2 } }),
    );
    await db.set("k", 1);
    expect(await other.get("k")).toBeNull();
    expect(await db.callText("CONFIG", "GET", "appendonly")).toEqual(new Map([["appendonly", "no"]]));
    await expect(other.select(2)).rejects.toThrow("out of range");
    await expect(db.sync()).rejects.toThrow(/AOF/);
  });
});

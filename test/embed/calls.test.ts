/** Calls of any command: order, turns, replies that come later, pushes, and the ends of clients. */
import { describe, expect, it } from "vitest";
import { FerriteError, type PlainReply, ReplyError } from "../../src/index.ts";
import { openFolder } from "./support.ts";

const text = (reply: unknown): string => Buffer.from(reply as Uint8Array).toString("utf8");
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ resolvedWith: value }),
    (reason: unknown) => reason,
  );

describe("call", () => {
  it("runs any command and answers plain values", async () => {
    const db = await openFolder();
    expect(await db.call("SET", "k", "v", "EX", 100)).toBe("OK");
    expect(text(await db.call("get", "k"))).toBe("v");
    expect(await db.callText("GET", "k")).toBe("v");
    expect(await db.call("GET", "absent")).toBeNull();
    expect(await db.call("TTL", "k")).toBe(100);
    expect(await db.callText("MGET", "k", "absent")).toEqual(["v", null]);
    const config = await db.callText("CONFIG", "GET", "appendfsync");
    expect(config).toEqual(new Map([["appendfsync", "everysec"]]));
    expect(await db.callText("INFO", "server")).toMatch(/redis_version:7\.2\.0/);
    expect(await db.callText("ECHO", "ü\ufeff")).toBe("ü\ufeff");
    expect(await db.call("INCRBY", "n", 2n ** 62n)).toBe(2n ** 62n);
  });

  it("rejects with the command's own error, or with a reason why nothing was called", async () => {
    const db = await openFolder();
    const unknown = await reasonOf(db.call("NOSUCH", "a"));
    expect(unknown).toBeInstanceOf(ReplyError);
    expect((unknown as ReplyError).message).toMatch(/^ERR unknown command 'NOSUCH'/);
    expect(await reasonOf(db.call("GET"))).toMatchObject({
      message: "ERR wrong number of arguments for 'get' command",
    });
    for (const args of [[], ["SET", "k", undefined], ["SET", null, "v"], ["SET", {}, 1], ["SET", true, 1]]) {
      const reason = await reasonOf(db.call(...(args as string[])));
      expect(reason).toBeInstanceOf(FerriteError);
      expect(reason).toMatchObject({ kind: "usage" });
    }
    expect(await db.dbSize()).toBe(0);
  });

  it("refuses an argument above server.proto_max_bulk_len and takes one below it", async () => {
    const db = await openFolder(undefined, { "server.proto_max_bulk_len": "1MB" });
    const value = Buffer.alloc(1024 * 1024, "x");
    expect(await db.set("k", value)).toBe(true);
    expect(await reasonOf(db.set("k", Buffer.alloc(value.length + 1)))).toMatchObject({ kind: "usage" });
    expect(await reasonOf(db.set("k", "ü".repeat(600_000)))).toMatchObject({ kind: "usage" });
    expect(await db.strlen("k")).toBe(value.length);
  });

  it("executes calls in the order in which they were made, whoever makes them", async () => {
    const db = await openFolder();
    const other = db.client();
    const settled: string[] = [];
    const note = (name: string, promise: Promise<unknown>): Promise<unknown> =>
      promise.then((value) => settled.push(`${name} ${String(value)}`));
    await Promise.all([
      note("a", db.append("k", "1")),
      note("b", other.append("k", "23")),
      note("c", db.getText("k")),
      note("d", other.del("k")),
      note("e", db.getText("k")),
    ]);
    expect(settled).toEqual(["a 1", "b 3", "c 123", "d 1", "e null"]);
  });

  it("executes a very large number of calls that are made at once", async () => {
    const db = await openFolder();
    const value = "x".repeat(1000);
    const sets = Array.from({ length: 20_000 }, (_, i) => db.set(`k${i}`, value));
    expect((await Promise.all(sets)).every((ok) => ok)).toBe(true);
    const gets = await Promise.all(Array.from({ length: 20_000 }, (_, i) => db.getText(`k${i}`)));
    expect(gets.every((got) => got === value)).toBe(true);
  });

  it("lets timers and input in while calls are awaited without a pause", async () => {
    const db = await openFolder();
    let fired = false;
    setTimeout(() => (fired = true), 1);
    let calls = 0;
    while (!fired && calls < 10_000_000) {
      await db.get("k");
      calls++;
    }
    expect(fired).toBe(true);
  });

  it("keeps a value of many megabytes", async () => {
    const db = await openFolder();
    const value = Buffer.alloc(20 * 1024 * 1024);
    for (let i = 0; i < value.length; i += 4096) value.writeUInt32LE(i, i);
    await db.set("big", value);
    expect(Buffer.compare((await db.get("big"))!, value)).toBe(0);
  });
});

describe("pipeline", () => {
  it("answers every command in its place, errors included", async () => {
    const db = await openFolder();
    const replies = await db.pipeline([
      ["SET", "a", 1],
      ["INCR", "a"],
      ["NOSUCH"],
      ["GET", "a"],
      ["MGET", "a", "b"],
    ]);
    expect(replies.slice(0, 2)).toEqual(["OK", 2]);
    expect(replies[2]).toBeInstanceOf(ReplyError);
    expect(text(replies[3])).toBe("2");
    expect((replies[4] as PlainReply[])[1]).toBeNull();
    expect(await db.pipeline([["GET", "a"]], { text: true })).toEqual(["2"]);
    expect(await db.pipeline([])).toEqual([]);
  });

  it("is not interleaved with the calls of others", async () => {
    const db = await openFolder();
    const other = db.client();
    const commands = Array.from({ length: 100 }, () => ["INCR", "n"]);
    const [first, , second] = await Promise.all([
      db.pipeline(commands),
      other.incr("n", 1000),
      db.pipeline(commands),
    ]);
    expect(first).toEqual(commands.map((_, i) => i + 1));
    expect(second).toEqual(commands.map((_, i) => i + 1101));
  });
});

describe("replies that come later", () => {
  it("waits for AOF SYNC and WAITAOF, and executes what is behind them afterwards", async () => {
    const db = await openFolder();
    const order: string[] = [];
    await Promise.all([
      db.set("k", 1).then(() => order.push("set")),
      db.sync().then(() => order.push("sync")),
      db.call("WAITAOF", 1, 0, 0).then((reply) => order.push(`waitaof ${String(reply)}`)),
      db.getText("k").then((value) => order.push(`get ${value}`)),
    ]);
    expect(order).toEqual(["set", "sync", "waitaof 1,0", "get 1"]);
  });

  it("does not keep other clients waiting", async () => {
    const db = await openFolder();
    const waiter = db.client();
    const waiting = waiter.call("WAITAOF", 0, 1, 100_000);
    const behind = waiter.set("k", "behind");
    expect(await db.get("k")).toBeNull();
    expect(await db.callText("INFO", "clients")).toMatch(/blocked_clients:1\r/);
    const reasons = Promise.all([reasonOf(waiting), reasonOf(behind)]);
    await waiter.close();
    for (const reason of await reasons) expect(reason).toMatchObject({ kind: "closed" });
    expect(await db.get("k")).toBeNull();
  });

  it("holds writes back during CLIENT PAUSE and goes on when it ends", async () => {
    const db = await openFolder();
    const writer = db.client();
    await db.call("CLIENT", "PAUSE", 100_000, "WRITE");
    const order: string[] = [];
    const first = writer.set("k", 1).then(() => order.push("set"));
    const second = writer.getText("k").then((value) => order.push(`get ${value}`));
    expect(await db.get("k")).toBeNull();
    expect(order).toEqual([]);
    await db.call("CLIENT", "UNPAUSE");
    await Promise.all([first, second]);
    expect(order).toEqual(["set", "get 1"]);
    await db.call("CLIENT", "PAUSE", 20, "ALL");
    expect(await writer.set("k", 2)).toBe(true);
  });

  it("gives up a pipeline that is held back when its client is closed", async () => {
    const db = await openFolder();
    const writer = db.client();
    await db.call("CLIENT", "PAUSE", 100_000, "WRITE");
    const reason = reasonOf(
      writer.pipeline([
        ["GET", "k"],
        ["SET", "k", 1],
        ["GET", "k"],
      ]),
    );
    await writer.close();
    expect(await reason).toMatchObject({ kind: "closed" });
    await db.call("CLIENT", "UNPAUSE");
    expect(await db.get("k")).toBeNull();
  });

  it("bounds the calls that wait behind one that is held back", async () => {
    const db = await openFolder(undefined, { "server.client_query_buffer_limit": "1MB" });
    const writer = db.client();
    await db.call("CLIENT", "PAUSE", 100_000, "WRITE");
    const results = Array.from({ length: 30 }, () => reasonOf(writer.set("k", Buffer.alloc(100_000))));
    const refused = (await Promise.all(results.slice(10))) as FerriteError[];
    expect(new Set(refused.map((error) => error.kind))).toEqual(new Set(["unavailable"]));
    await db.call("CLIENT", "UNPAUSE");
    expect(await Promise.all(results.slice(0, 10))).toEqual(Array(10).fill({ resolvedWith: true }));
  });
});

describe("sessions", () => {
  it("delivers MONITOR's lines to who asked for them, after the turn", async () => {
    const db = await openFolder();
    const lines: string[] = [];
    let arrived = (): void => {};
    const three = new Promise<void>((resolve) => (arrived = resolve));
    const watcher = db.client({
      onPush: (push) => {
        lines.push(String(push));
        if (lines.length === 3) arrived();
      },
    });
    expect(await watcher.call("MONITOR")).toBe("OK");
    await db.set("k", "v");
    await db.get("k");
    // Its own commands are shown too, and still answered.
    expect(await watcher.callText("GET", "k")).toBe("v");
    await three;
    expect(lines[0]).toMatch(/^\d+\.\d{6} \[0 .*\] "SET" "k" "v"$/);
    expect(lines[1]).toMatch(/"GET" "k"$/);
    expect(lines[2]).toMatch(/"GET" "k"$/);
  });

  it("may call the database from a push", async () => {
    const db = await openFolder();
    const counted: Promise<unknown>[] = [];
    const watcher = db.client({ onPush: () => void counted.push(other.incr("lines")) });
    const other = db.client();
    await watcher.call("MONITOR");
    await db.ttlMs("x");
    await watcher.close();
    await Promise.all(counted);
    expect(Number(await db.getText("lines"))).toBeGreaterThan(0);
  });

  it("ends with QUIT, CLIENT KILL and close, and settles what is under way", async () => {
    const db = await openFolder();
    const quitting = db.client();
    const [quit, after] = [quitting.call("QUIT"), reasonOf(quitting.set("k", 1))];
    expect(await quit).toBe("OK");
    expect(await after).toMatchObject({ kind: "closed" });
    expect(await reasonOf(quitting.get("k"))).toMatchObject({ kind: "closed" });

    const victim = db.client();
    const waiting = reasonOf(victim.call("WAITAOF", 0, 1, 0));
    await db.ttlMs("x");
    expect(await db.call("CLIENT", "KILL", "ID", victim.id)).toBe(1);
    expect(await waiting).toMatchObject({ kind: "closed" });
    expect(await reasonOf(victim.get("k"))).toMatchObject({ kind: "closed" });

    const suicidal = db.client();
    expect(await suicidal.call("CLIENT", "KILL", "ID", suicidal.id, "SKIPME", "no")).toBe(1);
    expect(await reasonOf(suicidal.get("k"))).toMatchObject({ kind: "closed" });

    const closing = db.client();
    const last = closing.set("last", "word");
    await closing.close();
    await closing.close();
    expect(await last).toBe(true);
    expect(await reasonOf(closing.get("k"))).toMatchObject({ kind: "closed" });
    expect(await db.callText("CLIENT", "LIST")).toMatch(/^id=1 [^\n]*\n$/);
  });

  it("answers null while replies are switched off", async () => {
    const db = await openFolder();
    const quiet = db.client();
    expect(await quiet.call("CLIENT", "REPLY", "OFF")).toBeNull();
    expect(await quiet.call("SET", "k", 1)).toBeNull();
    expect(await quiet.call("NOSUCH")).toBeNull();
    expect(await quiet.call("CLIENT", "REPLY", "ON")).toBe("OK");
    expect(await quiet.getText("k")).toBe("1");
  });

  it("needs no password, and speaks both protocols", async () => {
    const db = await openFolder(undefined, { "server.requirepass": "secret" });
    expect(await db.set("k", 1)).toBe(true);
    await db.call("HELLO", 2);
    expect(await db.get("absent")).toBeNull();
    expect(await db.callText("CONFIG", "GET", "appendonly")).toEqual(["appendonly", "yes"]);
    expect(await db.call("RESET")).toBe("RESET");
    await expect(db.get("k")).rejects.toMatchObject({ code: "NOAUTH" });
    await db.call("AUTH", "secret");
    expect(await db.getText("k")).toBe("1");
  });
});

/** Whole databases and their durability: what is flushed and swapped is logged, and success is said only when true. */
import { beforeEach, describe, expect, it } from "vitest";
import { FerriteError } from "../../src/base/errors.ts";
import { decodeReply } from "../support/redis-oracle.ts";
import { ServerBench } from "./server-support.ts";

let bench: ServerBench;
beforeEach(() => {
  bench = new ServerBench();
});
const effects = () => bench.effects.take().map((effect) => `${effect.db}: ${effect.args.join(" ")}`);
/** Lets promises that are already settled call back. */
const settled = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

describe("FLUSHALL, FLUSHDB and SWAPDB", () => {
  it("log what changed something", () => {
    bench.run("FLUSHALL");
    bench.run("FLUSHDB", "ASYNC");
    bench.run("SWAPDB", 0, 0);
    expect(effects()).toEqual([]);
    bench.run("SET", "a", "1");
    bench.run("SELECT", 1);
    bench.run("SET", "b", "1");
    effects();
    bench.run("SWAPDB", 0, 1);
    expect(bench.run("GET", "a")).toBe("$1\r\n1\r\n");
    bench.run("FLUSHDB", "SYNC");
    bench.run("FLUSHALL", "ASYNC");
    expect(effects()).toEqual(["1: SWAPDB 0 1", "1: FLUSHDB SYNC", "1: FLUSHALL ASYNC"]);
  });
});

describe("SAVE, BGSAVE, BGREWRITEAOF and AOF SYNC", () => {
  it("answer when it is done", async () => {
    expect(bench.run("SAVE")).toBe("");
    expect(bench.run("AOF", "SYNC")).toBe("");
    expect(bench.client.deferredReplies).toEqual([]);
    await settled();
    expect(bench.client.deferredReplies).toEqual(["+OK\r\n", "+OK\r\n"]);
    expect(bench.run("BGSAVE", "SCHEDULE")).toBe("+Background saving started\r\n");
    expect(bench.run("BGREWRITEAOF")).toBe("+Background append only file rewriting started\r\n");
    expect(bench.around.calls).toEqual(["save", "sync", "bgsave true", "bgrewriteaof"]);
  });

  it("pass on why it cannot be done", async () => {
    bench.around.refusal = new FerriteError("usage", "checkpoints do not exist yet");
    expect(bench.run("BGSAVE")).toBe("-ERR checkpoints do not exist yet\r\n");
    bench.run("SAVE");
    bench.around.refusal = new FerriteError("unavailable", "MISCONF the disk is full");
    bench.run("AOF", "SYNC");
    await settled();
    expect(bench.client.deferredReplies).toEqual([
      "-ERR checkpoints do not exist yet\r\n",
      "-MISCONF the disk is full\r\n",
    ]);
  });

  it("do not begin where nothing may wait", () => {
    bench.around.mayWait = false;
    expect(bench.run("AOF", "SYNC")).toMatch(/^-ERR This command waits/);
    expect(bench.around.calls).toEqual([]);
  });

  it("replies to BACKUP when the file is there, or why it is not", async () => {
    expect(bench.run("BACKUP", "night/all")).toBe("");
    bench.run("BACKUP");
    await settled();
    expect(bench.client.deferredReplies).toEqual(["+OK\r\n", "+OK\r\n"]);
    expect(bench.around.calls).toEqual(["backup night/all", "backup undefined"]);
    expect(bench.run("BACKUP", "a", "b")).toBe("-ERR syntax error\r\n");
    bench.around.refusal = new FerriteError("conflict", "ERR all exists and is left as it is");
    bench.run("BACKUP", "all");
    await settled();
    expect(bench.client.deferredReplies.at(-1)).toBe("-ERR all exists and is left as it is\r\n");
  });

  it("refuse AOF SYNC without a log", () => {
    bench.around.aofEnabled = false;
    expect(bench.run("AOF", "SYNC")).toMatch(/^-ERR AOF SYNC needs the append-only file/);
  });
});

describe("WAITAOF", () => {
  it("answers at once what is already on disk", () => {
    expect(decodeReply(bench.run("WAITAOF", 1, 0, 0))).toEqual([1, 0]);
    bench.around.durable = false;
    expect(decodeReply(bench.run("WAITAOF", 0, 0, 0))).toEqual([0, 0]);
    expect(bench.client.deferrals).toBe(0);
  });

  it("waits for the disk, or for the time", () => {
    bench.around.durable = false;
    expect(bench.run("WAITAOF", 1, 0, 250)).toBe("");
    expect(bench.run("WAITAOF", 1, 0, 0)).toBe("");
    expect(bench.around.durabilityWaiters.map((waiter) => waiter.timeoutMs)).toEqual([250, 0]);
    bench.around.durabilityWaiters[0]!.answer(false);
    bench.around.durabilityWaiters[1]!.answer(true);
    expect(bench.client.deferredReplies.map(decodeReply)).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it("waits in vain for replicas", () => {
    expect(bench.run("WAITAOF", 0, 1, 100)).toBe("");
    expect(bench.around.timers.map((timer) => timer.delayMs)).toEqual([100]);
    bench.around.timers[0]!.run();
    expect(bench.client.deferredReplies.map(decodeReply)).toEqual([[1, 0]]);
    bench.run("WAITAOF", 0, 1, 0);
    expect(bench.around.timers.length).toBe(1);
  });

  it("does not wait in a transaction", () => {
    bench.around.durable = false;
    bench.around.mayWait = false;
    expect(decodeReply(bench.run("WAITAOF", 1, 1, 100))).toEqual([0, 0]);
  });

  it("refuses what makes no sense", () => {
    expect(bench.run("WAITAOF", 2, 0, 0)).toBe("-ERR value is out of range, value must between 0 and 1\r\n");
    expect(bench.run("WAITAOF", "a", 0, 0)).toBe("-ERR value is not an integer or out of range\r\n");
    expect(bench.run("WAITAOF", 0, -1, 0)).toBe("-ERR value is out of range, must be positive\r\n");
    expect(bench.run("WAITAOF", 0, 0, -1)).toBe("-ERR timeout is negative\r\n");
    expect(bench.run("WAITAOF", 0, 0, "x")).toBe("-ERR timeout is not an integer or out of range\r\n");
    bench.around.aofEnabled = false;
    expect(bench.run("WAITAOF", 1, 0, 0)).toBe(
      "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n",
    );
  });
});

describe("SHUTDOWN", () => {
  it("has no reply when it works", () => {
    expect(bench.run("SHUTDOWN", "NOSAVE", "NOW", "FORCE")).toBe("");
    expect(bench.around.calls).toEqual(['shutdown {"save":"nosave","now":true,"force":true}']);
    expect(bench.client.deferrals).toBe(1);
  });

  it("says so when it does not", async () => {
    bench.around.shutdownError = new Error("disk full");
    bench.run("SHUTDOWN");
    await settled();
    expect(bench.client.deferredReplies).toEqual(["-ERR Errors trying to SHUTDOWN. Check logs.\r\n"]);
  });

  it("can be called off", () => {
    bench.around.shuttingDown = true;
    expect(bench.run("SHUTDOWN", "ABORT")).toBe("+OK\r\n");
  });
});

describe("the rest", () => {
  it("tells the time in seconds and microseconds", () => {
    expect(decodeReply(bench.run("TIME"))).toEqual(["1700000000", "42"]);
    expect(bench.run("LASTSAVE")).toBe(":1699999000\r\n");
    expect(bench.run("LOLWUT")).toContain("Ferrite ver. 0.1.0");
  });

  it("refuses replication in words", () => {
    for (const command of [
      ["SYNC"],
      ["PSYNC", "?", "-1"],
      ["REPLCONF", "capa", "eof"],
      ["REPLICAOF", "host", "6379"],
    ]) {
      expect(bench.run(...command)).toBe("-ERR Replication is not available in this version of Ferrite\r\n");
    }
  });

  it("rewrites the configuration, or says why not", async () => {
    bench.run("CONFIG", "REWRITE");
    bench.around.refusal = new FerriteError("usage", "The server is running without a config file");
    bench.run("CONFIG", "REWRITE");
    await settled();
    expect(bench.client.deferredReplies).toEqual([
      "+OK\r\n",
      "-ERR The server is running without a config file\r\n",
    ]);
  });

  it("reloads what DEBUG RELOAD and LOADAOF ask for", async () => {
    bench.run("DEBUG", "RELOAD");
    bench.run("DEBUG", "LOADAOF");
    await settled();
    expect(bench.around.calls).toEqual(["reload checkpoint", "reload log"]);
    expect(bench.client.deferredReplies).toEqual(["+OK\r\n", "+OK\r\n"]);
  });
});

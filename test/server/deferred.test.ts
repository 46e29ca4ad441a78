/** Replies that come later: WAITAOF and AOF SYNC wait for the disk, what is pipelined behind them waits too. */
import { describe, expect, it } from "vitest";
import { Rig } from "../support/sim-rig.ts";

const NO_SYNC = { "persistence.aof_sync": "no" };

describe("a reply that waits for the disk", () => {
  it("comes in its place among the replies of its connection", async () => {
    const rig = await Rig.open({ settings: NO_SYNC });
    const client = rig.connect();
    rig.holdDisk();
    expect(await client.ask("SET a 1", "AOF SYNC", "GET a", "SET a 2", "WAITAOF 1 0 0", "GET a")).toBe(
      "+OK\r\n",
    );
    rig.releaseDisk();
    await rig.settle();
    expect(client.take()).toBe("+OK\r\n$1\r\n1\r\n+OK\r\n*2\r\n:1\r\n:0\r\n$1\r\n2\r\n");
    expect(rig.database.log!.durableLsn).toBe(2);
  });

  it("keeps only its own connection waiting", async () => {
    const rig = await Rig.open({ settings: NO_SYNC });
    const [waiting, other] = [rig.connect(), rig.connect()];
    rig.holdDisk();
    await waiting.ask("SET a 1", "AOF SYNC", "SET a 9");
    expect(await other.ask("GET a", "SET a 2", "GET a")).toBe("$1\r\n1\r\n+OK\r\n$1\r\n2\r\n");
    rig.releaseDisk();
    await rig.settle();
    expect(waiting.take()).toBe("+OK\r\n+OK\r\n");
    expect(await other.ask("GET a")).toBe("$1\r\n9\r\n");
  });

  it("is given up at its time-out, and what is behind it goes on", async () => {
    const rig = await Rig.open({ settings: NO_SYNC });
    const client = rig.connect();
    rig.holdDisk();
    await client.ask("SET a 1", "WAITAOF 1 0 100", "PING");
    client.take();
    await rig.pass(99);
    expect(client.take()).toBe("");
    await rig.pass(2);
    expect(client.take()).toBe("*2\r\n:0\r\n:0\r\n+PONG\r\n");
    rig.releaseDisk();
    await rig.settle();
    expect(client.take()).toBe("");
  });

  it("is not looked for by a client that is gone", async () => {
    const rig = await Rig.open({ settings: NO_SYNC });
    const client = rig.connect();
    rig.holdDisk();
    await client.ask("SET a 1", "AOF SYNC", "SET a 2");
    client.pipe.reset();
    await rig.settle();
    rig.releaseDisk();
    await rig.settle();
    const next = rig.connect();
    expect(await next.ask("GET a")).toBe("$1\r\n1\r\n");
    expect(next.receivedBytes).toBe("$1\r\n1\r\n".length);
  });

  it("survives a malformed request that is already waiting behind it", async () => {
    const rig = await Rig.open({ settings: NO_SYNC });
    const client = rig.connect();
    rig.holdDisk();
    client.send("SET a 1", "AOF SYNC", "PING");
    client.raw("*1\r\n!oops\r\n");
    await rig.settle();
    expect(client.take()).toBe("+OK\r\n");
    rig.releaseDisk();
    await rig.settle();
    expect(client.take()).toBe("+OK\r\n+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    expect(client.closed).toBe("ended");
  });

  it("keeps a bounded part of what is sent behind it", async () => {
    const rig = await Rig.open({ settings: NO_SYNC });
    const client = rig.connect();
    rig.holdDisk();
    await client.ask("SET a 1", "AOF SYNC");
    for (let i = 0; i < 100; i++) {
      client.send(`SET b ${"b".repeat(100_000)}`);
      await rig.settle();
    }
    expect(rig.bufferedBytes).toBeLessThan(2 * 1024 * 1024);
    rig.releaseDisk();
    await rig.settle();
    expect(client.take()).toBe("+OK\r\n".repeat(101));
  });

  it("joins the replies of its connection that wait for a log that has failed", async () => {
    const rig = await Rig.open({ settings: { "persistence.aof_sync": "always" } });
    const client = rig.connect();
    rig.holdDisk();
    expect(await client.ask("SET a 1", "WAITAOF 1 0 100", "SET a 2", "GET a")).toBe("");
    rig.fault = (operation) => (operation === "append" ? { code: "EIO" } : undefined);
    rig.releaseDisk();
    await rig.pass(500);
    expect(client.take()).toBe("");
    rig.fault = () => undefined;
    await rig.pass(15_000);
    expect(client.take()).toBe("+OK\r\n*2\r\n:0\r\n:0\r\n+OK\r\n$1\r\n2\r\n");
  });

  it("that fails says so, and what is behind it goes on", async () => {
    const rig = await Rig.open({ settings: NO_SYNC });
    const client = rig.connect();
    rig.fault = (operation) => (operation === "sync" ? { code: "EIO" } : undefined);
    const replies = await client.ask("SET a 1", "AOF SYNC", "GET a");
    expect(replies).toMatch(/^\+OK\r\n-[^\r]+\r\n\$1\r\n1\r\n$/);
  });
});

describe("a client that waits for a key", () => {
  it("is answered what it sent behind, if it half-closes in the turn in which it is served", async () => {
    const rig = await Rig.open();
    // Connected first, so heard first when both have something to say.
    const [other, waiting] = [rig.connect(), rig.connect()];
    await waiting.ask("BLPOP q 0", "SET a 1", "GET a");
    other.send("RPUSH q x");
    waiting.pipe.end();
    await rig.settle();
    expect(other.take()).toBe(":1\r\n");
    expect(waiting.take()).toBe("*2\r\n$1\r\nq\r\n$1\r\nx\r\n+OK\r\n$1\r\n1\r\n");
    expect(waiting.closed).toBe("ended");
  });
});

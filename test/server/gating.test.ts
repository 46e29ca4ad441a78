/** When replies may leave: not before their effects are as durable as the policy promises, and always in order. */
import { describe, expect, it } from "vitest";
import { Rig } from "../support/sim-rig.ts";

const ALWAYS = { "persistence.aof_sync": "always" };
const MISCONF = "-MISCONF Errors writing to the AOF file: Input/output error\r\n";

async function failingRig(settings = ALWAYS): Promise<Rig> {
  const rig = await Rig.open({ settings });
  return rig;
}

function failWrites(rig: Rig): void {
  rig.fault = (operation, path) =>
    path.includes("/aof/") && operation !== "read" && operation !== "size" ? { code: "EIO" } : undefined;
}

function heal(rig: Rig): void {
  rig.fault = () => undefined;
}

describe("under always", () => {
  it("a write is answered when it is durable and not before", async () => {
    const rig = await Rig.open({ settings: ALWAYS });
    const client = rig.connect();
    rig.holdDisk();
    expect(await client.ask("SET a 1")).toBe("");
    expect(rig.database.log!.durableLsn).toBe(0);
    rig.releaseDisk();
    await rig.settle();
    expect(client.take()).toBe("+OK\r\n");
    expect(rig.database.log!.durableLsn).toBe(1);
  });

  it("a reader does not learn of a write that a crash could still take back", async () => {
    const rig = await Rig.open({ settings: ALWAYS });
    const [writer, reader] = [rig.connect(), rig.connect()];
    rig.holdDisk();
    await writer.ask("SET a 1");
    expect(await reader.ask("GET a")).toBe("");
    rig.releaseDisk();
    await rig.settle();
    expect(writer.take()).toBe("+OK\r\n");
    expect(reader.take()).toBe("$1\r\n1\r\n");
  });

  it("turns that pass while the disk works are answered together, each client in its order", async () => {
    const rig = await Rig.open({ settings: ALWAYS });
    const clients = [rig.connect(), rig.connect(), rig.connect()];
    rig.holdDisk();
    for (let turn = 0; turn < 10; turn++) {
      clients.forEach((client, index) => {
        client.send(`APPEND k${index} x`, `ECHO ${turn}`);
      });
      await rig.settle();
    }
    expect(clients.map((client) => client.take())).toEqual(["", "", ""]);
    rig.releaseDisk();
    await rig.settle();
    const expected = Array.from({ length: 10 }, (_, turn) => `:${turn + 1}\r\n$1\r\n${turn}\r\n`).join("");
    expect(clients.map((client) => client.take())).toEqual([expected, expected, expected]);
  });

  it("a connection that ends keeps its slot until its replies have been dealt with", async () => {
    const rig = await Rig.open({ settings: ALWAYS });
    const leaving = rig.connect();
    rig.holdDisk();
    await leaving.ask("SET a 1");
    leaving.pipe.reset();
    await rig.settle();
    const next = rig.connect();
    expect(await next.ask("PING")).toBe("");
    rig.releaseDisk();
    await rig.settle();
    expect(next.take()).toBe("+PONG\r\n");
    expect(leaving.take()).toBe("");
  });

  it("QUIT and a half close come after the replies that wait", async () => {
    const rig = await Rig.open({ settings: ALWAYS });
    const [quitting, ending] = [rig.connect(), rig.connect()];
    rig.holdDisk();
    quitting.send("SET a 1", "QUIT");
    ending.send("SET b 1");
    ending.pipe.end();
    await rig.settle();
    expect([quitting.closed, ending.closed]).toEqual(["no", "no"]);
    rig.releaseDisk();
    await rig.settle();
    expect([quitting.take(), ending.take()]).toEqual(["+OK\r\n+OK\r\n", "+OK\r\n"]);
    expect([quitting.closed, ending.closed]).toEqual(["ended", "ended"]);
  });

  it("a change to another policy lets go what is written", async () => {
    const rig = await Rig.open({ settings: ALWAYS });
    const [writer, operator] = [rig.connect(), rig.connect()];
    await operator.ask("CONFIG SET appendfsync no");
    rig.holdDisk();
    expect(await writer.ask("SET a 1")).toBe("+OK\r\n");
    expect(await operator.ask("CONFIG SET appendfsync always")).toBe("");
    rig.releaseDisk();
    await rig.settle();
    expect(operator.take()).toBe("+OK\r\n");
  });
});

describe("under everysec", () => {
  it("a write is answered at once, and a sync follows within a second", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    rig.holdDisk();
    expect(await client.ask("SET a 1")).toBe("+OK\r\n");
    expect(rig.database.log!.durableLsn).toBe(0);
    rig.releaseDisk();
    await rig.pass(1000);
    expect(rig.database.log!.durableLsn).toBe(1);
  });

  it("a slow sync does not delay anybody", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    await client.ask("SET a 1");
    rig.holdDisk();
    await rig.pass(1500);
    expect(rig.database.log!.counters.syncUnderWay).toBe(true);
    expect(await client.ask("SET a 2", "GET a")).toBe("+OK\r\n$1\r\n2\r\n");
  });
});

describe.each(["always", "everysec", "no"])("a log that fails, under %s", (policy) => {
  const settings = { "persistence.aof_sync": policy };

  it("holds the replies of the failing turn and delivers them in order once it is well", async () => {
    const rig = await failingRig(settings);
    const client = rig.connect();
    failWrites(rig);
    expect(await client.ask("SET a 1", "INCR a", "GET a")).toBe("");
    heal(rig);
    await rig.pass(1500);
    expect(client.take()).toBe("+OK\r\n:2\r\n$1\r\n2\r\n");
    expect(await client.ask("INCR a")).toBe(":3\r\n");
  });

  it("lets other connections read on, and refuses their writes", async () => {
    const rig = await failingRig(settings);
    const [unlucky, other] = [rig.connect(), rig.connect()];
    await other.ask("SET b 7");
    failWrites(rig);
    expect(await unlucky.ask("SET a 1")).toBe("");
    await rig.pass(150);
    expect(await other.ask("GET b", "SET b 8", "GET b", "PING")).toBe(
      `$1\r\n7\r\n${MISCONF}$1\r\n7\r\n+PONG\r\n`,
    );
    const late = rig.connect();
    expect(await late.ask("GET b")).toBe("$1\r\n7\r\n");
    heal(rig);
    await rig.pass(15_000);
    expect(unlucky.take()).toBe("+OK\r\n");
    expect(await other.ask("SET b 8", "GET b")).toBe("+OK\r\n$1\r\n8\r\n");
  });

  it("executes nothing more for a connection that waits, and keeps its order", async () => {
    const rig = await failingRig(settings);
    const client = rig.connect();
    failWrites(rig);
    await client.ask("SET a 1");
    await rig.pass(150);
    expect(await client.ask("GET a", "SET a 2", "GET a")).toBe("");
    expect(await client.ask("ECHO last")).toBe("");
    heal(rig);
    await rig.pass(15_000);
    expect(client.take()).toBe("+OK\r\n$1\r\n1\r\n+OK\r\n$1\r\n2\r\n$4\r\nlast\r\n");
  });

  it("lets a connection that waits be closed, and another take its place after it is well", async () => {
    const rig = await failingRig(settings);
    const waiting = rig.connect();
    failWrites(rig);
    await waiting.ask("SET a 1");
    await rig.pass(150);
    const other = rig.connect();
    const list = await other.ask("CLIENT LIST");
    const id = /id=(\d+)/.exec(list)![1]!;
    expect(await other.ask(`CLIENT KILL ID ${id}`)).toBe(":1\r\n");
    expect(waiting.closed).not.toBe("no");
    const next = rig.connect();
    expect(await next.ask("PING")).toBe("+PONG\r\n");
    heal(rig);
    await rig.pass(15_000);
    expect(await next.ask("GET a")).toBe("$1\r\n1\r\n");
    expect(next.receivedBytes).toBe("+PONG\r\n$1\r\n1\r\n".length);
  });

  it("answers a half-closed client everything it sent, once it is well", async () => {
    const rig = await failingRig(settings);
    const client = rig.connect();
    failWrites(rig);
    await client.ask("SET a 1");
    await rig.pass(150);
    client.send("INCR a", "GET a");
    client.pipe.end();
    await rig.pass(500);
    expect(client.closed).toBe("no");
    heal(rig);
    await rig.pass(15_000);
    expect(client.take()).toBe("+OK\r\n:2\r\n$1\r\n2\r\n");
    expect(client.closed).toBe("ended");
  });

  it("shows monitors lines in order behind what they wait for, and others at once", async () => {
    const rig = await failingRig(settings);
    const [watcher, unlucky, other] = [rig.connect(), rig.connect(), rig.connect()];
    await watcher.ask("MONITOR");
    failWrites(rig);
    await unlucky.ask("SET a 1");
    await rig.pass(150);
    await other.ask("GET b");
    heal(rig);
    await rig.pass(15_000);
    const lines = watcher
      .take()
      .split("\r\n")
      .filter((line) => line !== "");
    expect(lines.map((line) => line.replace(/^.*\] /, ""))).toEqual(['"SET" "a" "1"', '"GET" "b"']);
  });

  it("keeps memory bounded for clients that go on sending", async () => {
    const rig = await failingRig(settings);
    const client = rig.connect();
    failWrites(rig);
    await client.ask("SET a 1");
    await rig.pass(150);
    for (let i = 0; i < 200; i++) {
      client.send(`SET k ${"v".repeat(100_000)}`);
      await rig.settle();
    }
    expect(rig.bufferedBytes).toBeLessThan(3 * 1024 * 1024);
  });
});

describe("a full volume", () => {
  it("is named, refuses writes and heals by itself when there is room", async () => {
    const rig = await Rig.open();
    const [client, other] = [rig.connect(), rig.connect()];
    await client.ask("SET a 1");
    rig.fileSystem.setCapacity(rig.fileSystem.usedBytes + 10);
    expect(await client.ask(`SET a ${"x".repeat(1000)}`)).toBe("");
    await rig.pass(150);
    expect(await other.ask("SET b 1", "STRLEN a")).toBe(
      "-MISCONF Errors writing to the AOF file: No space left on device\r\n:1000\r\n",
    );
    expect(await other.ask("INFO persistence")).toContain("aof_last_write_status:err");
    rig.fileSystem.setCapacity(Number.POSITIVE_INFINITY);
    await rig.pass(15_000);
    expect(client.take()).toBe("+OK\r\n");
    expect(await other.ask("SET b 1")).toBe("+OK\r\n");
  });
});

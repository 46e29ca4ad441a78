/** Who may connect and stay, and what one client can do to another. */
import { describe, expect, it } from "vitest";
import { Rig, type RigClient } from "../support/sim-rig.ts";
import { requestText } from "../support/sim-server.ts";

async function idOf(client: RigClient): Promise<string> {
  return /:(\d+)/.exec(await client.ask("CLIENT ID"))![1]!;
}

describe("admission", () => {
  it("refuses clients above maxclients with an error, and takes them again when there is room", async () => {
    const rig = await Rig.open({ settings: { "server.max_clients": "2" } });
    const [first, second] = [rig.connect(), rig.connect()];
    expect(await first.ask("PING")).toBe("+PONG\r\n");
    expect(await second.ask("PING")).toBe("+PONG\r\n");
    const third = rig.connect();
    expect(await third.ask("PING")).toBe("-ERR max number of clients reached\r\n");
    expect(third.closed).toBe("ended");
    second.send("QUIT");
    await rig.settle();
    expect(await rig.connect().ask("PING")).toBe("+PONG\r\n");
    await rig.pass(200);
    expect(await first.ask("INFO stats")).toContain("rejected_connections:1\r\n");
  });

  it("refuses strangers in protected mode until a password is set", async () => {
    const rig = await Rig.open({ peerAddress: "10.1.2.3:4567" });
    const stranger = rig.connect();
    expect(await stranger.ask("SET a 1")).toMatch(/^-DENIED Ferrite is running in protected mode/);
    expect(stranger.closed).toBe("ended");
    expect(rig.database.keyspace.size(0)).toBe(0);
    expect(rig.running.config.setLive([["requirepass", "secret"]])).toBeUndefined();
    const guest = rig.connect();
    expect(await guest.ask("GET a", "AUTH wrong", "AUTH secret", "GET a")).toMatch(
      /^-NOAUTH [^\r]*\r\n-WRONGPASS [^\r]*\r\n\+OK\r\n\$-1\r\n$/,
    );
  });

  it("does not refuse the loopback interface", async () => {
    const rig = await Rig.open({ peerAddress: "[::1]:5000" });
    expect(await rig.connect().ask("PING")).toBe("+PONG\r\n");
  });

  it("bounds what a client may send before it has authenticated", async () => {
    const rig = await Rig.open({ settings: { "server.requirepass": "secret" } });
    const client = rig.connect();
    client.raw("*20\r\n");
    await rig.settle();
    expect(client.take()).toBe("-ERR Protocol error: unauthenticated multibulk length\r\n");
    expect(client.closed).toBe("ended");
    const pipelined = rig.connect();
    const many = requestText(["MSET", ...Array.from({ length: 20 }, (_, i) => `${i}`)]);
    pipelined.raw(`${requestText(["AUTH", "secret"])}${many}`);
    await rig.settle();
    expect(pipelined.take()).toBe("+OK\r\n+OK\r\n");
  });
});

describe("idle clients", () => {
  it("are closed after the time-out, and those that speak or wait are not", async () => {
    const rig = await Rig.open({ settings: { "server.timeout": "10s", "persistence.aof_sync": "no" } });
    const [idle, speaking, monitor] = [rig.connect(), rig.connect(), rig.connect()];
    await idle.ask("PING");
    await monitor.ask("MONITOR");
    for (let second = 0; second < 15; second++) {
      await speaking.ask("PING");
      await rig.pass(1000);
    }
    expect(idle.closed).not.toBe("no");
    expect([speaking.closed, monitor.closed]).toEqual(["no", "no"]);
  });
});

describe("CLIENT KILL", () => {
  it("of oneself is answered and closes", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    const id = await idOf(client);
    expect(await client.ask(`CLIENT KILL ID ${id} SKIPME no`, "SET a 1")).toBe(":1\r\n");
    expect(client.closed).toBe("ended");
    expect(rig.database.keyspace.size(0)).toBe(0);
  });

  it("of another closes it at once, whatever it has pipelined in the same turn", async () => {
    const rig = await Rig.open();
    const [killer, victim] = [rig.connect(), rig.connect()];
    const id = await idOf(victim);
    killer.send(`CLIENT KILL ID ${id}`, "GET a");
    victim.send("SET a 1", "SET a 2");
    await rig.settle();
    expect(killer.take()).toBe(":1\r\n$-1\r\n");
    expect(victim.closed).not.toBe("no");
    expect(await rig.connect().ask("PING")).toBe("+PONG\r\n");
  });

  it("of one that waits leaves the waiting behind", async () => {
    const rig = await Rig.open({ settings: { "persistence.aof_sync": "no" } });
    const [killer, victim] = [rig.connect(), rig.connect()];
    const id = await idOf(victim);
    rig.holdDisk();
    await victim.ask("SET a 1", "AOF SYNC", "SET a 2");
    expect(await killer.ask(`CLIENT KILL ID ${id}`)).toBe(":1\r\n");
    rig.releaseDisk();
    await rig.settle();
    expect(await killer.ask("GET a")).toBe("$1\r\n1\r\n");
  });
});

describe("CLIENT PAUSE", () => {
  it("holds writes back until its time, in order, and lets reads pass", async () => {
    const rig = await Rig.open();
    const [operator, writer, reader] = [rig.connect(), rig.connect(), rig.connect()];
    expect(await operator.ask("CLIENT PAUSE 1000 WRITE")).toBe("+OK\r\n");
    expect(await writer.ask("GET a", "SET a 1", "GET a", "INCR a")).toBe("$-1\r\n");
    expect(await reader.ask("GET a")).toBe("$-1\r\n");
    await rig.pass(990);
    expect(writer.take()).toBe("");
    await rig.pass(20);
    expect(writer.take()).toBe("+OK\r\n$1\r\n1\r\n:2\r\n");
  });

  it("ends with CLIENT UNPAUSE", async () => {
    const rig = await Rig.open();
    const [operator, writer] = [rig.connect(), rig.connect()];
    await operator.ask("CLIENT PAUSE 100000 WRITE");
    expect(await writer.ask("SET a 1")).toBe("");
    expect(await operator.ask("CLIENT UNPAUSE")).toBe("+OK\r\n");
    expect(writer.take()).toBe("+OK\r\n");
  });

  it("holds everything back with ALL, and a held client may be cut off or half-closed", async () => {
    const rig = await Rig.open();
    const [operator, gone, ending, waiting] = [rig.connect(), rig.connect(), rig.connect(), rig.connect()];
    await operator.ask("CLIENT PAUSE 500");
    await gone.ask("SET gone 1");
    gone.pipe.reset();
    ending.send("SET ending 1");
    ending.pipe.end();
    expect(await waiting.ask("PING", "PING")).toBe("");
    await rig.pass(600);
    expect(waiting.take()).toBe("+PONG\r\n+PONG\r\n");
    expect(ending.take()).toBe("+OK\r\n");
    expect(ending.closed).toBe("ended");
    expect(await waiting.ask("EXISTS gone ending")).toBe(":1\r\n");
  });

  it("keeps what is sent meanwhile bounded", async () => {
    const rig = await Rig.open();
    const [operator, writer] = [rig.connect(), rig.connect()];
    await operator.ask("CLIENT PAUSE 1000 WRITE");
    for (let i = 0; i < 100; i++) {
      writer.send(`SET b ${"b".repeat(100_000)}`);
      await rig.settle();
    }
    expect(rig.bufferedBytes).toBeLessThan(2 * 1024 * 1024);
    await rig.pass(1100);
    expect(writer.take()).toBe("+OK\r\n".repeat(100));
  });

  it("survives a malformed request behind the command that is held", async () => {
    const rig = await Rig.open();
    const [operator, writer] = [rig.connect(), rig.connect()];
    await operator.ask("CLIENT PAUSE 1000 WRITE");
    writer.send("SET a 1", "GET a");
    writer.raw("*1\r\n!oops\r\n");
    await rig.settle();
    expect(writer.take()).toBe("");
    await rig.pass(1100);
    expect(writer.take()).toBe("+OK\r\n$1\r\n1\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    expect(writer.closed).toBe("ended");
  });
});

describe("a client that speaks HTTP", () => {
  it.each(["POST / HTTP/1.1\r\n", "GET a\r\nHost: localhost:6379\r\n"])(
    "is closed before what its body says is executed: %j",
    async (head) => {
      const rig = await Rig.open();
      const [browser, other] = [rig.connect(), rig.connect()];
      browser.raw(`${head}\r\nSET a stolen\r\n`);
      await rig.settle();
      expect(browser.closed).toBe("ended");
      expect(browser.take()).not.toContain("OK");
      expect(await other.ask("EXISTS a")).toBe(":0\r\n");
    },
  );
});

describe("MONITOR", () => {
  it("shows what every client does, itself included, in order of execution", async () => {
    const rig = await Rig.open();
    const [watcher, first, second] = [rig.connect(), rig.connect(), rig.connect()];
    await watcher.ask("MONITOR");
    first.send("SET a 1", "SELECT 2");
    second.send("GET a");
    await rig.settle();
    await first.ask("GET a");
    const lines = watcher
      .take()
      .split("\r\n")
      .filter((line) => line !== "");
    expect(lines.map((line) => line.replace(/^\+[0-9.]+ \[(\d+) [^\]]*\]/, "$1"))).toEqual([
      '0 "SET" "a" "1"',
      '0 "SELECT" "2"',
      '0 "GET" "a"',
      '2 "GET" "a"',
    ]);
    expect(first.take()).toBe("");
  });

  it("may watch several times, and ends with the connection", async () => {
    const rig = await Rig.open();
    const [watcher, other, client] = [rig.connect(), rig.connect(), rig.connect()];
    await watcher.ask("MONITOR");
    await other.ask("MONITOR");
    watcher.pipe.reset();
    expect(await client.ask("SET a 1")).toBe("+OK\r\n");
    expect(other.take()).toContain('"SET" "a" "1"');
    expect(watcher.take()).toBe("");
  });
});

/** Messages between connections: who receives them, when they leave, and what a subscriber that does not read costs. */
import { describe, expect, it } from "vitest";
import { Rig, type RigClient } from "../support/sim-rig.ts";
import { requestText } from "../support/sim-server.ts";

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const message = (channel: string, text: string): string =>
  `*3\r\n${bulk("message")}${bulk(channel)}${bulk(text)}`;
const inResp3 = (text: string): string => text.replace(/^\*/, ">");

async function subscriber(rig: Rig, ...commands: readonly string[]): Promise<RigClient> {
  const client = rig.connect();
  await client.ask(...commands);
  return client;
}

describe("a message", () => {
  it("reaches every subscriber in its protocol, once for the channel and once for each pattern", async () => {
    const rig = await Rig.open();
    const old = await subscriber(rig, "SUBSCRIBE ch");
    const modern = await subscriber(rig, "HELLO 3", "SUBSCRIBE ch");
    const both = await subscriber(rig, "PSUBSCRIBE c*", "SUBSCRIBE ch", "PSUBSCRIBE *h", "PSUBSCRIBE x*");
    const other = await subscriber(rig, "SUBSCRIBE other");
    const publisher = rig.connect();
    expect(await publisher.ask("PUBLISH ch hello")).toBe(":5\r\n");
    expect(old.take()).toBe(message("ch", "hello"));
    expect(modern.take()).toBe(inResp3(message("ch", "hello")));
    const byPattern = (pattern: string): string =>
      `*4\r\n${bulk("pmessage")}${bulk(pattern)}${bulk("ch")}${bulk("hello")}`;
    expect(both.take()).toBe(message("ch", "hello") + byPattern("c*") + byPattern("*h"));
    expect(other.take()).toBe("");
  });

  it("of any bytes arrives whole and in order, among the replies of a pipeline", async () => {
    const rig = await Rig.open();
    const listener = await subscriber(rig, "SUBSCRIBE ch");
    const publisher = rig.connect();
    const texts = ["", "\r\n$3\r\n", "\xff\x00", "x".repeat(300_000), "last"];
    publisher.raw(texts.map((text) => requestText(["PUBLISH", "ch", text])).join(""));
    await rig.settle();
    expect(publisher.take()).toBe(":1\r\n".repeat(texts.length));
    expect(listener.take()).toBe(texts.map((text) => message("ch", text)).join(""));
  });

  it("reaches a thousand subscribers", async () => {
    const rig = await Rig.open();
    const listeners = await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        subscriber(rig, ...(i % 2 === 0 ? [] : ["HELLO 3"]), "SUBSCRIBE ch"),
      ),
    );
    for (const listener of listeners) listener.take();
    expect(await rig.connect().ask("PUBLISH ch all", "PUBLISH ch again")).toBe(":1000\r\n:1000\r\n");
    const expected = [message("ch", "all") + message("ch", "again")];
    expected.push(inResp3(message("ch", "all")) + inResp3(message("ch", "again")));
    for (const [i, listener] of listeners.entries()) expect(listener.take()).toBe(expected[i % 2]);
  });

  it("reaches nobody who has unsubscribed, was reset, has left or was killed", async () => {
    const rig = await Rig.open();
    const operator = rig.connect();
    const gone = await subscriber(rig, "SUBSCRIBE ch", "PSUBSCRIBE c*");
    const killed = await subscriber(rig, "SUBSCRIBE ch");
    const reset = await subscriber(rig, "SUBSCRIBE ch");
    const ended = await subscriber(rig, "SUBSCRIBE ch", "UNSUBSCRIBE ch");
    const half = await subscriber(rig, "SUBSCRIBE ch");
    expect(await operator.ask("PUBLISH ch x")).toBe(":5\r\n");
    for (const client of [gone, killed, reset, ended, half]) client.take();
    gone.pipe.reset();
    half.pipe.end();
    expect(await reset.ask("RESET")).toBe("+RESET\r\n");
    await rig.settle();
    expect(await operator.ask("CLIENT KILL TYPE pubsub")).toBe(":1\r\n");
    expect(killed.closed).not.toBe("no");
    expect(await operator.ask("PUBLISH ch x", "PUBSUB CHANNELS", "PUBSUB NUMPAT")).toBe(":0\r\n*0\r\n:0\r\n");
    expect(reset.take() + ended.take() + half.take()).toBe("");
  });

  it("to oneself in RESP3 comes before the reply, never inside it", async () => {
    const rig = await Rig.open();
    const client = await subscriber(rig, "HELLO 3", "SUBSCRIBE ch", "SUBSCRIBE __keyevent@0__:keymiss");
    expect(await client.ask("PUBLISH ch me", "PING")).toBe(`${inResp3(message("ch", "me"))}:1\r\n+PONG\r\n`);
    await client.ask("CONFIG SET notify-keyspace-events Em");
    const missed = (key: string): string => inResp3(message("__keyevent@0__:keymiss", key));
    expect(await client.ask("MGET a b", "PING")).toBe(
      `*2\r\n_\r\n_\r\n${missed("a")}${missed("b")}+PONG\r\n`,
    );
  });

  it("goes on while its subscriber is paused or waits, and is silenced by no CLIENT REPLY", async () => {
    const rig = await Rig.open({ settings: { "persistence.aof_sync": "no" } });
    const quiet = await subscriber(rig, "HELLO 3", "CLIENT REPLY OFF", "SUBSCRIBE ch");
    expect(quiet.take()).toBe("");
    const waiting = await subscriber(rig, "HELLO 3", "SUBSCRIBE ch");
    rig.holdDisk();
    waiting.send("SET a 1", "AOF SYNC");
    await rig.settle();
    waiting.take();
    await rig.connect().ask("PUBLISH ch now");
    expect(quiet.take()).toBe(inResp3(message("ch", "now")));
    expect(waiting.take()).toBe(inResp3(message("ch", "now")));
    rig.releaseDisk();
    await rig.settle();
    expect(waiting.take()).toBe("+OK\r\n");
  });
});

describe("in a transaction", () => {
  it("channels and patterns may be subscribed to, and messages are sent", async () => {
    const rig = await Rig.open();
    const listener = await subscriber(rig, "SUBSCRIBE news");
    listener.take();
    const client = rig.connect();
    const queued = "+QUEUED\r\n".repeat(4);
    expect(
      await client.ask("MULTI", "SUBSCRIBE a", "SSUBSCRIBE s", "PUBLISH news x", "PSUBSCRIBE p*", "EXEC"),
    ).toBe(
      `+OK\r\n${queued}*4\r\n*3\r\n${bulk("subscribe")}${bulk("a")}:1\r\n` +
        "-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n:1\r\n" +
        `*3\r\n${bulk("psubscribe")}${bulk("p*")}:2\r\n`,
    );
    expect(listener.take()).toBe(message("news", "x"));
    expect(await client.ask("EXEC")).toMatch(
      /^-EXECABORT Transaction discarded because of: Can't execute 'exec': only /,
    );
  });

  it("a message to oneself follows the replies of the whole transaction", async () => {
    const rig = await Rig.open();
    const client = await subscriber(rig, "HELLO 3", "SUBSCRIBE ch");
    client.take();
    expect(await client.ask("MULTI", "PUBLISH ch one", "PUBLISH ch two", "GET a", "EXEC", "PING")).toBe(
      `+OK\r\n${"+QUEUED\r\n".repeat(3)}*3\r\n:1\r\n:1\r\n_\r\n` +
        `${inResp3(message("ch", "one"))}${inResp3(message("ch", "two"))}+PONG\r\n`,
    );
  });

  it("events come in the order of the commands, and leave with the transaction", async () => {
    const rig = await Rig.open({ settings: { "server.notify_keyspace_events": "E$" } });
    const listener = await subscriber(rig, "PSUBSCRIBE __keyevent@0__:*");
    listener.take();
    await rig.connect().ask("MULTI", "SET a 1", "APPEND b 1", "INCR c", "EXEC");
    expect(
      [...listener.take().matchAll(/@0__:(\w+)\r\n\$1\r\n(\w)/g)].map((match) => match.slice(1)),
    ).toEqual([
      ["set", "a"],
      ["append", "b"],
      ["incrby", "c"],
    ]);
  });
});

describe("a message about a write", () => {
  it("does not leave before the write is durable under always", async () => {
    const rig = await Rig.open({ settings: { "persistence.aof_sync": "always" } });
    const operator = rig.connect();
    await operator.ask("CONFIG SET notify-keyspace-events KEA");
    const listener = await subscriber(rig, "SUBSCRIBE __keyevent@0__:set");
    rig.holdDisk();
    expect(await operator.ask("SET k v")).toBe("");
    expect(listener.take()).toBe("");
    rig.releaseDisk();
    await rig.settle();
    expect(operator.take()).toBe("+OK\r\n");
    expect(listener.take()).toBe(message("__keyevent@0__:set", "k"));
  });

  it("tells of keys that expire by themselves and of those that memory has no room for", async () => {
    const rig = await Rig.open({ settings: { "storage.max_memory_policy": "allkeys-lru" } });
    const operator = rig.connect();
    await operator.ask("CONFIG SET notify-keyspace-events Exe");
    const listener = await subscriber(rig, "PSUBSCRIBE __keyevent@*");
    listener.take();
    await operator.ask("SELECT 2", "SET short v PX 50");
    await rig.pass(500);
    expect(listener.take()).toContain(`${bulk("__keyevent@2__:expired")}${bulk("short")}`);
    const used = /used_memory:(\d+)/.exec(await operator.ask("INFO memory"))![1]!;
    await operator.ask(`CONFIG SET maxmemory ${Number(used) + 2_000_000}`);
    for (let i = 0; i < 60; i++) await operator.ask(`SET key:${i} ${"x".repeat(100_000)}`);
    expect(listener.take()).toContain(bulk("__keyevent@2__:evicted"));
  });

  it("is not told again when the log is replayed, and costs no data", async () => {
    const rig = await Rig.open({ settings: { "server.notify_keyspace_events": "KEA" } });
    await rig.connect().ask("SET k v", "PUBLISH ch x", "SUBSCRIBE ch");
    const { lastLsn } = rig.database;
    expect(lastLsn).toBe(1);
    await rig.until(rig.running.stop());
    const again = await Rig.open({
      fileSystem: rig.fileSystem,
      settings: { "server.notify_keyspace_events": "KEA" },
    });
    expect(await again.connect().ask("GET k", "PUBSUB CHANNELS")).toBe(`${bulk("v")}*0\r\n`);
  });
});

describe("a subscriber", () => {
  it("in RESP2 may only do what answers like a message", async () => {
    const rig = await Rig.open();
    const client = await subscriber(rig, "SUBSCRIBE ch");
    client.take();
    const refused = (name: string): string =>
      `-ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n`;
    expect(await client.ask("GET a", "CLIENT LIST", "HELLO 3")).toBe(
      refused("get") + refused("client|list") + refused("hello"),
    );
    expect(await client.ask("PING", "PING hi")).toBe(
      `*2\r\n${bulk("pong")}${bulk("")}*2\r\n${bulk("pong")}${bulk("hi")}`,
    );
    const ended = `*3\r\n${bulk("unsubscribe")}${bulk("ch")}:0\r\n`;
    expect(await client.ask("UNSUBSCRIBE", "GET a")).toBe(`${ended}$-1\r\n`);
    expect(await client.ask("SUBSCRIBE ch", "QUIT")).toMatch(/:1\r\n\+OK\r\n$/);
    expect(client.closed).toBe("ended");
  });

  it("is shown as one by CLIENT LIST and INFO", async () => {
    const rig = await Rig.open();
    const operator = rig.connect();
    await subscriber(rig, "SUBSCRIBE a b", "PSUBSCRIBE x*", "SSUBSCRIBE s t u");
    expect(await operator.ask("CLIENT LIST TYPE pubsub")).toMatch(/ flags=P db=0 sub=2 psub=1 ssub=3 /);
    const info = await operator.ask("INFO");
    expect(info).toContain("pubsub_channels:2\r\npubsub_patterns:1\r\npubsubshard_channels:3\r\n");
    expect(info).toContain("pubsub_clients:1\r\n");
  });

  it("is not idle, however long nothing is said", async () => {
    const rig = await Rig.open({ settings: { "server.timeout": "10s" } });
    const listener = await subscriber(rig, "SUBSCRIBE ch");
    await rig.pass(30_000);
    expect(listener.closed).toBe("no");
  });
});

describe("a subscriber that does not read", () => {
  const limited = { settings: { "server.client_output_buffer_limit": "pubsub 2097152 0 0" } };

  it("is closed at the hard limit, and the others go on", async () => {
    const rig = await Rig.open(limited);
    const slow = await subscriber(rig, "SUBSCRIBE ch");
    const quick = await subscriber(rig, "SUBSCRIBE ch");
    quick.keepsNothing = true;
    slow.pipe.stall();
    const publisher = rig.connect();
    for (let i = 0; i < 60; i++) await publisher.ask(`PUBLISH ch ${"x".repeat(100_000)}`);
    expect(rig.bufferedBytes).toBeLessThan(4 * 1024 * 1024);
    expect(quick.receivedBytes).toBeGreaterThan(60 * 100_000);
    expect(await publisher.ask("PUBLISH ch end")).toBe(":1\r\n");
    slow.pipe.resume();
    await rig.settle();
    expect(slow.closed).not.toBe("no");
    expect(quick.closed).toBe("no");
  });

  it("is closed by a single message beyond the limit, without waiting for the next one", async () => {
    const rig = await Rig.open(limited);
    const slow = await subscriber(rig, "SUBSCRIBE ch");
    slow.pipe.stall();
    const publisher = rig.connect();
    expect(await publisher.ask(`PUBLISH ch ${"x".repeat(3_000_000)}`)).toBe(":1\r\n");
    expect(await publisher.ask("PUBSUB NUMSUB ch")).toBe(`*2\r\n${bulk("ch")}:0\r\n`);
    expect(rig.bufferedBytes).toBeLessThan(1024 * 1024);
  });

  it("is closed when it has been above the soft limit for its time", async () => {
    const rig = await Rig.open({
      settings: { "server.client_output_buffer_limit": "pubsub 33554432 1500000 5" },
    });
    const slow = await subscriber(rig, "SUBSCRIBE ch");
    slow.pipe.stall();
    const publisher = rig.connect();
    await rig.pass(100);
    for (let i = 0; i < 20; i++) await publisher.ask(`PUBLISH ch ${"x".repeat(100_000)}`);
    await rig.pass(4000);
    expect(await publisher.ask("PUBLISH ch x")).toBe(":1\r\n");
    await rig.pass(1500);
    await publisher.ask("PUBLISH ch x");
    expect(await publisher.ask("PUBLISH ch x")).toBe(":0\r\n");
  });

  it("does not make a publisher fill the memory in one pipeline", async () => {
    const rig = await Rig.open({ settings: { "server.client_output_buffer_limit": "pubsub 4194304 0 0" } });
    const slow = await Promise.all(Array.from({ length: 20 }, () => subscriber(rig, "SUBSCRIBE ch")));
    for (const listener of slow) listener.pipe.stall();
    const publisher = rig.connect();
    publisher.send(...Array.from({ length: 2000 }, () => `PUBLISH ch ${"x".repeat(10_000)}`));
    await rig.settle();
    // 400 MB were published.
    expect(rig.bufferedBytes).toBeLessThan(8 * 1024 * 1024);
    expect(publisher.take().split("\r\n")).toHaveLength(2001);
  });
});

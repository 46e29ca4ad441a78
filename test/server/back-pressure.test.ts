/** A client that does not read its replies slows itself down: bounded memory, and nobody else notices. */
import { describe, expect, it } from "vitest";
import { Rig } from "../support/sim-rig.ts";

const VALUE_BYTES = 10_000;
const REPLY_BYTES = VALUE_BYTES + `$${VALUE_BYTES}\r\n\r\n`.length;

async function rigWithValue(): Promise<Rig> {
  const rig = await Rig.open();
  await rig.connect().ask(`SET v ${"v".repeat(VALUE_BYTES)}`);
  return rig;
}

describe("a client that does not read", () => {
  it("is not executed any further, however much it asks for", async () => {
    const rig = await rigWithValue();
    const greedy = rig.connect();
    greedy.keepsNothing = true;
    greedy.pipe.stall();
    const count = 20_000;
    for (let i = 0; i < count / 1000; i++) {
      greedy.send(...Array.from({ length: 1000 }, () => "GET v"));
      await rig.settle();
    }
    // 200 MB were asked for.
    expect(rig.bufferedBytes).toBeLessThan(4 * 1024 * 1024);
    greedy.pipe.resume();
    await rig.settle();
    expect(greedy.receivedBytes).toBe(count * REPLY_BYTES);
  });

  it("does not hold up others meanwhile", async () => {
    const rig = await rigWithValue();
    const greedy = rig.connect();
    greedy.keepsNothing = true;
    greedy.pipe.stall();
    greedy.send(...Array.from({ length: 3000 }, () => "GET v"));
    await rig.settle();
    const other = rig.connect();
    for (let i = 0; i < 50; i++)
      expect(await other.ask(`SET k ${i}`, "GET k")).toMatch(/^\+OK\r\n\$\d\r\n\d+\r\n$/);
    expect(greedy.receivedBytes).toBe(0);
  });

  it("goes on in order when it reads again, writes included", async () => {
    const rig = await rigWithValue();
    const greedy = rig.connect();
    greedy.pipe.stall();
    const commands = Array.from({ length: 400 }, (_, i) => [`SET n ${i}`, "GET v", "GET n"]).flat();
    greedy.send(...commands);
    await rig.settle();
    expect(await rig.connect().ask("GET n")).not.toBe("$3\r\n399\r\n");
    greedy.pipe.resume();
    await rig.settle();
    const replies = greedy.take();
    let expected = "";
    for (let i = 0; i < 400; i++) {
      expected += `+OK\r\n$${VALUE_BYTES}\r\n${"v".repeat(VALUE_BYTES)}\r\n$${String(i).length}\r\n${i}\r\n`;
    }
    expect(replies === expected).toBe(true);
  });

  it("can be closed, and its memory comes back", async () => {
    const rig = await rigWithValue();
    const greedy = rig.connect();
    greedy.pipe.stall();
    greedy.send(...Array.from({ length: 1000 }, () => "GET v"));
    await rig.settle();
    expect(rig.bufferedBytes).toBeGreaterThan(500_000);
    greedy.pipe.reset();
    await rig.settle();
    expect(rig.bufferedBytes).toBeLessThan(100_000);
    expect(await rig.connect().ask("PING")).toBe("+PONG\r\n");
  });
});

describe("a monitor that does not read", () => {
  it("is closed at the output limit, and the others go on", async () => {
    const rig = await Rig.open();
    const operator = rig.connect();
    expect(await operator.ask("CONFIG SET client-output-buffer-limit pubsub")).toMatch(/^-ERR/);
    const limit = "pubsub 2097152 0 0".split(" ");
    operator.raw(
      `*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$26\r\nclient-output-buffer-limit\r\n$${limit.join(" ").length}\r\n${limit.join(" ")}\r\n`,
    );
    await rig.settle();
    expect(operator.take()).toBe("+OK\r\n");
    const watcher = rig.connect();
    await watcher.ask("MONITOR");
    watcher.pipe.stall();
    for (let i = 0; i < 60; i++) {
      expect(await operator.ask(`SET k ${"x".repeat(100_000)}`)).toBe("+OK\r\n");
    }
    expect(rig.bufferedBytes).toBeLessThan(4 * 1024 * 1024);
    watcher.pipe.resume();
    await rig.settle();
    expect(watcher.closed).not.toBe("no");
  });
});

describe("a client that sends a request larger than everything", () => {
  it("is refused by the limit of a request, not by memory", async () => {
    const rig = await Rig.open({ settings: { "server.proto_max_bulk_len": "1MB" } });
    const client = rig.connect();
    client.raw("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2000000\r\n");
    await rig.settle();
    expect(client.take()).toBe("-ERR Protocol error: invalid bulk length\r\n");
    expect(client.closed).toBe("ended");
  });
});

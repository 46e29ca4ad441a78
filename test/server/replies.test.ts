/** What a client is answered, and in what order, however its bytes are cut and however it ends. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { Rig } from "../support/sim-rig.ts";
import { requestText } from "../support/sim-server.ts";

describe("order of replies", () => {
  it("is the order of the requests, for every way to cut the bytes", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new SeededRandom(seed);
      const rig = await Rig.open({
        transport: { split: (length) => random.below(length + 1), arenaBytes: 64 + random.below(400) },
      });
      const clients = [rig.connect(), rig.connect(), rig.connect()];
      clients.forEach((client, index) => {
        for (let i = 0; i < 60; i++) client.send(`APPEND k${index} ${"x".repeat(i)}`, `ECHO ${index}:${i}`);
      });
      await rig.settle();
      clients.forEach((client, index) => {
        let length = 0;
        let expected = "";
        for (let i = 0; i < 60; i++) {
          length += i;
          const echo = `${index}:${i}`;
          expected += `:${length}\r\n$${echo.length}\r\n${echo}\r\n`;
        }
        expect(client.take()).toBe(expected);
      });
    }
  });

  it("holds for a request that arrives byte by byte", async () => {
    const rig = await Rig.open({ transport: { split: () => 1 } });
    const client = rig.connect();
    expect(await client.ask("SET a 1", "INCR a", "GET a", "PING")).toBe("+OK\r\n:2\r\n$1\r\n2\r\n+PONG\r\n");
  });
});

describe("replies larger than an arena", () => {
  it("arrive whole and do not stay in memory", async () => {
    const rig = await Rig.open();
    const bytes = 50 * 1024 * 1024;
    const client = rig.connect();
    client.raw(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${bytes}\r\n${"y".repeat(bytes)}\r\n`);
    await rig.settle();
    expect(client.take()).toBe("+OK\r\n");
    client.keepsNothing = true;
    client.send("GET big", "PING");
    await rig.settle();
    expect(client.receivedBytes).toBe(
      "+OK\r\n".length + `$${bytes}\r\n`.length + bytes + 2 + "+PONG\r\n".length,
    );
    expect(rig.bufferedBytes).toBeLessThan(1024 * 1024);
  });

  it("do not hold up what others are answered in the same turn", async () => {
    const rig = await Rig.open();
    const [greedy, modest] = [rig.connect(), rig.connect()];
    await greedy.ask(`SET big ${"z".repeat(3_000_000)}`);
    greedy.pipe.stall();
    for (let i = 0; i < 10; i++) greedy.send("GET big");
    expect(await modest.ask("PING", "SET a 1", "GET a")).toBe("+PONG\r\n+OK\r\n$1\r\n1\r\n");
    greedy.keepsNothing = true;
    greedy.pipe.resume();
    await rig.settle();
    expect(greedy.receivedBytes).toBe(5 + 10 * (3_000_000 + "$3000000\r\n\r\n".length));
  });
});

describe("the end of a connection", () => {
  it("comes after the replies for a client that has finished sending", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    client.send("SET a 1", "INCR a", "GET a");
    client.pipe.end();
    await rig.settle();
    expect(client.take()).toBe("+OK\r\n:2\r\n$1\r\n2\r\n");
    expect(client.closed).toBe("ended");
  });

  it("comes after the replies for a half-closed client that is slow to read", async () => {
    const rig = await Rig.open({ transport: { windowBytes: 100 } });
    const client = rig.connect();
    const value = "v".repeat(500_000);
    client.pipe.stall();
    client.send(`SET a ${value}`, ...Array.from({ length: 8 }, () => "GET a"), "PING");
    client.pipe.end();
    await rig.settle();
    client.pipe.resume();
    await rig.settle();
    expect(client.closed).toBe("ended");
    expect(client.take()).toBe(`+OK\r\n${`$500000\r\n${value}\r\n`.repeat(8)}+PONG\r\n`);
  });

  it("comes after the answer to QUIT, and nothing behind it is executed", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    expect(await client.ask("SET a 1", "QUIT", "SET a 2")).toBe("+OK\r\n+OK\r\n");
    expect(client.closed).toBe("ended");
    expect(await rig.connect().ask("GET a")).toBe("$1\r\n1\r\n");
  });

  it("comes after the error for bytes that are not the protocol, and nothing behind it is executed", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    client.raw(`${requestText(["SET", "a", "1"])}*1\r\n!oops\r\n${requestText(["SET", "a", "2"])}`);
    await rig.settle();
    expect(client.take()).toBe("+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    expect(client.closed).toBe("ended");
    expect(await rig.connect().ask("GET a")).toBe("$1\r\n1\r\n");
  });

  it("drops a request that was cut off in the middle", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    client.raw(`${requestText(["SET", "a", "1"])}*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n`);
    client.pipe.end();
    await rig.settle();
    expect(client.take()).toBe("+OK\r\n");
    expect(client.closed).toBe("ended");
  });

  it("frees its slot: hundreds of connections one after the other use a handful", async () => {
    const rig = await Rig.open();
    const slots = new Set<number>();
    const release = rig.transport.release.bind(rig.transport);
    rig.transport.release = (slot) => {
      slots.add(slot);
      release(slot);
    };
    for (let i = 0; i < 300; i++) {
      const client = rig.connect();
      expect(await client.ask(`SET k${i % 7} ${i}`)).toBe("+OK\r\n");
      if (i % 3 === 0) client.pipe.reset();
      else if (i % 3 === 1) client.pipe.close();
      else client.send("QUIT");
      await rig.settle();
    }
    expect(slots.size).toBeLessThanOrEqual(2);
    expect(await rig.connect().ask("GET k5")).toBe("$3\r\n299\r\n");
  });

  it("leaves nothing behind for the next client of the same slot", async () => {
    const rig = await Rig.open();
    const first = rig.connect();
    await first.ask("SELECT 3", "CLIENT SETNAME first", "HELLO 3");
    first.raw("*2\r\n$4\r\nECHO\r\n$100\r\nhalf");
    await rig.settle();
    first.pipe.reset();
    await rig.settle();
    const second = rig.connect();
    expect(await second.ask("SET a 1", "CLIENT GETNAME", "GET none")).toBe("+OK\r\n$-1\r\n$-1\r\n");
    expect(rig.database.keyspace.size(0)).toBe(1);
  });
});

describe("CLIENT REPLY", () => {
  it("OFF silences everything until ON, which is answered", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    const asked = client.ask("CLIENT REPLY OFF", "SET a 1", "GET a", "NOSUCH", "CLIENT REPLY ON", "GET a");
    expect(await asked).toBe("+OK\r\n$1\r\n1\r\n");
  });

  it("SKIP silences the next command only", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    expect(await client.ask("CLIENT REPLY SKIP", "SET a 1", "GET a")).toBe("$1\r\n1\r\n");
    expect(await client.ask("CLIENT REPLY SKIP", "NOSUCH", "PING")).toBe("+PONG\r\n");
    expect(await client.ask("CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "SET a 2", "GET a")).toBe(
      "$1\r\n2\r\n",
    );
  });

  it("OFF lets QUIT close without a word", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    expect(await client.ask("CLIENT REPLY OFF", "SET a 1", "QUIT")).toBe("");
    expect(client.closed).toBe("ended");
  });
});

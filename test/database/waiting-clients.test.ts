/** Clients that wait for keys: order, time, wake-ups in chains, and everything that may happen to them meanwhile. */
import { describe, expect, it, vi } from "vitest";
import { Rig, type RigClient } from "../support/sim-rig.ts";

vi.mock("../../src/commands/all.ts", async (original) => {
  const { allCommands } = await original<typeof import("../../src/commands/all.ts")>();
  const { waitingCommands } = await import("./waiting-commands.ts");
  return { allCommands: [...allCommands, ...waitingCommands] };
});

const popped = (key: string, value: string): string =>
  `*2\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
const NIL = "*-1\r\n";

async function rigWith(count: number): Promise<[Rig, ...RigClient[]]> {
  const rig = await Rig.open();
  return [rig, ...Array.from({ length: count }, () => rig.connect())];
}

async function flagsOf(rig: Rig, name: string): Promise<string> {
  const list = await rig.connect().ask("CLIENT LIST");
  return new RegExp(`name=${name} .*flags=([A-Za-z]+)`).exec(list)?.[1] ?? "none";
}

describe("a client that waits for a key", () => {
  it("is served by the command that makes the key, and then executes what it sent meanwhile", async () => {
    const [, waiting, pusher] = await rigWith(2);
    expect(await waiting!.ask("TPOP k 0", "PING", "GET k")).toBe("");
    expect(await pusher!.ask("TPUSH k ab", "GET k")).toBe("+OK\r\n$1\r\nb\r\n");
    expect(waiting!.take()).toBe(`${popped("k", "a")}+PONG\r\n$1\r\nb\r\n`);
  });

  it("does not wait if there is something", async () => {
    const [, client] = await rigWith(1);
    expect(await client!.ask("TPUSH k a", "TPOP x k 0", "EXISTS k")).toBe(`+OK\r\n${popped("k", "a")}:0\r\n`);
  });

  it("is served in the order of arrival, one element each", async () => {
    const [, pusher, ...waiting] = await rigWith(4);
    for (const client of waiting) await client.ask("TPOP k 0");
    await pusher!.ask("TPUSH k ab");
    expect(waiting.map((client) => client.take())).toEqual([popped("k", "a"), popped("k", "b"), ""]);
    await pusher!.ask("TPUSH k c");
    expect(waiting[2]!.take()).toBe(popped("k", "c"));
  });

  it("leaves the lines of its other keys when it is served", async () => {
    const [, pusher, first, second] = await rigWith(3);
    await first!.ask("TPOP a b 0");
    await second!.ask("TPOP b 0");
    await pusher!.ask("TPUSH a 1", "TPUSH b 2");
    expect(first!.take()).toBe(popped("a", "1"));
    expect(second!.take()).toBe(popped("b", "2"));
  });

  it("takes the first of its keys, in their order, if several become ready together", async () => {
    const [, pusher, waiting] = await rigWith(2);
    await waiting!.ask("TPOP a b 0");
    await pusher!.ask("MULTI", "TPUSH b 2", "TPUSH a 1", "EXEC");
    expect(waiting!.take()).toBe(popped("a", "1"));
    expect(await pusher!.ask("GET b")).toContain("$1\r\n2\r\n");
  });

  it("may name a key twice", async () => {
    const [, pusher, waiting] = await rigWith(2);
    await waiting!.ask("TPOP a a 0");
    await pusher!.ask("TPUSH a 12");
    expect(waiting!.take()).toBe(popped("a", "1"));
    expect(await pusher!.ask("TPUSH a 3", "GET a")).toContain("$2\r\n23\r\n");
  });

  it("wakes others by what it does itself", async () => {
    const [, pusher, first, second, third] = await rigWith(4);
    await third!.ask("TPOP c 0");
    await second!.ask("TMOVE b c 0");
    await first!.ask("TMOVE a b 0");
    expect(await pusher!.ask("TPUSH a x", "EXISTS a b c")).toBe("+OK\r\n:0\r\n");
    expect(first!.take()).toBe("$1\r\nx\r\n");
    expect(second!.take()).toBe("$1\r\nx\r\n");
    expect(third!.take()).toBe(popped("c", "x"));
  });

  it("may be moved round in a circle", async () => {
    const [, pusher, first, second] = await rigWith(3);
    await first!.ask("TMOVE a b 0");
    await second!.ask("TMOVE b a 0");
    await pusher!.ask("TPUSH a x");
    expect(first!.take() + second!.take()).toBe("$1\r\nx\r\n$1\r\nx\r\n");
    expect(await pusher!.ask("GET a")).toContain("$1\r\nx\r\n");
  });

  it("is not served by another type of value, nor by another database", async () => {
    const [rig, pusher, waiting] = await rigWith(2);
    await waiting!.ask("TPOP k 0");
    await pusher!.ask("SELECT 1", "TPUSH k a", "SELECT 0");
    expect(waiting!.take()).toBe("");
    await pusher!.ask("TPUSH k b");
    expect(waiting!.take()).toBe(popped("k", "b"));
    expect(rig.database.face.clients.count).toBe(2);
  });
});

describe("a key becomes ready by", () => {
  const ways: readonly (readonly [string, readonly string[]])[] = [
    ["RENAME", ["TPUSH other v", "RENAME other k"]],
    ["RENAMENX", ["TPUSH other v", "RENAMENX other k"]],
    ["COPY", ["TPUSH other v", "COPY other k"]],
    ["COPY from another database", ["SELECT 1", "TPUSH other v", "COPY other k DB 0"]],
    ["MOVE", ["SELECT 1", "TPUSH k v", "MOVE k 0"]],
    ["SWAPDB", ["SELECT 1", "TPUSH k v", "SWAPDB 0 1"]],
    ["SWAPDB, named the other way round", ["SELECT 1", "TPUSH k v", "SWAPDB 1 0"]],
    ["EXEC", ["MULTI", "TPUSH k v", "EXEC"]],
  ];
  for (const [name, commands] of ways) {
    it(name, async () => {
      const [, pusher, waiting] = await rigWith(2);
      await waiting!.ask("TPOP k 0");
      await pusher!.ask(...commands);
      expect(waiting!.take()).toBe(popped("k", "v"));
    });
  }

  it("nothing that is gone again when EXEC is over", async () => {
    const [, pusher, waiting] = await rigWith(2);
    await waiting!.ask("TPOP k 0");
    await pusher!.ask("MULTI", "TPUSH k v", "DEL k", "EXEC");
    expect(waiting!.take()).toBe("");
    await pusher!.ask("TPUSH k w");
    expect(waiting!.take()).toBe(popped("k", "w"));
  });

  it("nothing but what is there: deleting and flushing leave the client waiting", async () => {
    const [, pusher, waiting] = await rigWith(2);
    await waiting!.ask("TPOP k 0");
    await pusher!.ask("SET x 1", "DEL k x", "SET x 1", "FLUSHALL", "FLUSHDB");
    expect(waiting!.take()).toBe("");
    await pusher!.ask("TPUSH k w");
    expect(waiting!.take()).toBe(popped("k", "w"));
  });
});

describe("the time-out", () => {
  it("ends the waiting; the place in the line is free then", async () => {
    const [rig, pusher, waiting] = await rigWith(2);
    await waiting!.ask("TPOP k 0.5", "PING");
    await rig.pass(499);
    expect(waiting!.take()).toBe("");
    await rig.pass(2);
    expect(waiting!.take()).toBe(`${NIL}+PONG\r\n`);
    expect(await pusher!.ask("TPUSH k a", "GET k")).toBe("+OK\r\n$1\r\na\r\n");
  });

  it("counts from the first execution, however often the client is woken in vain", async () => {
    const [rig, pusher, first, second] = await rigWith(3);
    await first!.ask("TPOP k 0");
    await second!.ask("TPOP k 1");
    await rig.pass(600);
    await pusher!.ask("TPUSH k a");
    await rig.pass(399);
    expect(second!.take()).toBe("");
    await rig.pass(2);
    expect(second!.take()).toBe(NIL);
  });

  it("does not come for one who was served", async () => {
    const [rig, pusher, waiting] = await rigWith(2);
    await waiting!.ask("TPOP k 1");
    await pusher!.ask("TPUSH k a");
    await rig.pass(5000);
    expect(waiting!.take()).toBe(popped("k", "a"));
  });

  const texts: readonly (readonly [string, string])[] = [
    ["x", "-ERR timeout is not a float or out of range\r\n"],
    ["nan", "-ERR timeout is not a float or out of range\r\n"],
    ["-1", "-ERR timeout is negative\r\n"],
    ["-0.001", "-ERR timeout is negative\r\n"],
    ["-inf", "-ERR timeout is negative\r\n"],
    ["inf", "-ERR timeout is out of range\r\n"],
    ["1e400", "-ERR timeout is out of range\r\n"],
    ["9223372036854775807", "-ERR timeout is out of range\r\n"],
  ];
  for (const [text, error] of texts) {
    it(`${text} is refused`, async () => {
      const [, client] = await rigWith(1);
      expect(await client!.ask(`TPOP k ${text}`)).toBe(error);
    });
  }

  it("of a tiny fraction is no time without end", async () => {
    const [rig, client] = await rigWith(1);
    await client!.ask("TPOP k 1e-400");
    await rig.pass(2);
    expect(client!.take()).toBe(NIL);
  });
});

describe("meanwhile", () => {
  it("CLIENT UNBLOCK ends the waiting as asked, once", async () => {
    const [, other, waiting] = await rigWith(2);
    const id = /:(\d+)/.exec(await waiting!.ask("CLIENT ID"))![1]!;
    await waiting!.ask("TPOP k 0");
    expect(await other!.ask(`CLIENT UNBLOCK ${id}`, `CLIENT UNBLOCK ${id}`)).toBe(":1\r\n:0\r\n");
    expect(waiting!.take()).toBe(NIL);
    await waiting!.ask("TPOP k 0", "PING");
    expect(await other!.ask(`CLIENT UNBLOCK ${id} ERROR`)).toBe(":1\r\n");
    expect(waiting!.take()).toBe("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n+PONG\r\n");
    expect(await other!.ask("INFO errorstats")).toContain("errorstat_UNBLOCKED:count=1");
  });

  it("CLIENT LIST and INFO show it", async () => {
    const [rig, waiting] = await rigWith(1);
    await waiting!.ask("CLIENT SETNAME w", "TPOP k 0");
    expect(await flagsOf(rig, "w")).toBe("b");
    expect(await rig.connect().ask("INFO clients")).toContain("blocked_clients:1\r\n");
    await rig.connect().ask("TPUSH k a");
    expect(await flagsOf(rig, "w")).toBe("N");
    expect(await rig.connect().ask("INFO clients")).toContain("blocked_clients:0\r\n");
  });

  for (const [how, end] of [
    ["closes", (client: RigClient) => client.pipe.close()],
    ["resets", (client: RigClient) => client.pipe.reset()],
    ["sends no more", (client: RigClient) => client.pipe.end()],
  ] as const) {
    it(`a client that ${how} its connection is forgotten, and takes nothing`, async () => {
      const [rig, pusher, waiting] = await rigWith(2);
      await waiting!.ask("TPOP k 0");
      end(waiting!);
      await rig.settle();
      expect(await pusher!.ask("TPUSH k a", "GET k")).toBe("+OK\r\n$1\r\na\r\n");
      expect(rig.database.face.clients.count).toBe(1);
    });
  }

  it("CLIENT KILL ends it, and what comes in the same turn is not taken", async () => {
    const [, pusher, waiting, next] = await rigWith(3);
    const id = /:(\d+)/.exec(await waiting!.ask("CLIENT ID"))![1]!;
    await waiting!.ask("TPOP k 0");
    await next!.ask("TPOP k 0");
    await pusher!.ask(`CLIENT KILL ID ${id}`, "TPUSH k a");
    expect(waiting!.closed).not.toBe("no");
    expect(waiting!.take()).toBe("");
    expect(next!.take()).toBe(popped("k", "a"));
  });

  it("a pause holds back the command that would serve it", async () => {
    const [rig, pusher, waiting] = await rigWith(2);
    await waiting!.ask("TPOP k 0");
    await pusher!.ask("CLIENT PAUSE 1000 WRITE", "TPUSH k a");
    expect(waiting!.take()).toBe("");
    await rig.pass(1001);
    expect(waiting!.take()).toBe(popped("k", "a"));
  });

  it("a client that is silent gets no reply, and goes on", async () => {
    const [, pusher, off, skip] = await rigWith(3);
    await off!.ask("CLIENT REPLY OFF", "TPOP k 0", "CLIENT REPLY ON");
    await skip!.ask("CLIENT REPLY SKIP", "TPOP k 0", "PING");
    await pusher!.ask("TPUSH k ab");
    expect(off!.take()).toBe("+OK\r\n");
    expect(skip!.take()).toBe("+PONG\r\n");
    expect(await pusher!.ask("EXISTS k")).toBe(":0\r\n");
  });

  it("RESP3 clients are answered in RESP3", async () => {
    const [rig, waiting] = await rigWith(1);
    await waiting!.ask("HELLO 3");
    waiting!.take();
    await waiting!.ask("TPOP k 1");
    await rig.pass(1001);
    expect(waiting!.take()).toBe("_\r\n");
  });
});

describe("waiting within a transaction", () => {
  it("does not wait: it answers as if the time were up", async () => {
    const [, client] = await rigWith(1);
    expect(await client!.ask("MULTI", "TPOP k 0", "TPUSH k ab", "TPOP k 0", "EXEC")).toBe(
      `+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n${NIL}+OK\r\n${popped("k", "a")}`,
    );
    expect(await client!.ask("TPOP z 0")).toBe("");
  });

  it("WATCH notices what was taken for a client that waits", async () => {
    const [, watcher, waiting] = await rigWith(2);
    await waiting!.ask("TMOVE a b 0");
    await watcher!.ask("WATCH b", "TPUSH a x", "DEL b", "MULTI", "PING");
    watcher!.take();
    expect(await watcher!.ask("EXEC")).toBe(NIL);
  });
});

describe("a body that has to know of every change", () => {
  it("is executed again at each, and keeps its note", async () => {
    const [, other, waiting] = await rigWith(2);
    await waiting!.ask("SET k 1", "TGONE k 0");
    waiting!.take();
    await other!.ask("TPUSH k 2", "TPUSH k 3");
    expect(waiting!.take()).toBe("");
    await other!.ask("DEL k");
    expect(waiting!.take()).toBe(":3\r\n");
  });

  for (const [how, command] of [
    ["flushed", "FLUSHALL"],
    ["renamed", "RENAME k l"],
    ["moved", "MOVE k 1"],
    ["swapped away", "SWAPDB 0 1"],
  ]) {
    it(`learns that its key was ${how}`, async () => {
      const [, other, waiting] = await rigWith(2);
      await waiting!.ask("SET k 1", "TGONE k 0");
      waiting!.take();
      await other!.ask(command!);
      expect(waiting!.take()).toBe(":1\r\n");
    });
  }

  it("learns that its key has expired, even if nobody asks for it", async () => {
    const [rig, waiting] = await rigWith(1);
    await waiting!.ask("SET k 1 PX 100", "TGONE k 0");
    waiting!.take();
    await rig.pass(2000);
    expect(waiting!.take()).toBe(":1\r\n");
  });
});

describe("the log", () => {
  it("holds what was taken, and a restart finds it so", async () => {
    const [rig, pusher, waiting] = await rigWith(2);
    await waiting!.ask("TMOVE a b 0");
    await pusher!.ask("TPUSH a xy");
    await rig.until(rig.running.stop());
    const again = await Rig.open({ fileSystem: rig.fileSystem });
    expect(await again.connect().ask("GET a", "GET b")).toBe("$1\r\ny\r\n$1\r\nx\r\n");
  });

  it("is what a served client's reply waits for", async () => {
    const rig = await Rig.open({ settings: { "persistence.aof_sync": "always" } });
    const [waiting, pusher] = [rig.connect(), rig.connect()];
    await waiting.ask("TPOP k 0");
    rig.holdDisk();
    await pusher.ask("TPUSH k a");
    expect(waiting.take() + pusher.take()).toBe("");
    rig.releaseDisk();
    await rig.settle();
    expect(waiting.take()).toBe(popped("k", "a"));
    expect(pusher.take()).toBe("+OK\r\n");
  });
});

/** MULTI to EXEC on a whole server: what is queued, what breaks a transaction, and what others see of it. */
import { describe, expect, it } from "vitest";
import { Rig, type RigClient, type RigOptions } from "../support/sim-rig.ts";

const QUEUED = "+QUEUED\r\n";
const OK = "+OK\r\n";
const BROKEN = "*-1\r\n";
const ABORTED = "-EXECABORT Transaction discarded because of previous errors.\r\n";

async function rigWith(count: number, options?: RigOptions): Promise<[Rig, ...RigClient[]]> {
  const rig = await Rig.open(options);
  return [rig, ...Array.from({ length: count }, () => rig.connect())];
}

async function client(options?: RigOptions): Promise<RigClient> {
  return (await Rig.open(options)).connect();
}

describe("a transaction", () => {
  it("queues, then executes all of it and answers once", async () => {
    const one = await client();
    expect(await one.ask("MULTI", "SET k 1", "INCR k", "GET k", "EXEC")).toBe(
      `${OK}${QUEUED}${QUEUED}${QUEUED}*3\r\n${OK}:2\r\n$1\r\n2\r\n`,
    );
    expect(await one.ask("MULTI", "EXEC", "EXEC")).toBe(`${OK}*0\r\n-ERR EXEC without MULTI\r\n`);
  });

  it("shows nothing of itself before EXEC", async () => {
    const [, one, other] = await rigWith(2);
    await one!.ask("MULTI", "SET k 1");
    expect(await other!.ask("GET k")).toBe("$-1\r\n");
    await one!.ask("EXEC");
    expect(await other!.ask("GET k")).toBe("$1\r\n1\r\n");
  });

  it("keeps what is queued although the buffer it came in is used again", async () => {
    const one = await client({ transport: { arenaBytes: 64 * 1024 } });
    const values = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(3000));
    await one.ask("MULTI");
    for (const [i, value] of values.entries()) await one.ask(`SET k${i} ${value}`);
    expect(await one.ask("EXEC")).toBe(`*20\r\n${OK.repeat(20)}`);
    for (const [i, value] of values.entries()) expect(await one.ask(`GET k${i}`)).toContain(value);
  });

  it("goes on after a command that fails, which is counted once", async () => {
    const one = await client();
    expect(await one.ask("SET k x", "MULTI", "INCR k", "SET j 1", "EXEC")).toBe(
      `${OK}${OK}${QUEUED}${QUEUED}*2\r\n-ERR value is not an integer or out of range\r\n${OK}`,
    );
    const text = await one.ask("INFO commandstats", "INFO errorstats");
    expect(text).toMatch(/cmdstat_incr:calls=1,[^\r]*failed_calls=1/);
    expect(text).toMatch(/cmdstat_exec:calls=1,[^\r]*failed_calls=0/);
    expect(text).toMatch(/cmdstat_set:calls=2,/);
    expect(text).toContain("errorstat_ERR:count=1\r\n");
  });

  it("may change the database, for itself and for what follows", async () => {
    const one = await client();
    expect(await one.ask("MULTI", "SELECT 1", "SET k 1", "EXEC", "GET k", "SELECT 0", "GET k")).toBe(
      `${OK}${QUEUED}${QUEUED}*2\r\n${OK}${OK}$1\r\n1\r\n${OK}$-1\r\n`,
    );
  });

  it("may change the protocol in the middle", async () => {
    const one = await client();
    const replies = await one.ask("MULTI", "GET none", "HELLO 3", "GET none", "EXEC", "GET none");
    expect(replies.startsWith(`${OK}${QUEUED}${QUEUED}${QUEUED}*3\r\n$-1\r\n%7\r\n`)).toBe(true);
    expect(replies.endsWith("_\r\n_\r\n")).toBe(true);
  });

  it("is dropped by DISCARD, RESET, QUIT and the end of the connection", async () => {
    const [rig, one] = await rigWith(1);
    expect(await one!.ask("DISCARD", "MULTI", "SET k 1", "DISCARD", "EXEC")).toBe(
      `-ERR DISCARD without MULTI\r\n${OK}${QUEUED}${OK}-ERR EXEC without MULTI\r\n`,
    );
    expect(await one!.ask("MULTI", "SET k 1", "RESET", "EXEC")).toBe(
      `${OK}${QUEUED}+RESET\r\n-ERR EXEC without MULTI\r\n`,
    );
    expect(await one!.ask("MULTI", "SET k 1", "QUIT")).toBe(`${OK}${QUEUED}${OK}`);
    const two = rig.connect();
    await two.ask("WATCH k", "MULTI", "SET k 1");
    two.pipe.reset();
    await rig.settle();
    expect(await rig.connect().ask("EXISTS k")).toBe(":0\r\n");
    expect(rig.database.executor.attention).toBe(0);
  });
});

describe("a refusal while queueing", () => {
  const refusals: readonly (readonly [string, string, string])[] = [
    ["an unknown command", "NOPE x", "-ERR unknown command 'NOPE', with args beginning with: 'x' \r\n"],
    ["an unknown subcommand", "CONFIG NOPE", "-ERR unknown subcommand 'NOPE'. Try CONFIG HELP.\r\n"],
    ["a wrong number of arguments", "GET", "-ERR wrong number of arguments for 'get' command\r\n"],
    ["that of DISCARD, too", "DISCARD x", "-ERR wrong number of arguments for 'discard' command\r\n"],
    ["a command that no transaction may hold", "SAVE", "-ERR Command not allowed inside a transaction\r\n"],
  ];
  for (const [name, command, error] of refusals) {
    it(`makes EXEC fail: ${name}`, async () => {
      const one = await client();
      expect(await one.ask("MULTI", "SET k 1", command, "SET k 2", "EXEC", "GET k")).toBe(
        `${OK}${QUEUED}${error}${QUEUED}${ABORTED}$-1\r\n`,
      );
      expect(await one.ask("MULTI", "SET k 3", "EXEC")).toBe(`${OK}${QUEUED}*1\r\n${OK}`);
    });
  }

  it("of MULTI and WATCH does no harm", async () => {
    const one = await client();
    expect(await one.ask("MULTI", "MULTI", "WATCH k", "SET k 1", "EXEC")).toBe(
      `${OK}-ERR MULTI calls can not be nested\r\n-ERR WATCH inside MULTI is not allowed\r\n${QUEUED}*1\r\n${OK}`,
    );
  });

  it("of EXEC itself ends the transaction", async () => {
    const one = await client();
    expect(await one.ask("MULTI", "SET k 1", "EXEC x", "EXEC")).toBe(
      `${OK}${QUEUED}-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n-ERR EXEC without MULTI\r\n`,
    );
  });

  it("comes when the queue would take more than the limit, which bounds what is watched, too", async () => {
    const one = await client({ settings: { "server.client_query_buffer_limit": "1MB" } });
    const value = "v".repeat(400_000);
    expect(await one.ask("MULTI", `SET a ${value}`, `SET b ${value}`, `SET c ${value}`, "EXEC")).toBe(
      `${OK}${QUEUED}${QUEUED}-ERR the commands of this transaction take more than client-query-buffer-limit\r\n${ABORTED}`,
    );
    expect(await one.ask(`WATCH ${value}1`, `WATCH ${value}2`, `WATCH ${value}3`)).toBe(
      `${OK}${OK}-ERR the watched keys take more than client-query-buffer-limit\r\n`,
    );
    expect(await one.ask("UNWATCH", `WATCH ${value}3`)).toBe(OK + OK);
  });
});

describe("what a server may refuse", () => {
  const SMALL = { settings: { "storage.max_memory": "8MB", "storage.max_memory_policy": "noeviction" } };

  async function filled(rig: Rig): Promise<RigClient> {
    const filler = rig.connect();
    for (let i = 0; i < 400; i++) {
      if ((await filler.ask(`SET fill:${i} ${"x".repeat(60_000)}`)).startsWith("-OOM")) return filler;
    }
    throw new Error("memory does not fill");
  }

  it("for want of memory it refuses while queueing, but not EXEC of what only reads", async () => {
    const [rig, reads, writes, queues] = await rigWith(3, SMALL);
    await reads!.ask("MULTI", "GET k");
    await writes!.ask("MULTI", "SET k 1");
    const filler = await filled(rig);
    writes!.take();
    reads!.take();
    const oom = "OOM command not allowed when used memory > 'maxmemory'.";
    expect(await writes!.ask("EXEC", "EXEC")).toBe(
      `-EXECABORT Transaction discarded because of: ${oom}\r\n-ERR EXEC without MULTI\r\n`,
    );
    expect(await reads!.ask("EXEC")).toBe("*1\r\n$-1\r\n");
    expect(await queues!.ask("MULTI", "GET k", "DISCARD")).toBe(`${OK}-${oom}\r\n${OK}`);
    expect(await filler.ask("FLUSHALL")).toBe(OK);
  });

  it("over a log that has failed it refuses EXEC of what writes, and only that", async () => {
    const [rig, one] = await rigWith(1, { settings: { "persistence.aof_sync": "always" } });
    await one!.ask("SET k 1", "MULTI", "SET k 2");
    const reader = rig.connect();
    await reader.ask("MULTI", "GET k");
    const breaker = rig.connect();
    rig.fault = (operation, path) =>
      path.includes("/aof/") && operation !== "read" && operation !== "size" ? { code: "EIO" } : undefined;
    breaker.send("SET x 1");
    await rig.settle();
    await rig.pass(200);
    one!.take();
    reader.take();
    expect(await one!.ask("EXEC")).toMatch(/^-EXECABORT Transaction discarded because of: MISCONF /);
    expect(await reader.ask("EXEC")).toBe("*1\r\n$1\r\n1\r\n");
  });

  it("CLIENT PAUSE WRITE holds back an EXEC that writes, and no other", async () => {
    const [rig, writes, reads, pauser] = await rigWith(3);
    await writes!.ask("MULTI", "SET k 1");
    await reads!.ask("MULTI", "GET k");
    await pauser!.ask("CLIENT PAUSE 1000 WRITE");
    writes!.take();
    reads!.take();
    expect(await writes!.ask("EXEC", "PING")).toBe("");
    expect(await reads!.ask("EXEC")).toBe("*1\r\n$-1\r\n");
    await rig.pass(1001);
    expect(writes!.take()).toBe(`*1\r\n${OK}+PONG\r\n`);
  });
});

describe("WATCH", () => {
  /** What the other client does between WATCH and EXEC, and whether it breaks the transaction. */
  const cases: readonly (readonly [name: string, before: string[], meanwhile: string[], broken: boolean])[] =
    [
      ["nothing", ["SET k 1"], [], false],
      ["a write", ["SET k 1"], ["SET k 2"], true],
      ["a write of the same value", ["SET k 1"], ["SET k 1"], true],
      ["a write and its undoing", ["SET k 1"], ["INCR k", "DECR k"], true],
      ["an empty append", ["SET k 1"], ["APPEND k "], true],
      ["an empty range", ["SET k 1"], ["SETRANGE k 0 "], false],
      ["a time to live", ["SET k 1"], ["EXPIRE k 100"], true],
      ["taking a time away", ["SET k 1 EX 100"], ["PERSIST k"], true],
      ["taking away a time that is not there", ["SET k 1"], ["PERSIST k", "GETEX k PERSIST"], false],
      ["reading", ["SET k 1"], ["GET k", "GETEX k", "TOUCH k", "STRLEN k"], false],
      ["a write that is refused", ["SET k 1"], ["SETNX k 2", "SET k 2 NX"], false],
      ["deleting", ["SET k 1"], ["DEL k"], true],
      ["deleting and creating anew", ["SET k 1"], ["DEL k", "SET k 1"], true],
      ["creating", [], ["SET k 1"], true],
      ["creating and deleting", [], ["SET k 1", "DEL k"], true],
      ["deleting what is not there", [], ["DEL k"], false],
      ["renaming to itself", ["SET k 1"], ["RENAME k k"], false],
      ["renaming away", ["SET k 1"], ["RENAME k j"], true],
      ["renaming away and back", ["SET k 1"], ["RENAME k j", "RENAME j k"], true],
      ["renaming another to it", ["SET j 1"], ["RENAME j k"], true],
      ["copying from it", ["SET k 1"], ["COPY k j"], false],
      ["copying to it", ["SET k 1", "SET j 1"], ["COPY j k REPLACE"], true],
      ["moving it to another database", ["SET k 1"], ["MOVE k 1"], true],
      [
        "moving one like it from another database",
        ["SELECT 1", "SET k 1", "SELECT 0"],
        ["SELECT 1", "MOVE k 0"],
        true,
      ],
      [
        "copying one from another database, and deleting",
        ["SELECT 1", "SET j 1", "SELECT 0"],
        ["SELECT 1", "COPY j k DB 0", "SELECT 0", "DEL k"],
        true,
      ],
      ["the same name in another database", ["SET k 1"], ["SELECT 1", "SET k 1", "DEL k"], false],
      ["FLUSHALL", ["SET k 1"], ["FLUSHALL"], true],
      ["FLUSHALL without the key", ["SET j 1"], ["FLUSHALL"], false],
      ["FLUSHDB of another database", ["SET k 1"], ["SELECT 1", "SET k 1", "FLUSHDB"], false],
      ["SWAPDB", ["SET k 1"], ["SWAPDB 0 1"], true],
      ["SWAPDB twice", ["SET k 1"], ["SWAPDB 0 1", "SWAPDB 0 1"], true],
      ["SWAPDB that brings the key", ["SELECT 1", "SET k 1", "SELECT 0"], ["SWAPDB 0 1"], true],
      ["SWAPDB of others", ["SET k 1"], ["SWAPDB 1 2"], false],
      ["a transaction of another client", ["SET k 1"], ["MULTI", "SET k 2", "EXEC"], true],
      ["one that creates and deletes within a transaction", [], ["MULTI", "SET k 2", "DEL k", "EXEC"], true],
      ["MSET of others", ["SET k 1"], ["MSET a 1 b 2 c 3"], false],
      ["MSET with the key", ["SET k 1"], ["MSET a 1 k 1 c 3"], true],
    ];
  for (const [name, before, meanwhile, broken] of cases) {
    it(`${name}: ${broken ? "breaks" : "does not break"} the transaction`, async () => {
      const [, one, other] = await rigWith(2);
      await one!.ask(...before);
      await one!.ask("WATCH k");
      if (meanwhile.length > 0) await other!.ask(...meanwhile);
      one!.take();
      await one!.ask("MULTI", "PING");
      one!.take();
      expect(await one!.ask("EXEC")).toBe(broken ? BROKEN : "*1\r\n+PONG\r\n");
      expect(await one!.ask("MULTI", "EXEC")).toBe(`${OK}*0\r\n`);
    });
  }

  it("sees the session's own writes", async () => {
    const one = await client();
    expect(await one.ask("WATCH k", "SET k 1", "MULTI", "EXEC")).toBe(`${OK}${OK}${OK}${BROKEN}`);
  });

  it("keeps the database in which it was called", async () => {
    const [, one, other] = await rigWith(2);
    await one!.ask("WATCH k", "SELECT 1", "MULTI");
    await other!.ask("SET k 1");
    one!.take();
    expect(await one!.ask("EXEC")).toBe(BROKEN);
  });

  it("is over after UNWATCH, DISCARD and EXEC", async () => {
    for (const end of [["UNWATCH"], ["MULTI", "DISCARD"], ["MULTI", "EXEC"]]) {
      const [rig, one, other] = await rigWith(2);
      await one!.ask("WATCH k j", ...end);
      await other!.ask("SET k 1");
      one!.take();
      expect(await one!.ask("MULTI", "EXEC")).toBe(`${OK}*0\r\n`);
      expect(rig.database.executor.attention).toBe(0);
    }
  });

  it("breaks when the key expires, whether or not anybody looked", async () => {
    for (const look of [[], ["GET k"]]) {
      const [rig, one, other] = await rigWith(2);
      await one!.ask("SET k 1 PX 50", "WATCH k");
      await rig.pass(60);
      if (look.length > 0) await other!.ask(...look);
      one!.take();
      expect(await one!.ask("MULTI", "EXEC")).toBe(OK + BROKEN);
    }
  });

  it("of a key whose time was over already is not broken when it is removed", async () => {
    const [rig, one, other] = await rigWith(2);
    await one!.ask("SET k 1 PX 5");
    await rig.pass(6);
    await one!.ask("WATCH k");
    await other!.ask("GET k");
    await rig.pass(1000);
    one!.take();
    expect(await one!.ask("MULTI", "EXEC")).toBe(`${OK}*0\r\n`);
  });

  it("is broken by a key that is created with a time in the past, not by one that SWAPDB brings expired", async () => {
    const [rig, one, other] = await rigWith(2);
    await one!.ask("WATCH k");
    await other!.ask("SET k 1 PXAT 1000");
    one!.take();
    expect(await one!.ask("MULTI", "EXEC")).toBe(OK + BROKEN);
    await other!.ask("SELECT 1", "SET k 1 PX 5");
    await one!.ask("WATCH k");
    await rig.pass(6);
    await other!.ask("SWAPDB 0 1");
    one!.take();
    expect(await one!.ask("MULTI", "EXEC")).toBe(`${OK}*0\r\n`);
  });

  it("of many clients for one key breaks all but the first that writes", async () => {
    const [, ...all] = await rigWith(4);
    for (const one of all) await one.ask("WATCH k", "MULTI", "INCR k");
    for (const one of all) one.take();
    const replies: string[] = [];
    for (const one of all) replies.push(await one.ask("EXEC"));
    expect(replies).toEqual(["*1\r\n:1\r\n", BROKEN, BROKEN, BROKEN]);
  });

  it("broken and refused: the refusal is told", async () => {
    const [, one, other] = await rigWith(2);
    await one!.ask("WATCH k");
    await other!.ask("SET k 1");
    await one!.ask("MULTI", "GET");
    one!.take();
    expect(await one!.ask("EXEC")).toBe(ABORTED);
  });
});

describe("what others see", () => {
  it("CLIENT LIST tells queue, memory and a broken watch", async () => {
    const [, one, other] = await rigWith(2);
    await one!.ask("CLIENT SETNAME t", "WATCH k", "MULTI", "SET a 1", "SET b 2");
    const line = /name=t [^\n]*/.exec(await other!.ask("CLIENT LIST"))![0];
    expect(line).toMatch(/flags=x /);
    expect(line).toMatch(/multi=2 /);
    expect(Number(/multi-mem=(\d+)/.exec(line)![1])).toBeGreaterThan(20);
    await other!.ask("SET k 1");
    expect(await other!.ask("CLIENT LIST")).toMatch(/name=t [^\n]*flags=xd /);
    await one!.ask("DISCARD");
    expect(await other!.ask("CLIENT LIST")).toMatch(/name=t [^\n]*flags=N [^\n]*multi=-1 [^\n]*multi-mem=0 /);
  });

  it("MONITOR shows the commands when they are executed, and EXEC behind them", async () => {
    const [, one, monitor] = await rigWith(2);
    await monitor!.ask("MONITOR");
    monitor!.take();
    await one!.ask("MULTI", "SET k 1");
    const words = (text: string): string[] => [...text.matchAll(/\] "([A-Z]+)"/g)].map((match) => match[1]!);
    expect(words(monitor!.take())).toEqual(["MULTI"]);
    await one!.ask("EXEC", "MULTI", "GET k", "DISCARD");
    expect(words(monitor!.take())).toEqual(["SET", "EXEC", "MULTI", "DISCARD"]);
  });

  it("the slow log names the commands, not EXEC", async () => {
    const one = await client({ settings: { "server.slowlog_log_slower_than": "0" } });
    await one.ask("MULTI", "SET slow 1", "EXEC");
    const log = await one.ask("SLOWLOG GET 10");
    expect(log).toContain("slow");
    expect(log).not.toContain("EXEC");
  });
});

describe("CLIENT REPLY", () => {
  it("SKIP silences one QUEUED", async () => {
    const one = await client();
    expect(await one.ask("CLIENT REPLY SKIP", "MULTI", "CLIENT REPLY SKIP", "SET k 1", "GET k", "EXEC")).toBe(
      // The second SKIP is queued itself.
      `${QUEUED}${QUEUED}${QUEUED}*3\r\n${OK}${OK}$1\r\n1\r\n`,
    );
  });

  it("OFF silences everything until ON", async () => {
    const one = await client();
    expect(await one.ask("CLIENT REPLY OFF", "MULTI", "SET k 1", "EXEC", "CLIENT REPLY ON", "GET k")).toBe(
      `${OK}$1\r\n1\r\n`,
    );
  });

  it("OFF inside a transaction holds from the next command on: its reply is whole", async () => {
    const one = await client();
    expect(
      await one.ask("MULTI", "SET k 1", "CLIENT REPLY OFF", "GET k", "EXEC", "PING", "CLIENT REPLY ON"),
    ).toBe(`${OK}${QUEUED}${QUEUED}${QUEUED}*3\r\n${OK}${OK}$1\r\n1\r\n${OK}`);
  });
});

describe("the log", () => {
  it("holds a transaction as one unit, and nothing of one that only reads", async () => {
    const [rig, one] = await rigWith(1, { settings: { "persistence.aof_sync": "always" } });
    await one!.ask(
      "SET a 0",
      "MULTI",
      "GET a",
      "EXEC",
      "MULTI",
      "SET a 1",
      "SELECT 1",
      "SET b 2",
      "INCR b",
      "EXEC",
    );
    const folder = rig.fileSystem.listSync("/data/aof").find((name) => name.endsWith(".incr.aof"))!;
    const file = rig.fileSystem.openSync(`/data/aof/${folder}`, "read");
    const bytes = new Uint8Array(file.sizeSync());
    file.readSync(0, bytes, 0, bytes.length);
    const words = [
      ...Buffer.from(bytes)
        .toString("latin1")
        .matchAll(/\$\d+\r\n([A-Za-z0-9]+)\r\n/g),
    ].map((match) => match[1]!);
    expect(words.join(" ")).toBe("SELECT 0 SET a 0 MULTI SET a 1 SELECT 1 SET b 2 INCR b EXEC");
  });

  it("is replayed: a restart finds what EXEC did", async () => {
    const [rig, one] = await rigWith(1);
    await one!.ask("MULTI", "SET a 1", "SELECT 1", "SET b 2", "INCR b", "EXEC");
    await rig.until(rig.running.stop());
    const again = await Rig.open({ fileSystem: rig.fileSystem });
    expect(await again.connect().ask("GET a", "SELECT 1", "GET b")).toBe("$1\r\n1\r\n+OK\r\n$1\r\n3\r\n");
  });
});

/** SAVE and its kin on a whole server: what they answer, what is there after a restart, and what INFO says meanwhile. */
import { describe, expect, it } from "vitest";
import { Rig, type RigClient } from "../support/sim-rig.ts";

const WITHOUT_CODEC = { "persistence.checkpoint_compression": "false" };
const LOG_ONLY = { ...WITHOUT_CODEC, "persistence.checkpoint_enabled": "false" };
const CHECKPOINTS_ONLY = { ...WITHOUT_CODEC, "persistence.aof_enabled": "false" };
const DEBUG = { "server.enable_debug_command": "yes" };

/** A killed server's disk, started again. */
const reopen = (rig: Rig, settings: Readonly<Record<string, string>>): Promise<Rig> =>
  Rig.open({ settings, fileSystem: rig.fileSystem });

async function ask(rig: Rig, client: RigClient, command: string): Promise<string> {
  client.send(command);
  await rig.pass(50);
  return client.take();
}

/** Every key of the first database, all types, some of them structures. */
async function fill(rig: Rig, client: RigClient): Promise<void> {
  const commands = [
    "SET s v",
    "SET t v PX 100000000",
    "HSET h a 1 b 2",
    "SADD ints 1 2 3",
    "SELECT 3",
    "SET other 1",
    "SELECT 0",
  ];
  for (let i = 0; i < 600; i++)
    commands.push(`ZADD z ${i / 2} m${i}`, `RPUSH l e${i}`, `SADD set m${i}`, `HSET hash f${i} v${i}`);
  commands.push("HPEXPIREAT hash 9999999999999 FIELDS 1 f5");
  client.send(...commands);
  await rig.pass(100);
  expect(client.take()).not.toContain("-");
}

async function digest(rig: Rig, client: RigClient): Promise<string> {
  return ask(rig, client, "DEBUG DIGEST");
}

async function info(rig: Rig, client: RigClient, field: string): Promise<string | undefined> {
  const text = await ask(rig, client, "INFO persistence");
  return new RegExp(`^${field}:(.*)\r$`, "m").exec(text)?.[1];
}

const checkpointFiles = (rig: Rig): readonly string[] =>
  rig.fileSystem.listSync("/data/checkpoints").filter((name) => name.endsWith(".manifest"));

describe.each([
  ["log and checkpoints", { ...WITHOUT_CODEC, ...DEBUG }],
  ["checkpoints alone", { ...CHECKPOINTS_ONLY, ...DEBUG }],
])("with %s", (_, settings) => {
  it("SAVE keeps everything that was executed before it, of every type and database", async () => {
    const rig = await Rig.open({ settings });
    const client = rig.connect();
    await fill(rig, client);
    const before = await digest(rig, client);
    expect(await ask(rig, client, "SAVE")).toBe("+OK\r\n");
    expect(await info(rig, client, "rdb_changes_since_last_save")).toBe("0");
    const again = await reopen(rig, settings);
    expect(await digest(again, again.connect())).toBe(before);
    expect(again.running.assembly.durable.loadedFrom?.id).toBe(1);
  });

  it("DEBUG RELOAD changes nothing", async () => {
    const rig = await Rig.open({ settings });
    const client = rig.connect();
    await fill(rig, client);
    const before = await digest(rig, client);
    expect(await ask(rig, client, "DEBUG RELOAD")).toBe("+OK\r\n");
    expect(await digest(rig, client)).toBe(before);
    await ask(rig, client, "SET more 1");
    expect(await digest(rig, client)).not.toBe(before);
  });

  it("BGSAVE answers at once, one after the other, and LASTSAVE tells when it is done", async () => {
    const rig = await Rig.open({ settings });
    const client = rig.connect();
    await fill(rig, client);
    await rig.pass(3000);
    const last = await ask(rig, client, "LASTSAVE");
    rig.holdDisk();
    client.send("BGSAVE", "BGSAVE", "LASTSAVE");
    await rig.pass(50);
    expect(client.take()).toBe(
      `+Background saving started\r\n-ERR Background save already in progress\r\n${last}`,
    );
    expect(await info(rig, client, "rdb_bgsave_in_progress")).toBe("1");
    rig.releaseDisk();
    await rig.pass(200);
    expect(await info(rig, client, "rdb_bgsave_in_progress")).toBe("0");
    expect(await info(rig, client, "rdb_last_bgsave_status")).toBe("ok");
    expect(await ask(rig, client, "LASTSAVE")).not.toBe(last);
  });

  it("a checkpoint that fails is told of, and the one before stays", async () => {
    const rig = await Rig.open({ settings });
    const client = rig.connect();
    await ask(rig, client, "SET a 1");
    await ask(rig, client, "SAVE");
    await ask(rig, client, "SET a 2");
    rig.fault = (operation, path) =>
      path.includes("/checkpoints/") && operation === "append" ? { code: "ENOSPC" } : undefined;
    expect(await ask(rig, client, "SAVE")).toMatch(
      /^-ERR the checkpoint failed: .*; the one before it stays valid\r\n/,
    );
    expect(await info(rig, client, "rdb_last_bgsave_status")).toBe("err");
    rig.fault = () => undefined;
    expect(checkpointFiles(rig)).toEqual(["0000000001.manifest"]);
    expect(await ask(rig, client, "SAVE")).toBe("+OK\r\n");
    expect(await info(rig, client, "rdb_last_bgsave_status")).toBe("ok");
    const again = await reopen(rig, settings);
    expect(await ask(again, again.connect(), "GET a")).toBe("$1\r\n2\r\n");
  });

  it("a checkpoint is taken by itself by save rules and by the interval, and only after changes", async () => {
    const rig = await Rig.open({ settings: { ...settings, "persistence.save_rules": "60 3" } });
    const client = rig.connect();
    await rig.pass(400_000);
    expect(checkpointFiles(rig)).toEqual([]);
    client.send("SET a 1", "SET b 1", "SET c 1");
    await rig.pass(1000);
    expect(checkpointFiles(rig)).toEqual(["0000000001.manifest"]);
    client.send("SET a 2");
    await rig.pass(100_000);
    expect(checkpointFiles(rig)).toEqual(["0000000001.manifest"]);
    await rig.pass(250_000);
    expect(checkpointFiles(rig)).toEqual(["0000000001.manifest", "0000000002.manifest"]);
    client.raw("*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$4\r\nsave\r\n$3\r\n1 1\r\n");
    client.send("SET a 3");
    await rig.pass(2000);
    expect(checkpointFiles(rig)).toEqual(["0000000002.manifest", "0000000003.manifest"]);
  });
});

describe("the log", () => {
  it("loses what all kept checkpoints hold, and is whole with the oldest of them", async () => {
    const rig = await Rig.open({ settings: WITHOUT_CODEC });
    const client = rig.connect();
    for (let round = 1; round <= 4; round++) {
      await ask(rig, client, `SET key${round} ${round}`);
      expect(await ask(rig, client, "SAVE")).toBe("+OK\r\n");
    }
    expect(checkpointFiles(rig)).toEqual(["0000000003.manifest", "0000000004.manifest"]);
    // The newest is lost: the one before it and the log have everything.
    rig.fileSystem.unlinkSync("/data/checkpoints/0000000004.index");
    const again = await reopen(rig, WITHOUT_CODEC);
    const other = again.connect();
    expect(again.running.assembly.durable.loadedFrom?.id).toBe(3);
    for (let round = 1; round <= 4; round++)
      expect(await ask(again, other, `GET key${round}`)).toBe(`$1\r\n${round}\r\n`);
    expect(again.logger.warnings.some(({ event }) => event.startsWith("a checkpoint is damaged"))).toBe(true);
  });

  it("is rewritten to a base where no checkpoints are taken, and nothing written meanwhile is lost", async () => {
    const rig = await Rig.open({ settings: { ...LOG_ONLY, ...DEBUG } });
    const client = rig.connect();
    await fill(rig, client);
    for (let i = 0; i < 300; i++) client.send(`SET again ${i}`);
    await rig.pass(100);
    client.take();
    rig.holdDisk();
    client.send("BGREWRITEAOF", "BGREWRITEAOF");
    await rig.settle();
    expect(client.take()).toBe(
      "+Background append only file rewriting started\r\n+Background append only file rewriting already in progress\r\n",
    );
    rig.releaseDisk();
    for (let i = 0; i < 50; i++)
      client.send(`SET during ${i}`, `ZADD z ${i} during${i}`, `HDEL hash f${i}`, "FLUSHDB", "SET last 1");
    await rig.pass(500);
    client.take();
    expect(await info(rig, client, "aof_rewrites")).toBe("1");
    expect(await info(rig, client, "aof_last_bgrewrite_status")).toBe("ok");
    const before = await digest(rig, client);
    const again = await reopen(rig, { ...LOG_ONLY, ...DEBUG });
    expect(await digest(again, again.connect())).toBe(before);
  });

  it("begins with a base that is younger than the checkpoints, whose files stay as they are", async () => {
    const rig = await Rig.open({ settings: WITHOUT_CODEC });
    const client = rig.connect();
    await fill(rig, client);
    await ask(rig, client, "SAVE");
    const based = await reopen(rig, LOG_ONLY);
    const other = based.connect();
    await ask(based, other, "SET later 1");
    await ask(based, other, "BGREWRITEAOF");
    await based.pass(500);
    expect(await info(based, other, "aof_rewrites")).toBe("1");
    const segments = (of: Rig): string[] =>
      of.fileSystem.listSync("/data/checkpoints/segments").map((name) => {
        const bytes = of.fileSystem.readFileSync(`/data/checkpoints/segments/${name}`);
        return `${name} ${Buffer.from(bytes).toString("latin1")}`;
      });
    const before = segments(based);
    expect(before.length).toBeGreaterThan(0);
    const again = await reopen(based, WITHOUT_CODEC);
    const third = again.connect();
    expect(again.running.assembly.durable.loadedFrom).toBeUndefined();
    expect(await ask(again, third, "GET later")).toBe("$1\r\n1\r\n");
    expect(await ask(again, third, "SAVE")).toBe("+OK\r\n");
    expect(segments(again).slice(0, before.length)).toEqual(before);
  });

  it("is rewritten by itself when it has grown by the percentage and is large enough", async () => {
    const settings = {
      ...LOG_ONLY,
      "persistence.aof_rewrite_min_size": "20000",
      "persistence.aof_rewrite_percentage": "50",
    };
    const rig = await Rig.open({ settings });
    const client = rig.connect();
    for (let i = 0; i < 100; i++) client.send(`SET key ${"x".repeat(100)}`);
    await rig.pass(1000);
    expect(await info(rig, client, "aof_rewrites")).toBe("0");
    client.take();
    for (let i = 0; i < 200; i++) client.send(`SET key ${"y".repeat(100)}`);
    await rig.pass(1000);
    client.take();
    expect(await info(rig, client, "aof_rewrites")).toBe("1");
    expect(Number(await info(rig, client, "aof_current_size"))).toBeLessThan(1000);
  });

  it.each([
    ["checkpoints", { ...WITHOUT_CODEC, ...DEBUG }],
    ["no checkpoints", { ...LOG_ONLY, ...DEBUG }],
  ])("ends and begins by CONFIG SET appendonly, with %s", async (_, settings) => {
    const rig = await Rig.open({ settings });
    const client = rig.connect();
    await fill(rig, client);
    expect(await ask(rig, client, "CONFIG SET appendonly no")).toBe("+OK\r\n");
    await rig.pass(200);
    expect(await info(rig, client, "aof_enabled")).toBe("0");
    await ask(rig, client, "SET unlogged 1");
    expect(await ask(rig, client, "CONFIG SET appendonly yes")).toBe("+OK\r\n");
    await rig.pass(500);
    expect(await info(rig, client, "aof_enabled")).toBe("1");
    await ask(rig, client, "SET logged 1");
    const before = await digest(rig, client);
    const again = await reopen(rig, settings);
    expect(await digest(again, again.connect())).toBe(before);
    expect(again.logger.warnings).toEqual([]);
  });
});

describe("SHUTDOWN", () => {
  it.each([
    ["SHUTDOWN", CHECKPOINTS_ONLY, "1"],
    ["SHUTDOWN NOSAVE", CHECKPOINTS_ONLY, undefined],
    ["SHUTDOWN SAVE", { ...CHECKPOINTS_ONLY, "persistence.checkpoint_enabled": "false" }, "1"],
    ["SHUTDOWN", { ...CHECKPOINTS_ONLY, "persistence.checkpoint_enabled": "false" }, undefined],
    ["SHUTDOWN NOSAVE", WITHOUT_CODEC, "1"],
  ] as const)("%s with %o finds %s afterwards", async (command, settings, expected) => {
    const rig = await Rig.open({ settings });
    const client = rig.connect();
    await ask(rig, client, "SET a 1");
    client.send(command);
    await rig.until(rig.running.ended);
    const again = await reopen(rig, settings);
    expect(await ask(again, again.connect(), "GET a")).toBe(
      expected === undefined ? "$-1\r\n" : "$1\r\n1\r\n",
    );
  });

  it("refuses when what would be lost cannot be saved, unless it is forced", async () => {
    const rig = await Rig.open({ settings: CHECKPOINTS_ONLY });
    const client = rig.connect();
    await ask(rig, client, "SET a 1");
    rig.fault = (operation, path) =>
      path.includes("/checkpoints/") && operation === "append" ? { code: "EIO" } : undefined;
    expect(await ask(rig, client, "SHUTDOWN")).toMatch(/^-ERR Errors trying to SHUTDOWN\. Check logs: /);
    expect(await ask(rig, client, "PING")).toBe("+PONG\r\n");
    client.send("SHUTDOWN FORCE");
    await rig.pass(1000);
    expect(client.closed).not.toBe("no");
  });
});

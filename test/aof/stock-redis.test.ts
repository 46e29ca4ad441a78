/** A stock redis-server loads what we write: the folder of a memory file system is copied to disk and served by it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type BaseSource, LogRewrite } from "../../src/aof/log-rewrite.ts";
import { KeyCommands } from "../../src/checkpoint/base-commands.ts";
import { NO_EXPIRY, TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET } from "../../src/engine/keyspace.ts";
import { append, FOLDER, finish, newWorld, silent, start, type World } from "./support.ts";

function redisServer(): string | undefined {
  try {
    return execFileSync("sh", ["-c", "command -v redis-server"]).toString().trim();
  } catch {
    return undefined;
  }
}

const binary = redisServer();
let server: ChildProcess | undefined;
let folder: string | undefined;

afterEach(async () => {
  if (server !== undefined && server.exitCode === null) {
    const exited = new Promise((resolve) => server!.once("exit", resolve));
    server.kill("SIGKILL");
    await exited;
  }
  if (folder !== undefined) rmSync(folder, { recursive: true });
  server = folder = undefined;
});

/** Resolves with a function that sends commands and answers the raw replies, or rejects with the server's log. */
async function serve(world: World): Promise<(...commands: string[]) => Promise<string[]>> {
  folder = mkdtempSync(join(tmpdir(), "ferrite-aof-"));
  mkdirSync(join(folder, "aof"));
  for (const name of world.fs.listSync(FOLDER))
    writeFileSync(join(folder, "aof", name), world.fs.readFileSync(`${FOLDER}/${name}`));
  const socket = join(folder, "s");
  const options = [
    "--port",
    "0",
    "--unixsocket",
    socket,
    "--dir",
    folder,
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appenddirname",
    "aof",
    "--databases",
    "100",
    "--aof-load-truncated",
    "no",
  ];
  server = spawn(binary!, options);
  let log = "";
  await new Promise<void>((resolve, reject) => {
    server!.stdout!.on("data", (data) => {
      log += data;
      if (log.includes("eady to accept connections")) resolve();
    });
    server!.once("exit", () => reject(new Error(log)));
  });
  return (...commands) => ask(socket, commands);
}

function ask(socket: string, commands: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    let text = "";
    const connection = connect(socket, () => connection.end(`${commands.join("\r\n")}\r\n`));
    connection.on("data", (data) => {
      text += data;
    });
    connection.on("error", reject);
    connection.on("close", () =>
      resolve(
        text
          .trimEnd()
          .split("\r\n")
          .filter((line) => !line.startsWith("$")),
      ),
    );
  });
}

const later = String(Date.now() + 3_600_000);

describe.skipIf(binary === undefined)("redis-server (skipped where it is not installed)", () => {
  it("loads all databases, expiries, units and parts", async () => {
    const world = newWorld();
    const { log } = await start(world);
    for (const db of [0, 3, 15, 99]) {
      append(log, db, "SET", "name", `db${db}`);
      append(log, db, "SET", "brief", "x", "PXAT", later);
      log.commitTurn(Date.now());
    }
    log.rotate();
    log.beginUnit();
    append(log, 3, "RPUSH", "list", "a", "b");
    append(log, 15, "HSET", "hash", "f", "v");
    log.endUnit();
    log.begin(15, 3);
    log.argumentText("INCRBY");
    log.argumentText("n");
    log.argumentInteger(1_234_567_890);
    log.end();
    append(log, 15, "SET", "gone", "x", "PXAT", "1000");
    log.commitTurn(Date.now());
    await finish(world.clock, log.close());
    const send = await serve(world);
    expect(
      await send(
        "GET name",
        "SELECT 3",
        "GET name",
        "LLEN list",
        "SELECT 15",
        "GET n",
        "HGET hash f",
        "EXISTS gone",
        "SELECT 99",
        "GET name",
      ),
    ).toEqual(["db0", "+OK", "db3", ":2", "+OK", "1234567890", "v", ":0", "+OK", "db99"]);
    expect(await send("PEXPIRETIME brief")).toEqual([`:${later}`]);
  });

  it("loads a log that failed and healed", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 2, "INCR", "n");
    log.commitTurn(0);
    world.clock.advance(1000);
    append(log, 2, "INCR", "n");
    log.commitTurn(0);
    world.fault = (operation, path) =>
      path.endsWith("1.incr.aof") && (operation === "sync" || operation === "append")
        ? { code: "EIO", partialBytes: 33 }
        : undefined;
    append(log, 2, "INCR", "n");
    log.commitTurn(0);
    world.clock.advance(3000);
    expect(log.canWrite).toBe(true);
    append(log, 2, "INCR", "n");
    log.commitTurn(0);
    await finish(world.clock, log.close());
    const send = await serve(world);
    expect(await send("SELECT 2", "GET n")).toEqual(["+OK", "4"]);
  });

  it("loads a log as it lies on disk while it is written, prepared space included", async () => {
    const world = newWorld();
    const { log } = await start(world, { policy: "always" });
    for (let i = 0; i < 40; i++) {
      append(log, i % 3, "SET", `k${i}`, "v".repeat(i));
      log.commitTurn(Date.now());
      world.clock.drain();
      if (i === 20) log.rotate();
    }
    const { partName, sizeBytes } = log.counters;
    const size = world.fs.statSync(`${FOLDER}/${partName}`)!.sizeBytes;
    expect(size).toBeGreaterThan(sizeBytes + 1000);
    const send = await serve(world);
    expect(await send("DBSIZE", "STRLEN k39", "SELECT 2", "DBSIZE")).toEqual([":14", ":39", "+OK", ":13"]);
    await finish(world.clock, log.close());
  });

  it("loads large arguments and frames", async () => {
    const world = newWorld();
    const { log } = await start(world, { partBytesMax: 1024 * 1024 });
    for (let i = 0; i < 8; i++) {
      append(log, i % 2, "SET", `key${i}`, "v".repeat(400_000 * i));
      log.commitTurn(0);
    }
    await finish(world.clock, log.close());
    const send = await serve(world);
    expect(await send("STRLEN key6", "SELECT 1", "STRLEN key7", "DBSIZE")).toEqual([
      ":2400000",
      "+OK",
      ":2800000",
      ":4",
    ]);
  });

  it("loads a base and the parts after it, of every type", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "SET", "overwritten", "x");
    append(log, 0, "RPUSH", "doubled", "once");
    log.commitTurn(Date.now());
    const capture = (): BaseSource => {
      const key = Buffer.from("k");
      const word = (text: string): [Uint8Array, number, number] => [Buffer.from(text), 0, text.length];
      const steps: ((commands: KeyCommands) => void)[] = [
        (to) => to.string(0, ...word("overwritten"), ...word("y"), Number(later)),
        (to) => {
          to.beginKey(0, ...word("doubled"), TYPE_LIST, 1, NO_EXPIRY);
          to.listElement(...word("once"));
          to.endKey();
        },
        (to) => {
          to.beginKey(3, key, 0, 1, TYPE_SORTED_SET, 200, Number(later));
          for (let i = 0; i < 200; i++) to.sortedSetMember(...word(`m${i}`), i / 3);
          to.endKey();
        },
        (to) => {
          to.beginKey(4, key, 0, 1, TYPE_HASH, 70, NO_EXPIRY);
          for (let i = 0; i < 70; i++) to.hashField(...word(`f${i}`), ...word(`v${i}`), NO_EXPIRY);
          to.endKey();
        },
        (to) => {
          to.beginKey(5, key, 0, 1, TYPE_SET, 65, NO_EXPIRY);
          for (let i = 0; i < 65; i++) to.setMember(...word(String(i)));
          to.endKey();
        },
        (to) => to.string(6, ...word("gone"), ...word("y"), 5),
      ];
      return {
        step(out) {
          const step = steps.shift();
          step?.(new KeyCommands(out));
          return step !== undefined;
        },
        release: () => undefined,
      };
    };
    const { clock, fs } = world;
    let failure: unknown = "not done";
    new LogRewrite({ log, fs, folder: FOLDER, clock, logger: silent, capture, frameBytes: 500 }, (error) => {
      failure = error;
    });
    world.clock.drain();
    expect(failure).toBeUndefined();
    append(log, 0, "RPUSH", "doubled", "twice");
    log.commitTurn(Date.now());
    await finish(world.clock, log.close());
    const send = await serve(world);
    expect(
      await send(
        "GET overwritten",
        "PEXPIRETIME overwritten",
        "LLEN doubled",
        "SELECT 3",
        "ZCARD k",
        "ZSCORE k m100",
      ),
    ).toEqual(["y", `:${later}`, ":2", "+OK", ":200", "33.333333333333336"]);
    expect(
      await send("SELECT 4", "HLEN k", "HGET k f69", "SELECT 5", "SCARD k", "SELECT 6", "EXISTS gone"),
    ).toEqual(["+OK", ":70", "v69", "+OK", ":65", "+OK", ":0"]);
  });

  it("loads an empty base, and a log that was sealed when it was turned off", async () => {
    const world = newWorld();
    const { log } = await start(world);
    const { clock, fs } = world;
    const capture = (): BaseSource => ({ step: () => false, release: () => undefined });
    new LogRewrite({ log, fs, folder: FOLDER, clock, logger: silent, capture }, () => undefined);
    world.clock.drain();
    append(log, 0, "SET", "a", "1");
    log.commitTurn(Date.now());
    await finish(world.clock, log.close(true));
    const send = await serve(world);
    expect(await send("GET a", "DBSIZE")).toEqual(["1", ":1"]);
  });
});

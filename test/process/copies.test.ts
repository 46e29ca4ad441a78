/**
 * Copies of a data directory that a person makes while the server writes, saves, rotates its log and sweeps: each one opens
 * and holds, for every connection, the state after a prefix of what it sent, no older than the last save before the copy.
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freePort } from "../support/child-process.ts";
import {
  cleanEnvironment,
  FERRITE_MAIN,
  FerriteServer,
  failedStart,
  REPOSITORY,
} from "../support/ferrite-server.ts";
import { problemWith, reasonToSkip } from "../support/requirements.ts";
import type { RespClient } from "../support/resp-client.ts";
import { describe as described } from "../support/resp-value.ts";
import { Randomness, seedOf } from "../support/seed.ts";
import { temporaryFolder } from "../support/temp.ts";
import { Writers } from "./writers.ts";

const CONNECTIONS = 8;
const ROUNDS = Number(process.env["FERRITE_COPY_ROUNDS"] ?? 4);
/** A copy under whose hands a file went away is made again, as the exit code of cp says. */
const ATTEMPTS_MAX = 20;
const SMALL_PARTS = ["persistence.aof_part_max_size=1MB"];

const ENV = cleanEnvironment();
const noRedisCli = reasonToSkip("redis-server", problemWith("redis-cli"));

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

function run(
  command: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { env, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, text }));
  });
}

/** A checkpoint that is wholly after the call. */
async function save(client: RespClient): Promise<void> {
  for (;;) {
    const reply = await client.send("SAVE");
    if (reply.kind !== "error") return;
    if (!described(reply).includes("already in progress")) throw new Error(described(reply));
  }
}

interface Load {
  readonly server: FerriteServer;
  readonly writers: Writers;
  /** Ends the load and the server. */
  stop(): Promise<void>;
}

/** Connections that write, and checkpoints one after the other. */
async function underLoad(name: string): Promise<Load> {
  const server = await FerriteServer.start({ settings: SMALL_PARTS });
  const writers = new Writers(CONNECTIONS, new Randomness(seedOf(name)));
  let isOn = true;
  const writing = writers.writeWhile(server.port, () => isOn);
  const saving = (async () => {
    const client = await server.client();
    while (isOn) await client.send("SAVE");
    await client.close();
  })();
  return {
    server,
    writers,
    async stop() {
      isOn = false;
      await Promise.all([writing, saving]);
      await server.stop();
    },
  };
}

/** Opens a copy and holds it against what was promised when its save was asked for. */
async function opens(copy: string, writers: Writers, least: readonly number[]): Promise<number> {
  const server = await FerriteServer.start({ dataDir: copy });
  const found = await writers.checkCopy(server.port, least);
  await server.stop();
  const again = await FerriteServer.start({ dataDir: copy });
  expect(await writers.checkCopy(again.port, least)).toBe(found);
  await again.kill9();
  return found;
}

describe("a copy made while the server writes", () => {
  it(
    "with cp -r of everything opens",
    async () => {
      const { server, writers, stop } = await underLoad("copies with cp -r");
      const client = await server.client();
      for (let round = 0; round < ROUNDS; round++) {
        const copy = join(temporaryFolder("copy"), "data");
        let ended: Ended | undefined;
        let least: readonly number[] = [];
        for (let attempt = 0; ended?.code !== 0 && attempt < ATTEMPTS_MAX; attempt++) {
          rmSync(copy, { recursive: true, force: true });
          least = writers.acknowledged();
          await save(client);
          ended = await run("cp", ["-r", server.dataDir, copy]);
        }
        expect(ended).toMatchObject({ code: 0 });
        expect(await opens(copy, writers, least)).toBeGreaterThan(0);
      }
      await client.close();
      await stop();
    },
    60_000 + ROUNDS * 30_000,
  );

  it(
    "by BACKUP is restored",
    async () => {
      const { server, writers, stop } = await underLoad("backups");
      const client = await server.client();
      for (let round = 0; round < ROUNDS; round++) {
        const copy = join(temporaryFolder("copy"), "data");
        const least = writers.acknowledged();
        await client.ask("BACKUP", `round-${round}`);
        const file = join(server.dataDir, "backups", `round-${round}`);
        const words = [FERRITE_MAIN, "restore", "--from", file, "--data-dir", copy];
        expect(await run(process.execPath, words, ENV)).toMatchObject({ code: 0 });
        expect(await opens(copy, writers, least)).toBeGreaterThan(0);
      }
      const verified = await run(
        process.execPath,
        [FERRITE_MAIN, "verify", "--data-dir", server.dataDir],
        ENV,
      );
      expect(verified).toMatchObject({ code: 0 });
      await client.close();
      await stop();
    },
    60_000 + ROUNDS * 30_000,
  );

  it.skipIf(noRedisCli !== undefined)(
    `with the script of docs/operations.md opens (${noRedisCli ?? "redis-cli is there"})`,
    async () => {
      const tools = temporaryFolder("tools");
      const program = `#!/bin/sh\nexec '${process.execPath}' '${FERRITE_MAIN}' "$@"\n`;
      writeFileSync(join(tools, "ferrite"), program, { mode: 0o755 });
      const env = { ...ENV, PATH: `${tools}:${process.env["PATH"]}` };
      const { server, writers, stop } = await underLoad("copies with the script");
      for (let round = 0; round < ROUNDS; round++) {
        const copy = join(temporaryFolder("copy"), "data");
        const least = writers.acknowledged();
        const words = ["-c", documentedScript(), "copy-data.sh", String(server.port), server.dataDir, copy];
        expect(await run("sh", words, env)).toMatchObject({ code: 0 });
        expect(await opens(copy, writers, least)).toBeGreaterThan(0);
      }
      await stop();
    },
    60_000 + ROUNDS * 30_000,
  );
});

function documentedScript(): string {
  const text = readFileSync(join(REPOSITORY, "docs", "operations.md"), "utf8");
  const script = /```sh\n(#!\/bin\/sh\n# copy-data\.sh[\s\S]*?)```/.exec(text)?.[1];
  if (script === undefined) throw new Error("docs/operations.md has no copy-data.sh");
  return script;
}

describe("a data directory of which a folder was moved aside", () => {
  /** 100 keys in a checkpoint, 100 more in the log behind it, which is shortened unless checkpoints are only taken by hand. */
  async function prepared(shortens: boolean): Promise<string> {
    const server = await FerriteServer.start({ settings: [`persistence.checkpoint_enabled=${shortens}`] });
    const client = await server.client();
    const fill = async (from: number): Promise<void> => {
      for (let i = from; i < from + 100; i++) await client.ask("SET", `k${i}`, String(i));
    };
    await fill(0);
    if (shortens) {
      for (let i = 0; i < 3; i++) {
        await client.ask("INCR", "saves");
        await save(client);
      }
    } else await save(client);
    await fill(100);
    await client.close();
    await server.stop();
    return server.dataDir;
  }

  async function started(dataDir: string): Promise<{ keys: string; log: string }> {
    const server = await FerriteServer.start({ dataDir });
    const client = await server.client();
    const keys = described(await client.ask("DBSIZE"));
    await client.ask("SET", "new", "1");
    await client.close();
    await server.stop();
    const again = await FerriteServer.start({ dataDir });
    const second = await again.client();
    expect(described(await second.ask("GET", "new"))).toContain('"1"');
    await second.close();
    await again.stop();
    return { keys, log: server.process.log };
  }

  const aside = (dataDir: string, ...names: string[]): void => {
    for (const name of names) renameSync(join(dataDir, name), join(dataDir, `${name}.aside`));
  };

  it("starts empty with a warning without both", async () => {
    const dataDir = await prepared(false);
    aside(dataDir, "aof", "checkpoints");
    const { keys, log } = await started(dataDir);
    expect(keys).toContain('"0"');
    expect(log).toContain("no append-only file; starting empty");
  });

  it("starts from the newest checkpoint with a warning without the log", async () => {
    const dataDir = await prepared(false);
    aside(dataDir, "aof");
    const { keys, log } = await started(dataDir);
    expect(keys).toContain('"100"');
    expect(log).toContain("going on from the checkpoint alone");
  });

  it("replays a log that goes back to the beginning without checkpoints", async () => {
    const dataDir = await prepared(false);
    aside(dataDir, "checkpoints");
    const { keys, log } = await started(dataDir);
    expect(keys).toContain('"200"');
    expect(log).toContain("no folder of checkpoints");
  });

  it("refuses a log that begins later, says why, and changes nothing", async () => {
    const dataDir = await prepared(true);
    aside(dataDir, "checkpoints");
    const { exit, log } = await failedStart({ dataDir, port: await freePort() });
    expect(exit.code).toBe(5);
    expect(log).toContain("begins with LSN");
    expect(log).toContain(`${dataDir}/checkpoints`);
    expect(log).toContain("restore a backup");
    expect(existsSync(join(dataDir, "checkpoints"))).toBe(false);
    renameSync(join(dataDir, "checkpoints.aside"), join(dataDir, "checkpoints"));
    expect((await started(dataDir)).keys).toContain('"201"');
  });

  it("opens with aof and checkpoints alone", async () => {
    const dataDir = await prepared(true);
    const copy = temporaryFolder("copy");
    for (const name of ["aof", "checkpoints"])
      cpSync(join(dataDir, name), join(copy, name), { recursive: true });
    expect((await started(copy)).keys).toContain('"201"');
    expect(readFileSync(join(copy, "IDENTITY"))).toEqual(readFileSync(join(dataDir, "IDENTITY")));
  });
});

/**
 * The bytes of format version 1, checked by hand once. They must be read for ever, and as long as this version
 * is written, the writer must produce them.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import { aofRepair } from "../../src/aof/aof-repair.ts";
import type { BaseCommands } from "../../src/aof/base-writer.ts";
import { LogRewrite } from "../../src/aof/log-rewrite.ts";
import { append, FOLDER, finish, newWorld, readBack, silent, start } from "./support.ts";

const GOLDEN = fileURLToPath(new URL("../golden/aof/v1", import.meta.url));

const LINES = [
  "1@0 SET greeting hello",
  "2@3 SET session x PXAT 4102444800000",
  "{",
  "3@3 LPUSH list a b",
  "4@0 DEL greeting",
  "}",
  "5@0 INCRBY n -7",
];

describe("golden files of version 1", () => {
  it("read as they always did", async () => {
    const { lines, summary } = await readBack(new PortableFileSystem(), 0, join(GOLDEN, "plain"));
    expect(lines).toEqual(LINES);
    expect(summary).toMatchObject({
      lastLsn: 5,
      statedLsn: 5,
      frames: 4,
      lastTimeMs: 1_000_000_001_000,
      tornTail: undefined,
    });
  });

  it("are what the writer writes", async () => {
    const world = newWorld();
    const { log } = await start(world, { policy: "always", spaceBytesMax: 0, marks: false });
    append(log, 0, "SET", "greeting", "hello");
    append(log, 3, "SET", "session", "x", "PXAT", "4102444800000");
    log.commitTurn(world.clock.wallMs());
    world.clock.drain();
    log.rotate();
    log.beginUnit();
    append(log, 3, "LPUSH", "list", "a", "b");
    append(log, 0, "DEL", "greeting");
    log.endUnit();
    log.commitTurn(world.clock.wallMs() + 500);
    world.clock.drain();
    log.begin(0, 3);
    log.argumentText("INCRBY");
    log.argumentText("n");
    log.argumentInteger(-7);
    log.end();
    world.clock.jumpWall(1000);
    log.commitTurn(world.clock.wallMs());
    await finish(world.clock, log.close());
    const names = readdirSync(join(GOLDEN, "plain")).sort();
    expect(world.fs.listSync(FOLDER)).toEqual(names);
    for (const name of names) {
      const expected = readFileSync(join(GOLDEN, "plain", name), "latin1");
      expect(Buffer.from(world.fs.readFileSync(`${FOLDER}/${name}`)).toString("latin1")).toBe(expected);
    }
  });

  it("with prepared space read as they always did, and are what the writer leaves when it is killed", async () => {
    const { lines, summary } = await readBack(new PortableFileSystem(), 0, join(GOLDEN, "prepared"));
    expect(lines).toEqual(["1@0 SET greeting hello", "2@0 SET answer 42", "3@0 SET even odd"]);
    expect(summary).toMatchObject({ lastLsn: 3, frames: 3, spaceBytes: 256, tornTail: undefined });
    const world = newWorld();
    const { log } = await start(world, { policy: "always", spaceBytesMax: 256, marks: false });
    for (const [key, value] of [
      ["greeting", "hello"],
      ["answer", "42"],
      ["even", "odd"],
    ]) {
      append(log, 0, "SET", key!, value!);
      log.commitTurn(world.clock.wallMs());
      world.clock.drain();
    }
    for (const name of readdirSync(join(GOLDEN, "prepared"))) {
      const expected = readFileSync(join(GOLDEN, "prepared", name), "latin1");
      expect(Buffer.from(world.fs.readFileSync(`${FOLDER}/${name}`)).toString("latin1")).toBe(expected);
    }
  });

  it("with a base read as they always did, and are what a rewrite writes", async () => {
    const world = await writeBased();
    const { lines, summary } = await readBack(new PortableFileSystem(), 0, join(GOLDEN, "based"));
    expect(lines).toEqual(["3@0 SET greeting good morning", "3@3 RPUSH list a b", "4@3 RPUSH list c"]);
    expect(summary).toMatchObject({
      lastLsn: 4,
      frames: 4,
      strayParts: [],
      copied: false,
      tornTail: undefined,
    });
    const names = readdirSync(join(GOLDEN, "based")).sort();
    expect(world.fs.listSync(FOLDER)).toEqual(names);
    for (const name of names) {
      const expected = readFileSync(join(GOLDEN, "based", name), "latin1");
      expect(Buffer.from(world.fs.readFileSync(`${FOLDER}/${name}`)).toString("latin1")).toBe(expected);
    }
  });

  it("with stated losses read as they always did, and are what a repair writes", async () => {
    const { lines, summary } = await readBack(new PortableFileSystem(), 0, join(GOLDEN, "lost"));
    expect(lines).toEqual(LINES.slice(2));
    expect(summary).toMatchObject({ lastLsn: 5, lostEffects: 2 });
    const folder = mkdtempSync(join(tmpdir(), "ferrite-golden-"));
    try {
      const damaged = new DamagedFile(join(GOLDEN, "plain", "appendonly.aof.1.incr.aof"));
      aofRepair(damaged, join(GOLDEN, "plain"), { mode: "drop", into: folder, nowMs: 1_000_000_002_000 });
      for (const name of readdirSync(join(GOLDEN, "lost"))) {
        expect(readFileSync(join(folder, name), "latin1")).toBe(
          readFileSync(join(GOLDEN, "lost", name), "latin1"),
        );
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** A log with a base, a mark, and a part that has left it. */
async function writeBased(): Promise<ReturnType<typeof newWorld>> {
  const world = newWorld();
  const { log } = await start(world, { spaceBytesMax: 0 });
  append(log, 0, "SET", "greeting", "hello");
  append(log, 0, "SET", "greeting", "good morning");
  append(log, 3, "RPUSH", "list", "a", "b");
  log.commitTurn(world.clock.wallMs());
  let left: readonly string[] | undefined;
  const commands = [
    { db: 0, words: ["SET", "greeting", "good morning"] },
    { db: 3, words: ["RPUSH", "list", "a", "b"] },
  ];
  const capture = () => ({
    step: (out: BaseCommands) => {
      const command = commands.shift();
      if (command === undefined) return false;
      out.begin(command.db, command.words.length);
      for (const word of command.words) out.argumentText(word);
      out.end();
      return true;
    },
    release: () => undefined,
  });
  const { clock, fs } = world;
  new LogRewrite(
    { log, fs, folder: FOLDER, clock, logger: silent, capture, frameBytes: 50 },
    (_error, summary) => {
      left = summary?.left;
    },
  );
  world.clock.drain();
  expect(left).toEqual(["appendonly.aof.1.incr.aof"]);
  append(log, 3, "RPUSH", "list", "c");
  log.commitTurn(world.clock.wallMs() + 250);
  await finish(world.clock, log.close());
  return world;
}

/** Shows one file as missing. */
class DamagedFile extends PortableFileSystem {
  readonly #path: string;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  override statSync(path: string): ReturnType<PortableFileSystem["statSync"]> {
    return path === this.#path ? undefined : super.statSync(path);
  }
}

/** Turning the log on and off while the data set lives. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import type { AppendOnlyLog } from "../../src/aof/append-only-log.ts";
import { readManifest } from "../../src/aof/manifest-file.ts";
import { discardPendingLog, startLog } from "../../src/aof/start-log.ts";
import { Data, rewrite, stateOf } from "./rewrite-support.ts";
import {
  append,
  FOLDER,
  finish,
  newWorld,
  readBack,
  silent,
  start,
  type World,
  worldAfter,
} from "./support.ts";

const begin = (world: World, lastLsn: number): AppendOnlyLog =>
  startLog({ fs: world.fs, folder: FOLDER, clock: world.clock, logger: silent, policy: "everysec", lastLsn });

function write(world: World, log: AppendOnlyLog, ...values: string[]): void {
  for (const value of values) {
    append(log, 0, "SET", "k", value);
    log.commitTurn(world.clock.wallMs());
  }
}

describe("a log that is turned on", () => {
  it("counts only from the moment on when what it begins on is durable", async () => {
    const world = newWorld();
    const log = begin(world, 40);
    write(world, log, "a", "b");
    log.rotate();
    world.clock.advance(2000);
    write(world, log, "c");
    expect(log.dropPartsBelow(42)).toEqual([]);
    expect(readManifest(world.fs, FOLDER, "appendonly.aof")).toBeUndefined();
    const before = worldAfter(world, world.fs.kill());
    expect((await readBack(before.fs)).summary).toMatchObject({
      manifest: undefined,
      lastLsn: 0,
      strayParts: [],
    });
    log.beginAt(40);
    const after = worldAfter(world, world.fs.crash(new SeededRandom(1)));
    expect((await readBack(after.fs, 40)).lines.slice(0, 2)).toEqual(["41@0 SET k a", "42@0 SET k b"]);
    await finish(world.clock, log.close());
    expect((await readBack(world.fs, 40)).lines).toHaveLength(3);
    expect(world.fs.listSync(FOLDER).some((name) => name.includes("pending"))).toBe(false);
  });

  it("can be published by a base", async () => {
    const world = newWorld();
    const log = begin(world, 7);
    const data = new Data();
    data.values.set("old", "1");
    data.set(log, "k", "2");
    log.commitTurn(world.clock.wallMs());
    const under = rewrite(world, log, data);
    world.clock.drain();
    expect(under.result?.error).toBeUndefined();
    await finish(world.clock, log.close());
    expect(stateOf((await readBack(world.fs)).lines)).toEqual({ old: "1", k: "2" });
  });

  it("leaves an earlier log in force until then, whenever the process dies", async () => {
    const run = async (crashStep: number): Promise<number> => {
      const world = newWorld();
      const first = await start(world);
      write(world, first.log, "x", "y");
      await finish(world.clock, first.log.close(true));
      let steps = 0;
      let future: { fs: ReturnType<typeof world.fs.kill>; published: boolean } | undefined;
      let published = false;
      world.step = () => {
        if (steps++ === crashStep) future = { fs: world.fs.crash(new SeededRandom(crashStep)), published };
      };
      const log = begin(world, 50);
      write(world, log, "z");
      world.clock.advance(2000);
      log.beginAt(50);
      published = true;
      write(world, log, "z2");
      await finish(world.clock, log.close());
      if (future === undefined) return steps;
      const next = worldAfter(world, future.fs);
      const manifest = readManifest(next.fs, FOLDER, "appendonly.aof")!;
      const isNew = manifest.parts[0]!.firstLsn === 51;
      if (future.published) expect(isNew).toBe(true);
      const { lines, log: opened } = await start(next, { afterLsn: isNew ? 50 : 0 });
      expect(lines.slice(0, 2)).toEqual(
        isNew ? expect.arrayContaining(["51@0 SET k z"]) : ["1@0 SET k x", "2@0 SET k y"],
      );
      expect(next.fs.listSync(FOLDER).some((name) => name.includes("pending"))).toBe(false);
      await finish(next.clock, opened.close());
      return steps;
    };
    const steps = await run(-1);
    for (let step = 0; step < steps; step++) await run(step);
  });

  it("heals like any other, and can be given up", async () => {
    const world = newWorld();
    const log = begin(world, 3);
    write(world, log, "a");
    world.fault = (operation, path) =>
      operation === "append" && path.endsWith("1.incr.aof") ? { code: "EIO", partialBytes: 5 } : undefined;
    write(world, log, "b");
    expect(log.canWrite).toBe(false);
    world.clock.advance(3000);
    expect(log.canWrite).toBe(true);
    log.beginAt(3);
    await finish(world.clock, log.close());
    expect((await readBack(world.fs, 3)).lines).toEqual(["4@0 SET k a", "5@0 SET k b"]);
    const other = newWorld();
    const given = begin(other, 3);
    write(other, given, "a");
    await finish(other.clock, given.close());
    discardPendingLog(other.fs, FOLDER);
    expect(other.fs.listSync(FOLDER).filter((name) => !name.endsWith(".mark"))).toEqual([]);
    const again = begin(other, 9);
    again.beginAt(9);
    await finish(other.clock, again.close());
    expect((await readBack(other.fs, 9)).summary.lastLsn).toBe(9);
  });
});

describe("a log that is turned off", () => {
  it("is sealed, read as whole, and gone on with at the next start", async () => {
    const world = newWorld();
    const { log } = await start(world, { policy: "no" });
    write(world, log, "a", "b");
    await finish(world.clock, log.close(true));
    const off = worldAfter(world, world.fs.crash(new SeededRandom(3)));
    const manifest = readManifest(off.fs, FOLDER, "appendonly.aof")!;
    expect(manifest.parts.map((part) => part.sealed?.lastLsn)).toEqual([2]);
    const { lines, log: again } = await start(off);
    expect(lines).toEqual(["1@0 SET k a", "2@0 SET k b"]);
    expect(again.nextLsn).toBe(3);
    await finish(off.clock, again.close());
  });
});

/** Bases and the rewrite that makes them: what is read back, and what a crash or a failing disk leaves. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { aofCheck, aofStats } from "../../src/aof/aof-tools.ts";
import { BaseWriter } from "../../src/aof/base-writer.ts";
import { readManifest } from "../../src/aof/manifest-file.ts";
import { Data, rewrite, stateOf } from "./rewrite-support.ts";
import {
  append,
  FOLDER,
  finish,
  holdDisk,
  newWorld,
  nextWorld,
  readBack,
  start,
  worldAfter,
} from "./support.ts";

const BASE = "appendonly.aof.1.base.aof";

describe("a rewrite", () => {
  it("makes a base of the state at one LSN, and the log begins behind it", async () => {
    const world = newWorld();
    const { log } = await start(world);
    const data = new Data();
    for (let i = 0; i < 50; i++) data.set(log, `k${i % 10}`, `v${i}`);
    log.commitTurn(world.clock.wallMs());
    const under = rewrite(world, log, data);
    data.set(log, "k3", "later");
    log.commitTurn(world.clock.wallMs());
    world.clock.drain();
    expect(under.result).toMatchObject({
      error: undefined,
      summary: { commands: 10, base: { name: BASE, lsn: 51 } },
    });
    data.set(log, "new", "x");
    log.commitTurn(world.clock.wallMs());
    await finish(world.clock, log.close());
    const { lines, summary } = await readBack(world.fs);
    expect(lines).toHaveLength(11);
    expect(lines.filter((line) => line.startsWith("51@0 "))).toHaveLength(10);
    expect(lines.at(-1)).toBe("52@0 SET new x");
    expect(stateOf(lines)).toEqual(Object.fromEntries(data.values));
    expect(summary).toMatchObject({ lastLsn: 52, effects: 11, tornTail: undefined, strayParts: [] });
    expect((await readBack(world.fs, 51)).lines).toEqual(["52@0 SET new x"]);
    await expect(readBack(world.fs, 30)).rejects.toThrow(/state at LSN 51, which is later than the 30/);
    expect(aofCheck(world.fs, FOLDER)).toMatchObject({ verdict: "clean", lastLsn: 52, strayParts: [] });
    expect(aofStats(world.fs, FOLDER)).toMatchObject({
      baseLsn: 51,
      baseCommands: 10,
      effects: 1,
      firstLsn: 52,
    });
  });

  it.each(["always", "everysec", "no"] as const)(
    "takes everything that waits along, under %s",
    async (policy) => {
      const world = newWorld();
      const { log } = await start(world, { policy });
      const data = new Data();
      data.set(log, "a", "1");
      log.commitTurn(world.clock.wallMs());
      world.clock.drain();
      const release = holdDisk(world);
      data.set(log, "a", "2");
      log.commitTurn(world.clock.wallMs());
      data.set(log, "b", "2");
      log.commitTurn(world.clock.wallMs());
      const under = rewrite(world, log, data);
      data.set(log, "c", "3");
      log.commitTurn(world.clock.wallMs());
      release();
      world.clock.drain();
      expect(under.result?.error).toBeUndefined();
      expect(log.acknowledgedLsn).toBe(log.nextLsn - 1);
      const { lsn } = under.result!.summary!.base;
      expect(readManifest(world.fs, FOLDER, "appendonly.aof")!.parts[0]!.firstLsn).toBe(lsn + 1);
      await finish(world.clock, log.close());
      expect(stateOf((await readBack(world.fs)).lines)).toEqual(Object.fromEntries(data.values));
    },
  );

  it("of nothing is a base without commands, which is read as nothing", async () => {
    const world = newWorld();
    const { log } = await start(world);
    const under = rewrite(world, log, new Data());
    world.clock.drain();
    expect(under.result).toMatchObject({ error: undefined, summary: { commands: 0, base: { lsn: 0 } } });
    await finish(world.clock, log.close());
    expect((await readBack(world.fs)).lines).toEqual([]);
    const { log: again } = await start(world);
    expect(again.nextLsn).toBe(1);
  });

  it("replaces the base before it, whose file goes with the change after that", async () => {
    const world = newWorld();
    const { log } = await start(world);
    const data = new Data();
    for (let round = 1; round <= 3; round++) {
      data.set(log, "k", `v${round}`);
      log.commitTurn(world.clock.wallMs());
      const under = rewrite(world, log, data);
      world.clock.drain();
      expect(under.result?.error).toBeUndefined();
    }
    const bases = world.fs.listSync(FOLDER).filter((name) => name.includes("base"));
    expect(bases).toEqual(["appendonly.aof.2.base.aof", "appendonly.aof.3.base.aof"]);
    await finish(world.clock, log.close());
    const { log: again } = await start(world);
    expect(world.fs.listSync(FOLDER).filter((name) => name.includes("base"))).toEqual([
      "appendonly.aof.3.base.aof",
    ]);
    await finish(world.clock, again.close());
    expect(stateOf((await readBack(world.fs)).lines)).toEqual({ k: "v3" });
  });

  it("can be given up; the log is what it was, and what is left goes with the next start", async () => {
    const world = newWorld();
    const { log } = await start(world);
    const data = new Data();
    for (let i = 0; i < 50; i++) data.set(log, `k${i}`, "v".repeat(50));
    log.commitTurn(world.clock.wallMs());
    const under = rewrite(world, log, data);
    for (let i = 0; i < 8; i++) world.clock.step();
    expect(under.rewrite.bytes).toBeGreaterThan(0);
    under.rewrite.abandon();
    expect(under.result?.error).toMatchObject({ kind: "closed" });
    world.clock.drain();
    await finish(world.clock, log.close());
    expect(world.fs.listSync(FOLDER).some((name) => name.includes("base"))).toBe(false);
    const { lines } = await start(world);
    expect(lines).toHaveLength(50);
  });

  it.each(["append", "sync", "rename", "syncDirectory", "open"] as const)(
    "that fails at %s leaves the log as it was, and another succeeds",
    async (operation) => {
      const world = newWorld();
      const { log } = await start(world);
      const data = new Data();
      for (let i = 0; i < 30; i++) data.set(log, `k${i}`, "v".repeat(50));
      log.commitTurn(world.clock.wallMs());
      let armed = false;
      world.fault = (asked, path) => {
        if (path.includes("base")) armed = true;
        const hit = asked === operation && (path.includes("base") || (armed && asked === "syncDirectory"));
        return hit ? { code: "ENOSPC", partialBytes: 10 } : undefined;
      };
      const failed = rewrite(world, log, data);
      world.clock.drain();
      expect(failed.result?.error).toMatchObject({ code: "ENOSPC" });
      data.set(log, "k1", "after");
      log.commitTurn(world.clock.wallMs());
      world.fault = () => undefined;
      expect(log.canWrite).toBe(true);
      const alive = nextWorld(world, world.fs.kill());
      expect(stateOf((await start(alive)).lines)).toEqual(Object.fromEntries(data.values));
      expect(alive.fs.listSync(FOLDER).some((name) => name.includes("base"))).toBe(false);
    },
  );

  it("refuses damage anywhere in a base, and a base in place of a part", async () => {
    const world = newWorld();
    const { log } = await start(world);
    const data = new Data();
    for (let i = 0; i < 20; i++) data.set(log, `k${i}`, "v");
    log.commitTurn(world.clock.wallMs());
    rewrite(world, log, data);
    world.clock.drain();
    await finish(world.clock, log.close());
    const path = `${FOLDER}/${BASE}`;
    const size = world.fs.statSync(path)!.sizeBytes;
    for (let at = 0; at < size; at += 7) {
      const broken = worldAfter(world, world.fs.kill());
      broken.fs.corrupt(path, at, 1);
      await expect(readBack(broken.fs)).rejects.toThrow(/base\.aof/);
      expect(aofCheck(broken.fs, FOLDER).verdict).toBe("damaged");
    }
    const short = worldAfter(world, world.fs.kill());
    const file = short.fs.openSync(path, "append");
    file.truncateSync(size - 1);
    await expect(readBack(short.fs)).rejects.toThrow(/base\.aof.*expected/);
    const misplaced = worldAfter(world, world.fs.kill());
    const part = misplaced.fs.openSync(`${FOLDER}/appendonly.aof.2.incr.aof`, "append");
    part.appendSync(misplaced.fs.readFileSync(path), 0, size);
    await expect(readBack(misplaced.fs)).rejects.toThrow(/is of kind #B; expected effects/);
  });
});

describe("a crash during a rewrite", () => {
  it.each(["always", "everysec"] as const)(
    "at any step of the file system loses nothing that was promised, under %s",
    async (policy) => {
      const steps = await crashAt(policy, Number.POSITIVE_INFINITY);
      expect(steps).toBeGreaterThan(30);
      for (let step = 0; step < steps; step++) await crashAt(policy, step);
    },
  );
});

/** A server that writes all the time, its rewrite, and a crash at a step; answers the steps that there were. */
async function crashAt(policy: "always" | "everysec", crashStep: number): Promise<number> {
  const world = newWorld(7);
  const { log } = await start(world, { policy, spaceBytesMax: 0 });
  const data = new Data();
  const history: Record<string, string>[] = [{}];
  const write = (key: string, value: string): void => {
    data.set(log, key, value);
    history.push(Object.fromEntries(data.values));
    log.commitTurn(world.clock.wallMs());
  };
  for (let i = 0; i < 12; i++) write(`k${i % 5}`, `v${i}`);
  world.clock.advance(2000);
  let steps = 0;
  let futures:
    | { power: ReturnType<typeof world.fs.kill>; kill: ReturnType<typeof world.fs.kill> }
    | undefined;
  let promised = { durable: 0, written: 0 };
  world.step = () => {
    if (steps++ !== crashStep) return;
    promised = { durable: log.durableLsn, written: log.acknowledgedLsn };
    futures = { power: world.fs.crash(new SeededRandom(crashStep)), kill: world.fs.kill() };
  };
  const under = rewrite(world, log, data, 60);
  let n = 0;
  while (under.result === undefined && n < 400) {
    if (n % 3 === 0) write(`k${n % 7}`, `w${n}`);
    world.clock.step();
    n++;
  }
  expect(under.result?.error).toBeUndefined();
  world.clock.drain();
  if (futures === undefined) {
    expect(crashStep).toBeGreaterThanOrEqual(steps);
    await finish(world.clock, log.close());
    expect(stateOf((await readBack(world.fs)).lines)).toEqual(Object.fromEntries(data.values));
    return steps;
  }
  for (const [end, lsn] of [
    ["power", promised.durable],
    ["kill", promised.written],
  ] as const) {
    const next = worldAfter(world, futures[end]);
    const started = await start(next, { policy });
    const { lastLsn } = started.summary;
    expect(lastLsn).toBeGreaterThanOrEqual(lsn);
    expect(stateOf(started.lines)).toEqual(history[lastLsn]);
    append(started.log, 0, "SET", "again", "1");
    started.log.commitTurn(next.clock.wallMs());
    await finish(next.clock, started.log.close());
    const again = await readBack(next.fs);
    expect(stateOf(again.lines)).toEqual({ ...history[lastLsn], again: "1" });
    expect(next.fs.listSync(FOLDER).filter((name) => /new$|pending/.test(name))).toEqual([]);
  }
  return steps;
}

describe("a base writer", () => {
  it("keeps at most two frames in memory and says when there is room", () => {
    const world = newWorld();
    world.fs.makeDirectorySync(FOLDER);
    const writer = new BaseWriter({
      fs: world.fs,
      folder: FOLDER,
      stem: "appendonly.aof",
      lsn: 5,
      timeMs: 1,
      frameBytes: 100,
    });
    const push = (): void => {
      writer.begin(0, 2);
      writer.argumentText("DEL");
      writer.argumentText("k".repeat(40));
      writer.end();
    };
    while (!writer.isFull) push();
    expect(writer.commands).toBeLessThan(6);
    let rooms = 0;
    writer.whenRoom(() => rooms++);
    world.clock.drain();
    expect(rooms).toBe(1);
    expect(writer.isFull).toBe(false);
    // A frame may become due while a command is being made: it is written when that ends.
    writer.begin(0, 1);
    world.clock.drain();
    writer.argumentText("x".repeat(500));
    expect(writer.isFull).toBe(false);
    writer.end();
    let bytes = 0;
    writer.finish((_error, base) => {
      bytes = base!.validBytes;
    });
    world.clock.drain();
    expect(bytes).toBe(world.fs.statSync(`${FOLDER}/${BASE}`)!.sizeBytes);
  });
});

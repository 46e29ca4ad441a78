/** Ending a log at an LSN or a moment. */
import { describe, expect, it } from "vitest";
import { aofRepair } from "../../src/aof/aof-repair.ts";
import { aofCheck } from "../../src/aof/aof-tools.ts";
import { aofTruncate } from "../../src/aof/aof-truncate.ts";
import type { Target } from "../../src/aof/truncate-target.ts";
import { Data, rewrite } from "./rewrite-support.ts";
import { append, FOLDER, finish, newWorld, readBack, start, type World, worldAfter } from "./support.ts";

const INTO = "/data/cut";
const START = 1_000_000_000_000;

/**
 * Part 1: frame 1 to 3 at 0 s, frame 4 to 8 at 10 s, of which 5 to 7 are a unit in two databases; part 2: 9 at 20 s, 10 at 30 s.
 */
async function sample(): Promise<World> {
  const world = newWorld();
  const { log } = await start(world);
  const commit = (seconds: number): void => {
    log.commitTurn(START + seconds * 1000);
    world.clock.drain();
  };
  for (const key of ["a", "b", "c"]) append(log, 0, "SET", key, "1");
  commit(0);
  append(log, 0, "SET", "d", "1");
  log.beginUnit();
  append(log, 1, "SET", "e", "1");
  append(log, 0, "SET", "f", "1");
  append(log, 0, "SET", "g", "1");
  log.endUnit();
  append(log, 2, "SET", "h", "1");
  commit(10);
  log.rotate();
  append(log, 0, "SET", "i", "1");
  commit(20);
  append(log, 0, "SET", "j", "1");
  commit(30);
  await finish(world.clock, log.close());
  return world;
}

const whole = [
  "1@0 SET a 1",
  "2@0 SET b 1",
  "3@0 SET c 1",
  "4@0 SET d 1",
  "{",
  "5@1 SET e 1",
  "6@0 SET f 1",
  "7@0 SET g 1",
  "}",
  "8@2 SET h 1",
  "9@0 SET i 1",
  "10@0 SET j 1",
];
/** What is left up to an LSN that is kept. */
const upTo = (lsn: number): string[] => {
  const lines = whole.slice(0, whole.findIndex((line) => line.startsWith(`${lsn}@`)) + 1);
  return lsn === 7 ? [...lines, "}"] : lines;
};
/** The last LSN that fits entirely. */
const KEPT: Readonly<Record<number, number>> = { 5: 4, 6: 4 };

function truncate(
  world: World,
  target: Target,
  into: string | undefined = INTO,
): ReturnType<typeof aofTruncate> {
  return aofTruncate(world.fs, FOLDER, { target, nowMs: 5, ...(into === undefined ? {} : { into }) });
}

describe("a truncated log", () => {
  it("ends at every LSN that it is asked for, in a copy or in place, and never within a unit", async () => {
    const world = await sample();
    const before = world.fs
      .listSync(FOLDER)
      .map((name) => [name, world.fs.readFileSync(`${FOLDER}/${name}`)]);
    for (let lsn = 1; lsn <= 9; lsn++) {
      const last = KEPT[lsn] ?? lsn;
      const report = truncate(world, { lsn }, `${INTO}${lsn}`);
      expect(report).toMatchObject({ lastLsn: last, setAside: [] });
      expect((await readBack(world.fs, 0, `${INTO}${lsn}`)).lines).toEqual(upTo(last));
      expect(
        world.fs.listSync(FOLDER).map((name) => [name, world.fs.readFileSync(`${FOLDER}/${name}`)]),
      ).toEqual(before);
      const other = worldAfter(world, world.fs.kill());
      const inPlace = aofTruncate(other.fs, FOLDER, { target: { lsn }, nowMs: 5 });
      expect(inPlace.lastLsn).toBe(last);
      expect(inPlace.frameWasCut).toBe(![3, 8, 9].includes(lsn));
      const { lines, log } = await start(other);
      expect(lines).toEqual(upTo(last));
      append(log, 0, "SET", "z", "1");
      log.commitTurn(START + 99_000);
      await finish(other.clock, log.close());
      const again = await readBack(other.fs);
      expect(again.lines).toEqual([...upTo(last), `${last + 1}@0 SET z 1`]);
      for (const name of inPlace.setAside) expect(other.fs.statSync(`${FOLDER}/${name}`)).toBeDefined();
    }
  });

  it("ends before the first frame that is younger than a moment", async () => {
    const world = await sample();
    for (const [seconds, lsn] of [
      [0, 3],
      [9.9, 3],
      [10, 8],
      [19, 8],
      [20, 9],
      [29.999, 9],
    ] as const) {
      const into = `${INTO}-${seconds}`;
      expect(truncate(world, { timeMs: START + seconds * 1000 }, into)).toMatchObject({ lastLsn: lsn });
      expect((await readBack(world.fs, 0, into)).lines).toEqual(upTo(lsn));
    }
  });

  it("is refused for what the log does not have, in words", async () => {
    const world = await sample();
    expect(() => truncate(world, { lsn: 0 })).toThrow(/LSN 0 is before the log, which begins with LSN 1/);
    expect(() => truncate(world, { lsn: 10 })).toThrow(
      /LSN 10 is not before the end of the log, which is at LSN 10/,
    );
    expect(() => truncate(world, { lsn: 11 })).toThrow(/nothing to cut/);
    expect(() => truncate(world, { timeMs: START - 1 })).toThrow(
      /2001-09-09T01:46:39\.999Z is before the log/,
    );
    expect(() => truncate(world, { timeMs: START + 30_000 })).toThrow(/nothing to cut/);
    world.fs.makeDirectorySync(`${INTO}/x`);
    expect(() => truncate(world, { lsn: 1 })).toThrow(/is not empty/);
    expect(() => aofTruncate(world.fs, "/data/none", { target: { lsn: 1 }, nowMs: 1 })).toThrow(/no log/);
  });

  it("keeps the base, and cannot end in it", async () => {
    const world = newWorld();
    const { log } = await start(world);
    const data = new Data();
    for (let i = 0; i < 20; i++) data.set(log, `k${i}`, "v");
    log.commitTurn(START);
    rewrite(world, log, data);
    world.clock.drain();
    for (let i = 0; i < 3; i++) append(log, 0, "SET", "n", `${i}`);
    log.commitTurn(START + 60_000);
    await finish(world.clock, log.close());
    expect(() => truncate(world, { lsn: 19 })).toThrow(/LSN 19 lies before the base .*state at LSN 20/);
    expect(() => truncate(world, { timeMs: START - 1 })).toThrow(/lies before the base/);
    expect(truncate(world, { lsn: 20 }, `${INTO}1`)).toMatchObject({ lastLsn: 20, frameWasCut: false });
    expect((await readBack(world.fs, 0, `${INTO}1`)).lines).toHaveLength(20);
    expect(truncate(world, { lsn: 21 }, `${INTO}2`)).toMatchObject({ lastLsn: 21, frameWasCut: true });
    expect((await readBack(world.fs, 0, `${INTO}2`)).lines.at(-1)).toBe("21@0 SET n 0");
    aofTruncate(world.fs, FOLDER, { target: { lsn: 22 }, nowMs: 5 });
    expect((await readBack(world.fs)).lines.at(-1)).toBe("22@0 SET n 1");
  });

  it("may be ended before damage, not behind it", async () => {
    const world = await sample();
    const path = `${FOLDER}/appendonly.aof.2.incr.aof`;
    world.fs.corrupt(path, 60, 1);
    expect(truncate(world, { lsn: 8 })).toMatchObject({ lastLsn: 8 });
    world.fs.corrupt(`${FOLDER}/appendonly.aof.1.incr.aof`, 60, 1);
    expect(() => truncate(world, { lsn: 7 }, `${INTO}2`)).toThrow(/damaged at offset 0, before the target/);
  });
});

describe("a repair of a log with a base", () => {
  async function based(): Promise<World> {
    const world = newWorld();
    const { log } = await start(world);
    const data = new Data();
    for (let i = 0; i < 20; i++) data.set(log, `k${i}`, "v");
    log.commitTurn(START);
    rewrite(world, log, data);
    world.clock.drain();
    for (let i = 0; i < 3; i++) {
      append(log, 0, "SET", "n", `${i}`);
      log.commitTurn(START);
    }
    await finish(world.clock, log.close());
    return world;
  }
  const BASE = `${FOLDER}/appendonly.aof.1.base.aof`;
  const PART = `${FOLDER}/appendonly.aof.2.incr.aof`;

  it("cuts the parts, in a copy and in place, and keeps the base", async () => {
    const world = await based();
    world.fs.corrupt(PART, 100, 1);
    const repair = aofRepair(world.fs, FOLDER, { mode: "cut", into: INTO, nowMs: 1 });
    expect(repair).toMatchObject({ lastLsn: 21, baseIsDamaged: false });
    expect((await readBack(world.fs, 0, INTO)).lines).toHaveLength(21);
    aofRepair(world.fs, FOLDER, { mode: "cut", nowMs: 1 });
    expect((await readBack(world.fs)).lines).toHaveLength(21);
  });

  it("refuses to cut a base, drops from it only when told so, and says so", async () => {
    const world = await based();
    world.fs.corrupt(BASE, 300, 1);
    expect(() => aofRepair(world.fs, FOLDER, { mode: "cut", into: `${INTO}1`, nowMs: 1 })).toThrow(
      /base .* is damaged at offset \d+: .* no state that ever existed/,
    );
    const repair = aofRepair(world.fs, FOLDER, { mode: "drop", into: INTO, nowMs: 1 });
    expect(repair).toMatchObject({ lastLsn: 23, baseIsDamaged: true });
    const { lines } = await readBack(world.fs, 0, INTO);
    expect(lines.length).toBeLessThan(23);
    expect(lines.at(-1)).toBe("23@0 SET n 2");
  });

  it("finds base and parts without a manifest", async () => {
    const world = await based();
    world.fs.unlinkSync(`${FOLDER}/appendonly.aof.manifest`);
    await expect(readBack(world.fs)).rejects.toThrow(/no appendonly\.aof\.manifest/);
    expect(aofCheck(world.fs, FOLDER)).toMatchObject({
      verdict: "damaged",
      lastLsn: 23,
      findings: [{ kind: "manifest" }],
    });
    const repair = aofRepair(world.fs, FOLDER, { mode: "cut", into: INTO, nowMs: 1 });
    expect(repair).toMatchObject({ lastLsn: 23, lost: [] });
    expect((await readBack(world.fs, 0, INTO)).lines).toHaveLength(23);
  });
});

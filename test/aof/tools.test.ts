import { describe, expect, it } from "vitest";
import { aofRepair } from "../../src/aof/aof-repair.ts";
import { aofCheck, aofStats } from "../../src/aof/aof-tools.ts";
import { append, FOLDER, finish, newWorld, readBack, start, type World } from "./support.ts";

const part = (seq: number): string => `${FOLDER}/appendonly.aof.${seq}.incr.aof`;

/** Three parts of three effects each, the last one open, closed cleanly. */
async function sample(): Promise<World> {
  const world = newWorld();
  const { log } = await start(world);
  for (let lsn = 1; lsn <= 9; lsn++) {
    append(log, lsn % 2, lsn === 5 ? "DEL" : "SET", `k${lsn}`, "v");
    log.commitTurn(world.clock.wallMs());
    world.clock.advance(1000);
    if (lsn % 3 === 0 && lsn < 9) log.rotate();
  }
  await finish(world.clock, log.close());
  return world;
}

function damage(world: World, path: string, lsn: number): void {
  const text = Buffer.from(world.fs.readFileSync(path)).toString("latin1");
  world.fs.corrupt(path, text.indexOf(`k${lsn}`), 2);
}

const lsns = (lines: readonly string[]): number[] => lines.map((line) => Number.parseInt(line, 10));

describe("aofStats", () => {
  it("counts what is there", async () => {
    const world = await sample();
    const stats = aofStats(world.fs, FOLDER);
    expect(stats).toMatchObject({
      effects: 9,
      firstLsn: 1,
      lastLsn: 9,
      commands: { SET: 8, DEL: 1 },
      databases: [0, 1],
      strayParts: [],
    });
    expect(stats.lastTimeMs - stats.firstTimeMs).toBeGreaterThanOrEqual(8000);
    expect(stats.parts.map(({ firstLsn, lastLsn, sealed }) => [firstLsn, lastLsn, sealed])).toEqual([
      [1, 3, true],
      [4, 6, true],
      [7, 9, false],
    ]);
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats);
  });

  it("of a folder without a log are zeros", () => {
    expect(aofStats(newWorld().fs, FOLDER)).toMatchObject({ effects: 0, bytesPerEffect: 0, lastLsn: 0 });
  });
});

describe("aofCheck", () => {
  it("tells clean, torn and damaged apart and names every place", async () => {
    const world = await sample();
    expect(aofCheck(world.fs, FOLDER)).toMatchObject({ verdict: "clean", findings: [], lastLsn: 9 });
    const file = world.fs.openSync(part(3), "append");
    file.appendSync(Buffer.from("#F 10 1"), 0, 7);
    file.close();
    expect(aofCheck(world.fs, FOLDER)).toMatchObject({
      verdict: "torn",
      findings: [{ kind: "torn", bytes: 7, dueLsn: 10 }],
    });
    damage(world, part(1), 2);
    damage(world, part(2), 6);
    const check = aofCheck(world.fs, FOLDER);
    expect(check.verdict).toBe("damaged");
    expect(check.findings).toMatchObject([
      { kind: "damage", part: "appendonly.aof.1.incr.aof", dueLsn: 2, foundLsn: 3 },
      { kind: "gap", dueLsn: 2, foundLsn: 3 },
      { kind: "damage", part: "appendonly.aof.2.incr.aof", dueLsn: 6 },
      { kind: "gap", dueLsn: 6 },
      { kind: "gap", part: "appendonly.aof.3.incr.aof", dueLsn: 6, foundLsn: 7 },
      { kind: "torn" },
    ]);
  });

  it("goes on without a manifest", async () => {
    const world = await sample();
    world.fs.unlinkSync(`${FOLDER}/appendonly.aof.manifest`);
    expect(aofCheck(world.fs, FOLDER)).toMatchObject({
      verdict: "damaged",
      findings: [{ kind: "manifest" }],
      lastLsn: 9,
    });
  });
});

describe("aofRepair", () => {
  it("cuts a copy before the first damage and says what is lost", async () => {
    const world = await sample();
    damage(world, part(2), 5);
    const before = world.fs.readFileSync(part(2));
    const repair = aofRepair(world.fs, FOLDER, { mode: "cut", into: "/data/fixed", nowMs: 1 });
    expect(repair).toMatchObject({ lastLsn: 4, lost: [{ firstLsn: 5, lastLsn: 9 }], into: "/data/fixed" });
    expect(repair.bytesDropped).toBeGreaterThan(0);
    expect(lsns((await readBack(world.fs, 0, "/data/fixed")).lines)).toEqual([1, 2, 3, 4]);
    expect(world.fs.readFileSync(part(2))).toEqual(before);
    expect(aofCheck(world.fs, "/data/fixed").verdict).toBe("clean");
  });

  it("drops what is invalid and keeps the rest, with the loss stated in the log", async () => {
    const world = await sample();
    damage(world, part(1), 2);
    damage(world, part(2), 6);
    const repair = aofRepair(world.fs, FOLDER, { mode: "drop", into: "/data/fixed", nowMs: 1 });
    expect(repair).toMatchObject({
      lastLsn: 9,
      lost: [
        { firstLsn: 2, lastLsn: 2 },
        { firstLsn: 6, lastLsn: 6 },
      ],
    });
    const { lines, summary } = await readBack(world.fs, 0, "/data/fixed");
    expect(lsns(lines)).toEqual([1, 3, 4, 5, 7, 8, 9]);
    expect(summary.lostEffects).toBe(2);
    expect(aofCheck(world.fs, "/data/fixed")).toMatchObject({ verdict: "clean", lostEffects: 2 });
  });

  it("drops a missing part", async () => {
    const world = await sample();
    world.fs.unlinkSync(part(2));
    aofRepair(world.fs, FOLDER, { mode: "drop", into: "/data/fixed", nowMs: 1 });
    expect(lsns((await readBack(world.fs, 0, "/data/fixed")).lines)).toEqual([1, 2, 3, 7, 8, 9]);
  });

  it("in place ends the log before the damage, removes no byte, and the log can be written again", async () => {
    const world = await sample();
    damage(world, part(2), 5);
    const damaged = world.fs.readFileSync(part(2));
    aofRepair(world.fs, FOLDER, { mode: "cut", nowMs: 77 });
    const { log, lines, summary } = await start(world);
    expect(lsns(lines)).toEqual([1, 2, 3, 4]);
    expect(summary.strayParts).toEqual(["appendonly.aof.3.incr.aof"]);
    const kept = world.fs.readFileSync(part(2));
    const tail = world.fs.readFileSync(`${part(2)}.torn-77`);
    expect(Buffer.concat([kept, tail]).equals(Buffer.from(damaged))).toBe(true);
    append(log, 0, "NEXT");
    log.commitTurn(0);
    expect((await readBack(world.fs)).lines.at(-1)).toBe("5@0 NEXT");
  });

  it("makes a new manifest where there is none", async () => {
    const world = await sample();
    world.fs.unlinkSync(`${FOLDER}/appendonly.aof.manifest`);
    aofRepair(world.fs, FOLDER, { mode: "cut", into: "/data/fixed", nowMs: 1 });
    expect(lsns((await readBack(world.fs, 0, "/data/fixed")).lines)).toHaveLength(9);
  });

  it("refuses to write into a folder that is not empty, and to drop in place", async () => {
    const world = await sample();
    expect(() => aofRepair(world.fs, FOLDER, { mode: "cut", into: "/data", nowMs: 1 })).toThrow(/not empty/);
    expect(() => aofRepair(world.fs, FOLDER, { mode: "drop", nowMs: 1 })).toThrow(/copy only/);
  });
});

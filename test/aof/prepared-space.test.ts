import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { aofCheck, aofStats } from "../../src/aof/aof-tools.ts";
import { bytesToPrepare, nextAheadBytes, SPACE_AHEAD_MIN_BYTES } from "../../src/aof/space-policy.ts";
import {
  append,
  FOLDER,
  fileText,
  finish,
  holdDisk,
  newWorld,
  nextWorld,
  readBack,
  start,
  worldAfter,
} from "./support.ts";

const PART = "appendonly.aof.1.incr.aof";
const SPACE = /(#\n)+$/;

async function begin(policy: "always" | "everysec" = "always", spaceBytesMax?: number) {
  const world = newWorld();
  const opened = await start(world, { policy, ...(spaceBytesMax === undefined ? {} : { spaceBytesMax }) });
  const { log } = opened;
  let count = 0;
  const turn = (value = "v"): void => {
    append(log, 0, "SET", `k${++count}`, value);
    log.commitTurn(world.clock.wallMs());
    world.clock.drain();
  };
  return { world, log, turn, text: () => fileText(world.fs, PART) };
}

describe("how much space is prepared", () => {
  it.each([
    [{ leftBytes: 0, aheadBytes: 65536, partLeftBytes: 1e9, frameBytes: 100 }, 65536],
    [{ leftBytes: 16384, aheadBytes: 65536, partLeftBytes: 1e9, frameBytes: 100 }, 49152],
    [{ leftBytes: 16385, aheadBytes: 65536, partLeftBytes: 1e9, frameBytes: 100 }, 0],
    [{ leftBytes: 101, aheadBytes: 65536, partLeftBytes: 1e9, frameBytes: 100 }, 65434],
    [{ leftBytes: 10, aheadBytes: 65536, partLeftBytes: 1000, frameBytes: 100 }, 990],
    [{ leftBytes: 10, aheadBytes: 65536, partLeftBytes: 10, frameBytes: 100 }, 0],
    [{ leftBytes: 0, aheadBytes: 65536, partLeftBytes: -5, frameBytes: 100 }, 0],
    [{ leftBytes: 0, aheadBytes: 65536, partLeftBytes: 1e9, frameBytes: 300_000 }, 0],
  ])("%o: %d", (state, bytes) => expect(bytesToPrepare(state)).toBe(bytes));

  it("doubles up to a bound", () => {
    expect([1, 100, 150].map((ahead) => nextAheadBytes(ahead, 200))).toEqual([2, 200, 200]);
  });
});

describe("under always", () => {
  it("frames are written over prepared space, even in length; INFO counts what is log", async () => {
    const { world, log, turn, text } = await begin();
    turn();
    const size = text().length;
    for (let i = 0; i < 30; i++) {
      turn("v".repeat(i));
      expect(text().slice(log.counters.sizeBytes)).toMatch(/^(#\n)+$/);
    }
    expect(text()).toHaveLength(size);
    expect(text()).toMatch(SPACE);
    expect(log.counters.sizeBytes).toBe(text().replace(SPACE, "").length);
    expect(log.durableLsn).toBe(31);
    expect((await readBack(world.fs)).lines).toHaveLength(31);
  });

  it("a clean close leaves exactly the log", async () => {
    const { world, log, turn, text } = await begin();
    for (let i = 0; i < 5; i++) turn("odd");
    await finish(world.clock, log.close());
    expect(text()).not.toMatch(SPACE);
    expect(text()).toHaveLength(log.counters.sizeBytes);
  });

  it("a part that is followed by another is cut to its seal", async () => {
    const { world, log, turn, text } = await begin();
    turn();
    turn();
    log.rotate();
    turn();
    expect(fileText(world.fs, "appendonly.aof.manifest")).toContain(` valid-bytes ${text().length}\n`);
    expect(log.counters.partName).toBe("appendonly.aof.2.incr.aof");
  });

  it("a frame that is larger than what is left waits for what is being prepared, and smaller ones do not", async () => {
    const { world, log, turn } = await begin("always", 4000);
    turn();
    const release = holdDisk(world);
    append(log, 0, "SET", "large", "v".repeat(10_000));
    log.commitTurn(0);
    release();
    world.clock.drain();
    turn();
    expect(log.durableLsn).toBe(3);
    expect((await readBack(world.fs)).lines).toHaveLength(3);
  });

  it("a full disk stops the preparing, not the log", async () => {
    const world = newWorld();
    const { log } = await start(world, { policy: "always" });
    world.fs.setCapacity(world.fs.usedBytes + 5000);
    for (let i = 0; i < 10; i++) {
      append(log, 0, "SET", `k${i}`, "v");
      log.commitTurn(0);
      world.clock.drain();
    }
    expect(log.counters).toMatchObject({ failures: 0, syncs: 10 });
    expect(log.durableLsn).toBe(10);
    expect(fileText(world.fs, PART)).not.toMatch(SPACE);
  });

  it("a failed sync while preparing is a failure of the log, which heals", async () => {
    const world = newWorld();
    const { log } = await start(world, { policy: "always" });
    let syncs = 0;
    world.fault = (operation) => (operation === "sync" && ++syncs === 2 ? { code: "EIO" } : undefined);
    append(log, 0, "SET", "k", "v");
    log.commitTurn(0);
    world.clock.drain();
    expect(log.canWrite).toBe(false);
    world.clock.advance(3000);
    expect(log.canWrite).toBe(true);
    expect((await readBack(world.fs)).lines).toEqual(["1@0 SET k v"]);
  });
});

describe("a change of policy", () => {
  it("uses prepared space up, then appends", async () => {
    const { world, log, turn, text } = await begin("always", 300);
    turn();
    log.setPolicy("everysec");
    for (let i = 0; i < 20; i++) turn("v".repeat(i));
    expect(text()).not.toMatch(SPACE);
    expect((await readBack(world.fs)).lines).toHaveLength(21);
    log.setPolicy("always");
    turn();
    turn();
    expect(text()).toMatch(SPACE);
    expect((await readBack(world.fs)).lines).toHaveLength(23);
  });

  it("everysec alone prepares nothing", async () => {
    const { turn, text } = await begin("everysec");
    for (let i = 0; i < 5; i++) turn();
    expect(text()).not.toMatch(SPACE);
  });
});

describe("power loss over prepared space", () => {
  it("leaves a log that starts with every durable effect, whatever became of the others", async () => {
    const { world, log, turn } = await begin();
    turn();
    turn();
    log.setPolicy("no");
    for (let i = 0; i < 4; i++) turn("value");
    expect(log.durableLsn).toBe(2);
    const all = (await readBack(world.fs)).lines;
    const lengths = new Set<number>();
    let followed = 0;
    for (let seed = 0; seed < 300; seed++) {
      const after = worldAfter(world, world.fs.crash(new SeededRandom(seed)));
      const { lines, summary } = await start(after);
      expect(lines).toEqual(all.slice(0, lines.length));
      lengths.add(lines.length);
      if ((summary.tornTail?.framesAfter ?? 0) > 0) followed++;
    }
    expect([...lengths].sort()).toEqual([2, 3, 4, 5, 6]);
    expect(followed).toBeGreaterThan(20);
  });
});

describe("a start", () => {
  it("takes prepared space for the end of the log: nothing is torn, nothing kept aside", async () => {
    const { world, log, turn } = await begin();
    turn();
    turn();
    const { sizeBytes } = log.counters;
    const size = world.fs.statSync(`${FOLDER}/${PART}`)!.sizeBytes;
    expect(size).toBeGreaterThan(SPACE_AHEAD_MIN_BYTES - 1);
    const check = aofCheck(world.fs, FOLDER);
    expect(check).toMatchObject({ verdict: "clean", findings: [] });
    expect(check.parts).toMatchObject([{ bytes: sizeBytes, spaceBytes: size - sizeBytes }]);
    expect(aofStats(world.fs, FOLDER).bytes).toBe(sizeBytes);
    const next = nextWorld(world, world.fs.kill());
    const { summary, lines, log: again } = await start(next, { policy: "always" });
    expect(summary).toMatchObject({
      tornTail: undefined,
      lastPartBytes: sizeBytes,
      spaceBytes: size - sizeBytes,
    });
    expect(lines).toHaveLength(2);
    append(again, 0, "SET", "k", "v");
    again.commitTurn(0);
    next.clock.drain();
    await finish(next.clock, again.close());
    expect((await readBack(next.fs)).lines).toHaveLength(3);
    expect(next.fs.listSync(FOLDER).filter((name) => name.includes("torn"))).toEqual([]);
  });

  it("cuts a torn frame off prepared space and keeps the frame's bytes alone aside", async () => {
    const { world, log, turn } = await begin();
    turn();
    turn("a longer value");
    const end = log.counters.sizeBytes;
    const file = world.fs.openSync(`${FOLDER}/${PART}`, "overwrite");
    file.overwriteSync(end - 8, new TextEncoder().encode("#\n#\n#\n#\n"), 0, 8);
    file.close();
    expect(aofCheck(world.fs, FOLDER).verdict).toBe("torn");
    const next = nextWorld(world, world.fs.kill());
    const { summary, lines } = await start(next);
    expect(lines).toEqual(["1@0 SET k1 v"]);
    expect(summary.tornTail).toMatchObject({ blank: false, contentBytes: end - 8 - summary.lastPartBytes });
    const torn = next.fs.listSync(FOLDER).find((name) => name.includes("torn"));
    expect(fileText(next.fs, torn!)).toHaveLength(end - 8 - summary.lastPartBytes);
  });

  it("takes a frame that is missing before one that was never synced for torn, one that was synced for damage", async () => {
    const { world, log, turn } = await begin();
    turn();
    const first = log.counters.sizeBytes;
    log.setPolicy("no");
    turn();
    const second = log.counters.sizeBytes;
    turn();
    const lost = world.fs.kill();
    const file = lost.openSync(`${FOLDER}/${PART}`, "overwrite");
    const blank = new TextEncoder().encode("#\n".repeat((second - first) / 2));
    file.overwriteSync(first, blank, 0, blank.length);
    expect((await readBack(lost)).summary.tornTail).toMatchObject({ offset: first, framesAfter: 1 });
    file.overwriteSync(
      first,
      world.fs.readFileSync(`${FOLDER}/${PART}`).slice(first, second),
      0,
      second - first,
    );
    file.overwriteSync(0, blank, 0, Math.min(blank.length, 20));
    await expect(readBack(lost)).rejects.toThrow(/damaged at offset 0/);
  });
});

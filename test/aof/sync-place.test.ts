import { describe, expect, it } from "vitest";
import type { FileOperation } from "../../src/adapters/memory/file-system.ts";
import { SyncPlace } from "../../src/aof/sync-place.ts";
import { append, newWorld, readBack, start } from "./support.ts";

describe("the place of a sync under always", () => {
  const placeAfter = (...durations: number[]): SyncPlace => {
    const place = new SyncPlace(1);
    for (const duration of durations) place.observe(duration);
    return place;
  };
  const quick = (count: number): number[] => new Array<number>(count).fill(0.2);

  it("is a thread until the disk has proved to be quick", () => {
    expect(placeAfter().isLoop(10, 10)).toBe(false);
    expect(placeAfter(...quick(5)).isLoop(10, 10)).toBe(false);
    expect(placeAfter(...quick(20)).isLoop(10, 10)).toBe(true);
  });

  it("is a thread again after a slow one, and stays it for some time", () => {
    const slow = [...quick(100), 100];
    expect(placeAfter(...slow).isLoop(1, 1)).toBe(false);
    expect(placeAfter(...slow, ...quick(20)).isLoop(1, 1)).toBe(false);
    expect(placeAfter(...slow, ...quick(100)).isLoop(1, 1)).toBe(true);
  });

  it("is a thread if most commands of the turn do not wait for it", () => {
    const place = placeAfter(...quick(50));
    expect([1, 4, 5, 100].map((commands) => place.isLoop(1, commands))).toEqual([true, true, false, false]);
  });

  it("is a thread where the loop must not wait", () => {
    const never = new SyncPlace(0);
    for (let i = 0; i < 100; i++) never.observe(0);
    expect(never.isLoop(1, 1)).toBe(false);
  });

  it("counts the syncs", () => {
    expect(placeAfter(0.5, 0.25)).toMatchObject({ syncs: 2, lastMs: 0.25 });
  });
});

describe("a log whose disk is quick, on a system without direct writes", () => {
  async function begin() {
    const world = newWorld(1, 0);
    const { log } = await start(world, { policy: "always", loopSyncMsMax: 1 });
    const told: number[] = [];
    log.onDurable((lsn) => told.push(lsn));
    let count = 0;
    const turn = (): void => {
      append(log, 0, "SET", `k${++count}`, "v");
      log.commitTurn(world.clock.wallMs(), 1);
    };
    for (let i = 0; i < 20; i++) {
      turn();
      world.clock.drain();
    }
    return { world, log, turn, told };
  }

  it("acknowledges a turn when it is committed: durable, and written over prepared space", async () => {
    const { world, log, turn } = await begin();
    turn();
    expect(log.acknowledgedLsn).toBe(21);
    expect(log.durableLsn).toBe(21);
    expect(log.counters.syncs).toBeGreaterThanOrEqual(21);
    const crashed = world.fs.crash({ uint32: () => 0, below: () => 0 } as never);
    expect((await readBack(crashed)).lines).toHaveLength(21);
  });

  it("tells those who wait for turns that were kept before", async () => {
    const { world, log, turn, told } = await begin();
    told.length = 0;
    // Five commands for one effect: it goes to a thread; the next turn finds it on its way and is kept.
    append(log, 0, "SET", "a", "v");
    log.commitTurn(0, 5);
    expect(log.acknowledgedLsn).toBe(20);
    turn();
    expect(log.acknowledgedLsn).toBe(20);
    world.clock.drain();
    expect(log.acknowledgedLsn).toBe(22);
    expect(told.at(-1)).toBe(22);
  });

  it.each(["sync", "overwrite"] as const)(
    "a failed %s refuses writes and heals on a new part",
    async (which) => {
      const { world, log, turn } = await begin();
      world.fault = (operation: FileOperation) => (operation === which ? { code: "EIO" } : undefined);
      turn();
      world.fault = () => undefined;
      expect(log.canWrite).toBe(false);
      expect(log.acknowledgedLsn).toBe(20);
      world.clock.advance(3000);
      expect(log.canWrite).toBe(true);
      expect(log.acknowledgedLsn).toBe(21);
      turn();
      world.clock.drain();
      const { lines } = await readBack(world.fs.kill());
      expect(lines).toHaveLength(22);
    },
  );
});

import { describe, expect, it } from "vitest";
import type { FileOperation } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { DirectFrames } from "../../src/aof/direct-frames.ts";
import type { LogPart } from "../../src/aof/log-part.ts";
import { append, fileText, holdDisk, newWorld, nextWorld, readBack, start } from "./support.ts";

const PART = "appendonly.aof.1.incr.aof";

/** A log whose second frame and those after it go to the disk as blocks. */
async function begin(blockBytes = 16, spaceBytesMax?: number) {
  const world = newWorld(1, blockBytes);
  const space = spaceBytesMax === undefined ? {} : { spaceBytesMax };
  const { log } = await start(world, { policy: "always", ...space });
  let count = 0;
  const turn = (value = "v"): void => {
    append(log, 0, "SET", `k${++count}`, value);
    log.commitTurn(world.clock.wallMs(), 1);
  };
  for (let i = 0; i < 3; i++) {
    turn();
    world.clock.drain();
  }
  return { world, log, turn };
}

describe("whether frames are offered to the disk directly", () => {
  const part = {
    durableBytes: 100,
    sizeBytes: 100,
    space: { covers: () => true, endBytes: 900, writer: { blockBytes: 64 } },
  };
  const suits = (direct: DirectFrames, frameBytes = 100, change = {}): boolean =>
    direct.suits({ ...part, ...change } as unknown as LogPart, frameBytes);

  it("needs space that ends with a block, and nothing before them that is not durable", () => {
    const direct = new DirectFrames();
    expect(suits(direct)).toBe(true);
    expect(suits(direct, 796)).toBe(true);
    expect(suits(direct, 797)).toBe(false);
    expect(suits(direct, 100, { durableBytes: 99 })).toBe(false);
    expect(suits(direct, 100, { space: { ...part.space, writer: { blockBytes: 0 } } })).toBe(false);
    expect(suits(direct, 300_000, { space: { ...part.space, endBytes: 1e9 } })).toBe(false);
  });

  it("ends for a while with a refusal, and with hand-overs that last", () => {
    for (const end of [
      (direct: DirectFrames) => direct.refused(),
      (direct: DirectFrames) => direct.began(20),
    ]) {
      const direct = new DirectFrames();
      direct.began(0.01);
      expect(suits(direct)).toBe(true);
      end(direct);
      expect(suits(direct)).toBe(false);
      for (let i = 0; i < 255; i++) direct.passed();
      expect(suits(direct)).toBe(false);
      direct.passed();
      expect(suits(direct)).toBe(true);
    }
  });
});

describe.each([16, 4096])("frames in blocks of %d bytes, beside the loop", (blockBytes) => {
  it("make the log of one that was written otherwise, byte by byte", async () => {
    const [direct, other] = [await begin(blockBytes), await begin(0)];
    for (const { world, turn } of [direct, other]) {
      for (let i = 0; i < 200; i++) {
        turn("v".repeat((i * 37) % 150));
        world.clock.drain();
      }
    }
    expect(direct.log.durableLsn).toBe(203);
    const text = fileText(direct.world.fs, PART).slice(0, direct.log.counters.sizeBytes);
    expect(text).toBe(fileText(other.world.fs, PART).slice(0, other.log.counters.sizeBytes));
    expect(fileText(direct.world.fs, PART).slice(text.length)).toMatch(/^(#\n)+$/);
    expect((await readBack(direct.world.fs)).lines).toHaveLength(203);
  });

  it("are acknowledged when they are durable, and turns meanwhile share the next", async () => {
    const { world, log, turn } = await begin(blockBytes);
    const { frames } = log.counters;
    const release = holdDisk(world);
    turn();
    turn();
    turn();
    expect(log.acknowledgedLsn).toBe(3);
    release();
    world.clock.drain();
    expect(log.acknowledgedLsn).toBe(6);
    expect(log.counters.frames).toBe(frames + 2);
    for (let seed = 0; seed < 20; seed++) {
      const { lines } = await readBack(world.fs.crash(new SeededRandom(seed)));
      expect(lines).toHaveLength(6);
    }
  });

  it.each(["sync", "overwrite"] as const)(
    "a failed %s refuses writes and heals on a new part",
    async (which) => {
      const { world, log, turn } = await begin(blockBytes);
      world.fault = (operation: FileOperation) => (operation === which ? { code: "EIO" } : undefined);
      turn();
      turn();
      world.clock.drain();
      world.fault = () => undefined;
      expect(log.canWrite).toBe(false);
      expect(log.acknowledgedLsn).toBe(3);
      world.clock.advance(3000);
      expect(log.canWrite).toBe(true);
      expect(log.acknowledgedLsn).toBe(5);
      turn();
      world.clock.drain();
      expect((await readBack(world.fs.kill())).lines).toHaveLength(6);
    },
  );

  it("go another way if the end of the log cannot be looked at", async () => {
    const { world, log, turn } = await begin(blockBytes);
    log.setPolicy("everysec");
    turn();
    log.setPolicy("always");
    world.clock.drain();
    world.fault = (operation: FileOperation) => (operation === "readResident" ? { code: "EIO" } : undefined);
    turn();
    world.clock.drain();
    expect(log.counters.failures).toBe(0);
    expect(log.acknowledgedLsn).toBe(5);
  });

  it("go on after frames that were written otherwise: an idle moment, another policy, a new part", async () => {
    const { world, log, turn } = await begin(blockBytes);
    const some = (): void => {
      for (let i = 0; i < 5; i++) {
        turn("some");
        world.clock.drain();
      }
    };
    some();
    world.clock.advance(2500);
    some();
    log.setPolicy("everysec");
    some();
    log.setPolicy("always");
    world.clock.drain();
    some();
    log.rotate();
    some();
    expect(log.durableLsn).toBe(28);
    expect(log.counters.failures).toBe(0);
    expect((await readBack(world.fs)).lines).toHaveLength(28);
    const next = nextWorld(world, world.fs.crash(new SeededRandom(3)));
    const { log: again, lines } = await start(next, { policy: "always" });
    expect(lines).toHaveLength(28);
    append(again, 0, "SET", "k", "v");
    again.commitTurn(0);
    next.clock.drain();
    expect((await readBack(next.fs)).lines).toHaveLength(29);
  });
});

describe.each([16, 4096])("frames in blocks of %d bytes, on the loop", (blockBytes) => {
  async function onLoop() {
    const world = newWorld(1, blockBytes);
    const { log } = await start(world, { policy: "always", loopSyncMsMax: 1 });
    let count = 0;
    const turn = (value = "v"): void => {
      append(log, 0, "SET", `k${++count}`, value);
      log.commitTurn(world.clock.wallMs(), 1);
    };
    for (let i = 0; i < 30; i++) {
      turn();
      world.clock.drain();
    }
    return { world, log, turn };
  }

  it("are durable when the turn is committed, and beside those that were synced otherwise", async () => {
    const { world, log, turn } = await onLoop();
    for (let i = 0; i < 30; i++) {
      turn("v".repeat((i * 37) % 150));
      expect(log.durableLsn).toBe(31 + i);
    }
    for (let seed = 0; seed < 20; seed++) {
      const { lines } = await readBack(world.fs.crash(new SeededRandom(seed)));
      expect(lines).toHaveLength(60);
    }
    world.clock.advance(2500);
    turn();
    world.clock.drain();
    turn();
    expect(log.durableLsn).toBe(62);
    expect((await readBack(world.fs)).lines).toHaveLength(62);
  });

  it.each(["sync", "overwrite"] as const)(
    "a failed %s is a failure of the log, which heals",
    async (which) => {
      const { world, log, turn } = await onLoop();
      world.fault = (operation: FileOperation) => (operation === which ? { code: "EIO" } : undefined);
      turn();
      world.fault = () => undefined;
      expect(log.canWrite).toBe(false);
      expect(log.acknowledgedLsn).toBe(30);
      world.clock.advance(3000);
      expect(log.acknowledgedLsn).toBe(31);
      expect((await readBack(world.fs.kill())).lines).toHaveLength(31);
    },
  );
});

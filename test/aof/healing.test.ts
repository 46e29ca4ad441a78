import { describe, expect, it } from "vitest";
import type { FileOperation } from "../../src/adapters/memory/file-system.ts";
import { append, FOLDER, fileText, finish, newWorld, readBack, start, type World } from "./support.ts";

function failing(
  world: World,
  operation: FileOperation,
  code: string,
  ending: string,
  partialBytes?: number,
): void {
  world.fault = (asked, path) =>
    asked === operation && path.endsWith(ending)
      ? { code, ...(partialBytes === undefined ? {} : { partialBytes }) }
      : undefined;
}

function heal(world: World): void {
  world.fault = () => undefined;
}

describe("a failed append", () => {
  it("acknowledges nothing more, answers MISCONF, keeps what was applied, and heals by itself on a new part", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "A");
    log.commitTurn(0);
    failing(world, "append", "ENOSPC", ".aof", 20);
    append(log, 5, "B");
    log.commitTurn(0);
    expect(log.acknowledgedLsn).toBe(1);
    expect(log.canWrite).toBe(false);
    expect(log.misconfText).toBe("MISCONF Errors writing to the AOF file: No space left on device");
    expect(log.status).toMatchObject({ ok: false, error: expect.stringContaining("ENOSPC") });
    append(log, 0, "C");
    log.commitTurn(0);
    world.clock.advance(30_000);
    expect(log.canWrite).toBe(false);
    expect(log.acknowledgedLsn).toBe(1);
    const told: number[] = [];
    log.onDurable((lsn) => void told.push(lsn));
    heal(world);
    world.clock.advance(10_000);
    expect(log.canWrite).toBe(true);
    expect(log.status).toEqual({ ok: true });
    expect([log.acknowledgedLsn, log.durableLsn]).toEqual([3, 3]);
    expect(told).toContain(3);
    append(log, 0, "D");
    log.commitTurn(0);
    expect(log.acknowledgedLsn).toBe(4);
    const { lines, summary } = await readBack(world.fs);
    expect(lines).toEqual(["1@0 A", "2@5 B", "3@0 C", "4@0 D"]);
    expect(summary.strayParts).toEqual([]);
  });

  it("under always keeps the frame under way and those that wait, in order", async () => {
    const world = newWorld();
    const { log } = await start(world, { policy: "always" });
    failing(world, "append", "EIO", ".aof", 7);
    append(log, 0, "A");
    log.commitTurn(0);
    append(log, 0, "B");
    log.commitTurn(0);
    world.clock.drain();
    expect(log.canWrite).toBe(false);
    append(log, 0, "C");
    log.commitTurn(0);
    heal(world);
    world.clock.advance(2000);
    expect(log.acknowledgedLsn).toBe(3);
    expect((await readBack(world.fs)).lines).toEqual(["1@0 A", "2@0 B", "3@0 C"]);
  });

  it("leaves a part that is cut to what is valid", async () => {
    const world = newWorld();
    const { log } = await start(world, { policy: "always" });
    append(log, 0, "A");
    log.commitTurn(0);
    world.clock.drain();
    const whole = fileText(world.fs, "appendonly.aof.1.incr.aof").replace(/(#\n)+$/, "");
    failing(world, "overwrite", "EIO", "1.incr.aof", 11);
    append(log, 0, "B");
    log.commitTurn(0);
    world.clock.advance(2000);
    expect(log.canWrite).toBe(true);
    expect(fileText(world.fs, "appendonly.aof.1.incr.aof")).toBe(whole);
    expect(fileText(world.fs, "appendonly.aof.manifest")).toContain(
      `last-lsn 1 valid-bytes ${whole.length}\n`,
    );
  });
});

describe("a failed sync", () => {
  it("is not believed when it succeeds the next time: what it covered is written again elsewhere", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "A");
    log.commitTurn(0);
    world.clock.advance(1000);
    append(log, 4, "B");
    log.commitTurn(0);
    let syncs = 0;
    world.fault = (operation, path) => {
      if (operation !== "sync" || !path.endsWith("1.incr.aof")) return undefined;
      syncs++;
      return { code: "EIO" };
    };
    world.clock.advance(1000);
    expect(log.canWrite).toBe(false);
    expect(log.durableLsn).toBe(1);
    world.clock.advance(1000);
    expect(syncs).toBe(1);
    expect([log.canWrite, log.durableLsn]).toEqual([true, 2]);
    const { lines, summary } = await readBack(world.fs);
    expect(lines).toEqual(["1@0 A", "2@4 B"]);
    expect(summary.manifest!.parts[0]!.sealed!.lastLsn).toBe(1);
  });

  it("fails those who wait for it", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "A");
    log.commitTurn(0);
    failing(world, "sync", "EIO", "1.incr.aof");
    let found: Error | undefined;
    log.forceSync((error) => {
      found = error;
    });
    world.clock.drain();
    expect(found).toMatchObject({ code: "EIO" });
    await expect(finish(world.clock, log.close())).rejects.toMatchObject({ code: "EIO" });
  });

  it("whose effects cannot be read back keeps writes refused until a checkpoint holds them", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "A");
    log.commitTurn(0);
    failing(world, "sync", "EIO", "1.incr.aof");
    world.clock.advance(1000);
    heal(world);
    const path = `${FOLDER}/appendonly.aof.1.incr.aof`;
    world.fs.corrupt(path, world.fs.statSync(path)!.sizeBytes - 3, 1);
    world.clock.advance(60_000);
    expect(log.canWrite).toBe(false);
    expect(log.status).toMatchObject({ error: expect.stringContaining("cannot be read back") });
    log.adoptCheckpoint(1);
    world.clock.advance(10_000);
    expect(log.canWrite).toBe(true);
    append(log, 0, "B");
    log.commitTurn(0);
    expect((await readBack(world.fs, 1)).lines).toEqual(["2@0 B"]);
    expect(log.counters.failures).toBe(1);
  });
});

describe("a manifest that cannot be published", () => {
  it.each(["rename", "syncDirectory", "sync"] as const)(
    "because of %s is tried again with the same part",
    async (operation) => {
      const world = newWorld();
      const { log } = await start(world);
      append(log, 0, "A");
      log.commitTurn(0);
      let failures = 0;
      world.fault = (asked, path) => {
        const hit = asked === operation && (path.includes("manifest") || operation === "syncDirectory");
        // The folder is synced once for the new part, then for the manifest.
        if (!hit || (operation === "syncDirectory" && failures++ === 0)) return undefined;
        return { code: "EIO" };
      };
      log.rotate();
      expect(log.canWrite).toBe(false);
      append(log, 0, "B");
      log.commitTurn(0);
      heal(world);
      world.clock.advance(5000);
      expect(log.canWrite).toBe(true);
      const { lines, summary } = await readBack(world.fs);
      expect(lines).toEqual(["1@0 A", "2@0 B"]);
      expect(summary.manifest!.parts.map((part) => part.seq)).toEqual([1, 2]);
    },
  );
});

describe("memory for what cannot be written", () => {
  it("has a bound; beyond it writes stay refused until a checkpoint holds what was given up", async () => {
    const world = newWorld();
    const { log } = await start(world, { heldBytesMax: 1000 });
    append(log, 0, "A");
    log.commitTurn(0);
    failing(world, "append", "ENOSPC", ".aof");
    for (let i = 0; i < 100; i++) {
      append(log, 0, "SET", "key", "x".repeat(50));
      log.commitTurn(0);
      expect(log.pendingBytes).toBeLessThan(1200);
    }
    heal(world);
    world.clock.advance(60_000);
    expect(log.canWrite).toBe(false);
    expect(log.status).toMatchObject({ error: expect.stringContaining("checkpoint") });
    expect(log.acknowledgedLsn).toBe(1);
    log.adoptCheckpoint(101);
    world.clock.advance(10_000);
    expect(log.canWrite).toBe(true);
    append(log, 0, "B");
    log.commitTurn(0);
    expect((await readBack(world.fs, 101)).lines).toEqual(["102@0 B"]);
  });
});

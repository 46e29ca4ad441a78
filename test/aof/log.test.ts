import { describe, expect, it } from "vitest";
import { append, FOLDER, fileText, finish, holdDisk, newWorld, readBack, start } from "./support.ts";

const PART = "appendonly.aof.1.incr.aof";

describe("a turn", () => {
  it("is one frame, with SELECT where the database changes and consecutive LSNs", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "SET", "a", "1");
    append(log, 0, "SET", "b", "2");
    append(log, 3, "DEL", "c");
    expect(log.nextLsn).toBe(4);
    expect(log.acknowledgedLsn).toBe(0);
    expect(log.pendingBytes).toBeGreaterThan(0);
    log.commitTurn(world.clock.wallMs());
    expect(log.acknowledgedLsn).toBe(3);
    expect(log.pendingBytes).toBe(0);
    const text = fileText(world.fs, PART);
    expect(text.split("\r\n")[0]).toMatch(/^#F 1 3 \d+ 1000000000000 0 [0-9a-f]{8} [0-9a-f]{8}$/);
    expect(text.match(/SELECT/g)).toHaveLength(2);
    expect((await readBack(world.fs)).lines).toEqual(["1@0 SET a 1", "2@0 SET b 2", "3@3 DEL c"]);
  });

  it("without effects writes nothing", async () => {
    const world = newWorld();
    const { log } = await start(world);
    log.beginUnit();
    log.endUnit();
    log.commitTurn(world.clock.wallMs());
    expect(fileText(world.fs, PART)).toBe("");
  });

  it("writes built effects and units; nested units are one", async () => {
    const world = newWorld();
    const { log } = await start(world);
    log.begin(12, 4);
    log.argumentText("SET");
    log.argument(new Uint8Array([1, 107, 13, 10, 2]), 1, 3);
    log.argumentText("v\u00ff");
    log.argumentInteger(1_234_567_890_123);
    log.end();
    log.beginUnit();
    append(log, 12, "INCR", "x");
    log.beginUnit();
    append(log, 1, "INCR", "y");
    log.endUnit();
    log.endUnit();
    append(log, 1, "PING");
    log.commitTurn(world.clock.wallMs());
    expect((await readBack(world.fs)).lines).toEqual([
      "1@12 SET k\r\n v\u00ff 1234567890123",
      "{",
      "2@12 INCR x",
      "3@1 INCR y",
      "}",
      "4@1 PING",
    ]);
  });

  it.each([0, -1, 9, 10, -123, 999_999_999, 2 ** 53 - 1, -(2 ** 53 - 1)])(
    "writes the integer %d",
    async (value) => {
      const world = newWorld();
      const { log } = await start(world);
      log.begin(0, 1);
      log.argumentInteger(value);
      log.end();
      log.commitTurn(0);
      expect((await readBack(world.fs)).lines).toEqual([`1@0 ${value}`]);
    },
  );

  it("handles arguments larger than any buffer, beside small ones", async () => {
    const world = newWorld();
    for (const policy of ["everysec", "always"] as const) {
      const { log } = await start(world, { policy });
      const big = "x".repeat(20 * 1024 * 1024);
      append(log, 0, "SET", "small", "1");
      append(log, 0, "SET", "big", big);
      append(log, 0, "SET", "other", "2");
      log.commitTurn(world.clock.wallMs());
      await finish(world.clock, log.close());
    }
    const { lines } = await readBack(world.fs);
    const big = "@0 SET big ".length + 1 + 20 * 1024 * 1024;
    expect(lines.map((line) => line.length)).toEqual([15, big, 15, 15, big, 15]);
  });
});

describe("everysec", () => {
  it("acknowledges what is written and syncs within a second, also an idle tail", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "SET", "a", "1");
    log.commitTurn(world.clock.wallMs());
    expect([log.acknowledgedLsn, log.durableLsn]).toEqual([1, 0]);
    world.clock.advance(1001);
    expect(log.durableLsn).toBe(1);
  });

  it("states that an idle tail is durable", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "SET", "a", "1");
    log.commitTurn(world.clock.wallMs());
    world.clock.advance(5000);
    expect(fileText(world.fs, PART).split("\r\n").at(-2)).toMatch(/^#F 2 0 0 \d+ 1 00000000 [0-9a-f]{8}$/);
    const size = world.fs.statSync(`${FOLDER}/${PART}`)!.sizeBytes;
    world.clock.advance(60_000);
    expect(world.fs.statSync(`${FOLDER}/${PART}`)!.sizeBytes).toBe(size);
  });

  it("does not pile up syncs and counts the delayed ones", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "A");
    log.commitTurn(0);
    const release = holdDisk(world);
    for (let second = 0; second < 4; second++) {
      world.clock.advance(1000);
      append(log, 0, "B");
      log.commitTurn(0);
    }
    expect(log.counters).toMatchObject({ delayedSyncs: 3, syncs: 0, syncUnderWay: true });
    expect(log.acknowledgedLsn).toBe(5);
    release();
    world.clock.advance(2000);
    expect(log.counters.syncs).toBe(2);
    expect(log.durableLsn).toBe(5);
  });
});

describe("always", () => {
  it("acknowledges only what is durable, and gathers the turns that end meanwhile into one frame", async () => {
    const world = newWorld();
    const { log } = await start(world, { policy: "always" });
    const durable: number[] = [];
    log.onDurable((lsn) => void durable.push(lsn));
    for (let i = 0; i < 4; i++) {
      append(log, i, "SET", "a", String(i));
      log.commitTurn(world.clock.wallMs());
      expect(log.acknowledgedLsn).toBe(0);
    }
    world.clock.drain();
    expect(durable).toEqual([1, 4]);
    expect(log.counters.frames).toBe(2);
    expect((await readBack(world.fs)).lines).toHaveLength(4);
  });

  it("may be switched on and off while effects are under way", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "A");
    log.commitTurn(0);
    log.setPolicy("always");
    expect(log.acknowledgedLsn).toBe(0);
    world.clock.drain();
    expect(log.acknowledgedLsn).toBe(1);
    append(log, 0, "B");
    log.commitTurn(0);
    log.setPolicy("no");
    append(log, 0, "C");
    log.commitTurn(0);
    world.clock.drain();
    expect(log.acknowledgedLsn).toBe(3);
    expect((await readBack(world.fs)).lines).toEqual(["1@0 A", "2@0 B", "3@0 C"]);
  });
});

describe("forceSync", () => {
  it.each(["always", "everysec", "no"] as const)(
    "makes effects of the present turn durable under %s",
    async (policy) => {
      const world = newWorld();
      const { log } = await start(world, { policy });
      append(log, 0, "A");
      let result: Error | undefined | "none" = "none";
      log.forceSync((error) => {
        result = error;
      });
      log.commitTurn(0);
      expect(result).toBe("none");
      world.clock.drain();
      expect(result).toBeUndefined();
      expect(log.durableLsn).toBe(1);
    },
  );
});

describe("rotation", () => {
  it("starts a part when one has grown, and the log reads on across parts", async () => {
    const world = newWorld();
    const { log } = await start(world, { partBytesMax: 500 });
    for (let i = 1; i <= 40; i++) {
      append(log, i % 3, "SET", `key${i}`, "v");
      log.commitTurn(world.clock.wallMs());
    }
    expect(log.counters.parts).toBeGreaterThan(5);
    const { lines, summary } = await readBack(world.fs);
    expect(lines).toHaveLength(40);
    expect(summary.strayParts).toEqual([]);
    expect(summary.manifest!.parts.map((part) => part.seq)).toEqual(
      summary.manifest!.parts.map((_, i) => i + 1),
    );
  });

  it("on request waits for what is under way, and keeps a part without effects", async () => {
    const world = newWorld();
    const { log } = await start(world, { policy: "always" });
    log.rotate();
    expect(log.counters.parts).toBe(1);
    append(log, 0, "A");
    log.commitTurn(0);
    log.rotate();
    expect(log.counters.parts).toBe(1);
    world.clock.drain();
    expect(log.counters.parts).toBe(2);
  });

  it("drops only parts that are wholly below, and recovery goes on from there", async () => {
    const world = newWorld();
    const { log } = await start(world);
    for (const word of ["A", "B", "C"]) {
      append(log, 0, word);
      append(log, 0, word);
      log.commitTurn(0);
      log.rotate();
    }
    expect(log.dropPartsBelow(4)).toEqual([PART]);
    // A copy that is being made may still need it: it goes with the next call.
    expect(world.fs.statSync(`${FOLDER}/${PART}`)).toBeDefined();
    expect(log.dropPartsBelow(4)).toEqual([]);
    expect(world.fs.statSync(`${FOLDER}/${PART}`)).toBeUndefined();
    expect((await readBack(world.fs, 3)).lines).toEqual(["4@0 B", "5@0 C", "6@0 C"]);
    await expect(readBack(world.fs, 0)).rejects.toThrow(
      /gap: it begins with LSN 3 .*nothing holds LSN 1 to 2/,
    );
  });

  it("goes on in the old part when none can be created, and says nothing to clients", async () => {
    const world = newWorld();
    const { log } = await start(world);
    world.fault = (operation, path) =>
      operation === "open" && path.endsWith("2.incr.aof") ? { code: "ENOSPC" } : undefined;
    append(log, 0, "A");
    log.commitTurn(0);
    log.rotate();
    expect([log.canWrite, log.counters.parts]).toEqual([true, 1]);
    world.fault = () => undefined;
    append(log, 0, "B");
    log.commitTurn(0);
    log.rotate();
    expect(log.counters.parts).toBe(2);
    expect((await readBack(world.fs)).lines).toHaveLength(2);
  });
});

describe("opening again", () => {
  it("goes on in the last part after a clean close", async () => {
    const world = newWorld();
    const first = await start(world);
    append(first.log, 0, "A");
    first.log.commitTurn(0);
    await finish(world.clock, first.log.close());
    const second = await start(world);
    expect(second.log.nextLsn).toBe(2);
    expect(second.log.durableLsn).toBe(1);
    append(second.log, 0, "B");
    second.log.commitTurn(0);
    await finish(world.clock, second.log.close());
    const { lines, summary } = await readBack(world.fs);
    expect(lines).toEqual(["1@0 A", "2@0 B"]);
    expect(summary.manifest!.parts).toHaveLength(1);
  });

  it("after a crash moves what was not synced to a new part", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "A");
    log.commitTurn(0);
    world.clock.advance(1000);
    append(log, 2, "B");
    log.commitTurn(0);
    const next = await start(world);
    expect(next.log.durableLsn).toBe(2);
    const { lines, summary } = await readBack(world.fs);
    expect(lines).toEqual(["1@0 A", "2@2 B"]);
    expect(summary.manifest!.parts.map((part) => [part.firstLsn, part.sealed?.lastLsn])).toEqual([
      [1, 1],
      [2, undefined],
    ]);
  });

  it("behind a checkpoint that knows more than the log begins a part after it", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "A");
    log.commitTurn(0);
    await finish(world.clock, log.close());
    const next = await start(world, { afterLsn: 10 });
    expect(next.log.nextLsn).toBe(11);
    append(next.log, 0, "B");
    next.log.commitTurn(0);
    await finish(world.clock, next.log.close());
    expect((await readBack(world.fs, 10)).lines).toEqual(["11@0 B"]);
    await expect(readBack(world.fs, 0)).rejects.toThrow(/gap/);
  });

  it("starts anew after a first start that died before its manifest", async () => {
    const world = newWorld();
    world.fs.makeDirectorySync(FOLDER);
    world.fs.openSync(`${FOLDER}/${PART}`, "create").close();
    const { log, summary } = await start(world);
    expect(summary.strayParts).toEqual([PART]);
    expect(log.counters.partName).toBe("appendonly.aof.2.incr.aof");
  });
});

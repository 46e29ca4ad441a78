/** A full disk or a failing one, at every operation: the error is reported, the checkpoint before stays, the next succeeds. */
import { describe, expect, it } from "vitest";
import { systemCode } from "../../src/base/errors.ts";
import { describeFailure } from "../../src/checkpoint/checkpoint-writer.ts";
import { chooseCheckpoint } from "../../src/checkpoint/choose-checkpoint.ts";
import {
  DataSet,
  finish,
  folderOf,
  load,
  newWorld,
  newWriter,
  published,
  smallDataSet,
  type World,
  write,
} from "./support.ts";

function choose(world: World) {
  return chooseCheckpoint({ folder: folderOf(world), logLacksAfter: () => "nothing is there" });
}

function changed(data: DataSet): void {
  data.addSegment(12);
  data.structures.get(9)!.place = undefined;
  data.addRows(64);
}

for (const code of ["EIO", "ENOSPC"]) {
  describe(`${code} while a checkpoint is written`, () => {
    it("at any operation leaves the one before, and nothing in the way of the next", async () => {
      let failures = 0;
      for (let at = 1; ; at++) {
        const world = newWorld(at);
        const data = smallDataSet(at);
        const first = await published(world, data);
        const before = data.content();
        changed(data);
        const after = data.content();
        const writer = newWriter(world);
        let operations = 0;
        let hit = "";
        world.fault = (operation, path) => {
          if (++operations !== at) return undefined;
          hit = `${operation} ${path}`;
          return { code, partialBytes: at % 5 };
        };
        data.told.length = 0;
        const result = await write(world, data, { lsn: 20, previous: first }, writer);
        world.fault = () => undefined;
        if (hit === "") {
          expect(result.kind).toBe("published");
          break;
        }
        failures++;
        if (result.kind === "published") throw new Error(`${hit}: the fault was not reported`);
        expect(systemCode(result.error), hit).toBe(code);
        expect(describeFailure(result)).toContain(`checkpoint ${result.id} failed`);
        expect(data.told.at(-1), hit).toBe("abandon");
        const { manifest } = choose(world);
        const found = await load(world, manifest!);
        // Only the very last steps leave open which of the two a start finds; either is whole.
        if (result.mayBePublished && manifest!.id === 2) expect(found.content(), hit).toEqual(after);
        else expect(found.content(), hit).toEqual(before);
        if (!result.mayBePublished) {
          expect(manifest!.id, hit).toBe(1);
          const { manifests, indexes, values, unfinished } = folderOf(world).list();
          expect({ manifests, indexes, values }, hit).toEqual({ manifests: [1], indexes: [1], values: [1] });
          expect(unfinished, hit).toEqual([]);
        }
        const again = await write(world, data, { lsn: 20, previous: first }, writer);
        if (again.kind === "failed") throw again.error;
        expect(again.manifest.id, hit).toBe(3);
        expect(choose(world).manifest, hit).toEqual(again.manifest);
        expect((await load(world, again.manifest)).content(), hit).toEqual(after);
      }
      expect(failures).toBeGreaterThan(20);
    });
  });
}

describe("a full volume", () => {
  it("gives its space back when the checkpoint fails", async () => {
    const world = newWorld();
    const data = smallDataSet();
    const first = await published(world, data);
    changed(data);
    const used = world.fs.usedBytes;
    world.fs.setCapacity(used + 700);
    const result = await write(world, data, { previous: first });
    expect(result).toMatchObject({ kind: "failed", mayBePublished: false });
    // What became a whole segment file stays: the engine counts on it.
    const kept = data.segments[2]!.hasFile ? world.fs.statSync(folderOf(world).segmentPath(3))!.sizeBytes : 0;
    expect(world.fs.usedBytes - used).toBe(kept);
  });
});

describe("giving up", () => {
  it("ends the checkpoint under way and leaves the one before", async () => {
    const world = newWorld();
    const data = smallDataSet();
    const first = await published(world, data);
    changed(data);
    const writer = newWriter(world);
    world.step = () => writer.giveUp();
    const result = await write(world, data, { previous: first }, writer);
    world.step = () => {};
    expect(result).toMatchObject({ kind: "failed", error: { kind: "closed" } });
    expect(choose(world).manifest).toEqual(first);
    expect(folderOf(world).list().unfinished).toEqual([]);
    expect(writer.running).toBe(false);
  });

  it("hands no memory back to the engine while a thread may read it", async () => {
    const world = newWorld();
    const data = new DataSet(2);
    // More than one slice of sums, so that it is given up while the bytes are being written.
    data.addSegment((4 * 1024 * 1024) / 8);
    const writer = newWriter(world);
    let underWay = 0;
    let appends = 0;
    world.step = (operation, path) => {
      if (!path.endsWith(".segment.new")) return;
      if (operation === "open") {
        underWay = 1;
        writer.giveUp();
      }
      if (operation === "append") appends++;
      if (operation === "done") underWay--;
    };
    const capture = data.capture();
    const { abandon } = capture;
    let underWayThen = -1;
    capture.abandon = () => {
      underWayThen = underWay;
      abandon.call(capture);
    };
    const request = { capture, lsn: 1, wallMs: 0, previous: undefined, codec: undefined };
    expect(await finish(world, writer.write(request))).toMatchObject({ error: { kind: "closed" } });
    expect([appends, underWayThen]).toEqual([2, 0]);
  });
});

describe("the writer", () => {
  it("writes one checkpoint at a time, and tells how far it is", async () => {
    const world = newWorld();
    const data = smallDataSet();
    const writer = newWriter(world);
    expect(writer.progress).toEqual({ phase: "idle", bytesWritten: 0 });
    const phases = new Set<string>();
    let bytes = 0;
    world.step = () => {
      const { phase, bytesWritten } = writer.progress;
      phases.add(phase);
      expect(bytesWritten).toBeGreaterThanOrEqual(bytes);
      bytes = bytesWritten;
    };
    const request = { capture: data.capture(), lsn: 1, wallMs: 0, previous: undefined, codec: undefined };
    const first = writer.write(request);
    await expect(writer.write(request)).rejects.toMatchObject({ kind: "conflict" });
    expect(await finish(world, first)).toMatchObject({ kind: "published" });
    world.step = () => {};
    expect([...phases]).toEqual(["rows", "structures", "segments", "table", "publish"]);
    expect(writer.progress).toEqual({ phase: "idle", bytesWritten: bytes });
  });

  it("lets others run whenever its slice is over", async () => {
    const world = newWorld();
    const data = new DataSet(6);
    for (let i = 0; i < 1000; i++) data.addRows(4112);
    for (let i = 0; i < 50; i++) data.addStructure(i, 3000, 3000);
    // Every look at the clock costs a tenth of a millisecond: a slice has time for five.
    const { clock } = world;
    const { monotonicMs } = clock;
    const runs: number[] = [];
    let nowMs = 0;
    let looks = 0;
    clock.monotonicMs = () => {
      looks++;
      nowMs += 0.1;
      return (monotonicMs.call(clock) + nowMs) as ReturnType<typeof monotonicMs>;
    };
    const { soon } = clock;
    clock.soon = (run) =>
      soon.call(clock, () => {
        runs.push(looks);
        looks = 0;
        run();
      });
    expect((await write(world, data)).kind).toBe("published");
    expect(Math.max(...runs)).toBeLessThanOrEqual(8);
    expect(runs.length).toBeGreaterThan(30);
  });
});

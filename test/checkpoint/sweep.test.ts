/** What is kept, what goes and when; and that a failing disk makes nothing go. */
import { describe, expect, it } from "vitest";
import type { CheckpointManifest } from "../../src/checkpoint/manifest-format.ts";
import { retain, valuesFilesToRewrite } from "../../src/checkpoint/retention.ts";
import { CheckpointSweeper } from "../../src/checkpoint/sweep.ts";
import { DataSet, finish, folderOf, load, newWorld, published, smallDataSet, type World } from "./support.ts";

interface Kept {
  readonly world: World;
  readonly data: DataSet;
  readonly sweeper: CheckpointSweeper;
  previous: CheckpointManifest | undefined;
}

function keeper(): Kept {
  const world = newWorld();
  return {
    world,
    data: smallDataSet(),
    sweeper: new CheckpointSweeper(folderOf(world), world.clock),
    previous: undefined,
  };
}

/** One more checkpoint, in which the oldest segment is gone and structure 9 is written again. */
async function next(kept: Kept): Promise<CheckpointManifest> {
  const { world, data, previous } = kept;
  data.addSegment(4);
  data.segments.shift();
  data.structures.get(9)!.place = undefined;
  const manifest = await published(world, data, { previous, lsn: (previous?.lsn ?? 0) + 10 });
  kept.previous = manifest;
  return manifest;
}

function sweep({ world, data, sweeper }: Kept, keep = 2) {
  return finish(world, sweeper.sweep({ keep, liveBirths: data.segments.map(({ birth }) => birth) }));
}

describe("a sweep", () => {
  it("removes a file only when it found it unreachable twice", async () => {
    const kept = keeper();
    const folder = folderOf(kept.world);
    for (let i = 0; i < 3; i++) await next(kept);
    expect(await sweep(kept)).toEqual({
      oldestLsn: 20,
      retired: [1],
      removed: [],
      // Its values file is still reached: structures 2 and 5 lie in it.
      unreachable: ["0000000001.index", "segments/0000000000000002.segment"],
      unreadable: [],
    });
    expect(folder.list()).toMatchObject({ manifests: [2, 3], indexes: [1, 2, 3], values: [1, 2, 3] });
    await next(kept);
    expect(await sweep(kept)).toEqual({
      oldestLsn: 30,
      retired: [2],
      removed: ["0000000001.index", "segments/0000000000000002.segment"],
      unreachable: ["0000000002.index", "0000000002.values", "segments/0000000000000003.segment"],
      unreadable: [],
    });
    expect(folder.list()).toMatchObject({ manifests: [3, 4], values: [1, 2, 3, 4], segments: [3, 4, 5, 6] });
    for (const id of [3, 4]) expect(folder.fs.statSync(folder.indexPath(id))).toBeDefined();
    expect((await load(kept.world, kept.previous!)).content()).toEqual(kept.data.content());
  });

  it("asks for the whole log until as many checkpoints are there as are kept", async () => {
    const kept = keeper();
    await next(kept);
    expect(await sweep(kept)).toMatchObject({ oldestLsn: 0 });
    await next(kept);
    expect(await sweep(kept)).toMatchObject({ oldestLsn: 10 });
    expect(await sweep(kept, 1)).toMatchObject({ oldestLsn: 20 });
  });

  it("leaves what the engine has, what is under way, and what is not ours", async () => {
    const kept = keeper();
    const { world, sweeper } = kept;
    const first = await next(kept);
    const folder = folderOf(world);
    for (const name of [
      folder.indexPath(7),
      folder.segmentPath(99),
      folder.segmentPath(98),
      `${folder.path}/notes.txt`,
    ])
      world.fs.openSync(name, "create").close();
    for (let i = 0; i < 3; i++) {
      const liveBirths = [99, ...kept.data.segments.map(({ birth }) => birth)];
      await finish(world, sweeper.sweep({ keep: 2, liveBirths, underWay: [7] }));
    }
    expect(world.fs.statSync(folder.indexPath(7))).toBeDefined();
    expect(world.fs.statSync(folder.segmentPath(99))).toBeDefined();
    expect(world.fs.statSync(folder.segmentPath(98))).toBeUndefined();
    expect(world.fs.statSync(`${folder.path}/notes.txt`)).toBeDefined();
    expect((await load(world, first)).content()).toEqual(kept.data.content());
  });

  it("removes nothing while a kept manifest cannot be read", async () => {
    const kept = keeper();
    for (let i = 0; i < 3; i++) await next(kept);
    kept.world.fs.corrupt(folderOf(kept.world).manifestPath(2), 40, 1);
    for (let i = 0; i < 3; i++) {
      const result = await sweep(kept);
      expect(result).toMatchObject({ removed: [], unreachable: [], unreadable: [2] });
    }
    await next(kept);
    expect(await sweep(kept)).toMatchObject({ retired: [1, 2], unreadable: [] });
  });

  it("stops at the first error and forgets what it had found", async () => {
    const kept = keeper();
    const { world } = kept;
    for (let i = 0; i < 4; i++) {
      await next(kept);
      await sweep(kept);
    }
    for (const operation of ["unlink", "syncDirectory", "readFile", "list"]) {
      await next(kept);
      world.fault = (each) => (each === operation ? { code: "EIO" } : undefined);
      await expect(sweep(kept), operation).rejects.toMatchObject({ code: "EIO" });
      world.fault = () => undefined;
      const { removed } = await sweep(kept);
      expect(removed, operation).toEqual([]);
      expect((await load(world, kept.previous!)).content()).toEqual(kept.data.content());
    }
    await sweep(kept);
    const { manifests, indexes } = folderOf(world).list();
    expect(indexes).toEqual(manifests);
  });
});

describe("retention", () => {
  const whole = (id: number) => ({ id, manifest: { id } as CheckpointManifest });
  const damaged = (id: number) => ({ id, manifest: undefined });
  const kept = (found: Parameters<typeof retain>[0], keep: number) => {
    const { kept, retired } = retain(found, keep);
    return [kept.map(({ id }) => id), retired];
  };

  it("keeps the newest whole ones, and damaged ones only while they are among them", () => {
    expect(kept([whole(1), whole(2), whole(3)], 2)).toEqual([[2, 3], [1]]);
    expect(kept([whole(1)], 2)).toEqual([[1], []]);
    expect(kept([whole(1), whole(2)], 0)).toEqual([[2], [1]]);
    expect(kept([whole(1), whole(2), damaged(3)], 1)).toEqual([[2, 3], [1]]);
    expect(kept([whole(1), damaged(2), whole(3)], 2)).toEqual([[1, 2, 3], []]);
    expect(kept([damaged(1), damaged(2)], 1)).toEqual([[1, 2], []]);
    expect(kept([damaged(1), whole(2)], 1)).toEqual([[2], [1]]);
  });
});

describe("values files", () => {
  it("are written again when less than half of them is alive", async () => {
    const world = newWorld();
    const data = new DataSet(4);
    for (let handle = 1; handle <= 4; handle++) data.addStructure(handle, 500);
    const first = await published(world, data);
    expect(valuesFilesToRewrite(first)).toEqual([]);
    for (const handle of [1, 2, 3]) data.structures.get(handle)!.place = undefined;
    const second = await published(world, data, { previous: first });
    expect(valuesFilesToRewrite(second)).toEqual([1]);
    const third = await published(world, data, { previous: second, moving: valuesFilesToRewrite(second) });
    expect(third.values.map(({ id }) => id)).toEqual([2, 3]);
    expect((await load(world, third)).content()).toEqual(data.content());
  });
});

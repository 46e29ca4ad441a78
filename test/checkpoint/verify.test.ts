/** What `ferrite verify` finds: everything that is wrong, in every checkpoint, without changing anything. */
import { describe, expect, it } from "vitest";
import { type VerifyReport, verifyCheckpoints } from "../../src/checkpoint/verify-checkpoint.ts";
import { loadLz4 } from "../../src/codec/compression.ts";
import { crc32cPortable } from "../../src/codec/crc32c.ts";
import { finish, folderOf, newWorld, PiecesBuilder, published, smallDataSet, type World } from "./support.ts";

async function two(): Promise<World> {
  const world = newWorld();
  const data = smallDataSet();
  const previous = await published(world, data, { codec: await loadLz4() });
  data.addSegment(6);
  data.structures.get(9)!.place = undefined;
  await published(world, data, { lsn: 20, previous });
  return world;
}

function verify(world: World, progress: number[] = []): Promise<VerifyReport> {
  const verifying = verifyCheckpoints({
    folder: folderOf(world),
    crc32c: crc32cPortable,
    codec: loadLz4,
    breathe: () => undefined,
    newBuilder: () => new PiecesBuilder(),
    onProgress: (done, total) => void progress.push(done / total),
  });
  return finish(world, verifying);
}

describe("verifying", () => {
  it("reads everything, finds nothing, changes nothing", async () => {
    const world = await two();
    const operations = new Set<string>();
    world.step = (operation) => void operations.add(operation);
    const progress: number[] = [];
    const { checkpoints, findings, filesRead, bytesRead } = await verify(world, progress);
    world.step = () => {};
    expect(findings).toEqual([]);
    expect(checkpoints).toMatchObject([
      { id: 2, lsn: 20, keys: 29, structures: 3, whole: true },
      { id: 1, lsn: 10, keys: 23, structures: 3, whole: true },
    ]);
    // Two manifests and indexes, three segments, values 1 for both and values 2.
    expect(filesRead).toBe(10);
    expect(bytesRead).toBeGreaterThan(0);
    expect(progress.at(-1)).toBe(1);
    expect([...operations].sort()).toEqual(["list", "open", "read", "readFile", "size", "stat"]);
  });

  it("of an empty folder has nothing to say", async () => {
    const report = { checkpoints: [], findings: [], filesRead: 0, bytesRead: 0 };
    expect(await verify(newWorld())).toEqual(report);
  });

  it("names every damaged file once, and which checkpoints are not whole", async () => {
    const world = await two();
    const folder = folderOf(world);
    world.fs.corrupt(folder.segmentPath(2), 9, 1);
    world.fs.corrupt(folder.valuesPath(1), 70, 1);
    world.fs.unlinkSync(folder.segmentPath(3));
    const { checkpoints, findings } = await verify(world);
    expect(checkpoints.map(({ id, whole }) => [id, whole])).toEqual([
      [2, false],
      [1, false],
    ]);
    expect(findings.map(({ file, offset }) => [file, offset])).toEqual([
      [folder.segmentPath(2), 0],
      [folder.segmentPath(3), undefined],
      [folder.valuesPath(1), 64],
    ]);
    expect(findings[1]!.what).toContain("ENOENT");
  });

  it("goes on after a manifest that cannot be read", async () => {
    const world = await two();
    const folder = folderOf(world);
    world.fs.corrupt(folder.manifestPath(2), 3, 1);
    const { checkpoints, findings } = await verify(world);
    expect(checkpoints).toMatchObject([
      { id: 2, whole: false },
      { id: 1, whole: true },
    ]);
    expect(findings.map(({ file }) => file)).toEqual([folder.manifestPath(2)]);
  });

  it("reports what the disk does not give", async () => {
    const world = await two();
    const folder = folderOf(world);
    world.fault = (operation, path) =>
      operation === "read" && path === folder.indexPath(1) ? { code: "EIO" } : undefined;
    const { findings } = await verify(world);
    expect(findings).toMatchObject([{ file: folder.indexPath(1), what: expect.stringContaining("EIO") }]);
  });
});

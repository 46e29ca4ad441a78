/** What is written is what is loaded: of every shape, compressed or not, one checkpoint after another. */
import { describe, expect, it } from "vitest";
import { loadLz4 } from "../../src/codec/compression.ts";
import { DataSet, folderOf, load, newWorld, PiecesValue, published, smallDataSet, write } from "./support.ts";

describe("a checkpoint", () => {
  it("gives back what was there", async () => {
    const world = newWorld();
    const data = smallDataSet();
    const manifest = await published(world, data);
    expect(manifest).toMatchObject({ id: 1, lsn: 10, keys: data.keys, nextBirth: 3, keyspaces: [0, 2, 1] });
    const loaded = await load(world, manifest);
    expect(loaded.content()).toEqual(data.content());
    expect(data.told).toEqual(["segment 1", "segment 2", "complete"]);
    expect(folderOf(world).list()).toEqual({
      manifests: [1],
      indexes: [1],
      values: [1],
      segments: [1, 2],
      unfinished: [],
    });
  });

  it("of an empty data set has an index and nothing else", async () => {
    const world = newWorld();
    const data = new DataSet(1);
    const manifest = await published(world, data);
    expect((await load(world, manifest)).content()).toEqual(data.content());
    expect(folderOf(world).list()).toMatchObject({ indexes: [1], values: [], segments: [] });
  });

  it("may have rows, pieces and segments that take many blocks", async () => {
    const world = newWorld();
    const data = new DataSet(3);
    for (let i = 0; i < 400; i++) data.addRows(8 * (1 + data.random.below(1026)));
    data.addStructure(1, 3_000_000, 5, 0, 1_048_576, 70_000);
    data.addStructure(2, 1_048_568);
    for (let i = 0; i < 300; i++) data.addStructure(100 + i, ...Array.from({ length: i % 7 }, () => i * 3));
    data.addSegment(8192);
    data.addSegment(8193);
    data.addSegment(200_000);
    const manifest = await published(world, data);
    expect((await load(world, manifest)).content()).toEqual(data.content());
  });

  it("is smaller when it is compressed, and reads the same", async () => {
    const codec = await loadLz4();
    const sizes = [];
    for (const option of [undefined, codec]) {
      const world = newWorld();
      const data = smallDataSet();
      data.structures.get(9)!.value = new PiecesValue([
        new Uint8Array(2_500_000).fill(7),
        data.bytes(10_000),
      ]);
      data.rows.push(new Uint8Array(8000).fill(1));
      const manifest = await published(world, data, { codec: option });
      expect((await load(world, manifest)).content()).toEqual(data.content());
      sizes.push([manifest.index.bytes, manifest.values[0]!.bytes]);
    }
    const [plain, packed] = sizes;
    // What an index consists of does not compress, and is not tried.
    expect(packed![0]).toBe(plain![0]);
    expect(packed![1]).toBeLessThan(plain![1]! / 20);
  });

  it("writes only what changed since the one before", async () => {
    const world = newWorld();
    const data = smallDataSet();
    const first = await published(world, data);
    data.addSegment(40);
    data.segments[0]!.deadUnits = 4;
    data.structures.get(5)!.place = undefined;
    data.structures.delete(2);
    data.addRows(24);
    const result = await write(world, data, { lsn: 20, previous: first });
    expect(result).toMatchObject({ kind: "published", manifest: { id: 2, lsn: 20 } });
    if (result.kind === "failed") return;
    const { manifest, bytesWritten, segmentBytesWritten } = result;
    expect(segmentBytesWritten).toBe(manifest.segments[2]!.bytes);
    expect(bytesWritten).toBe(segmentBytesWritten + manifest.index.bytes + manifest.values[1]!.bytes);
    expect(manifest.values.map(({ id }) => id)).toEqual([1, 2]);
    expect(manifest.values[0]).toMatchObject({
      bytes: first.values[0]!.bytes,
      checksum: first.values[0]!.checksum,
    });
    expect(manifest.values[0]!.liveBytes).toBeLessThan(first.values[0]!.liveBytes);
    expect(manifest.segments[0]).toEqual({ ...first.segments[0], deadUnits: 4 });
    expect((await load(world, manifest)).content()).toEqual(data.content());
    expect((await load(world, first)).structures.length).toBe(3);
  });

  it("takes the word of a segment's footer where the one before does not name it", async () => {
    const world = newWorld();
    const data = smallDataSet();
    const first = await published(world, data);
    const again = await published(world, data, { previous: { ...first, segments: [] } });
    expect(again.segments).toEqual(first.segments);
  });
});

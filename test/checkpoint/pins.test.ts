/** A checkpoint that somebody reads keeps its files, however many newer ones are published and swept meanwhile. */
import { describe, expect, it } from "vitest";
import { CheckpointSweeper } from "../../src/checkpoint/sweep.ts";
import { finish, folderOf, load, newWorld, newWriter, published, smallDataSet, write } from "./support.ts";

describe("a pinned checkpoint", () => {
  it("stays whole while others come and go, and goes when it is let go", async () => {
    const world = newWorld();
    const folder = folderOf(world);
    const data = smallDataSet();
    const first = await published(world, data);
    const content = data.content();
    const writer = newWriter(world);
    const sweeper = new CheckpointSweeper(folder, world.clock);
    let previous = first;
    const round = async (pinned: ReadonlySet<number>): Promise<void> => {
      data.segments.shift();
      data.addSegment(5);
      const result = await write(world, data, { previous, moving: [previous.id] }, writer);
      if (result.kind === "failed") throw result.error;
      previous = result.manifest;
      const liveBirths = data.segments.map(({ birth }) => birth);
      await finish(world, sweeper.sweep({ keep: 1, liveBirths, pinned }));
    };
    for (let i = 0; i < 5; i++) await round(new Set([first.id]));
    expect(folder.list().manifests).toEqual([first.id, previous.id]);
    expect((await load(world, first)).content()).toEqual(content);
    for (let i = 0; i < 2; i++) await round(new Set());
    expect(folder.list().manifests).toEqual([previous.id]);
    expect(folder.list().indexes).not.toContain(first.id);
    expect(folder.list().segments).not.toContain(first.segments[0]!.birth);
  });
});

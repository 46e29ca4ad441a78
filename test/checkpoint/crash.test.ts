/**
 * Power loss and kill -9 at every step of the file system while checkpoints are written, published and swept: what is
 * found afterwards is a whole checkpoint, no older than the last one that was reported as published.
 */
import { describe, expect, it } from "vitest";
import type { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { chooseCheckpoint } from "../../src/checkpoint/choose-checkpoint.ts";
import { CheckpointSweeper } from "../../src/checkpoint/sweep.ts";
import {
  finish,
  folderOf,
  load,
  newWorld,
  newWriter,
  smallDataSet,
  type World,
  worldOf,
  write,
} from "./support.ts";

interface Future {
  readonly fs: MemoryFileSystem;
  readonly step: string;
  /** The last checkpoint known to be published: 0 for none. */
  readonly publishedId: number;
}

const SEEDS = [1, 2];

async function lives(seed: number): Promise<{ futures: Future[]; contents: Map<number, unknown> }> {
  const world = newWorld(seed);
  const random = new SeededRandom(seed * 977);
  const data = smallDataSet(seed);
  const futures: Future[] = [];
  const contents = new Map<number, unknown>([[0, undefined]]);
  let publishedId = 0;
  let steps = 0;
  world.step = (operation, path) => {
    const step = `step ${++steps}, ${operation} ${path}`;
    const look = (fs: MemoryFileSystem): void => void futures.push({ fs, step, publishedId });
    look(world.fs.crash(new SeededRandom(random.uint32())));
    look(world.fs.crash(new SeededRandom(random.uint32())));
    if (steps % 4 === 0) look(world.fs.kill());
  };
  const writer = newWriter(world);
  const sweeper = new CheckpointSweeper(folderOf(world), world.clock);
  let previous: Parameters<typeof write>[2] = {};
  for (let round = 1; round <= 4; round++) {
    contents.set(round, data.content());
    const result = await write(
      world,
      data,
      { ...previous, lsn: round * 10, moving: round === 3 ? [1] : [] },
      writer,
    );
    if (result.kind === "failed") throw result.error;
    publishedId = result.manifest.id;
    previous = { previous: result.manifest };
    const liveBirths = data.segments.map(({ birth }) => birth);
    await finish(world, sweeper.sweep({ keep: 1, liveBirths }));
    data.addSegment(5);
    data.segments.shift();
    data.structures.get(9)!.place = undefined;
    data.addRows(40);
  }
  // The world goes on in tests only as its futures.
  world.step = () => {};
  return { futures, contents };
}

async function check(
  world: World,
  { step, publishedId }: Future,
  contents: Map<number, unknown>,
): Promise<number> {
  const folder = folderOf(world);
  // The log has nothing: a fallback to anything older would be refused.
  const { manifest, rejected } = chooseCheckpoint({ folder, logLacksAfter: () => "nothing is there" });
  const id = manifest?.id ?? 0;
  expect(rejected, step).toEqual([]);
  expect([publishedId, publishedId + 1], step).toContain(id);
  if (manifest !== undefined) expect((await load(world, manifest)).content(), step).toEqual(contents.get(id));
  return id;
}

describe("after a crash at any step", () => {
  for (const seed of SEEDS) {
    it(`the old or the new checkpoint is there, whole (seed ${seed})`, async () => {
      const { futures, contents } = await lives(seed);
      expect(futures.length).toBeGreaterThan(300);
      const found = new Set<number>();
      for (const future of futures) found.add(await check(worldOf(future.fs), future, contents));
      expect([...found].sort()).toEqual([0, 1, 2, 3, 4]);
    });
  }

  it("a segment of which the engine was told has its file", async () => {
    const world = newWorld();
    const data = smallDataSet();
    for (let i = 0; i < 40; i++) data.addSegment(1 + (i % 5));
    const capture = data.capture();
    const random = new SeededRandom(5);
    let told = 0;
    const { segmentWritten } = capture;
    capture.segmentWritten = (id) => {
      segmentWritten.call(capture, id);
      told++;
      const { birth, bytes } = data.segments.find((segment) => segment.id === id)!;
      for (let i = 0; i < 4; i++) {
        const after = world.fs.crash(new SeededRandom(random.uint32()));
        const found = after.readFileSync(folderOf(world).segmentPath(birth));
        expect(Buffer.from(found.subarray(0, bytes.length)).equals(bytes)).toBe(true);
      }
    };
    const request = { capture, lsn: 1, wallMs: 0, previous: undefined, codec: undefined };
    expect((await finish(world, newWriter(world).write(request))).kind).toBe("published");
    expect(told).toBe(42);
  });

  it("the next checkpoint is written over what was left", async () => {
    const { futures } = await lives(3);
    for (const future of futures.filter((_, i) => i % 11 === 0)) {
      const world = worldOf(future.fs);
      const folder = folderOf(world);
      folder.create();
      const { manifest } = chooseCheckpoint({ folder, logLacksAfter: () => "nothing is there" });
      folder.removeUnfinished();
      expect(folder.list().unfinished).toEqual([]);
      const data = smallDataSet(8);
      const result = await write(world, data, { previous: manifest });
      expect(result.kind, future.step).toBe("published");
      if (result.kind === "failed") continue;
      expect((await load(world, result.manifest)).content()).toEqual(data.content());
      expect(result.manifest.id).toBeGreaterThan(manifest?.id ?? 0);
    }
  });
});

/** A byte that changed, a file that was cut, a file that is another's: an error that names the file, never other content. */
import { beforeAll, describe, expect, it } from "vitest";
import { FerriteError } from "../../src/base/errors.ts";
import { chooseCheckpoint } from "../../src/checkpoint/choose-checkpoint.ts";
import type { CheckpointManifest } from "../../src/checkpoint/manifest-format.ts";
import { loadLz4 } from "../../src/codec/compression.ts";
import { findingOf } from "../../src/engine/warm/file-finding.ts";
import {
  type DataSet,
  FOLDER,
  folderOf,
  load,
  newWorld,
  PiecesValue,
  published,
  smallDataSet,
  type World,
  worldOf,
} from "./support.ts";

const MANIFEST = `${FOLDER}/0000000001.manifest`;

interface Written {
  readonly world: World;
  readonly data: DataSet;
  readonly manifest: CheckpointManifest;
  /** Paths of all but the manifest. */
  readonly files: readonly string[];
}

async function written(compressed: boolean): Promise<Written> {
  const world = newWorld();
  const data = smallDataSet();
  if (compressed) data.structures.get(5)!.value = new PiecesValue([new Uint8Array(300).fill(65)]);
  const manifest = await published(world, data, { codec: compressed ? await loadLz4() : undefined });
  const folder = folderOf(world);
  const files = [folder.indexPath(1), folder.valuesPath(1), folder.segmentPath(1), folder.segmentPath(2)];
  return { world, data, manifest, files };
}

/** The file that the failed load blames. */
async function blamed(world: World, manifest: CheckpointManifest): Promise<string> {
  try {
    await load(world, manifest);
  } catch (error) {
    expect(error).toBeInstanceOf(FerriteError);
    expect((error as FerriteError).message).toContain("ferrite verify --data-dir /data");
    return findingOf(error)!.file;
  }
  return "none";
}

function sizeOf(world: World, path: string): number {
  return world.fs.statSync(path)!.sizeBytes;
}

function cut(world: World, path: string, bytes: number): void {
  const file = world.fs.openSync(path, "append");
  file.truncateSync(bytes);
  file.close();
}

for (const compressed of [false, true]) {
  describe(`a checkpoint, ${compressed ? "compressed" : "plain"}`, () => {
    let w: Written;
    beforeAll(async () => {
      w = await written(compressed);
    });

    it("with any one byte changed is refused, and the file named", async () => {
      for (const path of w.files) {
        const size = sizeOf(w.world, path);
        for (let at = 0; at < size; at++) {
          const mask = at % 3 === 0 ? 0xff : 1 << (at % 8);
          w.world.fs.corrupt(path, at, mask);
          expect(await blamed(w.world, w.manifest), `${path} at ${at}`).toBe(path);
          w.world.fs.corrupt(path, at, mask);
        }
      }
      expect((await load(w.world, w.manifest)).content()).toEqual(w.data.content());
    });

    it("with any file cut anywhere, or longer, is refused while choosing and while loading", async () => {
      for (const path of w.files) {
        const size = sizeOf(w.world, path);
        for (let bytes = 0; bytes < size; bytes += 1 + (bytes % 3)) {
          const world = worldOf(w.world.fs);
          cut(world, path, bytes);
          expect(() => choose(world)).toThrow(`${path}: it has ${bytes} bytes, expected ${size}`);
          expect(await blamed(world, w.manifest), `${path} cut to ${bytes}`).toBe(path);
        }
        const world = worldOf(w.world.fs);
        const file = world.fs.openSync(path, "append");
        file.appendSync(new Uint8Array(1), 0, 1);
        file.close();
        expect(() => choose(world)).toThrow(`${path}: it has ${size + 1} bytes, expected ${size}`);
        expect(await blamed(world, w.manifest)).toBe(path);
      }
    });
  });
}

function choose(world: World) {
  return chooseCheckpoint({ folder: folderOf(world), logLacksAfter: () => "nothing is there" });
}

describe("a manifest", () => {
  it("with any one byte changed is refused, and named", async () => {
    const { world } = await written(false);
    for (let at = 0; at < sizeOf(world, MANIFEST); at++) {
      for (const mask of [1 << (at % 8), 0xff]) {
        world.fs.corrupt(MANIFEST, at, mask);
        expect(() => choose(world), `byte ${at}`).toThrow(MANIFEST);
        world.fs.corrupt(MANIFEST, at, mask);
      }
    }
    expect(choose(world).manifest?.id).toBe(1);
  });

  it("cut anywhere is refused, and named", async () => {
    const { world } = await written(false);
    for (let bytes = 0; bytes < sizeOf(world, MANIFEST); bytes++) {
      const shorter = worldOf(world.fs);
      cut(shorter, MANIFEST, bytes);
      expect(() => choose(shorter), `cut to ${bytes}`).toThrow(MANIFEST);
    }
  });
});

describe("files in the place of others", () => {
  it("are refused although each is whole", async () => {
    const { world, manifest, data } = await written(false);
    const second = await published(world, data, { previous: manifest, moving: [1] });
    const folder = folderOf(world);
    const copy = (from: string, to: string): World => {
      const mixed = worldOf(world.fs);
      mixed.fs.unlinkSync(to);
      mixed.fs.renameSync(from, to);
      return mixed;
    };
    const pairs = [
      [folder.indexPath(1), folder.indexPath(2)],
      [folder.valuesPath(1), folder.valuesPath(2)],
    ] as const;
    for (const [from, to] of pairs) expect(await blamed(copy(from, to), second)).toBe(to);
  });

  it("are refused where a segment's file is that of another birth", async () => {
    const world = newWorld();
    const data = smallDataSet();
    data.addSegment(20);
    const manifest = await published(world, data);
    const folder = folderOf(world);
    world.fs.renameSync(folder.segmentPath(3), folder.segmentPath(1));
    expect(await blamed(world, manifest)).toBe(folder.segmentPath(1));
  });

  it("are refused where the checksum of the manifest is that of another content", async () => {
    const { world, manifest } = await written(false);
    const [first, ...rest] = manifest.segments;
    const index = { ...manifest.index, checksum: manifest.index.checksum ^ 1 };
    expect(await blamed(world, { ...manifest, index })).toBe(folderOf(world).indexPath(1));
    const segments = [{ ...first!, checksum: first!.checksum ^ 1 }, ...rest];
    expect(await blamed(world, { ...manifest, segments })).toBe(folderOf(world).segmentPath(1));
  });
});

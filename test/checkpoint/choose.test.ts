/** Which checkpoint a start takes, when an older one will do, and what a refusal says. */
import { describe, expect, it } from "vitest";
import { chooseCheckpoint, describeRejection, rejectionOf } from "../../src/checkpoint/choose-checkpoint.ts";
import { encodeManifest } from "../../src/checkpoint/manifest-format.ts";
import {
  FOLDER,
  folderOf,
  IDENTITY,
  load,
  newWorld,
  published,
  smallDataSet,
  type World,
} from "./support.ts";

const COVERED = (): undefined => undefined;

async function three(): Promise<World> {
  const world = newWorld();
  const data = smallDataSet();
  let previous: Awaited<ReturnType<typeof published>> | undefined;
  for (const lsn of [10, 20, 30]) {
    previous = await published(world, data, { lsn, previous });
    data.addRows(8);
    data.addSegment(2);
  }
  return world;
}

function choose(
  world: World,
  logLacksAfter: (lsn: number) => string | undefined,
  excluded?: Map<number, never>,
) {
  const folder = folderOf(world);
  return chooseCheckpoint({ folder, identity: IDENTITY, logLacksAfter, ...(excluded ? { excluded } : {}) });
}

describe("choosing a checkpoint", () => {
  it("takes the newest one, and asks nothing of the log", async () => {
    const world = await three();
    const choice = choose(world, () => "nothing is there");
    expect(choice.manifest).toMatchObject({ id: 3, lsn: 30 });
    expect(choice.rejected).toEqual([]);
  });

  it("answers none for a folder that is empty or not there", () => {
    const world = newWorld();
    expect(choose(world, () => "nothing is there")).toEqual({ manifest: undefined, rejected: [] });
    const elsewhere = { folder: folderOf({ fs: world.fs.kill() }), logLacksAfter: COVERED };
    elsewhere.folder.fs.renameSync(FOLDER, "/gone");
    expect(chooseCheckpoint(elsewhere)).toEqual({ manifest: undefined, rejected: [] });
  });

  it("takes an older one only if the log has everything after it", async () => {
    const world = await three();
    world.fs.unlinkSync(folderOf(world).indexPath(3));
    const asked: number[] = [];
    const choice = choose(world, (lsn) => void asked.push(lsn));
    expect(choice.manifest).toMatchObject({ id: 2, lsn: 20 });
    expect(asked).toEqual([20]);
    expect(choice.rejected.map(describeRejection)).toEqual([
      `checkpoint 3 is not whole: ${FOLDER}/0000000003.index: it is missing, expected 640 bytes`,
    ]);
    expect(() => choose(world, (lsn) => `it begins at LSN ${lsn + 3}`)).toThrow(
      `choosing a checkpoint in ${FOLDER}: checkpoint 3 is not whole (${FOLDER}/0000000003.index: it is missing, expected 640 bytes); the one before it, 2, holds effects up to LSN 20, and the log does not hold all after it (it begins at LSN 23). Nothing was changed; restore it from a copy, or see all that is damaged with \`ferrite verify --data-dir /data\``,
    );
  });

  it("starts without one only if the log has everything since the beginning", async () => {
    const world = await three();
    for (const id of [1, 2, 3]) world.fs.corrupt(folderOf(world).manifestPath(id), 30, 1);
    const choice = choose(world, (lsn) => (lsn === 0 ? undefined : "asked for another"));
    expect(choice.manifest).toBeUndefined();
    expect(choice.rejected.map(({ id }) => id)).toEqual([3, 2, 1]);
    expect(() => choose(world, () => "it begins at LSN 25")).toThrow(
      "there is no other one, and the log does not hold everything since the beginning (it begins at LSN 25)",
    );
  });

  it("leaves out what turned out to be damaged while loading", async () => {
    const world = await three();
    const folder = folderOf(world);
    world.fs.corrupt(folder.indexPath(3), 100, 4);
    const { manifest } = choose(world, COVERED);
    const error: unknown = await load(world, manifest!).catch((reason: unknown) => reason);
    const rejection = rejectionOf(3, folder, error)!;
    expect(rejection).toMatchObject({ id: 3, file: folder.indexPath(3) });
    const excluded = new Map([[3, rejection]]);
    const next = chooseCheckpoint({ folder, logLacksAfter: COVERED, excluded });
    expect(next.manifest?.id).toBe(2);
    expect(next.rejected).toEqual([rejection]);
    expect(rejectionOf(3, folder, new Error("EIO"))).toBeUndefined();
  });

  it("refuses checkpoints of another data set", async () => {
    const world = await three();
    const folder = folderOf(world);
    const others = [
      { ...IDENTITY, databaseId: "f".repeat(32) },
      { ...IDENTITY, hashSeed: [1, 7] as const },
    ];
    for (const identity of others) {
      expect(() => chooseCheckpoint({ folder, identity, logLacksAfter: COVERED })).toThrow(
        /belongs to database 00112233445566778899aabbccddeeff with hash seed deadbeef 00000007/,
      );
    }
  });

  it("refuses a manifest under the name of another", async () => {
    const world = await three();
    const folder = folderOf(world);
    world.fs.renameSync(folder.manifestPath(3), folder.manifestPath(4));
    expect(choose(world, COVERED).rejected).toMatchObject([
      { id: 4, why: "it is the manifest of checkpoint 3, expected 4" },
    ]);
  });

  it("stops at a manifest of a newer format instead of passing over it", async () => {
    const world = await three();
    const folder = folderOf(world);
    const { manifest } = choose(world, COVERED);
    const text = Buffer.from(encodeManifest({ ...manifest!, id: 4 })).toString("latin1");
    const body = text
      .slice(0, text.lastIndexOf("crc32 "))
      .replace("ferrite-checkpoint 1", "ferrite-checkpoint 2");
    const { crc32 } = await import("node:zlib");
    const bytes = Buffer.from(`${body}crc32 ${crc32(body).toString(16).padStart(8, "0")}\n`);
    const file = world.fs.openSync(folder.manifestPath(4), "create");
    file.appendSync(bytes, 0, bytes.length);
    file.close();
    expect(() => choose(world, COVERED)).toThrow(/has format 2, this version of ferrite reads 1/);
  });
});

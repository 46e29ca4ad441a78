/** A backup file is all of a checkpoint or nothing: written whole or not at all, read whole or refused. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import type { FerriteError } from "../../src/base/errors.ts";
import { loadLz4 } from "../../src/codec/compression.ts";
import { findingOf } from "../../src/engine/warm/file-finding.ts";
import { folderOf, type World, worldOf } from "../checkpoint/support.ts";
import { BACKUP, BACKUPS, backUp, original, type Saved, saved, unpacked } from "./support.ts";

const GOLDEN = fileURLToPath(new URL("../golden/backup/v1/small.ferrite", import.meta.url));

const byName = (files: Map<string, Buffer>): [string, Buffer][] =>
  [...files].sort(([a], [b]) => (a < b ? -1 : 1));

async function blamed(world: World): Promise<string> {
  try {
    await unpacked(world);
  } catch (error) {
    expect((error as FerriteError).message).toContain(`ferrite verify ${BACKUP}`);
    return findingOf(error)!.file;
  }
  return "none";
}

describe("a backup file", () => {
  let plain: Saved;
  beforeAll(async () => {
    plain = await saved();
    await backUp(plain);
  });

  it("gives back every byte of every file, compressed or not", async () => {
    const files = original(plain.world);
    expect(files.size).toBe(5);
    expect(byName(await unpacked(plain.world))).toEqual(byName(files));
    await backUp(plain, await loadLz4(), `${BACKUPS}/packed`);
    expect(byName(await unpacked(plain.world, `${BACKUPS}/packed`))).toEqual(byName(files));
  });

  it("is the golden bytes", () => {
    const bytes = plain.world.fs.readFileSync(BACKUP);
    if (process.env["FERRITE_GOLDEN"] === "write") writeFileSync(GOLDEN, bytes);
    expect(Buffer.from(bytes).equals(readFileSync(GOLDEN))).toBe(true);
  });

  it("with any one byte changed is refused, and named", async () => {
    const world = worldOf(plain.world.fs);
    const size = world.fs.statSync(BACKUP)!.sizeBytes;
    for (let at = 0; at < size; at++) {
      const mask = at % 3 === 0 ? 0xff : 1 << (at % 8);
      world.fs.corrupt(BACKUP, at, mask);
      expect(await blamed(world), `byte ${at}`).toBe(BACKUP);
      world.fs.corrupt(BACKUP, at, mask);
    }
    expect(await blamed(world)).toBe("none");
  });

  it("cut anywhere, or longer, is refused, and named", async () => {
    const size = plain.world.fs.statSync(BACKUP)!.sizeBytes;
    for (let bytes = 0; bytes < size; bytes++) {
      const world = worldOf(plain.world.fs);
      const file = world.fs.openSync(BACKUP, "append");
      file.truncateSync(bytes);
      file.close();
      expect(await blamed(world), `cut to ${bytes}`).toBe(BACKUP);
    }
    const world = worldOf(plain.world.fs);
    const file = world.fs.openSync(BACKUP, "append");
    file.appendSync(new Uint8Array(1), 0, 1);
    expect(await blamed(world)).toBe(BACKUP);
  });
});

describe("writing a backup", () => {
  it("leaves a file that exists as it is", async () => {
    const all = await saved();
    await backUp(all);
    const before = all.world.fs.readFileSync(BACKUP);
    await expect(backUp(all)).rejects.toMatchObject({ kind: "conflict" });
    expect(all.world.fs.readFileSync(BACKUP)).toEqual(before);
    expect(all.world.fs.listSync(BACKUPS)).toEqual(["all.ferrite"]);
  });

  it("of a damaged checkpoint fails, names the file, and leaves nothing", async () => {
    const all = await saved();
    const segment = folderOf(all.world).segmentPath(1);
    all.world.fs.corrupt(segment, 40, 1);
    await expect(backUp(all)).rejects.toThrow(segment);
    expect(all.world.fs.listSync(BACKUPS)).toEqual([]);
  });

  it("leaves nothing when the disk is full, or any step fails", async () => {
    for (const [operation, code] of [
      ["append", "ENOSPC"],
      ["sync", "EIO"],
      ["rename", "EIO"],
    ] as const) {
      const all = await saved();
      all.world.fault = (found, path) =>
        found === operation && path.startsWith(BACKUPS) ? { code } : undefined;
      await expect(backUp(all), operation).rejects.toMatchObject({ code });
      expect(all.world.fs.listSync(BACKUPS), operation).toEqual([]);
    }
  });

  it("leaves the whole file or none after a crash at any step", async () => {
    const all = await saved();
    const futures: { fs: MemoryFileSystem; isDone: boolean }[] = [];
    const random = new SeededRandom(7);
    let isDone = false;
    const look = (): void => {
      futures.push({ fs: all.world.fs.crash(new SeededRandom(random.uint32())), isDone });
      futures.push({ fs: all.world.fs.kill(), isDone });
    };
    all.world.step = look;
    await backUp(all);
    isDone = true;
    look();
    all.world.step = () => {};
    const whole = byName(await unpacked(all.world));
    let found = 0;
    for (const future of futures) {
      const world = worldOf(future.fs);
      if (world.fs.statSync(BACKUP) === undefined) {
        expect(future.isDone).toBe(false);
        continue;
      }
      found++;
      expect(byName(await unpacked(world))).toEqual(whole);
    }
    expect(futures.length).toBeGreaterThan(20);
    expect(found).toBeGreaterThanOrEqual(2);
  });
});

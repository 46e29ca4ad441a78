/** Backups of made-up checkpoints on the crashable file system. */
import { readBackup } from "../../src/backup/read-backup.ts";
import { type WrittenBackup, writeBackup } from "../../src/backup/write-backup.ts";
import type { CheckpointManifest } from "../../src/checkpoint/manifest-format.ts";
import { Slices } from "../../src/checkpoint/slices.ts";
import { type BlockCodec, loadLz4 } from "../../src/codec/compression.ts";
import { crc32cPortable } from "../../src/codec/crc32c.ts";
import {
  type DataSet,
  FOLDER,
  finish,
  folderOf,
  newWorld,
  published,
  smallDataSet,
  type World,
} from "../checkpoint/support.ts";

export const BACKUPS = "/data/backups";
export const BACKUP = `${BACKUPS}/all.ferrite`;
export const CREATED_MS = 1_700_000_000_000;

export interface Saved {
  readonly world: World;
  readonly data: DataSet;
  readonly manifest: CheckpointManifest;
}

/** A world with one checkpoint and an empty folder for backups. */
export async function saved(): Promise<Saved> {
  const world = newWorld();
  const data = smallDataSet();
  const manifest = await published(world, data);
  world.fs.makeDirectorySync(BACKUPS);
  world.fs.syncDirectorySync("/data");
  return { world, data, manifest };
}

export function backUp(
  { world, manifest }: Saved,
  codec?: BlockCodec,
  path = BACKUP,
): Promise<WrittenBackup> {
  const { clock } = world;
  const writing = writeBackup({
    folder: folderOf(world),
    manifest,
    path,
    createdMs: CREATED_MS,
    crc32c: crc32cPortable,
    loadCodec: loadLz4,
    codec,
    slices: new Slices(clock),
  });
  return finish(world, writing);
}

/** What a reader is handed: names and bytes of the files. */
export async function unpacked(world: World, path = BACKUP): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  let name = "";
  const parts = { fs: world.fs, crc32c: crc32cPortable, codec: loadLz4, breathe: () => undefined };
  await finish(
    world,
    readBackup(parts, path, {
      begin(file) {
        name = file.name;
        files.set(name, Buffer.alloc(0));
      },
      add(bytes, offset, length) {
        files.set(name, Buffer.concat([files.get(name)!, bytes.slice(offset, offset + length)]));
      },
    }),
  );
  return files;
}

/** Names and bytes of all files of the checkpoint folder. */
export function original(world: World): Map<string, Buffer> {
  const { fs } = world;
  const names = [
    ...fs.listSync(FOLDER).filter((name) => name !== "segments"),
    ...fs.listSync(`${FOLDER}/segments`).map((name) => `segments/${name}`),
  ];
  return new Map(names.map((name) => [name, Buffer.from(fs.readFileSync(`${FOLDER}/${name}`))]));
}

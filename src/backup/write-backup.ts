/**
 * Packs the files of a checkpoint into one file, while commands go on.
 *
 * Invariants
 *  - every file is read and checked before anything is packed: a backup of damaged bytes would only look like one;
 *  - the backup is durable before it has its name, and has it before this resolves; nothing that exists is replaced;
 *  - after a failure nothing of it is left, as far as the file system lets it be removed.
 *
 * The caller keeps the checkpoint's files from being removed. The loop does slices of half a millisecond; threads read,
 * write and sync; two MiB are in flight.
 */
import { FerriteError } from "../base/errors.ts";
import { BlockFileWriter, WriteBuffers } from "../checkpoint/block-file-writer.ts";
import type { CheckpointFolder } from "../checkpoint/checkpoint-folder.ts";
import { type CheckpointManifest, decodeManifest } from "../checkpoint/manifest-format.ts";
import { manifestName, unfinishedName } from "../checkpoint/names.ts";
import type { Slices } from "../checkpoint/slices.ts";
import { verifyCheckpoint } from "../checkpoint/verify-checkpoint.ts";
import type { BlockCodec } from "../codec/compression.ts";
import type { Crc32c } from "../codec/crc32c.ts";
import { damagedFile } from "../engine/warm/file-finding.ts";
import { syncFolder } from "../engine/warm/file-promises.ts";
import {
  BACKUP_MAGIC,
  type BackedFile,
  encodeAbout,
  encodeFile,
  filesBehind,
  KIND_ABOUT,
  KIND_DATA,
  KIND_FILE,
} from "./backup-format.ts";

export interface WriteBackupOptions {
  readonly folder: CheckpointFolder;
  readonly manifest: CheckpointManifest;
  /** Where the backup goes; its folder exists. */
  readonly path: string;
  readonly createdMs: number;
  readonly crc32c: Crc32c;
  /** Loads what the checkpoint's files are compressed with, to check them. */
  readonly loadCodec: () => Promise<BlockCodec>;
  /** Compresses what is packed; undefined packs it as it is. */
  readonly codec: BlockCodec | undefined;
  readonly slices: Slices;
}

export interface WrittenBackup {
  readonly path: string;
  /** Of the backup, and of what is in it. */
  readonly bytes: number;
  readonly packedBytes: number;
}

/** Throws FerriteError("conflict") if the file exists, "corruption" if the checkpoint is not whole, or the system's error. */
export async function writeBackup(options: WriteBackupOptions): Promise<WrittenBackup> {
  const { folder, manifest, path, createdMs, crc32c, codec, slices } = options;
  const { fs } = folder;
  refuseExisting(options);
  await checkSource(options);
  const header = {
    magic: BACKUP_MAGIC,
    checkpoint: manifest.id,
    databaseId: manifest.identity.databaseId,
  };
  const out = new BlockFileWriter({ fs, crc32c, slices, buffers: new WriteBuffers(), codec }, path, header);
  try {
    const files = [manifestFile(folder, manifest), ...filesBehind(manifest)];
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    await addText(out, KIND_ABOUT, encodeAbout({ createdMs, files: files.length, bytes }));
    for (const file of files) {
      await addText(out, KIND_FILE, encodeFile(file));
      await addBytes(options, out, file);
    }
    refuseExisting(options);
    const written = await out.finish({ first: files.length, second: bytes });
    await syncFolder(fs, path.slice(0, Math.max(1, path.lastIndexOf("/"))));
    return { path, bytes: written.bytes, packedBytes: bytes };
  } catch (error) {
    await out.close();
    removeQuietly(options);
    throw error;
  }
}

function refuseExisting({ folder, path }: WriteBackupOptions): void {
  if (folder.fs.statSync(path) === undefined) return;
  throw new FerriteError("conflict", `ERR ${path} exists and is left as it is; choose another name`);
}

async function checkSource(options: WriteBackupOptions): Promise<void> {
  const { folder, manifest, crc32c, loadCodec, slices } = options;
  const parts = { folder, crc32c, codec: loadCodec, breathe: slices.breathe };
  const path = folder.manifestPath(manifest.id);
  decodeManifest(folder.fs.readFileSync(path), path);
  const [first] = await verifyCheckpoint(parts, manifest);
  if (first !== undefined) throw damagedFile(first.file, first.what, first.offset);
}

function manifestFile(folder: CheckpointFolder, { id }: CheckpointManifest): BackedFile {
  const bytes = folder.fs.statSync(folder.manifestPath(id))?.sizeBytes ?? 0;
  return { name: manifestName(id), bytes };
}

async function addText(out: BlockFileWriter, kind: number, text: Uint8Array): Promise<void> {
  out.bytes.set(text, out.payloadAt);
  await out.addBlock(kind, 0, text.length);
}

async function addBytes(
  { folder, slices }: WriteBackupOptions,
  out: BlockFileWriter,
  { name, bytes }: BackedFile,
): Promise<void> {
  const file = folder.fs.openSync(`${folder.path}/${name}`, "read");
  try {
    const size = file.sizeSync();
    if (size !== bytes) throw damagedFile(file.path, `it has ${size} bytes, expected ${bytes}`);
    for (let at = 0; at < bytes; ) {
      const length = Math.min(out.room, bytes - at);
      const got = await file.read(at, out.bytes, out.payloadAt, length);
      if (got !== length) throw damagedFile(file.path, `it ends after ${at + got} bytes, expected ${bytes}`);
      slices.throwIfStopped();
      await out.addBlock(KIND_DATA, 0, length);
      at += length;
    }
  } finally {
    file.close();
  }
}

/** What cannot be removed now is removed by the next backup of that name; the error that led here matters more. */
function removeQuietly({ folder, path }: WriteBackupOptions): void {
  try {
    folder.unlinkIfPresent(unfinishedName(path));
  } catch {
    // See above.
  }
}

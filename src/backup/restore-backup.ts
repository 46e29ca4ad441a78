/**
 * Unpacks a backup file into an empty data directory.
 *
 * Invariants
 *  - nothing that exists is changed: a directory that holds data is refused;
 *  - the files are unpacked beside the place where they belong and read again, every checksum, before one rename makes all
 *    of them a checkpoint. Until then a server refuses to start there; a restore that was interrupted may be repeated;
 *  - the identity is written last: whoever finds the checkpoint without it takes the one that the manifest carries.
 */
import { fromLatin1 } from "../base/bytes.ts";
import { FerriteError } from "../base/errors.ts";
import type { BlockReadParts } from "../checkpoint/block-file-reader.ts";
import { CheckpointFolder } from "../checkpoint/checkpoint-folder.ts";
import type { StructureBuilder } from "../checkpoint/load-checkpoint.ts";
import type { CheckpointIdentity, CheckpointManifest } from "../checkpoint/manifest-format.ts";
import { RESTORING_FOLDER, SEGMENTS_FOLDER } from "../checkpoint/names.ts";
import { verifyCheckpoint } from "../checkpoint/verify-checkpoint.ts";
import { damagedFile } from "../engine/warm/file-finding.ts";
import { appendTo, syncFolder } from "../engine/warm/file-promises.ts";
import type { File, FileSystem } from "../ports/file-system.ts";
import { type BackupProgress, type BackupSink, type ReadBackup, readBackup } from "./read-backup.ts";

export interface RestoreOptions extends BlockReadParts {
  readonly path: string;
  /** Absolute. */
  readonly dataDir: string;
  /** The text of the file IDENTITY. */
  readonly identityText: (identity: CheckpointIdentity) => string;
  /** Decodes structures while what was unpacked is read again. */
  readonly newBuilder: () => StructureBuilder;
  readonly onProgress?: BackupProgress;
}

/** What makes a directory one that holds data. */
const DATA_NAMES = ["IDENTITY", "CURRENT", "aof", "checkpoints", "warm", "cold"];

/**
 * Throws FerriteError: "conflict" if the directory is in use or holds data, "corruption" if the backup is damaged; or the
 * system's error.
 */
export async function restoreBackup(options: RestoreOptions): Promise<ReadBackup> {
  const { fs, path, dataDir } = options;
  if (fs.statSync(path) === undefined) throw new FerriteError("usage", `there is no file ${path} to restore`);
  fs.makeDirectorySync(dataDir);
  const lock = fs.lockSync(`${dataDir}/LOCK`, "ferrite restore");
  if (lock === undefined)
    throw new FerriteError(
      "conflict",
      `the data directory ${dataDir} is in use; stop that server, or choose another with --data-dir`,
    );
  try {
    refuseData(fs, dataDir);
    return await unpack(options);
  } finally {
    lock.release();
  }
}

function refuseData(fs: FileSystem, dataDir: string): void {
  const found = fs.listSync(dataDir).filter((name) => DATA_NAMES.includes(name));
  if (found.length === 0) return;
  throw new FerriteError(
    "conflict",
    `${dataDir} holds data (${found.join(", ")}), and a backup is restored into an empty directory only; choose another with --data-dir, or move the data aside`,
  );
}

async function unpack(options: RestoreOptions): Promise<ReadBackup> {
  const { fs, path, dataDir, identityText, onProgress } = options;
  const staging = `${dataDir}/${RESTORING_FOLDER}`;
  removeUnpacked(fs, staging);
  fs.makeDirectorySync(`${staging}/${SEGMENTS_FOLDER}`);
  try {
    const sink = new Unpacker(fs, staging);
    const backup = await readBackup(options, path, sink, onProgress).finally(() => sink.close());
    await check(options, staging, backup.manifest);
    await syncFolder(fs, `${staging}/${SEGMENTS_FOLDER}`);
    await syncFolder(fs, staging);
    fs.renameSync(staging, `${dataDir}/checkpoints`);
    await syncFolder(fs, dataDir);
    await writeIdentity(fs, dataDir, identityText(backup.manifest.identity));
    fs.syncDirectorySync(dataDir.slice(0, Math.max(1, dataDir.lastIndexOf("/"))));
    return backup;
  } catch (error) {
    // After the rename there is nothing there any more.
    removeUnpacked(fs, staging);
    throw error;
  }
}

/** Reads what was unpacked as a start would: the backup's own checksums say only that it is what was packed. */
async function check(options: RestoreOptions, staging: string, manifest: CheckpointManifest): Promise<void> {
  const { fs, path, crc32c, codec, breathe, newBuilder } = options;
  const folder = new CheckpointFolder(fs, staging);
  const [first] = await verifyCheckpoint({ folder, crc32c, codec, breathe, newBuilder }, manifest);
  if (first !== undefined)
    throw damagedFile(path, `${first.file.slice(staging.length + 1)} in it is damaged: ${first.what}`);
}

async function writeIdentity(fs: FileSystem, dataDir: string, text: string): Promise<void> {
  const path = `${dataDir}/IDENTITY`;
  new CheckpointFolder(fs, dataDir).unlinkIfPresent(`${path}.new`);
  const file = fs.openSync(`${path}.new`, "create");
  try {
    const bytes = fromLatin1(text);
    await appendTo(file, bytes, 0, bytes.length, true);
  } finally {
    file.close();
  }
  fs.renameSync(`${path}.new`, path);
  await syncFolder(fs, dataDir);
}

/** The folders stay: what is empty holds no data. */
function removeUnpacked(fs: FileSystem, staging: string): void {
  const folder = new CheckpointFolder(fs, staging);
  const { manifests, indexes, values, segments } = folder.list();
  for (const id of manifests) folder.unlinkIfPresent(folder.manifestPath(id));
  for (const id of indexes) folder.unlinkIfPresent(folder.indexPath(id));
  for (const id of values) folder.unlinkIfPresent(folder.valuesPath(id));
  for (const birth of segments) folder.unlinkIfPresent(folder.segmentPath(birth));
}

/** Writes the files of a backup, whose names the reader has compared with the manifest. */
class Unpacker implements BackupSink {
  readonly #fs: FileSystem;
  readonly #staging: string;
  #file: File | undefined;

  constructor(fs: FileSystem, staging: string) {
    this.#fs = fs;
    this.#staging = staging;
  }

  begin({ name }: { readonly name: string }): void {
    this.#file = this.#fs.openSync(`${this.#staging}/${name}`, "create");
  }

  add(bytes: Uint8Array, offset: number, length: number): Promise<void> {
    return appendTo(this.#file!, bytes, offset, length, false);
  }

  async end(): Promise<void> {
    const file = this.#file!;
    await new Promise<void>((resolve, reject) => {
      file.sync((error) => (error === undefined ? resolve() : reject(error)));
    });
    this.close();
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/**
 * Ownership and identity of a data directory.
 *
 * Invariants: one process owns a directory (LOCK, held by the kernel where the platform can); IDENTITY is
 * written once, whole or not at all, and checked before anything else in the directory is read; a directory
 * of a newer format, or one whose IDENTITY is damaged, is never touched.
 */
import { crc32 } from "node:zlib";
import { latin1 } from "../base/bytes.ts";
import { FerriteError, messageOf, systemCode } from "../base/errors.ts";
import { CheckpointFolder } from "../checkpoint/checkpoint-folder.ts";
import { decodeManifest } from "../checkpoint/manifest-format.ts";
import { RESTORING_FOLDER, SEGMENTS_FOLDER } from "../checkpoint/names.ts";
import type { FileLock, FileSystem } from "../ports/file-system.ts";
import type { Random } from "../ports/random.ts";

/** The newest layout of a data directory that this version reads and the one that it writes. */
export const DIRECTORY_FORMAT = 1;

export interface Identity {
  /** 32 hex digits; names the database in buckets and backups. */
  readonly databaseId: string;
  /** Seeds the hash that orders the index and every sorted file: two unsigned 32-bit words. */
  readonly hashSeed: readonly [number, number];
  readonly format: number;
}

export interface DataDirectory {
  readonly path: string;
  readonly aofPath: string;
  readonly checkpointsPath: string;
  readonly identity: Identity;
  readonly isNew: boolean;
  release(): void;
}

export function openDataDirectory(
  fileSystem: FileSystem,
  path: string,
  random: Random,
  note: string,
): DataDirectory {
  try {
    fileSystem.makeDirectorySync(path);
  } catch (error) {
    throw new FerriteError(
      "unavailable",
      `cannot create the data directory ${path}: ${messageOf(error)}; create it or choose another with --data-dir`,
      { cause: error },
    );
  }
  secureAncestors(fileSystem, path);
  const lock = takeLock(fileSystem, path, note);
  try {
    const { identity, isNew } = readOrCreateIdentity(fileSystem, path, random);
    const folders = { aofPath: `${path}/aof`, checkpointsPath: `${path}/checkpoints` };
    return { path, ...folders, identity, isNew, release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Codes of folders that exist and are not this user's to open. */
const NOT_OURS: ReadonlySet<string | undefined> = new Set(["EACCES", "EPERM", "EROFS", "EINVAL"]);

/**
 * Makes the names that lead to the directory durable: it may have been created just now, or by a start that was
 * killed, and everything in it would go with its name.
 */
function secureAncestors(fileSystem: FileSystem, path: string): void {
  for (let end = path.lastIndexOf("/"); end >= 0; end = path.lastIndexOf("/", end - 1)) {
    try {
      fileSystem.syncDirectorySync(end === 0 ? "/" : path.slice(0, end));
    } catch (error) {
      if (!NOT_OURS.has(systemCode(error))) throw error;
    }
    if (end === 0) return;
  }
}

function takeLock(fileSystem: FileSystem, path: string, note: string): FileLock {
  const lockPath = `${path}/LOCK`;
  let lock: FileLock | undefined;
  try {
    lock = fileSystem.lockSync(lockPath, note);
  } catch (error) {
    const code = systemCode(error);
    const advice =
      code === "EACCES" || code === "EROFS" || code === "EPERM"
        ? "the directory is not writable for this user; change its owner or mode, or choose another with --data-dir"
        : "check the file system";
    throw new FerriteError("unavailable", `cannot lock ${lockPath}: ${messageOf(error)}; ${advice}`, {
      cause: error,
    });
  }
  if (lock === undefined) {
    throw new FerriteError(
      "conflict",
      `the data directory ${path} is in use by ${lockOwner(fileSystem, lockPath)}; stop that server or choose another with --data-dir`,
    );
  }
  return lock;
}

function lockOwner(fileSystem: FileSystem, lockPath: string): string {
  try {
    // The file system writes lines of its own first; the last one is the note that a server left.
    const note = latin1(fileSystem.readFileSync(lockPath)).trim().split("\n").at(-1)!;
    return note === "" ? "another process" : `another process (${note})`;
  } catch {
    return "another process";
  }
}

function readOrCreateIdentity(
  fileSystem: FileSystem,
  path: string,
  random: Random,
): { identity: Identity; isNew: boolean } {
  const file = `${path}/IDENTITY`;
  if (fileSystem.statSync(file) !== undefined) {
    // Its creator may have been killed before the name was durable, and what is built on it must not outlive it.
    fileSystem.syncDirectorySync(path);
    return { identity: parseIdentity(latin1(fileSystem.readFileSync(file)), file), isNew: false };
  }
  const carried = carriedIdentity(fileSystem, path, file);
  const identity = carried ?? createIdentity(random);
  const temporary = `${file}.new`;
  if (fileSystem.statSync(temporary) !== undefined) fileSystem.unlinkSync(temporary);
  const handle = fileSystem.openSync(temporary, "create");
  try {
    const bytes = Buffer.from(formatIdentity(identity), "latin1");
    handle.appendSync(bytes, 0, bytes.length);
    handle.syncSync();
  } finally {
    handle.close();
  }
  fileSystem.renameSync(temporary, file);
  fileSystem.syncDirectorySync(path);
  return { identity, isNew: carried === undefined };
}

/**
 * The identity that the newest readable checkpoint carries: a copy of `checkpoints` and `aof` alone has no file of its own.
 * Undefined if the directory is empty.
 */
function carriedIdentity(fileSystem: FileSystem, path: string, file: string): Identity | undefined {
  const folder = new CheckpointFolder(fileSystem, `${path}/checkpoints`);
  for (const id of folder.list().manifests.toReversed()) {
    const manifestPath = folder.manifestPath(id);
    try {
      const { identity } = decodeManifest(fileSystem.readFileSync(manifestPath), manifestPath);
      return { ...identity, format: DIRECTORY_FORMAT };
    } catch {
      // Choosing a checkpoint tells what is wrong with it; an older one is of the same data set.
    }
  }
  const foreign = fileSystem.listSync(path).find((name) => isData(fileSystem, path, name));
  if (foreign === undefined) return undefined;
  if (foreign === RESTORING_FOLDER) {
    throw new FerriteError(
      "corruption",
      `${path} holds ${foreign}: a restore did not come to its end; repeat \`ferrite restore\`, or remove that folder to start empty`,
    );
  }
  throw new FerriteError(
    "corruption",
    `${file} is missing although ${path}/${foreign} exists; restore the file from a copy of the directory, or move the data aside to start empty`,
  );
}

/** Folders of which nothing was written yet may be left by a first start that was killed. */
function isData(fileSystem: FileSystem, path: string, name: string): boolean {
  if (name === "aof" || name === "warm") return true;
  // A restore that did not come to its end.
  if (name === RESTORING_FOLDER)
    return fileSystem.listSync(`${path}/${name}`).some((each) => each !== SEGMENTS_FOLDER);
  return name === "checkpoints" && fileSystem.listSync(`${path}/${name}`).some((each) => each !== "segments");
}

function createIdentity(random: Random): Identity {
  const id = new Uint8Array(16);
  random.fill(id);
  return {
    databaseId: Buffer.from(id).toString("hex"),
    hashSeed: [random.uint32(), random.uint32()],
    format: DIRECTORY_FORMAT,
  };
}

/** `ferrite-data <format>`, `id <hex>`, `hash-seed <hex> <hex>`, `crc32 <hex of all lines before>`. */
export function formatIdentity(identity: Identity): string {
  const seed = identity.hashSeed.map((word) => word.toString(16).padStart(8, "0")).join(" ");
  const body = `ferrite-data ${identity.format}\nid ${identity.databaseId}\nhash-seed ${seed}\n`;
  return `${body}crc32 ${crc32(body).toString(16).padStart(8, "0")}\n`;
}

export function parseIdentity(text: string, file: string): Identity {
  const version = /^ferrite-data (\d{1,9})\n/.exec(text);
  if (version !== null && Number(version[1]) > DIRECTORY_FORMAT) {
    throw new FerriteError(
      "usage",
      `${file} has format ${version[1]}, newer than ${DIRECTORY_FORMAT}, the newest that this version reads; use the version that wrote it`,
    );
  }
  const match =
    /^(ferrite-data (\d{1,9})\nid ([0-9a-f]{32})\nhash-seed ([0-9a-f]{8}) ([0-9a-f]{8})\n)crc32 ([0-9a-f]{8})\n$/.exec(
      text,
    );
  if (match === null || crc32(match[1]!) !== Number.parseInt(match[6]!, 16)) {
    throw new FerriteError(
      "corruption",
      `${file} is damaged (${text.length} bytes, checksum or form does not match); restore it from a copy of the directory`,
    );
  }
  return {
    format: Number(match[2]),
    databaseId: match[3]!,
    hashSeed: [Number.parseInt(match[4]!, 16), Number.parseInt(match[5]!, 16)],
  };
}

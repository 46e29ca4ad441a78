/**
 * Opens the log for writing after it was read.
 *
 * Invariants: the first effect written gets the LSN after the last known one; nothing is acknowledged on top of
 * effects that are not durable themselves.
 *
 * A log that was closed properly goes on in its last part. After a crash, what follows the last sync that the part
 * states is moved to a new part first, as after a failed sync: the process may have died of just that, and then
 * neither the page cache nor a further sync of the same file can be trusted (healing.ts does the moving). Where that
 * cannot be done now (a full disk) the log opens as one that has failed: it is read from, and heals by itself.
 */
import { FerriteError } from "../base/errors.ts";
import type { File, FileSystem } from "../ports/file-system.ts";
import { AppendOnlyLog } from "./append-only-log.ts";
import { FRAME_OK, FrameReader } from "./frame-reader.ts";
import { Healing } from "./healing.ts";
import { type AppendOnlyLogOptions, PART_BYTES_MAX_DEFAULT } from "./log-face.ts";
import { LogFolder } from "./log-folder.ts";
import { LogPart } from "./log-part.ts";
import { listPending, unlinkIfPresent } from "./manifest-file.ts";
import { type Manifest, namesOf, type PartEntry } from "./manifest-format.ts";
import { checkStem, DEFAULT_STEM } from "./part-names.ts";
import { PendingFrames } from "./pending-frames.ts";
import { type LogSummary, unpublishedFiles } from "./read-log.ts";

export interface OpenLogOptions extends AppendOnlyLogOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly stem?: string;
  /** What `readLog` answered for the same folder; its torn tail, if any, has been cut since. */
  readonly summary: LogSummary;
}

/**
 * Throws the system's error, or FerriteError("conflict") if the folder changed since it was read. The caller holds
 * the lock of the data directory.
 */
export async function openLog(options: OpenLogOptions): Promise<AppendOnlyLog> {
  const { fs, folder: path, summary } = options;
  const stem = options.stem ?? DEFAULT_STEM;
  checkStem(stem);
  const { manifest } = summary;
  secureNames(fs, path);
  removeLeftOvers(fs, path, stem, manifest);
  const folder = new LogFolder({ fs, path, stem, manifest, marks: options.marks ?? true });
  for (const part of folder.sealed) cutToSeal(folder, part);
  const last = manifest?.parts.at(-1);
  if (last === undefined || last.sealed) {
    return new AppendOnlyLog(folder, startPart(folder, undefined, summary), options);
  }
  const { part, failure } = await resume(folder, last, options);
  return new AppendOnlyLog(folder, part, options, failure);
}

/**
 * Removes what the log does not need any more, or never did: files that left it (log-folder.ts), a base that was not
 * finished or not published, a log that was not published. Best effort: what stays costs space, nothing else.
 */
export function removeLeftOvers(
  fs: FileSystem,
  path: string,
  stem: string,
  manifest: Manifest | undefined,
): void {
  const left = manifest?.left === undefined ? [] : namesOf(manifest.left);
  const names = [...left, ...unpublishedFiles(fs, path, stem, manifest)];
  const markers = listPending(fs, path, stem);
  try {
    for (const name of names) unlinkIfPresent(fs, `${path}/${name}`);
    // Without its marker a part of an unpublished log would look like one of a log that has lost its manifest.
    if (markers.length > 0) fs.syncDirectorySync(path);
    for (const { name } of markers) unlinkIfPresent(fs, `${path}/${name}`);
  } catch {
    // The next start tries again.
  }
}

/** The part to go on with; with `failure`, one whose unsynced effects have yet to be moved. */
interface Resumed {
  readonly part: LogPart;
  readonly failure?: unknown;
}

/**
 * Makes the folder and the names in it durable: a process that was killed between a rename and the sync of the
 * folder leaves a manifest that everybody sees and that a power cut could still take back.
 */
export function secureNames(fs: FileSystem, path: string): void {
  fs.makeDirectorySync(path);
  fs.syncDirectorySync(path);
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent !== "") fs.syncDirectorySync(parent);
}

function startPart(folder: LogFolder, before: LogPart | undefined, summary: LogSummary): LogPart {
  const part = folder.create(summary.lastLsn + 1);
  folder.publish(before, part);
  before?.close();
  return part;
}

async function resume(folder: LogFolder, entry: PartEntry, options: OpenLogOptions): Promise<Resumed> {
  const { summary } = options;
  const file = folder.fs.openSync(`${folder.path}/${entry.name}`, "append");
  const size = file.sizeSync();
  if (size !== summary.lastPartBytes + summary.spaceBytes) {
    file.close();
    throw new FerriteError(
      "conflict",
      `${file.path} has ${size} bytes, expected the ${summary.lastPartBytes + summary.spaceBytes} that were read: its torn tail was not cut, or something else writes to it`,
    );
  }
  if (summary.spaceBytes > 0) file.truncateSync(summary.lastPartBytes);
  if (Math.max(summary.statedLsn, entry.firstLsn - 1) < summary.logLastLsn) {
    return await moveUnsynced(folder, file, entry, options);
  }
  file.syncSync();
  const part = new LogPart(folder.fs, file, entry, summary.lastPartBytes, summary.logLastLsn);
  part.statedLsn = summary.statedLsn;
  // A checkpoint may know more than the log: what the log lacks must not look like a gap within a part.
  // A copy's manifest speaks of more than the copy has: it needs one of its own.
  const goesOn =
    !summary.copied &&
    summary.lastLsn === summary.logLastLsn &&
    part.sizeBytes < (options.partBytesMax ?? PART_BYTES_MAX_DEFAULT);
  return { part: goesOn ? part : startPart(folder, part, summary) };
}

async function moveUnsynced(
  folder: LogFolder,
  file: File,
  entry: PartEntry,
  options: OpenLogOptions,
): Promise<Resumed> {
  const { summary } = options;
  const durableLsn = Math.max(summary.statedLsn, entry.firstLsn - 1);
  const part = new LogPart(
    folder.fs,
    file,
    entry,
    offsetAfter(folder.fs, file.path, summary.lastPartBytes, durableLsn),
    durableLsn,
  );
  part.wrote(summary.lastPartBytes - part.sizeBytes, summary.logLastLsn);
  const healing = new Healing(folder, new PendingFrames(summary.lastLsn + 1), part);
  if (summary.lastLsn > summary.logLastLsn) healing.adoptCheckpoint(summary.lastLsn);
  return await new Promise((resolve, reject) => {
    healing.attempt((error, healed) => {
      if (healed !== undefined) resolve({ part: healed });
      // With a manifest that may name the copy, or a checkpoint that knows more than the log, only a new start is safe.
      else if (healing.offered || summary.lastLsn > summary.logLastLsn) reject(error);
      else resolve({ part, failure: error });
    });
  });
}

/** The offset of the end of the frame that ends with `lsn`; 0 if the part begins after it. */
function offsetAfter(fs: FileSystem, path: string, limit: number, lsn: number): number {
  const file = fs.openSync(path, "read");
  try {
    const reader = new FrameReader(file, 0, limit);
    while (reader.next() === FRAME_OK) if (reader.header.firstLsn > lsn) return reader.position;
    return reader.position;
  } finally {
    file.close();
  }
}

/** Completes, for Redis, the cut of a part that failed; see Healing. Best effort. */
function cutToSeal(folder: LogFolder, part: PartEntry): void {
  const path = `${folder.path}/${part.name}`;
  const size = folder.fs.statSync(path)?.sizeBytes ?? 0;
  if (part.sealed === undefined || size <= part.sealed.validBytes) return;
  const file = folder.fs.openSync(path, "append");
  try {
    file.truncateSync(part.sealed.validBytes);
  } catch {
    // Ferrite reads no further than the seal anyway.
  } finally {
    file.close();
  }
}

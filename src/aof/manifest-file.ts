/**
 * The manifest on disk: read whole, replaced whole.
 *
 * Invariant: a crash during `publishManifest` leaves the old or the new manifest under the name, never a mixture.
 * After it threw, either may be there: the caller must keep every file that either of them names.
 */
import { systemCode } from "../base/errors.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Manifest } from "./manifest-format.ts";
import { decodeManifest, encodeManifest } from "./manifest-format.ts";
import {
  baseSeq,
  manifestName,
  markGeneration,
  partSeq,
  pendingSeq,
  temporaryManifestName,
} from "./part-names.ts";

/** undefined if there is none. Throws FerriteError if there is one that cannot be used, or the system's error. */
export function readManifest(fs: FileSystem, folder: string, stem: string): Manifest | undefined {
  const path = `${folder}/${manifestName(stem)}`;
  if (fs.statSync(path) === undefined) return undefined;
  return decodeManifest(fs.readFileSync(path), path);
}

/** Makes `manifest` the durable one: temporary file, sync, rename, sync of the folder. Throws the system's error. */
export function publishManifest(fs: FileSystem, folder: string, stem: string, manifest: Manifest): void {
  const temporary = `${folder}/${temporaryManifestName(stem)}`;
  unlinkIfPresent(fs, temporary);
  const bytes = encodeManifest(manifest);
  const file = fs.openSync(temporary, "create");
  try {
    file.appendSync(bytes, 0, bytes.length);
    file.syncSync();
  } finally {
    file.close();
  }
  fs.renameSync(temporary, `${folder}/${manifestName(stem)}`);
  fs.syncDirectorySync(folder);
}

/** The parts of this stem that lie in the folder, named or not by a manifest, in order of sequence number. */
export function listParts(fs: FileSystem, folder: string, stem: string): { name: string; seq: number }[] {
  return listNumbered(fs, folder, (name) => partSeq(stem, name));
}

/** The bases that lie in the folder, unfinished ones too, in order of their numbers. */
export function listBases(fs: FileSystem, folder: string, stem: string): { name: string; seq: number }[] {
  return listNumbered(fs, folder, (name) => baseSeq(stem, name));
}

/** The names of the marks in the folder, the oldest first. */
export function listMarks(fs: FileSystem, folder: string, stem: string): string[] {
  return listNumbered(fs, folder, (name) => markGeneration(stem, name)).map(({ name }) => name);
}

/** The markers of logs that were begun and may not have been published, and the number of their first part. */
export function listPending(fs: FileSystem, folder: string, stem: string): { name: string; seq: number }[] {
  return listNumbered(fs, folder, (name) => pendingSeq(stem, name));
}

function listNumbered(
  fs: FileSystem,
  folder: string,
  numberOf: (name: string) => number | undefined,
): { name: string; seq: number }[] {
  const found: { name: string; seq: number }[] = [];
  if (fs.statSync(folder) === undefined) return found;
  for (const name of fs.listSync(folder)) {
    const seq = numberOf(name);
    if (seq !== undefined) found.push({ name, seq });
  }
  return found.sort((a, b) => a.seq - b.seq);
}

export function unlinkIfPresent(fs: FileSystem, path: string): void {
  try {
    fs.unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}

/**
 * Publishes a manifest: from here on the checkpoint is the one that a start finds.
 *
 * Invariants: everything that it names is durable already; it is whole and durable before it has its name. After an
 * error from the renaming on, a start may or may not find it.
 */
import { crc32 } from "node:zlib";
import { fromLatin1 } from "../base/bytes.ts";
import { appendTo, syncFolder } from "../engine/warm/file-promises.ts";
import type { CheckpointFolder } from "./checkpoint-folder.ts";
import { type CheckpointManifest, manifestEnd, manifestLines } from "./manifest-format.ts";
import { unfinishedName } from "./names.ts";
import type { Slices } from "./slices.ts";

const LINES_PER_BREATH = 256;

/** `onRename` is called just before it may be found. Throws the system's error. */
export async function publishManifest(
  folder: CheckpointFolder,
  manifest: CheckpointManifest,
  slices: Slices,
  onRename: () => void,
): Promise<void> {
  const { fs } = folder;
  const path = folder.manifestPath(manifest.id);
  const unfinished = unfinishedName(path);
  const bytes = await encodeInSlices(manifest, slices);
  folder.unlinkIfPresent(unfinished);
  const file = fs.openSync(unfinished, "create");
  try {
    await appendTo(file, bytes, 0, bytes.length, true);
  } finally {
    file.close();
  }
  slices.throwIfStopped();
  onRename();
  fs.renameSync(unfinished, path);
  await syncFolder(fs, folder.path);
}

/** As `encodeManifest`, but a manifest of 65,535 segments takes many slices. */
async function encodeInSlices(manifest: CheckpointManifest, slices: Slices): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let lines: string[] = [];
  let checksum = 0;
  const take = (): void => {
    const part = fromLatin1(lines.join(""));
    checksum = crc32(part, checksum);
    parts.push(part);
    lines = [];
  };
  for (const line of manifestLines(manifest)) {
    lines.push(line);
    if (lines.length < LINES_PER_BREATH) continue;
    take();
    await slices.breathe();
  }
  take();
  parts.push(fromLatin1(manifestEnd(checksum)));
  return Buffer.concat(parts);
}

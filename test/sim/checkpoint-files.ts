/** What the files in the folder of checkpoints are there for, as manifests and the engine tell it. */

import type { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { CheckpointFolder } from "../../src/checkpoint/checkpoint-folder.ts";
import { type CheckpointManifest, decodeManifest } from "../../src/checkpoint/manifest-format.ts";
import { indexName, valuesName } from "../../src/checkpoint/names.ts";
import { reachedBy, segmentPathName } from "../../src/checkpoint/retention.ts";
import { verifyCheckpoints } from "../../src/checkpoint/verify-checkpoint.ts";
import { crc32cPortable } from "../../src/codec/crc32c.ts";
import { runLengthCodec } from "../support/run-length-codec.ts";
import { CHECKPOINTS_FOLDER } from "../support/sim-server.ts";

export interface ManifestOnDisk {
  readonly id: number;
  readonly path: string;
  /** Absent if it cannot be read. */
  readonly manifest: CheckpointManifest | undefined;
}

/** Oldest first. */
export function manifestsOn(disk: MemoryFileSystem): ManifestOnDisk[] {
  const folder = new CheckpointFolder(disk, CHECKPOINTS_FOLDER);
  return folder.list().manifests.map((id) => {
    const path = folder.manifestPath(id);
    try {
      return { id, path, manifest: decodeManifest(disk.readFileSync(path), path) };
    } catch {
      return { id, path, manifest: undefined };
    }
  });
}

/** Names below the folder that neither a manifest nor a live segment reaches; none while a manifest cannot be read. */
export function strayCheckpointFiles(disk: MemoryFileSystem, liveBirths: Iterable<number>): Set<string> {
  const reached = reachedBy(manifestsOn(disk));
  const stray = new Set<string>();
  if (reached === undefined) return stray;
  for (const birth of liveBirths) reached.add(segmentPathName(birth));
  const { indexes, values, segments } = new CheckpointFolder(disk, CHECKPOINTS_FOLDER).list();
  const names = [...indexes.map(indexName), ...values.map(valuesName), ...segments.map(segmentPathName)];
  for (const name of names) if (!reached.has(name)) stray.add(name);
  return stray;
}

/** Every file of every checkpoint, read and compared with its checksums; answers what is wrong. */
export async function checkpointFindings(disk: MemoryFileSystem): Promise<string[]> {
  const folder = new CheckpointFolder(disk, CHECKPOINTS_FOLDER);
  const { findings } = await verifyCheckpoints({
    folder,
    crc32c: crc32cPortable,
    codec: async () => runLengthCodec,
    breathe: () => undefined,
  });
  return findings.map(({ file, what }) => `${file}: ${what}`);
}

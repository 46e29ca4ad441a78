/**
 * Fills an empty engine from a checkpoint.
 *
 * Invariants
 *  - every byte is checked before it is decoded, and every file against the manifest; one that is not what the manifest
 *    says ends the load with an error that names it. The engine is then of no use;
 *  - nothing on disk is changed;
 *  - segments first, by birth, then rows, then structures: each refers only to what is there.
 *
 * Several segments are read at once, on threads, while the one before is summed: that is most of a data set, and the
 * loop only sums.
 */
import type { BlockCodec } from "../codec/compression.ts";
import type { Crc32c } from "../codec/crc32c.ts";
import type { EngineLoader, StructureEntry } from "../engine/capture/capture-face.ts";
import type { Breathe } from "../engine/warm/file-promises.ts";
import { readSegmentFile } from "../engine/warm/segment-file-reader.ts";
import type { UnpackedValue } from "../value/unpacked.ts";
import { type CheckpointFolder, nextFreeBirth } from "./checkpoint-folder.ts";
import { readIndexFile } from "./index-reader.ts";
import { type CheckpointManifest, type SegmentFileEntry, totalBytes } from "./manifest-format.ts";
import type { PieceSink } from "./values-file.ts";
import { readValuesFile, type StructuresReceiver } from "./values-reader.ts";

/** With 8 MiB each, read into memory that is needed anyway. */
const SEGMENTS_IN_FLIGHT = 4;

export interface LoadParts {
  readonly folder: CheckpointFolder;
  readonly crc32c: Crc32c;
  /** Loads the codec if the checkpoint is compressed. */
  readonly codec: () => Promise<BlockCodec>;
  readonly breathe: Breathe;
}

/** Builds a structure from its pieces; see ValueBuilder. */
export interface StructureBuilder extends PieceSink {
  finish(): UnpackedValue;
}

export interface LoadOptions extends LoadParts {
  readonly manifest: CheckpointManifest;
  readonly loader: EngineLoader;
  readonly newBuilder: () => StructureBuilder;
  /** Memory for a segment: exactly so many bytes. */
  readonly allocate: (bytes: number) => ArrayBuffer;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

/** Builds a structure from its pieces, each checked before it is decoded (src/value/format). */
export interface StructureBuilder extends PieceSink {
  /** The structure, which is the caller's from now on. */
  finish(): UnpackedValue;
  /** Frees what was built so far; also after `addPiece` or `finish` has thrown. */
  abandon(): void;
}

/** Throws FerriteError("corruption") that names the file, or the system's error. */
export async function loadCheckpoint(options: LoadOptions): Promise<void> {
  const { folder, manifest, loader, onProgress } = options;
  const total = totalBytes(manifest);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    onProgress?.(done, total);
  };
  await loadSegments(options, onBytes);
  const parts = { fs: folder.fs, crc32c: options.crc32c, codec: options.codec, breathe: options.breathe };
  const entries = await readIndexFile(parts, folder.indexPath(manifest.id), manifest, loader, onBytes);
  const receiver = builtStructures(options);
  for (const file of manifest.values) {
    const { databaseId } = manifest.identity;
    await readValuesFile(
      parts,
      folder.valuesPath(file.id),
      databaseId,
      file,
      entriesIn(entries, file.id),
      receiver,
      onBytes,
    );
  }
  // A segment that is born later must not get the name of a file that is there, whoever wrote it.
  const nextBirth = Math.max(manifest.nextBirth, nextFreeBirth(folder.list()));
  loader.finish({ keyspaces: Int32Array.from(manifest.keyspaces), keys: manifest.keys, nextBirth });
  onProgress?.(total, total);
}

/** Those that lie in one values file, in the order in which they are met. */
export function entriesIn(entries: readonly StructureEntry[], file: number): StructureEntry[] {
  return entries.filter((entry) => entry.file === file).sort((a, b) => a.offset - b.offset);
}

type Read = { readonly bytes: ArrayBuffer } | { readonly error: unknown };

async function loadSegments(options: LoadOptions, onBytes: (bytes: number) => void): Promise<void> {
  const { manifest, loader } = options;
  const { segments } = manifest;
  const reading: Promise<Read>[] = [];
  let begun = 0;
  try {
    for (const { id, birth, usedUnits, deadUnits, bytes } of segments) {
      for (; begun < segments.length && reading.length < SEGMENTS_IN_FLIGHT; begun++)
        reading.push(readSettled(options, segments[begun]!));
      const read = await reading.shift()!;
      if ("error" in read) throw read.error;
      loader.addSegment({ id, birth, usedUnits, deadUnits, bytes: read.bytes });
      onBytes(bytes);
      await options.breathe();
    }
  } finally {
    // After an error: their files are closed when they have ended.
    await Promise.all(reading);
  }
}

async function readSettled(options: LoadOptions, segment: SegmentFileEntry): Promise<Read> {
  const { folder, crc32c, breathe, manifest, allocate } = options;
  const expected = { ...segment, databaseId: manifest.identity.databaseId };
  const parts = { fs: folder.fs, crc32c, breathe };
  try {
    return { bytes: await readSegmentFile(parts, folder.segmentPath(segment.birth), expected, allocate) };
  } catch (error) {
    return { error };
  }
}

function builtStructures({ loader, newBuilder }: LoadOptions): StructuresReceiver {
  let builder: StructureBuilder | undefined;
  return {
    begin() {
      builder = newBuilder();
      return builder;
    },
    end(entry) {
      const value = builder!.finish();
      builder = undefined;
      loader.addStructure(entry, value);
    },
    abandon() {
      builder?.abandon();
    },
  };
}

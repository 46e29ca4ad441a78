/**
 * Writes the file of a sealed segment, straight from the segment's memory.
 *
 * Invariants
 *  - the file is durable before it has its name; its name is durable once the caller has synced the folder;
 *  - when it has ended, well or not, no thread reads the segment's memory any more;
 *  - after a failure no unfinished file is left, as far as the file system lets it be removed.
 *
 * The bytes are summed on the loop while a thread writes them, so the sums cost no time of their own; between a
 * MiB and the next the caller's `breathe` decides whether others run first.
 */
import type { Crc32c } from "../../codec/crc32c.ts";
import type { FileSystem } from "../../ports/file-system.ts";
import { appendTo, type Breathe } from "./file-promises.ts";
import {
  encodeSegmentTrailer,
  SEGMENT_BLOCK_BYTES,
  type SegmentFooter,
  segmentBlocks,
  segmentChecksum,
} from "./segment-file-format.ts";

/** Blocks summed between two calls of `breathe`: a MiB, 35 µs with the processor's instruction. */
export const BLOCKS_PER_BREATH = 16;

export interface SegmentFileParts {
  readonly fs: FileSystem;
  readonly crc32c: Crc32c;
  readonly breathe: Breathe;
}

export interface SegmentFilePaths {
  readonly path: string;
  /** Where it is until it is whole; what lies there is removed first. */
  readonly unfinishedPath: string;
}

export interface WrittenSegment {
  readonly bytes: number;
  readonly checksum: number;
}

/** `bytes` are the segment's used units and do not change meanwhile. Throws the system's error. */
export async function writeSegmentFile(
  parts: SegmentFileParts,
  paths: SegmentFilePaths,
  bytes: Uint8Array,
  footer: SegmentFooter,
): Promise<WrittenSegment> {
  const { fs } = parts;
  if (fs.statSync(paths.unfinishedPath) !== undefined) fs.unlinkSync(paths.unfinishedPath);
  const file = fs.openSync(paths.unfinishedPath, "create");
  // Settles to the error, so that it may fail while the sums are not finished.
  const appended = appendTo(file, bytes, 0, bytes.length, false).catch((error: unknown) => ({ error }));
  try {
    const checksums = await blockChecksums(parts, bytes, footer.usedUnits);
    const failed = await appended;
    if (failed) throw failed.error;
    const trailer = encodeSegmentTrailer(footer, checksums);
    await appendTo(file, trailer, 0, trailer.length, true);
    file.close();
    fs.renameSync(paths.unfinishedPath, paths.path);
    return { bytes: bytes.length + trailer.length, checksum: segmentChecksum(trailer) };
  } catch (error) {
    // Until then a thread reads the segment's memory, which is the engine's again when this has failed.
    await appended;
    file.close();
    removeQuietly(fs, paths.unfinishedPath);
    throw error;
  }
}

async function blockChecksums(
  parts: SegmentFileParts,
  bytes: Uint8Array,
  usedUnits: number,
): Promise<Uint32Array> {
  const checksums = new Uint32Array(segmentBlocks(usedUnits));
  for (let i = 0; i < checksums.length; i++) {
    const start = i * SEGMENT_BLOCK_BYTES;
    checksums[i] = parts.crc32c(bytes, start, Math.min(SEGMENT_BLOCK_BYTES, bytes.length - start), 0);
    if ((i + 1) % BLOCKS_PER_BREATH === 0) await parts.breathe();
  }
  return checksums;
}

/** What cannot be removed now is removed by the next start; the error that led here matters more. */
function removeQuietly(fs: FileSystem, path: string): void {
  try {
    fs.unlinkSync(path);
  } catch {
    // See above.
  }
}

/**
 * Reads the file of a segment back into memory.
 *
 * Invariants
 *  - memory is asked for only when the file's size and its footer are what was expected: a forged length allocates nothing;
 *  - every block is checked before the bytes are handed over.
 *
 * The bytes are read on a thread into the very memory that the engine will own.
 */
import type { Crc32c } from "../../codec/crc32c.ts";
import type { File, FileSystem } from "../../ports/file-system.ts";
import { damagedFile } from "./file-finding.ts";
import type { Breathe } from "./file-promises.ts";
import {
  decodeSegmentFooter,
  decodeSegmentTrailer,
  SEGMENT_BLOCK_BYTES,
  SEGMENT_FOOTER_BYTES,
  type SegmentFooter,
  segmentChecksum,
  segmentFileBytes,
  segmentTrailerBytes,
} from "./segment-file-format.ts";
import { BLOCKS_PER_BREATH } from "./segment-file-writer.ts";

/** Read by one call; more than this only for a record of this size. */
const READ_BYTES_MAX = 8 * 1024 * 1024;

export interface SegmentReadParts {
  readonly fs: FileSystem;
  readonly crc32c: Crc32c;
  readonly breathe: Breathe;
}

export interface ExpectedSegment extends SegmentFooter {
  /** As the manifest has it. */
  readonly checksum: number;
}

/**
 * The segment's used units, in memory from `allocate`, which is asked for exactly that many bytes. Throws
 * FerriteError("corruption") that names the file, or the system's error.
 */
export async function readSegmentFile(
  parts: SegmentReadParts,
  path: string,
  expected: ExpectedSegment,
  allocate: (bytes: number) => ArrayBuffer,
): Promise<ArrayBuffer> {
  const file = parts.fs.openSync(path, "read");
  try {
    const checksums = await readTrailer(file, expected);
    const buffer = allocate(expected.usedUnits * 8);
    const bytes = new Uint8Array(buffer);
    for (let at = 0; at < bytes.length; at += READ_BYTES_MAX)
      await readWhole(file, at, bytes, at, Math.min(READ_BYTES_MAX, bytes.length - at));
    for (let i = 0; i < checksums.length; i++) {
      const start = i * SEGMENT_BLOCK_BYTES;
      const sum = parts.crc32c(bytes, start, Math.min(SEGMENT_BLOCK_BYTES, bytes.length - start), 0);
      if (sum !== checksums[i]) throw damagedFile(path, "the checksum of the block there is wrong", start);
      if ((i + 1) % BLOCKS_PER_BREATH === 0) await parts.breathe();
    }
    return buffer;
  } finally {
    file.close();
  }
}

/** What the footer of a segment file says, with the checksum by which a manifest knows it. */
export async function readSegmentFooter(fs: FileSystem, path: string): Promise<ExpectedSegment> {
  const file = fs.openSync(path, "read");
  try {
    const footer = new Uint8Array(SEGMENT_FOOTER_BYTES);
    const at = file.sizeSync() - SEGMENT_FOOTER_BYTES;
    if (at < 0) throw damagedFile(path, `it has ${at + SEGMENT_FOOTER_BYTES} bytes, too few for a footer`);
    await readWhole(file, at, footer, 0, SEGMENT_FOOTER_BYTES);
    const decoded = decodeSegmentFooter(footer);
    if (typeof decoded === "string") throw damagedFile(path, decoded, at);
    return { ...decoded, checksum: segmentChecksum(footer) };
  } finally {
    file.close();
  }
}

async function readTrailer(file: File, expected: ExpectedSegment): Promise<Uint32Array> {
  const { path } = file;
  const size = file.sizeSync();
  const expectedSize = segmentFileBytes(expected.usedUnits);
  if (size !== expectedSize) throw damagedFile(path, `it has ${size} bytes, expected ${expectedSize}`);
  const trailer = new Uint8Array(segmentTrailerBytes(expected.usedUnits));
  const at = size - trailer.length;
  await readWhole(file, at, trailer, 0, trailer.length);
  const decoded = decodeSegmentTrailer(trailer, expected);
  if (typeof decoded === "string") throw damagedFile(path, decoded, at);
  const checksum = segmentChecksum(trailer);
  if (checksum !== expected.checksum)
    throw damagedFile(
      path,
      `its checksum is ${checksum.toString(16)}, the manifest expects ${expected.checksum.toString(16)}`,
    );
  return decoded;
}

async function readWhole(
  file: File,
  position: number,
  into: Uint8Array,
  offset: number,
  length: number,
): Promise<void> {
  const got = await file.read(position, into, offset, length);
  if (got !== length)
    throw damagedFile(file.path, `it ends after ${position + got} bytes, expected ${position + length}`);
}

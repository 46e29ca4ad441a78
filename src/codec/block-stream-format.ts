/**
 * A file of blocks: a header that names it, blocks, and an end that sums them up.
 *
 * Invariants
 *  - the checksum of the end block covers, through the sum in it, the checksum of every block: whoever knows it knows
 *    the whole file, so it is what a manifest keeps;
 *  - a file without its end is not whole, whatever else is right about it.
 *
 * The layout is described in docs/formats/checkpoint.md. Little-endian; pure.
 */
import { fromLatin1, latin1 } from "../base/bytes.ts";
import { crc32cPortable } from "./crc32c.ts";

export const STREAM_VERSION = 1;
export const STREAM_HEADER_BYTES = 64;
export const STREAM_END_BYTES = 40;
/** The kind of the last block. */
export const KIND_END = 255;

const MAGIC_LENGTH = 8;
const CHECKSUM_AT = 60;

export interface StreamHeader {
  /** Eight ASCII characters: what kind of file this is. */
  readonly magic: string;
  /** The checkpoint that wrote it. */
  readonly checkpoint: number;
  /** 32 hex digits. */
  readonly databaseId: string;
}

export function encodeStreamHeader(header: StreamHeader): Uint8Array {
  const bytes = new Uint8Array(STREAM_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(fromLatin1(header.magic));
  view.setUint32(8, STREAM_VERSION, true);
  view.setBigUint64(16, BigInt(header.checkpoint), true);
  bytes.set(Buffer.from(header.databaseId, "hex"), 24);
  view.setUint32(CHECKSUM_AT, crc32cPortable(bytes, 0, CHECKSUM_AT, 0), true);
  return bytes;
}

/** The tag that the blocks of this file carry. */
export function streamTag(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset).getUint32(CHECKSUM_AT, true);
}

/** What the first bytes of a file of blocks say about it, checked against their checksum; or what is wrong with them. */
export function decodeStreamHeader(bytes: Uint8Array, length: number): StreamHeader | string {
  if (length < STREAM_HEADER_BYTES)
    return `it has ${length} bytes, expected a header of ${STREAM_HEADER_BYTES}`;
  const magic = latin1(bytes, 0, MAGIC_LENGTH);
  const view = new DataView(bytes.buffer, bytes.byteOffset, STREAM_HEADER_BYTES);
  const version = view.getUint32(8, true);
  const sum = crc32cPortable(bytes, 0, CHECKSUM_AT, 0);
  if (sum !== view.getUint32(CHECKSUM_AT, true)) return "the checksum of its header is wrong";
  if (version !== STREAM_VERSION)
    return `it has format version ${version}, this version of ferrite reads ${STREAM_VERSION}`;
  const checkpoint = Number(view.getBigUint64(16, true));
  const databaseId = Buffer.from(bytes.buffer, bytes.byteOffset + 24, 16).toString("hex");
  return { magic, checkpoint, databaseId };
}

/** What is wrong with the first bytes of a file that should begin with `expected`, or undefined. */
export function checkStreamHeader(
  bytes: Uint8Array,
  length: number,
  expected: StreamHeader,
): string | undefined {
  if (length >= MAGIC_LENGTH) {
    const magic = latin1(bytes, 0, MAGIC_LENGTH);
    if (magic !== expected.magic)
      return `it begins with ${JSON.stringify(magic)}, expected ${JSON.stringify(expected.magic)}`;
  }
  const found = decodeStreamHeader(bytes, length);
  if (typeof found === "string") return found;
  if (found.checkpoint !== expected.checkpoint)
    return `it was written by checkpoint ${found.checkpoint}, expected ${expected.checkpoint}`;
  if (found.databaseId !== expected.databaseId)
    return `it belongs to database ${found.databaseId}, expected ${expected.databaseId}`;
  return undefined;
}

/** Sums up the blocks of a file, in order, while they are written or read. */
export class StreamSum {
  blocks = 0;
  rawBytes = 0;
  checksums = 0;
  readonly #word = new Uint8Array(4);

  add(rawBytes: number, checksum: number): void {
    const word = this.#word;
    word[0] = checksum;
    word[1] = checksum >>> 8;
    word[2] = checksum >>> 16;
    word[3] = checksum >>> 24;
    this.blocks++;
    this.rawBytes += rawBytes;
    this.checksums = crc32cPortable(word, 0, 4, this.checksums);
  }
}

/** What the two counters of the end block count depends on the file. */
export interface StreamCounts {
  readonly first: number;
  readonly second: number;
}

/** Writes the payload of the end block, STREAM_END_BYTES long. */
export function writeStreamEnd(bytes: Uint8Array, at: number, sum: StreamSum, counts: StreamCounts): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, STREAM_END_BYTES);
  view.setBigUint64(0, BigInt(sum.blocks), true);
  view.setBigUint64(8, BigInt(sum.rawBytes), true);
  view.setUint32(16, sum.checksums, true);
  view.setUint32(20, 0, true);
  view.setBigUint64(24, BigInt(counts.first), true);
  view.setBigUint64(32, BigInt(counts.second), true);
}

/** The counters of an end block whose checksum was right; or what does not go with the blocks before it. */
export function readStreamEnd(
  bytes: Uint8Array,
  at: number,
  length: number,
  sum: StreamSum,
): StreamCounts | string {
  if (length !== STREAM_END_BYTES) return `the end has ${length} bytes, expected ${STREAM_END_BYTES}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, STREAM_END_BYTES);
  const word = (offset: number): number => Number(view.getBigUint64(offset, true));
  if (word(0) !== sum.blocks) return `the end counts ${word(0)} blocks, found ${sum.blocks}`;
  if (word(8) !== sum.rawBytes) return `the end counts ${word(8)} bytes, found ${sum.rawBytes}`;
  if (view.getUint32(16, true) !== sum.checksums) return "the blocks are not those that the end sums up";
  return { first: word(24), second: word(32) };
}

/**
 * Blocks: runs of bytes in a file, each with a header that says how long they are, what they are, and their checksum.
 *
 * Invariants
 *  - a header is believed only within bounds that do not depend on it: no length in it makes a reader ask for more
 *    than a block may have, or for bytes that its file does not hold;
 *  - the checksum covers the header and the stored bytes; nothing is decompressed or decoded before it was right;
 *  - a block names its own offset and, by a tag, its file: one that was written to the wrong place is refused.
 *
 * The layout is described in docs/formats/checkpoint.md. Little-endian; pure.
 */
import type { Crc32c } from "./crc32c.ts";

export const BLOCK_HEADER_BYTES = 32;
/** "FBLK" */
export const BLOCK_MAGIC = 0x4b4c4246;
/** Of one block, before compression; also the most that is stored: what does not shrink is stored as it is. */
export const BLOCK_RAW_BYTES_MAX = 1024 * 1024;

export const CODEC_NONE = 0;
export const CODEC_LZ4 = 1;

const CHECKSUM_AT = 28;

export interface BlockHeader {
  storedBytes: number;
  rawBytes: number;
  codec: number;
  kind: number;
  flags: number;
  /** Of the block in its file. */
  offset: number;
  /** The checksum of its file's header. */
  tag: number;
  /** Of the header before it; once sealed, of the header and the stored bytes. */
  checksum: number;
}

/** A header to be filled by `readBlockHeader` again and again. */
export function blankBlockHeader(): BlockHeader {
  return { storedBytes: 0, rawBytes: 0, codec: 0, kind: 0, flags: 0, offset: 0, tag: 0, checksum: 0 };
}

/** Writes everything but the checksum at `at`; answers the checksum of what it wrote, to be continued over the stored bytes. */
export function writeBlockHeader(bytes: Uint8Array, at: number, header: BlockHeader, crc32c: Crc32c): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK_HEADER_BYTES);
  view.setUint32(0, BLOCK_MAGIC, true);
  view.setUint32(4, header.storedBytes, true);
  view.setUint32(8, header.rawBytes, true);
  view.setUint8(12, header.codec);
  view.setUint8(13, header.kind);
  view.setUint16(14, header.flags, true);
  view.setBigUint64(16, BigInt(header.offset), true);
  view.setUint32(24, header.tag, true);
  return crc32c(bytes, at, CHECKSUM_AT, 0);
}

/** Puts the checksum, continued over the stored bytes, into a header that `writeBlockHeader` wrote at `at`. */
export function sealBlockHeader(bytes: Uint8Array, at: number, checksum: number): void {
  new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK_HEADER_BYTES).setUint32(
    CHECKSUM_AT,
    checksum,
    true,
  );
}

/**
 * Reads the header at `at` into `into`; answers what is wrong with it, or undefined. `offset` and `tag` are what it has to
 * say; `bytesLeft` is what the file holds from its first byte on. Its checksum is not looked at: the stored bytes are not
 * here yet.
 */
export function readBlockHeader(
  bytes: Uint8Array,
  at: number,
  expected: { readonly offset: number; readonly tag: number; readonly bytesLeft: number },
  into: BlockHeader,
): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK_HEADER_BYTES);
  if (view.getUint32(0, true) !== BLOCK_MAGIC) return "no block begins there";
  into.storedBytes = view.getUint32(4, true);
  into.rawBytes = view.getUint32(8, true);
  into.codec = view.getUint8(12);
  into.kind = view.getUint8(13);
  into.flags = view.getUint16(14, true);
  into.offset = Number(view.getBigUint64(16, true));
  into.tag = view.getUint32(24, true);
  into.checksum = view.getUint32(CHECKSUM_AT, true);
  const { storedBytes, rawBytes, codec } = into;
  if (into.offset !== expected.offset) return `the block there says that it lies at offset ${into.offset}`;
  if (into.tag !== expected.tag) return "the block there belongs to another file";
  if (rawBytes > BLOCK_RAW_BYTES_MAX)
    return `the block there has ${rawBytes} bytes, expected at most ${BLOCK_RAW_BYTES_MAX}`;
  if (codec !== CODEC_NONE && codec !== CODEC_LZ4)
    return `the block there is packed by codec ${codec}, expected 0 (none) or 1 (lz4)`;
  if (codec === CODEC_NONE ? storedBytes !== rawBytes : storedBytes >= rawBytes)
    return `the block there is stored in ${storedBytes} bytes, which does not go with ${rawBytes} and codec ${codec}`;
  if (BLOCK_HEADER_BYTES + storedBytes > expected.bytesLeft)
    return `the block there needs ${BLOCK_HEADER_BYTES + storedBytes} bytes, found ${expected.bytesLeft}`;
  return undefined;
}

/** The checksum of a header's bytes, to be continued over the stored bytes and compared with `BlockHeader.checksum`. */
export function checksumOfHeader(bytes: Uint8Array, at: number, crc32c: Crc32c): number {
  return crc32c(bytes, at, CHECKSUM_AT, 0);
}

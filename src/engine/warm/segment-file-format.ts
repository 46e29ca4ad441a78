/**
 * The file of a segment: its bytes as they were in memory, a table of checksums of its blocks, and a footer.
 *
 * Invariants
 *  - byte n of the segment is byte n of the file, so that addresses hold for a mapped file as they did in memory;
 *  - the footer's checksum covers the checksum of the table, which covers every block: whoever knows it knows the whole
 *    file, so it is what a manifest keeps;
 *  - the length of every part follows from the count of used units alone.
 *
 * A checksum per block of 64 KiB, not one for the file: a mapped file is checked where it is read. The layout is
 * described in docs/formats/segment.md. Little-endian; pure.
 */
import { fromLatin1, latin1 } from "../../base/bytes.ts";
import { crc32cPortable } from "../../codec/crc32c.ts";

export const SEGMENT_FILE_VERSION = 1;
export const SEGMENT_BLOCK_BYTES = 65_536;
export const SEGMENT_FOOTER_BYTES = 64;
/** One record may be as long as a key and a value can be; far above what a 32-bit count of units would allow by mistake. */
export const SEGMENT_UNITS_MAX = 2 ** 30 / 8;

const MAGIC = "FERRSEGM";
const CHECKSUM_AT = 60;

export interface SegmentFooter {
  readonly id: number;
  readonly birth: number;
  /** 8-byte units of the segment, header unit included: all of the file's bytes before the table. */
  readonly usedUnits: number;
  /** 32 hex digits. */
  readonly databaseId: string;
}

export function segmentBlocks(usedUnits: number): number {
  return Math.ceil((usedUnits * 8) / SEGMENT_BLOCK_BYTES);
}

/** The table, filled up to a multiple of 8 bytes. */
export function segmentTableBytes(usedUnits: number): number {
  return Math.ceil(segmentBlocks(usedUnits) / 2) * 8;
}

/** Table and footer: what follows the segment's own bytes. */
export function segmentTrailerBytes(usedUnits: number): number {
  return segmentTableBytes(usedUnits) + SEGMENT_FOOTER_BYTES;
}

export function segmentFileBytes(usedUnits: number): number {
  return usedUnits * 8 + segmentTrailerBytes(usedUnits);
}

/** The table and the footer of a segment whose blocks have these checksums, in order. */
export function encodeSegmentTrailer(footer: SegmentFooter, checksums: Uint32Array): Uint8Array {
  const tableBytes = segmentTableBytes(footer.usedUnits);
  const bytes = new Uint8Array(tableBytes + SEGMENT_FOOTER_BYTES);
  const table = new DataView(bytes.buffer);
  for (let i = 0; i < checksums.length; i++) table.setUint32(i * 4, checksums[i]!, true);
  bytes.set(fromLatin1(MAGIC), tableBytes);
  const view = new DataView(bytes.buffer, tableBytes);
  view.setUint32(8, SEGMENT_FILE_VERSION, true);
  view.setUint32(12, footer.id, true);
  view.setBigUint64(16, BigInt(footer.birth), true);
  view.setUint32(24, footer.usedUnits, true);
  view.setUint32(28, SEGMENT_BLOCK_BYTES, true);
  bytes.set(Buffer.from(footer.databaseId, "hex"), tableBytes + 32);
  view.setUint32(48, crc32cPortable(bytes, 0, tableBytes, 0), true);
  view.setUint32(CHECKSUM_AT, crc32cPortable(bytes, tableBytes, CHECKSUM_AT, 0), true);
  return bytes;
}

/** The checksum by which a manifest knows the file: that of the footer. */
export function segmentChecksum(trailer: Uint8Array): number {
  return new DataView(trailer.buffer, trailer.byteOffset + trailer.length - 4).getUint32(0, true);
}

/** A trailer that was read, checked: the checksums of the blocks; or what is wrong with it. */
export function decodeSegmentTrailer(trailer: Uint8Array, expected: SegmentFooter): Uint32Array | string {
  const footer = trailer.subarray(trailer.length - SEGMENT_FOOTER_BYTES);
  const found = decodeSegmentFooter(footer);
  if (typeof found === "string") return found;
  for (const field of ["id", "birth", "usedUnits", "databaseId"] as const) {
    if (found[field] !== expected[field])
      return `its footer has the ${field} ${found[field]}, expected ${expected[field]}`;
  }
  const tableBytes = trailer.length - SEGMENT_FOOTER_BYTES;
  const stated = new DataView(footer.buffer, footer.byteOffset).getUint32(48, true);
  if (crc32cPortable(trailer, 0, tableBytes, 0) !== stated)
    return "the checksum of its table of blocks is wrong";
  const table = new DataView(trailer.buffer, trailer.byteOffset, tableBytes);
  return Uint32Array.from({ length: segmentBlocks(found.usedUnits) }, (_, i) => table.getUint32(i * 4, true));
}

/** The last SEGMENT_FOOTER_BYTES of a file, checked against their checksum; or what is wrong with them. */
export function decodeSegmentFooter(footer: Uint8Array): SegmentFooter | string {
  const magic = latin1(footer, 0, 8);
  if (magic !== MAGIC)
    return `its footer begins with ${JSON.stringify(magic)}, expected ${JSON.stringify(MAGIC)}`;
  const view = new DataView(footer.buffer, footer.byteOffset, SEGMENT_FOOTER_BYTES);
  if (crc32cPortable(footer, 0, CHECKSUM_AT, 0) !== view.getUint32(CHECKSUM_AT, true))
    return "the checksum of its footer is wrong";
  const version = view.getUint32(8, true);
  if (version !== SEGMENT_FILE_VERSION)
    return `it has format version ${version}, this version of ferrite reads ${SEGMENT_FILE_VERSION}`;
  const blockBytes = view.getUint32(28, true);
  if (blockBytes !== SEGMENT_BLOCK_BYTES)
    return `its blocks have ${blockBytes} bytes, expected ${SEGMENT_BLOCK_BYTES}`;
  return {
    id: view.getUint32(12, true),
    birth: Number(view.getBigUint64(16, true)),
    usedUnits: view.getUint32(24, true),
    databaseId: Buffer.from(footer.buffer, footer.byteOffset + 32, 16).toString("hex"),
  };
}

/**
 * CRC-32C (Castagnoli; RFC 3720 appendix B.4): the checksum of every frame, block and footer.
 *
 * Invariants
 *  - `seed` is the checksum of the bytes before (0 at the start), so checksums of parts can be chained;
 *  - the result is an unsigned 32-bit number, the same from every implementation.
 *
 * Hot-path file: nothing here allocates (bench/micro/crc32c.mjs). The portable version works on eight bytes per
 * step with eight tables; the native one, handed in by the composition root, is faster from a few dozen bytes on.
 * Not `zlib.crc32`, which is another polynomial: stores and processors know this one.
 */
export type Crc32c = (bytes: Uint8Array, offset: number, length: number, seed: number) => number;

const POLYNOMIAL = 0x82f6_3b78;
const ROWS = 8;

/** Row r, byte b at 256 r + b: the checksum of b followed by r zero bytes. */
const TABLE = buildTable();

function buildTable(): Int32Array {
  const table = new Int32Array(ROWS * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (POLYNOMIAL & -(crc & 1));
    table[byte] = crc;
  }
  for (let i = 256; i < table.length; i++) {
    const before = table[i - 256]!;
    table[i] = (before >>> 8) ^ table[before & 0xff]!;
  }
  return table;
}

/** The range must lie inside `bytes`: one that does not would be summed as if zeros followed. */
export function crc32cPortable(bytes: Uint8Array, offset: number, length: number, seed: number): number {
  const table = TABLE;
  let crc = ~seed;
  let position = offset;
  const end = offset + length;
  for (const last = end - 7; position < last; position += 8) {
    crc ^=
      bytes[position]! |
      (bytes[position + 1]! << 8) |
      (bytes[position + 2]! << 16) |
      (bytes[position + 3]! << 24);
    crc =
      table[1792 + (crc & 0xff)]! ^
      table[1536 + ((crc >>> 8) & 0xff)]! ^
      table[1280 + ((crc >>> 16) & 0xff)]! ^
      table[1024 + (crc >>> 24)]! ^
      table[768 + bytes[position + 4]!]! ^
      table[512 + bytes[position + 5]!]! ^
      table[256 + bytes[position + 6]!]! ^
      table[bytes[position + 7]!]!;
  }
  for (; position < end; position++) crc = (crc >>> 8) ^ table[(crc ^ bytes[position]!) & 0xff]!;
  return ~crc >>> 0;
}

/** Below this many bytes the call into the addon costs more than the sum itself (bench/micro/crc32c.mjs). */
export const NATIVE_LENGTH_MIN = 96;

/** The faster of the two for each length; without a native one, the portable one. */
export function chooseCrc32c(native: Crc32c | undefined): Crc32c {
  if (native === undefined) return crc32cPortable;
  return (bytes, offset, length, seed) =>
    length < NATIVE_LENGTH_MIN
      ? crc32cPortable(bytes, offset, length, seed)
      : native(bytes, offset, length, seed);
}

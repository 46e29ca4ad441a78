/**
 * Compression of blocks, on a thread of the library's.
 *
 * Invariants
 *  - `decompress` answers exactly `rawBytes` bytes or throws: what the stored bytes say about themselves is compared
 *    with that before anything is done, because the library trusts its own prefix (a forged one asks for 4 GiB);
 *  - the caller does not change what it hands in until the promise settles.
 *
 * The library is imported when compression is first asked for: who does not use it does not load it.
 */
import { FerriteError, messageOf } from "../base/errors.ts";
import { CODEC_LZ4 } from "./block-format.ts";

export interface BlockCodec {
  /** As in block headers. */
  readonly id: number;
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  /** `bytes` have a right checksum. Throws FerriteError("corruption") if they are not `rawBytes` bytes, compressed. */
  decompress(bytes: Uint8Array, rawBytes: number): Promise<Uint8Array>;
}

/** Little-endian length of the uncompressed bytes, before the compressed ones. */
const PREFIX_BYTES = 4;

/** LZ4 in its block form. Throws FerriteError("unavailable") where the library does not load. */
export async function loadLz4(): Promise<BlockCodec> {
  try {
    const { compress, uncompress } = await import("lz4-napi");
    return {
      id: CODEC_LZ4,
      compress,
      decompress: (bytes, rawBytes) => decompressed(uncompress, bytes, rawBytes),
    };
  } catch (error) {
    throw new FerriteError(
      "unavailable",
      `the package lz4-napi, which compresses checkpoints, does not load: ${messageOf(error)}; install it anew, or set persistence.checkpoint_compression to false`,
      { cause: error },
    );
  }
}

async function decompressed(
  uncompress: (bytes: Uint8Array) => Promise<Uint8Array>,
  bytes: Uint8Array,
  rawBytes: number,
): Promise<Uint8Array> {
  const stated =
    bytes.length < PREFIX_BYTES ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (stated !== rawBytes) throw corrupt(`its first bytes promise ${stated} bytes, expected ${rawBytes}`);
  let raw: Uint8Array;
  try {
    raw = await uncompress(bytes);
  } catch (error) {
    throw corrupt(messageOf(error));
  }
  if (raw.length !== rawBytes) throw corrupt(`it gave ${raw.length} bytes, expected ${rawBytes}`);
  return raw;
}

function corrupt(what: string): FerriteError {
  return new FerriteError("corruption", `decompressing an lz4 block: ${what}`);
}

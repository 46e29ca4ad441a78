/**
 * A compression for simulations: runs of one byte, in the same number of promise reactions every time and on no thread.
 *
 * It stands where LZ4 does and goes by its number, because what reads checkpoints knows no other.
 */
import { FerriteError } from "../../src/base/errors.ts";
import { CODEC_LZ4 } from "../../src/codec/block-format.ts";
import type { BlockCodec } from "../../src/codec/compression.ts";

const RUN_MAX = 255;

export const runLengthCodec: BlockCodec = {
  id: CODEC_LZ4,
  compress: async (bytes) => compressed(bytes),
  decompress: async (bytes, rawBytes) => decompressed(bytes, rawBytes),
};

/** Pairs of a length and a byte. */
function compressed(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let end = at + 1;
    while (end < bytes.length && end - at < RUN_MAX && bytes[end] === bytes[at]) end++;
    out.push(end - at, bytes[at]!);
    at = end;
  }
  return Uint8Array.from(out);
}

function decompressed(bytes: Uint8Array, rawBytes: number): Uint8Array {
  const raw = new Uint8Array(rawBytes);
  let to = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    raw.fill(bytes[at + 1]!, to, to + bytes[at]!);
    to += bytes[at]!;
  }
  if (to !== rawBytes || bytes.length % 2 !== 0)
    throw new FerriteError(
      "corruption",
      `decompressing a block of runs: it gave ${to} bytes, expected ${rawBytes}`,
    );
  return raw;
}

/** Appends an entry of the packed form (value/packed.ts) to a buffer with room for it. Hot-path file: nothing allocates. */
import type { ByteWriter } from "../../base/byte-writer.ts";
import { copyWords } from "../../base/word-bytes.ts";
import { writePackedHeader } from "../packed.ts";

const LENGTH_1_MAX = 127;

export function appendEntry(out: ByteWriter, from: DataView, offset: number, length: number): void {
  let at = out.length;
  if (length <= LENGTH_1_MAX) out.bytes[at++] = length;
  else at = writePackedHeader(out.bytes, at, length);
  copyWords(out.data, at, from, offset, length);
  out.length = at + length;
}

/**
 * Writes structures into a values file, piece by piece.
 *
 * Invariant: one structure at a time, from its first piece to its last; its place is known when it was handed to the
 * file, not when it is durable.
 */

import { ByteWriter } from "../base/byte-writer.ts";
import type { CapturedStructure, StructurePlace } from "../engine/capture/capture-face.ts";
import type { BlockFileWriter } from "./block-file-writer.ts";
import type { FileEntry } from "./manifest-format.ts";
import type { Slices } from "./slices.ts";
import { FLAG_FIRST, FLAG_LAST, KIND_VALUE } from "./values-file.ts";

const PIECE_BYTES = 64 * 1024;

export class ValuesWriter {
  readonly #file: BlockFileWriter;
  readonly #id: number;
  /** Memory for one piece; as long as an ordinary one, but one longer element makes it grow. */
  readonly #pieces = new ByteWriter(PIECE_BYTES);
  readonly #slices: Slices;
  readonly #word = new Uint8Array(4);
  #structures = 0;
  /** Raw bytes of the block that is being filled, and the flags that it gets. */
  #filled = 0;
  #flags = 0;

  /** `id` is that of the file. */
  constructor(file: BlockFileWriter, id: number, slices: Slices) {
    this.#file = file;
    this.#id = id;
    this.#slices = slices;
  }

  async write({ handle, value }: CapturedStructure): Promise<StructurePlace> {
    const pieces = this.#pieces;
    const offset = this.#file.position;
    this.#flags = FLAG_FIRST;
    this.#filled = 0;
    await this.#putWord(handle);
    for (pieces.length = 0; value.writePiece(pieces); pieces.length = 0) {
      await this.#putWord(pieces.length);
      await this.#put(pieces.bytes, pieces.length);
      await this.#slices.breathe();
    }
    await this.#endBlock(FLAG_LAST);
    this.#structures++;
    return { file: this.#id, offset, bytes: this.#file.position - offset };
  }

  finish(): Promise<FileEntry> {
    return this.#file.finish({ first: this.#structures, second: 0 });
  }

  #putWord(value: number): Promise<void> {
    const word = this.#word;
    for (let i = 0; i < word.length; i++) word[i] = value >>> (8 * i);
    return this.#put(word, word.length);
  }

  async #put(bytes: Uint8Array, length: number): Promise<void> {
    const file = this.#file;
    for (let done = 0; done < length; ) {
      if (this.#filled === file.room) await this.#endBlock(0);
      const taken = Math.min(length - done, file.room - this.#filled);
      file.bytes.set(bytes.subarray(done, done + taken), file.payloadAt + this.#filled);
      this.#filled += taken;
      done += taken;
    }
  }

  async #endBlock(flag: number): Promise<void> {
    await this.#file.addBlock(KIND_VALUE, this.#flags | flag, this.#filled);
    this.#flags = 0;
    this.#filled = 0;
  }
}

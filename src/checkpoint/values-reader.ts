/**
 * Reads a values file from its start to its end and hands over the structures that are still alive.
 *
 * Invariants
 *  - every block is checked, also of structures that nothing reaches any more;
 *  - a structure is handed over only if it begins and ends where its place says, and carries its handle.
 *
 * From start to end, not from place to place: at least half of a file is alive, and one long read is what disks like.
 */
import { assert } from "../base/assert.ts";
import type { BlockHeader } from "../codec/block-format.ts";
import type { StructureEntry } from "../engine/capture/capture-face.ts";
import { BlockFileReader, type BlockReadParts } from "./block-file-reader.ts";
import type { ValuesFileEntry } from "./manifest-format.ts";
import { rethrowFor } from "./rethrow.ts";
import {
  FLAG_FIRST,
  FLAG_LAST,
  HANDLE_BYTES,
  KIND_VALUE,
  type PieceSink,
  PieceSplitter,
  VALUES_MAGIC,
} from "./values-file.ts";

export interface StructuresReceiver {
  /** A structure begins; its pieces go to the answer. */
  begin(entry: StructureEntry): PieceSink;
  /** All of its pieces were handed over. */
  end(entry: StructureEntry): void;
  /** No more comes; a structure that has begun has no end. */
  abandon(): void;
}

interface Open {
  /** undefined while a structure passes that nothing reaches. */
  readonly entry: StructureEntry | undefined;
  readonly splitter: PieceSplitter | undefined;
  readonly offset: number;
}

/** `entries` are the structures that lie in this file, by ascending offset. */
export async function readValuesFile(
  parts: BlockReadParts,
  path: string,
  databaseId: string,
  file: ValuesFileEntry,
  entries: readonly StructureEntry[],
  receiver: StructuresReceiver,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const header = { magic: VALUES_MAGIC, checkpoint: file.id, databaseId };
  const reader = await BlockFileReader.open(parts, path, header, file);
  try {
    const structures = new Structures(reader, entries, receiver);
    for (let block = await reader.next(); block !== undefined; block = await reader.next()) {
      structures.take(block);
      onBytes(block.storedBytes);
      await parts.breathe();
    }
    structures.finish();
  } catch (error) {
    receiver.abandon();
    throw error;
  } finally {
    reader.close();
  }
}

class Structures {
  readonly #reader: BlockFileReader;
  readonly #entries: readonly StructureEntry[];
  readonly #receiver: StructuresReceiver;
  /** The next entry that is to be met. */
  #next = 0;
  #count = 0;
  #open: Open | undefined;

  constructor(reader: BlockFileReader, entries: readonly StructureEntry[], receiver: StructuresReceiver) {
    this.#reader = reader;
    this.#entries = entries;
    this.#receiver = receiver;
  }

  take(block: BlockHeader): void {
    const reader = this.#reader;
    if (block.kind !== KIND_VALUE)
      throw reader.problemHere(`a block of kind ${block.kind} does not belong there`);
    const begins = (block.flags & FLAG_FIRST) !== 0;
    if (begins === (this.#open !== undefined))
      throw reader.problemHere(
        begins ? "a structure begins within another" : "no structure has begun before it",
      );
    let skipped = 0;
    if (begins) {
      this.#begin(block);
      skipped = HANDLE_BYTES;
    }
    const { entry, splitter, offset } = this.#open!;
    try {
      splitter?.add(reader.bytes, reader.payloadAt + skipped, block.rawBytes - skipped);
      if ((block.flags & FLAG_LAST) !== 0) this.#end(block, entry, splitter, offset);
    } catch (error) {
      rethrowFor(error, reader.path, block.offset);
    }
  }

  finish(): void {
    const reader = this.#reader;
    if (this.#open !== undefined) throw reader.problemHere("the last structure has no end");
    const missed = this.#entries[this.#next];
    if (missed !== undefined) throw this.#missing(missed);
    const { first } = reader.counts;
    if (first !== this.#count)
      throw reader.problemHere(`the end counts ${first} structures, found ${this.#count}`);
  }

  #begin(block: BlockHeader): void {
    const reader = this.#reader;
    const { bytes, payloadAt } = reader;
    this.#count++;
    if (block.rawBytes < HANDLE_BYTES)
      throw reader.problemHere(`a structure begins with ${block.rawBytes} bytes`);
    const entry = this.#entries[this.#next];
    if (entry !== undefined && entry.offset < block.offset) throw this.#missing(entry);
    if (entry === undefined || entry.offset > block.offset) {
      this.#open = { entry: undefined, splitter: undefined, offset: block.offset };
      return;
    }
    this.#next++;
    const handle = new DataView(bytes.buffer, bytes.byteOffset + payloadAt, HANDLE_BYTES).getUint32(0, true);
    if (handle !== entry.handle)
      throw reader.problemHere(`structure ${handle} lies there, expected ${entry.handle}`);
    this.#open = { entry, splitter: new PieceSplitter(this.#receiver.begin(entry)), offset: block.offset };
  }

  #end(
    block: BlockHeader,
    entry: StructureEntry | undefined,
    splitter: PieceSplitter | undefined,
    offset: number,
  ): void {
    const reader = this.#reader;
    this.#open = undefined;
    if (entry === undefined) return;
    assert(splitter !== undefined, "a structure that is alive has its pieces taken");
    const { heldBytes } = splitter;
    if (heldBytes > 0)
      throw reader.problemHere(`the last piece of structure ${entry.handle} is cut after ${heldBytes} bytes`);
    const taken = reader.position - offset;
    if (taken !== entry.bytes)
      throw reader.problemHere(
        `structure ${entry.handle} takes ${taken} bytes and ends with the block of ${block.rawBytes}, expected ${entry.bytes}`,
      );
    this.#receiver.end(entry);
  }

  #missing({ handle, offset }: StructureEntry): Error {
    return this.#reader.problemHere(`structure ${handle} should begin at offset ${offset}, but does not`);
  }
}

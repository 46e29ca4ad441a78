/**
 * Writes an index image: rows as the engine copies them, later the table of structures.
 *
 * Invariant: between the two the file lies still and holds no buffer, so that values are written through the same ones.
 */
import { assert } from "../base/assert.ts";
import type { EngineCapture } from "../engine/capture/capture-face.ts";
import type { BlockFileWriter } from "./block-file-writer.ts";
import {
  KIND_ROWS,
  KIND_STRUCTURES,
  ROW_BYTES_MAX,
  STRUCTURE_ENTRY_BYTES,
  writeStructureEntry,
} from "./index-image.ts";
import type { FileEntry, ValuesFileEntry } from "./manifest-format.ts";
import type { Slices } from "./slices.ts";

/** Sub-tables copied before the time is looked at: 64 KiB at most, some tens of microseconds. */
const ROWS_PER_BREATH = 8;
const ENTRIES_PER_BREATH = 256;

export interface IndexEntries {
  readonly index: FileEntry;
  /** Every values file that a structure lies in. */
  readonly values: readonly ValuesFileEntry[];
}

export class IndexWriter {
  readonly #file: BlockFileWriter;
  readonly #slices: Slices;
  #rowBytes = 0;

  constructor(file: BlockFileWriter, slices: Slices) {
    this.#file = file;
    this.#slices = slices;
  }

  async writeRows(capture: EngineCapture): Promise<void> {
    const file = this.#file;
    for (let filled = 0; ; await this.#slices.breathe()) {
      // The end of the room is the end of the array that the engine gets: it fills up to there.
      const into = file.bytes.subarray(0, file.payloadAt + file.room);
      const got = capture.copyRows(into, file.payloadAt + filled, ROWS_PER_BREATH);
      filled += got;
      this.#rowBytes += got;
      if (got > 0 && file.room - filled >= ROW_BYTES_MAX) continue;
      if (filled > 0) await file.addBlock(KIND_ROWS, 0, filled);
      filled = 0;
      if (got === 0) break;
    }
    await file.flush();
  }

  /**
   * Writes where every structure lies and ends the file. `known` are the values files of the checkpoint before,
   * `written` the one of this checkpoint, if there is one.
   */
  async writeStructures(
    capture: EngineCapture,
    known: readonly ValuesFileEntry[],
    written: (FileEntry & { readonly id: number }) | undefined,
  ): Promise<IndexEntries> {
    const file = this.#file;
    const liveBytes = new Map<number, number>();
    let filled = 0;
    let count = 0;
    for (const entry of capture.structures()) {
      if (file.room - filled < STRUCTURE_ENTRY_BYTES) {
        await file.addBlock(KIND_STRUCTURES, 0, filled);
        filled = 0;
      }
      const { bytes } = file;
      writeStructureEntry(new DataView(bytes.buffer, bytes.byteOffset), file.payloadAt + filled, entry);
      filled += STRUCTURE_ENTRY_BYTES;
      liveBytes.set(entry.file, (liveBytes.get(entry.file) ?? 0) + entry.bytes);
      if (++count % ENTRIES_PER_BREATH === 0) await this.#slices.breathe();
    }
    if (filled > 0) await file.addBlock(KIND_STRUCTURES, 0, filled);
    const index = await file.finish({ first: this.#rowBytes, second: count });
    return { index, values: valuesEntries(liveBytes, known, written) };
  }
}

function valuesEntries(
  liveBytes: ReadonlyMap<number, number>,
  known: readonly ValuesFileEntry[],
  written: (FileEntry & { readonly id: number }) | undefined,
): ValuesFileEntry[] {
  const ids = [...liveBytes.keys()].sort((a, b) => a - b);
  return ids.map((id) => {
    const file = written?.id === id ? written : known.find((entry) => entry.id === id);
    assert(
      file !== undefined,
      `a structure lies in values file ${id}, which the checkpoint before does not name`,
    );
    const live = liveBytes.get(id)!;
    assert(live <= file.bytes, `structures take ${live} bytes of values file ${id}, which has ${file.bytes}`);
    return { id, bytes: file.bytes, checksum: file.checksum, liveBytes: live };
  });
}

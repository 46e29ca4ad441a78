/**
 * Reads an index image: hands over the rows and answers the table of structures.
 *
 * Invariant: rows come before entries, both are counted, and every entry lies within a values file that the manifest
 * names and which has room for it.
 */
import type { StructureEntry } from "../engine/capture/capture-face.ts";
import { BlockFileReader, type BlockReadParts } from "./block-file-reader.ts";
import {
  INDEX_MAGIC,
  KIND_ROWS,
  KIND_STRUCTURES,
  readStructureEntry,
  STRUCTURE_ENTRY_BYTES,
} from "./index-image.ts";
import type { CheckpointManifest } from "./manifest-format.ts";
import { rethrowFor } from "./rethrow.ts";

export interface RowsReceiver {
  addRows(bytes: Uint8Array, offset: number, length: number): void;
}

/** Calls `onBytes` with the file bytes consumed by each block. */
export async function readIndexFile(
  parts: BlockReadParts,
  path: string,
  manifest: CheckpointManifest,
  receiver: RowsReceiver,
  onBytes: (bytes: number) => void,
): Promise<StructureEntry[]> {
  const header = { magic: INDEX_MAGIC, checkpoint: manifest.id, databaseId: manifest.identity.databaseId };
  const reader = await BlockFileReader.open(parts, path, header, manifest.index);
  try {
    const entries: StructureEntry[] = [];
    let rowBytes = 0;
    for (let block = await reader.next(); block !== undefined; block = await reader.next()) {
      if (block.kind === KIND_ROWS && entries.length === 0) {
        try {
          receiver.addRows(reader.bytes, reader.payloadAt, block.rawBytes);
        } catch (error) {
          rethrowFor(error, path, block.offset);
        }
        rowBytes += block.rawBytes;
      } else if (block.kind === KIND_STRUCTURES && block.rawBytes % STRUCTURE_ENTRY_BYTES === 0) {
        takeEntries(reader, block.rawBytes, entries, manifest);
      } else {
        throw reader.problemHere(
          `a block of kind ${block.kind} with ${block.rawBytes} bytes does not belong there`,
        );
      }
      onBytes(block.storedBytes);
      await parts.breathe();
    }
    const { first, second } = reader.counts;
    if (first !== rowBytes || second !== entries.length) {
      const found = `${rowBytes} bytes of rows and ${entries.length} structures`;
      throw reader.problemHere(
        `the end counts ${first} bytes of rows and ${second} structures, found ${found}`,
      );
    }
    checkLive(entries, manifest, reader);
    return entries;
  } finally {
    reader.close();
  }
}

function takeEntries(
  reader: BlockFileReader,
  length: number,
  entries: StructureEntry[],
  manifest: CheckpointManifest,
): void {
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset);
  for (let at = 0; at < length; at += STRUCTURE_ENTRY_BYTES) {
    const entry = readStructureEntry(view, reader.payloadAt + at);
    if (typeof entry === "string") throw reader.problemHere(entry);
    const file = manifest.values.find(({ id }) => id === entry.file);
    if (file === undefined)
      throw reader.problemHere(
        `structure ${entry.handle} lies in values file ${entry.file}, which the manifest does not name`,
      );
    if (entry.bytes === 0 || entry.offset + entry.bytes > file.bytes)
      throw reader.problemHere(
        `structure ${entry.handle} lies at ${entry.offset} with ${entry.bytes} bytes in a file of ${file.bytes}`,
      );
    entries.push(entry);
  }
}

/** The manifest counts the live bytes of every values file; it is written from the same table. */
function checkLive(
  entries: readonly StructureEntry[],
  manifest: CheckpointManifest,
  reader: BlockFileReader,
): void {
  const live = new Map<number, number>();
  for (const { file, bytes } of entries) live.set(file, (live.get(file) ?? 0) + bytes);
  for (const { id, liveBytes } of manifest.values) {
    const found = live.get(id) ?? 0;
    if (found !== liveBytes)
      throw reader.problemHere(
        `structures take ${found} bytes of values file ${id}, the manifest counts ${liveBytes}`,
      );
  }
}

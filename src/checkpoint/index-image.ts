/**
 * What is in an index image: the rows of the index, then the table of structures.
 *
 * Invariants
 *  - blocks of rows come first, each with whole rows as the engine copied them; then blocks of entries; then the end;
 *  - the end counts the bytes of all rows and the entries.
 *
 * The table comes last because where a structure lies is known only after it was written, while rows that wait to be
 * copied cost memory. Described in docs/formats/checkpoint.md. Little-endian; pure.
 */
import type { StructureEntry } from "../engine/capture/capture-face.ts";
import { CHECKPOINT_ID_MAX } from "./names.ts";

export const INDEX_MAGIC = "FERRINDX";
export const KIND_ROWS = 1;
export const KIND_STRUCTURES = 2;

/** More than one row at most (src/engine/index): a buffer with less room is not offered to `copyRows`. */
export const ROW_BYTES_MAX = 8208;
export const STRUCTURE_ENTRY_BYTES = 40;

export function writeStructureEntry(view: DataView, at: number, entry: StructureEntry): void {
  view.setUint32(at, entry.handle, true);
  view.setUint32(at + 4, entry.keyspace, true);
  view.setInt32(at + 8, entry.hashHigh, true);
  view.setInt32(at + 12, entry.hashLow, true);
  view.setBigUint64(at + 16, BigInt(entry.file), true);
  view.setBigUint64(at + 24, BigInt(entry.offset), true);
  view.setBigUint64(at + 32, BigInt(entry.bytes), true);
}

/** The entry at `at`, or what is wrong with it. */
export function readStructureEntry(view: DataView, at: number): StructureEntry | string {
  const word = (offset: number): number => Number(view.getBigUint64(at + offset, true));
  const entry = {
    handle: view.getUint32(at, true),
    keyspace: view.getUint32(at + 4, true),
    hashHigh: view.getInt32(at + 8, true),
    hashLow: view.getInt32(at + 12, true),
    file: word(16),
    offset: word(24),
    bytes: word(32),
  };
  if (entry.file < 1 || entry.file > CHECKPOINT_ID_MAX)
    return `structure ${entry.handle} lies in the values file ${entry.file}, expected 1 to ${CHECKPOINT_ID_MAX}`;
  return entry;
}

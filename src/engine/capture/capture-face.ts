/**
 * What a checkpoint takes from the engine, and what it gives back to an empty one.
 *
 * A capture is the engine at one LSN. Its methods are called between turns, in slices; while it is open the engine goes on
 * and copies what it is about to change first.
 */
import type { ValueCapture } from "../../value/format/value-face.ts";
import type { UnpackedValue } from "../../value/unpacked.ts";

/** Where a structure's bytes are: the values file, by the id of the checkpoint that wrote it, and a range in it. */
export interface StructurePlace {
  readonly file: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface StructureEntry extends StructurePlace {
  readonly handle: number;
  /** The key that owns it: internal keyspace and the halves of its hash, as int32. */
  readonly keyspace: number;
  readonly hashHigh: number;
  readonly hashLow: number;
}

export interface CapturedSegment {
  readonly id: number;
  /** Unique for the life of the data set; ids are used again. */
  readonly birth: number;
  /** In units of 8 bytes, the header's unit included. */
  readonly usedUnits: number;
  readonly deadUnits: number;
  /** True if an earlier checkpoint wrote its file, or it was loaded from one. */
  readonly hasFile: boolean;
}

export interface CapturedStructure {
  readonly handle: number;
  /** To be released by whoever took it. */
  readonly value: ValueCapture;
}

export interface EngineCapture {
  /** Internal keyspace of each logical database. */
  readonly keyspaces: Int32Array;
  /** Of all databases. */
  readonly keys: number;
  readonly nextBirth: number;
  readonly segments: readonly CapturedSegment[];
  /** Memory that is kept for the capture alone, in bytes. */
  readonly retainedBytes: number;
  /**
   * Copies sub-tables that were not copied yet (row format, index/row-format.ts) to `into` from `offset` (both divisible by 4)
   * on, about `rowsMax` of them; answers how many bytes, 0 when none is left. Room for ROW_BYTES_MAX is required.
   */
  copyRows(into: Uint8Array, offset: number, rowsMax: number): number;
  /** The next structure to be written, those first whose capture holds memory; undefined when none is left. */
  nextStructure(): CapturedStructure | undefined;
  structureWritten(handle: number, place: StructurePlace): void;
  /** Every structure of the capture's LSN with its place; only after all of them have been written. */
  structures(): Iterable<StructureEntry>;
  /** The bytes [0, usedUnits * 8) of a segment: they stay as they are until `segmentWritten`, `complete` or `abandon`. */
  segmentBytes(id: number): Uint8Array;
  /** The segment's file is durable, its name too. Holds whether or not the checkpoint is published in the end. */
  segmentWritten(id: number): void;
  /** All of it is published. */
  complete(): void;
  /** It has failed or was given up: what was to be written is to be written by the next one. */
  abandon(): void;
}

/** Fills an empty engine. Everything is checked: FerriteError("corruption") says what was expected and found. */
export interface EngineLoader {
  /** `bytes` is `usedUnits` * 8 long and becomes the engine's. */
  addSegment(segment: {
    readonly id: number;
    readonly birth: number;
    readonly usedUnits: number;
    readonly deadUnits: number;
    readonly bytes: ArrayBuffer;
  }): void;
  /** Rows as `copyRows` wrote them, whole ones; `offset` divisible by 4. */
  addRows(bytes: Uint8Array, offset: number, length: number): void;
  addStructure(entry: StructureEntry, value: UnpackedValue): void;
  /** All is there. */
  finish(totals: { readonly keyspaces: Int32Array; readonly keys: number; readonly nextBirth: number }): void;
}

/**
 * What the engine shows to a checkpoint: its state at one LSN, read in slices while commands go on; and what an empty
 * engine takes back.
 *
 * Types only. The engine owns all memory behind these faces; the checkpoint owns the files.
 */
import type { ValueCapture } from "../../value/format/value-capture.ts";
import type { UnpackedValue } from "../../value/unpacked.ts";

/** Where a structure's bytes are: a values file, by the id of the checkpoint that wrote it, and a range in it. */
export interface StructurePlace {
  readonly file: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface StructureEntry extends StructurePlace {
  readonly handle: number;
  readonly keyspace: number;
  /** The halves of the owner's hash, int32. */
  readonly hashHigh: number;
  readonly hashLow: number;
}

export interface CapturedSegment {
  /** Its number in addresses; given out again after it is free. */
  readonly id: number;
  /** Unique and ascending for the life of the data set. */
  readonly birth: number;
  /** 8-byte units, the header unit included. */
  readonly usedUnits: number;
  readonly deadUnits: number;
  /** True if its file was written by an earlier checkpoint (or it was loaded from one). */
  readonly hasFile: boolean;
}

export interface CapturedStructure {
  readonly handle: number;
  readonly value: ValueCapture;
}

/** The engine at one LSN. Methods are called between turns, from slices of at most about half a millisecond. */
export interface EngineCapture {
  /** Internal keyspace of each logical database. */
  readonly keyspaces: Int32Array;
  /** In all databases, at the LSN. */
  readonly keys: number;
  readonly nextBirth: number;
  readonly segments: readonly CapturedSegment[];
  /** Memory that is kept for the capture alone, in bytes. */
  readonly retainedBytes: number;
  /**
   * Copies sub-tables (row format, src/engine/index/row-format.ts) into [offset, into.length); at most `rowsMax`;
   * answers bytes written, 0 when none is left. Room for ROW_BYTES_MAX (8,208) is required.
   */
  copyRows(into: Uint8Array, offset: number, rowsMax: number): number;
  /**
   * The next structure that has to be written, those that hold copied memory first; undefined when none is left. The
   * caller writes it, then calls `structureWritten`. The engine releases the capture, then or in `abandon`.
   */
  nextStructure(): CapturedStructure | undefined;
  structureWritten(handle: number, place: StructurePlace): void;
  /** Every structure at the LSN with its place; only after all were written. */
  structures(): Iterable<StructureEntry>;
  /** Bytes [0, usedUnits * 8) of a segment, unchanged until segmentWritten or abandon. They may be read by another thread. */
  segmentBytes(id: number): Uint8Array;
  /** The segment's file is durable (synced, its name too): the engine may drop or clean the memory. Independent of publication. */
  segmentWritten(id: number): void;
  /** The manifest is published. */
  complete(): void;
  /** The checkpoint has failed or was given up: everything that was to be written is to be written next time. */
  abandon(): void;
}

export interface LoadedSegment {
  readonly id: number;
  readonly birth: number;
  readonly usedUnits: number;
  readonly deadUnits: number;
  /** usedUnits * 8 bytes; the engine owns them. */
  readonly bytes: ArrayBuffer;
}

export interface LoadedTotals {
  readonly keyspaces: Int32Array;
  readonly keys: number;
  readonly nextBirth: number;
}

/** Fills an empty engine. Every call checks what it is given and throws FerriteError("corruption") with what was expected and found. */
export interface EngineLoader {
  addSegment(segment: LoadedSegment): void;
  /** As `copyRows` wrote them. */
  addRows(bytes: Uint8Array, offset: number, length: number): void;
  addStructure(entry: StructureEntry, value: UnpackedValue): void;
  finish(totals: LoadedTotals): void;
}

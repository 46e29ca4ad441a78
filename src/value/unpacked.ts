/**
 * Collections that are too large to be bytes inside their record, and how a record's encoding number tells.
 *
 * The encoding number of a collection has two parts: what OBJECT ENCODING calls it (the low three bits), and whether
 * the record holds the collection itself or the handle of a structure outside of it (UNPACKED). They are separate,
 * because Redis's names follow element counts while the bound of a record is its size in bytes.
 *
 * Invariant: the numbers below are stored in records and must not change.
 */
import type { ChangeGuard } from "./change-guard.ts";
import type { ValueCapture } from "./format/value-capture.ts";
import type { PieceHeap } from "./heap/piece-heap.ts";

/** "listpack", for all types. */
export const ENCODING_COMPACT = 0;
/** "intset": a set of integers. */
export const ENCODING_INTEGERS = 1;
/** "hashtable", "quicklist" or "skiplist". */
export const ENCODING_LARGE = 2;
/** "listpackex": a compact hash with fields that expire. */
export const ENCODING_COMPACT_EXPIRING = 3;
/** Added to the above: the record's value is the handle (4 bytes, little-endian) of an `UnpackedValue`. */
export const ENCODING_UNPACKED = 8;

/** The bytes of a handle in a record. */
export const HANDLE_BYTES = 4;

/** The part of an encoding number that OBJECT ENCODING tells. */
export function encodingNameOf(encoding: number): number {
  return encoding & 7;
}

/** A packed collection is unpacked when it would be longer than this: an edit moves at most so many bytes. */
export const PACKED_BYTES_MAX = 4096;

/** A structure outside of its record. Its owner is exactly one record; when that dies the structure is released. */
export interface UnpackedValue {
  /** Elements, fields or members. */
  readonly size: number;
  /** Memory outside of the JavaScript heap. */
  readonly memoryBytes: number;
  /** No element's own time is over before this one; Infinity if none has a time. Absent where elements have none. */
  readonly elementsDueMs?: number;
  /** The number that its keeper knows it by, and its record holds; the keeper sets it. */
  handle: number;
  /** Told before the first change of each of its epochs; NO_GUARD until the structure's keeper sets it. */
  guard: ChangeGuard;
  /** The guard's epoch in which the last change was told; the guard and the keeper set it. */
  guardedEpoch: number;
  /** A second structure with the same content, and without a guard. */
  copy(): UnpackedValue;
  /**
   * The content as it is now, to be written at leisure whatever becomes of the structure; it may be released meanwhile.
   * Costs the same for any size. One at a time: the capture before must have been released, or begun to be.
   */
  capture(): ValueCapture;
  /** Frees up to `piecesMax` pieces; true when nothing is left. Nothing else may be called once it has begun. */
  release(piecesMax: number): boolean;
}

/** The data set's seeded hash; the engine's Hasher. */
export interface KeyHasher {
  /** The hash's halves after `hash`, as int32. */
  readonly high: number;
  readonly low: number;
  hash(data: DataView, offset: number, length: number): void;
}

/** Chance, for commands that choose an element by it; the engine's Random. */
export interface ElementRandom {
  /** Uniform in [0, 2^32). */
  uint32(): number;
  /** Uniform in [0, bound); `bound` from 1 to 2^53. */
  below(bound: number): number;
}

/** What structures are made with. */
export interface StructureParts {
  readonly heap: PieceHeap;
  readonly hasher: KeyHasher;
  readonly random: ElementRandom;
}

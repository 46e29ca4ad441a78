/**
 * What ZUNION and its kin read: a sorted set, or a set whose members all have the score 1, in whichever form it is.
 *
 * Invariants: a source is independent of the keyspace's view (a packed value is copied, a structure is read where it is) and
 * valid until the keyspace changes. The element view is valid until the next call of `first` or `next`; `find` leaves it.
 *
 * Made per key and command: these commands read whole collections, beside which an object is little.
 */
import { cloneBytes } from "../base/bytes.ts";
import { type Keyspace, TYPE_SET, TYPE_SORTED_SET } from "../engine/keyspace.ts";
import { findPacked, packedLength, packedNext, packedStart } from "../value/packed.ts";
import { memberCount, PACKED_SET_HEAD_BYTES } from "../value/set/packed-set.ts";
import type { UnpackedSet } from "../value/set/unpacked-set.ts";
import {
  findPackedMember,
  nextPacked,
  PACKED_HEAD_BYTES,
  packedCount,
  packedMemberLength,
  packedMemberOffset,
} from "../value/sorted-set/packed-sorted-set.ts";
import type { UnpackedSortedSet } from "../value/sorted-set/unpacked-sorted-set.ts";

const NO_BYTES = new Uint8Array(0);
/** The score of the members of a set. */
const SET_SCORE = 1;

export interface ScoredSource {
  /** Elements. */
  readonly size: number;
  /** The element that the last successful `first` or `next` met. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly score: number;
  /** Begins a walk over all elements; false if there is none. */
  first(): boolean;
  /** Goes on to the next element; false after the last. */
  next(): boolean;
  /** The score of a member, or NaN. */
  scoreOf(bytes: Uint8Array, offset: number, length: number): number;
}

/** The source for the key that the keyspace's view is on; undefined if it is neither a sorted set nor a set. */
export function scoredSource(keyspace: Keyspace): ScoredSource | undefined {
  const { type } = keyspace;
  if (type !== TYPE_SORTED_SET && type !== TYPE_SET) return undefined;
  const structure = keyspace.unpacked;
  if (structure !== undefined) {
    return type === TYPE_SORTED_SET
      ? new UnpackedSortedSetSource(structure as UnpackedSortedSet)
      : new UnpackedSetSource(structure as UnpackedSet);
  }
  const bytes = cloneBytes(keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength);
  return type === TYPE_SORTED_SET ? new PackedSortedSetSource(bytes) : new PackedSetSource(bytes);
}

/** The source for a key that does not exist. */
export const EMPTY_SOURCE: ScoredSource = {
  size: 0,
  bytes: NO_BYTES,
  offset: 0,
  length: 0,
  score: 0,
  first: () => false,
  next: () => false,
  scoreOf: () => Number.NaN,
};

class PackedSortedSetSource implements ScoredSource {
  readonly bytes: Uint8Array;
  readonly size: number;
  offset = 0;
  length = 0;
  score = 0;
  readonly #data: DataView;
  #at: number = PACKED_HEAD_BYTES;

  /** The bytes are a whole packed value, and stay the source's. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.size = packedCount(bytes, 0);
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  first(): boolean {
    this.#at = PACKED_HEAD_BYTES;
    return this.#show();
  }

  next(): boolean {
    this.#at = nextPacked(this.bytes, this.#at);
    return this.#show();
  }

  #show(): boolean {
    const at = this.#at;
    if (at >= this.bytes.length) return false;
    this.offset = packedMemberOffset(this.bytes, at);
    this.length = packedMemberLength(this.bytes, at);
    this.score = this.#data.getFloat64(at, true);
    return true;
  }

  scoreOf(bytes: Uint8Array, offset: number, length: number): number {
    const at = findPackedMember(this.bytes, 0, this.bytes.length, bytes, offset, length);
    return at < 0 ? Number.NaN : this.#data.getFloat64(at, true);
  }
}

class UnpackedSortedSetSource implements ScoredSource {
  bytes: Uint8Array = NO_BYTES;
  offset = 0;
  length = 0;
  score = 0;
  readonly #structure: UnpackedSortedSet;

  constructor(structure: UnpackedSortedSet) {
    this.#structure = structure;
  }

  get size(): number {
    return this.#structure.size;
  }

  first(): boolean {
    if (this.#structure.size === 0) return false;
    this.#structure.order.seekRank(0);
    return this.#show();
  }

  next(): boolean {
    return this.#structure.order.next() && this.#show();
  }

  #show(): boolean {
    const { order } = this.#structure;
    this.bytes = order.bytes;
    this.offset = order.offset;
    this.length = order.length;
    this.score = order.score;
    return true;
  }

  scoreOf(bytes: Uint8Array, offset: number, length: number): number {
    return this.#structure.scoreOf(bytes, offset, length);
  }
}

class PackedSetSource implements ScoredSource {
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly score = SET_SCORE;
  offset = 0;
  length = 0;
  #at: number = PACKED_SET_HEAD_BYTES;

  /** The bytes are a whole packed value, and stay the source's. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.size = memberCount(bytes, 0);
  }

  first(): boolean {
    this.#at = PACKED_SET_HEAD_BYTES;
    return this.next();
  }

  next(): boolean {
    const at = this.#at;
    if (at >= this.bytes.length) return false;
    this.offset = packedStart(this.bytes, at);
    this.length = packedLength(this.bytes, at);
    this.#at = packedNext(this.bytes, at, this.bytes.length);
    return true;
  }

  scoreOf(bytes: Uint8Array, offset: number, length: number): number {
    const end = this.bytes.length;
    const at = findPacked(this.bytes, PACKED_SET_HEAD_BYTES, end, 1, bytes, offset, length);
    return at < 0 ? Number.NaN : SET_SCORE;
  }
}

class UnpackedSetSource implements ScoredSource {
  readonly score = SET_SCORE;
  bytes: Uint8Array = NO_BYTES;
  offset = 0;
  length = 0;
  readonly #structure: UnpackedSet;

  constructor(structure: UnpackedSet) {
    this.#structure = structure;
  }

  get size(): number {
    return this.#structure.size;
  }

  first(): boolean {
    return this.#structure.dictionary.first() && this.#show();
  }

  next(): boolean {
    return this.#structure.dictionary.next() && this.#show();
  }

  #show(): boolean {
    const { entry } = this.#structure.dictionary;
    this.bytes = entry.bytes;
    this.offset = entry.keyOffset;
    this.length = entry.keyLength;
    return true;
  }

  scoreOf(bytes: Uint8Array, offset: number, length: number): number {
    return this.#structure.dictionary.find(bytes, offset, length) ? SET_SCORE : Number.NaN;
  }
}

/**
 * A lens over one leaf: a piece with the entries of one range of hashes.
 *
 *   word 0  birth (see owned-pieces.ts)
 *   word 1  number of entries
 *   word 2  depth: how many leading bits all its hashes share | distance bits << 8 | 1 << 16 if there may be references
 *   word 3  tail: bytes from the end of the room that are taken by entries, dropped ones included
 *   word 4  bytes of live entries
 *   word 5  room of the piece
 *   word 6  number of entries with an expiry
 *   word 7  slots, growing upwards; entries grow downwards from the end of the room
 *   slot    the lowest `distance bits` bits: the entry's distance from the end of the room; above them a tag: the bits of
 *           the hash from bit (depth & 24) on
 *
 * Invariants: slots and tail do not meet; distances are at most the tail; live bytes are at most the tail.
 *
 * A tag of 20 bits beside the distance makes a probe one comparison of words per entry and a wrong candidate rare; and
 * because it begins at or before the leaf's last bit, a split reads the next bit from the slot instead of hashing the key
 * again. Distances are counted from the end, so they stay when a leaf gets a larger room.
 *
 * Hot-path file: nothing here allocates but the pieces.
 */
import { copyWords, equalWords } from "../../base/word-bytes.ts";
import type { PieceHeap } from "../heap/piece-heap.ts";
import {
  hasExpiryAt,
  hasKeyAt,
  OWN_PIECE_ENTRY,
  REFERENCE_BYTES,
  referenceAt,
  sizeAt,
} from "./entry-format.ts";
import type { OwnedPieces } from "./owned-pieces.ts";

const COUNT = 1;
const SHAPE = 2;
const TAIL = 3;
const LIVE = 4;
const ROOM = 5;
const VOLATILE = 6;
const SLOTS = 7;

/** Bytes of a leaf before its slots. */
export const LEAF_HEAD_BYTES = SLOTS * 4;
/** Bytes that each entry takes beside its own. */
export const SLOT_BYTES = 4;
/** Enough for all leaves but those that grow at the greatest depth. */
const DISTANCE_BITS_MIN = 12;
const DEPTH_MASK = 255;
/** What is shifted by `shape >>> 8` is shifted by the distance bits: shifts look at five bits alone. */
const DISTANCE_BITS_SHIFT = 8;
const DISTANCE_BITS_MASK = 31;
const REFERENCES = 1 << 16;
/** Above this many words two views and memmove beat a loop. */
const COPY_LOOP_WORDS_MAX = 256;
/** Below it a first byte begins an entry with a short key that is not a reference. */
const SHORT_HEAD_MAX = 240;

/** The bits of a hash that slots of a leaf of this depth hold on top. */
export function tagOf(high: number, low: number, depth: number): number {
  const from = depth & 24;
  return from === 0 ? high : (high << from) | (low >>> (32 - from));
}

export class Leaf {
  readonly #heap: PieceHeap;
  piece = 0;
  bytes: Uint8Array = new Uint8Array(0);
  data: DataView = new DataView(new ArrayBuffer(0));
  #words: Int32Array = new Int32Array(0);
  /** First word of the piece. */
  #at = 0;

  constructor(heap: PieceHeap) {
    this.#heap = heap;
  }

  place(piece: number): void {
    const heap = this.#heap;
    this.piece = piece;
    this.bytes = heap.bytesOf(piece);
    this.data = heap.dataOf(piece);
    this.#words = heap.wordsOf(piece);
    this.#at = heap.offsetOf(piece) >>> 2;
  }

  /** Makes an empty leaf with room for `bytes` and places the lens on it. */
  create(pieces: OwnedPieces, bytes: number, depth: number, distanceBitsMin: number): void {
    this.place(pieces.allocate(bytes));
    const room = this.#heap.roomOf(this.piece);
    const distanceBits = Math.max(DISTANCE_BITS_MIN, distanceBitsMin, 32 - Math.clz32(room - 1));
    const words = this.#words;
    const at = this.#at;
    words[at + COUNT] = 0;
    words[at + SHAPE] = depth | (distanceBits << DISTANCE_BITS_SHIFT);
    words[at + TAIL] = 0;
    words[at + LIVE] = 0;
    words[at + ROOM] = room;
    words[at + VOLATILE] = 0;
  }

  get count(): number {
    return this.#words[this.#at + COUNT]!;
  }

  get depth(): number {
    return this.#words[this.#at + SHAPE]! & DEPTH_MASK;
  }

  get distanceBits(): number {
    return (this.#words[this.#at + SHAPE]! >>> DISTANCE_BITS_SHIFT) & DISTANCE_BITS_MASK;
  }

  /** False if no entry is in a piece of its own: whoever frees the leaf need not look. */
  get mayHaveReferences(): boolean {
    return (this.#words[this.#at + SHAPE]! & REFERENCES) !== 0;
  }

  noteReference(): void {
    this.#words[this.#at + SHAPE]! |= REFERENCES;
  }

  get liveBytes(): number {
    return this.#words[this.#at + LIVE]!;
  }

  get room(): number {
    return this.#words[this.#at + ROOM]!;
  }

  get volatileCount(): number {
    return this.#words[this.#at + VOLATILE]!;
  }

  /** Bytes that a leaf needs for what is live in this one. */
  get contentBytes(): number {
    return LEAF_HEAD_BYTES + this.count * SLOT_BYTES + this.liveBytes;
  }

  /** Bytes between the slots and the tail. */
  get gapBytes(): number {
    const words = this.#words;
    const at = this.#at;
    return words[at + ROOM]! - words[at + TAIL]! - LEAF_HEAD_BYTES - words[at + COUNT]! * SLOT_BYTES;
  }

  /** Where the entry or reference of a slot begins in `bytes`. */
  entryAt(slot: number): number {
    const words = this.#words;
    const at = this.#at;
    const distance = words[at + SLOTS + slot]! & ((1 << (words[at + SHAPE]! >>> DISTANCE_BITS_SHIFT)) - 1);
    return (at << 2) + words[at + ROOM]! - distance;
  }

  /** The slot of a key whose hash is (high, low), or -1. */
  search(high: number, low: number, key: DataView, offset: number, length: number): number {
    const words = this.#words;
    const at = this.#at;
    const shape = words[at + SHAPE]!;
    const bits = shape >>> DISTANCE_BITS_SHIFT;
    const wanted = tagOf(high, low, shape & DEPTH_MASK);
    const first = at + SLOTS;
    const end = first + words[at + COUNT]!;
    let i = first;
    // Four per step, because a loop's own cost is that of a comparison.
    for (const blocksEnd = end - 4; i <= blocksEnd; i += 4) {
      if ((words[i]! ^ wanted) >>> bits === 0 && this.#isKeyOf(i, key, offset, length)) return i - first;
      if ((words[i + 1]! ^ wanted) >>> bits === 0 && this.#isKeyOf(i + 1, key, offset, length))
        return i + 1 - first;
      if ((words[i + 2]! ^ wanted) >>> bits === 0 && this.#isKeyOf(i + 2, key, offset, length))
        return i + 2 - first;
      if ((words[i + 3]! ^ wanted) >>> bits === 0 && this.#isKeyOf(i + 3, key, offset, length))
        return i + 3 - first;
    }
    for (; i < end; i++) {
      if ((words[i]! ^ wanted) >>> bits === 0 && this.#isKeyOf(i, key, offset, length)) return i - first;
    }
    return -1;
  }

  /** Adds a slot for `size` bytes, which the gap must hold with the slot, and answers where they are to be written. */
  append(size: number, tag: number, hasExpiry: boolean): number {
    const words = this.#words;
    const at = this.#at;
    const slot = words[at + COUNT]!;
    words[at + COUNT] = slot + 1;
    if (hasExpiry) words[at + VOLATILE]!++;
    return this.#newEntry(slot, size, tag);
  }

  /** Points a slot to `size` new bytes, which the gap must hold; the old ones are dropped. Answers where to write. */
  renew(slot: number, size: number, hasExpiry: boolean): number {
    this.#forget(slot);
    if (hasExpiry) this.#words[this.#at + VOLATILE]!++;
    return this.#newEntry(slot, size, this.#words[this.#at + SLOTS + slot]!);
  }

  /** Notes that the entry of a slot is about to be written again at its place with `size` bytes, at most the old ones. */
  reuse(slot: number, size: number, hasExpiry: boolean): number {
    const words = this.#words;
    const at = this.#at;
    const position = this.entryAt(slot);
    words[at + LIVE]! += size - sizeAt(this.data, position);
    words[at + VOLATILE]! += (hasExpiry ? 1 : 0) - (hasExpiryAt(this.data, position) ? 1 : 0);
    return position;
  }

  /** Removes a slot; the last one takes its number. */
  drop(slot: number): void {
    const words = this.#words;
    const at = this.#at;
    this.#forget(slot);
    const last = words[at + COUNT]! - 1;
    words[at + SLOTS + slot] = words[at + SLOTS + last]!;
    words[at + COUNT] = last;
  }

  /** The slot's word: its tag on top. */
  slotWord(slot: number): number {
    return this.#words[this.#at + SLOTS + slot]!;
  }

  /** Copies everything that is live in `source` here, slot by slot, so slots keep their numbers. This leaf is empty. */
  copyAll(source: Leaf): void {
    if (source.#words[source.#at + TAIL] !== source.#words[source.#at + LIVE]) {
      const count = source.count;
      for (let slot = 0; slot < count; slot++) this.copyEntry(source, slot, source.slotWord(slot));
      return;
    }
    const from = source.#words;
    const to = this.#words;
    const distances = (1 << source.distanceBits) - 1;
    const tags = -(1 << this.distanceBits);
    const count = source.count;
    for (let i = 0; i < count; i++) {
      const word = from[source.#at + SLOTS + i]!;
      to[this.#at + SLOTS + i] = (word & tags) | (word & distances);
    }
    to[this.#at + COUNT] = count;
    to[this.#at + TAIL] = to[this.#at + LIVE] = source.liveBytes;
    to[this.#at + VOLATILE] = source.volatileCount;
    if (source.mayHaveReferences) this.noteReference();
    // Rooms end at multiples of 16, so the tails of both are aligned alike.
    const tailWords = (source.liveBytes + 3) >>> 2;
    copyWordRun(
      to,
      this.#at + (this.room >>> 2) - tailWords,
      from,
      source.#at + (source.room >>> 2) - tailWords,
      tailWords,
    );
  }

  /** Copies one entry of another leaf behind those that are here. */
  copyEntry(source: Leaf, slot: number, tag: number): void {
    const from = source.entryAt(slot);
    const size = sizeAt(source.data, from);
    const to = this.append(size, tag, hasExpiryAt(source.data, from));
    copyWords(this.data, to, source.data, from, size);
    if (size === REFERENCE_BYTES && referenceAt(this.data, to) !== 0) this.noteReference();
  }

  #newEntry(slot: number, size: number, tag: number): number {
    const words = this.#words;
    const at = this.#at;
    const tail = words[at + TAIL]! + size;
    words[at + TAIL] = tail;
    words[at + LIVE]! += size;
    words[at + SLOTS + slot] = (tag & -(1 << (words[at + SHAPE]! >>> DISTANCE_BITS_SHIFT))) | tail;
    return (at << 2) + words[at + ROOM]! - tail;
  }

  /** Takes the entry of a slot out of the counts, and out of the tail if it is the last there. */
  #forget(slot: number): void {
    const words = this.#words;
    const at = this.#at;
    const position = this.entryAt(slot);
    const size = sizeAt(this.data, position);
    words[at + LIVE]! -= size;
    if (hasExpiryAt(this.data, position)) words[at + VOLATILE]!--;
    const end = (at << 2) + words[at + ROOM]!;
    if (end - position === words[at + TAIL]!) words[at + TAIL] = end - position - size;
  }

  /** `word` is the index of the slot's word. */
  #isKeyOf(word: number, key: DataView, offset: number, length: number): boolean {
    const data = this.data;
    const at = this.entryAt(word - this.#at - SLOTS);
    const first = data.getUint8(at);
    // The common case first and here: a short key in the leaf.
    if (first < SHORT_HEAD_MAX)
      return first >>> 1 === length && equalWords(data, at + 1, key, offset, length);
    const piece = referenceAt(data, at);
    if (piece === 0) return hasKeyAt(data, at, key, offset, length);
    const own = this.#heap.offsetOf(piece) + OWN_PIECE_ENTRY;
    return hasKeyAt(this.#heap.dataOf(piece), own, key, offset, length);
  }
}

function copyWordRun(to: Int32Array, toAt: number, from: Int32Array, fromAt: number, count: number): void {
  if (count > COPY_LOOP_WORDS_MAX) {
    to.set(from.subarray(fromAt, fromAt + count), toAt);
    return;
  }
  let i = 0;
  for (const blocksEnd = count - 4; i <= blocksEnd; i += 4) {
    to[toAt + i] = from[fromAt + i]!;
    to[toAt + i + 1] = from[fromAt + i + 1]!;
    to[toAt + i + 2] = from[fromAt + i + 2]!;
    to[toAt + i + 3] = from[fromAt + i + 3]!;
  }
  for (; i < count; i++) to[toAt + i] = from[fromAt + i]!;
}

/**
 * The leaves of one dictionary under their directory: finding them, giving them room, splitting and merging them.
 *
 * Invariants
 *  - A leaf holds at most `leafBytesMax` bytes and `leafEntriesMax` entries, unless it is at the greatest depth.
 *  - Nothing is changed that a capture needs: `makeRoom` and `own` answer with a leaf that may be written.
 *  - A change that throws for want of memory has changed nothing that a reader can see, and keeps no piece.
 *
 * Leaves are as large as their content, to the next size class, and are copied to a larger piece as they grow: slack is
 * some 5 % where fixed rooms, split in two when they are full, would be 31 % empty.
 */
import { assert } from "../../base/assert.ts";
import { FerriteError } from "../../base/errors.ts";
import type { ChangeWatch } from "../change-guard.ts";
import type { PieceHeap } from "../heap/piece-heap.ts";
import { DEPTH_MAX, Directory } from "./directory.ts";
import {
  EntryView,
  hasExpiryAt,
  keyLengthAt,
  keyOffsetAt,
  OWN_PIECE_ENTRY,
  referenceAt,
  sizeAt,
} from "./entry-format.ts";
import { LEAF_HEAD_BYTES, Leaf, SLOT_BYTES, tagOf } from "./leaf.ts";
import { HASH_END, OwnedPieces } from "./owned-pieces.ts";

/** What places an entry: a keyed 64-bit hash over a range of bytes, as two int32. */
export interface KeyHasher {
  /** The upper and lower half of the last hash. */
  readonly high: number;
  readonly low: number;
  hash(data: DataView, offset: number, length: number): void;
}

/** Sizes that are measured choices; tests take small ones to reach every case with few entries. */
export interface DictionaryShape {
  readonly leafBytesMax: number;
  readonly leafEntriesMax: number;
  /** Entries of more bytes than this get a piece of their own. */
  readonly entryBytesMax: number;
  /** log2 of the entries of the widest directory node: 1 to 14. */
  readonly nodeWidthMax: number;
}

export const DICTIONARY_SHAPE: DictionaryShape = {
  leafBytesMax: 2048,
  leafEntriesMax: 96,
  entryBytesMax: 512,
  nodeWidthMax: 12,
};

/** A grown leaf gets this part of its content as spare room, so that not every insertion copies it. */
const SPARE_SHIFT = 3;
/** Siblings merge when together they fill at most this part of a leaf, so that a merged one does not split again soon. */
const MERGE_SHARE = 2;
/** Tags begin at a multiple of eight bits: that of the leaf's depth. */
const TAG_STEP = 24;
const HIGHEST_BIT = 1 << 31;

/** No slot. */
export const NOWHERE = -1;

/** Where the range of a leaf ends: the start of the next one, or HASH_END. */
export function rangeEnd(high: number, depth: number): number {
  return depth === 0 ? HASH_END : ((high >>> (32 - depth)) + 1) * 2 ** (32 - depth);
}

export class LeafStore {
  readonly heap: PieceHeap;
  readonly pieces: OwnedPieces;
  readonly directory: Directory;
  /** To be asked before anything changes. */
  readonly watch: ChangeWatch;
  /** The lens that `locate` places; every other method leaves it on the leaf of its `high`. */
  readonly leaf: Leaf;
  /** What readers of the dictionary see. */
  readonly view = new EntryView();
  /** The slot of the lens's leaf that the view is on, or NOWHERE; and a hash in that leaf. */
  slot = NOWHERE;
  high = 0;
  /** Counts changes, as an int32 that wraps: walks end by it. */
  changes = 0;
  /** Entries, and those with an expiry. */
  size = 0;
  volatileCount = 0;
  readonly #hasher: KeyHasher;
  readonly #shape: DictionaryShape;
  readonly #left: Leaf;
  readonly #right: Leaf;

  constructor(heap: PieceHeap, hasher: KeyHasher, shape: DictionaryShape, watch: ChangeWatch) {
    this.heap = heap;
    this.watch = watch;
    this.pieces = new OwnedPieces(heap);
    this.#hasher = hasher;
    this.#shape = shape;
    this.leaf = new Leaf(heap);
    this.#left = new Leaf(heap);
    this.#right = new Leaf(heap);
    this.leaf.create(this.pieces, LEAF_HEAD_BYTES, 0, 0);
    try {
      this.directory = new Directory(this.pieces, shape.nodeWidthMax, this.leaf.piece);
    } catch (error) {
      this.pieces.discard(this.leaf.piece);
      throw error;
    }
  }

  /** Places the lens on the leaf for `high`. */
  locate(high: number): void {
    this.leaf.place(this.directory.leafFor(high));
  }

  /** Places the view on an entry of the lens's leaf. */
  show(slot: number, high: number): void {
    this.slot = slot;
    this.high = high;
    readEntry(this.heap, this.leaf, slot, this.view);
  }

  /** True if the leaf of the lens takes `size` bytes and a slot as it is. */
  hasRoom(size: number, high: number): boolean {
    const leaf = this.leaf;
    return (
      leaf.gapBytes >= size + SLOT_BYTES &&
      leaf.count < this.#shape.leafEntriesMax &&
      !this.pieces.isNeeded(leaf.piece, high)
    );
  }

  /** Makes `hasRoom` true by splitting, growing or copying the leaf. Slots may change their numbers. */
  makeRoom(size: number, high: number): void {
    const leaf = this.leaf;
    for (;;) {
      const needed = leaf.contentBytes + SLOT_BYTES + size;
      const isFull = needed > this.#shape.leafBytesMax || leaf.count >= this.#shape.leafEntriesMax;
      if (isFull && leaf.count > 1 && leaf.depth < DEPTH_MAX) {
        this.#split(high);
      } else {
        const mustCopy = leaf.gapBytes < size + SLOT_BYTES || this.pieces.isNeeded(leaf.piece, high);
        if (mustCopy) this.#copyTo(needed + (needed >>> SPARE_SHIFT), high);
        return;
      }
    }
  }

  /** Removes an entry; the leaf of the lens must be its own (see `own`). The last slot takes the number. */
  removeSlot(slot: number, high: number): void {
    const leaf = this.leaf;
    const at = leaf.entryAt(slot);
    if (hasExpiryAt(leaf.data, at)) this.volatileCount--;
    this.size--;
    const piece = referenceAt(leaf.data, at);
    leaf.drop(slot);
    if (piece !== 0) this.pieces.dispose(piece, high);
  }

  /** Makes the leaf of the lens one that may be written; slots keep their numbers. */
  own(high: number): void {
    if (this.pieces.isNeeded(this.leaf.piece, high)) this.#copyTo(this.leaf.contentBytes, high);
  }

  /** True if the leaf of the lens should be settled. */
  get isSparse(): boolean {
    return this.leaf.contentBytes * 2 < this.leaf.room || this.leaf.count === 0;
  }

  /**
   * Merges the leaf of the lens with its sibling as long as both are small, and gives it a room of its size. Slots
   * change their numbers. Without memory the leaf stays as it is.
   */
  settle(high: number): void {
    try {
      while (this.#mergeOnce(high)) this.directory.narrow(high);
      const content = this.leaf.contentBytes;
      if (content * 2 < this.leaf.room && this.heap.roomFor(content) < this.leaf.room)
        this.#copyTo(content, high);
    } catch (error) {
      if (!(error instanceof FerriteError) || error.kind !== "unavailable") throw error;
    }
  }

  #copyTo(bytes: number, high: number): void {
    const leaf = this.leaf;
    const copy = this.#left;
    copy.create(this.pieces, bytes, leaf.depth, leaf.distanceBits);
    copy.copyAll(leaf);
    try {
      this.directory.replace(high, leaf.depth, copy.piece);
    } catch (error) {
      this.pieces.discard(copy.piece);
      throw error;
    }
    this.pieces.dispose(leaf.piece, high);
    leaf.place(copy.piece);
  }

  #split(high: number): void {
    const { leaf, pieces } = this;
    const [left, right] = [this.#left, this.#right];
    const depth = leaf.depth;
    const bit = 1 << (31 - (depth & 7));
    assert(leaf.distanceBits <= 31 - (depth & 7), "the tag of a leaf that splits has the bit that tells");
    let rightCount = 0;
    let rightBytes = 0;
    for (let slot = 0; slot < leaf.count; slot++) {
      if ((leaf.slotWord(slot) & bit) === 0) continue;
      rightCount++;
      rightBytes += sizeAt(leaf.data, leaf.entryAt(slot));
    }
    const leftContent =
      LEAF_HEAD_BYTES + (leaf.count - rightCount) * SLOT_BYTES + leaf.liveBytes - rightBytes;
    const rightContent = LEAF_HEAD_BYTES + rightCount * SLOT_BYTES + rightBytes;
    left.create(pieces, leftContent + (leftContent >>> SPARE_SHIFT), depth + 1, leaf.distanceBits);
    try {
      right.create(pieces, rightContent + (rightContent >>> SPARE_SHIFT), depth + 1, leaf.distanceBits);
      try {
        this.directory.split(high, depth, left.piece, right.piece);
      } catch (error) {
        pieces.discard(right.piece);
        throw error;
      }
    } catch (error) {
      pieces.discard(left.piece);
      throw error;
    }
    const rehash = ((depth + 1) & TAG_STEP) !== (depth & TAG_STEP);
    for (let slot = 0; slot < leaf.count; slot++) {
      const target = (leaf.slotWord(slot) & bit) === 0 ? left : right;
      target.copyEntry(leaf, slot, rehash ? this.#hashedTag(leaf, slot, depth + 1) : leaf.slotWord(slot));
    }
    pieces.dispose(leaf.piece, high);
    leaf.place(((high << depth) & HIGHEST_BIT) === 0 ? left.piece : right.piece);
  }

  #mergeOnce(high: number): boolean {
    const { leaf, pieces } = this;
    const depth = leaf.depth;
    if (depth === 0) return false;
    const bit = 1 << (32 - depth);
    const siblingHigh = (high ^ bit) & -bit;
    const sibling = this.#right;
    sibling.place(this.directory.leafFor(siblingHigh));
    if (sibling.depth !== depth) return false;
    const content = leaf.contentBytes + sibling.contentBytes - LEAF_HEAD_BYTES;
    if (content * MERGE_SHARE > this.#shape.leafBytesMax) return false;
    if ((leaf.count + sibling.count) * MERGE_SHARE > this.#shape.leafEntriesMax) return false;
    const merged = this.#left;
    merged.create(pieces, content, depth - 1, Math.max(leaf.distanceBits, sibling.distanceBits));
    this.#addAll(merged, leaf);
    this.#addAll(merged, sibling);
    try {
      this.directory.merge(high, depth, merged.piece);
    } catch (error) {
      pieces.discard(merged.piece);
      throw error;
    }
    pieces.dispose(leaf.piece, high);
    pieces.dispose(sibling.piece, siblingHigh);
    leaf.place(merged.piece);
    return true;
  }

  #addAll(target: Leaf, source: Leaf): void {
    const rehash = (target.depth & TAG_STEP) !== (source.depth & TAG_STEP);
    for (let slot = 0; slot < source.count; slot++) {
      const tag = rehash ? this.#hashedTag(source, slot, target.depth) : source.slotWord(slot);
      target.copyEntry(source, slot, tag);
    }
  }

  /** The tag of an entry for a leaf of this depth, from its key: needed each time that tags begin at another bit. */
  #hashedTag(source: Leaf, slot: number, depth: number): number {
    let data = source.data;
    let at = source.entryAt(slot);
    const piece = referenceAt(data, at);
    if (piece !== 0) {
      data = this.heap.dataOf(piece);
      at = this.heap.offsetOf(piece) + OWN_PIECE_ENTRY;
    }
    this.#hasher.hash(data, keyOffsetAt(data, at), keyLengthAt(data, at));
    return tagOf(this.#hasher.high, this.#hasher.low, depth);
  }
}

/** Places a view on an entry of a leaf, wherever its bytes are. */
export function readEntry(heap: PieceHeap, leaf: Leaf, slot: number, view: EntryView): void {
  const at = leaf.entryAt(slot);
  const piece = referenceAt(leaf.data, at);
  if (piece === 0) view.place(leaf.bytes, leaf.data, at);
  else view.place(heap.bytesOf(piece), heap.dataOf(piece), heap.offsetOf(piece) + OWN_PIECE_ENTRY);
}

/**
 * A place in a tree: the path from the root to one leaf, and one entry of that leaf, whose bytes are the view.
 *
 * Hot-path file: nothing allocates after construction.
 *
 * Invariants
 *  - `slots[level]` is the child of `nodes[level]` that the path follows; level 0 is the lowest, height - 1 the root.
 *  - `index` is from 0 to `leafCount`; at `leafCount` the cursor is behind the leaf's last entry and there is no view.
 *  - The view is valid until its tree changes.
 *
 * A path instead of links between leaves: a link would have to be changed when a neighbour is copied on write, which
 * would copy the neighbour, and so on. Stepping to the next leaf by the path costs about as much as by a link.
 */
import { PieceHeap } from "../heap/piece-heap.ts";
import { entryStart, leafCount, PLAIN_UNIT, recordsOf, scorePlace } from "./leaf.ts";
import { addToCountAt, childAt, countAt, countBetween, nodeSize } from "./node.ts";

/** A tree of 2^31 elements with two children in every node is lower. */
const HEIGHT_MAX = 40;

const NO_HEAP = new PieceHeap();
const NO_BYTES = new Uint8Array(0);
const NO_DATA = new DataView(new ArrayBuffer(0));

export class Cursor {
  /** The tree that uses the cursor. */
  owner: object | undefined = undefined;
  /** When the tree last began to use it: see noteUse. */
  lastUse = 0.5;
  readonly nodes = new Int32Array(HEIGHT_MAX);
  readonly slots = new Int32Array(HEIGHT_MAX);
  height = 0;
  leaf = 0;
  leafCount = 0;
  index = 0;
  /** The memory of the leaf, and where the leaf begins in it. */
  bytes: Uint8Array = NO_BYTES;
  data: DataView = NO_DATA;
  at = 0;
  /** The view: the entry is [offset, offset + length) of `bytes`. */
  offset = 0;
  length = 0;
  /** Bytes of a record of the leaf's table. */
  unit = PLAIN_UNIT;
  #heap: PieceHeap = NO_HEAP;
  #fanOut = 0;
  #table = 0;

  /** Makes the cursor one of `owner`; it is at no place until it is sent to one. */
  serve(owner: object, heap: PieceHeap, fanOut: number, unit: number): void {
    this.owner = owner;
    this.#heap = heap;
    this.#fanOut = fanOut;
    this.unit = unit;
    this.leaf = 0;
  }

  /** Lets go of everything that it refers to. */
  leave(): void {
    this.serve(NO_HEAP, NO_HEAP, 0, PLAIN_UNIT);
    this.bytes = NO_BYTES;
    this.data = NO_DATA;
  }

  /** Goes to element `rank`, below the number of elements of the tree with this root and height. */
  seek(root: number, height: number, rank: number): void {
    const heap = this.#heap;
    const fanOut = this.#fanOut;
    this.height = height;
    let piece = root;
    for (let level = height - 1; level >= 0; level--) {
      const words = heap.wordsOf(piece);
      const at = heap.offsetOf(piece) >>> 2;
      this.nodes[level] = piece;
      let slot = 0;
      let count = countAt(words, at, 0);
      while (rank >= count) {
        rank -= count;
        slot++;
        count = countAt(words, at, slot);
      }
      this.slots[level] = slot;
      piece = childAt(words, at, fanOut, slot);
    }
    this.enterLeaf(piece);
    this.place(rank);
  }

  /** Goes to the first entry of the tree. */
  seekFirst(root: number, height: number): void {
    this.height = height;
    this.descendFirst(root, height);
    this.place(0);
  }

  /** Goes behind the last entry of the tree. */
  seekEnd(root: number, height: number): void {
    this.height = height;
    this.#descendLast(root, height);
    this.index = this.leafCount;
  }

  /** Starts or goes on with a path: the leaf below what `nodes` and `slots` say. */
  enterLeaf(piece: number): void {
    const heap = this.#heap;
    this.leaf = piece;
    this.bytes = heap.bytesOf(piece);
    this.data = heap.dataOf(piece);
    this.at = heap.offsetOf(piece);
    this.reload();
  }

  /** Reads the header of the leaf again, after the leaf was changed. */
  reload(): void {
    this.leafCount = leafCount(this.data, this.at);
    this.#table = recordsOf(this.data, this.at, this.unit);
  }

  /** Places the view on entry `index` of the leaf, below `leafCount`. */
  place(index: number): void {
    this.index = index;
    const table = this.#table;
    if (table === 0) {
      this.offset = entryStart(this.data, this.at, this.unit, 0);
      this.length = entryStart(this.data, this.at, this.unit, 1) - this.offset;
      return;
    }
    const record = table - this.unit * index;
    const start = this.data.getUint16(record, true);
    this.offset = this.at + start;
    this.length = this.data.getUint16(record - this.unit, true) - start;
  }

  /** Score of the view's element, where elements have scores. */
  get score(): number {
    return this.data.getFloat64(scorePlace(this.data, this.at, this.index), true);
  }
  set score(score: number) {
    this.data.setFloat64(scorePlace(this.data, this.at, this.index), score, true);
  }

  /** Score of entry `index` of the leaf. */
  scoreOf(index: number): number {
    return this.data.getFloat64(scorePlace(this.data, this.at, index), true);
  }

  /** Goes to the next element; false, and no change, if there is none. */
  next(): boolean {
    const index = this.index + 1;
    if (index < this.leafCount) {
      this.place(index);
      return true;
    }
    if (!this.nextLeaf()) return false;
    this.place(0);
    return true;
  }

  /** Goes to the previous element; false, and no change, if there is none. */
  previous(): boolean {
    if (this.index > 0) {
      this.place(this.index - 1);
      return true;
    }
    if (!this.previousLeaf()) return false;
    this.place(this.leafCount - 1);
    return true;
  }

  /** Goes to the front of the next leaf, without placing the view; false, and no change, if there is none. */
  nextLeaf(): boolean {
    const heap = this.#heap;
    for (let level = 0; level < this.height; level++) {
      const node = this.nodes[level]!;
      const words = heap.wordsOf(node);
      const at = heap.offsetOf(node) >>> 2;
      const slot = this.slots[level]! + 1;
      if (slot === nodeSize(words, at)) continue;
      this.slots[level] = slot;
      this.descendFirst(childAt(words, at, this.#fanOut, slot), level);
      this.index = 0;
      return true;
    }
    return false;
  }

  /** Goes behind the last entry of the previous leaf, without placing the view; false, and no change, if there is none. */
  previousLeaf(): boolean {
    const heap = this.#heap;
    for (let level = 0; level < this.height; level++) {
      const node = this.nodes[level]!;
      const slot = this.slots[level]! - 1;
      if (slot < 0) continue;
      this.slots[level] = slot;
      const child = childAt(heap.wordsOf(node), heap.offsetOf(node) >>> 2, this.#fanOut, slot);
      this.#descendLast(child, level);
      this.index = this.leafCount;
      return true;
    }
    return false;
  }

  /** True if the leaf is the tree's first. */
  isFirst(): boolean {
    for (let level = 0; level < this.height; level++) if (this.slots[level] !== 0) return false;
    return true;
  }

  /** True if the leaf is the tree's last. */
  isLast(): boolean {
    const heap = this.#heap;
    for (let level = 0; level < this.height; level++) {
      const node = this.nodes[level]!;
      if (this.slots[level] !== nodeSize(heap.wordsOf(node), heap.offsetOf(node) >>> 2) - 1) return false;
    }
    return true;
  }

  /** How many elements are in front of the cursor: some 20 ns for each level. */
  rank(): number {
    const heap = this.#heap;
    let rank = this.index;
    for (let level = 0; level < this.height; level++) {
      const node = this.nodes[level]!;
      rank += countBetween(heap.wordsOf(node), heap.offsetOf(node) >>> 2, 0, this.slots[level]!);
    }
    return rank;
  }

  /** Adds to the counts of the nodes of the path, from `level` up. */
  addToCounts(level: number, change: number): void {
    const heap = this.#heap;
    for (; level < this.height; level++) {
      const node = this.nodes[level]!;
      addToCountAt(heap.wordsOf(node), heap.offsetOf(node) >>> 2, this.slots[level]!, change);
    }
  }

  /** Completes the path below `level`, which goes on with the child `piece`, to the first leaf under that. */
  descendFirst(piece: number, level: number): void {
    const heap = this.#heap;
    for (level--; level >= 0; level--) {
      this.nodes[level] = piece;
      this.slots[level] = 0;
      piece = childAt(heap.wordsOf(piece), heap.offsetOf(piece) >>> 2, this.#fanOut, 0);
    }
    this.enterLeaf(piece);
  }

  #descendLast(piece: number, level: number): void {
    const heap = this.#heap;
    for (level--; level >= 0; level--) {
      const words = heap.wordsOf(piece);
      const at = heap.offsetOf(piece) >>> 2;
      const slot = nodeSize(words, at) - 1;
      this.nodes[level] = piece;
      this.slots[level] = slot;
      piece = childAt(words, at, this.#fanOut, slot);
    }
    this.enterLeaf(piece);
  }
}

/** More walks than a command ever has at a time. */
const CURSORS = 16;
const cursors = Array.from({ length: CURSORS }, () => new Cursor());
/** Uses so far; in an array, where counting beyond small integers allocates nothing. */
const uses = new Float64Array(1);

/** To be called whenever a sequence begins to use its cursor. */
export function noteUse(cursor: Cursor): void {
  cursor.lastUse = ++uses[0]!;
}

/**
 * A cursor for a tree that is used now: the one that was used least recently, so that a million sequences do not keep a
 * path each. The cursor of a sequence is taken away when sixteen others have been used since its own last use.
 */
export function takeCursor(owner: object, heap: PieceHeap, fanOut: number, unit: number): Cursor {
  let oldest = cursors[0]!;
  for (let i = 1; i < CURSORS; i++) if (cursors[i]!.lastUse < oldest.lastUse) oldest = cursors[i]!;
  oldest.serve(owner, heap, fanOut, unit);
  noteUse(oldest);
  return oldest;
}

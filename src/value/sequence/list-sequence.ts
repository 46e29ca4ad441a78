/**
 * The unpacked form of a list: byte strings by position.
 *
 * Hot-path file: nothing allocates on V8's heap but `capture` and `copy`.
 *
 * The view (`bytes`, `offset`, `length`) is one element's bytes. It is valid until the next change of this sequence, and
 * until more than a dozen other sequences have been used; a walk goes on from it. Bytes that are given to a method must
 * not lie in the sequence itself.
 *
 * Errors of kind "unavailable" if there is no memory; the sequence is unchanged then, but for `removeRange`, which may
 * have removed a part.
 */
import { assert } from "../../base/assert.ts";
import { copyBytes } from "../../base/bytes.ts";
import { ListCapture } from "../format/sequence-writer.ts";
import type { ValueCapture } from "../format/value-capture.ts";
import { GuardedValue } from "../guarded-value.ts";
import type { PieceHeap } from "../heap/piece-heap.ts";
import { SequenceCapture } from "./capture.ts";
import type { Cursor } from "./cursor.ts";
import { hasBackRoom, isSingle } from "./leaf.ts";
import { resizeEntry } from "./leaf-edit.ts";
import { LIST_SIZES, SequenceTree, type TreeSizes } from "./tree.ts";
import { copyTree } from "./tree-copy.ts";
import { insertEntry } from "./tree-insert.ts";
import { pushFirst, pushLast } from "./tree-push.ts";
import { removeEntry, removeRange, tidyIfWasteful } from "./tree-remove.ts";
import { verifyTree } from "./verify-tree.ts";

export class ListSequence extends GuardedValue {
  readonly #tree: SequenceTree;

  constructor(heap: PieceHeap, sizes: TreeSizes = LIST_SIZES) {
    super();
    this.#tree = new SequenceTree(heap, sizes, false, this.watch);
  }

  /** Elements. */
  override get size(): number {
    return this.#tree.size;
  }
  /** Memory off the V8 heap, without what a capture holds. */
  override get memoryBytes(): number {
    return this.#tree.memoryBytes;
  }

  get bytes(): Uint8Array {
    return this.#tree.placedCursor.bytes;
  }
  get offset(): number {
    return this.#tree.placedCursor.offset;
  }
  get length(): number {
    return this.#tree.placedCursor.length;
  }
  /** The view's place, for walks that read entries leaf by leaf; to be moved, not to be kept. */
  get place(): Cursor {
    return this.#tree.placedCursor;
  }
  /** Position of the view, from 0; found by adding up, some 50 ns. */
  get index(): number {
    return this.#tree.placedCursor.rank();
  }

  /** Puts an element in front of the first one; no view afterwards. */
  pushFirst(bytes: Uint8Array, offset: number, length: number): void {
    pushFirst(this.#tree, bytes, offset, length);
  }

  /** Puts an element behind the last one; no view afterwards. */
  pushLast(bytes: Uint8Array, offset: number, length: number): void {
    pushLast(this.#tree, bytes, offset, length);
  }

  /** Removes the first element; there is one. No view afterwards. */
  popFirst(): void {
    this.seekFirst();
    removeEntry(this.#tree, this.#tree.cursor);
  }

  /** Removes the last element; there is one. No view afterwards. */
  popLast(): void {
    this.seekLast();
    removeEntry(this.#tree, this.#tree.cursor);
  }

  /** Places the view on the first element; there is one. */
  seekFirst(): void {
    const tree = this.#tree;
    assert(tree.size > 0, "an empty list has no first element");
    tree.cursor.seekFirst(tree.root, tree.height);
  }

  /** Places the view on the last element; there is one. */
  seekLast(): void {
    const tree = this.#tree;
    assert(tree.size > 0, "an empty list has no last element");
    const cursor = tree.cursor;
    cursor.seekEnd(tree.root, tree.height);
    cursor.place(cursor.leafCount - 1);
  }

  /** Places the view on element `index`, from 0 to size - 1. */
  seek(index: number): void {
    const tree = this.#tree;
    assert(index >= 0 && index < tree.size, "a list is read within its size");
    tree.cursor.seek(tree.root, tree.height, index);
  }

  /** Moves the view on by one; false, and no change, if it was on the last element. */
  next(): boolean {
    return this.#tree.placedCursor.next();
  }

  /** Moves the view back by one; false, and no change, if it was on the first element. */
  previous(): boolean {
    return this.#tree.placedCursor.previous();
  }

  /** Puts an element in front of the view's, and the view on it. */
  insertBefore(bytes: Uint8Array, offset: number, length: number): void {
    this.#insert(this.#tree.placedCursor, bytes, offset, length);
  }

  /** Puts an element behind the view's, and the view on it. */
  insertAfter(bytes: Uint8Array, offset: number, length: number): void {
    const cursor = this.#tree.placedCursor;
    cursor.index++;
    this.#insert(cursor, bytes, offset, length);
  }

  /** Removes the view's element; the view is on the next one then: false if there is none, and so no view. */
  removeAt(): boolean {
    return removeEntry(this.#tree, this.#tree.placedCursor);
  }

  /** Gives the view's element other bytes; the view stays on it. */
  replace(bytes: Uint8Array, offset: number, length: number): void {
    const tree = this.#tree;
    const cursor = tree.placedCursor;
    tree.own(cursor);
    const growth = length - cursor.length;
    if (growth !== 0) {
      if (isSingle(cursor.data, cursor.at) || !hasRoomFor(cursor, growth)) {
        this.#exchange(cursor, bytes, offset, length);
        return;
      }
      resizeEntry(cursor.data, cursor.bytes, cursor.at, cursor.unit, cursor.index, growth);
      cursor.place(cursor.index);
    }
    copyBytes(cursor.bytes, cursor.offset, bytes, offset, length);
    if (growth < 0) tidyIfWasteful(tree, cursor);
  }

  /** Removes elements [start, start + count), which are within the size; no view afterwards. */
  removeRange(start: number, count: number): void {
    const tree = this.#tree;
    assert(start >= 0 && count >= 0 && start + count <= tree.size, "a range of a list is within its size");
    removeRange(tree, tree.cursor, start, count);
  }

  override capture(): ValueCapture {
    return new ListCapture(this.captureLeaves());
  }

  /** The list as it is now, to be read at leisure, leaf by leaf. It and `capture` are one at a time together. */
  captureLeaves(): SequenceCapture {
    return new SequenceCapture(this.#tree);
  }

  /** A second list with the same elements, on the same heap, whose rooms fit them. */
  override copy(): ListSequence {
    const copy = new ListSequence(this.#tree.heap, this.#tree);
    copyTree(this.#tree, copy.#tree);
    return copy;
  }

  override release(piecesMax: number): boolean {
    return this.#tree.release(piecesMax);
  }

  /** Throws AssertionBroken if the structure is not whole; visits everything. */
  verify(): void {
    verifyTree(this.#tree);
  }

  #insert(cursor: Cursor, bytes: Uint8Array, offset: number, length: number): void {
    insertEntry(this.#tree, cursor, length, 0);
    copyBytes(cursor.bytes, cursor.offset, bytes, offset, length);
  }

  /** The new element is put in before the old one is taken out, so that nothing is lost if there is no memory. */
  #exchange(cursor: Cursor, bytes: Uint8Array, offset: number, length: number): void {
    const index = cursor.rank();
    this.#insert(cursor, bytes, offset, length);
    cursor.next();
    removeEntry(this.#tree, cursor);
    this.seek(index);
  }
}

function hasRoomFor(cursor: Cursor, growth: number): boolean {
  // `hasBackRoom` counts a record, too, which an element that is there already does not need.
  return growth < 0 || hasBackRoom(cursor.data, cursor.at, cursor.unit, growth - cursor.unit);
}

/**
 * The order of an unpacked sorted set: members with scores, by score and then by the members' bytes.
 *
 * Hot-path file: nothing allocates on V8's heap but `capture` and `copy`.
 *
 * Invariants: (score, member) is there at most once; a score is never NaN; -0 and 0 are the same place, and the sign is
 * kept. That a member is there only once, with one score, is for its owner to know, who has a dictionary of members.
 *
 * The view (`bytes`, `offset`, `length`, `score`) is one member and its score. It is valid until the next change of this
 * sequence, and until more than a dozen other sequences have been used; a walk goes on from it. Bytes that are given to a
 * method must not lie in the sequence itself.
 *
 * Errors of kind "unavailable" if there is no memory; the sequence is unchanged then, but for `removeRange`, which may
 * have removed a part.
 */
import { assert } from "../../base/assert.ts";
import { compareBytes, copyBytes } from "../../base/bytes.ts";
import { type ChangeWatch, UNWATCHED } from "../change-guard.ts";
import type { PieceHeap } from "../heap/piece-heap.ts";
import { SequenceCapture } from "./capture.ts";
import type { Cursor } from "./cursor.ts";
import { seekEntry, seekScore, settleView, staysInPlace } from "./score-search.ts";
import { SequenceTree, TREE_SIZES, type TreeSizes } from "./tree.ts";
import { copyTree } from "./tree-copy.ts";
import { insertEntry } from "./tree-insert.ts";
import { removeEntry, removeRange, takeEntryLightly } from "./tree-remove.ts";
import { verifyTree } from "./verify-tree.ts";

export class ScoreSequence {
  readonly #tree: SequenceTree;

  /** `watch` is the owner's; `sizes` are for tests. */
  constructor(heap: PieceHeap, sizes: TreeSizes = TREE_SIZES, watch: ChangeWatch = UNWATCHED) {
    this.#tree = new SequenceTree(heap, sizes, true, watch);
  }

  /** Members. */
  get size(): number {
    return this.#tree.size;
  }
  /** Memory off the V8 heap, without what a capture holds. */
  get memoryBytes(): number {
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
  get score(): number {
    return this.#tree.placedCursor.score;
  }
  /** Rank of the view, from 0; found by adding up, some 50 ns. */
  get index(): number {
    return this.#tree.placedCursor.rank();
  }

  /** Puts in a member that is not there with this score, and the view on it. */
  insert(score: number, member: Uint8Array, offset: number, length: number): void {
    assert(!Number.isNaN(score), "a score is a number");
    const tree = this.#tree;
    const cursor = tree.cursor;
    if (tree.size > 0) {
      const found = seekEntry(tree, cursor, score, member, offset, length);
      assert(!found, "a member is put into an order once");
    }
    this.#write(cursor, score, member, offset, length);
  }

  /** Puts in a member that comes after all others, and the view on it: faster than `insert`. */
  append(score: number, member: Uint8Array, offset: number, length: number): void {
    const ascends = this.tryAppend(score, member, offset, length);
    assert(ascends, "members are appended in order");
  }

  /** The same for one that may not come after all others: then false, with nothing done. */
  tryAppend(score: number, member: Uint8Array, offset: number, length: number): boolean {
    assert(!Number.isNaN(score), "a score is a number");
    const tree = this.#tree;
    const cursor = tree.cursor;
    if (tree.size > 0) {
      cursor.seekEnd(tree.root, tree.height);
      cursor.place(cursor.leafCount - 1);
      const last = this.score;
      const ascends = score > last || (score === last && this.#compareMember(member, offset, length) < 0);
      if (!ascends) return false;
      cursor.index++;
    }
    this.#write(cursor, score, member, offset, length);
    return true;
  }

  /** Removes a member, which is there with this score; no view afterwards. */
  remove(score: number, member: Uint8Array, offset: number, length: number): void {
    removeEntry(this.#tree, this.#find(score, member, offset, length));
  }

  /** Gives a member, which is there with `oldScore`, another score; no view afterwards. */
  change(oldScore: number, member: Uint8Array, offset: number, length: number, newScore: number): void {
    assert(!Number.isNaN(newScore), "a score is a number");
    const tree = this.#tree;
    const cursor = this.#find(oldScore, member, offset, length);
    if (staysInPlace(cursor, newScore)) {
      tree.own(cursor);
      cursor.score = newScore;
      return;
    }
    if (takeEntryLightly(tree, cursor)) {
      try {
        this.insert(newScore, member, offset, length);
      } catch (error) {
        // Its place is still free.
        this.insert(oldScore, member, offset, length);
        throw error;
      }
      return;
    }
    // In this order nothing is lost if there is no memory.
    this.insert(newScore, member, offset, length);
    this.remove(oldScore, member, offset, length);
  }

  /** How many come before a member, which is there with this score. The view is on it. */
  rankOf(score: number, member: Uint8Array, offset: number, length: number): number {
    return this.#find(score, member, offset, length).rank();
  }

  /** Places the view on the member with this rank, from 0 to size - 1. */
  seekRank(rank: number): void {
    const tree = this.#tree;
    assert(rank >= 0 && rank < tree.size, "a rank is below the size");
    tree.cursor.seek(tree.root, tree.height, rank);
  }

  /**
   * Places the view on the first member with a score of at least `score` (`exclusive`: above it), and answers its rank.
   * The size is answered if there is none; then `previous` goes to the last member.
   */
  seekScore(score: number, exclusive: boolean): number {
    const tree = this.#tree;
    const cursor = tree.cursor;
    if (tree.size === 0) return 0;
    seekScore(tree, cursor, score, exclusive);
    return cursor.rank();
  }

  /**
   * The same by the member's bytes, where all members have one score; where they have not, among those with the lowest
   * score. Answers the rank of the first member that is not before (`exclusive`: that is after) the given one.
   */
  seekLex(member: Uint8Array, offset: number, length: number, exclusive: boolean): number {
    const tree = this.#tree;
    const cursor = tree.cursor;
    if (tree.size === 0) return 0;
    cursor.seekFirst(tree.root, tree.height);
    const found = seekEntry(tree, cursor, this.score, member, offset, length);
    if (found && exclusive) cursor.index++;
    settleView(cursor);
    return cursor.rank();
  }

  /** How many have a score below `score`, or at most `score` (`inclusive`). No view afterwards. */
  countLess(score: number, inclusive: boolean): number {
    return this.seekScore(score, inclusive);
  }

  /** Moves the view on by one; false, and no change, if there is no other member. */
  next(): boolean {
    return this.#tree.placedCursor.next();
  }

  /** Moves the view back by one; false, and no change, if it was on the first member. */
  previous(): boolean {
    return this.#tree.placedCursor.previous();
  }

  /**
   * Removes the members with ranks [start, start + count), which are within the size; no view afterwards. Before that
   * `onRemoved` is called for each of them with the view on it; it must not use this sequence in another way.
   */
  removeRange(start: number, count: number, onRemoved?: () => void): void {
    const tree = this.#tree;
    assert(start >= 0 && count >= 0 && start + count <= tree.size, "a range of ranks is below the size");
    const cursor = tree.cursor;
    if (onRemoved !== undefined && count > 0) {
      cursor.seek(tree.root, tree.height, start);
      for (let left = count; left > 0; left--, cursor.next()) onRemoved();
    }
    removeRange(tree, cursor, start, count);
  }

  /** The order as it is now, to be read at leisure. There is at most one at a time. */
  capture(): SequenceCapture {
    return new SequenceCapture(this.#tree);
  }

  /** A second sequence with the same members, on the same heap, whose rooms fit them. */
  copy(watch: ChangeWatch = UNWATCHED): ScoreSequence {
    const copy = new ScoreSequence(this.#tree.heap, this.#tree, watch);
    copyTree(this.#tree, copy.#tree);
    return copy;
  }

  release(piecesMax: number): boolean {
    return this.#tree.release(piecesMax);
  }

  /** Throws AssertionBroken if the structure is not whole; visits everything. */
  verify(): void {
    verifyTree(this.#tree);
  }

  #find(score: number, member: Uint8Array, offset: number, length: number): Cursor {
    const tree = this.#tree;
    const cursor = tree.cursor;
    const found = tree.size > 0 && seekEntry(tree, cursor, score, member, offset, length);
    assert(found, "a member is in its order");
    return cursor;
  }

  #write(cursor: Cursor, score: number, member: Uint8Array, offset: number, length: number): void {
    insertEntry(this.#tree, cursor, length, score);
    copyBytes(cursor.bytes, cursor.offset, member, offset, length);
  }

  /** The order of the view's member and another one. */
  #compareMember(member: Uint8Array, offset: number, length: number): number {
    return compareBytes(this.bytes, this.offset, this.length, member, offset, length);
  }
}

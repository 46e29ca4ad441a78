/**
 * The unpacked form of sorted sets: members with their scores in a dictionary, and the order of both in a sequence.
 *
 * Invariants
 *  - Both structures have the same elements: each member of one score in the dictionary is in the sequence with that score.
 *  - An error of kind "unavailable" (no memory) leaves both as they were.
 *
 * Two structures with a copy of each member, because both questions have to be answered in little time: what is the score
 * of a member, and which elements stand where. One with references into the other would have to follow each move of a
 * piece.
 *
 * Hot-path file: nothing here allocates.
 */
import { assert } from "../../base/assert.ts";
import { Dictionary } from "../dictionary/dictionary.ts";
import { DICTIONARY_SHAPE } from "../dictionary/leaf-store.ts";
import { SortedSetCapture } from "../format/sequence-writer.ts";
import type { ValueCapture } from "../format/value-capture.ts";
import { GuardedValue } from "../guarded-value.ts";
import { ScoreSequence } from "../sequence/score-sequence.ts";
import { TREE_SIZES } from "../sequence/tree.ts";
import type { StructureParts } from "../unpacked.ts";

const SCORE_BYTES = 8;
const NO_EXPIRY = -1;

// The value of a dictionary's entry on its way in.
const scoreBytes = new Uint8Array(SCORE_BYTES);
const scoreData = new DataView(scoreBytes.buffer);

export class UnpackedSortedSet extends GuardedValue {
  /** Member to score; to be read only. */
  readonly members: Dictionary;
  /** To be read only. */
  readonly order: ScoreSequence;
  readonly #parts: StructureParts;
  #membersAreGone = false;

  /** An empty one, or one that begins with a copy of an order, whose members are put into the dictionary next. */
  constructor(parts: StructureParts, order?: ScoreSequence) {
    super();
    this.#parts = parts;
    this.members = new Dictionary(parts.heap, parts.hasher, DICTIONARY_SHAPE, this.watch);
    try {
      this.order = order?.copy(this.watch) ?? new ScoreSequence(parts.heap, TREE_SIZES, this.watch);
    } catch (error) {
      this.members.release(Number.POSITIVE_INFINITY);
      throw error;
    }
  }

  override get size(): number {
    return this.members.size;
  }

  override get memoryBytes(): number {
    return this.members.memoryBytes + this.order.memoryBytes;
  }

  /** The score, or NaN if the member is absent. */
  scoreOf(bytes: Uint8Array, offset: number, length: number): number {
    if (!this.members.find(bytes, offset, length)) return Number.NaN;
    const { entry } = this.members;
    return entry.data.getFloat64(entry.valueOffset, true);
  }

  /** Adds a member that is absent. The range must lie outside of this structure. */
  add(bytes: Uint8Array, offset: number, length: number, score: number): void {
    scoreData.setFloat64(0, score, true);
    this.members.put(bytes, offset, length, scoreBytes, 0, SCORE_BYTES, NO_EXPIRY);
    try {
      this.order.insert(score, bytes, offset, length);
    } catch (error) {
      this.members.remove(bytes, offset, length);
      throw error;
    }
  }

  /** As `add`, for a member behind all that are here: faster, and without slack. */
  append(bytes: Uint8Array, offset: number, length: number, score: number): void {
    scoreData.setFloat64(0, score, true);
    this.members.put(bytes, offset, length, scoreBytes, 0, SCORE_BYTES, NO_EXPIRY);
    try {
      this.order.append(score, bytes, offset, length);
    } catch (error) {
      this.members.remove(bytes, offset, length);
      throw error;
    }
  }

  /**
   * As `append`, for an element that nobody has checked. False if it is not behind all that are here, or if its member
   * is here: the set is of no more use then, and to be released.
   */
  tryAppend(bytes: Uint8Array, offset: number, length: number, score: number): boolean {
    if (!this.order.tryAppend(score, bytes, offset, length)) return false;
    scoreData.setFloat64(0, score, true);
    return this.members.put(bytes, offset, length, scoreBytes, 0, SCORE_BYTES, NO_EXPIRY);
  }

  /** Gives a member that `scoreOf` has just been asked about another score. `present` is its score. */
  rescore(bytes: Uint8Array, offset: number, length: number, present: number, score: number): void {
    this.#overwrite(score);
    try {
      this.order.change(present, bytes, offset, length, score);
    } catch (error) {
      this.#overwrite(present);
      throw error;
    }
  }

  #overwrite(score: number): void {
    scoreData.setFloat64(0, score, true);
    this.members.overwriteValue(scoreBytes, 0, SCORE_BYTES);
  }

  /** Removes a member that `scoreOf` has just been asked about. `score` is its score; the range as for `add`. */
  remove(bytes: Uint8Array, offset: number, length: number, score: number): void {
    this.order.remove(score, bytes, offset, length);
    this.members.removeEntry();
  }

  /** Removes `count` elements from `rank` on. */
  removeRange(rank: number, count: number): void {
    this.order.removeRange(rank, count, this.#forget);
    assert(this.order.size === this.members.size, "a sorted set's dictionary and sequence are of one size");
  }

  readonly #forget = (): void => {
    const { bytes, offset, length } = this.order;
    this.members.remove(bytes, offset, length);
  };

  override copy(): UnpackedSortedSet {
    const { members } = this;
    const copy = new UnpackedSortedSet(this.#parts, this.order);
    for (let more = members.first(); more; more = members.next()) {
      const { bytes, keyOffset, keyLength, valueOffset } = members.entry;
      copy.members.put(bytes, keyOffset, keyLength, bytes, valueOffset, SCORE_BYTES, NO_EXPIRY);
    }
    return copy;
  }

  override capture(): ValueCapture {
    return new SortedSetCapture(this.order.capture());
  }

  override release(piecesMax: number): boolean {
    // One after the other, so that a step frees no more than it may.
    if (!this.#membersAreGone) {
      this.#membersAreGone = this.members.release(piecesMax);
      return false;
    }
    return this.order.release(piecesMax);
  }
}

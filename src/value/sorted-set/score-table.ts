/**
 * Members with scores that a command collects before it answers or stores them: the results of ZUNION and its kin, and of
 * ranges that are stored.
 *
 * Invariants
 *  - Members are distinct: whoever appends one has looked for it with `find`, or knows that it is new.
 *  - `find` answers only what was appended since `clear` was told that there would be lookups.
 *  - Between commands at most KEPT_BYTES of memory are kept.
 *
 * Flat arrays that are sorted once at the end, instead of a structure that is sorted at any time: most results are small,
 * and are gone with the reply.
 *
 * Hot-path file: but for growing arrays, and for sorting what does not come in order, nothing is allocated.
 */
import { assert } from "../../base/assert.ts";
import { compareBytes, copyBytes, equalBytes } from "../../base/bytes.ts";
import { SourceView } from "../../base/word-bytes.ts";
import type { KeyHasher } from "../unpacked.ts";

const INITIAL_BYTES = 8192;
const INITIAL_ELEMENTS = 256;
const KEPT_BYTES = 256 * 1024;
const KEPT_ELEMENTS = 8192;
const NOBODY = -1;
/** Offsets are 32 bits. */
const BYTES_MAX = 2 ** 32 - 1;

export class ScoreTable {
  /** Elements. */
  count = 0;
  /** Bytes of the longest member. */
  longest = 0;
  bytes = new Uint8Array(INITIAL_BYTES);
  scores = new Float64Array(INITIAL_ELEMENTS);
  #starts = new Uint32Array(INITIAL_ELEMENTS + 1);
  /** Element numbers from the first to the last, once `sort` was called. */
  #order = new Int32Array(INITIAL_ELEMENTS);
  #isSorted = true;
  #hasher: KeyHasher | undefined;
  #hashes = new Int32Array(INITIAL_ELEMENTS);
  /** Open addressing, at most half full. */
  #slots = new Int32Array(INITIAL_ELEMENTS * 2);
  readonly #source = new SourceView();

  /** Forgets everything. With a hasher `find` may be used from now on. */
  clear(hasher?: KeyHasher): void {
    this.count = 0;
    this.longest = 0;
    this.#isSorted = true;
    this.#hasher = hasher;
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(INITIAL_BYTES);
    if (this.scores.length > KEPT_ELEMENTS) this.#resize(INITIAL_ELEMENTS);
    if (hasher === undefined) return;
    if (this.#slots.length > KEPT_ELEMENTS * 2) this.#slots = new Int32Array(INITIAL_ELEMENTS * 2);
    this.#slots.fill(NOBODY);
  }

  /** Bytes of all members. */
  get memberBytes(): number {
    return this.#starts[this.count]!;
  }

  /** The number of the element with this member, or -1. */
  find(bytes: Uint8Array, offset: number, length: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = this.#hash(bytes, offset, length);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const element = slots[slot]!;
      if (element === NOBODY) return NOBODY;
      if (this.#hashes[element] !== hash) continue;
      const start = this.#starts[element]!;
      if (this.#starts[element + 1]! - start !== length) continue;
      if (equalBytes(this.bytes, start, bytes, offset, length)) return element;
    }
  }

  /** Adds an element with a member that is not there; the range lies outside of the table. */
  append(bytes: Uint8Array, offset: number, length: number, score: number): void {
    const element = this.count;
    const start = this.#starts[element]!;
    assert(start + length <= BYTES_MAX, "the members of one result have more than 4 GiB");
    if (start + length > this.bytes.length) this.#growBytes(start + length);
    if (element === this.scores.length) this.#resize(element * 2);
    copyBytes(this.bytes, start, bytes, offset, length);
    this.#starts[element + 1] = start + length;
    this.scores[element] = score;
    this.count = element + 1;
    if (length > this.longest) this.longest = length;
    if (this.#isSorted && element > 0 && this.#compare(element - 1, element) > 0) this.#isSorted = false;
    if (this.#hasher !== undefined) this.#enter(element, this.#hash(bytes, offset, length));
  }

  /** Gives an element another score. */
  rescore(element: number, score: number): void {
    this.scores[element] = score;
    this.#isSorted = false;
  }

  /** To be called after the last element, before `at`. */
  sort(): void {
    const { count } = this;
    const order = this.#order;
    for (let i = 0; i < count; i++) order[i] = i;
    if (!this.#isSorted) order.subarray(0, count).sort((a, b) => this.#compare(a, b));
  }

  /** The number of the element at a rank; its score is `scores[number]`. */
  at(rank: number): number {
    return this.#order[rank]!;
  }

  /** Where the member of an element begins in `bytes`, and its length. */
  offsetOf(element: number): number {
    return this.#starts[element]!;
  }
  lengthOf(element: number): number {
    return this.#starts[element + 1]! - this.#starts[element]!;
  }

  #compare(a: number, b: number): number {
    const difference = this.scores[a]! - this.scores[b]!;
    if (difference < 0 || difference > 0) return difference;
    // Two infinities of one sign differ by NaN, and are equal.
    if (this.scores[a] !== this.scores[b]) return this.scores[a]! < this.scores[b]! ? -1 : 1;
    const starts = this.#starts;
    return compareBytes(
      this.bytes,
      starts[a]!,
      starts[a + 1]! - starts[a]!,
      this.bytes,
      starts[b]!,
      starts[b + 1]! - starts[b]!,
    );
  }

  #hash(bytes: Uint8Array, offset: number, length: number): number {
    const hasher = this.#hasher!;
    hasher.hash(this.#source.of(bytes), offset, length);
    return hasher.low;
  }

  #enter(element: number, hash: number): void {
    this.#hashes[element] = hash;
    if (this.count * 2 <= this.#slots.length) {
      this.#link(element, hash);
      return;
    }
    this.#slots = new Int32Array(this.#slots.length * 2).fill(NOBODY);
    for (let i = 0; i < this.count; i++) this.#link(i, this.#hashes[i]!);
  }

  #link(element: number, hash: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== NOBODY) slot = (slot + 1) & mask;
    slots[slot] = element;
  }

  #growBytes(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, Math.min(BYTES_MAX, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.#starts[this.count]!));
    this.bytes = grown;
  }

  #resize(elements: number): void {
    const { count } = this;
    const scores = new Float64Array(elements);
    const starts = new Uint32Array(elements + 1);
    const hashes = new Int32Array(elements);
    scores.set(this.scores.subarray(0, count));
    starts.set(this.#starts.subarray(0, count + 1));
    hashes.set(this.#hashes.subarray(0, count));
    this.scores = scores;
    this.#starts = starts;
    this.#hashes = hashes;
    this.#order = new Int32Array(elements);
  }
}

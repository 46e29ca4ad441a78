/**
 * The unpacked form of hashes, sets and a sorted set's members: bytes to bytes with an optional expiry, off the V8 heap.
 *
 * Invariants
 *  - Entries are in leaves by the upper half of their hash; leaves are in hash order, entries within a leaf in none.
 *  - `entry` describes what the last successful find, put, random, first or next met, until the next call of any
 *    method; the bytes it names belong to the dictionary and may be read only.
 *  - While a capture exists every piece that it needs stays as it is (see owned-pieces.ts).
 *  - An error of kind "unavailable" (no memory) leaves the dictionary as it was.
 *  - Nothing changes before the owner's watch was asked (see change-guard.ts).
 *
 * Extendible hashing instead of a table of slots with entries elsewhere: an entry and its slot are in one piece, so a
 * lookup waits for memory twice, growth moves 2 KiB at a time, and hash order, cursors and captures come with it.
 *
 * Hot-path file: find, put, overwriteValue and remove allocate nothing on the V8 heap for ranges of up to 192 bytes from
 * the same buffers as last time (a view per other buffer or longer range). See bench/micro/dictionary.mjs.
 */
import { assert } from "../../base/assert.ts";
import { copyWords, SourceView } from "../../base/word-bytes.ts";
import { type ChangeWatch, UNWATCHED } from "../change-guard.ts";
import type { PieceHeap } from "../heap/piece-heap.ts";
import { DictionaryCapture } from "./dictionary-capture.ts";
import {
  type DictionaryEntry,
  EXPIRY_BYTES,
  EXPIRY_MS_MAX,
  entryBytes,
  hasExpiryAt,
  NO_EXPIRY,
  OWN_PIECE_ENTRY,
  REFERENCE_BYTES,
  referenceAt,
  sizeAt,
  writeEntry,
  writeExpiry,
  writeReference,
} from "./entry-format.ts";
import { tagOf } from "./leaf.ts";
import { DICTIONARY_SHAPE, type DictionaryShape, type KeyHasher, LeafStore, NOWHERE } from "./leaf-store.ts";
import { TearDown } from "./tear-down.ts";
import { Visits } from "./visits.ts";

/** A piece of its own is written again in place while it is at most this many times too large. */
const REUSE_SHARE = 2;
/** Key and value of an entry that gets or loses its expiry pass through a buffer; larger ones are not kept. */
const SCRATCH_BYTES_MAX = 4096;

export class Dictionary {
  readonly #store: LeafStore;
  readonly #hasher: KeyHasher;
  readonly #entryBytesMax: number;
  readonly #visits: Visits;
  readonly #keys = new SourceView();
  readonly #values = new SourceView();
  #scratch = new Uint8Array(0);
  #tearDown: TearDown | undefined;

  /** Error of kind "unavailable" without memory. `watch` is the owner's; `shape` is for tests and measurements. */
  constructor(
    heap: PieceHeap,
    hasher: KeyHasher,
    shape: DictionaryShape = DICTIONARY_SHAPE,
    watch: ChangeWatch = UNWATCHED,
  ) {
    this.#hasher = hasher;
    this.#entryBytesMax = shape.entryBytesMax;
    this.#store = new LeafStore(heap, hasher, shape, watch);
    this.#visits = new Visits(this.#store);
  }

  get size(): number {
    return this.#store.size;
  }

  /** Entries that have an expiry. */
  get volatileCount(): number {
    return this.#store.volatileCount;
  }

  /** Rooms of all its pieces, directory included; without those that only a capture still needs. */
  get memoryBytes(): number {
    return this.#store.pieces.memoryBytes;
  }

  /** The entry that the last call met; always the same object. */
  get entry(): DictionaryEntry {
    return this.#store.view;
  }

  /** True if the key is there: `entry` is on it then. Expiries are the caller's to judge. */
  find(key: Uint8Array, offset: number, length: number): boolean {
    const data = this.#keys.of(key);
    const hasher = this.#hasher;
    hasher.hash(data, offset, length);
    const high = hasher.high;
    const store = this.#store;
    store.locate(high);
    const slot = store.leaf.search(high, hasher.low, data, offset, length);
    store.slot = slot;
    if (slot < 0) return false;
    store.show(slot, high);
    return true;
  }

  /**
   * Inserts or replaces; true if it was inserted. `expiryMs` is absolute or NO_EXPIRY. The ranges must not lie in this
   * dictionary's own pieces (in another's they may). `entry` is on the entry afterwards.
   */
  put(
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiryMs: number,
  ): boolean {
    const store = this.#store;
    store.watch.beforeChange();
    const leaf = store.leaf;
    const keyData = this.#keys.of(key);
    const valueData = this.#values.of(value);
    this.#hasher.hash(keyData, keyOffset, keyLength);
    const high = this.#hasher.high;
    const low = this.#hasher.low;
    store.locate(high);
    store.changes = (store.changes + 1) | 0;
    store.slot = NOWHERE;
    const found = leaf.search(high, low, keyData, keyOffset, keyLength);
    const size = entryBytes(keyLength, valueLength, expiryMs);
    const hasExpiry = expiryMs !== NO_EXPIRY;
    let slot: number;
    if (size <= this.#entryBytesMax) {
      slot = this.#place(found, size, hasExpiry, high, low, keyData, keyOffset, keyLength);
      const at = leaf.entryAt(slot);
      writeEntry(leaf.data, at, keyData, keyOffset, keyLength, valueData, valueOffset, valueLength, expiryMs);
    } else {
      slot = this.#placeLarge(found, size, hasExpiry, high, low, keyData, keyOffset, keyLength);
      const piece = referenceAt(leaf.data, leaf.entryAt(slot));
      const to = store.heap.dataOf(piece);
      const at = store.heap.offsetOf(piece) + OWN_PIECE_ENTRY;
      writeEntry(to, at, keyData, keyOffset, keyLength, valueData, valueOffset, valueLength, expiryMs);
    }
    if (found >= 0 && store.isSparse) {
      store.settle(high);
      slot = leaf.search(high, low, keyData, keyOffset, keyLength);
    }
    store.show(slot, high);
    return found < 0;
  }

  /**
   * Gives the entry that `find`, `put` or `random` has just placed the view on another value of the same length, without
   * looking it up again. The range must not lie in this dictionary's own pieces. The view stays on it.
   */
  overwriteValue(value: Uint8Array, offset: number, length: number): void {
    const store = this.#store;
    const { view } = store;
    assert(store.slot !== NOWHERE, "a value is overwritten after find, put or random");
    assert(length === view.valueLength, "a value is overwritten by one of the same length");
    store.watch.beforeChange();
    this.#ownEntry();
    copyWords(view.data, view.valueOffset, this.#values.of(value), offset, length);
  }

  /** Gives the entry that `find`, `put` or `random` has just placed the view on an absolute expiry, or none (NO_EXPIRY). */
  setExpiry(expiryMs: number): void {
    const store = this.#store;
    const { view } = store;
    assert(store.slot !== NOWHERE, "an expiry is set after find, put or random");
    assert(
      expiryMs === NO_EXPIRY || (expiryMs >= 0 && expiryMs <= EXPIRY_MS_MAX),
      "an expiry is a number of milliseconds that fits 48 bits",
    );
    if (expiryMs === view.expiryMs) return;
    if (expiryMs === NO_EXPIRY || view.expiryMs === NO_EXPIRY) {
      this.#putWithExpiry(expiryMs);
      return;
    }
    store.watch.beforeChange();
    this.#ownEntry();
    writeExpiry(view.data, view.valueOffset - EXPIRY_BYTES, expiryMs);
    view.expiryMs = expiryMs;
  }

  /** Removes the key; false if it is absent. */
  remove(key: Uint8Array, offset: number, length: number): boolean {
    const data = this.#keys.of(key);
    const hasher = this.#hasher;
    hasher.hash(data, offset, length);
    const high = hasher.high;
    const store = this.#store;
    store.locate(high);
    const slot = store.leaf.search(high, hasher.low, data, offset, length);
    store.slot = slot;
    if (slot < 0) return false;
    store.high = high;
    this.removeEntry();
    return true;
  }

  /** Removes the entry that `find`, `put` or `random` has just placed the view on. */
  removeEntry(): void {
    const store = this.#store;
    const { slot, high } = store;
    assert(slot !== NOWHERE, "an entry is removed after find, put or random");
    store.watch.beforeChange();
    store.own(high);
    store.changes = (store.changes + 1) | 0;
    store.removeSlot(slot, high);
    store.slot = NOWHERE;
    if (store.isSparse) store.settle(high);
  }

  /**
   * Visits the entries of a hash range, in hash order by leaf, and answers where to go on: 0 when done. At least `count`
   * entries and then the rest of the leaf are visited. An entry that is present from the first call to the last is visited
   * at least once, whatever changes between calls. `cursor` is 0 or a number answered before, below 2^32; any other is
   * harmless. `visit` sees `entry`; it may look up, but must not change the dictionary.
   */
  scan(cursor: number, count: number, visit: () => void): number {
    return this.#visits.scan(cursor, count, visit);
  }

  /** Begins a walk over all entries: false if there is none. A change of the dictionary ends the walk. */
  first(): boolean {
    return this.#visits.first();
  }

  /** Goes on to the next entry of the walk; false after the last. Lookups in between do not disturb it. */
  next(): boolean {
    return this.#visits.next();
  }

  /** Places `entry` on a random one, each about as likely; false if there is none. `next` answers random uint32s. */
  random(next: () => number): boolean {
    return this.#visits.random(next);
  }

  /**
   * Removes entries whose expiry is before `nowMs`, from where the last call ended and once around at most; looks at about
   * `budgetEntries` entries, whole leaves at a time. `onExpired` sees `entry` before it is removed; it may not change the
   * dictionary. Answers how many were removed.
   */
  expireStep(nowMs: number, budgetEntries: number, onExpired: () => void): number {
    return this.#visits.expireStep(nowMs, budgetEntries, onExpired);
  }

  /** How often `expireStep` has come to the end of its way around. */
  get expiryRounds(): number {
    return this.#visits.expiryRounds;
  }

  /** The earliest expiry that the last whole round of `expireStep` left; Infinity for none. What was set meanwhile is not in it. */
  get earliestExpiryMs(): number {
    return this.#visits.earliestExpiryMs;
  }

  /** What is here now, to be read at leisure; costs the same for any size. One at a time (see `isCaptured`). */
  capture(): DictionaryCapture {
    assert(this.#tearDown === undefined, "a dictionary that is released is not captured");
    return new DictionaryCapture(this.#store.pieces, this.#store.directory.root, this.#store.size);
  }

  /** True from `capture` until the capture's first `release`. */
  get isCaptured(): boolean {
    return this.#store.pieces.isCaptured;
  }

  /**
   * Ends the dictionary: frees at most `budgetPieces` pieces and answers true when all are gone; to be called again until it
   * does. No other method may be called after the first call.
   */
  release(budgetPieces: number): boolean {
    const store = this.#store;
    if (this.#tearDown === undefined) {
      this.#tearDown = new TearDown(store.pieces, store.directory.root);
      store.changes = (store.changes + 1) | 0;
      store.slot = NOWHERE;
      store.size = 0;
      store.volatileCount = 0;
    }
    return this.#tearDown.step(budgetPieces);
  }

  /**
   * Makes a place of `size` bytes in the leaf of `high`: a new slot, or that of `found` without what it held. Answers the
   * slot; the bytes are to be written before anything else happens.
   */
  #place(
    found: number,
    size: number,
    hasExpiry: boolean,
    high: number,
    low: number,
    key: DataView,
    keyOffset: number,
    keyLength: number,
  ): number {
    const store = this.#store;
    const leaf = store.leaf;
    if (found < 0) {
      if (!store.hasRoom(size, high)) store.makeRoom(size, high);
      const slot = leaf.count;
      leaf.append(size, tagOf(high, low, leaf.depth), hasExpiry);
      store.size++;
      if (hasExpiry) store.volatileCount++;
      return slot;
    }
    let slot = found;
    const at = leaf.entryAt(slot);
    const hadExpiry = hasExpiryAt(leaf.data, at);
    const piece = referenceAt(leaf.data, at);
    if (size <= sizeAt(leaf.data, at) && !store.pieces.isNeeded(leaf.piece, high)) {
      leaf.reuse(slot, size, hasExpiry);
    } else {
      if (!store.hasRoom(size, high)) {
        store.makeRoom(size, high);
        slot = leaf.search(high, low, key, keyOffset, keyLength);
      }
      leaf.renew(slot, size, hasExpiry);
    }
    if (piece !== 0) store.pieces.dispose(piece, high);
    store.volatileCount += (hasExpiry ? 1 : 0) - (hadExpiry ? 1 : 0);
    return slot;
  }

  /** The same for an entry that lies in a piece of its own, to which the slot refers afterwards. */
  #placeLarge(
    found: number,
    size: number,
    hasExpiry: boolean,
    high: number,
    low: number,
    key: DataView,
    keyOffset: number,
    keyLength: number,
  ): number {
    const { heap, leaf, pieces } = this.#store;
    const needed = OWN_PIECE_ENTRY + size;
    if (found >= 0 && hasExpiryAt(leaf.data, leaf.entryAt(found)) === hasExpiry) {
      const present = referenceAt(leaf.data, leaf.entryAt(found));
      const room = present === 0 ? 0 : heap.roomOf(present);
      if (needed <= room && room <= needed * REUSE_SHARE && !pieces.isNeeded(present, high)) return found;
    }
    const piece = pieces.allocate(needed);
    try {
      const slot = this.#place(found, REFERENCE_BYTES, hasExpiry, high, low, key, keyOffset, keyLength);
      writeReference(leaf.data, leaf.entryAt(slot), piece, hasExpiry);
      leaf.noteReference();
      return slot;
    } catch (error) {
      pieces.discard(piece);
      throw error;
    }
  }

  /** Makes the bytes of the entry of the view such that may be written; the view is on them afterwards. */
  #ownEntry(): void {
    const store = this.#store;
    const { heap, leaf, pieces, slot, high } = store;
    const piece = referenceAt(leaf.data, leaf.entryAt(slot));
    const copiesPiece = piece !== 0 && pieces.isNeeded(piece, high);
    if (!copiesPiece && !pieces.isNeeded(leaf.piece, high)) return;
    store.own(high);
    if (copiesPiece) {
      const bytes = sizeAt(heap.dataOf(piece), heap.offsetOf(piece) + OWN_PIECE_ENTRY);
      const copy = pieces.allocate(OWN_PIECE_ENTRY + bytes);
      const from = heap.offsetOf(piece) + OWN_PIECE_ENTRY;
      copyWords(heap.dataOf(copy), heap.offsetOf(copy) + OWN_PIECE_ENTRY, heap.dataOf(piece), from, bytes);
      const at = leaf.entryAt(slot);
      writeReference(leaf.data, at, copy, hasExpiryAt(leaf.data, at));
      pieces.dispose(piece, high);
    }
    store.show(slot, high);
  }

  /** Writes the entry of the view again: having an expiry or not changes its size. */
  #putWithExpiry(expiryMs: number): void {
    const { view } = this.#store;
    const { keyLength, valueLength } = view;
    const bytes = keyLength + valueLength;
    if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(Math.max(bytes, SCRATCH_BYTES_MAX));
    const scratch = this.#scratch;
    scratch.set(view.bytes.subarray(view.keyOffset, view.keyOffset + keyLength));
    scratch.set(view.bytes.subarray(view.valueOffset, view.valueOffset + valueLength), keyLength);
    if (bytes > SCRATCH_BYTES_MAX) this.#scratch = new Uint8Array(0);
    this.put(scratch, 0, keyLength, scratch, keyLength, valueLength, expiryMs);
  }
}

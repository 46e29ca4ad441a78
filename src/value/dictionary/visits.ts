/**
 * Ways through the entries of a dictionary that start at no key: cursors, walks, chance, and what has expired.
 *
 * Invariants
 *  - A cursor is a place in hash order: the start of a leaf's range when it was answered. An entry's place never changes,
 *    so whatever splits or merges between two calls, what lies at or behind the cursor is still to come.
 *  - A leaf is visited whole or not at all.
 *
 * Hot-path file: nothing here allocates.
 */
import { assert } from "../../base/assert.ts";
import { hasExpiryAt, NO_EXPIRY } from "./entry-format.ts";
import { Leaf } from "./leaf.ts";
import { type LeafStore, NOWHERE, rangeEnd, readEntry } from "./leaf-store.ts";
import { HASH_END } from "./owned-pieces.ts";

/** Tries of rejection sampling, which needs two on average, before a random leaf is taken as it comes. */
const RANDOM_TRIES_MAX = 64;
/** A leaf with this many times the mean is still sampled fairly. */
const RANDOM_SPREAD = 2;

export class Visits {
  readonly #store: LeafStore;
  /** Lens of scans and walks: what they visit may look keys up meanwhile. */
  readonly #leaf: Leaf;
  /** The walk: what comes after its leaf, its last slot, and the changes it has seen. */
  #walkNext = HASH_END;
  #walkSlot = 0;
  #walkCount = 0;
  #walkChanges = 0;
  #expiryPosition = 0;
  /** The earliest expiry that the round of expiry steps going on has left behind it. */
  #roundEarliestMs = Number.POSITIVE_INFINITY;
  /** The same of the last round that came to its end, and how many have. */
  earliestExpiryMs: number = Number.POSITIVE_INFINITY;
  expiryRounds = 0;

  constructor(store: LeafStore) {
    this.#store = store;
    this.#leaf = new Leaf(store.heap);
  }

  scan(cursor: number, count: number, visit: () => void): number {
    const store = this.#store;
    const leaf = this.#leaf;
    let position = cursor;
    let visited = 0;
    while (position < HASH_END) {
      const high = position | 0;
      leaf.place(store.directory.leafFor(high));
      const changes = store.changes;
      const end = leaf.count;
      for (let slot = 0; slot < end; slot++) {
        store.slot = NOWHERE;
        readEntry(store.heap, leaf, slot, store.view);
        visit();
      }
      assert(store.changes === changes, "what a scan visits does not change the dictionary");
      visited += end;
      position = rangeEnd(high, leaf.depth);
      if (visited >= count) break;
    }
    return position < HASH_END ? position : 0;
  }

  first(): boolean {
    this.#walkNext = 0;
    this.#walkSlot = 0;
    this.#walkCount = 0;
    this.#walkChanges = this.#store.changes;
    return this.next();
  }

  next(): boolean {
    const store = this.#store;
    const leaf = this.#leaf;
    assert(store.changes === this.#walkChanges, "a walk ends with a change of the dictionary");
    store.slot = NOWHERE;
    while (this.#walkSlot === this.#walkCount) {
      if (this.#walkNext >= HASH_END) return false;
      const high = this.#walkNext | 0;
      leaf.place(store.directory.leafFor(high));
      this.#walkNext = rangeEnd(high, leaf.depth);
      this.#walkSlot = 0;
      this.#walkCount = leaf.count;
    }
    readEntry(store.heap, leaf, this.#walkSlot++, store.view);
    return true;
  }

  random(next: () => number): boolean {
    const store = this.#store;
    const leaf = store.leaf;
    store.slot = NOWHERE;
    if (store.size === 0) return false;
    for (let i = 0; i < RANDOM_TRIES_MAX; i++) {
      const high = next() | 0;
      store.locate(high);
      // A leaf of depth d is met once in 2^d times and should be met in proportion to its count.
      const spread = leaf.depth === 0 ? 0 : Math.ceil((RANDOM_SPREAD * store.size) / 2 ** leaf.depth);
      const slot = below(next(), Math.max(leaf.count, spread));
      if (slot < leaf.count) {
        store.show(slot, high);
        return true;
      }
    }
    // Hashes that leave most of their range empty: the next leaf that has entries.
    let position = next() >>> 0;
    for (;;) {
      store.locate(position | 0);
      if (leaf.count > 0) break;
      position = rangeEnd(position | 0, leaf.depth);
      if (position >= HASH_END) position = 0;
    }
    store.show(below(next(), leaf.count), position | 0);
    return true;
  }

  expireStep(nowMs: number, budgetEntries: number, onExpired: () => void): number {
    const store = this.#store;
    let removed = 0;
    let travelled = 0;
    while (budgetEntries > 0 && travelled < HASH_END && store.volatileCount > 0) {
      const position = this.#expiryPosition;
      store.locate(position | 0);
      const end = rangeEnd(position | 0, store.leaf.depth);
      budgetEntries -= 1;
      if (store.leaf.volatileCount > 0) {
        budgetEntries -= store.leaf.count;
        removed += this.#expireLeaf(nowMs, position | 0, onExpired);
      }
      travelled += end - position;
      this.#expiryPosition = end < HASH_END ? end : 0;
      if (end >= HASH_END) this.#endRound();
    }
    store.slot = NOWHERE;
    return removed;
  }

  #endRound(): void {
    this.earliestExpiryMs = this.#roundEarliestMs;
    this.#roundEarliestMs = Number.POSITIVE_INFINITY;
    this.expiryRounds++;
  }

  #expireLeaf(nowMs: number, high: number, onExpired: () => void): number {
    const store = this.#store;
    const leaf = store.leaf;
    let removed = 0;
    // Downwards: a removed slot is taken by the last one, which has been looked at.
    for (let slot = leaf.count - 1; slot >= 0; slot--) {
      if (!hasExpiryAt(leaf.data, leaf.entryAt(slot))) continue;
      readEntry(store.heap, leaf, slot, store.view);
      const { expiryMs } = store.view;
      if (expiryMs === NO_EXPIRY || expiryMs >= nowMs) {
        if (expiryMs !== NO_EXPIRY && expiryMs < this.#roundEarliestMs) this.#roundEarliestMs = expiryMs;
        continue;
      }
      store.watch.beforeChange();
      store.own(high);
      readEntry(store.heap, leaf, slot, store.view);
      const piece = leaf.piece;
      onExpired();
      leaf.place(piece);
      store.changes = (store.changes + 1) | 0;
      store.removeSlot(slot, high);
      removed++;
    }
    if (removed > 0 && store.isSparse) store.settle(high);
    return removed;
  }
}

function below(random: number, bound: number): number {
  return Math.floor(((random >>> 0) / HASH_END) * bound);
}

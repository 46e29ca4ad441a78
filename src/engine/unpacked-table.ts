/**
 * The structures of unpacked collections, by the handle that their records hold; and the freeing of those whose
 * records have died.
 *
 * Invariants: a handle in the table is held by exactly one live record, whose keyspace and key hash it knows; a
 * dropped structure is not reachable any more and is released in slices; a handle is used again only after it was
 * dropped.
 */
import { assert } from "../base/assert.ts";
import type { UnpackedValue } from "../value/unpacked.ts";
import { handleOf, isUnpacked } from "./hot/record.ts";

const INITIAL_HANDLES = 64;
/** No keyspace: the handle is free. */
const NOBODY = -1;
const NEVER = Number.POSITIVE_INFINITY;

export class UnpackedTable {
  readonly #values: (UnpackedValue | undefined)[] = [];
  /** By handle: the internal keyspace and the hash of the key that own it. */
  #keyspaces = new Int32Array(INITIAL_HANDLES).fill(NOBODY);
  #high = new Int32Array(INITIAL_HANDLES);
  #low = new Int32Array(INITIAL_HANDLES);
  /** By handle: when the structure says that an element is due; Infinity for never. */
  #due = new Float64Array(INITIAL_HANDLES).fill(NEVER);
  readonly #free: number[] = [];
  #dropped: UnpackedValue[] = [];
  /** Structures that records hold, and those among them with elements that have times of their own. */
  count = 0;
  expiring = 0;

  /** Takes a structure in; answers its handle. */
  add(value: UnpackedValue, keyspace: number, high: number, low: number): number {
    const handle = this.#free.pop() ?? this.#values.length;
    if (handle >= this.#keyspaces.length) this.#grow();
    this.#values[handle] = value;
    this.count++;
    this.own(handle, keyspace, high, low);
    this.noteDue(handle);
    return handle;
  }

  /** Looks again when an element of the structure is due: after one was given a time, or was removed by its time. */
  noteDue(handle: number): void {
    this.#setDue(handle, this.get(handle).elementsDueMs ?? NEVER);
  }

  #setDue(handle: number, dueMs: number): void {
    this.expiring += (dueMs < NEVER ? 1 : 0) - (this.#due[handle]! < NEVER ? 1 : 0);
    this.#due[handle] = dueMs;
  }

  isDue(handle: number, nowMs: number): boolean {
    return this.#due[handle]! < nowMs;
  }

  /** The first handle from `handle` to `end` whose structure has an element that is due before `nowMs`; `end` if there is none. */
  nextDue(handle: number, end: number, nowMs: number): number {
    const due = this.#due;
    while (handle < end && due[handle]! >= nowMs) handle++;
    return handle;
  }

  get(handle: number): UnpackedValue {
    const value = this.#values[handle];
    assert(value !== undefined, "a record holds the handle of no structure");
    return value;
  }

  /** The record that holds the handle has this key now. */
  own(handle: number, keyspace: number, high: number, low: number): void {
    this.#keyspaces[handle] = keyspace;
    this.#high[handle] = high;
    this.#low[handle] = low;
  }

  keyspaceOf(handle: number): number {
    return this.#keyspaces[handle]!;
  }
  highOf(handle: number): number {
    return this.#high[handle]!;
  }
  lowOf(handle: number): number {
    return this.#low[handle]!;
  }

  /** Handles are below this. */
  get end(): number {
    return this.#values.length;
  }

  /** The structure, or undefined if the handle is free. */
  at(handle: number): UnpackedValue | undefined {
    return this.#values[handle];
  }

  /** The record that held the handle is dead. */
  drop(handle: number): void {
    this.#dropped.push(this.get(handle));
    this.#setDue(handle, NEVER);
    this.#values[handle] = undefined;
    this.#keyspaces[handle] = NOBODY;
    this.#free.push(handle);
    this.count--;
  }

  /** The record at (words, word) is dead; `data` is over the same memory. */
  dropOf(data: DataView, words: Int32Array, word: number): void {
    if (isUnpacked(words, word)) this.drop(handleOf(data, words, word));
  }

  /** The keyspace was flushed. */
  dropKeyspace(keyspace: number): void {
    if (this.count === 0) return;
    for (let handle = 0; handle < this.#values.length; handle++) {
      if (this.#keyspaces[handle] === keyspace && this.#values[handle] !== undefined) this.drop(handle);
    }
  }

  /** Structures that are waiting to be freed; Redis's lazyfree_pending_objects. */
  get pending(): number {
    return this.#dropped.length;
  }

  /** Frees up to about `piecesMax` pieces of dropped structures. */
  step(piecesMax: number): void {
    if (this.#dropped.at(-1)?.release(piecesMax) === true) this.#dropped.pop();
  }

  #grow(): void {
    const length = this.#keyspaces.length * 2;
    const keyspaces = new Int32Array(length).fill(NOBODY);
    keyspaces.set(this.#keyspaces);
    this.#keyspaces = keyspaces;
    this.#high = widened(this.#high, length);
    this.#low = widened(this.#low, length);
    const due = new Float64Array(length).fill(NEVER);
    due.set(this.#due);
    this.#due = due;
  }
}

function widened(from: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}

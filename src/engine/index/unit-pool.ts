/**
 * Memory of the index: units of 128 slots, cut from slabs that all keyspaces share.
 *
 * Invariants: a unit is in use or on the free stack, never both; a unit that is handed out is empty in every
 * slot; unit 0 is never handed out and stays empty (the sub-table of empty keyspaces reads it).
 *
 * One size of unit means no fragmentation: what one sub-table gives back any other can take. Slabs are large
 * because every ArrayBuffer costs V8 an object and an entry in its books; the operating system commits their
 * memory as units are first written.
 */
import { assert } from "../../base/assert.ts";
import type { Buffers } from "../../ports/buffers.ts";
import { SLOT_EMPTY, UNIT_BYTES, UNIT_WORDS } from "./layout.ts";

/** A slab is 1 MiB: slab number = unit >>> SLAB_SHIFT, first word = (unit & SLAB_UNIT_MASK) << UNIT_WORD_SHIFT. */
export const SLAB_SHIFT = 10;
export const SLAB_UNITS = 1 << SLAB_SHIFT;
export const SLAB_UNIT_MASK = SLAB_UNITS - 1;
export const UNIT_WORD_SHIFT = 8;
const SLAB_BYTES = SLAB_UNITS * UNIT_BYTES;
/** Slabs are allocated in pairs: one large page. */
const ARENA_SLABS = 2;

export class UnitPool {
  readonly slabs: Int32Array[] = [];
  #free = new Int32Array(SLAB_UNITS);
  #freeCount = 0;
  readonly #buffers: Buffers;
  #arenas: ArrayBuffer[] = [];
  #retired: ArrayBuffer[] = [];
  #inUse = 0;

  constructor(buffers: Buffers) {
    this.#buffers = buffers;
    this.reset();
  }

  /** Bytes of units in use. */
  get usedBytes(): number {
    return this.#inUse * UNIT_BYTES;
  }

  /** Bytes of units that wait for reuse. */
  get freeBytes(): number {
    return this.#freeCount * UNIT_BYTES;
  }

  /** A unit whose slots are all empty. */
  allocate(): number {
    if (this.#freeCount === 0) this.#addSlab();
    const unit = this.#free[--this.#freeCount]!;
    this.#inUse++;
    this.clear(unit);
    return unit;
  }

  release(unit: number): void {
    assert(unit > 0 && unit < this.slabs.length * SLAB_UNITS, "index unit out of range on release");
    this.#free[this.#freeCount++] = unit;
    this.#inUse--;
  }

  /** Empties every slot of a unit. */
  clear(unit: number): void {
    const first = (unit & SLAB_UNIT_MASK) << UNIT_WORD_SHIFT;
    this.slabs[unit >>> SLAB_SHIFT]!.fill(SLOT_EMPTY, first, first + UNIT_WORDS);
  }

  /** Drops every unit at once; unit numbers answered before are void. */
  reset(): void {
    this.slabs.length = 0;
    this.#retired.push(...this.#arenas);
    this.#arenas = [];
    this.#freeCount = 0;
    this.#inUse = 0;
    this.#addSlab();
    const unit = this.#free[--this.#freeCount]!;
    assert(unit === 0, "the first unit of the first slab is unit 0");
    this.clear(unit);
  }

  /** Gives the memory that `reset` dropped back to where it came from. */
  releaseRetired(): void {
    if (this.#retired.length === 0) return;
    for (const arena of this.#retired) this.#buffers.release(arena);
    this.#retired = [];
  }

  #addSlab(): void {
    const first = this.slabs.length * SLAB_UNITS;
    const index = this.slabs.length % ARENA_SLABS;
    if (index === 0) this.#arenas.push(this.#buffers.allocate(ARENA_SLABS * SLAB_BYTES));
    this.slabs.push(new Int32Array(this.#arenas.at(-1)!, index * SLAB_BYTES, SLAB_UNITS * UNIT_WORDS));
    const needed = first + SLAB_UNITS;
    if (this.#free.length < needed) {
      const grown = new Int32Array(Math.max(needed, this.#free.length * 2));
      grown.set(this.#free.subarray(0, this.#freeCount));
      this.#free = grown;
    }
    // The lowest number on top, so that a slab's memory is committed from its front.
    for (let unit = first + SLAB_UNITS - 1; unit >= first; unit--) this.#free[this.#freeCount++] = unit;
  }
}

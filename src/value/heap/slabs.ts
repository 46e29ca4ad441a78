/**
 * Memory from the system: slabs, handed out in runs of neighbouring tiles, and taken back as soon as they are empty.
 *
 * Invariants
 *  - A slab number is from 1 to SLAB_COUNT_MAX - 1; number 0 stays unused, so that a piece is never 0.
 *  - `rows[slab]` has ROW_WORDS words for each tile of the slab. A tile is free if its ROW_CLASS is CLASS_FREE; every
 *    tile of a run names the run's first tile in ROW_HEAD.
 *  - `#longest[slab]` is at least the length of the slab's longest run of free tiles.
 *  - The arrays of a slab are the same objects as long as one of its tiles is taken.
 *
 * First fit from the lowest slab: what lives long gathers in the low slabs, and the high ones become empty. One empty
 * slab may be kept while the others are many times larger, so that a load that swings by one tile does not ask the
 * system for a slab each time.
 */
import { FerriteError } from "../../base/errors.ts";
import { SPAN_TILES_MAX, TILE_BYTES } from "./size-classes.ts";

/** A piece is slab number << UNIT_BITS | unit of 16 bytes within the slab. */
export const UNIT_BITS = 18;
/** Pieces stay below 2^31: they are the same number in signed and unsigned words, and small integers to V8. */
export const SLAB_COUNT_MAX = 1 << (31 - UNIT_BITS);
export const SLAB_BYTES_MAX = 16 << UNIT_BITS;
const SLAB_BYTES_MIN = 128 * 1024;

/** Words that are kept for each tile. */
export const ROW_WORDS = 8;
export const ROW_HEAD = 0;
export const ROW_CLASS = 1;
/** First free piece of the span as unit + 1, or 0. */
export const ROW_FREE = 2;
/** Unit of the first piece of the span that was never handed out. */
export const ROW_FRESH = 3;
export const ROW_LIVE = 4;
/** Neighbours in the class's list of spans with room, as `tileId`; 0 at the ends. */
export const ROW_NEXT = 5;
export const ROW_PREVIOUS = 6;
/** Of a run that is one piece: its bytes. */
export const ROW_ROOM = 7;

export const CLASS_FREE = -1;
/** The run is one piece. */
export const CLASS_RUN = -2;
/** The whole slab is one piece. */
export const CLASS_WHOLE = -3;

/** A slab that is empty is kept while the others are at least this many times larger. */
const SPARE_SHARE = 8;
/** A new slab is at most this part of what is reserved already. */
const GROWTH_SHARE = 8;

const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);
const NO_DATA = new DataView(new ArrayBuffer(0));

export interface SlabOptions {
  /** Bytes of a slab once the heap has grown: a power of two from 64 KiB to 4 MiB. */
  readonly slabBytes?: number;
  /** Zeroed or not; must throw if there is no memory. With `bySteps` it will be used from its front on. */
  readonly newSlab?: (bytes: number, bySteps: boolean) => ArrayBuffer;
  /** Told whenever all tiles of a slab are taken. */
  readonly slabIsFull?: (slab: ArrayBuffer) => void;
  /** Told when a slab is not used any more; every view of it is gone by then. */
  readonly releaseSlab?: (slab: ArrayBuffer) => void;
}

export class Slabs {
  readonly bytes: Uint8Array[] = [NO_BYTES];
  readonly words: Int32Array[] = [NO_WORDS];
  readonly data: DataView[] = [NO_DATA];
  readonly rows: Int32Array[] = [NO_WORDS];
  readonly slabBytes: number;
  /** Bytes taken from the system, rows included. */
  reservedBytes = 0;
  readonly #newSlab: (bytes: number, bySteps: boolean) => ArrayBuffer;
  readonly #slabIsFull: (slab: ArrayBuffer) => void;
  readonly #releaseSlab: (slab: ArrayBuffer) => void;
  readonly #longest: number[] = [0];
  readonly #freeTiles: number[] = [0];
  readonly #unusedNumbers: number[] = [];
  #firstOpen = 1;
  #spare = 0;

  constructor(options: SlabOptions = {}) {
    this.slabBytes = options.slabBytes ?? SLAB_BYTES_MAX;
    const tiles = this.slabBytes / TILE_BYTES;
    if (tiles < SPAN_TILES_MAX || this.slabBytes > SLAB_BYTES_MAX || (tiles & (tiles - 1)) !== 0) {
      throw new FerriteError(
        "usage",
        `slabs of ${this.slabBytes} bytes: a power of two from 64 KiB to 4 MiB is needed`,
      );
    }
    this.#newSlab = options.newSlab ?? ((bytes) => new ArrayBuffer(bytes));
    this.#slabIsFull = options.slabIsFull ?? (() => {});
    this.#releaseSlab = options.releaseSlab ?? (() => {});
  }

  /** Takes `count` neighbouring tiles and answers slab << 8 | tile of the first. All of them name it as their head. */
  take(count: number): number {
    for (let slab = this.#firstOpen; slab < this.rows.length; slab++) {
      if (this.#longest[slab]! < count) {
        // Full slabs at the front need not be looked at again.
        if (slab === this.#firstOpen && this.#longest[slab] === 0) this.#firstOpen++;
        continue;
      }
      const tile = this.#freeRun(slab, count);
      if (tile >= 0) return this.#occupy(slab, tile, count);
      this.#longest[slab] = count - 1;
    }
    return this.#occupy(this.#addSlab(count), 0, count);
  }

  /** Gives `count` tiles back; if the slab is empty then, it goes back to the system. */
  give(slab: number, tile: number, count: number): void {
    const rows = this.rows[slab]!;
    for (let i = tile; i < tile + count; i++) rows[i * ROW_WORDS + ROW_CLASS] = CLASS_FREE;
    const tiles = rows.length / ROW_WORDS;
    this.#freeTiles[slab]! += count;
    this.#longest[slab] = tiles;
    if (slab < this.#firstOpen) this.#firstOpen = slab;
    if (this.#freeTiles[slab] === tiles) this.#keepOrDrop(slab);
  }

  /** A slab that is one piece; answers its number. */
  takeWhole(bytes: number): number {
    const slab = this.#addNumber(bytes, 1);
    const rows = this.rows[slab]!;
    rows[ROW_CLASS] = CLASS_WHOLE;
    rows[ROW_ROOM] = bytes;
    return slab;
  }

  giveWhole(slab: number): void {
    this.#drop(slab);
    this.#reviewSpare();
  }

  #freeRun(slab: number, count: number): number {
    const rows = this.rows[slab]!;
    let length = 0;
    for (let row = ROW_CLASS; row < rows.length; row += ROW_WORDS) {
      length = rows[row] === CLASS_FREE ? length + 1 : 0;
      if (length === count) return (row - ROW_CLASS) / ROW_WORDS - count + 1;
    }
    return -1;
  }

  #occupy(slab: number, tile: number, count: number): number {
    const rows = this.rows[slab]!;
    for (let i = tile; i < tile + count; i++) {
      rows[i * ROW_WORDS + ROW_HEAD] = tile;
      rows[i * ROW_WORDS + ROW_CLASS] = CLASS_RUN;
    }
    this.#freeTiles[slab]! -= count;
    if (this.#freeTiles[slab] === 0) {
      this.#longest[slab] = 0;
      this.#slabIsFull(this.bytes[slab]!.buffer as ArrayBuffer);
    }
    if (slab === this.#spare) this.#spare = 0;
    return (slab << 8) | tile;
  }

  #addSlab(tiles: number): number {
    let bytes = Math.min(SLAB_BYTES_MIN, this.slabBytes);
    while (bytes < this.slabBytes && bytes * 2 * GROWTH_SHARE <= this.reservedBytes) bytes *= 2;
    while (bytes < tiles * TILE_BYTES) bytes *= 2;
    const slab = this.#addNumber(bytes, bytes / TILE_BYTES);
    const rows = this.rows[slab]!;
    for (let row = 0; row < rows.length; row += ROW_WORDS) rows[row + ROW_CLASS] = CLASS_FREE;
    this.#freeTiles[slab] = bytes / TILE_BYTES;
    this.#longest[slab] = bytes / TILE_BYTES;
    if (slab < this.#firstOpen) this.#firstOpen = slab;
    return slab;
  }

  /** Asks the system for memory and gives it a number; its tiles are the caller's. */
  #addNumber(bytes: number, tiles: number): number {
    const slab = this.#unusedNumbers.at(-1) ?? this.rows.length;
    if (slab >= SLAB_COUNT_MAX) {
      throw new FerriteError(
        "unavailable",
        `memory for collections: all ${SLAB_COUNT_MAX - 1} slabs are in use, no number is left for ${bytes} bytes`,
      );
    }
    const buffer = this.#ask(bytes, tiles > 1);
    if (this.#unusedNumbers.length > 0) this.#unusedNumbers.pop();
    this.bytes[slab] = new Uint8Array(buffer);
    this.words[slab] = new Int32Array(buffer);
    this.data[slab] = new DataView(buffer);
    this.rows[slab] = new Int32Array(tiles * ROW_WORDS);
    this.#longest[slab] = 0;
    this.#freeTiles[slab] = 0;
    this.reservedBytes += bytes + this.rows[slab]!.byteLength;
    return slab;
  }

  #ask(bytes: number, bySteps: boolean): ArrayBuffer {
    try {
      return this.#newSlab(bytes, bySteps);
    } catch (cause) {
      throw new FerriteError(
        "unavailable",
        `memory for collections: the system has no ${bytes} bytes, ${this.reservedBytes} are reserved`,
        { cause },
      );
    }
  }

  #keepOrDrop(slab: number): void {
    if (this.#spare !== 0) this.#drop(this.#spare);
    this.#spare = slab;
    this.#reviewSpare();
  }

  #reviewSpare(): void {
    const spare = this.#spare;
    if (spare === 0) return;
    const bytes = this.bytes[spare]!.byteLength;
    if (this.reservedBytes - bytes >= SPARE_SHARE * bytes) return;
    this.#spare = 0;
    this.#drop(spare);
  }

  #drop(slab: number): void {
    const buffer = this.bytes[slab]!.buffer as ArrayBuffer;
    this.reservedBytes -= buffer.byteLength + this.rows[slab]!.byteLength;
    this.bytes[slab] = NO_BYTES;
    this.words[slab] = NO_WORDS;
    this.data[slab] = NO_DATA;
    this.rows[slab] = NO_WORDS;
    this.#longest[slab] = 0;
    this.#freeTiles[slab] = 0;
    this.#unusedNumbers.push(slab);
    this.#releaseSlab(buffer);
  }
}

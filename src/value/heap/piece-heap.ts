/**
 * Memory for pieces: runs of bytes off the V8 heap, addressed by a number from 1 to 2^31 - 1, moved by their owner alone.
 *
 * Hot-path file: nothing here allocates but a slab now and then; a piece costs some 10 to 30 ns each way.
 *
 * Invariants
 *  - A piece is slab number and 16-byte unit; it is aligned to 16 bytes and its bytes keep their arrays while it lives.
 *  - A span holds pieces of one class. It is in its class's list exactly if it has room, and is given back when its
 *    last piece is freed.
 *  - `usedBytes` is the sum of the rooms of live pieces, and at most `reservedBytes`.
 *
 * Own size classes instead of an ArrayBuffer per piece, which costs V8 about 200 bytes and a finaliser, and instead of
 * one log with compaction, because owners hold pieces by number from many places and nothing may move them.
 * At most 32 GiB can be addressed; a request beyond that, or beyond what the system has, is an error of kind
 * "unavailable" and changes nothing.
 */
import { assert } from "../../base/assert.ts";
import { FerriteError } from "../../base/errors.ts";
import * as classes from "./size-classes.ts";
import * as layout from "./slabs.ts";

// Own constants are folded by the compiler, imported ones are read.
const { CLASS_BYTES_MAX, CLASS_COUNT, CLASS_OF, PER_SPAN, ROOM, SPAN_TILES, TILE_BYTES } = classes;
const { CLASS_RUN, CLASS_WHOLE, UNIT_BITS } = layout;
const { ROW_CLASS, ROW_FREE, ROW_FRESH, ROW_HEAD, ROW_LIVE, ROW_NEXT, ROW_PREVIOUS, ROW_ROOM } = layout;
const UNIT_MASK = (1 << UNIT_BITS) - 1;
/** log2 of the units of a tile, and of the words of a row. */
const TILE_SHIFT = Math.log2(TILE_BYTES / 16);
const ROW_SHIFT = Math.log2(layout.ROW_WORDS);

/** Larger than a quarter of a slab is a slab of its own, rounded up to this. */
const WHOLE_SHARE = 4;
const WHOLE_STEP = 4096;
const PIECE_BYTES_MAX = 2 ** 31 - WHOLE_STEP;

export type PieceHeapOptions = layout.SlabOptions;

export class PieceHeap {
  readonly #slabs: layout.Slabs;
  readonly #bytes: Uint8Array[];
  readonly #words: Int32Array[];
  readonly #data: DataView[];
  readonly #rows: Int32Array[];
  readonly #runBytesMax: number;
  /** Beginning of each class's list of spans with room, as slab << 8 | tile; 0 if there is none. */
  readonly #first = new Int32Array(CLASS_COUNT);
  #usedBytes = 0;

  /** Errors of kind "usage" for a slab size that cannot be. */
  constructor(options: PieceHeapOptions = {}) {
    this.#slabs = new layout.Slabs(options);
    this.#bytes = this.#slabs.bytes;
    this.#words = this.#slabs.words;
    this.#data = this.#slabs.data;
    this.#rows = this.#slabs.rows;
    this.#runBytesMax = Math.max(this.#slabs.slabBytes / WHOLE_SHARE, CLASS_BYTES_MAX);
  }

  /** Sum of the rooms of live pieces. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Memory taken from the system, free room and the heap's own books included. */
  get reservedBytes(): number {
    return this.#slabs.reservedBytes;
  }

  /** A piece with room for at least `bytes` (> 0), contents undefined. Error of kind "unavailable" without memory. */
  allocate(bytes: number): number {
    if (bytes > CLASS_BYTES_MAX) return this.#allocateLarge(bytes);
    assert(bytes > 0, "a piece has at least one byte");
    const sizeClass = CLASS_OF[(bytes + 15) >>> 4]!;
    let span = this.#first[sizeClass]!;
    if (span === 0) span = this.#addSpan(sizeClass);
    const slab = span >>> 8;
    const rows = this.#rows[slab]!;
    const row = (span & 255) << ROW_SHIFT;
    let unit = rows[row + ROW_FREE]! - 1;
    if (unit >= 0) {
      rows[row + ROW_FREE] = this.#words[slab]![unit << 2]!;
    } else {
      unit = rows[row + ROW_FRESH]!;
      rows[row + ROW_FRESH] = unit + (ROOM[sizeClass]! >>> 4);
    }
    const live = rows[row + ROW_LIVE]! + 1;
    rows[row + ROW_LIVE] = live;
    if (live === PER_SPAN[sizeClass]!) this.#unlist(sizeClass, rows, row);
    this.#usedBytes += ROOM[sizeClass]!;
    return (slab << UNIT_BITS) | unit;
  }

  /** Ends a piece. It must be one that `allocate` answered and that was not freed since. */
  free(piece: number): void {
    const slab = piece >>> UNIT_BITS;
    const unit = piece & UNIT_MASK;
    const rows = this.#rows[slab]!;
    const row = rows[((unit >>> TILE_SHIFT) << ROW_SHIFT) + ROW_HEAD]! << ROW_SHIFT;
    const sizeClass = rows[row + ROW_CLASS]!;
    if (sizeClass < 0) {
      this.#freeLarge(piece, rows, row);
      return;
    }
    this.#words[slab]![unit << 2] = rows[row + ROW_FREE]!;
    rows[row + ROW_FREE] = unit + 1;
    const live = rows[row + ROW_LIVE]! - 1;
    assert(live >= 0, "a piece is freed once");
    rows[row + ROW_LIVE] = live;
    this.#usedBytes -= ROOM[sizeClass]!;
    if (live === PER_SPAN[sizeClass]! - 1) this.#list(sizeClass, (slab << 8) | (row >>> ROW_SHIFT));
    if (live === 0) {
      this.#unlist(sizeClass, rows, row);
      this.#slabs.give(slab, row >>> ROW_SHIFT, SPAN_TILES[sizeClass]!);
    }
  }

  /** Bytes of the piece that its owner may use. */
  roomOf(piece: number): number {
    const rows = this.#rows[piece >>> UNIT_BITS]!;
    const row = rows[(((piece & UNIT_MASK) >>> TILE_SHIFT) << ROW_SHIFT) + ROW_HEAD]! << ROW_SHIFT;
    const sizeClass = rows[row + ROW_CLASS]!;
    return sizeClass >= 0 ? ROOM[sizeClass]! : rows[row + ROW_ROOM]!;
  }

  /** The room that `allocate(bytes)` would give, so that an owner can grow to the edge of a class. */
  roomFor(bytes: number): number {
    if (bytes <= CLASS_BYTES_MAX) return ROOM[CLASS_OF[(bytes + 15) >>> 4]!]!;
    const step = bytes > this.#runBytesMax ? WHOLE_STEP : TILE_BYTES;
    return Math.ceil(bytes / step) * step;
  }

  /** The array that holds the piece, from `offsetOf` on; the same object while the piece lives. */
  bytesOf(piece: number): Uint8Array {
    return this.#bytes[piece >>> UNIT_BITS]!;
  }

  /** The same memory in words: the piece begins at `offsetOf(piece) >>> 2`. */
  wordsOf(piece: number): Int32Array {
    return this.#words[piece >>> UNIT_BITS]!;
  }

  /** The same memory for words of any alignment, at the offsets of `bytesOf`. */
  dataOf(piece: number): DataView {
    return this.#data[piece >>> UNIT_BITS]!;
  }

  /** Where the piece begins in its array: a multiple of 16. */
  offsetOf(piece: number): number {
    return (piece & UNIT_MASK) << 4;
  }

  #addSpan(sizeClass: number): number {
    const span = this.#slabs.take(SPAN_TILES[sizeClass]!);
    const rows = this.#rows[span >>> 8]!;
    const row = (span & 255) << ROW_SHIFT;
    rows[row + ROW_CLASS] = sizeClass;
    rows[row + ROW_FREE] = 0;
    rows[row + ROW_FRESH] = (span & 255) << TILE_SHIFT;
    rows[row + ROW_LIVE] = 0;
    this.#list(sizeClass, span);
    return span;
  }

  /**
   * Before the others: the next piece of the class is the one that was freed last, whose bytes are still in the
   * processor's caches, and spans that lack one piece only become full again.
   */
  #list(sizeClass: number, span: number): void {
    const first = this.#first[sizeClass]!;
    const rows = this.#rows[span >>> 8]!;
    rows[((span & 255) << ROW_SHIFT) + ROW_PREVIOUS] = 0;
    rows[((span & 255) << ROW_SHIFT) + ROW_NEXT] = first;
    this.#first[sizeClass] = span;
    if (first !== 0) this.#rows[first >>> 8]![((first & 255) << ROW_SHIFT) + ROW_PREVIOUS] = span;
  }

  #unlist(sizeClass: number, rows: Int32Array, row: number): void {
    const next = rows[row + ROW_NEXT]!;
    const previous = rows[row + ROW_PREVIOUS]!;
    if (next !== 0) this.#rows[next >>> 8]![((next & 255) << ROW_SHIFT) + ROW_PREVIOUS] = previous;
    if (previous === 0) this.#first[sizeClass] = next;
    else this.#rows[previous >>> 8]![((previous & 255) << ROW_SHIFT) + ROW_NEXT] = next;
  }

  #allocateLarge(bytes: number): number {
    if (bytes > PIECE_BYTES_MAX) {
      throw new FerriteError(
        "unavailable",
        `memory for collections: ${bytes} bytes in one piece are too many`,
      );
    }
    const room = this.roomFor(bytes);
    if (bytes > this.#runBytesMax) {
      const slab = this.#slabs.takeWhole(room);
      this.#usedBytes += room;
      return slab << UNIT_BITS;
    }
    const run = this.#slabs.take(room / TILE_BYTES);
    const slab = run >>> 8;
    const tile = run & 255;
    this.#rows[slab]![(tile << ROW_SHIFT) + ROW_ROOM] = room;
    this.#usedBytes += room;
    return (slab << UNIT_BITS) | (tile << TILE_SHIFT);
  }

  #freeLarge(piece: number, rows: Int32Array, row: number): void {
    const sizeClass = rows[row + ROW_CLASS]!;
    assert(sizeClass === CLASS_RUN || sizeClass === CLASS_WHOLE, "a piece is freed once");
    const room = rows[row + ROW_ROOM]!;
    this.#usedBytes -= room;
    const slab = piece >>> UNIT_BITS;
    if (sizeClass === CLASS_WHOLE) this.#slabs.giveWhole(slab);
    else this.#slabs.give(slab, row >>> ROW_SHIFT, room / TILE_BYTES);
  }
}

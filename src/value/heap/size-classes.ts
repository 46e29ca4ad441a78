/**
 * The rooms that pieces come in, and the spans of tiles that rooms of one class are cut from.
 *
 * Invariants: rooms rise, are multiples of 16 bytes, and a span of class c holds exactly PER_SPAN[c] of them with
 * less than one room left over. A room is at most a sixth larger than the one below it up to 4 KiB, from 128 bytes on,
 * a quarter up to 8 KiB, and half beyond.
 *
 * Rooms are fractions of a span instead of round numbers: 16 KiB cut into rooms of 1,664 bytes would leave 1,408
 * over, cut into nine of 1,808 it leaves 112. Spans of large classes are longer, for the same reason; those of small
 * classes are one tile, so that a small server that uses many classes does not reserve much.
 */

/** The unit in which a slab is handed out: a power of two. */
export const TILE_BYTES = 16 * 1024;

/** The longest span of a class, in tiles; a slab has at least as many. */
export const SPAN_TILES_MAX = 4;

/** How many rooms a span of so many tiles is cut into, largest number first. */
const CUTS: readonly { readonly tiles: number; readonly pieces: readonly number[] }[] = [
  {
    tiles: 1,
    pieces: [
      1024, 512, 341, 256, 204, 170, 146, 128, 113, 102, 93, 85, 73, 64, 56, 51, 46, 40, 36, 32, 28, 25, 22,
      20, 18, 16, 14, 13, 12, 11, 10, 9, 8,
    ],
  },
  { tiles: 2, pieces: [14, 12, 11, 10, 9, 8, 7, 6, 5, 4] },
  { tiles: 4, pieces: [7, 6, 5, 4, 3, 2] },
];

const cuts = CUTS.flatMap(({ tiles, pieces }) => pieces.map((count) => ({ tiles, count })));

export const CLASS_COUNT = cuts.length;
/** Bytes of a piece, by class. */
export const ROOM = Int32Array.from(
  cuts,
  ({ tiles, count }) => Math.floor((tiles * TILE_BYTES) / count / 16) * 16,
);
/** Pieces in a span, by class. */
export const PER_SPAN = Int32Array.from(cuts, ({ count }) => count);
/** Tiles in a span, by class. */
export const SPAN_TILES = Int32Array.from(cuts, ({ tiles }) => tiles);
/** The largest request that a class serves. */
export const CLASS_BYTES_MAX = ROOM[CLASS_COUNT - 1]!;
/** The class for a request of n bytes, at index (n + 15) >>> 4. */
export const CLASS_OF = classTable();

function classTable(): Uint8Array {
  const table = new Uint8Array(CLASS_BYTES_MAX / 16 + 1);
  let next = 0;
  for (let units = 0; units < table.length; units++) {
    while (ROOM[next]! < units * 16) next++;
    table[units] = next;
  }
  return table;
}

/** The memory for pieces: rooms do not overlap, keep what is written, and come back to the system when freed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FerriteError } from "../../src/base/errors.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import {
  CLASS_BYTES_MAX,
  CLASS_COUNT,
  PER_SPAN,
  ROOM,
  SPAN_TILES,
  TILE_BYTES,
} from "../../src/value/heap/size-classes.ts";
import { SeededRandom } from "../engine/support.ts";

/** Fills a piece with bytes that follow from its number and a seed. */
function stamp(heap: PieceHeap, piece: number, seed: number): void {
  const words = heap.wordsOf(piece);
  const first = heap.offsetOf(piece) >>> 2;
  const count = heap.roomOf(piece) >>> 2;
  for (let i = 0; i < count; i += count > 4096 ? 257 : 1) words[first + i] = Math.imul(seed, 0x9e3779b1) ^ i;
}

function isStamped(heap: PieceHeap, piece: number, seed: number): boolean {
  const words = heap.wordsOf(piece);
  const first = heap.offsetOf(piece) >>> 2;
  const count = heap.roomOf(piece) >>> 2;
  for (let i = 0; i < count; i += count > 4096 ? 257 : 1) {
    if (words[first + i] !== (Math.imul(seed, 0x9e3779b1) ^ i)) return false;
  }
  return true;
}

/** A size as collections have them: mostly small, some large, a few huge. */
function randomSize(random: SeededRandom): number {
  const kind = random.below(100);
  if (kind < 60) return 1 + random.below(256);
  if (kind < 90) return 1 + random.below(4096);
  if (kind < 99) return 1 + random.below(100_000);
  return 1 + random.below(3_000_000);
}

describe("size classes", () => {
  it("rise, are multiples of 16 and fill their spans", () => {
    for (let i = 0; i < CLASS_COUNT; i++) {
      expect(ROOM[i]! % 16).toBe(0);
      if (i > 0) expect(ROOM[i]!).toBeGreaterThan(ROOM[i - 1]!);
      const span = SPAN_TILES[i]! * TILE_BYTES;
      expect(ROOM[i]! * PER_SPAN[i]!).toBeLessThanOrEqual(span);
      expect(ROOM[i]! * PER_SPAN[i]! + ROOM[i]!).toBeGreaterThan(span - (ROOM[i]! <= 1024 ? 1024 : 0));
    }
    expect(CLASS_BYTES_MAX).toBe(32 * 1024);
  });

  it("are no farther apart than they say", () => {
    for (let i = 8; i < CLASS_COUNT; i++) {
      const bound = ROOM[i]! <= 4096 ? 1.17 : ROOM[i]! <= 8192 ? 1.26 : 1.51;
      expect(ROOM[i]! / ROOM[i - 1]!).toBeLessThan(bound);
    }
  });
});

describe("slabs", () => {
  it("are reported when all of them is in use, and not before", () => {
    const full: ArrayBuffer[] = [];
    const asked: boolean[] = [];
    const heap = new PieceHeap({
      newSlab(bytes, bySteps) {
        asked.push(bySteps);
        return new ArrayBuffer(bytes);
      },
      slabIsFull: (slab) => full.push(slab),
    });
    let piece = heap.allocate(TILE_BYTES);
    const first = heap.bytesOf(piece).buffer;
    while (full.length === 0) {
      expect(heap.bytesOf(piece).buffer).toBe(first);
      piece = heap.allocate(TILE_BYTES);
    }
    expect(full).toEqual([first]);
    expect(heap.usedBytes).toBeGreaterThan(first.byteLength / 2);
    heap.allocate(3_000_000);
    expect(asked).toEqual([true, false]);
  });
});

describe("PieceHeap", () => {
  it("gives pieces with the room it announces, aligned, never number 0", () => {
    const heap = new PieceHeap();
    for (const bytes of [
      1,
      15,
      16,
      17,
      128,
      129,
      2048,
      4097,
      32_768,
      32_769,
      1 << 20,
      (1 << 20) + 1,
      5 << 20,
    ]) {
      const piece = heap.allocate(bytes);
      expect(piece).toBeGreaterThan(0);
      expect(heap.roomOf(piece)).toBe(heap.roomFor(bytes));
      expect(heap.roomOf(piece)).toBeGreaterThanOrEqual(bytes);
      expect(heap.offsetOf(piece) % 16).toBe(0);
      expect(heap.bytesOf(piece).buffer).toBe(heap.wordsOf(piece).buffer);
      expect(heap.bytesOf(piece).buffer).toBe(heap.dataOf(piece).buffer);
      expect(heap.offsetOf(piece) + heap.roomOf(piece)).toBeLessThanOrEqual(heap.bytesOf(piece).length);
    }
  });

  it("starts small", () => {
    const heap = new PieceHeap();
    heap.allocate(100);
    expect(heap.reservedBytes).toBeLessThan(160 * 1024);
  });

  it("refuses sizes that cannot be", () => {
    expect(() => new PieceHeap({ slabBytes: 3 << 20 })).toThrow(FerriteError);
    expect(() => new PieceHeap().allocate(2 ** 31)).toThrow(/too many/);
    expect(() => new PieceHeap().allocate(0)).toThrow(/at least one byte/);
  });

  it("is unchanged by a request that the system refuses", () => {
    let refuse = false;
    const heap = new PieceHeap({
      newSlab(bytes) {
        if (refuse) throw new RangeError("Array buffer allocation failed");
        return new ArrayBuffer(bytes);
      },
    });
    const piece = heap.allocate(100);
    const { usedBytes, reservedBytes } = heap;
    refuse = true;
    for (const bytes of [500_000, 5_000_000]) {
      expect(() => heap.allocate(bytes)).toThrow(expect.objectContaining({ kind: "unavailable" }));
    }
    expect([heap.usedBytes, heap.reservedBytes]).toEqual([usedBytes, reservedBytes]);
    refuse = false;
    expect(heap.allocate(500_000)).not.toBe(piece);
    expect(heap.allocate(5_000_000)).not.toBe(piece);
  });

  it("keeps what is written in every live piece, whatever is allocated and freed around it", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(64 * 1024, 256 * 1024, 4 << 20),
        fc.array(fc.record({ free: fc.boolean(), which: fc.nat(), seed: fc.integer() }), { maxLength: 300 }),
        (slabBytes, steps) => {
          const given: ArrayBuffer[] = [];
          const heap = new PieceHeap({
            slabBytes,
            newSlab: (bytes) => given[given.push(new ArrayBuffer(bytes)) - 1]!,
            releaseSlab: (slab) => void given.splice(given.indexOf(slab), 1),
          });
          const live: { piece: number; seed: number }[] = [];
          let used = 0;
          for (const { free, which, seed } of steps) {
            if (free && live.length > 0) {
              const [gone] = live.splice(which % live.length, 1);
              expect(isStamped(heap, gone!.piece, gone!.seed)).toBe(true);
              used -= heap.roomOf(gone!.piece);
              heap.free(gone!.piece);
            } else {
              const piece = heap.allocate(randomSize(new SeededRandom(which)));
              used += heap.roomOf(piece);
              stamp(heap, piece, seed);
              live.push({ piece, seed });
            }
            expect(heap.usedBytes).toBe(used);
            expect(heap.reservedBytes).toBeGreaterThanOrEqual(used);
            const slabs = given.reduce((sum, slab) => sum + slab.byteLength, 0);
            expect(heap.reservedBytes - slabs).toBeLessThan(slabs / 400 + 1000);
          }
          for (const { piece, seed } of live) expect(isStamped(heap, piece, seed)).toBe(true);
          for (const { piece } of live) heap.free(piece);
          expect([heap.usedBytes, heap.reservedBytes, given.length]).toEqual([0, 0, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("gives 200 MB of random pieces back when they are freed in random order", () => {
    const heap = new PieceHeap();
    const random = new SeededRandom(7);
    const live: number[] = [];
    while (heap.usedBytes < 200e6) live.push(heap.allocate(randomSize(random)));
    expect(heap.reservedBytes).toBeLessThan(heap.usedBytes * 1.1);
    for (let i = live.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [live[i], live[j]] = [live[j]!, live[i]!];
    }
    for (const piece of live) heap.free(piece);
    expect(heap.usedBytes).toBe(0);
    expect(heap.reservedBytes).toBe(0);
  });

  it("lets one class use what another has left", () => {
    const heap = new PieceHeap();
    const random = new SeededRandom(11);
    let reservedMax = 0;
    for (const size of [40, 2000, 300, 12_000, 100, 70_000]) {
      const live: number[] = [];
      while (heap.usedBytes < 20e6) live.push(heap.allocate(size));
      reservedMax = Math.max(reservedMax, heap.reservedBytes);
      for (let i = live.length - 1; i >= 0; i--) {
        const j = random.below(i + 1);
        heap.free(live[j]!);
        live[j] = live[i]!;
      }
    }
    expect(reservedMax).toBeLessThan(28e6);
  });
});

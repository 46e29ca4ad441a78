/** The value forms of sorted sets against a plain array of elements. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromLatin1, latin1 } from "../../src/base/bytes.ts";
import { SipHasher } from "../../src/engine/index/hash.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import {
  countPackedBefore,
  countPackedBelow,
  findPackedMember,
  indexPacked,
  nextPacked,
  PACKED_ELEMENTS_MAX,
  PACKED_HEAD_BYTES,
  packedAt,
  packedCount,
  packedElementBytes,
  packedMemberLength,
  packedMemberOffset,
  packedRankOf,
  packedScore,
  placeForPacked,
  rescorePacked,
  writePackedCount,
  writePackedElement,
} from "../../src/value/sorted-set/packed-sorted-set.ts";
import { ScoreTable } from "../../src/value/sorted-set/score-table.ts";
import { UnpackedSortedSet } from "../../src/value/sorted-set/unpacked-sorted-set.ts";
import type { StructureParts } from "../../src/value/unpacked.ts";
import { SeededRandom } from "../engine/support.ts";

type Element = readonly [member: string, score: number];

function inOrder(elements: readonly Element[]): Element[] {
  return [...elements].sort((a, b) =>
    a[1] < b[1]
      ? -1
      : a[1] > b[1]
        ? 1
        : Buffer.compare(Buffer.from(a[0], "latin1"), Buffer.from(b[0], "latin1")),
  );
}

const member = fc.oneof(
  fc.constantFrom("", "a", "ab", "b", "\xff\0"),
  fc.nat(30).map((n) => `m${n}`),
  fc.constantFrom(126, 127, 128, 300).map((length) => "x".repeat(length)),
);
const score = fc.oneof(
  fc.constantFrom(0, 1, 1, 2, -1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.double({ noNaN: true }).map((x) => x + 0),
);
const elements = fc.uniqueArray(fc.tuple(member, score), { selector: ([name]) => name, maxLength: 12 });

/** Somewhere in a larger buffer, at an odd place. */
const START = 5;

class Packed {
  readonly bytes = new Uint8Array(8192).fill(0xee);
  readonly data = new DataView(this.bytes.buffer);
  end = START + PACKED_HEAD_BYTES;

  constructor(sorted: readonly Element[]) {
    writePackedCount(this.bytes, START, sorted.length);
    for (const [name, value] of sorted) {
      const key = fromLatin1(name);
      const next = writePackedElement(this.bytes, this.data, this.end, value, key, 0, key.length);
      expect(next - this.end).toBe(packedElementBytes(key.length));
      this.end = next;
    }
  }

  read(): Element[] {
    const found: Element[] = [];
    for (let at = START + PACKED_HEAD_BYTES; at < this.end; at = nextPacked(this.bytes, at)) {
      const length = packedMemberLength(this.bytes, at);
      found.push([
        latin1(this.bytes, packedMemberOffset(this.bytes, at), length),
        packedScore(this.data, at),
      ]);
    }
    return found;
  }
}

describe("the packed form", () => {
  it("reads what was written, finds members and ranks, and counts", () => {
    fc.assert(
      fc.property(elements, member, score, fc.boolean(), (given, name, value, inclusive) => {
        const sorted = inOrder(given);
        const { bytes, data, end } = new Packed(sorted);
        const key = fromLatin1(name);
        expect(packedCount(bytes, START)).toBe(sorted.length);
        const index = new Int32Array(PACKED_ELEMENTS_MAX);
        indexPacked(bytes, START, end, index);
        for (const [rank, [present]] of sorted.entries()) {
          const own = fromLatin1(present);
          const at = findPackedMember(bytes, START, end, own, 0, own.length);
          expect(packedRankOf(bytes, START, at)).toBe(rank);
          expect(packedAt(bytes, START, end, rank)).toBe(at);
          expect(START + index[rank]!).toBe(at);
        }
        const found = findPackedMember(bytes, START, end, key, 0, key.length);
        expect(found >= 0).toBe(sorted.some(([present]) => present === name));
        const below = sorted.filter(([, present]) => (inclusive ? present <= value : present < value)).length;
        expect(countPackedBelow(bytes, data, START, end, value, inclusive)).toBe(below);
        const all = sorted.map(([present]): Element => [present, 0]);
        const even = new Packed(inOrder(all));
        const before = all.filter(([present]) => {
          const order = Buffer.compare(Buffer.from(present, "latin1"), Buffer.from(name, "latin1"));
          return inclusive ? order <= 0 : order < 0;
        }).length;
        expect(countPackedBefore(even.bytes, START, even.end, key, 0, key.length, inclusive)).toBe(before);
      }),
    );
  });

  it("says where a new element belongs", () => {
    fc.assert(
      fc.property(elements, member, score, (given, name, value) => {
        const others = given.filter(([present]) => present !== name);
        const packed = new Packed(inOrder(others));
        const key = fromLatin1(name);
        const at = placeForPacked(packed.bytes, packed.data, START, packed.end, value, key, 0, key.length);
        const rank = packedRankOf(packed.bytes, START, at);
        expect(inOrder([...others, [name, value]]).findIndex(([present]) => present === name)).toBe(rank);
      }),
    );
  });

  it("moves an element whose score changes, and nothing else", () => {
    fc.assert(
      fc.property(elements, fc.nat(), score, (given, pick, value) => {
        fc.pre(given.length > 0);
        const sorted = inOrder(given);
        const [name] = sorted[pick % sorted.length]!;
        const packed = new Packed(sorted);
        const { bytes, data, end } = packed;
        const key = fromLatin1(name);
        const at = findPackedMember(bytes, START, end, key, 0, key.length);
        fc.pre(packedScore(data, at) !== value);
        rescorePacked(bytes, data, START, end, at, value, key, 0, key.length);
        const expected = inOrder(given.map(([present, old]) => [present, present === name ? value : old]));
        expect(packed.read()).toEqual(expected);
        expect(bytes[end]).toBe(0xee);
        expect(bytes[START - 1]).toBe(0xee);
      }),
    );
  });
});

function parts(): StructureParts {
  return { heap: new PieceHeap(), hasher: new SipHasher(3, 4), random: new SeededRandom(1) };
}

function readUnpacked(set: UnpackedSortedSet): Element[] {
  const found: Element[] = [];
  for (let rank = 0; rank < set.size; rank++) {
    set.order.seekRank(rank);
    found.push([latin1(set.order.bytes, set.order.offset, set.order.length), set.order.score]);
  }
  return found;
}

describe("the unpacked form", () => {
  it("keeps both structures together, copies itself, and gives every byte back", () => {
    type Change = { readonly name: string; readonly value: number; readonly removes: boolean };
    const change = fc.record({ name: member, value: score, removes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes: readonly Change[]) => {
        const own = parts();
        const set = new UnpackedSortedSet(own);
        const model = new Map<string, number>();
        for (const { name, value, removes } of changes) {
          const key = fromLatin1(name);
          const present = set.scoreOf(key, 0, key.length);
          expect(present).toBe(model.get(name) ?? Number.NaN);
          if (Number.isNaN(present)) {
            if (removes) continue;
            set.add(key, 0, key.length, value);
          } else if (removes) set.remove(key, 0, key.length, present);
          else if (present !== value) set.rescore(key, 0, key.length, present, value);
          if (removes) model.delete(name);
          else if (model.get(name) !== value) model.set(name, value);
        }
        const expected = inOrder([...model]);
        expect(readUnpacked(set)).toEqual(expected);
        const copy = set.copy();
        const half = expected.length >> 1;
        set.removeRange(0, half);
        expect(readUnpacked(set)).toEqual(expected.slice(half));
        expect(readUnpacked(copy)).toEqual(expected);
        for (const structure of [set, copy]) while (!structure.release(1));
        expect(own.heap.usedBytes).toBe(0);
      }),
    );
  });
});

describe("a walk", () => {
  it("goes on while another sorted set is changed, however many were used before it began", () => {
    for (let used = 0; used < 20; used++) {
      const own = parts();
      const sets = Array.from({ length: 20 }, () => new UnpackedSortedSet(own));
      const [walked, changed, ...others] = sets as [UnpackedSortedSet, UnpackedSortedSet];
      const keys = ["a", "b", "c"].map(fromLatin1);
      for (const [score, key] of keys.entries()) walked.add(key, 0, 1, score);
      for (const other of (others as UnpackedSortedSet[]).slice(0, used)) other.add(keys[0]!, 0, 1, 1);
      walked.order.seekRank(0);
      for (const [score, key] of keys.entries()) {
        changed.add(key, 0, 1, score);
        expect(walked.order.score).toBe(score);
        expect(walked.order.next()).toBe(score < 2);
      }
    }
  });
});

describe("the table of results", () => {
  it("finds what was put in and answers it in order", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(member, score), { maxLength: 40 }), (given) => {
        const table = new ScoreTable();
        table.clear(new SipHasher(5, 6));
        const model = new Map<string, number>();
        for (const [name, value] of given) {
          const key = fromLatin1(name);
          const element = table.find(key, 0, key.length);
          expect(element >= 0).toBe(model.has(name));
          if (element < 0) table.append(key, 0, key.length, value);
          else table.rescore(element, value);
          model.set(name, value);
        }
        table.sort();
        const found = Array.from({ length: table.count }, (_, rank): Element => {
          const element = table.at(rank);
          const text = latin1(table.bytes, table.offsetOf(element), table.lengthOf(element));
          return [text, table.scores[element]!];
        });
        expect(found).toEqual(inOrder([...model]));
        expect(table.longest).toBe(Math.max(0, ...[...model.keys()].map((name) => name.length)));
      }),
    );
  });

  it("grows far beyond what it begins with, and is as good as new when it is cleared", () => {
    const table = new ScoreTable();
    for (let round = 0; round < 2; round++) {
      table.clear(new SipHasher(5, 6));
      for (let i = 0; i < 20_000; i++) {
        const key = fromLatin1(`member ${i}`);
        expect(table.find(key, 0, key.length)).toBe(-1);
        table.append(key, 0, key.length, -i);
      }
      const key = fromLatin1("member 12345");
      expect(table.find(key, 0, key.length)).toBe(12_345);
      table.sort();
      expect(table.at(0)).toBe(19_999);
      expect(table.at(19_999)).toBe(0);
    }
  });
});

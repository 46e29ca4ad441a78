/** The value format: what is written is read again, and what was not written is refused without harm. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FerriteError } from "../../src/base/errors.ts";
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET } from "../../src/engine/keyspace.ts";
import {
  pieceBytesAt,
  VALUE_HASH,
  VALUE_LIST,
  VALUE_PIECE_BYTES,
  VALUE_SET,
  VALUE_SORTED_SET,
} from "../../src/value/format/piece-format.ts";
import { ValueBuilder } from "../../src/value/format/value-builder.ts";
import { UnpackedHash } from "../../src/value/hash/unpacked-hash.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import { ListSequence } from "../../src/value/sequence/list-sequence.ts";
import { UnpackedSet } from "../../src/value/set/unpacked-set.ts";
import { UnpackedSortedSet } from "../../src/value/sorted-set/unpacked-sorted-set.ts";
import type { StructureParts, UnpackedValue } from "../../src/value/unpacked.ts";
import {
  build,
  contentOf,
  decode,
  HEADER_BYTES,
  hashOf,
  listOf,
  newParts,
  piecesOf,
  putField,
  releaseAll,
  seal,
  setOf,
  sortedSetOf,
  split,
  written,
} from "./format-support.ts";
import { anyBytes, bytesOf } from "./sequence-support.ts";

/** Mostly short; some as long as a piece, or longer. */
const anyElement = fc.oneof(
  { weight: 30, arbitrary: anyBytes },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 60_000, max: 140_000 })
      .map((length) => "ab".repeat(length).slice(0, length)),
  },
);
const anyScore = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const anyTime = fc.option(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { nil: undefined });
const many = { maxLength: 200 };

type Make = (parts: StructureParts) => UnpackedValue;
const anyStructure: fc.Arbitrary<Make> = fc.oneof(
  fc.array(anyElement, many).map(
    (elements): Make =>
      (parts) =>
        listOf(parts, elements),
  ),
  fc.array(anyElement, many).map(
    (members): Make =>
      (parts) =>
        setOf(parts, members),
  ),
  fc.array(fc.tuple(anyElement, anyScore), many).map(
    (pairs): Make =>
      (parts) =>
        sortedSetOf(parts, pairs),
  ),
  fc.array(fc.tuple(anyElement, anyElement, anyTime), many).map(
    (all): Make =>
      (parts) =>
        hashOf(parts, all),
  ),
  fc.array(fc.tuple(anyElement, anyElement), many).map(
    (pairs): Make =>
      (parts) =>
        hashOf(parts, pairs),
  ),
);

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `element:${i}`);
const corruption = expect.objectContaining({ name: "FerriteError", kind: "corruption" });

describe("a structure that was written", () => {
  it("is built again with the same content, in pieces that keep their bound", () => {
    fc.assert(
      fc.property(anyStructure, (make) => {
        const heap = new PieceHeap();
        const value = make(newParts(heap));
        const pieces = written(value);
        for (const piece of pieces) {
          const elements = new DataView(piece.buffer).getUint32(12, true);
          expect(piece.length <= VALUE_PIECE_BYTES || elements === 1).toBe(true);
          expect(pieceBytesAt(piece, 0)).toBe(piece.length);
        }
        const { elements } = decode(pieces);
        expect(elements.length).toBe(value.size);
        const built = build(newParts(heap), pieces);
        expect(built.constructor).toBe(value.constructor);
        expect(built.size).toBe(value.size);
        expect(contentOf(built)).toEqual(elements);
        releaseAll(value);
        releaseAll(built);
        expect(heap.usedBytes).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it("serves as before: members are found, ranks and times are right", () => {
    const parts = newParts();
    const names = numbered(5000);
    const set = build(parts, written(setOf(parts, names))) as UnpackedSet;
    const sorted = build(
      parts,
      written(
        sortedSetOf(
          parts,
          names.map((name, i) => [name, i % 50]),
        ),
      ),
    ) as UnpackedSortedSet;
    const hash = build(
      parts,
      written(
        hashOf(
          parts,
          names.map((name, i) => [name, `v${i}`, 1000 + i]),
        ),
      ),
    ) as UnpackedHash;
    const list = build(parts, written(listOf(parts, names))) as ListSequence;
    for (const [i, name] of names.entries()) {
      const bytes = bytesOf(name);
      expect(set.dictionary.find(bytes, 0, bytes.length)).toBe(true);
      expect(hash.dictionary.find(bytes, 0, bytes.length)).toBe(true);
      expect(hash.entry.expiryMs).toBe(1000 + i);
      expect(sorted.scoreOf(bytes, 0, bytes.length)).toBe(i % 50);
    }
    sorted.order.verify();
    list.verify();
    expect(hash.elementsDueMs).toBe(1000);
    expect(hash.expire(1100, 100_000, () => {})).toBe(100);
    list.pushFirst(bytesOf("x"), 0, 1);
    list.removeRange(1, 4999);
    expect(contentOf(list)).toEqual([["x"], ["element:4999"]]);
  });

  it("is larger than one piece where it has to be, and a long element has a piece of its own", () => {
    const parts = newParts();
    const counts = (texts: string[]): number[] =>
      written(listOf(parts, texts)).map((piece) => new DataView(piece.buffer).getUint32(12, true));
    expect(counts(["a", "b".repeat(70_000), "c"])).toEqual([0, 1, 1, 1, 0]);
    // What fills a piece to its last byte, and one byte more.
    const room = VALUE_PIECE_BYTES - HEADER_BYTES - 5;
    expect(counts(["a".repeat(room), "b"])).toEqual([0, 1, 1, 0]);
    expect(counts(["a".repeat(room - 2), "b"])).toEqual([0, 2, 0]);
    expect(counts(["a".repeat(room - 1), "b"])).toEqual([0, 1, 1, 0]);
    expect(counts([])).toEqual([0, 0]);
    const writtenOnce = listOf(parts, ["a"]).capture();
    expect([piecesOf(writtenOnce).length, piecesOf(writtenOnce).length]).toEqual([3, 0]);
  });

  it("has the numbers that records have for types", () => {
    expect([VALUE_LIST, VALUE_SET, VALUE_SORTED_SET, VALUE_HASH]).toEqual([
      TYPE_LIST,
      TYPE_SET,
      TYPE_SORTED_SET,
      TYPE_HASH,
    ]);
  });
});

describe("a capture", () => {
  /** Random changes with the public methods of each type. */
  function change(value: UnpackedValue, random: () => number): void {
    const text = `element:${Math.floor(random() * 600)}`;
    const name = bytesOf(text);
    const remove = random() < 0.6;
    if (value instanceof UnpackedSet) {
      if (remove) value.dictionary.remove(name, 0, name.length);
      else value.add(name, 0, name.length);
    } else if (value instanceof UnpackedHash) {
      if (remove) value.dictionary.remove(name, 0, name.length);
      else putField(value, text, "v".repeat(random() * 700), random() < 0.3 ? 5 : undefined);
    } else if (value instanceof UnpackedSortedSet) {
      const score = value.scoreOf(name, 0, name.length);
      if (Number.isNaN(score)) value.add(name, 0, name.length, random());
      else if (remove) value.remove(name, 0, name.length, score);
      else value.rescore(name, 0, name.length, score, random() * 100);
    } else if (value instanceof ListSequence) {
      if (value.size > 0 && random() < 0.2) value.popFirst();
      else if (value.size > 0 && remove) value.removeRange(Math.floor(random() * value.size), 1);
      else value.pushLast(name, 0, name.length);
    }
  }

  it("is written as it was, whatever is changed meanwhile, and after the structure was released", () => {
    const makers: Make[] = [
      (parts) => listOf(parts, numbered(500)),
      (parts) => setOf(parts, numbered(500)),
      (parts) =>
        hashOf(
          parts,
          numbered(500).map((name, i) => [name, "v".repeat((i * 7) % 800), i % 3 === 0 ? i : undefined]),
        ),
      (parts) =>
        sortedSetOf(
          parts,
          numbered(500).map((name, i) => [name, (i * 31) % 100]),
        ),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...makers),
        fc.nat(),
        fc.integer({ min: 0, max: 400 }),
        fc.nat(4),
        fc.nat(4),
        fc.integer({ min: 1, max: 40 }),
        (make, seed, changes, before, releaseSteps, step) => {
          const heap = new PieceHeap();
          const value = make(newParts(heap));
          const expected = contentOf(value);
          let state = seed;
          const random = (): number => {
            state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
            return state / 2 ** 32;
          };
          const capture = value.capture();
          const read: Uint8Array[] = [];
          for (let i = 0; i < changes; i++) change(value, random);
          // A part of the pieces before the release begins, the others while it goes on and after it.
          for (let i = 0; i < before; i++) takePiece(capture, read);
          let gone = false;
          for (let i = 0; i < releaseSteps; i++) gone = value.release(step);
          takePiece(capture, read);
          while (!gone) gone = value.release(step);
          expect(value.memoryBytes).toBe(0);
          expect(capture.retainedBytes).toBe(heap.usedBytes);
          while (takePiece(capture, read));
          expect(decode(read).elements).toEqual(expected);
          while (!capture.release(step));
          expect(heap.usedBytes).toBe(0);
        },
      ),
      { numRuns: 120 },
    );
  });

  it("may be ended before or while the structure is released, read or not", () => {
    for (const make of [
      (parts: StructureParts) => listOf(parts, numbered(900)),
      (parts: StructureParts) => setOf(parts, numbered(900)),
      (parts: StructureParts) =>
        sortedSetOf(
          parts,
          numbered(900).map((name, i) => [name, i]),
        ),
    ]) {
      for (const [reads, frees] of [
        [0, 0],
        [1, 0],
        [0, 3],
        [2, 3],
      ] as const) {
        const heap = new PieceHeap();
        const value = make(newParts(heap));
        const capture = value.capture();
        for (let i = 0; i < reads; i++) takePiece(capture, []);
        for (let i = 0; i < frees; i++) value.release(2);
        while (!capture.release(3));
        releaseAll(value);
        expect(heap.usedBytes).toBe(0);
      }
    }
  });

  it("counts what it retains", () => {
    const value = listOf(newParts(), numbered(3000));
    const capture = value.capture();
    expect(capture.retainedBytes).toBe(0);
    value.removeRange(0, 2000);
    expect(capture.retainedBytes).toBeGreaterThan(20_000);
    while (!capture.release(5));
    expect(capture.retainedBytes).toBe(0);
  });
});

function takePiece(capture: ReturnType<UnpackedValue["capture"]>, into: Uint8Array[]): boolean {
  const one = { taken: false };
  const pieces = piecesOf({
    size: capture.size,
    retainedBytes: 0,
    visit: () => false,
    release: () => true,
    writePiece: (out) => !one.taken && (one.taken = capture.writePiece(out)),
  });
  into.push(...pieces);
  return one.taken;
}

/** What building these pieces ends with; everything that was built meanwhile has been freed. */
function refusal(pieces: readonly Uint8Array[]): FerriteError | undefined {
  const heap = new PieceHeap();
  try {
    releaseAll(build(newParts(heap), pieces));
  } catch (error) {
    if (!(error instanceof FerriteError)) throw error;
    expect(heap.usedBytes).toBe(0);
    return error;
  }
  return undefined;
}

const SAMPLES: readonly Make[] = [
  (parts) => listOf(parts, ["", "a", "b".repeat(300), "c"]),
  (parts) => setOf(parts, ["", "a", "b".repeat(300), "c"]),
  (parts) =>
    sortedSetOf(parts, [
      ["", 1],
      ["a", 1],
      ["b", 2],
      ["c".repeat(200), Number.POSITIVE_INFINITY],
    ]),
  (parts) =>
    hashOf(parts, [
      ["", ""],
      ["a", "1", 7],
      ["b", "2".repeat(300)],
    ]),
];

describe("bytes that were not written", () => {
  it("are refused wherever one of them differs", () => {
    for (const make of SAMPLES) {
      const pieces = written(make(newParts()));
      for (const [i, piece] of pieces.entries()) {
        for (let at = 0; at < piece.length; at += 1 + (at >> 6)) {
          const damaged = pieces.map((each) => each.slice());
          damaged[i]![at]! ^= 1 << (at & 7);
          expect(refusal(damaged), `piece ${i}, byte ${at}`).toEqual(corruption);
        }
      }
    }
  });

  it("are refused if they are cut, or pieces are missing, twice or in another order", () => {
    const pieces = written(listOf(newParts(), ["a", "b".repeat(66_000), "c", "d".repeat(66_000)]));
    expect(pieces.length).toBe(6);
    for (let i = 0; i < pieces.length; i++) {
      expect(refusal(pieces.slice(0, i)), `the first ${i}`).toEqual(corruption);
      expect(refusal(pieces.toSpliced(i, 1)), `without ${i}`).toEqual(corruption);
      expect(refusal(pieces.toSpliced(i, 0, pieces[i]!)), `${i} twice`).toEqual(corruption);
      if (i > 0) expect(refusal(pieces.toSpliced(i - 1, 2, pieces[i]!, pieces[i - 1]!))).toEqual(corruption);
    }
    expect(refusal([...pieces, pieces.at(-1)!])?.message).toMatch(/piece 6 of a list/);
    for (const length of [0, 1, HEADER_BYTES - 1, pieces[1]!.length - 1])
      expect(refusal([pieces[0]!, pieces[1]!.slice(0, length)])).toEqual(corruption);
    expect(refusal([pieces[0]!])?.message).toMatch(/expected its last piece, found the end of the bytes/);
  });

  /** The pieces of a structure with the payload of its only piece of elements, or of another, replaced. */
  function forged(make: Make, payload: readonly number[], count: number, piece = 1): Uint8Array[] {
    const pieces = written(make(newParts()));
    const bytes = new Uint8Array(HEADER_BYTES + payload.length);
    bytes.set(pieces[piece]!.subarray(0, HEADER_BYTES));
    bytes.set(payload, HEADER_BYTES);
    pieces[piece] = seal(bytes, count);
    return pieces;
  }
  const score = (value: number): number[] => [...new Uint8Array(new Float64Array([value]).buffer)];
  const list: Make = (parts) => listOf(parts, ["a", "b"]);
  const set: Make = (parts) => setOf(parts, ["a", "b"]);
  const hash: Make = (parts) =>
    hashOf(parts, [
      ["a", "1"],
      ["b", "2"],
    ]);
  const times: Make = (parts) => hashOf(parts, [["a", "1", 5]]);
  const sorted: Make = (parts) =>
    sortedSetOf(parts, [
      ["a", 1],
      ["b", 2],
    ]);

  it("are refused by what they say, even with a right checksum", () => {
    const cases: readonly [RegExp, Uint8Array[]][] = [
      [/entry of at most 1 bytes, found one of 2/, forged(list, [1, 97, 2, 98], 2)],
      [/another entry, found the end/, forged(list, [1, 97], 2)],
      [/2 elements up to the end, found 1 more/, forged(list, [1, 97, 1, 98, 0], 2)],
      [/a length of 2 bytes, found 1/, forged(list, [1, 97, 0x80], 2)],
      [/a length of 5 bytes, found 3/, forged(list, [1, 97, 0xc0, 1, 0], 2)],
      [/one of 4294967295/, forged(list, [1, 97, 0xc0, 255, 255, 255, 255], 2)],
      [/first byte of 193/, forged(list, [1, 97, 0xc1, 1, 0, 0, 0, 98], 2)],
      [/1 as a length of 1 bytes, found 2/, forged(list, [1, 97, 0x80, 1, 98], 2)],
      [/2 more elements, found 3/, forged(list, [0, 0, 0], 3)],
      [/2 more elements, found 4294967295/, forged(list, [1, 97, 1, 98], 0xffff_ffff)],
      [/2 elements, found 1/, forged(list, [1, 97], 1)],
      [/elements in pieces of elements alone/, forged(list, [1, 97, 1, 98], 0)],
      [/each member once/, forged(set, [1, 97, 1, 97], 2)],
      [/each field once/, forged(hash, [1, 97, 1, 49, 1, 97, 1, 50], 2)],
      [/a time of 0 or 6 bytes, found one of 3/, forged(times, [1, 97, 1, 49, 3, 0, 0, 0], 1)],
      [/each member once, in order/, forged(sorted, [...score(2), 1, 97, ...score(1), 1, 98], 2)],
      [/each member once, in order/, forged(sorted, [...score(0), 1, 98, ...score(-0), 1, 97], 2)],
      [/each member once, in order/, forged(sorted, [...score(1), 1, 97, ...score(1), 1, 97], 2)],
      [/each member once, in order/, forged(sorted, [...score(1), 1, 97, ...score(2), 1, 97], 2)],
      [/a score, found NaN/, forged(sorted, [...score(1), 1, 97, ...score(Number.NaN), 1, 98], 2)],
      [/8 more bytes, found 3/, forged(sorted, [...score(1), 1, 97, 0, 0, 0], 2)],
      [/format version 1, found version 2/, forged(list, [2, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0], 0, 0)],
      [/a type from 1 to 4, found type 0/, forged(list, [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], 0, 0)],
      [/a type from 1 to 4, found type 5/, forged(list, [1, 0, 5, 0, 2, 0, 0, 0, 0, 0, 0, 0], 0, 0)],
      [/flags of its type, found flags 1/, forged(list, [1, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0], 0, 0)],
      [/flags of its type, found flags 2/, forged(hash, [1, 0, 4, 2, 2, 0, 0, 0, 0, 0, 0, 0], 0, 0)],
      [/a count below 2\^53/, forged(list, [1, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 255], 0, 0)],
      [/4294967298 elements, found 2/, forged(list, [1, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0], 0, 0)],
      [/12 bytes, found 11/, forged(list, [1, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0], 0, 0)],
      [/an end that says 2 elements, found 3/, forged(list, [3, 0, 0, 0, 0, 0, 0, 0], 0, 2)],
    ];
    for (const [message, pieces] of cases) {
      const error = refusal(pieces);
      expect(error, String(message)).toEqual(corruption);
      expect(error!.message).toMatch(message);
    }
  });

  it("give a structure or an error of kind corruption, whatever a payload with a right checksum holds", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SAMPLES),
        fc.array(fc.tuple(fc.nat(2), fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.option(fc.oneof(fc.nat(6), fc.constant(0xffff_ffff)), { nil: undefined }),
        (make, edits, count) => {
          const pieces = written(make(newParts()));
          for (const [i, at, byte] of edits) {
            const piece = pieces[i]!;
            piece[HEADER_BYTES + (at % (piece.length - HEADER_BYTES))] = byte;
            seal(piece, i === 1 ? count : undefined);
          }
          const error = refusal(pieces);
          if (error !== undefined) expect(error).toEqual(corruption);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("do not make a reader wait for more than a piece can have", () => {
    const [head, elements] = written(list(newParts()));
    const says = (piece: Uint8Array, length: number, count: number): Uint8Array => {
      const data = new DataView(piece.slice().buffer);
      data.setUint32(8, length, true);
      data.setUint32(12, count, true);
      return new Uint8Array(data.buffer);
    };
    expect(() => pieceBytesAt(says(elements!, 65_517, 2), 0)).toThrow(/at most 65536 bytes, found 65537/);
    expect(() => pieceBytesAt(says(head!, 65_517, 1), 0)).toThrow(/at most 65536/);
    expect(pieceBytesAt(says(elements!, 65_517, 1), 0)).toBe(65_537);
    expect(() => pieceBytesAt(new Uint8Array(HEADER_BYTES), 0)).toThrow(corruption);
  });
});

it("a builder without memory frees what it has built", () => {
  class StingyHeap extends PieceHeap {
    left = 0;
    override allocate(bytes: number): number {
      if (this.left-- <= 0) throw new FerriteError("unavailable", "no memory for the test");
      return super.allocate(bytes);
    }
  }
  for (const make of SAMPLES) {
    const pieces = written(make(newParts()));
    for (let left = 0; ; left++) {
      const heap = new StingyHeap();
      heap.left = left;
      try {
        releaseAll(build(newParts(heap), pieces));
        break;
      } catch (error) {
        expect(error).toMatchObject({ kind: "unavailable" });
        expect(heap.usedBytes).toBe(0);
      }
    }
  }
});

describe("golden bytes of version 1", () => {
  const folder = fileURLToPath(new URL("../golden/value/v1/", import.meta.url));
  const GOLDEN: Readonly<Record<string, { make: Make; elements: readonly (readonly string[])[] }>> = {
    "list.value": {
      make: (parts) => listOf(parts, ["first", "", "b".repeat(200), "first"]),
      elements: [["first"], [""], ["b".repeat(200)], ["first"]],
    },
    "list-long.value": {
      make: (parts) => listOf(parts, ["a", "c".repeat(65_511), "z"]),
      elements: [["a"], ["c".repeat(65_511)], ["z"]],
    },
    "set.value": {
      make: (parts) => setOf(parts, ["one", "two", "three"]),
      elements: [["one"], ["two"], ["three"]],
    },
    "sorted-set.value": {
      make: (parts) =>
        sortedSetOf(parts, [
          ["low", Number.NEGATIVE_INFINITY],
          ["a", -0],
          ["b", 0],
          ["high", 1.5],
        ]),
      elements: [
        ["low", "-Infinity"],
        ["a", "-0"],
        ["b", "0"],
        ["high", "1.5"],
      ],
    },
    "hash.value": {
      make: (parts) =>
        hashOf(parts, [
          ["field", "value"],
          ["empty", ""],
        ]),
      elements: [
        ["field", "value"],
        ["empty", ""],
      ],
    },
    "hash-times.value": {
      make: (parts) =>
        hashOf(parts, [
          ["name", "ferrite"],
          ["token", "x", 4_102_444_800_000],
        ]),
      elements: [
        ["name", "ferrite"],
        ["token", "x", "4102444800000"],
      ],
    },
  };

  it.each(Object.entries(GOLDEN))(
    "%s is read as it always was, and is what the writer writes",
    (name, { make, elements }) => {
      const pieces = split(new Uint8Array(readFileSync(`${folder}${name}`)));
      const inAnyOrder = (all: readonly (readonly string[])[]): string[] =>
        all.map((each) => each.join("\0")).sort();
      const ordered = name.startsWith("list") || name.startsWith("sorted");
      const found = decode(pieces).elements;
      if (ordered) expect(found).toEqual(elements);
      else expect(inAnyOrder(found)).toEqual(inAnyOrder(elements));
      expect(contentOf(build(newParts(), pieces))).toEqual(found);
      expect(Buffer.concat(written(make(newParts())))).toEqual(Buffer.concat(pieces));
    },
  );
});

it("a builder tells its type, and when it has had its last piece", () => {
  const builder = new ValueBuilder(newParts());
  const pieces = written(setOf(newParts(), ["a"]));
  expect([builder.type, builder.isEnded]).toEqual([undefined, false]);
  for (const piece of pieces) {
    expect(builder.isEnded).toBe(false);
    builder.addPiece(piece, 0, piece.length);
    expect(builder.type).toBe(VALUE_SET);
  }
  expect(builder.isEnded).toBe(true);
});

/** The order of sorted sets: equal to a sorted array whatever is done to it, by rank, by score and by member. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FerriteError } from "../../src/base/errors.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import type { SequenceCapture } from "../../src/value/sequence/capture.ts";
import { ScoreSequence } from "../../src/value/sequence/score-sequence.ts";
import { SeededRandom } from "../engine/support.ts";
import {
  anyBytes,
  anySizes,
  bytesOf,
  readLeaves,
  type Scored,
  SMALL,
  scoreContent,
  scoredOrder,
  viewOf,
} from "./sequence-support.ts";

/** Few different scores, so that many are equal; and the edges of doubles. */
const anyScore = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 2, arbitrary: fc.double({ noNaN: true }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 5e-324),
  },
);
const anyMember = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 400 }).map((n) => `m${n}`) },
  { weight: 1, arbitrary: anyBytes },
);
const anyScored = fc.record({ score: anyScore, member: anyMember });

type Step =
  | { do: "insert"; elements: Scored[] }
  | { do: "remove"; at: number; count: number }
  | { do: "change"; at: number; by: number }
  | { do: "removeRange"; at: number; count: number }
  | { do: "find"; score: number; member: string }
  | { do: "capture" | "read" | "endCapture" };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("insert"),
      elements: fc.array(anyScored, { minLength: 1, maxLength: 60 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove"), at: fc.nat(), count: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("change"), at: fc.nat(), by: anyScore }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("removeRange"), at: fc.nat(), count: fc.nat(200) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("find"), score: anyScore, member: anyMember }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("capture", "read", "endCapture") }) },
) as fc.Arbitrary<Step>;

/** A sequence, the sorted array that it has to be equal to, and a capture with the array of its instant. */
class Pair {
  readonly sequence: ScoreSequence;
  model: Scored[] = [];
  readonly #members = new Set<string>();
  #capture: SequenceCapture | undefined;
  #captured: Scored[] = [];
  #read: Scored[] = [];

  constructor(sequence: ScoreSequence) {
    this.sequence = sequence;
  }

  step(step: Step): void {
    switch (step.do) {
      case "insert":
        for (const element of step.elements) this.insert(element);
        return;
      case "remove":
        for (let i = 0; i < step.count && this.model.length > 0; i++)
          this.remove(step.at % this.model.length);
        return;
      case "change":
        if (this.model.length > 0) this.change(step.at % this.model.length, step.by);
        return;
      case "removeRange":
        this.removeRange(step.at % (this.model.length + 1), step.count);
        return;
      case "find":
        this.find(step.score, step.member);
        return;
      case "capture":
        if (this.#capture !== undefined) return;
        this.#capture = this.sequence.capture();
        this.#captured = this.model.slice();
        this.#read = [];
        return;
      case "read":
        if (this.#capture !== undefined) readLeaves(this.#capture, 2, (entry) => this.#take(entry));
        return;
      case "endCapture":
        this.endCapture();
    }
  }

  insert(element: Scored): void {
    if (this.#members.has(element.member)) return;
    this.#members.add(element.member);
    this.give(element.member, (bytes, length) => this.sequence.insert(element.score, bytes, 1, length));
    this.#place(element);
    expect([this.sequence.score, viewOf(this.sequence)]).toEqual([element.score, element.member]);
  }

  remove(at: number): void {
    const [element] = this.model.splice(at, 1);
    this.#members.delete(element!.member);
    this.give(element!.member, (bytes, length) => this.sequence.remove(element!.score, bytes, 1, length));
  }

  change(at: number, by: number): void {
    const [element] = this.model.splice(at, 1);
    const score = Number.isNaN(element!.score + by) ? by : element!.score + by;
    this.give(element!.member, (bytes, length) =>
      this.sequence.change(element!.score, bytes, 1, length, score),
    );
    this.#place({ score, member: element!.member });
  }

  removeRange(start: number, countMax: number): void {
    const { sequence, model } = this;
    const count = Math.min(countMax, model.length - start);
    const removed: Scored[] = [];
    sequence.removeRange(start, count, () =>
      removed.push({ score: sequence.score, member: viewOf(sequence) }),
    );
    expect(removed).toEqual(model.splice(start, count));
    for (const { member } of removed) this.#members.delete(member);
  }

  find(score: number, member: string): void {
    const { sequence, model } = this;
    const below = model.filter((element) => element.score < score).length;
    const notAbove = model.filter((element) => element.score <= score).length;
    expect(sequence.countLess(score, false)).toBe(below);
    expect(sequence.countLess(score, true)).toBe(notAbove);
    expect(sequence.seekScore(score, false)).toBe(below);
    if (below < model.length) expect(viewOf(sequence)).toBe(model[below]!.member);
    if (below > 0) {
      expect(sequence.previous()).toBe(true);
      expect(viewOf(sequence)).toBe(model[below - 1]!.member);
    }
    expect(sequence.seekScore(score, true)).toBe(notAbove);
    if (model.length === 0) return;
    const at = (member.length * 7919) % model.length;
    sequence.seekRank(at);
    expect([sequence.score, viewOf(sequence), sequence.index]).toEqual([
      model[at]!.score,
      model[at]!.member,
      at,
    ]);
    this.give(model[at]!.member, (bytes, length) => {
      expect(sequence.rankOf(model[at]!.score, bytes, 1, length)).toBe(at);
    });
  }

  give(member: string, use: (bytes: Uint8Array, length: number) => void): void {
    const bytes = bytesOf(`<${member}>`);
    use(bytes, bytes.length - 2);
  }

  endCapture(): void {
    if (this.#capture === undefined) return;
    while (!readLeaves(this.#capture, 3, (entry) => this.#take(entry)));
    expect(this.#read).toEqual(this.#captured);
    while (!this.#capture.release(2));
    this.#capture = undefined;
  }

  check(): void {
    this.sequence.verify();
    expect(this.sequence.size).toBe(this.model.length);
    expect(scoreContent(this.sequence)).toEqual(this.model);
  }

  #take(entry: SequenceCapture): void {
    this.#read.push({ score: entry.score, member: viewOf(entry) });
  }

  #place(element: Scored): void {
    let at = 0;
    while (at < this.model.length && scoredOrder(this.model[at]!, element) < 0) at++;
    this.model.splice(at, 0, element);
  }
}

describe("ScoreSequence", () => {
  it("is equal to a sorted array after any sequence of changes, and its captures to that of their instant", () => {
    fc.assert(
      fc.property(anySizes, fc.array(anyStep, { maxLength: 40 }), (sizes, steps) => {
        const heap = new PieceHeap();
        const pair = new Pair(new ScoreSequence(heap, sizes));
        for (const step of steps) pair.step(step);
        pair.check();
        const copy = pair.sequence.copy();
        copy.verify();
        expect(scoreContent(copy)).toEqual(pair.model);
        while (!copy.release(3));
        pair.check();
        pair.endCapture();
        expect(pair.sequence.memoryBytes).toBe(heap.usedBytes);
        while (!pair.sequence.release(3));
        expect(heap.usedBytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps thousands of equal scores in the order of their members", () => {
    const heap = new PieceHeap();
    const random = new SeededRandom(1);
    for (const sizes of [undefined, SMALL]) {
      const sequence = sizes === undefined ? new ScoreSequence(heap) : new ScoreSequence(heap, sizes);
      const members = Array.from({ length: 5000 }, (_, i) => `member:${String(i).padStart(5, "0")}`);
      const shuffled = members.slice();
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = random.below(i + 1);
        [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
      }
      for (const member of shuffled) sequence.insert(7, bytesOf(member), 0, member.length);
      sequence.verify();
      for (let i = 0; i < 5000; i += 37) {
        expect(sequence.rankOf(7, bytesOf(members[i]!), 0, members[i]!.length)).toBe(i);
        expect(sequence.seekLex(bytesOf(members[i]!), 0, members[i]!.length, false)).toBe(i);
        expect(sequence.seekLex(bytesOf(members[i]!), 0, members[i]!.length, true)).toBe(i + 1);
        expect(sequence.seekLex(bytesOf(`${members[i]}+`), 0, members[i]!.length + 1, false)).toBe(i + 1);
      }
      expect(sequence.seekLex(bytesOf(""), 0, 0, false)).toBe(0);
      expect(sequence.seekLex(bytesOf("zz"), 0, 2, false)).toBe(5000);
      expect(sequence.previous()).toBe(true);
      expect(viewOf(sequence)).toBe("member:04999");
      expect(sequence.countLess(7, false)).toBe(0);
      expect(sequence.countLess(7, true)).toBe(5000);
      for (const member of shuffled.slice(0, 4990)) sequence.remove(7, bytesOf(member), 0, member.length);
      sequence.verify();
      expect(scoreContent(sequence).map((element) => element.member)).toEqual(
        shuffled.slice(4990).sort((a, b) => (a < b ? -1 : 1)),
      );
      sequence.release(1e6);
    }
    expect(heap.usedBytes).toBe(0);
  });

  it("orders infinities, both zeros and the smallest numbers, and keeps the sign of zero", () => {
    const sequence = new ScoreSequence(new PieceHeap(), SMALL);
    const scores = [0, -0, Number.POSITIVE_INFINITY, 5e-324, Number.NEGATIVE_INFINITY, -5e-324, 1e308];
    for (const [i, score] of scores.entries()) sequence.insert(score, bytesOf(`m${i}`), 0, 2);
    expect(scoreContent(sequence).map(({ score }) => score)).toEqual([
      Number.NEGATIVE_INFINITY,
      -5e-324,
      0,
      -0,
      5e-324,
      1e308,
      Number.POSITIVE_INFINITY,
    ]);
    expect(sequence.rankOf(-0, bytesOf("m0"), 0, 2)).toBe(2);
    expect(sequence.countLess(-0, true)).toBe(4);
    sequence.change(0, bytesOf("m0"), 0, 2, -0);
    sequence.seekRank(2);
    expect(Object.is(sequence.score, -0)).toBe(true);
    expect(() => sequence.insert(Number.NaN, bytesOf("n"), 0, 1)).toThrow(/a score is a number/);
    expect(() => sequence.insert(0, bytesOf("m0"), 0, 2)).toThrow(/once/);
    expect(() => sequence.remove(1, bytesOf("m0"), 0, 2)).toThrow(/is in its order/);
  });

  it("fills its leaves when members are appended or inserted in rising order", () => {
    for (const put of ["append", "insert"] as const) {
      const sequence = new ScoreSequence(new PieceHeap());
      for (let i = 0; i < 20_000; i++) {
        const member = bytesOf(`member:${String(i).padStart(13, "0")}`);
        sequence[put](i >>> 2, member, 0, member.length);
      }
      sequence.verify();
      expect(sequence.memoryBytes).toBeLessThan(20_000 * 30 * 1.1);
      expect(() => sequence.append(7, bytesOf("a"), 0, 1)).toThrow(/in order/);
      sequence.append(5000, bytesOf("a"), 0, 1);
      expect(() => sequence.append(5000, bytesOf("a"), 0, 1)).toThrow(/in order/);
    }
  });

  it("moves a member by any step as removing and inserting it would", () => {
    const random = new SeededRandom(21);
    const pair = new Pair(new ScoreSequence(new PieceHeap(), SMALL));
    for (let i = 0; i < 300; i++) pair.insert({ score: random.below(1000), member: `m${i}` });
    for (let i = 0; i < 3000; i++) {
      if (i % 300 === 0) pair.step({ do: "capture" });
      if (i % 300 === 200) pair.endCapture();
      const by = random.below(4) === 0 ? random.below(1000) - 500 : random.below(7) - 3;
      pair.change(random.below(300), by);
    }
    pair.check();
  });

  it("leaves a capture as it was when every member moves a little", () => {
    const pair = new Pair(new ScoreSequence(new PieceHeap(), SMALL));
    for (let i = 0; i < 300; i++) pair.insert({ score: i, member: `m${i}` });
    pair.step({ do: "capture" });
    for (let at = 0; at < 300; at++) pair.change(at, 0.25);
    pair.check();
    pair.endCapture();
  });

  it("holds members of no bytes and of a megabyte", () => {
    const heap = new PieceHeap();
    const pair = new Pair(new ScoreSequence(heap, SMALL));
    const huge = "ferrite!".repeat(131_072);
    for (let score = -3; score < 3; score++) {
      for (const member of [`${huge}${score}`, `small${score}`, score === 0 ? "" : `s${score}`]) {
        pair.insert({ score, member });
        pair.insert({ score: -score, member: `${member}'` });
      }
    }
    pair.check();
    for (let at = 0; at < 30; at += 4) pair.change(at, 2.5);
    pair.check();
    while (pair.model.length > 0) pair.remove(pair.model.length >>> 1);
    pair.check();
    expect(pair.sequence.memoryBytes).toBeLessThan(4000);
    pair.sequence.release(100);
    expect(heap.usedBytes).toBe(0);
  });

  it("gives memory back when it shrinks, in whatever order", () => {
    const heap = new PieceHeap();
    const sequence = new ScoreSequence(heap);
    const random = new SeededRandom(4);
    const elements = Array.from({ length: 30_000 }, (_, i) => ({
      score: random.below(1e6),
      member: `m${i}`,
    }));
    for (const { score, member } of elements) sequence.insert(score, bytesOf(member), 0, member.length);
    sequence.verify();
    const full = sequence.memoryBytes;
    for (const { score, member } of elements.slice(1000)) {
      sequence.remove(score, bytesOf(member), 0, member.length);
    }
    sequence.verify();
    expect(sequence.memoryBytes).toBeLessThan(full / 12);
    sequence.removeRange(0, 999);
    expect(sequence.memoryBytes).toBeLessThan(2048);
  });
});

/** A heap that refuses the allocation after the next `left` ones. */
class StingyHeap extends PieceHeap {
  left = Number.POSITIVE_INFINITY;
  override allocate(bytes: number): number {
    if (this.left-- <= 0) throw new FerriteError("unavailable", "no memory for the test");
    return super.allocate(bytes);
  }
}

describe("a change of score without memory", () => {
  it("leaves the order as it was, whichever request is refused", () => {
    const heap = new StingyHeap();
    const order = new ScoreSequence(heap, SMALL);
    const random = new SeededRandom(7);
    const scores = new Map<string, number>();
    for (let i = 0; i < 300; i++) {
      const member = `m${i}`;
      scores.set(member, random.below(50));
      order.insert(scores.get(member)!, bytesOf(member), 0, member.length);
    }
    const expected = (): Scored[] =>
      [...scores].map(([member, score]) => ({ member, score })).sort(scoredOrder);
    let refused = 0;
    for (let i = 0; i < 3000; i++) {
      const member = `m${random.below(300)}`;
      const score = random.below(50);
      heap.left = random.below(3);
      try {
        order.change(scores.get(member)!, bytesOf(member), 0, member.length, score);
        scores.set(member, score);
      } catch (error) {
        expect(error).toMatchObject({ kind: "unavailable" });
        refused++;
      }
      heap.left = Number.POSITIVE_INFINITY;
      if (i % 50 === 0) {
        order.verify();
        expect(scoreContent(order)).toEqual(expected());
      }
    }
    expect(refused).toBeGreaterThan(100);
    expect(scoreContent(order)).toEqual(expected());
  });
});

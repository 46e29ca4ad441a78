/** The unpacked form of lists: equal to an array whatever is done to it, well filled, and freed to the last byte. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import type { SequenceCapture } from "../../src/value/sequence/capture.ts";
import { ListSequence } from "../../src/value/sequence/list-sequence.ts";
import { SeededRandom } from "../engine/support.ts";
import { anyBytes, anySizes, bytesOf, listContent, readLeaves, SMALL, viewOf } from "./sequence-support.ts";

type Step =
  | { do: "pushFirst" | "pushLast"; texts: string[] }
  | { do: "popFirst" | "popLast"; count: number }
  | { do: "insertBefore" | "insertAfter" | "replace"; at: number; text: string }
  | { do: "insertMany"; at: number; texts: string[] }
  | { do: "removeAt"; at: number; count: number }
  | { do: "removeRange"; at: number; count: number }
  | { do: "capture" | "read" | "endCapture" };

const texts = fc.array(anyBytes, { minLength: 1, maxLength: 40 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("pushFirst", "pushLast"), texts }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("popFirst", "popLast"),
      count: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("insertBefore", "insertAfter", "replace"),
      at: fc.nat(),
      text: anyBytes,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("insertMany"), at: fc.nat(), texts }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("removeAt"), at: fc.nat(), count: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("removeRange"), at: fc.nat(), count: fc.nat(200) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("capture", "read", "endCapture") }) },
) as fc.Arbitrary<Step>;

/** A list, the array that it has to be equal to, and a capture with the array as it was at its instant. */
class Pair {
  readonly list: ListSequence;
  model: string[] = [];
  #capture: SequenceCapture | undefined;
  #captured: string[] = [];
  #read: string[] = [];

  constructor(list: ListSequence) {
    this.list = list;
  }

  step(step: Step): void {
    const { list, model } = this;
    switch (step.do) {
      case "pushFirst":
        for (const text of step.texts) {
          this.give(text, (bytes, offset, length) => list.pushFirst(bytes, offset, length));
          model.unshift(text);
          expect(list.size).toBe(model.length);
        }
        return;
      case "pushLast":
        for (const text of step.texts) {
          this.give(text, (bytes, offset, length) => list.pushLast(bytes, offset, length));
          model.push(text);
        }
        return;
      case "popFirst":
      case "popLast":
        for (let i = 0; i < step.count && model.length > 0; i++) {
          if (step.do === "popFirst") list.popFirst();
          else list.popLast();
          if (step.do === "popFirst") model.shift();
          else model.pop();
        }
        return;
      case "insertMany":
        for (const text of step.texts) this.edit({ do: "insertAfter", at: step.at, text });
        return;
      case "insertBefore":
      case "insertAfter":
      case "replace":
        this.edit(step);
        return;
      case "removeAt":
        this.removeAt(step.at, step.count);
        return;
      case "removeRange": {
        const start = step.at % (model.length + 1);
        const count = Math.min(step.count, model.length - start);
        list.removeRange(start, count);
        model.splice(start, count);
        return;
      }
      case "capture":
        if (this.#capture !== undefined) return;
        this.#capture = list.captureLeaves();
        this.#captured = model.slice();
        this.#read = [];
        expect(this.#capture.size).toBe(model.length);
        return;
      case "read":
        if (this.#capture !== undefined)
          readLeaves(this.#capture, 2, (entry) => this.#read.push(viewOf(entry)));
        return;
      case "endCapture":
        this.endCapture();
    }
  }

  give(text: string, put: (bytes: Uint8Array, offset: number, length: number) => void): void {
    const bytes = bytesOf(`<<${text}>>`);
    put(bytes, 2, bytes.length - 4);
  }

  edit(step: { do: "insertBefore" | "insertAfter" | "replace"; at: number; text: string }): void {
    const { list, model } = this;
    if (model.length === 0) return;
    const at = step.at % model.length;
    list.seek(at);
    expect(viewOf(list)).toBe(model[at]);
    const index = step.do === "insertAfter" ? at + 1 : at;
    this.give(step.text, (bytes, offset, length) => list[step.do](bytes, offset, length));
    expect(viewOf(list)).toBe(step.text);
    model.splice(index, step.do === "replace" ? 1 : 0, step.text);
    expect(list.index).toBe(index);
    expect(list.next()).toBe(index + 1 < model.length);
    if (index + 1 < model.length) expect(viewOf(list)).toBe(model[index + 1]);
  }

  removeAt(from: number, count: number): void {
    const { list, model } = this;
    if (model.length === 0) return;
    const at = from % model.length;
    list.seek(at);
    for (let i = 0; i < count && at < model.length; i++) {
      model.splice(at, 1);
      expect(list.removeAt()).toBe(at < model.length);
      if (at < model.length) expect([viewOf(list), list.index]).toEqual([model[at], at]);
    }
  }

  endCapture(): void {
    if (this.#capture === undefined) return;
    while (!readLeaves(this.#capture, 3, (entry) => this.#read.push(viewOf(entry))));
    expect(this.#read).toEqual(this.#captured);
    this.list.verify();
    while (!this.#capture.release(2));
    this.#capture = undefined;
  }

  check(): void {
    const { list, model } = this;
    list.verify();
    expect(list.size).toBe(model.length);
    expect(listContent(list)).toEqual(model);
    if (model.length === 0) return;
    const backwards: string[] = [];
    list.seekLast();
    do backwards.push(viewOf(list));
    while (list.previous());
    expect(backwards.reverse()).toEqual(model);
  }
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `element:${String(i).padStart(12, "0")}`);
}

function pushAll(list: ListSequence, elements: readonly string[]): void {
  for (const text of elements) {
    const bytes = bytesOf(text);
    list.pushLast(bytes, 0, bytes.length);
  }
}

describe("ListSequence", () => {
  it("is equal to an array after any sequence of changes, and its captures to the array of their instant", () => {
    fc.assert(
      fc.property(anySizes, fc.array(anyStep, { maxLength: 60 }), (sizes, steps) => {
        const heap = new PieceHeap();
        const pair = new Pair(new ListSequence(heap, sizes));
        for (const step of steps) pair.step(step);
        pair.check();
        const copy = pair.list.copy();
        copy.verify();
        expect(listContent(copy)).toEqual(pair.model);
        while (!copy.release(3));
        pair.check();
        pair.endCapture();
        expect(pair.list.memoryBytes).toBe(heap.usedBytes);
        while (!pair.list.release(3));
        expect(heap.usedBytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("is seldom less full than half when elements are put in and taken out at random", () => {
    const heap = new PieceHeap();
    const list = new ListSequence(heap);
    const random = new SeededRandom(3);
    const bytes = bytesOf("0123456789abcdefghij");
    list.pushLast(bytes, 0, 20);
    for (let i = 1; i < 20_000; i++) {
      list.seek(random.below(i));
      list.insertAfter(bytes, 0, 20);
    }
    list.verify();
    expect(list.memoryBytes).toBeLessThan(20_000 * 22 * 1.3);
    for (let i = 20_000; i > 1000; i--) {
      list.seek(random.below(i));
      list.removeAt();
    }
    list.verify();
    expect(list.memoryBytes).toBeLessThan(1000 * 22 * 2.5);
  });

  it("fills its leaves when elements are pushed in order, at either end", () => {
    for (const push of ["pushFirst", "pushLast"] as const) {
      const heap = new PieceHeap();
      const list = new ListSequence(heap);
      let held = 0;
      const random = new SeededRandom(9);
      for (let i = 0; i < 20_000; i++) {
        const length = 1 + random.below(40);
        list[push](bytesOf("a".repeat(length)), 0, length);
        held += length + 2;
      }
      list.verify();
      expect(list.memoryBytes).toBeLessThan(held * (push === "pushLast" ? 1.05 : 1.12));
    }
  });

  it("keeps a queue that wanders through it small", () => {
    const heap = new PieceHeap();
    const list = new ListSequence(heap);
    pushAll(list, numbered(500));
    const { memoryBytes } = list;
    for (const text of numbered(30_000)) {
      const bytes = bytesOf(text);
      list.pushLast(bytes, 0, bytes.length);
      list.popFirst();
    }
    list.verify();
    expect(list.memoryBytes).toBeLessThan(memoryBytes + 3 * 2048);
    for (const text of numbered(30_000)) {
      const bytes = bytesOf(text);
      list.pushFirst(bytes, 0, bytes.length);
      list.popLast();
    }
    list.verify();
    expect(list.memoryBytes).toBeLessThan(memoryBytes + 3 * 2048);
    while (list.size > 0) list.popLast();
    expect(heap.usedBytes).toBeLessThan(2048);
    list.release(1000);
    expect(heap.reservedBytes).toBe(0);
  });

  it("holds elements of no bytes and of a megabyte, between others and alone", () => {
    const heap = new PieceHeap();
    const pair = new Pair(new ListSequence(heap, SMALL));
    const huge = "ferrite!".repeat(131_072);
    const elements = ["", huge, "", "", `${huge}1`, "small", `${huge}2`, `${huge}3`, ""];
    pair.step({ do: "pushLast", texts: elements });
    pair.step({ do: "pushFirst", texts: elements });
    for (let at = 0; at < 18; at += 3) pair.step({ do: "insertBefore", at, text: at % 2 ? huge : "" });
    for (let at = 0; at < 18; at += 2) pair.step({ do: "replace", at, text: at % 4 ? huge : "tiny" });
    pair.check();
    expect(pair.list.memoryBytes).toBeGreaterThan(4 << 20);
    pair.step({ do: "removeRange", at: 1, count: pair.model.length - 2 });
    pair.check();
    while (pair.list.size > 0) pair.list.popFirst();
    expect(pair.list.memoryBytes).toBeLessThan(1000);
  });

  it("takes any range out, in trees of every height", () => {
    for (const size of [1, 2, 7, 40, 300]) {
      for (let start = 0; start < size; start += Math.ceil(size / 9)) {
        for (let count = 0; count <= size - start; count += Math.ceil(size / 7)) {
          const heap = new PieceHeap();
          const pair = new Pair(new ListSequence(heap, SMALL));
          pair.step({ do: "pushLast", texts: numbered(size).map((text) => text.slice(-5)) });
          pair.step({ do: "capture" });
          pair.step({ do: "removeRange", at: start, count });
          pair.check();
          pair.endCapture();
          pair.step({ do: "pushLast", texts: ["after"] });
          pair.check();
          while (!pair.list.release(1));
          expect(heap.usedBytes).toBe(0);
        }
      }
    }
  });

  it("leaves a capture as it was under each kind of change alone", () => {
    const size = 260;
    const positions = Array.from({ length: size }, (_, at) => at);
    const kinds: Record<string, Step[]> = {
      "replaced by as many bytes": positions.map((at) => ({ do: "replace", at, text: "-----" })),
      "replaced by fewer": positions.map((at) => ({ do: "replace", at, text: "" })),
      "replaced by more": positions.map((at) => ({ do: "replace", at, text: "longer than before" })),
      inserted: positions.map((at) => ({ do: "insertBefore", at: at * 2, text: "new" })),
      pushed: [
        { do: "pushFirst", texts: numbered(50) },
        { do: "pushLast", texts: numbered(50) },
      ],
      popped: [
        { do: "popFirst", count: 100 },
        { do: "popLast", count: 160 },
      ],
      "every second one removed": positions
        .slice(130)
        .map((at) => ({ do: "removeAt", at: at - 130, count: 1 })),
    };
    for (let at = 0; at < size; at += 13) kinds[`removed from ${at}`] = [{ do: "removeAt", at, count: size }];
    for (let at = 0; at < size; at += 29) {
      kinds[`all but one removed up to ${at}`] = positions
        .slice(0, at)
        .reverse()
        .map((from) => ({ do: "removeAt", at: from, count: 1 }));
    }
    for (const [kind, steps] of Object.entries(kinds)) {
      const pair = new Pair(new ListSequence(new PieceHeap(), SMALL));
      pair.step({ do: "pushLast", texts: numbered(size).map((text) => text.slice(-5)) });
      pair.step({ do: "capture" });
      for (const step of steps) pair.step(step);
      expect(() => pair.check(), kind).not.toThrow();
      expect(() => pair.endCapture(), kind).not.toThrow();
    }
  });

  it("frees what a capture reads only when the capture ends, even if the list is released before", () => {
    const heap = new PieceHeap();
    const list = new ListSequence(heap, SMALL);
    const elements = numbered(300);
    pushAll(list, elements);
    const capture = list.captureLeaves();
    expect(capture.heldBytes).toBe(0);
    list.removeRange(10, 200);
    pushAll(list, elements);
    while (!list.release(5));
    expect(list.memoryBytes).toBe(0);
    expect(capture.heldBytes).toBe(heap.usedBytes);
    const read: string[] = [];
    while (!readLeaves(capture, 1, (entry) => read.push(viewOf(entry))));
    expect(read).toEqual(elements);
    let slices = 1;
    while (!capture.release(4)) slices++;
    expect(slices).toBeGreaterThan(5);
    expect(heap.usedBytes).toBe(0);
  });

  it("can be captured again while an earlier capture is still being freed", () => {
    const heap = new PieceHeap();
    const list = new ListSequence(heap, SMALL);
    pushAll(list, numbered(100));
    const first = list.captureLeaves();
    expect(() => list.captureLeaves()).toThrow(/one capture at a time/);
    list.removeRange(0, 100);
    pushAll(list, numbered(50));
    expect(first.release(1)).toBe(false);
    const second = list.captureLeaves();
    list.removeRange(0, 49);
    while (!first.release(1));
    const read: string[] = [];
    readLeaves(second, 1000, (entry) => read.push(viewOf(entry)));
    expect(read).toEqual(numbered(50));
    second.release();
    expect(heap.usedBytes).toBe(list.memoryBytes);
    list.verify();
  });

  it("has two walks and a third list's changes at the same time", () => {
    const heap = new PieceHeap();
    const lists = [0, 1].map(() => new ListSequence(heap, SMALL));
    const target = new ListSequence(heap, SMALL);
    const [a, b] = lists as [ListSequence, ListSequence];
    pushAll(a, numbered(80));
    pushAll(b, numbered(80));
    a.seekFirst();
    b.seekLast();
    do {
      target.pushLast(a.bytes, a.offset, a.length);
      target.pushFirst(b.bytes, b.offset, b.length);
      a.next();
    } while (b.previous());
    expect(listContent(target)).toEqual([...numbered(80), ...numbered(80)]);
  });

  it("refuses to go on with a walk that a change has ended", () => {
    const list = new ListSequence(new PieceHeap(), SMALL);
    expect(() => list.next()).toThrow(/no view/);
    pushAll(list, numbered(50));
    list.seek(3);
    list.removeRange(0, 10);
    list.removeRange(0, 40);
    expect(() => list.next()).toThrow(/no view/);
    expect(() => list.seek(0)).toThrow(/within its size/);
  });

  it("is whole after the system has refused memory in the middle of any change", () => {
    let refuse = false;
    const heap = new PieceHeap({
      slabBytes: 64 * 1024,
      newSlab(bytes) {
        if (refuse) throw new RangeError("Array buffer allocation failed");
        return new ArrayBuffer(bytes);
      },
    });
    const random = new SeededRandom(5);
    const list = new ListSequence(heap, SMALL);
    const model = numbered(2000).map((text) => text.slice(-8));
    pushAll(list, model);
    refuse = true;
    let refused = 0;
    let capture: SequenceCapture | undefined;
    for (let i = 0; i < 20_000; i++) {
      if (i % 500 === 0) capture = list.captureLeaves();
      if (i % 500 === 400) capture!.release();
      const at = random.below(model.length);
      const bytes = bytesOf("x".repeat(random.below(40)));
      list.seek(at);
      try {
        if (i % 3 === 0 && model.length > 500) {
          list.removeAt();
          model.splice(at, 1);
        } else if (i % 3 === 1) {
          list.replace(bytes, 0, bytes.length);
          model[at] = "x".repeat(bytes.length);
        } else {
          list.insertBefore(bytes, 0, bytes.length);
          model.splice(at, 0, "x".repeat(bytes.length));
        }
      } catch (error) {
        expect(error).toMatchObject({ kind: "unavailable" });
        refused++;
        // Make room again, so that changes succeed for a while.
        for (let j = 0; j < 300 && model.length > 500; j++) {
          try {
            list.popFirst();
            model.shift();
          } catch {
            break;
          }
        }
      }
    }
    list.verify();
    expect(refused).toBeGreaterThan(10);
    expect(listContent(list)).toEqual(model);
    capture!.release();
    expect(heap.usedBytes).toBe(list.memoryBytes);
    while (!list.release(10));
    expect(heap.usedBytes).toBe(0);
  });
});

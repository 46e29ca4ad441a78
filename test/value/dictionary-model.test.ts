/**
 * Dictionaries against a Map: random changes with every kind of reading between them, over leaves so small that each
 * sequence splits and merges many times, with good hashes and with ones that collide, and with a capture at any time.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipHasher } from "../../src/engine/index/hash.ts";
import type { DictionaryCapture } from "../../src/value/dictionary/dictionary-capture.ts";
import { NO_EXPIRY } from "../../src/value/dictionary/entry-format.ts";
import type { DictionaryShape, KeyHasher } from "../../src/value/dictionary/leaf-store.ts";
import { SeededRandom, TinyHasher } from "../engine/support.ts";
import { bytesOf, type Content, heldOf, keyOf, Rig, readLeaf, TINY_SHAPE } from "./dictionary-support.ts";

const HASHERS: readonly (() => KeyHasher)[] = [
  () => new SipHasher(3, 4),
  // Few upper bits: leaves split down to where nothing tells entries apart any more.
  () => new TinyHasher(0xf000_0000 | 0, -1),
  // Only the lowest upper bits: every split leaves one side empty for a long way.
  () => new TinyHasher(0x0000_00ff, 0xff),
  () => new TinyHasher(0, 0),
];
const SHAPES: readonly (DictionaryShape | undefined)[] = [
  TINY_SHAPE,
  { ...TINY_SHAPE, nodeWidthMax: 1 },
  { leafBytesMax: 400, leafEntriesMax: 20, entryBytesMax: 150, nodeWidthMax: 4 },
  undefined,
];
const KEYS = ["", "a", "bc", "x".repeat(119), "y".repeat(120), "z".repeat(300)];
KEYS.push("k".repeat(70_000), ...Array.from({ length: 90 }, (_, i) => `key:${i}`));
const LENGTHS = [0, 1, 3, 7, 8, 20, 33, 60, 200, 253, 254, 600, 3000, 70_000];

interface Op {
  readonly kind: (typeof KINDS)[number];
  readonly key: number;
  readonly length: number;
  readonly ttl: number;
}
const KINDS = [
  ...["put", "put", "put", "put", "remove", "remove", "remove", "overwrite", "setExpiry", "find"],
  ...["removeEntry", "walk", "scan", "random", "expire", "capture", "read", "read", "release"],
] as const;

const opArbitrary: fc.Arbitrary<Op> = fc.record({
  kind: fc.constantFrom(...KINDS),
  key: fc.oneof({ weight: 1, arbitrary: fc.nat(6) }, { weight: 6, arbitrary: fc.nat(KEYS.length - 1) }),
  length: fc.oneof({ weight: 6, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.nat(LENGTHS.length - 1) }),
  ttl: fc.constantFrom(NO_EXPIRY, NO_EXPIRY, NO_EXPIRY, 0, 5, 50, 2 ** 40 + 7),
});

class Harness {
  readonly rig: Rig;
  readonly model: Content = new Map();
  #step = 0;
  #now = 10;
  #random = new SeededRandom(99);
  #capture: { capture: DictionaryCapture; expected: Content; seen: Content } | undefined;
  /** A scan in progress: keys that were there all the time, and those it has met. */
  #scan: { cursor: number; steady: Set<string>; seen: Set<string> } | undefined;

  constructor(rig: Rig) {
    this.rig = rig;
  }

  run(op: Op): void {
    this.#step++;
    const key = KEYS[op.key]!;
    const { dictionary } = this.rig;
    switch (op.kind) {
      case "put": {
        const held = { value: this.#value(LENGTHS[op.length]!), expiryMs: op.ttl };
        expect(this.rig.put(key, held.value, op.ttl)).toBe(!this.model.has(key));
        this.model.set(key, held);
        expect(keyOf(dictionary.entry)).toBe(key);
        expect(heldOf(dictionary.entry)).toEqual(held);
        break;
      }
      case "remove":
        expect(this.rig.remove(key)).toBe(this.model.delete(key));
        break;
      case "find":
        expect(this.rig.get(key)).toEqual(this.model.get(key));
        break;
      case "overwrite":
      case "setExpiry":
      case "removeEntry":
        this.#changeFound(op, key);
        break;
      case "walk":
        expect(this.rig.content()).toEqual(this.model);
        break;
      case "scan":
        this.#scanStep(op.length);
        break;
      case "random":
        expect(dictionary.random(() => this.#random.uint32())).toBe(this.model.size > 0);
        if (this.model.size > 0)
          expect(heldOf(dictionary.entry)).toEqual(this.model.get(keyOf(dictionary.entry)));
        break;
      case "expire":
        this.#expire(op.length);
        break;
      case "capture":
        if (this.#capture !== undefined) break;
        this.#capture = { capture: dictionary.capture(), expected: new Map(this.model), seen: new Map() };
        expect(this.#capture.capture.size).toBe(this.model.size);
        break;
      case "read":
        this.#readCapture(1);
        break;
      default:
        if (this.#capture !== undefined) this.#endCapture();
    }
    if (this.#scan !== undefined) {
      for (const steady of this.#scan.steady) if (!this.model.has(steady)) this.#scan.steady.delete(steady);
    }
    this.#checkCounts();
  }

  finish(): void {
    expect(this.rig.content()).toEqual(this.model);
    const { dictionary, heap } = this.rig;
    const pending = this.#capture;
    let steps = 0;
    while (!dictionary.release(3)) expect(++steps).toBeLessThan(100_000);
    expect(dictionary.memoryBytes).toBe(0);
    // The capture outlives its dictionary.
    if (pending !== undefined) this.#endCapture();
    expect([heap.usedBytes, heap.reservedBytes]).toEqual([0, 0]);
  }

  #value(length: number): string {
    return `${this.#step.toString(36)}:`.repeat(Math.ceil(length / 2)).slice(0, length);
  }

  #changeFound(op: Op, key: string): void {
    const { dictionary } = this.rig;
    const held = this.model.get(key);
    expect(this.rig.find(key)).toBe(held !== undefined);
    if (held === undefined) return;
    if (op.kind === "removeEntry") {
      dictionary.removeEntry();
      this.model.delete(key);
      return;
    }
    const value = op.kind === "overwrite" ? this.#value(held.value.length) : held.value;
    const expiryMs = op.kind === "overwrite" ? held.expiryMs : op.ttl;
    if (op.kind === "overwrite") dictionary.overwriteValue(bytesOf(`..${value}`), 2, value.length);
    else dictionary.setExpiry(expiryMs);
    this.model.set(key, { value, expiryMs });
    expect(keyOf(dictionary.entry)).toBe(key);
    expect(heldOf(dictionary.entry)).toEqual({ value, expiryMs });
    // The view is still good for a change.
    dictionary.overwriteValue(bytesOf(value), 0, value.length);
    expect(this.rig.get(key)).toEqual({ value, expiryMs });
  }

  #scanStep(count: number): void {
    this.#scan ??= { cursor: 0, steady: new Set(this.model.keys()), seen: new Set() };
    const { keys, cursor } = this.rig.scan(this.#scan.cursor, count);
    for (const key of keys) {
      expect(this.model.has(key)).toBe(true);
      this.#scan.seen.add(key);
    }
    expect(new Set(keys).size).toBe(keys.length);
    if (cursor !== 0) expect(keys.length).toBeGreaterThanOrEqual(count);
    expect(cursor).toBeLessThan(2 ** 32);
    this.#scan.cursor = cursor;
    if (cursor !== 0) return;
    for (const key of this.#scan.steady) expect(this.#scan.seen.has(key), `${key} was scanned`).toBe(true);
    this.#scan = undefined;
  }

  #expire(budget: number): void {
    this.#now += 7;
    const { dictionary } = this.rig;
    const due = [...this.model].filter(([, { expiryMs }]) => expiryMs !== NO_EXPIRY && expiryMs < this.#now);
    const expired: string[] = [];
    const removed = dictionary.expireStep(this.#now, budget * 20 + 1, () => {
      const key = keyOf(dictionary.entry);
      expect(heldOf(dictionary.entry)).toEqual(this.model.get(key));
      // Looking something up meanwhile does no harm.
      this.rig.find("a");
      expired.push(key);
    });
    expect(removed).toBe(expired.length);
    for (const key of expired) {
      expect(due.map(([name]) => name)).toContain(key);
      expect(this.model.delete(key)).toBe(true);
    }
    if (due.length > 0 && budget * 20 > 3 * KEYS.length + 200) expect(removed).toBe(due.length);
  }

  #readCapture(leaves: number): void {
    const state = this.#capture;
    for (let i = 0; state !== undefined && i < leaves; i++) {
      if (!state.capture.nextLeaf()) break;
      readLeaf(state.capture, state.seen);
    }
  }

  #endCapture(): void {
    const { capture, expected, seen } = this.#capture!;
    while (capture.nextLeaf()) readLeaf(capture, seen);
    expect(seen).toEqual(expected);
    let steps = 0;
    while (!capture.release(2)) expect(++steps).toBeLessThan(100_000);
    expect(capture.retainedBytes).toBe(0);
    this.#capture = undefined;
  }

  #checkCounts(): void {
    const { dictionary, heap } = this.rig;
    expect(dictionary.size).toBe(this.model.size);
    let volatile = 0;
    for (const { expiryMs } of this.model.values()) if (expiryMs !== NO_EXPIRY) volatile++;
    expect(dictionary.volatileCount).toBe(volatile);
    expect(dictionary.isCaptured).toBe(this.#capture !== undefined);
    expect(dictionary.memoryBytes + (this.#capture?.capture.retainedBytes ?? 0)).toBe(heap.usedBytes);
  }
}

describe("Dictionary against a Map", () => {
  for (const [hasher, newHasher] of HASHERS.entries()) {
    for (const [index, shape] of SHAPES.entries()) {
      it(`hash ${hasher}, shape ${index}`, () => {
        fc.assert(
          fc.property(fc.array(opArbitrary, { maxLength: 400, size: "max" }), (ops) => {
            const harness = new Harness(new Rig(shape, newHasher()));
            for (const op of ops) harness.run(op);
            harness.finish();
          }),
          { numRuns: 25 },
        );
      });
    }
  }
});

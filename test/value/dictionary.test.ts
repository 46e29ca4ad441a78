/** What users of a dictionary rely on beyond single operations: size, fairness, captures, slices, and no memory. */
import { describe, expect, it } from "vitest";
import { FerriteError } from "../../src/base/errors.ts";
import { NO_EXPIRY } from "../../src/value/dictionary/entry-format.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import { SeededRandom, TinyHasher } from "../engine/support.ts";
import { bytesOf, type Content, keyOf, Rig, readLeaf, TINY_SHAPE } from "./dictionary-support.ts";

function filled(count: number, rig = new Rig()): Rig {
  for (let i = 0; i < count; i++) rig.put(`key:${i}`, `value ${i}`);
  return rig;
}

function plain(content: Content): Record<string, string> {
  return Object.fromEntries([...content].map(([key, { value }]) => [key, value]));
}

/** The content of a dictionary that was filled with `count` entries. */
function expected(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key:${i}`, `value ${i}`]));
}

describe("Dictionary", () => {
  it("holds, finds and gives back a hundred thousand entries", () => {
    const rig = filled(100_000);
    const { dictionary, heap } = rig;
    expect(dictionary.size).toBe(100_000);
    for (let i = 0; i < 100_000; i += 7) expect(rig.get(`key:${i}`)?.value).toBe(`value ${i}`);
    expect(rig.find("key:100000")).toBe(false);
    expect(rig.content().size).toBe(100_000);
    // About 20 bytes of key and value each.
    expect(dictionary.memoryBytes).toBeLessThan(100_000 * (20 + 4) * 1.35);
    expect(heap.reservedBytes).toBeLessThan(dictionary.memoryBytes * 1.5);

    const full = dictionary.memoryBytes;
    for (let i = 0; i < 100_000; i++) if (i % 10 !== 0) expect(rig.remove(`key:${i}`)).toBe(true);
    expect(dictionary.memoryBytes).toBeLessThan(full * 0.2);
    for (let i = 0; i < 100_000; i += 10) rig.remove(`key:${i}`);
    expect(dictionary.size).toBe(0);
    expect(dictionary.memoryBytes).toBeLessThan(500);
    expect(rig.content().size).toBe(0);
    // And it is as good as new.
    filled(1000, rig);
    expect(plain(rig.content())).toEqual(expected(1000));
  });

  it("takes keys and values of 0 bytes and of 1 MB", () => {
    const rig = new Rig();
    const large = "0123456789abcdef".repeat(65_536);
    rig.put("", "");
    rig.put("large value", large);
    rig.put(large, "large key");
    rig.put(`${large}!`, large);
    for (let i = 0; i < 200; i++) rig.put(`small ${i}`, "");
    expect(rig.get("")?.value).toBe("");
    expect(rig.get("large value")?.value).toBe(large);
    expect(rig.get(large)?.value).toBe("large key");
    expect(rig.get(`${large}!`)?.value).toBe(large);
    expect(rig.find(large.slice(1))).toBe(false);
    rig.put("large value", "small now");
    rig.put("", large);
    expect(rig.get("large value")?.value).toBe("small now");
    expect(rig.get("")?.value).toBe(large);
    expect(rig.remove(large)).toBe(true);
    expect(rig.find(large)).toBe(false);
    expect(rig.content().size).toBe(203);
    expect(rig.dictionary.memoryBytes).toBeLessThan(3.2 * 2 ** 20);
  });

  it("holds entries whose hashes are all equal", () => {
    const rig = new Rig(undefined, new TinyHasher(0, 0));
    filled(1500, rig);
    expect(plain(rig.content())).toEqual(expected(1500));
    expect(rig.get("key:1499")?.value).toBe("value 1499");
    let seen = 0;
    let cursor = 0;
    do cursor = rig.dictionary.scan(cursor, 10, () => seen++);
    while (cursor !== 0);
    expect(seen).toBe(1500);
    const met = new Set<string>();
    const random = new SeededRandom(5);
    for (let i = 0; i < 15_000; i++) {
      rig.dictionary.random(() => random.uint32());
      met.add(keyOf(rig.dictionary.entry));
    }
    expect(met.size).toBeGreaterThan(1490);
    for (let i = 0; i < 1500; i++) expect(rig.remove(`key:${i}`)).toBe(true);
    expect(rig.dictionary.memoryBytes).toBeLessThan(500);
  });

  it("shares a heap with others", () => {
    const heap = new PieceHeap();
    const rigs = Array.from({ length: 20 }, () => new Rig(undefined, undefined, heap));
    for (let i = 0; i < 4000; i++) rigs[i % 20]!.put(`key:${i}`, `value ${i}`);
    expect(rigs.reduce((sum, { dictionary }) => sum + dictionary.memoryBytes, 0)).toBe(heap.usedBytes);
    // Copying from one to another reads the first one's own pieces.
    const [from, to] = [rigs[0]!.dictionary, rigs[1]!.dictionary];
    for (let more = from.first(); more; more = from.next()) {
      const { bytes, keyOffset, keyLength, valueOffset, valueLength } = from.entry;
      to.put(bytes, keyOffset, keyLength, bytes, valueOffset, valueLength, NO_EXPIRY);
    }
    expect(to.size).toBe(400);
    expect(rigs[1]!.get("key:20")?.value).toBe("value 20");
  });

  it("refuses what would go wrong silently", () => {
    const rig = filled(10);
    const { dictionary } = rig;
    expect(rig.find("absent")).toBe(false);
    expect(() => dictionary.overwriteValue(bytesOf("x"), 0, 1)).toThrow(/after find/);
    expect(() => dictionary.removeEntry()).toThrow(/after find/);
    expect(() => dictionary.setExpiry(1)).toThrow(/after find/);
    rig.find("key:1");
    expect(() => dictionary.overwriteValue(bytesOf("x"), 0, 1)).toThrow(/same length/);
    expect(() => dictionary.setExpiry(2 ** 48)).toThrow(/48 bits/);
    dictionary.first();
    rig.put("more", "");
    expect(() => dictionary.next()).toThrow(/walk/);
    expect(() => dictionary.scan(0, 10, () => void rig.remove(keyOf(dictionary.entry)))).toThrow(/scan/);
  });
});

describe("Dictionary.scan", () => {
  it("visits about as many as it is asked for, and everything once if nothing changes", () => {
    const rig = filled(20_000);
    const seen: string[] = [];
    let cursor = 0;
    let calls = 0;
    do {
      const step = rig.scan(cursor, 100);
      expect(step.keys.length).toBeLessThan(100 + 97);
      seen.push(...step.keys);
      cursor = step.cursor;
      calls++;
    } while (cursor !== 0);
    expect(calls).toBeGreaterThan(20_000 / 200);
    expect(seen.length).toBe(20_000);
    expect(new Set(seen).size).toBe(20_000);
  });

  it("takes any cursor without harm", () => {
    const rig = filled(1000);
    for (const cursor of [1, 12_345, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER]) {
      expect(rig.scan(cursor, 10).keys.length).toBeLessThanOrEqual(1000);
    }
    expect(rig.scan(2 ** 40, 10)).toEqual({ keys: [], cursor: 0 });
  });

  it("lets what it visits look other entries up", () => {
    const rig = filled(500);
    let visits = 0;
    rig.dictionary.scan(0, 1000, () => {
      const key = keyOf(rig.dictionary.entry);
      expect(rig.get(key)?.value).toBe(key.replace("key:", "value "));
      visits++;
    });
    expect(visits).toBe(500);
  });
});

describe("Dictionary.random", () => {
  it("reaches everything, each about as often", () => {
    for (const count of [1, 5, 300, 2000]) {
      const rig = filled(count);
      const random = new SeededRandom(42);
      const times = new Map<string, number>();
      for (let i = 0; i < count * 40; i++) {
        rig.dictionary.random(() => random.uint32());
        const key = keyOf(rig.dictionary.entry);
        times.set(key, (times.get(key) ?? 0) + 1);
      }
      expect(times.size).toBe(count);
      // 40 expected; with a fair choice the sum of squared deviations is about 40 for each.
      let deviations = 0;
      for (const n of times.values()) deviations += (n - 40) ** 2;
      expect(deviations / count / 40).toBeLessThan(count < 100 ? 3 : 1.5);
    }
  });

  it("places the entry for removal, until nothing is left", () => {
    const rig = filled(3000, new Rig(TINY_SHAPE));
    const random = new SeededRandom(1);
    const popped = new Set<string>();
    while (rig.dictionary.random(() => random.uint32())) {
      const key = keyOf(rig.dictionary.entry);
      expect(popped.has(key)).toBe(false);
      popped.add(key);
      rig.dictionary.removeEntry();
      expect(rig.find(key)).toBe(false);
    }
    expect(popped.size).toBe(3000);
  });
});

describe("Dictionary.expireStep", () => {
  it("removes what is due in bounded steps and reports each", () => {
    const rig = new Rig();
    for (let i = 0; i < 10_000; i++) rig.put(`key:${i}`, "v", i % 4 === 0 ? NO_EXPIRY : 1000 + i);
    const { dictionary } = rig;
    const gone = new Set<string>();
    let steps = 0;
    while (dictionary.expireStep(6000, 200, () => void gone.add(keyOf(dictionary.entry))) > 0) {
      expect(gone.size).toBeLessThanOrEqual(++steps * 300);
    }
    expect(dictionary.expireStep(6000, 1e9, () => void gone.add(keyOf(dictionary.entry)))).toBe(0);
    const due = Array.from({ length: 10_000 }, (_, i) => i).filter((i) => i % 4 !== 0 && 1000 + i < 6000);
    expect(gone).toEqual(new Set(due.map((i) => `key:${i}`)));
    expect(dictionary.size).toBe(10_000 - due.length);
    expect(dictionary.volatileCount).toBe(7500 - due.length);
  });

  it("knows the earliest expiry that a whole round has left", () => {
    const rig = filled(2000);
    rig.put("soon", "", 500);
    rig.put("later", "", 700);
    const { dictionary } = rig;
    const rounds = dictionary.expiryRounds;
    expect(dictionary.expireStep(600, 1e9, () => {})).toBe(1);
    while (dictionary.expiryRounds < rounds + 2) dictionary.expireStep(600, 100, () => {});
    expect(dictionary.earliestExpiryMs).toBe(700);
  });
});

describe("DictionaryCapture", () => {
  it("costs nothing for what is not changed, and a leaf's copy for what is", () => {
    const rig = filled(20_000);
    const { dictionary, heap } = rig;
    const before = heap.usedBytes;
    const capture = dictionary.capture();
    expect(heap.usedBytes).toBe(before);
    rig.find("key:7");
    dictionary.overwriteValue(bytesOf("VALUE 7"), 0, 7);
    // A leaf and the nodes above it; then nothing more for the same leaf.
    const retained = capture.retainedBytes;
    expect(retained).toBeGreaterThan(0);
    expect(retained).toBeLessThan(12_000);
    rig.find("key:7");
    dictionary.overwriteValue(bytesOf("Value 7"), 0, 7);
    expect(capture.retainedBytes).toBe(retained);
    const content: Content = new Map();
    while (capture.nextLeaf()) readLeaf(capture, content);
    expect(plain(content)).toEqual(expected(20_000));
    expect(capture.release(1e9)).toBe(true);
    expect(rig.get("key:7")?.value).toBe("Value 7");
    expect(heap.usedBytes).toBe(dictionary.memoryBytes);
  });

  it("lets go of what it has passed", () => {
    const rig = filled(20_000);
    const capture = rig.dictionary.capture();
    while (capture.nextLeaf());
    const before = rig.dictionary.memoryBytes;
    for (let i = 0; i < 20_000; i++) {
      rig.find(`key:${i}`);
      rig.dictionary.overwriteValue(bytesOf("x".repeat(20)), 0, rig.dictionary.entry.valueLength);
    }
    expect(rig.dictionary.memoryBytes).toBe(before);
    expect(capture.retainedBytes).toBe(0);
    expect(capture.release(1)).toBe(true);
  });

  it("is one at a time, and a new one may begin when the last is let go of", () => {
    const rig = filled(5000);
    const first = rig.dictionary.capture();
    expect(() => rig.dictionary.capture()).toThrow(/one capture/);
    for (let i = 0; i < 5000; i++) rig.put(`key:${i}`, `second ${i}`);
    expect(first.release(1)).toBe(false);
    const second = rig.dictionary.capture();
    for (let i = 0; i < 5000; i += 2) rig.remove(`key:${i}`);
    let released = false;
    const content: Content = new Map();
    while (second.nextLeaf()) {
      released = first.release(1);
      readLeaf(second, content);
    }
    expect(content.size).toBe(5000);
    for (const [key, { value }] of content) expect(value).toBe(key.replace("key:", "second "));
    while (!released) released = first.release(5);
    while (!second.release(5));
    expect(rig.heap.usedBytes).toBe(rig.dictionary.memoryBytes);
    expect(rig.dictionary.size).toBe(2500);
  });

  it("keeps what it has not passed when it is merged with what it has", () => {
    for (let passed = 1; passed < 40; passed++) {
      const rig = filled(120, new Rig(TINY_SHAPE));
      const capture = rig.dictionary.capture();
      const content: Content = new Map();
      for (let i = 0; i < passed && capture.nextLeaf(); i++) readLeaf(capture, content);
      // Now it is on a leaf that nobody has read yet.
      let isOnLeaf = capture.nextLeaf();
      // The last entries before the place go, so that their leaves merge with the siblings behind it.
      for (const key of [...content.keys()].slice(-30)) rig.remove(key);
      // What was freed is written over.
      const pieces = Array.from({ length: 400 }, (_, i) => {
        const piece = rig.heap.allocate(16 + (i % 15) * 16);
        const at = rig.heap.offsetOf(piece);
        rig.heap.bytesOf(piece).fill(0x23, at, at + rig.heap.roomOf(piece));
        return piece;
      });
      for (; isOnLeaf; isOnLeaf = capture.nextLeaf()) readLeaf(capture, content);
      expect(plain(content), `${passed} leaves passed`).toEqual(expected(120));
      while (!capture.release(100));
      for (const piece of pieces) rig.heap.free(piece);
      expect(rig.heap.usedBytes).toBe(rig.dictionary.memoryBytes);
    }
  });

  it("keeps what it shows while the dictionary changes or goes", () => {
    const rig = filled(3000, new Rig(TINY_SHAPE));
    rig.put("large", "x".repeat(5000));
    const capture = rig.dictionary.capture();
    const content: Content = new Map();
    let leaves = 0;
    while (capture.nextLeaf()) {
      // Between looking at a leaf and reading it everything changes.
      if (leaves < 300 && leaves % 50 === 0)
        for (let i = 0; i < 3000; i += 3) rig.put(`key:${i}`, `changed ${leaves}`);
      if (leaves === 120) rig.put("large", "y".repeat(5000));
      if (++leaves === 300) while (!rig.dictionary.release(100));
      readLeaf(capture, content);
    }
    const { large, ...rest } = plain(content);
    expect(large).toBe("x".repeat(5000));
    expect(rest).toEqual(expected(3000));
    while (!capture.release(100));
    expect([rig.heap.usedBytes, rig.heap.reservedBytes]).toEqual([0, 0]);
  });
});

describe("Dictionary.release", () => {
  it("frees at most the budget per call, and everything in the end", () => {
    const rig = filled(10_000);
    for (let i = 0; i < 50; i++) rig.put(`large ${i}`, "x".repeat(2000));
    const { dictionary, heap } = rig;
    let used = heap.usedBytes;
    let steps = 0;
    while (!dictionary.release(10)) {
      // No piece here is larger than a directory node.
      expect(used - heap.usedBytes).toBeLessThanOrEqual(10 * 4096);
      expect(heap.usedBytes).toBeLessThan(used);
      used = heap.usedBytes;
      steps++;
    }
    expect(steps).toBeGreaterThan(15);
    expect(dictionary.size).toBe(0);
    expect([heap.usedBytes, heap.reservedBytes]).toEqual([0, 0]);
  });
});

/** A heap that refuses the allocation after the next `left` ones, so that every step of a change can be the one that fails. */
class StingyHeap extends PieceHeap {
  left = Number.POSITIVE_INFINITY;
  override allocate(bytes: number): number {
    if (this.left-- <= 0) throw new FerriteError("unavailable", "no memory for the test");
    return super.allocate(bytes);
  }
}

describe("Dictionary without memory", () => {
  it("refuses a change and stays as it was, also under a capture", () => {
    const random = new SeededRandom(3);
    const heap = new StingyHeap();
    const rig = new Rig(TINY_SHAPE, undefined, heap);
    const { dictionary } = rig;
    const model: Content = new Map();
    const refusedAfter = [0, 0, 0, 0];
    let capture = dictionary.capture();
    for (let i = 0; i < 20_000; i++) {
      if (i % 300 === 0) {
        while (!capture.release(100));
        capture = dictionary.capture();
      }
      const key = `key:${random.below(i < 10_000 ? 1500 : 150)}`;
      const value = "v".repeat(random.below(random.below(10) === 0 ? 3000 : 40));
      const expiryMs = random.below(4) === 0 ? 5 : NO_EXPIRY;
      const kind = random.below(4);
      const present = rig.get(key);
      const left = random.below(4);
      heap.left = random.below(2) === 0 ? left : Number.POSITIVE_INFINITY;
      try {
        if (kind === 0 && present !== undefined) {
          dictionary.setExpiry(expiryMs);
          model.set(key, { ...present, expiryMs });
        } else if (kind === 1) {
          rig.remove(key);
          model.delete(key);
        } else {
          rig.put(key, value, expiryMs);
          model.set(key, { value, expiryMs });
        }
      } catch (error) {
        expect(error).toMatchObject({ kind: "unavailable" });
        refusedAfter[left]!++;
      }
      heap.left = Number.POSITIVE_INFINITY;
      if (dictionary.size !== model.size) expect(dictionary.size, `step ${i}`).toBe(model.size);
      // Nothing was kept that nothing names.
      const used = dictionary.memoryBytes + capture.retainedBytes;
      if (used !== heap.usedBytes) expect(used, `step ${i}`).toBe(heap.usedBytes);
      if (i % 500 === 499) expect(rig.content()).toEqual(model);
    }
    for (const times of refusedAfter) expect(times).toBeGreaterThan(20);
    let volatile = 0;
    for (const { expiryMs } of model.values()) if (expiryMs !== NO_EXPIRY) volatile++;
    expect(dictionary.volatileCount).toBe(volatile);
    while (!dictionary.release(100));
    while (!capture.release(100));
    expect([heap.usedBytes, heap.reservedBytes]).toEqual([0, 0]);
  });
});

/** Growth and shrinking of the index, and what a full scan promises while they happen. */
import { describe, expect, it } from "vitest";
import * as t from "./support.ts";

describe("index growth", () => {
  it("keeps every key and count through growth to many sub-tables and back", () => {
    const { keyspace, engine, random } = t.rig({ segmentBytes: 65_536 });
    const model = new Map<string, string>();
    const change = (steps: number, insertShare: number): void => {
      for (let i = 0; i < steps; i++) {
        const key = `k${random.below(40_000)}`;
        if (random.below(100) < insertShare) {
          t.put(keyspace, 0, key, String(i));
          model.set(key, String(i));
        } else {
          expect(t.remove(keyspace, 0, key)).toBe(model.delete(key));
        }
      }
      t.settle(engine);
      engine.verify();
      expect(keyspace.size(0)).toBe(model.size);
    };
    change(60_000, 95);
    expect([...engine.subTables()].length).toBeGreaterThan(20);
    change(60_000, 50);
    change(150_000, 5);
    change(60_000, 95);
    for (const [key, value] of model) expect(t.get(keyspace, 0, key)).toBe(value);
    for (const key of model.keys()) expect(t.remove(keyspace, 0, key)).toBe(true);
    engine.verify();
    expect(engine.memory().indexBytes).toBeLessThan(70_000);
  });

  it("takes tags anew where many keys share the first half of their hash", () => {
    // 3 free bits on top and all of the low half: the prefix alone soon tells nothing apart.
    const { keyspace, engine } = t.rig({ hasher: new t.TinyHasher(0x07 << 15, -1), segmentBytes: 65_536 });
    for (let i = 0; i < 2000; i++) t.put(keyspace, 0, `k${i}`, "v");
    engine.verify();
    for (let i = 0; i < 2000; i++) expect(t.peek(keyspace, 0, `k${i}`)).toBe(true);
    for (let i = 0; i < 2000; i++) expect(t.remove(keyspace, 0, `k${i}`)).toBe(true);
    engine.verify();
  });

  it("uses at most 10.7 bytes of index per key once there are many", () => {
    const { keyspace, engine } = t.rig({ segmentBytes: 1 << 20 });
    for (let i = 0; i < 100_000; i++) t.put(keyspace, 0, `key:${i}`, "");
    expect(engine.memory().indexBytes / 100_000).toBeLessThan(10.7);
  });
});

describe("scan", () => {
  const scanWhile = (hasher: t.TinyHasher | undefined, keep: number, churn: number): void => {
    for (let seed = 1; seed <= 6; seed++) {
      const { keyspace, random, engine } = t.rig({
        seed,
        segmentBytes: 65_536,
        ...(hasher ? { hasher } : {}),
      });
      for (let i = 0; i < keep; i++) t.put(keyspace, 0, `stays${i}`, "v");
      for (let i = 0; i < churn; i += 2) t.put(keyspace, 0, `goes${i}`, "v");
      const seen = new Set<string>();
      let cursor = 0;
      let calls = 0;
      do {
        cursor = keyspace.scan(0, cursor, 1 + random.below(40), () => seen.add(t.viewedKey(keyspace)));
        expect(Number.isSafeInteger(cursor)).toBe(true);
        // Waves of growth and of shrinking, so that sub-tables split and merge around the cursor.
        const growing = Math.floor(calls++ / 15) % 2 === 0;
        for (let i = 0; i < churn / 20; i++) {
          const key = `goes${random.below(churn)}`;
          if (growing) t.put(keyspace, 0, key, "v");
          else t.remove(keyspace, 0, key);
        }
      } while (cursor !== 0);
      for (let i = 0; i < keep; i++) expect(seen.has(`stays${i}`), `stays${i}, seed ${seed}`).toBe(true);
      t.settle(engine);
      engine.verify();
    }
  };

  it("returns every key that is present throughout, whatever comes and goes", () => {
    scanWhile(undefined, 1500, 20_000);
  });

  it("does so when groups of keys share a hash", () => {
    scanWhile(new t.TinyHasher(0x1ff << 23, 0), 200, 800);
  });

  it("does so when tags are taken anew meanwhile", () => {
    scanWhile(new t.TinyHasher(0x07 << 15, -1), 300, 3000);
  });

  it("visits each key once when nothing changes", () => {
    const { keyspace } = t.rig({ segmentBytes: 65_536 });
    for (let i = 0; i < 5000; i++) t.put(keyspace, 1, `k${i}`, "v");
    const keys = t.allKeys(keyspace, 1, 7);
    expect(keys.length).toBe(5000);
    expect(new Set(keys).size).toBe(5000);
  });

  it("ends at once on a cursor that it never gave", () => {
    const { keyspace } = t.rig();
    t.put(keyspace, 0, "k", "v");
    for (const cursor of [-1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 52]) {
      expect(keyspace.scan(0, cursor, 10, () => {})).toBe(0);
    }
  });
});

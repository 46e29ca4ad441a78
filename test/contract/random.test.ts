/** The contract of src/ports/random.ts, and that a seed or a state replays a run. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { NodeRandom } from "../../src/adapters/node/random.ts";
import type { Random } from "../../src/ports/random.ts";

const IMPLEMENTATIONS: readonly { kind: string; open(): Random }[] = [
  { kind: "node", open: () => new NodeRandom() },
  { kind: "seeded", open: () => new SeededRandom(42) },
];

for (const { kind, open } of IMPLEMENTATIONS) {
  describe(`random, ${kind}`, () => {
    it("gives unsigned words whose every bit is set half of the time", () => {
      const random = open();
      const ones = new Array<number>(32).fill(0);
      for (let i = 0; i < 20_000; i++) {
        const word = random.uint32();
        expect(word >>> 0).toBe(word);
        for (let bit = 0; bit < 32; bit++) ones[bit]! += (word >>> bit) & 1;
      }
      // 10,000 expected with a deviation of 71: nine of them are not seen by chance.
      for (const count of ones) expect(Math.abs(count - 10_000)).toBeLessThan(640);
    });

    it("gives every number below a bound equally often, and none above", () => {
      const random = open();
      const counts = new Array<number>(7).fill(0);
      for (let i = 0; i < 70_000; i++) counts[random.below(7)]!++;
      for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(900);
      for (let i = 0; i < 100; i++) expect(random.below(1)).toBe(0);
    });

    it("reaches bounds beyond 32 bits", () => {
      const random = open();
      const bound = 2 ** 53;
      let above = 0;
      for (let i = 0; i < 2000; i++) {
        const value = random.below(bound);
        expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
        if (value >= bound / 2) above++;
        expect(random.below(2 ** 32 + 1)).toBeLessThanOrEqual(2 ** 32);
      }
      expect(Math.abs(above - 1000)).toBeLessThan(250);
    });

    it("refuses bounds that mean nothing", () => {
      const random = open();
      for (const bound of [0, -1, 1.5, Number.NaN, 2 ** 53 + 2, Number.POSITIVE_INFINITY]) {
        expect(() => random.below(bound)).toThrow(RangeError);
      }
    });

    it("fills arrays of any length and offset, and nothing around them", () => {
      const random = open();
      for (const length of [0, 1, 3, 4, 5, 1000]) {
        const around = new Uint8Array(length + 2);
        random.fill(around.subarray(1, length + 1));
        expect(around[0]).toBe(0);
        expect(around[length + 1]).toBe(0);
      }
      const bytes = new Uint8Array(100_000);
      random.fill(bytes);
      const mean = bytes.reduce((sum, byte) => sum + byte, 0) / bytes.length;
      expect(Math.abs(mean - 127.5)).toBeLessThan(3);
    });
  });
}

describe("the seeded generator", () => {
  const take = (random: Random, count: number): number[] =>
    Array.from({ length: count }, () => random.uint32());

  it("replays from its seed, and differs by it", () => {
    expect(take(new SeededRandom(1), 50)).toEqual(take(new SeededRandom(1), 50));
    expect(take(new SeededRandom(1), 4)).not.toEqual(take(new SeededRandom(2), 4));
    expect(take(new SeededRandom(0), 4)).not.toEqual(take(new SeededRandom(2 ** 32), 4));
  });

  it("goes on from a state exactly where it was taken", () => {
    const random = new SeededRandom(9);
    take(random, 100);
    const state = random.state();
    const expected = take(random, 20);
    expect(take(SeededRandom.restore(state), 20)).toEqual(expected);
    expect(() => SeededRandom.restore([0, 0, 0, 0])).toThrow();
  });

  it("is xoshiro128**: the words that its definition gives for the state 1, 2, 3, 4", () => {
    expect(take(SeededRandom.restore([1, 2, 3, 4]), 3)).toEqual(reference([1, 2, 3, 4], 3));
  });
});

/** The generator straight from its definition, with BigInt and no regard to speed. */
function reference(start: readonly number[], count: number): number[] {
  const mask = 0xffff_ffffn;
  const rotate = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask;
  const s = start.map(BigInt);
  return Array.from({ length: count }, () => {
    const result = (rotate((s[1]! * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1]! << 9n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11n);
    return Number(result);
  });
}

/** What SORT is made of: the order of weighted strings and the numbers that texts are, against plain models. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteRuns } from "../../src/value/sort/byte-runs.ts";
import { parseSortWeight } from "../../src/value/sort/sort-weight.ts";
import { WeightedOrder } from "../../src/value/sort/weighted-order.ts";

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

function runsOf(texts: readonly string[]): ByteRuns {
  const runs = new ByteRuns();
  for (const text of texts) runs.append(bytesOf(`<${text}>`), 1, text.length);
  return runs;
}

const byBytes = (a: string, b: string): number => Buffer.compare(bytesOf(a), bytesOf(b));
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\x00", "\xff"), maxLength: 9 }),
  fc.constantFrom("aaaaaa", "aaaaaab", "aaaaaa\x00"),
);
const weight = fc.constantFrom(Number.NEGATIVE_INFINITY, -1, -0, 0, 0.5, 1, Number.POSITIVE_INFINITY);

describe("WeightedOrder", () => {
  it("is an array's stable sort by weight and then bytes, in both directions", () => {
    const order = new WeightedOrder();
    const items = fc.array(fc.tuple(weight, text), { maxLength: 70 });
    fc.assert(
      fc.property(items, fc.boolean(), (pairs, descending) => {
        order.reset(pairs.length);
        for (const [i, [w]] of pairs.entries()) order.weights[i] = w;
        order.sort(runsOf(pairs.map(([, bytes]) => bytes)), descending);
        const sign = descending ? -1 : 1;
        const expected = [...pairs.keys()].sort((i, j) => {
          const [left, leftText] = pairs[i]!;
          const [right, rightText] = pairs[j]!;
          return sign * (left < right ? -1 : left > right ? 1 : byBytes(leftText, rightText));
        });
        expect([...order.numbers.subarray(0, pairs.length)]).toEqual(expected);
      }),
    );
  });

  it("sorts by bytes alone where prefixes are the weights", () => {
    const order = new WeightedOrder();
    fc.assert(
      fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
        const runs = runsOf(texts);
        order.reset(texts.length);
        for (let i = 0; i < texts.length; i++) order.weighByPrefix(i, runs);
        order.sort(runs, false);
        const sorted = [...order.numbers.subarray(0, texts.length)].map((number) => texts[number]);
        expect(sorted).toEqual([...texts].sort(byBytes));
      }),
    );
  });

  it("is right for more than it keeps arrays for, and afterwards", () => {
    const order = new WeightedOrder();
    for (const count of [20_000, 3, 0, 9000, 300]) {
      const runs = runsOf(Array.from({ length: count }, (_, i) => String(i)));
      order.reset(count);
      for (let i = 0; i < count; i++) order.weights[i] = (i * 7919) % 101;
      order.sort(runs, false);
      const weights = order.weights.subarray(0, count);
      expect(weights.every((w, i) => i === 0 || w >= weights[i - 1]!)).toBe(true);
      expect(new Set(order.numbers.subarray(0, count)).size).toBe(count);
      order.clear();
    }
  });
});

describe("ByteRuns", () => {
  it("keeps what was appended, across growth and clearing", () => {
    const runs = new ByteRuns();
    for (const count of [1, 600, 40_000, 2]) {
      for (let i = 0; i < count; i++) runs.append(bytesOf("x".repeat(i % 50)), 0, i % 50);
      expect(runs.count).toBe(count);
      const lengths = Array.from({ length: count }, (_, i) => runs.lengthOf(i));
      expect(lengths.every((length, i) => length === i % 50)).toBe(true);
      expect(runs.data.buffer).toBe(runs.bytes.buffer);
      runs.clear();
      expect(runs.count).toBe(0);
    }
  });
});

describe("parseSortWeight", () => {
  const read = (source: string): number => parseSortWeight(bytesOf(`#${source}#`), 1, source.length);

  it("reads what C's strtod reads", () => {
    const numbers: readonly (readonly [string, number])[] = [
      ...([
        ["", 0],
        ["\x00x", 0],
        ["0", 0],
        ["0e9", 0],
        ["0x0p3", 0],
        ["-0.00", -0],
        ["1", 1],
      ] as const),
      ...([
        [" \t1.5", 1.5],
        ["+2", 2],
        [".5", 0.5],
        ["5.", 5],
        ["0x1F", 31],
        ["0x.8p1", 1],
      ] as const),
      ...([
        ["inf", Infinity],
        ["-INFINITY", -Infinity],
        ["3\x00 y", 3],
        ["2.2250738585072014e-308", 2 ** -1022],
      ] as const),
    ];
    for (const [source, value] of numbers) expect(read(source), JSON.stringify(source)).toBe(value);
  });

  it("refuses everything else, and what C answers with ERANGE", () => {
    const refused = [
      "x",
      "1 ",
      " ",
      "--1",
      "nan",
      "1_0",
      "0x",
      "1e400",
      "-1e400",
      "1e-400",
      "1e-310",
      "0x1p-2000",
    ];
    for (const source of [...refused, "1e", "infx", "0x1g", "+", "."]) {
      expect(read(source), JSON.stringify(source)).toBeNaN();
    }
  });
});

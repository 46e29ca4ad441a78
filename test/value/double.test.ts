import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromLatin1 } from "../../src/base/bytes.ts";
import { parseBound, parseScore } from "../../src/value/double.ts";

/** Read in the midst of other bytes, as arguments are. */
function within(parse: typeof parseScore, text: string): number {
  const bytes = fromLatin1(`9${text}9`);
  return parse(bytes, 1, text.length);
}
const score = (text: string): number => within(parseScore, text);
const bound = (text: string): number => within(parseBound, text);

describe("scores", () => {
  it("are read as the nearest double, whatever their form", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 0, max: 17 }),
        (x, digits) => {
          for (const text of [String(x), x.toExponential(digits), x.toPrecision(digits + 1)]) {
            const expected = Number(text);
            if (Number.isFinite(expected)) expect(score(text)).toBe(expected);
          }
        },
      ),
    );
  });

  const valid: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["-0", -0],
    ["+5", 5],
    ["007", 7],
    ["5.", 5],
    [".5", 0.5],
    ["-.5", -0.5],
    ["999999999999999", 999_999_999_999_999],
    ["9007199254740993", 9_007_199_254_740_992],
    ["123456789.123456789", 123_456_789.123_456_79],
    ["0.1", 0.1],
    ["1e3", 1000],
    ["1E+20", 1e20],
    ["5e-324", 5e-324],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["inf", Number.POSITIVE_INFINITY],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["+INF", Number.POSITIVE_INFINITY],
    ["0x10", 16],
    ["-0x.8", -0.5],
    ["0x1p-1074", 5e-324],
    ["0x1.fffffffffffffp1023", Number.MAX_VALUE],
    ["0x20000000000001", 9_007_199_254_740_992],
    ["0x20000000000003", 9_007_199_254_740_996],
    ["0x1.8p-1074", 1e-323],
  ];
  for (const [text, value] of valid) it(`reads ${text}`, () => expect(score(text)).toBe(value));

  const invalid = [
    "",
    "-",
    "+",
    ".",
    "e5",
    "1e",
    "1e+",
    "nan",
    "-nan",
    " 1",
    "1 ",
    "1_0",
    "--1",
    "1.2.3",
    "0x",
    "0xg",
  ];
  for (const text of [
    ...invalid,
    "1e400",
    "-1e400",
    "1e-400",
    "0x1p1024",
    "0x1p-1080",
    "1\0",
    "infi",
    "1,5",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => expect(score(text)).toBeNaN());
  }

  it("takes no more than linear time for a text of any length", () => {
    expect(score(`${"1".repeat(2_000_000)}x`)).toBeNaN();
    expect(score(`0x${"f".repeat(1000)}`)).toBeNaN();
  });
});

describe("bounds", () => {
  const valid: readonly (readonly [string, number])[] = [
    ["", 0],
    ["  \t\n7", 7],
    ["1e400", Number.POSITIVE_INFINITY],
    ["-1e400", Number.NEGATIVE_INFINITY],
    ["1e-400", 0],
    ["12\0 what follows a zero byte", 12],
    ["-inf", Number.NEGATIVE_INFINITY],
  ];
  for (const [text, value] of valid)
    it(`reads ${JSON.stringify(text)}`, () => expect(bound(text)).toBe(value));

  for (const text of ["nan", "1 ", "x", "(1", " ", "--1"]) {
    it(`refuses ${JSON.stringify(text)}`, () => expect(bound(text)).toBeNaN());
  }
});

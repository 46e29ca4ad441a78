import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latin1 } from "../../src/base/bytes.ts";
import { DOUBLE_TEXT_BYTES_MAX, formatDouble, writeDouble } from "../../src/protocol/format-double.ts";

describe("the text of a double", () => {
  it.each<[number, string]>([
    [0, "0"],
    [-0, "-0"],
    [3, "3"],
    [-17, "-17"],
    [0.1, "0.10000000000000001"],
    [1.5, "1.5"],
    [-2.25, "-2.25"],
    [1e15, "1000000000000000"],
    [1e16, "10000000000000000"],
    [1e17, "1e+17"],
    [123456789012345680, "1.2345678901234568e+17"],
    [1e21, "1e+21"],
    [1e-4, "0.0001"],
    [1e-5, "1.0000000000000001e-05"],
    [5e-324, "4.9406564584124654e-324"],
    [-2.2250738585072014e-308, "-2.2250738585072014e-308"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    [NaN, "nan"],
    // Exact ties between two texts of 17 digits: C rounds them to the even one.
    [4000000000000001 / 4, "1000000000000000.2"],
    [4000000000000003 / 4, "1000000000000000.8"],
    [-4000000000000005 / 4, "-1000000000000001.2"],
  ])("of %d is %s", (x, text) => {
    expect(formatDouble(x)).toBe(text);
  });

  it("reads back as the same double, has at most its stated length, and is written as it is formatted", () => {
    const into = new Uint8Array(DOUBLE_TEXT_BYTES_MAX + 1);
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const text = formatDouble(x);
        expect(Number(text)).toBe(x);
        const length = writeDouble(into, 1, x);
        expect(length).toBeLessThanOrEqual(DOUBLE_TEXT_BYTES_MAX);
        expect(latin1(into, 1, length)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});

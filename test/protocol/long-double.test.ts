import { describe, expect, it } from "vitest";
import { incrementByFloat, NOT_FINITE, parseLongDouble } from "../../src/value/long-double.ts";

describe("adding a float to a value", () => {
  it.each([
    ["10.50", "0.1", "10.6"],
    ["0.1", "0.2", "0.3"],
    ["5.0e3", "2.0e2", "5200"],
    ["0", "-0", "0"],
    ["3", "-3", "0"],
    ["-1e-30", "0", "0"],
    ["1", "1e-17", "1.00000000000000001"],
    ["1", "1e-18", "1"],
    ["0x10", "0x.8p1", "17"],
    ["1e4000", "0", undefined],
    ["9223372036854775807", "1", "9223372036854775808"],
  ])("%s + %s", (current, increment, sum) => {
    const answer = incrementByFloat(current, increment);
    if (sum === undefined) expect(answer).toMatch(/^\d{4000}$/);
    else expect(answer).toBe(sum);
  });

  it.each([
    "",
    " 1",
    "1 ",
    "1e",
    "e1",
    ".",
    "-",
    "+-1",
    "1.2.3",
    "0x",
    "nan",
    "1,5",
    "1\0",
    "1e5000",
    "1e-5000",
    "0x1p-99999999",
    "9".repeat(5120),
  ])("refuses %j", (text) => {
    expect(parseLongDouble(text)).toBeUndefined();
    expect(incrementByFloat(text, "1")).toBeUndefined();
    expect(incrementByFloat("1", text)).toBeUndefined();
  });

  it("says when the sum is not finite", () => {
    expect(incrementByFloat("1", "inf")).toBe(NOT_FINITE);
    expect(incrementByFloat("-Infinity", "+inf")).toBe(NOT_FINITE);
    expect(incrementByFloat("1e4932", "1e4932")).toBe(NOT_FINITE);
  });

  it("does not compute powers that nobody can need", () => {
    expect(parseLongDouble("1e999999999999")).toBeUndefined();
    expect(parseLongDouble("1e-999999999999")).toBeUndefined();
    expect(incrementByFloat("0e999999999999", "0x0p999999999999")).toBe("0");
  });
});

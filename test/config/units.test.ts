import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../src/config/units.ts";

describe("sizes", () => {
  it.each([
    ["0", 0],
    ["100", 100],
    ["1b", 1],
    ["1k", 1000],
    ["1kb", 1024],
    ["2KiB", 2048],
    ["5m", 5_000_000],
    ["64MB", 64 * 1024 ** 2],
    ["64 mb", 64 * 1024 ** 2],
    ["1g", 1e9],
    ["1gb", 1024 ** 3],
    ["1.5GB", 1.5 * 1024 ** 3],
    ["2TB", 2 * 1024 ** 4],
  ])("reads %s as Redis does", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(["", "mb", "-1", "1x", "1mbb", "1 0", "0x10", "1e3", "1.mb", "99999999999999999999"])(
    "refuses %j",
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  it("reads back every size that it writes", () => {
    const bytes = fc.oneof(
      fc.maxSafeNat(),
      fc.nat(4096).map((n) => n * 1024),
      fc.nat(4096).map((n) => n * 1024 ** 2),
    );
    fc.assert(fc.property(bytes, (value) => parseSize(formatSize(value)) === value));
  });

  it("never reads a number out of a text that is not a size", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = parseSize(text);
        return value === undefined || (Number.isSafeInteger(value) && value >= 0);
      }),
    );
  });
});

describe("durations", () => {
  it.each([
    ["0", 0],
    ["300", 300_000],
    ["0.5", 500],
    ["300s", 300_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["100ms", 100],
    ["2d", 172_800_000],
    ["1m500ms", 60_500],
  ])("reads %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "s", "-1s", "5 m", "1y", "1s2", "1e3", "5min"])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it("reads back every duration that it writes", () => {
    const ms = fc.oneof(
      fc.maxSafeNat(),
      fc.nat(100_000).map((n) => n * 1000),
      fc.nat(1000).map((n) => n * 3_600_000),
    );
    fc.assert(fc.property(ms, (value) => parseDuration(formatDuration(value)) === value));
  });
});

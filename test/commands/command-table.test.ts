/** Names to commands, and what is counted per command. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allCommands } from "../../src/commands/all.ts";
import { CATEGORIES, categoriesOf, flagBits, flagNames } from "../../src/commands/command-flags.ts";
import { LatencyHistogram } from "../../src/commands/latency-histogram.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { Request } from "../../src/protocol/request.ts";
import { seed } from "./server-seed.ts";

const table = new CommandTable(allCommands);
const lookup = (...args: (string | Uint8Array)[]) => table.lookup(Request.of(args));

describe("the command table", () => {
  it("finds every command and subcommand, whatever the case", () => {
    for (const command of table.all()) {
      const words = command.fullName.split("|");
      expect(lookup(...words, "x", "y")).toBe(
        words.length === 1 && command.subcommands.length > 0 ? undefined : command,
      );
      expect(table.named(command.fullName.toUpperCase())).toBe(command);
      expect(lookup(...words.map((word) => word.toUpperCase()), ...(words.length > 1 ? ["x"] : []))).toBe(
        command,
      );
    }
  });

  it("finds nothing for names that differ in a byte", () => {
    const names = [...table.commands].map((command) => command.name);
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 0, max: 255 }), (name, at, byte) => {
        const bytes = Buffer.from(name, "latin1");
        bytes[at % bytes.length] = byte;
        const found = lookup(bytes);
        const folded = bytes.toString("latin1").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
        expect(found?.name).toBe(names.includes(folded) ? folded : undefined);
      }),
      { seed, numRuns: 3000 },
    );
  });

  it("does not take control characters for the digits and dashes they resemble", () => {
    expect(lookup(Buffer.from("no\x0devict"))).toBeUndefined();
    expect(lookup("client", Buffer.from("no\x0devict"), "on")).toBeUndefined();
    expect(lookup("client", "no-evict", "on")?.fullName).toBe("client|no-evict");
    expect(lookup("")).toBeUndefined();
    expect(lookup("x".repeat(100_000))).toBeUndefined();
  });

  it("says what it does not know, in Redis's words", () => {
    const text = (...args: string[]) => table.unknownText(Request.of(args));
    expect(text("foo", "a", "b")).toBe("ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
    expect(text("config", "foo")).toBe("ERR unknown subcommand 'foo'. Try CONFIG HELP.");
    const long = "x".repeat(200);
    expect(text(long, long, "b")).toBe(
      `ERR unknown command '${"x".repeat(128)}', with args beginning with: '${"x".repeat(128)}' `,
    );
  });

  it("checks arity as declared", () => {
    expect(table.named("get")?.accepts(2)).toBe(true);
    expect(table.named("get")?.accepts(3)).toBe(false);
    expect(table.named("set")?.accepts(3)).toBe(true);
    expect(table.named("set")?.accepts(2)).toBe(false);
    expect(table.named("config|set")?.accepts(3)).toBe(false);
  });

  it("refuses two commands of one name", () => {
    expect(() => new CommandTable([...allCommands, allCommands[0]!])).toThrow(/two commands named/);
  });

  it("gives every command a body, a summary and known categories", () => {
    for (const command of table.all()) {
      expect(command.spec.docs().summary.length).toBeGreaterThan(5);
      for (const category of categoriesOf(command.spec)) expect(CATEGORIES).toContain(category);
      expect(flagBits(command.spec.flags)).toBe(command.flags);
    }
    expect(flagNames(flagBits(["fast", "write", "may_replicate"]))).toEqual(["write", "fast"]);
  });
});

describe("a latency histogram", () => {
  it("answers percentiles that are at most a bucket too high", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2_000_000_000_000 }), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 100 }),
        (values, percent) => {
          const histogram = new LatencyHistogram();
          for (const value of values) histogram.record(value, 1);
          const sorted = values.map((value) => Math.min(value, 2 ** 40 - 1)).sort((a, b) => a - b);
          const rank = Math.max(1, Math.round((percent / 100) * values.length));
          const exact = sorted[rank - 1]!;
          expect(histogram.percentileNs(percent)).toBeGreaterThanOrEqual(exact);
          expect(histogram.percentileNs(percent)).toBeLessThanOrEqual(exact * (1 + 1 / 16));
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it("tells cumulative counts at the bounds that Redis prints", () => {
    const histogram = new LatencyHistogram();
    histogram.record(300, 2);
    histogram.record(20_000, 1);
    histogram.record(30_000_000, 4);
    const buckets: [number, number][] = [];
    histogram.cumulative((microseconds, count) => buckets.push([microseconds, count]));
    expect(buckets).toEqual([
      [1, 2],
      [33, 3],
      [33816, 7],
    ]);
    histogram.reset();
    expect(histogram.count).toBe(0);
    expect(histogram.percentileNs(50)).toBe(0);
  });
});

import { describe, expect, it } from "vitest";
import { FerriteError } from "../../src/base/errors.ts";
import { EXIT_CODES, exitCodeTable, failureOf } from "../../src/cli/exit-codes.ts";

describe("exit codes", () => {
  it("are documented for every kind of failure", () => {
    const documented = EXIT_CODES.map(([code]) => code);
    for (const kind of ["usage", "unavailable", "corruption", "conflict", "closed"] as const) {
      expect(documented).toContain(failureOf(new FerriteError(kind, "x")).code);
    }
    expect(failureOf("thrown text")).toEqual({ code: 1, message: "thrown text", isExpected: false });
    expect(failureOf(Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" })).code).toBe(1);
    expect(exitCodeTable().split("\n")).toHaveLength(EXIT_CODES.length + 2);
  });
});

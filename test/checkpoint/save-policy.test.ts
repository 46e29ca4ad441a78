/** When a checkpoint is due, as a table. */
import { describe, expect, it } from "vitest";
import { type SaveState, saveDue } from "../../src/checkpoint/save-policy.ts";

const POLICY = {
  rules: [
    { seconds: 3600, changes: 1 },
    { seconds: 300, changes: 100 },
    { seconds: 60, changes: 10_000 },
  ],
  intervalMs: 600_000,
};
const QUIET: SaveState = {
  nowMs: 1_000_000,
  lastSuccessMs: 1_000_000,
  lastFailed: false,
  lastAttemptMs: 1_000_000,
  changesSinceSuccess: 0,
  busy: false,
  scheduled: false,
};

/** Seconds since the last success, changes since, other things; what is due. */
const TABLE: readonly (readonly [number, number, Partial<SaveState>, string])[] = [
  [0, 0, {}, "-"],
  [1e6, 0, {}, "-"],
  [60, 10_000, {}, "-"],
  [60.001, 10_000, {}, "rule 60"],
  [61, 9_999, {}, "-"],
  [300, 100, {}, "-"],
  [301, 100, {}, "rule 300"],
  [301, 99, {}, "-"],
  [599.999, 99, {}, "-"],
  [600, 1, {}, "interval"],
  [600, 0, {}, "-"],
  [3601, 1, {}, "rule 3600"],
  [301, 100, { busy: true }, "-"],
  [0, 0, { scheduled: true }, "scheduled"],
  [0, 0, { scheduled: true, busy: true }, "-"],
  // A failure begun 5 s ago still holds everything back.
  [301, 100, { lastFailed: true, lastAttemptMs: QUIET.nowMs - 5000 }, "-"],
  [301, 100, { lastFailed: true, lastAttemptMs: QUIET.nowMs - 5001 }, "rule 300"],
  [301, 100, { lastFailed: false, lastAttemptMs: QUIET.nowMs }, "rule 300"],
  [0, 0, { scheduled: true, lastFailed: true, lastAttemptMs: QUIET.nowMs - 1 }, "-"],
  [0, 0, { scheduled: true, lastFailed: true, lastAttemptMs: QUIET.nowMs - 5001 }, "scheduled"],
];

describe("a checkpoint is due", () => {
  for (const [seconds, changes, rest, expected] of TABLE) {
    it(`${seconds} s and ${changes} changes after the last one, ${JSON.stringify(rest)}: ${expected}`, () => {
      const state = {
        ...QUIET,
        lastSuccessMs: QUIET.nowMs - seconds * 1000,
        changesSinceSuccess: changes,
        ...rest,
      };
      const due = saveDue(POLICY, state);
      const text = due === undefined ? "-" : due.kind === "rule" ? `rule ${due.rule.seconds}` : due.kind;
      expect(text).toBe(expected);
    });
  }

  it("never, without rules and interval", () => {
    const state = { ...QUIET, lastSuccessMs: 0, changesSinceSuccess: 1e9 };
    expect(saveDue({ rules: [], intervalMs: 0 }, state)).toBeUndefined();
  });
});

/** `npm run sim`: compiles, runs what it is asked for, says how to repeat it. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../scripts/sim.mjs", import.meta.url));

function sim(...parameters: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...parameters], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

it("runs seeds and tells their traces and how fast it was", { timeout: 0 }, () => {
  const { status, stdout, stderr } = sim("--seed", "5", "--seeds", "2", "--events", "150");
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^seed 5: \d+ lives, LSN \d+, trace [0-9a-f]{16}\nseed 6: /);
  expect(stdout).toMatch(/2 seeds, each twice: .* 0 failures; \d+ events per second\n$/);
  expect(status).toBe(0);
});

it("refuses numbers that are none", { timeout: 0 }, () => {
  const { status, stderr } = sim("--seed", "five");
  expect(stderr).toContain('--seed is "five"; expected a number from 0 on');
  expect(status).toBe(2);
});

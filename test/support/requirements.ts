/**
 * What the machine must have for some tests, and what happens where it has not.
 *
 * Absent: the tests are skipped with the reason. FERRITE_REQUIRE=name,name turns the skip into a failure, so
 * that a build that is meant to have the thing cannot quietly stop testing.
 */
import { spawnSync } from "node:child_process";

/** The reason why tests that need `name` are skipped, or undefined. Throws where `name` is required. */
export function reasonToSkip(name: string, problem: string | undefined): string | undefined {
  const required = (process.env["FERRITE_REQUIRE"] ?? "").split(",").map((word) => word.trim());
  if (problem !== undefined && required.includes(name)) {
    throw new Error(`FERRITE_REQUIRE lists ${name}, but ${problem}`);
  }
  return problem;
}

/** What is wrong with a program that should be on the PATH, or undefined. */
export function problemWith(program: string, versionPattern?: RegExp): string | undefined {
  const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  if (status !== 0) return `${program} is not installed`;
  if (versionPattern !== undefined && !versionPattern.test(stdout)) {
    return `${program} is of another version: ${stdout.trim()}`;
  }
  return undefined;
}

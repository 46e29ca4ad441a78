/**
 * The whole server under one seed: clients, disk, clock, crashes. See world.ts for what is checked.
 *
 *   FERRITE_SIMULATION_SEED=n     runs that seed alone
 *   FERRITE_SIMULATION_EVENTS=n   events per seed
 *   FERRITE_SIMULATION_SEEDS=n    how many seeds, from the given one or from 1
 */
import { describe, expect, it } from "vitest";
import { simulate } from "./world.ts";

const GIVEN_SEED = process.env["FERRITE_SIMULATION_SEED"];
const EVENTS = Number(process.env["FERRITE_SIMULATION_EVENTS"] ?? 2000);
const FIXED_SEEDS = 40;
const FRESH_SEEDS = 10;
const REPEATED_SEEDS = [1, 7, 23];

function seeds(): number[] {
  const count = process.env["FERRITE_SIMULATION_SEEDS"];
  if (GIVEN_SEED !== undefined || count !== undefined) {
    const first = Number(GIVEN_SEED ?? 1);
    return Array.from({ length: Number(count ?? 1) }, (_, index) => first + index);
  }
  const fixed = Array.from({ length: FIXED_SEEDS }, (_, index) => index + 1);
  const fresh = Array.from({ length: FRESH_SEEDS }, () => Math.floor(Math.random() * 2 ** 32));
  return [...fixed, ...fresh];
}

describe("the whole server, simulated", () => {
  it("keeps what it promised through crashes, kills and a failing disk", { timeout: 0 }, async () => {
    const failures: string[] = [];
    let replies = 0;
    let lives = 0;
    const tried = seeds();
    for (const seed of tried) {
      try {
        const result = await simulate({ seed, events: EVENTS });
        replies += result.replies;
        lives += result.lives;
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    console.log(
      `${tried.length} seeds, ${lives} lives, ${replies} replies; fresh: ${tried.slice(FIXED_SEEDS).join(" ")}`,
    );
    expect(failures).toEqual([]);
  });

  it("repeats a seed to the byte", async () => {
    for (const seed of REPEATED_SEEDS) {
      const first = await simulate({ seed, events: 1000 });
      expect(await simulate({ seed, events: 1000 })).toEqual(first);
    }
  });

  it("tells seeds apart", async () => {
    const hashes = [];
    for (const seed of [1, 2, 3]) hashes.push((await simulate({ seed, events: 200 })).traceHash);
    expect(new Set(hashes).size).toBe(3);
  });
});

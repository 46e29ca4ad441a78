/** The simulation finds bugs: each of these, put in on purpose, within the stated number of seeds. */
import { describe, expect, it } from "vitest";
import type { PlantedBug } from "./planted-bug.ts";
import { CHANCE_FROM_OUTSIDE, PLANTED_BUGS } from "./planted-bugs.ts";
import { simulate, simulateTwice } from "./world.ts";

const EVENTS = 2500;
/** None: how long they take depends on what else the machine does, and the seeds are counted. */
const TIMEOUT_MS = 0;

/** The message of the first seed that fails, and which one that was. */
async function firstFinding(bug: PlantedBug): Promise<{ seed: number; message: string } | undefined> {
  for (let seed = 1; seed <= bug.seedsMax; seed++) {
    try {
      await simulate({ seed, events: EVENTS, plant: bug });
    } catch (error) {
      return { seed, message: (error as Error).message };
    }
  }
  return undefined;
}

describe("a bug put in on purpose is found", () => {
  for (const bug of PLANTED_BUGS) {
    it(`${bug.name} (within ${bug.seedsMax} seeds)`, { timeout: TIMEOUT_MS }, async () => {
      const found = await firstFinding(bug);
      if (process.env["FERRITE_SIM_SHOW"] !== undefined)
        console.log(bug.name, found?.seed, found?.message.slice(0, 300));
      expect(found?.message).toMatch(bug.finding);
    });
  }

  it(`${CHANCE_FROM_OUTSIDE.name} (in the first seed)`, async () => {
    const twice = simulateTwice({ seed: 1, events: 200, plant: CHANCE_FROM_OUTSIDE });
    await expect(twice).rejects.toThrow(/two runs of it differ at line \d+ of their traces/);
  });
});

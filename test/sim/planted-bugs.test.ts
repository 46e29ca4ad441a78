/** The simulation finds bugs: each of these, put in on purpose, within the stated number of seeds. */
import { describe, expect, it } from "vitest";
import { PLANTED_BUGS, type PlantedBug } from "./planted-bugs.ts";
import { simulate } from "./world.ts";

const EVENTS = 2500;

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
    it(`${bug.name} (within ${bug.seedsMax} seeds)`, async () => {
      const found = await firstFinding(bug);
      if (process.env["FERRITE_SIMULATION_SHOW"] !== undefined) console.log(bug.name, found);
      expect(found?.message).toMatch(bug.finding);
    });
  }
});

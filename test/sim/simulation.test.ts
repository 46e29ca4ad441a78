/**
 * The whole server under one seed: clients, disk, clock, crashes. See world.ts for what is checked, and `npm run sim` for
 * a seed by itself.
 *
 *   FERRITE_SIM_SECONDS=n   goes on with fresh seeds for so long
 */
import { describe, expect, it } from "vitest";
import { KNOWN_SEEDS } from "./known-seeds.ts";
import { MODEL_COMMANDS } from "./model-commands.ts";
import { persistenceWords } from "./persistence-events.ts";
import {
  freshSeeds,
  runSeeds,
  type SeedRun,
  type SeedRunOptions,
  seedsFrom,
  summaryOf,
} from "./run-seeds.ts";
import { simulate } from "./world.ts";

const EVENTS = 1500;
const FIXED_SEEDS = 20;
/** What was executed under the fixed seeds. */
const seen = new Set<string>();

function see(line: string): void {
  if (!line.startsWith("executed ") && !line.startsWith("served ")) return;
  const [what, , name = "", second = ""] = line.split(" ", 4);
  if (what === "served") seen.add(`${name} after waiting`);
  else seen.add(name).add(`${name} ${second}`);
}

async function runAll(name: string, options: SeedRunOptions): Promise<SeedRun> {
  const seeds: number[] = [];
  const run = await runSeeds({ ...options, onSeed: ({ seed }) => void seeds.push(seed) });
  console.log(`${name}: ${summaryOf(run)}\n${seeds.join(" ")}`);
  return run;
}

describe("the whole server, simulated, keeps what it promised through crashes, kills and a failing disk", () => {
  // How long they take depends on what else the machine does; each run has an end of its own.
  it("under seeds that have found something", { timeout: 0 }, async () => {
    const { failures } = await runAll("known seeds", { seeds: KNOWN_SEEDS });
    expect(failures).toEqual([]);
  });

  it("under the same seeds every time", { timeout: 0 }, async () => {
    const options = { seeds: seedsFrom(1, FIXED_SEEDS, EVENTS), listener: see };
    const { failures } = await runAll("fixed seeds", options);
    expect(failures).toEqual([]);
  });

  it("and executes every command of the model meanwhile", () => {
    // So that a family that is no longer drawn, or never executed, does not go unnoticed.
    const served = ["BLPOP", "BRPOP", "BLMOVE", "BZPOPMIN"].map((name) => `${name} after waiting`);
    const wanted = [...Object.keys(MODEL_COMMANDS), ...persistenceWords, ...served];
    expect(wanted.filter((name) => !seen.has(name))).toEqual([]);
  });

  const seconds = Number(process.env["FERRITE_SIM_SECONDS"] ?? 0);
  const why = seconds === 0 ? " (without FERRITE_SIM_SECONDS)" : "";
  it.skipIf(seconds === 0)(`under fresh seeds for ${seconds} seconds${why}`, { timeout: 0 }, async () => {
    const options = { seeds: freshSeeds(EVENTS), millisecondsMax: seconds * 1000 };
    const { failures } = await runAll("fresh seeds", options);
    expect(failures).toEqual([]);
  });
});

describe("a seed", () => {
  it("gives another history than others", async () => {
    const hashes = [];
    for (const seed of [1, 2, 3]) hashes.push((await simulate({ seed, events: 200 })).traceHash);
    expect(new Set(hashes).size).toBe(3);
  });
});

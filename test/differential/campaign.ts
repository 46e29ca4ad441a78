/**
 * Many random sequences against a pair of servers; the first difference is minimised and told in full.
 *
 * FERRITE_FUZZ_SECONDS makes it go on for that long instead of for a fixed number of sequences; FERRITE_SEED
 * repeats a run. The seed printed with a failure is that of the one sequence that failed.
 */
import type { Unit } from "../support/random-commands.ts";
import { Randomness } from "../support/seed.ts";
import { randomUnits } from "./groups/all.ts";
import { minimise } from "./minimise.ts";
import { type Difference, type Pair, type Protocol, type Stage, showCommand } from "./pair.ts";

export interface Campaign {
  readonly protocol: Protocol;
  readonly seed: number;
  readonly sequences: number;
  readonly unitsPerSequence: number;
}

const TRIALS_MAX: Readonly<Record<Stage, number>> = {
  replies: 400,
  contents: 400,
  restart: 80,
  "stock redis": 60,
};

/** Throws with a report at the first difference; answers how many commands were compared. */
export async function runCampaign(pair: Pair, campaign: Campaign): Promise<number> {
  const { protocol, unitsPerSequence } = campaign;
  const seeds = new Randomness(campaign.seed);
  const fuzzSeconds = Number(process.env["FERRITE_FUZZ_SECONDS"] ?? 0);
  const end = performance.now() + fuzzSeconds * 1000;
  let compared = 0;
  for (let sequence = 0; ; sequence++) {
    if (fuzzSeconds > 0 ? performance.now() > end : sequence === campaign.sequences) break;
    const seed = sequence === 0 ? campaign.seed : seeds.fork();
    const nowMs = Date.now();
    const units = randomUnits(seed, unitsPerSequence, nowMs);
    const difference = await pair.run(units, protocol, "stock redis");
    if (difference !== undefined) throw new Error(await report(pair, protocol, seed, units, difference));
    compared += units.reduce((total, unit) => total + unit.commands.length, 0);
  }
  return compared;
}

async function report(
  pair: Pair,
  protocol: Protocol,
  seed: number,
  units: readonly Unit[],
  first: Difference,
): Promise<string> {
  let last = first;
  const kept = await minimise(
    units,
    async (candidate) => {
      const difference = await pair.run(candidate, protocol, first.stage);
      // Another difference at the same stage is as good: it fails, and it is shorter.
      if (difference?.stage !== first.stage) return false;
      last = difference;
      return true;
    },
    TRIALS_MAX[first.stage],
  );
  return [
    `difference in ${last.stage}, RESP${protocol}, FERRITE_SEED=${seed}: ${last.at}`,
    `redis-server: ${last.redis}`,
    `ferrite:      ${last.ferrite}`,
    `after these ${kept.length} of ${units.length} steps on an empty server:`,
    ...kept.flatMap((unit) => [
      ...unit.commands.map(
        (command) =>
          `  ${unit.session === undefined ? "" : `connection ${unit.session}: `}${showCommand(command)}`,
      ),
      ...(unit.pauseMs === undefined ? [] : [`  (${unit.pauseMs} ms pass)`]),
    ]),
  ].join("\n");
}

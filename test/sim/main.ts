/** The simulation from the command line; see scripts/sim.mjs. */
import { parseArgs } from "node:util";
import { freshSeeds, runSeeds, seedsFrom, summaryOf } from "./run-seeds.ts";

const USAGE = `npm run sim -- [--seed S] [--seeds K] [--events N] [--seconds T] [--verbose]

  --seed S      this seed, or the first of several; fresh ones without it
  --seeds K     how many seeds; 1 with --seed, else as many as fit into the time
  --events N    events per seed (2000)
  --seconds T   begins no further seed after so long (60 without --seed and --seeds)
  --verbose     prints every line of the trace
`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    events: { type: "string", default: "2000" },
    seconds: { type: "string" },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function number(name: "seed" | "seeds" | "events" | "seconds"): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`--${name} is ${JSON.stringify(text)}; expected a number from 0 on\n\n${USAGE}`);
  process.exit(2);
}

async function main(): Promise<void> {
  const seed = number("seed");
  const count = number("seeds") ?? (seed === undefined ? undefined : 1);
  const events = number("events")!;
  const seconds = number("seconds") ?? (count === undefined ? 60 : Number.POSITIVE_INFINITY);
  const seeds = seed === undefined ? freshSeeds(events) : seedsFrom(seed, count!, events);
  let left = count ?? Number.POSITIVE_INFINITY;
  const limited = (function* () {
    for (const each of seeds)
      if (left-- > 0) yield each;
      else return;
  })();
  const run = await runSeeds({
    seeds: limited,
    millisecondsMax: seconds * 1000,
    ...(values.verbose ? { listener: (line: string) => console.log(line) } : {}),
    onSeed: (options, result) => {
      if (typeof result === "string") console.log(`\n${result}\n`);
      else if (values.verbose || count !== undefined)
        console.log(
          `seed ${options.seed}: ${result.lives} lives, LSN ${result.lastLsn}, trace ${result.traceHash.slice(0, 16)}`,
        );
    },
  });
  console.log(summaryOf(run));
  process.exitCode = run.failures.length === 0 ? 0 : 1;
}

if (values.help) console.log(USAGE);
else await main();

/** Runs many seeds, each twice, and counts what was done. */
import { performance } from "node:perf_hooks";
import { type SimulationOptions, type SimulationResult, simulateTwice } from "./world.ts";

export interface SeedRun {
  seeds: number;
  lives: number;
  replies: number;
  /** Of both runs of each seed. */
  events: number;
  milliseconds: number;
  failures: string[];
}

export interface SeedRunOptions {
  readonly seeds: Iterable<Pick<SimulationOptions, "seed" | "events">>;
  /** No further seed is begun after so many milliseconds. */
  readonly millisecondsMax?: number;
  /** No further seed is begun after so many failures. */
  readonly failuresMax?: number;
  readonly listener?: (line: string) => void;
  readonly onSeed?: (options: SimulationOptions, result: SimulationResult | string) => void;
}

export async function runSeeds(options: SeedRunOptions): Promise<SeedRun> {
  const startMs = performance.now();
  const { millisecondsMax = Number.POSITIVE_INFINITY, failuresMax = 5, listener } = options;
  const run: SeedRun = { seeds: 0, lives: 0, replies: 0, events: 0, milliseconds: 0, failures: [] };
  for (const each of options.seeds) {
    if (performance.now() - startMs >= millisecondsMax || run.failures.length >= failuresMax) break;
    const simulation: SimulationOptions = listener === undefined ? each : { ...each, listener };
    run.seeds++;
    run.events += 2 * each.events;
    const result = await simulateTwice(simulation).catch((error: Error) => error.message);
    options.onSeed?.(simulation, result);
    if (typeof result === "string") run.failures.push(result);
    else {
      run.lives += result.lives;
      run.replies += result.replies;
    }
  }
  run.milliseconds = performance.now() - startMs;
  return run;
}

/** Different in every run; the numbers are small, so that they can be told over a desk. */
export function* freshSeeds(events: number): Iterable<{ seed: number; events: number }> {
  for (;;) yield { seed: Math.floor(Math.random() * 2 ** 32), events };
}

export function* seedsFrom(
  first: number,
  count: number,
  events: number,
): Iterable<{ seed: number; events: number }> {
  for (let seed = first; seed < first + count; seed++) yield { seed, events };
}

export function summaryOf({ seeds, lives, replies, events, milliseconds, failures }: SeedRun): string {
  const perSecond = Math.round(events / (milliseconds / 1000));
  return `${seeds} seeds, each twice: ${lives} lives, ${replies} replies, ${failures.length} failures; ${perSecond} events per second`;
}

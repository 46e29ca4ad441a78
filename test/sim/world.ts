/**
 * A whole history from one seed: lives of the server over one data directory, until the events are used up.
 *
 * Invariant: one generator decides everything; the trace of two runs of a seed is the same to the byte.
 */
import { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import type { Assembly } from "../../src/database/assembly.ts";
import type { FileSystem } from "../../src/ports/file-system.ts";
import type { Server } from "../../src/server/server.ts";
import { reactions } from "../support/sim-server.ts";
import { type Configuration, drawDatabases } from "./configuration.ts";
import { Damage } from "./damage.ts";
import { History } from "./history.ts";
import { Life } from "./life.ts";
import { Promises } from "./promises.ts";
import { Trace } from "./trace.ts";

const EVENTS_PER_LIFE_MAX = 500;
const FIRST_WALL_MS = 1_700_000_000_000;
const DOWNTIME_MS_MAX = 4000;

/** A bug put in on purpose, to see that the simulation finds it. */
export interface Plant {
  readonly name: string;
  /** Wraps the file system that the server is given. */
  readonly fileSystem?: (inner: FileSystem) => FileSystem;
  /** Changes classes, for the whole run; answers what takes the change back. */
  readonly install?: () => () => void;
  /** Changes the running server; called at every start, before anything is loaded. */
  readonly beforeLoading?: (assembly: Assembly, server: Server) => void;
  /** The same, when the data is recovered and nobody has been served. */
  readonly beforeServing?: (assembly: Assembly, server: Server) => void;
}

export interface SimulationOptions {
  readonly seed: number;
  /** Events over all lives; more lives follow until they are used up. */
  readonly events: number;
  readonly plant?: Plant;
  /** Is given every line of the trace. */
  readonly listener?: (line: string) => void;
}

export interface SimulationResult {
  readonly traceHash: string;
  readonly lives: number;
  readonly lastLsn: number;
  readonly replies: number;
}

export class World {
  readonly random: SeededRandom;
  readonly plant: Plant | undefined;
  readonly databases: number;
  readonly history: History;
  readonly promises = new Promises();
  readonly trace: Trace;
  /** Of the present life. */
  configuration: Configuration | undefined;
  /** The last LSN that the next start must find. */
  #mustFind = 0;
  /** The last one that it may find. */
  #mayFind = Number.POSITIVE_INFINITY;
  /** How the last life that served began, and the LSNs at which checkpoints were begun in it. */
  #served = { logs: true, startLsn: 0 };
  readonly captured = new Set<number>();
  /** The log holds nothing before the effect after this one. */
  logGapEnd = 0;
  /** A file that was damaged between two lives. */
  damage: Damage | undefined;
  lives = 0;
  answered = 0;

  constructor(options: SimulationOptions) {
    this.random = new SeededRandom(options.seed);
    this.plant = options.plant;
    this.trace = new Trace(options.listener);
    this.databases = drawDatabases(this.random);
    this.history = new History(this.databases);
  }

  /** A start has read the log up to `lsn`. */
  foundLsn(lsn: number): void {
    if (lsn < this.#mustFind) {
      throw new Error(
        `acknowledged effects are lost: the log ends with LSN ${lsn}, promised was ${this.#mustFind}`,
      );
    }
    if (lsn > this.history.lastLsn) {
      throw new Error(
        `effects were invented: the log ends with LSN ${lsn}, given out were ${this.history.lastLsn}`,
      );
    }
    const { logs, startLsn } = this.#served;
    if (!logs && lsn > startLsn && !this.captured.has(lsn))
      throw new Error(`LSN ${lsn} was found without a log, and no checkpoint was begun there`);
    if (lsn > this.#mayFind)
      throw new Error(
        `LSN ${lsn} was found after SHUTDOWN NOSAVE, the last checkpoint is of ${this.#mayFind}`,
      );
    this.history.rewindTo(lsn, Math.min(lsn, this.promises.power));
  }

  /** A life serves. */
  begins(logs: boolean, lsn: number): void {
    if (logs) this.logBegins(lsn);
    else this.#served = { logs, startLsn: lsn };
    this.captured.clear();
    this.#mayFind = Number.POSITIVE_INFINITY;
  }

  /** From here on a start may find what follows `lsn` in the log. */
  logBegins(lsn: number): void {
    // What happened while there was none only checkpoints have, or a base.
    if (!this.#served.logs) this.logGapEnd = lsn;
    this.#served = { logs: true, startLsn: lsn };
  }

  logEnds(lsn: number): void {
    this.#served = { logs: false, startLsn: lsn };
    this.promises.logEnds();
  }

  /** The server was stopped without saving: what no checkpoint holds is gone. */
  mayFindAtMost(checkpointLsn: number): void {
    this.#mayFind = Math.max(checkpointLsn, this.#served.startLsn);
  }

  async run(events: number): Promise<void> {
    let remains = new MemoryFileSystem({ random: this.random, soon: (run) => run() });
    let wallMs = FIRST_WALL_MS;
    let left = events;
    for (let over = false; !over; ) {
      over = left <= 0;
      const life = new Life(this, remains, wallMs);
      this.lives++;
      if (await life.start()) {
        const count = Math.min(Math.max(left, 1), 1 + this.random.below(EVENTS_PER_LIFE_MAX));
        left -= count;
        await life.run(count);
        if (!life.isOver) await life.end();
      } else over = false;
      await reactions();
      life.fileSystem.halt();
      if (life.death !== undefined) this.#mustFind = this.promises.died(life.death);
      remains = life.future!;
      this.damage = Damage.next(this.damage, remains, this.random);
      wallMs = life.clock.wallMs() + this.random.below(DOWNTIME_MS_MAX);
    }
  }
}

/** A check has failed: what there is to know about it, and how to see it again. */
export class SimulationFailure extends Error {
  readonly seed: number;

  constructor(options: SimulationOptions, world: World, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const { settings, partBytesMax, loopSyncMsMax } = world.configuration ?? {};
    super(
      `seed ${options.seed}, life ${world.lives}: ${message}\n` +
        `configuration: ${JSON.stringify({ ...settings, partBytesMax, loopSyncMsMax })}\n` +
        `the last events:\n  ${world.trace.last.join("\n  ")}\n` +
        `repeat it with: ${repeating(options)}`,
      { cause },
    );
    this.seed = options.seed;
  }
}

export function repeating({ seed, events }: SimulationOptions): string {
  return `npm run sim -- --seed ${seed} --events ${events}`;
}

/** Throws SimulationFailure if any check fails. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const world = new World(options);
  const uninstall = options.plant?.install?.();
  try {
    await world.run(options.events);
  } catch (error) {
    throw new SimulationFailure(options, world, error);
  } finally {
    uninstall?.();
  }
  return {
    traceHash: world.trace.hash,
    lives: world.lives,
    lastLsn: world.history.lastLsn,
    replies: world.answered,
  };
}

/** The same twice: also throws if the two runs of the seed are not the same. */
export async function simulateTwice(options: SimulationOptions): Promise<SimulationResult> {
  const first = await simulate(options);
  const second = await simulate(options);
  if (second.traceHash === first.traceHash) return first;
  throw new Error(
    `seed ${options.seed}: ${await firstDifference(options)}\nrepeat it with: ${repeating(options)}`,
  );
}

async function firstDifference(options: SimulationOptions): Promise<string> {
  const runs: string[][] = [[], []];
  for (const lines of runs) await simulate({ ...options, listener: (line) => lines.push(line) });
  const [first, second] = runs as [string[], string[]];
  const at = first.findIndex((line, index) => line !== second[index]);
  if (at < 0) return "two runs of it differ, and two more do not";
  const before = first.slice(Math.max(0, at - 10), at).join("\n  ");
  return `two runs of it differ at line ${at} of their traces: "${first[at]}", then "${second[at]}"; before it\n  ${before}`;
}

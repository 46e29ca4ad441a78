/**
 * A whole history from one seed: lives of the server over one data directory, until the events are used up.
 *
 * Invariant: one generator decides everything; the trace of two runs of a seed is the same to the byte.
 */
import { createHash } from "node:crypto";
import { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import type { Assembly } from "../../src/database/assembly.ts";
import type { FileSystem } from "../../src/ports/file-system.ts";
import type { Server } from "../../src/server/server.ts";
import { reactions } from "../support/sim-server.ts";
import { History } from "./history.ts";
import { Life } from "./life.ts";
import { Promises } from "./promises.ts";
import { DATABASES } from "./workload.ts";

const EVENTS_PER_LIFE_MAX = 500;
const FIRST_WALL_MS = 1_700_000_000_000;
const DOWNTIME_MS_MAX = 4000;

/** A bug put in on purpose, to see that the simulation finds it. */
export interface Plant {
  readonly name: string;
  readonly fileSystem?: (inner: FileSystem) => FileSystem;
  readonly beforeServing?: (assembly: Assembly, server: Server) => void;
}

export interface SimulationOptions {
  readonly seed: number;
  /** Events over all lives; more lives follow until they are used up. */
  readonly events: number;
  readonly plant?: Plant;
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
  readonly history = new History(DATABASES);
  readonly promises = new Promises();
  readonly #hash = createHash("sha256");
  /** The last LSN that the next start must find. */
  #mustFind = 0;
  lives = 0;
  answered = 0;

  constructor(options: SimulationOptions) {
    this.random = new SeededRandom(options.seed);
    this.plant = options.plant;
  }

  trace(...what: readonly (string | number)[]): void {
    this.#hash.update(`${what.join(" ")}\n`);
  }

  get traceHash(): string {
    return this.#hash.copy().digest("hex");
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
    this.history.rewindTo(lsn, Math.min(lsn, this.promises.power));
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
      wallMs = life.clock.wallMs() + this.random.below(DOWNTIME_MS_MAX);
    }
  }
}

/** Throws an error that names the seed if any check fails. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const world = new World(options);
  try {
    await world.run(options.events);
  } catch (error) {
    throw new Error(
      `seed ${options.seed}, life ${world.lives}: ${error instanceof Error ? error.message : String(error)}\n` +
        `FERRITE_SIMULATION_SEED=${options.seed} FERRITE_SIMULATION_EVENTS=${options.events} repeats it`,
      { cause: error },
    );
  }
  return {
    traceHash: world.traceHash,
    lives: world.lives,
    lastLsn: world.history.lastLsn,
    replies: world.answered,
  };
}

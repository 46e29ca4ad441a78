/**
 * Seeded lives of a log: random effects, units, syncs, policies, rotations and faults; then power loss or kill -9
 * between any two steps of the file system; then a start from what is left. After each start the log must hold
 * a prefix of what was executed, whole units only, and nothing that was promised may be missing.
 */
import { describe, expect, it } from "vitest";
import type { FileOperation, MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import type { AppendOnlyLog } from "../../src/aof/append-only-log.ts";
import { append, finish, newWorld, nextWorld, start, type World } from "./support.ts";

const SEEDS = Number(process.env["FERRITE_SIMULATION_SEEDS"] ?? 150);
const FIRST_SEED = Number(process.env["FERRITE_SIMULATION_SEED"] ?? 1);
const LIVES = 6;
const POLICIES = ["always", "everysec", "no"] as const;
const FAULTY: readonly FileOperation[] = [
  "append",
  "overwrite",
  "sync",
  "rename",
  "syncDirectory",
  "open",
  "truncate",
  "unlink",
  "read",
];

interface Executed {
  readonly line: string;
  /** Units share a number; 0 outside of one. */
  readonly unit: number;
}

/** What was executed and what has been promised about it. */
class Model {
  readonly effects: Executed[] = [];
  /** Must survive power loss. */
  durable = 0;
  /** Must survive kill -9. */
  written = 0;
  /** A checkpoint holds everything up to here. */
  checkpoint = 0;
  units = 0;

  observe(log: AppendOnlyLog): void {
    this.durable = Math.max(this.durable, log.durableLsn);
    this.written = Math.max(this.written, log.writtenLsn, log.acknowledgedLsn);
  }

  lines(afterLsn: number, lastLsn: number): string[] {
    const lines: string[] = [];
    let unit = 0;
    for (let lsn = afterLsn + 1; lsn <= lastLsn; lsn++) {
      const effect = this.effects[lsn - 1]!;
      if (effect.unit !== unit) {
        if (unit !== 0) lines.push("}");
        if (effect.unit !== 0) lines.push("{");
        unit = effect.unit;
      }
      lines.push(effect.line);
    }
    if (unit !== 0 && this.effects[lastLsn]?.unit !== unit) lines.push("}");
    return lines;
  }
}

class Life {
  readonly world: World;
  readonly model: Model;
  readonly random: SeededRandom;
  /** What the next life finds, once the chosen step was reached. */
  future: MemoryFileSystem | undefined;
  /** The last LSN that has to be found at the start, and at the start of the next life. */
  readonly promised: number;
  remaining = 0;
  log: AppendOnlyLog | undefined;
  #stepsLeft: number;
  #faulty = false;

  constructor(world: World, model: Model, random: SeededRandom, promised: number) {
    this.world = world;
    this.promised = promised;
    world.step = () => this.step();
    this.model = model;
    this.random = random;
    this.#stepsLeft = 1 + random.below(random.below(3) === 0 ? 40 : 600);
  }

  /** Called before every step of the file system: here the world may end. */
  step(): void {
    this.#observe();
    if (this.future === undefined && --this.#stepsLeft <= 0) this.die();
  }

  die(): void {
    if (this.future !== undefined) return;
    this.#observe();
    const power = this.random.below(2) === 0;
    const { fs } = this.world;
    if (power) this.model.written = this.model.durable;
    this.remaining = this.model.written;
    this.future = power ? fs.crash(new SeededRandom(this.random.uint32())) : fs.kill();
  }

  async run(): Promise<void> {
    const { random, world, model } = this;
    const partBytesMax = 200 + random.below(random.below(2) === 0 ? 3000 : 40_000);
    const policy = POLICIES[random.below(3)]!;
    const spaceBytesMax = [0, 64, 700, 100_000][random.below(4)]!;
    const loopSyncMsMax = random.below(2);
    const started = await start(world, {
      policy,
      partBytesMax,
      spaceBytesMax,
      loopSyncMsMax,
      afterLsn: model.checkpoint,
    });
    this.check(started.lines, started.summary.lastLsn);
    this.log = started.log;
    world.fault = (operation) => this.#fault(operation);
    for (let i = 0; i < 200 && this.future === undefined; i++) this.#act(started.log);
    world.fault = () => undefined;
    if (this.future === undefined && random.below(2) === 0) {
      await finish(world.clock, started.log.close()).then(
        () => this.#observe(),
        () => undefined,
      );
      expect(started.log.canWrite ? started.log.durableLsn : this.model.effects.length).toBe(
        this.model.effects.length,
      );
    }
    this.die();
    this.log = undefined;
  }

  check(lines: readonly string[], lastLsn: number): void {
    const { model } = this;
    expect(lastLsn).toBeLessThanOrEqual(model.effects.length);
    expect(lastLsn).toBeGreaterThanOrEqual(this.promised);
    expect(lines).toEqual(model.lines(model.checkpoint, lastLsn));
    // What did not survive has not happened; the next life continues from here.
    model.effects.length = lastLsn;
    if (this.future === undefined) model.written = lastLsn;
  }

  #fault(operation: FileOperation): { code: string; partialBytes: number } | undefined {
    if (!this.#faulty || !FAULTY.includes(operation) || this.random.below(3) !== 0) return undefined;
    return { code: this.random.below(2) === 0 ? "EIO" : "ENOSPC", partialBytes: this.random.below(60) };
  }

  #act(log: AppendOnlyLog): void {
    const { random, world } = this;
    const { clock } = world;
    switch (random.below(14)) {
      case 0:
        this.#faulty = random.below(4) === 0;
        break;
      case 1:
        log.rotate();
        break;
      case 2:
        log.setPolicy(POLICIES[random.below(3)]!);
        break;
      case 3:
        log.forceSync(() => undefined);
        break;
      case 4:
        this.#checkpoint(log);
        break;
      case 5:
        clock.advance(random.below(12_000));
        break;
      case 6:
      case 7:
        clock.drain();
        break;
      case 8:
        for (let i = random.below(10); i > 0; i--) clock.step();
        break;
      default:
        this.#turn(log);
    }
    this.#observe();
  }

  /** What the log says now is a promise, unless the world has ended already. */
  #observe(): void {
    if (this.log !== undefined && this.future === undefined) this.model.observe(this.log);
  }

  #turn(log: AppendOnlyLog): void {
    const { random, model } = this;
    for (let i = random.below(5); i >= 0; i--) {
      const unit = random.below(4) === 0 ? ++model.units : 0;
      if (unit !== 0) log.beginUnit();
      for (let j = unit === 0 ? 0 : random.below(4); j >= 0; j--) {
        const db = random.below(3);
        const value = "v".repeat(random.below(120));
        const lsn = log.nextLsn;
        append(log, db, "SET", `k${lsn}`, value);
        model.effects.push({ line: `${lsn}@${db} SET k${lsn} ${value}`, unit });
        expect(model.effects).toHaveLength(lsn);
      }
      if (unit !== 0) log.endUnit();
    }
    log.commitTurn(this.world.clock.wallMs());
  }

  /** A checkpoint between turns, durable by itself, after which older parts may go. */
  #checkpoint(log: AppendOnlyLog): void {
    if (this.future !== undefined) return;
    const { model } = this;
    const lsn = log.nextLsn - 1;
    if (lsn > log.durableLsn && !log.canWrite) log.adoptCheckpoint(lsn);
    model.checkpoint = lsn;
    model.durable = Math.max(model.durable, lsn);
    model.written = Math.max(model.written, lsn);
    try {
      log.dropPartsBelow(lsn);
    } catch {
      // A failing disk: the parts stay.
    }
  }
}

async function simulate(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const model = new Model();
  let world = newWorld(seed, [0, 16, 256][seed % 3]!);
  let promised = 0;
  for (let i = 0; i < LIVES; i++) {
    const life = new Life(world, model, random, promised);
    await life.run();
    promised = life.remaining;
    world = nextWorld(world, life.future!);
  }
}

describe("whatever happens to the disk and the process", () => {
  it(`the log keeps its promises (${SEEDS} seeds from ${FIRST_SEED})`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      try {
        await simulate(seed);
      } catch (error) {
        throw new Error(
          `seed ${seed}: FERRITE_SIMULATION_SEED=${seed} FERRITE_SIMULATION_SEEDS=1 repeats it`,
          { cause: error },
        );
      }
    }
  });
});

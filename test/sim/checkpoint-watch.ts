/**
 * Watches the checkpoints of one life: what each completion promises, that the accounts agree, and that files which nothing
 * reaches go.
 */
import type { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import type { Assembly } from "../../src/database/assembly.ts";
import type { KeptLogger } from "../support/sim-server.ts";
import { strayCheckpointFiles } from "./checkpoint-files.ts";
import { checkState } from "./checks.ts";
import { over } from "./over.ts";
import type { WorkingClock } from "./working-clock.ts";
import type { World } from "./world.ts";

export class CheckpointWatch {
  readonly #world: World;
  readonly #assembly: Assembly;
  readonly #logger: KeptLogger;
  /** Of the newest checkpoint that was looked at. */
  #id = 0;
  #lsn = 0;
  /** Files that nothing reached after the sweep before the last, and the number of checkpoints by then. */
  #stray: ReadonlySet<string> = new Set();
  #sweeps = 0;
  #sweepFailures = 0;
  #reloads = 0;
  #reloadsSeen = 0;

  /** `stepMs` is what one step of writing a checkpoint takes. */
  constructor(world: World, assembly: Assembly, logger: KeptLogger, stepMs: number, clock: WorkingClock) {
    this.#world = world;
    this.#assembly = assembly;
    this.#logger = logger;
    const { database, durable } = assembly;
    const { engine } = database;
    const begin = engine.beginCapture.bind(engine);
    engine.beginCapture = (file, rewrite) => {
      world.captured.add(database.lastLsn);
      world.trace.add("checkpoint begun", file, database.lastLsn);
      const capture = begin(file, rewrite);
      if (stepMs === 0) return capture;
      return over(capture, {
        copyRows: (into, offset) => {
          clock.spend(stepMs);
          return capture.copyRows(into, offset, 1);
        },
        nextStructure: () => {
          clock.spend(stepMs);
          return capture.nextStructure();
        },
      });
    };
    this.#watchLog();
    const reload = durable.reload.bind(durable);
    durable.reload = async () => {
      await reload();
      this.#reloads++;
    };
  }

  /** `CONFIG SET appendonly`: a log that has begun counts when what it begins on is durable. */
  #watchLog(): void {
    const world = this.#world;
    const { database } = this.#assembly;
    const useLog = database.useLog.bind(database);
    database.useLog = (log, nextLsn) => {
      useLog(log, nextLsn);
      // Until the start is over: the first log, or none.
      if (this.#assembly.durable.checkpoints === undefined) return;
      world.logEnds(nextLsn - 1);
      world.trace.add("log", log === undefined ? "ended" : "begun", nextLsn - 1);
      if (log === undefined) return;
      const { beginAt } = log;
      log.beginAt = (lsn, base) => {
        // A failure may leave it in force, too.
        world.logBegins(lsn);
        const left = beginAt.call(log, lsn, base);
        world.promises.logs = true;
        return left;
      };
    };
  }

  get isIdle(): boolean {
    const { checkpoints, rewriting } = this.#assembly.durable;
    return checkpoints?.figures.inProgress === false && rewriting?.figures.inProgress === false;
  }

  /** LSN of the newest checkpoint that is published. */
  get newestLsn(): number {
    return this.#assembly.durable.checkpoints?.newest?.lsn ?? 0;
  }

  /** Between turns. `disk` makes a copy of the disk as it is. */
  look(disk: () => MemoryFileSystem, nowMs: number): void {
    const { database, durable } = this.#assembly;
    const { checkpoints } = durable;
    if (checkpoints === undefined) return;
    const { newest } = checkpoints;
    const { dirty } = database.effects;
    if (dirty !== database.lastLsn - this.newestLsn)
      throw new Error(
        `rdb_changes_since_last_save is ${dirty}, the newest checkpoint is of LSN ${this.newestLsn} of ${database.lastLsn}`,
      );
    if (newest !== undefined && newest.id !== this.#id) {
      if (newest.lsn < this.#lsn)
        throw new Error(`a checkpoint of LSN ${newest.lsn} follows one of ${this.#lsn}`);
      this.#id = newest.id;
      this.#lsn = newest.lsn;
      this.#world.trace.add("checkpoint", newest.id, newest.lsn);
      // INFO and LASTSAVE show that it is complete.
      this.#world.promises.toldDurable(newest.lsn);
    }
    if (this.#reloads !== this.#reloadsSeen) {
      this.#reloadsSeen = this.#reloads;
      checkState(database, this.#world.history.present, nowMs);
    }
    if (this.isIdle && checkpoints.figures.saves !== this.#sweeps) this.#lookAtFiles(disk());
  }

  /** A sweep has ended. What the one before had found without use has to be gone. */
  #lookAtFiles(disk: MemoryFileSystem): void {
    this.#sweeps = this.#assembly.durable.checkpoints!.figures.saves;
    const stray = strayCheckpointFiles(disk, this.#assembly.database.engine.filedSegments());
    const failures = this.#logger.warnings.filter(({ event }) => event.startsWith("old checkpoints")).length;
    const isDone = failures === this.#sweepFailures;
    const left = [...stray].filter((name) => this.#stray.has(name));
    if (isDone && left.length > 0)
      throw new Error(`nothing reaches ${left.join(" ")}, and two sweeps have left it`);
    this.#sweepFailures = failures;
    this.#stray = isDone ? stray : new Set();
  }
}

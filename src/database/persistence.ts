/**
 * What commands and INFO learn of the log and of checkpoints, and what they may ask of them.
 *
 * Invariant: a promise resolves only when the thing is done, and rejects with the text that the client gets.
 */
import { FerriteError } from "../base/errors.ts";
import type { PersistenceFace } from "../commands/server-face.ts";
import type { Clock } from "../ports/clock.ts";
import type { CheckpointFigures, Checkpoints } from "./checkpoints.ts";
import type { Database } from "./database.ts";
import type { DurableState } from "./durable-state.ts";
import type { RewriteFigures } from "./log-rewriting.ts";
import { failUnlessPublished } from "./save-failure.ts";

export interface PersistenceParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly durable: () => DurableState;
}

const NOT_LOADED = "ERR the data set is not loaded yet";
const SAVING = "ERR Background save already in progress";
const REWRITING =
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.";

export class Persistence implements PersistenceFace {
  readonly #parts: PersistenceParts;
  readonly #startedSeconds: number;

  constructor(parts: PersistenceParts) {
    this.#parts = parts;
    this.#startedSeconds = Math.floor(parts.clock.wallMs() / 1000);
  }

  get lastSaveSeconds(): number {
    const figures = this.checkpointFigures;
    return figures === undefined ? this.#startedSeconds : Math.floor(figures.lastSaveMs / 1000);
  }

  get saveInProgress(): boolean {
    return this.checkpointFigures?.inProgress ?? false;
  }

  get checkpointFigures(): CheckpointFigures | undefined {
    return this.#parts.durable().checkpoints?.figures;
  }

  get rewriteFigures(): RewriteFigures | undefined {
    return this.#parts.durable().rewriting?.figures;
  }

  get aofEnabled(): boolean {
    return this.#parts.database.log !== undefined;
  }

  get durable(): boolean {
    const { log } = this.#parts.database;
    return log !== undefined && log.durableLsn >= log.nextLsn - 1;
  }

  #checkpoints(): Checkpoints {
    const checkpoints = this.#parts.durable().checkpoints;
    if (checkpoints === undefined) throw new FerriteError("unavailable", NOT_LOADED);
    return checkpoints;
  }

  async save(): Promise<void> {
    failUnlessPublished(await this.#checkpoints().take());
  }

  startSave(schedule: boolean): string {
    const checkpoints = this.#checkpoints();
    if (checkpoints.figures.inProgress) throw new FerriteError("conflict", SAVING);
    if (this.rewriteFigures?.inProgress === true) {
      if (!schedule) throw new FerriteError("conflict", REWRITING);
      checkpoints.schedule();
      return "Background saving scheduled";
    }
    void checkpoints.take();
    return "Background saving started";
  }

  startAofRewrite(): string {
    const rewriting = this.#parts.durable().rewriting;
    if (rewriting === undefined) throw new FerriteError("unavailable", NOT_LOADED);
    return rewriting.ask();
  }

  async backup(path: string | undefined): Promise<void> {
    const backups = this.#parts.durable().backups;
    if (backups === undefined) throw new FerriteError("unavailable", NOT_LOADED);
    await backups.write(path);
  }

  async reload(source: "checkpoint" | "log"): Promise<void> {
    if (source === "log") {
      throw new FerriteError(
        "usage",
        "ERR DEBUG LOADAOF is not available: restart the server to load the log",
      );
    }
    await this.#parts.durable().reload();
  }

  syncAof(): Promise<void> {
    const { log } = this.#parts.database;
    if (log === undefined)
      return Promise.reject(new FerriteError("usage", "the append-only file is disabled"));
    return new Promise((resolve, reject) => {
      log.forceSync((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  whenDurable(timeoutMs: number, answer: (durable: boolean) => void): void {
    const { clock, database } = this.#parts;
    const { log } = database;
    if (log === undefined) {
      clock.soon(() => answer(false));
      return;
    }
    let open = true;
    const settle = (durable: boolean): void => {
      if (!open) return;
      open = false;
      timer?.cancel();
      answer(durable);
    };
    const timer = timeoutMs > 0 ? clock.after(timeoutMs, () => settle(false)) : undefined;
    log.forceSync((error) => {
      // A log that has failed is not durable now; the time-out, if there is one, answers.
      if (error === undefined) settle(true);
      else if (timer === undefined) settle(false);
    });
  }
}

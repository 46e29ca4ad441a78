/**
 * What commands and INFO learn of the log and of checkpoints, and what they may ask of them.
 *
 * Checkpoints do not exist in this version: SAVE, BGSAVE and BGREWRITEAOF say so instead of pretending.
 */

import { FerriteError } from "../base/errors.ts";
import type { PersistenceFace } from "../commands/server-face.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "./database.ts";

const NO_CHECKPOINTS =
  "ERR checkpoints are not available in this version; the append-only file already holds every write";

export class Persistence implements PersistenceFace {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly lastSaveSeconds: number;
  readonly saveInProgress = false;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.lastSaveSeconds = Math.floor(clock.wallMs() / 1000);
  }

  get aofEnabled(): boolean {
    return this.#database.log !== undefined;
  }

  get durable(): boolean {
    const log = this.#database.log;
    return log !== undefined && log.durableLsn >= log.nextLsn - 1;
  }

  async save(): Promise<void> {
    throw new FerriteError("usage", NO_CHECKPOINTS);
  }
  startSave(): string {
    throw new FerriteError("usage", NO_CHECKPOINTS);
  }
  startAofRewrite(): string {
    throw new FerriteError("usage", NO_CHECKPOINTS);
  }
  async reload(): Promise<void> {
    throw new FerriteError("usage", "ERR reloading a running server is not available in this version");
  }

  syncAof(): Promise<void> {
    const log = this.#database.log;
    if (log === undefined)
      return Promise.reject(new FerriteError("usage", "the append-only file is disabled"));
    return new Promise((resolve, reject) => {
      log.forceSync((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  whenDurable(timeoutMs: number, answer: (durable: boolean) => void): void {
    const log = this.#database.log;
    if (log === undefined) {
      this.#clock.soon(() => answer(false));
      return;
    }
    let open = true;
    const settle = (durable: boolean): void => {
      if (!open) return;
      open = false;
      timer?.cancel();
      answer(durable);
    };
    const timer = timeoutMs > 0 ? this.#clock.after(timeoutMs, () => settle(false)) : undefined;
    log.forceSync((error) => {
      // A log that has failed is not durable now; the time-out, if there is one, answers.
      if (error === undefined) settle(true);
      else if (timer === undefined) settle(false);
    });
  }
}

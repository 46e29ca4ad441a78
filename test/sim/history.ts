/**
 * Every command that was executed since the last start, so that the state after any prefix can be told.
 *
 * A command counts as part of a prefix if its last effect is in it: what comes before the last one is only the
 * removal of keys whose time had passed, which nobody can see.
 */
import { Model } from "./model.ts";
import { MODEL_COMMANDS } from "./model-commands.ts";

interface Executed {
  readonly lsn: number;
  readonly db: number;
  readonly words: readonly string[];
  readonly nowMs: number;
}

export class History {
  readonly #base: Model;
  #present: Model;
  #executed: Executed[] = [];
  /** The last LSN that was given out. */
  lastLsn = 0;

  constructor(databases: number) {
    this.#base = new Model(databases);
    this.#present = this.#base.clone();
  }

  get present(): Model {
    return this.#present;
  }

  /** Executes a command of the model; `before` and `lsn` are the last LSNs before and after it. */
  execute(db: number, words: readonly string[], nowMs: number, before: number, lsn: number): string {
    if (before < this.lastLsn || lsn < before) {
      throw new Error(`LSNs went back: ${this.lastLsn} was given out, then ${before} to ${lsn}`);
    }
    this.lastLsn = lsn;
    const command = MODEL_COMMANDS[words[0]!]!;
    if (command.writes && lsn > before) this.#executed.push({ lsn, db, words, nowMs });
    return command.run({ model: this.#present, db, words, nowMs });
  }

  /**
   * Goes back to the state after the effect `lsn`: what came later has not happened. What is above `certainLsn`
   * may still be lost at a later start.
   */
  rewindTo(lsn: number, certainLsn: number): void {
    const kept = this.#executed.filter((executed) => executed.lsn <= lsn);
    for (const executed of kept) if (executed.lsn <= certainLsn) apply(this.#base, executed);
    this.#executed = kept.filter((executed) => executed.lsn > certainLsn);
    this.#present = this.#base.clone();
    for (const executed of this.#executed) apply(this.#present, executed);
    this.lastLsn = lsn;
  }
}

function apply(model: Model, { db, words, nowMs }: Executed): void {
  MODEL_COMMANDS[words[0]!]!.run({ model, db, words, nowMs });
}

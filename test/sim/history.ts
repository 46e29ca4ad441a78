/**
 * Every command that was executed since the last start, so that the state after any prefix can be told.
 *
 * A command counts as part of a prefix if its last effect is in it: what comes before the last one is only the
 * removal of keys whose time had passed, which nobody can see. An EXEC counts as one command: a prefix holds all of it
 * or nothing.
 */
import { Model } from "./model.ts";
import { OK } from "./model-call.ts";
import { MODEL_COMMANDS, runOnModel } from "./model-commands.ts";

/** One command in one database; SELECT only within an EXEC, whose later steps name the database that it chose. */
export interface Step {
  readonly db: number;
  readonly words: readonly string[];
  /** See ModelCall; empty where the data alone decides. */
  readonly observed: string;
}

interface Executed {
  readonly lsn: number;
  readonly steps: readonly Step[];
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

  /**
   * Executes the steps as one and calls `look` with the name of each after it; answers their replies. `before` and `lsn` are the last LSNs
   * before and after them.
   */
  execute(
    steps: readonly Step[],
    nowMs: number,
    before: number,
    lsn: number,
    look: (name: string) => void,
  ): string[] {
    if (before < this.lastLsn || lsn < before) {
      throw new Error(`LSNs went back: ${this.lastLsn} was given out, then ${before} to ${lsn}`);
    }
    this.lastLsn = lsn;
    const writes = steps.some(({ words }) => MODEL_COMMANDS[words[0]!]?.writes === true);
    if (writes && lsn > before) this.#executed.push({ lsn, steps, nowMs });
    return apply(this.#present, steps, nowMs, look);
  }

  /**
   * Goes back to the state after the effect `lsn`: what came later has not happened. What is above `certainLsn`
   * may still be lost at a later start.
   */
  rewindTo(lsn: number, certainLsn: number): void {
    const kept = this.#executed.filter((executed) => executed.lsn <= lsn);
    for (const { lsn: last, steps, nowMs } of kept) if (last <= certainLsn) apply(this.#base, steps, nowMs);
    this.#executed = kept.filter((executed) => executed.lsn > certainLsn);
    this.#present = this.#base.clone();
    for (const { steps, nowMs } of this.#executed) apply(this.#present, steps, nowMs);
    this.lastLsn = lsn;
  }
}

function apply(model: Model, steps: readonly Step[], nowMs: number, look?: (name: string) => void): string[] {
  return steps.map(({ db, words, observed }) => {
    const name = words[0]!;
    const reply = name === "SELECT" ? OK : runOnModel({ model, db, words, nowMs, observed });
    look?.(name);
    return reply;
  });
}

/**
 * Transactions of the simulation: what is drawn, and what the model says about MULTI, WATCH and EXEC.
 *
 * Invariants: EXEC is one step of the history, so a crash that keeps a part of it is found; a watched key has changed
 * when the model has another entry for it, or none, after any command of anybody. What is queued answers from the data
 * alone.
 */
import { type Drawing, oneIn } from "./drawing.ts";
import type { Step } from "./history.ts";
import type { Entry, Model } from "./model.ts";
import { OK } from "./model-call.ts";
import { MODEL_COMMANDS } from "./model-commands.ts";
import { drawQueuedCommand, drawWatchedKeys } from "./workload.ts";

const QUEUED = "+QUEUED\r\n";
const ABORTED = "-EXECABORT Transaction discarded because of previous errors.\r\n";
export const MISCONF = /^-(EXECABORT Transaction discarded because of: )?MISCONF Errors [^\r]*\r\n/;

/** While data is loaded. */
export const LOADING = /^-LOADING [^\r]*\r\n/;
export const LOADING_EXEC = /^-EXECABORT Transaction discarded because of: LOADING [^\r]*\r\n/;

/** Commands about whole databases. */
const WHOLE: readonly string[] = ["SWAPDB", "FLUSHALL", "FLUSHDB"];
const CONTROL: readonly string[] = ["MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"];

/** A whole transaction, now and then given up. */
export function drawTransaction(drawing: Drawing): string[][] {
  const { random } = drawing;
  const commands: string[][] = [];
  if (oneIn(random, 2)) commands.push(["WATCH", ...drawWatchedKeys(drawing)]);
  if (oneIn(random, 12)) commands.push(["UNWATCH"]);
  commands.push(["MULTI"]);
  for (let i = random.below(6); i > 0; i--) {
    if (oneIn(random, 20))
      commands.push(oneIn(random, 2) ? ["MULTI"] : ["WATCH", ...drawWatchedKeys(drawing)]);
    commands.push(drawQueuedCommand(drawing));
  }
  commands.push([oneIn(random, 8) ? "DISCARD" : "EXEC"]);
  return commands;
}

interface Watched {
  readonly db: number;
  readonly key: string;
  readonly entry: Entry | undefined;
}

/** What a client has queued and watches. */
export class ModelTransaction {
  #queue: (readonly string[])[] | undefined;
  #refused = false;
  /** Something was queued that needs data. */
  #needsData = false;
  #watched: Watched[] = [];
  #broken = false;

  /** True if the command is about transactions, or is to be queued. */
  takes(words: readonly string[]): boolean {
    return this.#queue === undefined ? CONTROL.includes(words[0]!) : words[0] !== "QUIT";
  }

  /**
   * Somebody has executed a command. A key that was given a time in the past has changed, although nobody can see it; one
   * that came with a whole database, and whose time was over, has not.
   */
  look(model: Model, nowMs: number, name: string): void {
    for (const { db, key, entry } of this.#watched) {
      if (WHOLE.includes(name) && model.find(db, key, nowMs) === undefined) model.remove(db, key, nowMs);
      if (model.stored(db, key) !== entry) this.#broken = true;
    }
  }

  /** DEBUG RELOAD: whatever is watched counts as changed. */
  reload(): void {
    if (this.#watched.length > 0) this.#broken = true;
  }

  /** A command was refused that may have been meant to be queued. */
  refuse(): void {
    if (this.#queue !== undefined) this.#refused = true;
  }

  /** EXEC, while data is loaded: whether what was queued cannot be executed now. Then it is over. */
  refuseExec(): boolean {
    if (this.#queue === undefined || this.#refused || !this.#needsData) return false;
    this.#end();
    return true;
  }

  /** The reply to a command that `takes` is true for, unless it is an EXEC that is carried out: then its steps. */
  execute(
    words: readonly string[],
    db: number,
    model: Model,
    nowMs: number,
    logFailed: boolean,
    loading: boolean,
  ): string | RegExp | readonly Step[] {
    const queue = this.#queue;
    switch (words[0]) {
      case "MULTI":
        if (queue !== undefined) return "-ERR MULTI calls can not be nested\r\n";
        this.#queue = [];
        this.#refused = false;
        this.#needsData = false;
        return OK;
      case "WATCH":
        if (queue !== undefined) return "-ERR WATCH inside MULTI is not allowed\r\n";
        if (loading) this.#broken = true;
        if (!this.#broken) for (const key of words.slice(1)) this.#watch(db, key, model, nowMs);
        return OK;
      case "DISCARD":
        if (queue === undefined) return "-ERR DISCARD without MULTI\r\n";
        this.#end();
        return OK;
      case "EXEC":
        return this.#exec(db, model, nowMs, logFailed);
    }
    if (queue === undefined) {
      this.#unwatch();
      return OK;
    }
    return this.#enqueue(queue, words, logFailed);
  }

  #enqueue(queue: (readonly string[])[], words: readonly string[], logFailed: boolean): string | RegExp {
    if (logFailed && writes(words)) {
      this.#refused = true;
      return MISCONF;
    }
    // After a refusal nothing more is kept.
    if (!this.#refused && !this.#broken) {
      queue.push(words);
      if (words[0] !== "SELECT") this.#needsData = true;
    }
    return QUEUED;
  }

  #exec(db: number, model: Model, nowMs: number, logFailed: boolean): string | RegExp | readonly Step[] {
    const queue = this.#queue;
    if (queue === undefined) return "-ERR EXEC without MULTI\r\n";
    const refused = this.#refused;
    const broken =
      this.#broken ||
      this.#watched.some((watched) => model.find(watched.db, watched.key, nowMs) !== watched.entry);
    this.#end();
    if (logFailed && queue.some(writes)) return MISCONF;
    if (refused) return ABORTED;
    if (broken) return "*-1\r\n";
    let present = db;
    return queue.map((words) => {
      const step = { db: present, words, observed: "" };
      if (words[0] === "SELECT") present = Number(words[1]);
      return step;
    });
  }

  #watch(db: number, key: string, model: Model, nowMs: number): void {
    if (this.#watched.some((watched) => watched.db === db && watched.key === key)) return;
    const entry = model.find(db, key, nowMs);
    // WATCH takes a key whose time is over for absent.
    if (entry === undefined) model.remove(db, key, nowMs);
    this.#watched.push({ db, key, entry });
  }

  #unwatch(): void {
    this.#watched = [];
    this.#broken = false;
  }

  #end(): void {
    this.#queue = undefined;
    this.#unwatch();
  }
}

function writes(words: readonly string[]): boolean {
  return MODEL_COMMANDS[words[0]!]?.writes === true;
}

/**
 * The turn of the event loop as the unit of work: everything that is ready is executed, then the effects of
 * the whole turn are appended to the log, then the replies leave.
 *
 * Invariants: no reply leaves before the append of its turn; turns do not nest; work that is started outside
 * of a transport's call (a timer, a completed sync) runs in a turn of its own.
 */
import type { Database } from "../database/database.ts";
import type { FrontEnd } from "./front-end.ts";
import { ReplyGate } from "./reply-gate.ts";

export class Turns {
  readonly database: Database;
  readonly gate = new ReplyGate();
  #frontEnds: FrontEnd[] = [];
  #depth = 0;

  constructor(database: Database) {
    this.database = database;
    database.onAcknowledged((lsn) => this.#acknowledged(lsn));
    database.onLogFailed(() => this.#holdBackWaiting());
  }

  add(frontEnd: FrontEnd): void {
    this.#frontEnds.push(frontEnd);
  }

  get frontEnds(): readonly FrontEnd[] {
    return this.#frontEnds;
  }

  /** True while a turn is being executed. */
  get isOpen(): boolean {
    return this.#depth > 0;
  }

  begin(): void {
    if (this.#depth++ === 0) this.database.beginTurn();
  }

  end(): void {
    if (this.#depth > 1) {
      this.#depth--;
      return;
    }
    const hadFailed = this.database.logHasFailed;
    this.database.commitTurn();
    // A turn that was executed while the log had already failed holds no acknowledged write: those were refused.
    const release = hadFailed ? "beside" : this.database.isAcknowledged ? "in order" : "later";
    for (const frontEnd of this.#frontEnds) frontEnd.finishTurn(release, this.database.lastLsn, this.gate);
    this.#depth--;
    if (!hadFailed && this.database.logHasFailed) this.#holdBackWaiting();
  }

  /** Runs `work` in the present turn, or in one of its own. */
  within(work: () => void): void {
    this.begin();
    try {
      work();
    } finally {
      this.end();
    }
  }

  #acknowledged(lsn: number): void {
    if (!this.gate.isEmpty) this.gate.release(lsn);
    for (const frontEnd of this.#frontEnds) frontEnd.resumeAwaitingLog();
  }

  /** Connections whose replies wait for a log that has failed execute nothing more until it has healed. */
  #holdBackWaiting(): void {
    for (const frontEnd of this.#frontEnds) {
      for (const slot of this.gate.slotsWaiting(frontEnd.transport)) frontEnd.awaitLog(slot);
    }
  }
}

/**
 * What clients have been promised about surviving, derived from their replies and the clock alone.
 *
 *  - a reply promises that everything up to the last effect before it survives kill -9;
 *  - a reply under `always`, and the success of AOF SYNC or WAITAOF, promises it for power loss too;
 *  - under `everysec` a reply's effects survive power loss once the disk has had a second for it: a second in
 *    which it had nothing else to do, plus one for each sync that was due while another was under way;
 *  - a checkpoint whose completion can be seen (SAVE, LASTSAVE, INFO) promises both for what it holds;
 *  - without an append-only file a reply promises nothing else.
 */
import type { Policy } from "./persistence-events.ts";

const SYNC_WITHIN_MS = 1050;
const PER_DELAYED_SYNC_MS = 1000;

interface Ageing {
  readonly lsn: number;
  sinceMs: number;
  delayedSyncs: number;
}

export class Promises {
  /** LSNs up to here survive power loss. */
  power = 0;
  /** LSNs up to here survive kill -9. */
  kill = 0;
  policy: Policy = "everysec";
  /** There is an append-only file. */
  logs = true;
  /** It was begun or ended since the start. */
  logHasChanged = false;
  /** Changes of the policy so far. */
  epoch = 0;
  /** Milliseconds during which the disk was idle and well. */
  #idleMs = 0;
  #ageing: Ageing[] = [];

  setPolicy(policy: Policy): void {
    this.policy = policy;
    this.epoch++;
    if (policy === "everysec") this.startAgain();
    else this.#ageing = [];
  }

  /** A reply that rests on effects up to `lsn` has arrived. */
  answered(lsn: number, epoch: number, delayedSyncs: number): void {
    if (!this.logs) return;
    this.kill = Math.max(this.kill, lsn);
    if (epoch === this.epoch && this.policy === "always") this.power = Math.max(this.power, lsn);
    else if (this.policy === "everysec") this.#ageing.push({ lsn, sinceMs: this.#idleMs, delayedSyncs });
  }

  /** A client was told that everything up to `lsn` is on disk. */
  toldDurable(lsn: number): void {
    this.power = Math.max(this.power, lsn);
    this.kill = Math.max(this.kill, lsn);
  }

  /** What was only written may never be synced. */
  logEnds(): void {
    this.logs = false;
    this.logHasChanged = true;
    this.#ageing = [];
  }

  idled(ms: number, delayedSyncs: number): void {
    this.#idleMs += ms;
    const due = (entry: Ageing): number =>
      entry.sinceMs + SYNC_WITHIN_MS + PER_DELAYED_SYNC_MS * (delayedSyncs - entry.delayedSyncs);
    while (this.#ageing.length > 0 && due(this.#ageing[0]!) <= this.#idleMs) {
      this.power = Math.max(this.power, this.#ageing.shift()!.lsn);
    }
  }

  /** The disk has failed, or the policy has just begun: the second begins anew. */
  startAgain(): void {
    for (const entry of this.#ageing) entry.sinceMs = this.#idleMs;
  }

  /** The process has ended. Answers the last LSN that has to be found; what is above it may be gone. */
  died(how: "power" | "kill"): number {
    if (how === "power") this.kill = this.power;
    this.#ageing = [];
    return this.kill;
  }

  /**
   * A server has started with everything up to `lsn`: it stands on that, so it may not be lost any more; unless it has no
   * log, or its log could not be secured yet and it refuses writes.
   */
  recovered(lsn: number, policy: Policy, log: "none" | "failed" | "well"): void {
    if (log === "well") this.power = lsn;
    this.kill = lsn;
    this.logs = log !== "none";
    this.logHasChanged = false;
    this.policy = policy;
    this.epoch++;
    this.#ageing = [];
  }
}

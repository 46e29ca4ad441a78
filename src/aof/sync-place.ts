/**
 * Where the sync of a turn under `always` is made that is not given to the disk directly (direct-frames.ts): on the loop
 * while the disk is quick, on a thread otherwise.
 *
 * On a thread nobody but the writers waits, but handing the work over and back costs two wake-ups and splits the
 * load into smaller groups: with a disk that syncs in 150 us that is more than the sync itself. Measured with 50
 * clients at pipeline 1 on two cores: 19 to 26 us of CPU per write on a thread, 13 to 16 on the loop.
 *
 * On the loop everybody waits, so it is done only while
 *  - the syncs of late were short on the average (one that takes 100 ms puts the next hundred on a thread), and
 *  - most of those whom the turn served wait for it anyway: readers are not held up for a few writers.
 */

/** The average above which syncs go to a thread. */
export const LOOP_SYNC_MS_MAX_DEFAULT = 1;

/** The weight of the newest sync in the average is one in this. */
const SMOOTHING = 16;

/** A sync is on the loop if at least one in so many commands of the turn had an effect. */
const COMMANDS_PER_EFFECT_MAX = 4;

export class SyncPlace {
  /** How many syncs there were, and what the last one took. */
  syncs = 0;
  lastMs = 0;
  readonly #loopSyncMsMax: number;
  /** Begins high: a disk proves itself on a thread. */
  #meanMs: number;

  /** `loopSyncMsMax` 0 means never on the loop. */
  constructor(loopSyncMsMax: number) {
    this.#loopSyncMsMax = loopSyncMsMax;
    this.#meanMs = loopSyncMsMax * 2;
  }

  /** A sync has taken so long, wherever it was made. */
  observe(milliseconds: number): void {
    this.syncs++;
    this.lastMs = milliseconds;
    this.#meanMs += (milliseconds - this.#meanMs) / SMOOTHING;
  }

  /** For a turn of so many effects and commands. */
  isLoop(effects: number, commands: number): boolean {
    return this.#meanMs < this.#loopSyncMsMax && effects * COMMANDS_PER_EFFECT_MAX >= commands;
  }
}

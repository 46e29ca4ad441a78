/**
 * What the four structures outside of records have in common: the guard that is told before they change.
 *
 * Invariant: every part of a structure that can be changed was given the structure's `watch`.
 */
import { type ChangeGuard, ChangeWatch } from "./change-guard.ts";
import type { ValueCapture } from "./format/value-capture.ts";
import type { UnpackedValue } from "./unpacked.ts";

export abstract class GuardedValue implements UnpackedValue {
  handle = 0;
  protected readonly watch: ChangeWatch = new ChangeWatch(this);

  abstract readonly size: number;
  abstract readonly memoryBytes: number;
  abstract copy(): UnpackedValue;
  abstract capture(): ValueCapture;
  abstract release(piecesMax: number): boolean;

  get guard(): ChangeGuard {
    return this.watch.guard;
  }
  set guard(guard: ChangeGuard) {
    this.watch.guard = guard;
  }

  get guardedEpoch(): number {
    return this.watch.guardedEpoch;
  }
  set guardedEpoch(epoch: number) {
    this.watch.guardedEpoch = epoch;
  }
}

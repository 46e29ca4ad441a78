/**
 * Tells whoever keeps a structure that it is about to change, once in each epoch of the keeper's.
 *
 * Invariants
 *  - `aboutToChange` is called before the first change of an epoch, with the structure as it still is; it may capture it.
 *  - What changes nothing calls nobody: neither reading, nor removing what is absent. `release` is no change.
 *
 * The check is inside the dictionaries and trees that structures are made of, where nothing can be changed without
 * passing it; so no command can forget it. It is a comparison of two numbers.
 */
import { assert } from "../base/assert.ts";
import type { UnpackedValue } from "./unpacked.ts";

/** What is told of changes; the engine's. */
export interface ChangeGuard {
  /** When this differs from a structure's `guardedEpoch`, the structure's next change is the first one of an epoch. */
  readonly epoch: number;
  /** Has to set the structure's `guardedEpoch` to `epoch`; must not change the structure or move its view. */
  aboutToChange(value: UnpackedValue): void;
}

/** What structures begin with: their `guardedEpoch` equals its epoch, so it is never called. */
export const NO_GUARD: ChangeGuard = {
  epoch: 0,
  aboutToChange: () => assert(false, "a structure without a guard has no epochs"),
};

/** What the parts of one structure share: an object of one shape, whatever the structure is. */
export class ChangeWatch {
  guard: ChangeGuard = NO_GUARD;
  guardedEpoch: number = NO_GUARD.epoch;
  readonly #value: UnpackedValue | undefined;

  constructor(value: UnpackedValue | undefined) {
    this.#value = value;
  }

  /** To be called by a part before it changes. */
  beforeChange(): void {
    if (this.guardedEpoch !== this.guard.epoch) this.#tell();
  }

  /** True if the next change is the first of an epoch. */
  get isDue(): boolean {
    return this.guardedEpoch !== this.guard.epoch;
  }

  #tell(): void {
    assert(this.#value !== undefined, "what belongs to no structure has no guard");
    this.guard.aboutToChange(this.#value);
  }
}

/** For dictionaries and sequences that are used by themselves. */
export const UNWATCHED: ChangeWatch = new ChangeWatch(undefined);

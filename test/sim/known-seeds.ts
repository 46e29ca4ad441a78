/**
 * Seeds that have found something, each named for what it found; they are run first, always.
 *
 * A seed's meaning lasts as long as the draws of the workload do: after a change of the workload it is one more seed among
 * others. So whatever was found also has a test of its own, beside the part that was wrong.
 */
export interface KnownSeed {
  readonly seed: number;
  readonly events: number;
  /** The behaviour that was wrong, and where its own test is. */
  readonly found: string;
}

export const KNOWN_SEEDS: readonly KnownSeed[] = [
  {
    seed: 14,
    events: 1500,
    found:
      "a client that half-closed in the turn in which it was served lost what it had sent behind (test/server/deferred.test.ts)",
  },
];

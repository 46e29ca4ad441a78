/** Randomness; a seeded implementation replays a run. Not for keys or nonces: those come from `crypto`. */
export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number;
  /** Uniform in [0, bound); `bound` from 1 to 2^53. */
  below(bound: number): number;
  /** Fills the whole array with uniform bytes. */
  fill(bytes: Uint8Array): void;
}

/**
 * Randomness from the system's generator, fetched in batches: a call of its own per number would cost 500 ns.
 *
 * Hot-path file: `uint32` and `below` allocate nothing. No word is handed out twice, and words that were handed
 * out are not kept.
 */
import { randomFillSync } from "node:crypto";
import type { Random } from "../../ports/random.ts";
import { uniformBelow } from "../uniform.ts";

const BATCH_WORDS = 1024;

export class NodeRandom implements Random {
  readonly #words = new Uint32Array(BATCH_WORDS);
  #used = BATCH_WORDS;

  uint32(): number {
    if (this.#used === BATCH_WORDS) {
      randomFillSync(this.#words);
      this.#used = 0;
    }
    const word = this.#words[this.#used]!;
    this.#words[this.#used++] = 0;
    return word;
  }

  below(bound: number): number {
    return uniformBelow(this, bound);
  }

  fill(bytes: Uint8Array): void {
    randomFillSync(bytes);
  }
}

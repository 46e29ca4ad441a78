/**
 * The order of strings that have weights: by weight, and where two are the same by bytes.
 *
 * Invariants: the order is stable in both directions: strings that nothing tells apart stay as they came. Weights are no
 * NaN. Between commands at most KEPT_ELEMENTS are kept.
 *
 * A merge sort of our own over two typed arrays that move together: a comparison reads two neighbouring doubles, where an
 * array's own sort calls a closure that looks them up by index (a third of the time for a million numbers).
 *
 * Hot-path file: but for growing, nothing is allocated.
 */
import type { ByteRuns } from "./byte-runs.ts";

const INITIAL_ELEMENTS = 256;
const KEPT_ELEMENTS = 8192;
/** Runs of so many are sorted by insertion, then merged. */
const RUN = 8;
/** As many bytes as a double holds exactly. */
const PREFIX_BYTES = 6;

export class WeightedOrder {
  /** By place: the numbers of the strings. */
  numbers = new Int32Array(INITIAL_ELEMENTS);
  /** By place: the weights of those strings. */
  weights = new Float64Array(INITIAL_ELEMENTS);
  #otherNumbers = new Int32Array(INITIAL_ELEMENTS);
  #otherWeights = new Float64Array(INITIAL_ELEMENTS);
  #count = 0;
  #descending = false;
  #ties: ByteRuns | undefined;

  /** Begins anew with `count` strings in the order of their numbers. Weights are whatever they were. */
  reset(count: number): void {
    this.#count = count;
    if (count > this.numbers.length || this.numbers.length > KEPT_ELEMENTS) this.#resize(count);
    for (let i = 0; i < count; i++) this.numbers[i] = i;
  }

  /** Gives large arrays back. */
  clear(): void {
    this.#ties = undefined;
    if (this.numbers.length > KEPT_ELEMENTS) this.#resize(0);
  }

  /** Turns the order round as it is. */
  reverse(): void {
    this.numbers.subarray(0, this.#count).reverse();
  }

  /** Weighs string `number` of `runs` by how its bytes begin, so that few comparisons have to read them. */
  weighByPrefix(number: number, runs: ByteRuns): void {
    const { bytes } = runs;
    const offset = runs.offsetOf(number);
    const length = runs.lengthOf(number);
    let weight = 0;
    for (let i = 0; i < PREFIX_BYTES; i++) weight = weight * 256 + (i < length ? bytes[offset + i]! : 0);
    this.weights[number] = weight;
  }

  /** Sorts by weight and then by the bytes that `ties` has under the strings' numbers. To be called once after `reset`. */
  sort(ties: ByteRuns, descending: boolean): void {
    this.#ties = ties;
    this.#descending = descending;
    const count = this.#count;
    for (let start = 0; start < count; start += RUN) this.#sortRun(start, Math.min(start + RUN, count));
    for (let width = RUN; width < count; width *= 2) {
      for (let start = 0; start < count; start += 2 * width) {
        this.#merge(start, Math.min(start + width, count), Math.min(start + 2 * width, count));
      }
      this.#swap();
    }
  }

  /** True if what stands in front has to come behind. */
  #isBehind(weight: number, number: number, otherWeight: number, otherNumber: number): boolean {
    if (weight !== otherWeight) return weight > otherWeight !== this.#descending;
    const difference = this.#ties!.compare(number, otherNumber);
    return this.#descending ? difference < 0 : difference > 0;
  }

  #sortRun(start: number, end: number): void {
    const { numbers, weights } = this;
    for (let i = start + 1; i < end; i++) {
      const number = numbers[i]!;
      const weight = weights[i]!;
      let at = i;
      while (at > start && this.#isBehind(weights[at - 1]!, numbers[at - 1]!, weight, number)) {
        weights[at] = weights[at - 1]!;
        numbers[at] = numbers[at - 1]!;
        at--;
      }
      weights[at] = weight;
      numbers[at] = number;
    }
  }

  /** Merges [start, middle) and [middle, end) into the other arrays. */
  #merge(start: number, middle: number, end: number): void {
    const { numbers, weights } = this;
    const toNumbers = this.#otherNumbers;
    const toWeights = this.#otherWeights;
    let left = start;
    let right = middle;
    for (let to = start; to < end; to++) {
      const fromLeft =
        right === end ||
        (left < middle && !this.#isBehind(weights[left]!, numbers[left]!, weights[right]!, numbers[right]!));
      const from = fromLeft ? left++ : right++;
      toWeights[to] = weights[from]!;
      toNumbers[to] = numbers[from]!;
    }
  }

  #swap(): void {
    const { numbers, weights } = this;
    this.numbers = this.#otherNumbers;
    this.weights = this.#otherWeights;
    this.#otherNumbers = numbers;
    this.#otherWeights = weights;
  }

  #resize(count: number): void {
    const room = Math.max(count, INITIAL_ELEMENTS);
    if (room === this.numbers.length) return;
    this.numbers = new Int32Array(room);
    this.weights = new Float64Array(room);
    this.#otherNumbers = new Int32Array(room);
    this.#otherWeights = new Float64Array(room);
  }
}

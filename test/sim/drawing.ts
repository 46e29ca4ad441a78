/**
 * What every draw of the workload shares: the generator, the keys, values of all sizes.
 *
 * Invariant: what is drawn depends on the generator, the clock and the configuration alone, never on the server's state.
 */
import type { SeededRandom } from "../../src/adapters/memory/random.ts";

export interface Drawing {
  readonly random: SeededRandom;
  /** Anchors absolute times. */
  readonly nowMs: number;
  readonly databases: number;
}

/** Each family has keys that mostly hold its type; now and then it takes one of another's. */
export const STRING_KEYS = ["a", "b", "c", "key:1", "key:2", "\xff\x00bin", "long".repeat(20)];
export const LIST_KEYS = ["list:1", "list:2", "list:\xff"];
/** Lists of few elements: who pops from them often waits. */
export const QUEUE_KEYS = ["queue:1", "queue:2"];
export const SORTED_SET_KEYS = ["zset:1", "zset:2"];
export const SET_KEYS = ["set:1", "set:2", "set:\x00"];
/** Only these ever have fields with a time of their own, and what has come from them. */
export const HASH_KEYS = ["hash:1", "hash:2"];
/**
 * Whether a hash is there of whose fields none is left but those whose time is over depends on who has looked, as in Redis:
 * only commands on hashes, for which it never is, ever meet this one. In all other hashes one field stays for good.
 */
export const MORTAL_HASH_KEY = "hash:mortal";
export const STAYING_FIELD = "count";
const ALL_KEYS = [...STRING_KEYS, ...LIST_KEYS, ...QUEUE_KEYS, ...SORTED_SET_KEYS, ...SET_KEYS, ...HASH_KEYS];
const STRANGE_ONE_IN = 16;

export function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}

export function oneIn(random: SeededRandom, bound: number): boolean {
  return random.below(bound) === 0;
}

export function drawKey(random: SeededRandom, family: readonly string[]): string {
  return pick(random, oneIn(random, STRANGE_ONE_IN) ? ALL_KEYS : family);
}

export function drawAnyKey(random: SeededRandom): string {
  return pick(random, oneIn(random, 3) ? ALL_KEYS : STRING_KEYS);
}

/** One to four, of the family for the most part. */
export function drawKeys(random: SeededRandom, family: readonly string[]): string[] {
  return Array.from({ length: 1 + random.below(4) }, () => drawKey(random, family));
}

export function several<T>(random: SeededRandom, most: number, draw: () => T): T[] {
  return Array.from({ length: 1 + random.below(most) }, draw);
}

/** Numbers, so that INCR has something to do; short texts; now and then one longer than an arena. */
export function drawValue(random: SeededRandom): string {
  const kind = random.below(20);
  if (kind < 6) return String(random.below(1000) - 300);
  if (kind === 6) return "";
  if (kind === 7) return "x".repeat(300 + random.below(4000));
  return String.fromCharCode(97 + random.below(26)).repeat(1 + random.below(30));
}

/** Few different ones, so that they repeat. */
export function drawElement(random: SeededRandom): string {
  if (oneIn(random, 30)) return drawValue(random);
  return String.fromCharCode(97 + random.below(5)).repeat(1 + random.below(40));
}

/** Few for the most part; now and then so many at once that a collection leaves its record. */
export function drawCount(random: SeededRandom): number {
  return oneIn(random, 12) ? 100 + random.below(100) : 1 + random.below(5);
}

export function drawExpiry({ random, nowMs }: Drawing): string[] {
  switch (random.below(4)) {
    case 0:
      return ["EX", String(random.below(4))];
    case 1:
      return ["PX", String(random.below(2500))];
    case 2:
      return ["EXAT", String(Math.floor(nowMs / 1000) + random.below(5) - 1)];
    default:
      return ["PXAT", String(nowMs + random.below(4000) - 500)];
  }
}

export function drawCondition(random: SeededRandom): string[] {
  return oneIn(random, 3) ? [pick(random, ["NX", "XX", "GT", "LT"])] : [];
}

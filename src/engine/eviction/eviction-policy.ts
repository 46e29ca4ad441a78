/**
 * What the eviction policies of `maxmemory-policy` prefer: pure functions from a record to a score.
 *
 * A higher score goes first. The meanings are Redis's (evict.c, 7.0): idle time for LRU, the inverse of the
 * decayed counter for LFU, the nearest expiry for TTL.
 */
import type { AccessClock } from "../hot/access-clock.ts";
import { clockOf, expiryOf } from "../hot/record.ts";

export const EVICTION_POLICIES = [
  "noeviction",
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
] as const;

export type EvictionPolicy = (typeof EVICTION_POLICIES)[number];

export function isVolatilePolicy(policy: EvictionPolicy): boolean {
  return policy.startsWith("volatile-");
}

export function isLfuPolicy(policy: EvictionPolicy): boolean {
  return policy.endsWith("-lfu");
}

export function isRandomPolicy(policy: EvictionPolicy): boolean {
  return policy.endsWith("-random");
}

/** The score of a record under a policy that is neither `noeviction` nor random; finite. */
export function scoreOf(
  policy: EvictionPolicy,
  access: AccessClock,
  words: Int32Array,
  word: number,
): number {
  if (policy === "volatile-ttl") return -expiryOf(words, word);
  const clock = clockOf(words, word);
  return isLfuPolicy(policy) ? 255 - access.frequency(clock) : access.idleSeconds(clock);
}

/**
 * The score from which on records are evicted: of `scores[0, count)` the best one in `samples`, which is what
 * the best of `samples` random keys has in the mean. Sorts the range in place.
 */
export function thresholdOf(scores: Float64Array, count: number, samples: number): number {
  const range = scores.subarray(0, count).sort();
  const best = Math.max(1, Math.round(count / Math.max(1, samples)));
  return range[count - best]!;
}

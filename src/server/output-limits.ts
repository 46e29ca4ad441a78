/**
 * Redis's output buffer limits: when a client that does not read its replies is closed. Pure.
 *
 * Requests of a slow client are held back long before (see FrontEnd), so limits matter for what is pushed: a
 * client that monitors is judged by the class `pubsub` as a subscriber is, although Redis sets it no limit at all.
 */
import type { OutputLimit, OutputLimits } from "../config/redis-kinds.ts";

export function limitFor(limits: OutputLimits, pushes: boolean): OutputLimit {
  return pushes ? limits.pubsub : limits.normal;
}

/** Since when the soft bound is exceeded, 0 if it is not: the new value of a connection's `overSoftSinceMs`. */
export function overSoftSince(
  limit: OutputLimit,
  queuedBytes: number,
  sinceMs: number,
  nowMs: number,
): number {
  if (limit.softBytes === 0 || queuedBytes <= limit.softBytes) return 0;
  return sinceMs === 0 ? nowMs : sinceMs;
}

export function exceeds(
  limit: OutputLimit,
  queuedBytes: number,
  overSoftSinceMs: number,
  nowMs: number,
): boolean {
  if (limit.hardBytes > 0 && queuedBytes > limit.hardBytes) return true;
  return overSoftSinceMs > 0 && nowMs - overSoftSinceMs >= limit.softSeconds * 1000;
}

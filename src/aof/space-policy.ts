/**
 * How much space to prepare ahead of the log, and when. Pure; prepared-space.ts does the work.
 *
 * Prepared space costs a second write of every byte and saves the file system's own journal a commit per sync, so it
 * pays for many small syncs and not for few large ones. The amount doubles each time it was used up, so a log that
 * is written once a minute prepares 64 KiB and one that is written as fast as the disk allows 8 MiB.
 */

export const SPACE_AHEAD_MIN_BYTES = 64 * 1024;
export const SPACE_AHEAD_MAX_BYTES = 8 * 1024 * 1024;

/** A frame of this size makes the disk work for longer than a commit of its journal takes. */
export const SPACE_FRAME_MAX_BYTES = 256 * 1024;

export interface SpaceState {
  /** Prepared bytes that no frame has taken yet. */
  readonly leftBytes: number;
  /** What to have ahead, before this decision. */
  readonly aheadBytes: number;
  /** What the part may still grow by before it is followed by another. */
  readonly partLeftBytes: number;
  /** The last frame that was written. */
  readonly frameBytes: number;
}

/**
 * Bytes to prepare now, an even number; 0 if there is enough or it would not pay. A quarter is enough: half would
 * be less than the amount that has just doubled, and preparing would not end before the maximum.
 */
export function bytesToPrepare({ leftBytes, aheadBytes, partLeftBytes, frameBytes }: SpaceState): number {
  if (leftBytes * 4 > aheadBytes || frameBytes > SPACE_FRAME_MAX_BYTES) return 0;
  const wanted = Math.min(aheadBytes, partLeftBytes) - leftBytes;
  return wanted <= 0 ? 0 : wanted - (wanted % 2);
}

/** What to have ahead once `aheadBytes` have been asked for. */
export function nextAheadBytes(aheadBytes: number, maxBytes: number): number {
  return Math.min(maxBytes, aheadBytes * 2);
}

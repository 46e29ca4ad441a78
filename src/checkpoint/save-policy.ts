/**
 * When a checkpoint is due. Pure: everything it knows is handed in.
 *
 * Rules as in Redis: a save rule is due when at least `changes` changes have been made and more than `seconds` seconds have
 * passed since the last success; after a failure nothing is tried for a while. Besides, a checkpoint is due every
 * interval, if anything has changed, so that the log that a start replays stays short.
 */
export interface SaveRule {
  readonly seconds: number;
  readonly changes: number;
}

export interface SavePolicy {
  readonly rules: readonly SaveRule[];
  /** 0: no interval. */
  readonly intervalMs: number;
}

export interface SaveState {
  readonly nowMs: number;
  /** When the last checkpoint succeeded; before any did, when the server started. */
  readonly lastSuccessMs: number;
  /** Whether the last attempt failed, and when it was begun. */
  readonly lastFailed: boolean;
  readonly lastAttemptMs: number;
  readonly changesSinceSuccess: number;
  /** A checkpoint is being written, or cannot be begun now. */
  readonly busy: boolean;
  /** BGSAVE SCHEDULE was answered while it could not be begun. */
  readonly scheduled: boolean;
}

export type SaveReason =
  | { readonly kind: "scheduled" }
  | { readonly kind: "rule"; readonly rule: SaveRule }
  | { readonly kind: "interval" };

/** Redis's CONFIG_BGSAVE_RETRY_DELAY. */
export const RETRY_PAUSE_MS = 5000;

/** Why a checkpoint is due now, or undefined. Times are of one clock, which does not go back. */
export function saveDue(policy: SavePolicy, state: SaveState): SaveReason | undefined {
  const { nowMs, lastSuccessMs, changesSinceSuccess: changes } = state;
  if (state.busy) return undefined;
  if (state.lastFailed && nowMs - state.lastAttemptMs <= RETRY_PAUSE_MS) return undefined;
  if (state.scheduled) return { kind: "scheduled" };
  if (changes === 0) return undefined;
  const rule = policy.rules.find(
    (each) => changes >= each.changes && nowMs - lastSuccessMs > each.seconds * 1000,
  );
  if (rule !== undefined) return { kind: "rule", rule };
  if (policy.intervalMs > 0 && nowMs - lastSuccessMs >= policy.intervalMs) return { kind: "interval" };
  return undefined;
}

/** When effects become durable, and what that means for replies: Redis's `appendfsync`. Pure. */
import { FerriteError } from "../base/errors.ts";

/**
 *  always    a reply leaves when its effect is durable
 *  everysec  a reply leaves when its effect is written; a sync follows within about a second
 *  no        a reply leaves when its effect is written; the system syncs when it likes
 */
export type SyncPolicy = "always" | "everysec" | "no";

export function parseSyncPolicy(text: string): SyncPolicy {
  if (text === "always" || text === "everysec" || text === "no") return text;
  throw new FerriteError(
    "usage",
    `the AOF sync policy is ${JSON.stringify(text)}, expected "always", "everysec" or "no"`,
  );
}

/** Under `everysec`: how long after the first unsynced write a sync begins. */
export const SYNC_INTERVAL_MS = 1000;

const HEAL_DELAY_MIN_MS = 1000;
const HEAL_DELAY_MAX_MS = 10_000;

/** How long to wait before the attempt after `failures` failed ones: 1, 2, 4, 8, 10, 10 … seconds. */
export function healDelayMs(failures: number): number {
  return Math.min(HEAL_DELAY_MAX_MS, HEAL_DELAY_MIN_MS * 2 ** Math.min(failures, 8));
}

const ERROR_TEXTS: Readonly<Record<string, string>> = {
  ENOSPC: "No space left on device",
  EDQUOT: "Disk quota exceeded",
  EIO: "Input/output error",
  EROFS: "Read-only file system",
  EACCES: "Permission denied",
  EPERM: "Operation not permitted",
  EFBIG: "File too large",
  ENOENT: "No such file or directory",
  EMFILE: "Too many open files",
  ENFILE: "Too many open files in system",
};

/** The text of `strerror` for the codes a disk answers, which users of Redis know; else the code itself. */
export function systemErrorText(code: string): string {
  return ERROR_TEXTS[code] ?? code;
}

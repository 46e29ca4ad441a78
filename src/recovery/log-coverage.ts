/** Whether the append-only file has every effect after an LSN. Pure, from its manifest alone. */
import type { Manifest } from "../aof/manifest-format.ts";

/** Undefined if it has; else what it lacks, for a message. `manifest` undefined: there is no append-only file. */
export function logLacksAfter(manifest: Manifest | undefined, lsn: number): string | undefined {
  if (manifest === undefined) return "there is no append-only file";
  // Whoever starts from before the base starts from the base.
  let due = Math.max(lsn, manifest.base?.lsn ?? 0) + 1;
  for (const part of manifest.parts) {
    if (part.sealed !== undefined && part.sealed.lastLsn < due) continue;
    if (part.firstLsn > due)
      return `its part ${part.name} begins at LSN ${part.firstLsn}, and nothing holds LSN ${due} to ${part.firstLsn - 1}`;
    if (part.sealed === undefined) return undefined;
    due = part.sealed.lastLsn + 1;
  }
  return undefined;
}

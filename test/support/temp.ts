/**
 * Temporary folders of a test run, removed when the process ends, however it ends by itself.
 *
 * FERRITE_KEEP=1 leaves them in place, for looking at what a failed test wrote.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();

process.once("exit", () => {
  if (process.env["FERRITE_KEEP"] === "1") return;
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new empty folder. It need not be removed: the end of the process does that. */
export function temporaryFolder(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `ferrite-${purpose}-`));
  folders.add(folder);
  return folder;
}

/** Removes a folder early, where a test would otherwise gather many. */
export function removeFolder(folder: string): void {
  folders.delete(folder);
  if (process.env["FERRITE_KEEP"] !== "1") rmSync(folder, { recursive: true, force: true });
}

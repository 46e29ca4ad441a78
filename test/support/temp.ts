/**
 * Temporary folders of a test file, removed when its tests are over, also after a failure or a timeout.
 *
 * A hook of vitest rather than the end of the process: vitest ends its workers without letting them say so.
 *
 * FERRITE_KEEP=1 leaves them in place, for looking at what a failed test wrote.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const folders = new Set<string>();

afterAll(() => {
  for (const folder of folders) removeFolder(folder);
});

/** A new empty folder. It need not be removed: the end of the test file does that. */
export function temporaryFolder(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `ferrite-${purpose}-`));
  folders.add(folder);
  return folder;
}

/** Removes a folder early, where a test would otherwise gather many. */
export function removeFolder(folder: string): void {
  folders.delete(folder);
  if (process.env["FERRITE_KEEP"] !== "1") rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

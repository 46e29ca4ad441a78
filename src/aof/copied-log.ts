/**
 * Tells a copy of a log's folder, made file by file while a server wrote to it, from the folder itself.
 *
 * Such a copy is listed first; then each file is copied as it is by then, the manifest perhaps last. So the manifest may
 * name files that did not exist when the folder was listed, and call parts complete that were copied before they were.
 * In the folder itself both would be damage. What tells them apart is the manifest's mark: a file that was there before
 * the manifest was (log-folder.ts). A folder without it was listed before its manifest was made; all that was acknowledged
 * by then is in the files that the listing had, so the log may end where they end.
 *
 * Not affected: a copy whose manifest is not newer than its listing. It has every file that the manifest names, complete.
 */
import type { FileSystem } from "../ports/file-system.ts";
import { type LogEntries, type Manifest, withBase } from "./manifest-format.ts";

/** True if the folder was listed before its manifest was made. */
export function isEarlierCopy(fs: FileSystem, folder: string, manifest: Manifest): boolean {
  return manifest.mark !== undefined && fs.statSync(`${folder}/${manifest.mark}`) === undefined;
}

/**
 * What to read: what the manifest names or, where its base is missing, what that took the place of, which is the same
 * data as long as those files are there. A missing file is found by who reads it. `afterLsn` is as for `readLog`.
 */
export function entriesToRead(fs: FileSystem, folder: string, manifest: Manifest, afterLsn = 0): LogEntries {
  const { base, parts, left } = manifest;
  if (base === undefined || fs.statSync(`${folder}/${base.name}`) !== undefined) return manifest;
  // It took the place of nothing: a checkpoint has that state, or it is empty.
  if (left === undefined)
    return base.lsn <= afterLsn && isEarlierCopy(fs, folder, manifest) ? { parts } : manifest;
  return { ...withBase(left.base), parts: [...left.parts, ...parts] };
}

/**
 * Begins a log for a data set that has been without one (`CONFIG SET appendonly yes`).
 *
 * Invariants:
 *  - the log begins after the LSN that the data set has, and counts from the moment on when a checkpoint or a base that
 *    holds the state there is durable (`AppendOnlyLog.beginAt`). Until then a crash finds what was there before: the
 *    manifest of an earlier log, or none; never a log with a gap before it;
 *  - until then nothing that the log says is acknowledged is more durable than without a log.
 *
 * Giving up is `close`, then `discardPendingLog`; a start does the latter by itself.
 */
import type { FileSystem } from "../ports/file-system.ts";
import { AppendOnlyLog } from "./append-only-log.ts";
import type { AppendOnlyLogOptions } from "./log-face.ts";
import { LogFolder } from "./log-folder.ts";
import { readManifest } from "./manifest-file.ts";
import { removeLeftOvers, secureNames } from "./open-log.ts";
import { checkStem, DEFAULT_STEM } from "./part-names.ts";

export interface StartLogOptions extends AppendOnlyLogOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly stem?: string;
  /** The last effect of the data set: the log's first is the one after it. */
  readonly lastLsn: number;
}

/**
 * Between turns. Throws the system's error, or FerriteError if a manifest is there that cannot be used; no log that was
 * there is changed then, or before `beginAt`.
 */
export function startLog(options: StartLogOptions): AppendOnlyLog {
  const { fs, folder: path, lastLsn, marks = true } = options;
  const stem = options.stem ?? DEFAULT_STEM;
  checkStem(stem);
  secureNames(fs, path);
  const manifest = readManifest(fs, path, stem);
  removeLeftOvers(fs, path, stem, manifest);
  const folder = new LogFolder({ fs, path, stem, manifest, marks, pending: true });
  return new AppendOnlyLog(folder, folder.create(lastLsn + 1), options);
}

/** Removes the files of a log that was begun, closed, and never published. Throws as `startLog`. */
export function discardPendingLog(fs: FileSystem, folder: string, stem: string = DEFAULT_STEM): void {
  removeLeftOvers(fs, folder, stem, readManifest(fs, folder, stem));
}

/**
 * Files and folders.
 *
 * Durability, which the crashable in-memory implementation enforces and every caller must respect:
 *  - bytes of a file survive a crash only after a `sync` of that file, through whichever open file, that started
 *    after they were written; before it any subset of them, torn anywhere, may survive;
 *  - of bytes that were overwritten and not synced since, each may be found old or new; the rest of the file is
 *    untouched. What lies beyond the durable end is found as after an append: written, absent or zeros;
 *  - a name (created, renamed, removed) survives only after a sync of its folder that started later; before it
 *    either the old or the new state of that name may survive, each name by itself;
 *  - `renameSync` is atomic: a reader sees the old or the new file, never neither;
 *  - after a failed sync nothing is known about any byte written since the last good one: the caller must
 *    not sync that file again as if it had been clean (it writes the bytes anew, to another file).
 *
 * Errors: those of the system, with `code` (`ENOENT`, `ENOSPC`, `EIO`, `EACCES`, …). Short writes are
 * finished or turned into an error by the implementation: a caller never sees one.
 *
 * Buffers: a `Uint8Array` handed to an asynchronous operation must not be changed until it completes; the
 * implementation keeps no reference after it.
 *
 * Calls named `…Sync` run on the caller's thread; the others run elsewhere and complete on the event loop,
 * never before they return.
 */
export interface FileSystem {
  /** "native" (the addon's threads) or "portable" (node:fs) or "memory"; shown in INFO. */
  readonly kind: string;

  /**
   *  read     existing file, reads only
   *  append   created if absent, positioned at its end; `appendSync` and `append` add there
   *  create   must not exist (EEXIST), then as `append`
   *  overwrite  existing file (ENOENT), for reads and the calls named `overwrite…`; it is never appended to
   */
  openSync(path: string, mode: OpenMode): File;

  /** The whole file; ENOENT if absent. For small files: manifests, markers, configuration. */
  readFileSync(path: string): Uint8Array;
  /** undefined if there is no such file or folder; every other failure throws. */
  statSync(path: string): FileStat | undefined;
  /** The path with every symbolic link in it followed; ENOENT if there is nothing. */
  realPathSync(path: string): string;
  /** Names in a folder, sorted by bytes; ENOENT if absent. */
  listSync(path: string): readonly string[];
  /** Creates the folder and its parents; no error if it exists. */
  makeDirectorySync(path: string): void;
  renameSync(from: string, to: string): void;
  /** ENOENT if absent. */
  unlinkSync(path: string): void;
  syncDirectorySync(path: string): void;
  /** As `syncDirectorySync` on another thread; names that change while it is under way may or may not be covered. */
  syncDirectory(path: string, done: FileDone): void;
  /**
   * Takes an exclusive advisory lock on the file, created if absent, for as long as the process lives or until
   * `release`. Answers undefined if another process holds it.
   */
  lockSync(path: string, note: string): FileLock | undefined;
  /** Bytes that an unprivileged process can still write to the volume of `path`, or undefined if unknown. */
  freeBytesSync(path: string): number | undefined;
}

export type OpenMode = "read" | "append" | "create" | "overwrite";

export interface FileStat {
  readonly kind: "file" | "directory" | "other";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface FileLock {
  release(): void;
}

/** An open file. Operations on one file that were started in order take effect in that order. */
export interface File {
  readonly path: string;
  sizeSync(): number;

  /** Reads up to `length` bytes at `position`; returns how many (fewer only at the end of the file). */
  readSync(position: number, into: Uint8Array, offset: number, length: number): number;
  read(position: number, into: Uint8Array, offset: number, length: number): Promise<number>;
  /**
   * Reads only what is resident in the page cache, without ever waiting for the disk: the number of bytes
   * read, or -1 if any are not resident or the platform cannot tell (then use `read`).
   */
  readResidentSync(position: number, into: Uint8Array, offset: number, length: number): number;

  /** Appends all of the range or throws; what a throw left behind is unknown (use `sizeSync`). */
  appendSync(bytes: Uint8Array, offset: number, length: number): void;
  /**
   * Appends the range on another thread, then makes the file's data durable if `sync`. `done` runs once on the
   * event loop. One `append` per file may be under way: a second one, or `appendSync`, `truncateSync` or
   * `syncSync` before `done`, is an assertion broken by the caller. While a `sync` is under way they are allowed.
   */
  append(bytes: Uint8Array, offset: number, length: number, sync: boolean, done: FileDone): void;
  /**
   * Writes the range at `position`, which lies within the file or at its end; the file grows if the range reaches
   * beyond its end. For files opened with "overwrite" only (EBADF). A throw leaves old and new bytes mixed there.
   */
  overwriteSync(position: number, bytes: Uint8Array, offset: number, length: number): void;
  /**
   * As `overwriteSync` on another thread, then makes the file's data durable if `sync`. What is said of `append`
   * about `done` and about operations under way holds for it too.
   */
  overwrite(
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sync: boolean,
    done: FileDone,
  ): void;
  /** The unit of `overwriteBlocks`: a power of two, or 0 where that cannot be had. */
  readonly blockBytes: number;
  /**
   * Writes whole blocks and makes them, and nothing else, durable, without a thread and without the loop ever waiting
   * for the disk. They must be in the file already, and durable, and nobody else may write to them meanwhile; `position`
   * and `length` are multiples of `blockBytes`. False, and nothing happens, where that cannot be done now: then use
   * `overwrite`. What is said of `append` about `done` and about operations under way holds for it; the array may be
   * changed as soon as the call has returned.
   */
  overwriteBlocks(
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    done: FileDone,
  ): boolean;
  /** As `overwriteBlocks`, durable on return. False, and nothing durable, where that cannot be had. */
  overwriteBlocksSync(position: number, bytes: Uint8Array, offset: number, length: number): boolean;
  /** Makes the file's bytes (and size) durable, on another thread. */
  sync(done: FileDone): void;
  syncSync(): void;
  truncateSync(sizeBytes: number): void;
  /** Reserves disk space up to `sizeBytes` without changing the size; a no-op where unsupported. */
  allocateSync(sizeBytes: number): void;
  /** Idempotent. An operation under way completes first. */
  close(): void;
}

export type FileDone = (error: Error | undefined) => void;

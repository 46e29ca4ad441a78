/** The callbacks of the file system port as promises, for work that is done file by file and not per command. */
import type { File, FileDone, FileSystem } from "../../ports/file-system.ts";

/** Called between pieces of work on the loop; answers a promise when it is time to let others run, else undefined. */
export type Breathe = () => Promise<void> | undefined;

/** Appends on a thread, then makes the file durable if `sync`. `bytes` must not change until the promise settles. */
export function appendTo(
  file: File,
  bytes: Uint8Array,
  offset: number,
  length: number,
  sync: boolean,
): Promise<void> {
  return settled((done) => file.append(bytes, offset, length, sync, done));
}

/** Makes the names in a folder durable, on a thread. */
export function syncFolder(fs: FileSystem, path: string): Promise<void> {
  return settled((done) => fs.syncDirectory(path, done));
}

function settled(start: (done: FileDone) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === undefined ? resolve() : reject(error)));
  });
}

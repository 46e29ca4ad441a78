/**
 * Files through node:fs: the same contract as the native implementation, for machines without the addon.
 *
 * Invariants
 *  - short writes are continued; an error carries the system's code and the path;
 *  - asynchronous operations on one file keep their order (files/file-order.ts);
 *  - what Node cannot do is answered honestly: residency is never known, no space is reserved.
 *
 * Known limits against the native one: Node's four pool threads also serve everything else, so a sync may wait
 * behind other file work; and the lock needs flock(1) to be the kernel's (portable-lock.ts).
 */
import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  open,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  statfsSync,
  statSync,
  unlinkSync,
  write,
  writeSync,
} from "node:fs";
import { systemCode } from "../../base/errors.ts";
import type { File, FileDone, FileLock, FileStat, FileSystem, OpenMode } from "../../ports/file-system.ts";
import { sortedByBytes } from "../files/byte-order.ts";
import { checkRange } from "../files/byte-range.ts";
import { FileOrder } from "../files/file-order.ts";
import { systemErrorOf, withPath } from "../files/system-error.ts";
import { makeDirectory } from "./make-directory.ts";
import { portableLock } from "./portable-lock.ts";

const FLAGS = { read: "r", append: "a+", create: "ax+", overwrite: "r+" } as const;
/** Private to the user, as a database's files are. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

export class PortableFileSystem implements FileSystem {
  readonly kind: string = "portable";

  openSync(path: string, mode: OpenMode): File {
    const descriptor = openSync(path, FLAGS[mode], FILE_MODE);
    // A folder opens for reading like a file and would fail later, with a message that names a read.
    if (fstatSync(descriptor).isDirectory()) {
      closeSync(descriptor);
      throw systemErrorOf("EISDIR", "open", path);
    }
    return new PortableFile(path, descriptor, mode);
  }

  readFileSync(path: string): Uint8Array {
    // A copy of its own: Node may answer small files from a pool that other buffers share.
    return new Uint8Array(readFileSync(path));
  }

  statSync(path: string): FileStat | undefined {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const kind = found.isFile() ? "file" : found.isDirectory() ? "directory" : "other";
    return { kind, sizeBytes: found.size, modifiedMs: found.mtimeMs };
  }

  listSync(path: string): readonly string[] {
    return sortedByBytes(readdirSync(path));
  }

  makeDirectorySync(path: string): void {
    makeDirectory(path, DIRECTORY_MODE);
  }

  realPathSync(path: string): string {
    return realpathSync(path);
  }

  renameSync(from: string, to: string): void {
    renameSync(from, to);
  }

  unlinkSync(path: string): void {
    unlinkSync(path);
  }

  syncDirectorySync(path: string): void {
    const descriptor = openSync(path, "r");
    try {
      fsyncSync(descriptor);
    } catch (error) {
      throw withPath(error, path);
    } finally {
      closeSync(descriptor);
    }
  }

  syncDirectory(path: string, done: FileDone): void {
    open(path, "r", (failed, descriptor) => {
      if (failed !== null) {
        done(failed);
        return;
      }
      fsync(descriptor, (error) => {
        close(descriptor, () => done(error === null ? undefined : withPath(error, path)));
      });
    });
  }

  lockSync(path: string, note: string): FileLock | undefined {
    return portableLock(path, note);
  }

  freeBytesSync(path: string): number | undefined {
    try {
      const volume = statfsSync(path);
      return volume.bavail * volume.bsize;
    } catch {
      return undefined;
    }
  }
}

class PortableFile implements File {
  readonly path: string;
  readonly #descriptor: number;
  readonly #order: FileOrder;
  readonly #mode: OpenMode;

  constructor(path: string, descriptor: number, mode: OpenMode) {
    this.#mode = mode;
    this.path = path;
    this.#descriptor = descriptor;
    this.#order = new FileOrder(path);
  }

  sizeSync(): number {
    this.#order.assertOpen();
    return this.#named(() => fstatSync(this.#descriptor).size);
  }

  readSync(position: number, into: Uint8Array, offset: number, length: number): number {
    this.#order.assertOpen();
    checkRange(into, offset, length);
    return this.#named(() => {
      let done = 0;
      while (done < length) {
        const got = readSync(this.#descriptor, into, offset + done, length - done, position + done);
        if (got === 0) break;
        done += got;
      }
      return done;
    });
  }

  read(position: number, into: Uint8Array, offset: number, length: number): Promise<number> {
    return new Promise((resolve, reject) => {
      checkRange(into, offset, length);
      this.#order.begin(false, () => {
        this.#readFrom(0, position, into, offset, length, (error, done) => {
          this.#order.end(false);
          if (error === null) resolve(done);
          else reject(withPath(error, this.path));
        });
      });
    });
  }

  readResidentSync(): number {
    return -1;
  }

  appendSync(bytes: Uint8Array, offset: number, length: number): void {
    this.#order.assertIdle();
    checkRange(bytes, offset, length);
    if (this.#mode === "overwrite") throw systemErrorOf("EBADF", "write", this.path);
    this.#named(() => {
      let done = 0;
      while (done < length)
        done += this.#progress(writeSync(this.#descriptor, bytes, offset + done, length - done));
    });
  }

  append(bytes: Uint8Array, offset: number, length: number, sync: boolean, done: FileDone): void {
    if (this.#mode === "overwrite") throw systemErrorOf("EBADF", "write", this.path);
    this.#change(null, bytes, offset, length, sync, done);
  }

  overwriteSync(position: number, bytes: Uint8Array, offset: number, length: number): void {
    this.#order.assertIdle();
    checkRange(bytes, offset, length);
    if (this.#mode !== "overwrite") throw systemErrorOf("EBADF", "write", this.path);
    this.#named(() => {
      let done = 0;
      while (done < length)
        done += this.#progress(
          writeSync(this.#descriptor, bytes, offset + done, length - done, position + done),
        );
    });
  }

  overwrite(
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sync: boolean,
    done: FileDone,
  ): void {
    if (this.#mode !== "overwrite") throw systemErrorOf("EBADF", "write", this.path);
    this.#change(position, bytes, offset, length, sync, done);
  }

  /** Node has nothing that would do it without a thread. */
  readonly blockBytes = 0;

  overwriteBlocks(_position: number, bytes: Uint8Array, offset: number, length: number): boolean {
    this.#order.assertIdle();
    checkRange(bytes, offset, length);
    if (this.#mode !== "overwrite") throw systemErrorOf("EBADF", "write", this.path);
    return false;
  }

  overwriteBlocksSync(_position: number, bytes: Uint8Array, offset: number, length: number): boolean {
    this.#order.assertIdle();
    checkRange(bytes, offset, length);
    if (this.#mode !== "overwrite") throw systemErrorOf("EBADF", "write", this.path);
    return false;
  }

  /** Writes at `position`, or at the end if it is null. */
  #change(
    position: number | null,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sync: boolean,
    done: FileDone,
  ): void {
    checkRange(bytes, offset, length);
    this.#order.beginAppend(() => {
      const ended = (error: Error | null): void => {
        this.#order.endAppend();
        done(error === null ? undefined : withPath(error, this.path));
      };
      this.#writeFrom(0, position, bytes, offset, length, (error) => {
        if (error === null && sync) fdatasync(this.#descriptor, ended);
        else ended(error);
      });
    });
  }

  sync(done: FileDone): void {
    this.#order.begin(true, () => {
      fdatasync(this.#descriptor, (error) => {
        this.#order.end(true);
        done(error === null ? undefined : withPath(error, this.path));
      });
    });
  }

  syncSync(): void {
    this.#order.assertIdle();
    this.#named(() => fdatasyncSync(this.#descriptor));
  }

  truncateSync(sizeBytes: number): void {
    this.#order.assertIdle();
    this.#named(() => ftruncateSync(this.#descriptor, sizeBytes));
  }

  allocateSync(): void {
    // node:fs cannot reserve space; the port allows that.
  }

  close(): void {
    this.#order.close(() => closeSync(this.#descriptor));
  }

  #readFrom(
    done: number,
    position: number,
    into: Uint8Array,
    offset: number,
    length: number,
    ended: (error: Error | null, done: number) => void,
  ): void {
    read(this.#descriptor, into, offset + done, length - done, position + done, (error, got) => {
      if (error !== null || got === 0 || done + got === length) ended(error, done + (got ?? 0));
      else this.#readFrom(done + got, position, into, offset, length, ended);
    });
  }

  #writeFrom(
    done: number,
    position: number | null,
    bytes: Uint8Array,
    offset: number,
    length: number,
    ended: (error: Error | null) => void,
  ): void {
    const at = position === null ? null : position + done;
    write(this.#descriptor, bytes, offset + done, length - done, at, (error, written) => {
      if (error !== null || done + written === length) ended(error);
      else if (written === 0) ended(systemErrorOf("EIO", "write", this.path));
      else this.#writeFrom(done + written, position, bytes, offset, length, ended);
    });
  }

  #progress(written: number): number {
    if (written === 0) throw systemErrorOf("EIO", "write", this.path);
    return written;
  }

  #named<T>(operation: () => T): T {
    try {
      return operation();
    } catch (error) {
      throw systemCode(error) === undefined ? error : withPath(error, this.path);
    }
  }
}

/**
 * Files through the addon: one call per append, reads that never wait for the disk, syncs on threads of their own.
 *
 * Invariants
 *  - an error carries the code of the system and the path; a failed sync is passed on once and never tried again;
 *  - asynchronous operations on one file keep their order (files/file-order.ts), and no file waits for another;
 *  - the addon holds a reference to the caller's array from the start of an operation to its callback.
 *
 * Names and folders are left to the portable implementation: they are rare, and Node's calls are as good.
 *
 * Hot-path file: `appendSync`, `readSync` and `readResidentSync` allocate nothing (bench/micro/files.mjs).
 */
import { constants } from "node:os";
import type { File, FileDone, FileLock, OpenMode } from "../../ports/file-system.ts";
import { checkRange } from "../files/byte-range.ts";
import { FileOrder } from "../files/file-order.ts";
import { composeNote, isHeldByNote } from "../files/lock-note.ts";
import { systemError, systemErrorOf } from "../files/system-error.ts";
import { PortableFileSystem } from "../node/file-system.ts";
import type { FileAddon } from "./addon-files.ts";

const MODES = { read: 0, append: 1, create: 2, overwrite: 3 } as const;

export class NativeFileSystem extends PortableFileSystem {
  override readonly kind: string = "native";
  readonly #addon: FileAddon;

  constructor(addon: FileAddon) {
    super();
    this.#addon = addon;
  }

  override openSync(path: string, mode: OpenMode): File {
    const descriptor = this.#addon.fileOpen(path, MODES[mode]);
    if (descriptor < 0) throw systemError(descriptor, "open", path);
    return new NativeFile(this.#addon, path, descriptor, mode);
  }

  /** The kernel's lock: gone with the process, however it ends. */
  override lockSync(path: string, note: string): FileLock | undefined {
    const addon = this.#addon;
    const descriptor = addon.fileLock(path);
    if (descriptor === -constants.errno.EWOULDBLOCK) return undefined;
    if (descriptor < 0) throw systemError(descriptor, "flock", path);
    // Where there is no flock(1) the portable implementation holds a lock by its note alone.
    if (isHeldByNote(new TextDecoder().decode(this.readFileSync(path)))) {
      addon.fileClose(descriptor);
      return undefined;
    }
    const text = new TextEncoder().encode(composeNote("kernel", note));
    const written = addon.fileReplace(descriptor, text, 0, text.length);
    if (written < 0) {
      addon.fileClose(descriptor);
      throw systemError(written, "write", path);
    }
    let held = true;
    return {
      release() {
        if (held) addon.fileClose(descriptor);
        held = false;
      },
    };
  }
}

class NativeFile implements File {
  readonly path: string;
  readonly #addon: FileAddon;
  readonly #descriptor: number;
  readonly #order: FileOrder;
  readonly #mode: OpenMode;
  /** Whether the file can be written without a thread; undefined until it was tried. */
  #direct: boolean | undefined;

  constructor(addon: FileAddon, path: string, descriptor: number, mode: OpenMode) {
    this.#mode = mode;
    this.path = path;
    this.#addon = addon;
    this.#descriptor = descriptor;
    this.#order = new FileOrder(path);
  }

  sizeSync(): number {
    this.#order.assertOpen();
    return this.#checked(this.#addon.fileSize(this.#descriptor), "fstat");
  }

  readSync(position: number, into: Uint8Array, offset: number, length: number): number {
    this.#order.assertOpen();
    return this.#checked(this.#addon.fileRead(this.#descriptor, position, into, offset, length), "read");
  }

  read(position: number, into: Uint8Array, offset: number, length: number): Promise<number> {
    return new Promise((resolve, reject) => {
      checkRange(into, offset, length);
      this.#order.begin(false, () => {
        const done = (result: number): void => {
          this.#order.end(false);
          if (result < 0) reject(systemError(result, "read", this.path));
          else resolve(result);
        };
        this.#start(this.#addon.fileBeginRead(this.#descriptor, position, into, offset, length, done), done);
      });
    });
  }

  readResidentSync(position: number, into: Uint8Array, offset: number, length: number): number {
    this.#order.assertOpen();
    const got = this.#addon.fileReadResident(this.#descriptor, position, into, offset, length);
    return got === this.#addon.FILE_NOT_RESIDENT ? -1 : this.#checked(got, "read");
  }

  appendSync(bytes: Uint8Array, offset: number, length: number): void {
    this.#order.assertIdle();
    if (this.#mode === "overwrite") throw systemErrorOf("EBADF", "write", this.path);
    this.#checked(this.#addon.fileAppend(this.#descriptor, bytes, offset, length), "write");
  }

  append(bytes: Uint8Array, offset: number, length: number, sync: boolean, done: FileDone): void {
    checkRange(bytes, offset, length);
    if (this.#mode === "overwrite") throw systemErrorOf("EBADF", "write", this.path);
    this.#order.beginAppend(() => {
      const ended = (result: number, inSync: number): void => {
        this.#order.endAppend();
        done(result < 0 ? systemError(result, inSync === 1 ? "fdatasync" : "write", this.path) : undefined);
      };
      this.#start(this.#addon.fileBeginAppend(this.#descriptor, bytes, offset, length, sync, ended), ended);
    });
  }

  overwriteSync(position: number, bytes: Uint8Array, offset: number, length: number): void {
    this.#order.assertIdle();
    if (this.#mode !== "overwrite") throw systemErrorOf("EBADF", "pwrite", this.path);
    this.#checked(this.#addon.fileOverwrite(this.#descriptor, position, bytes, offset, length), "pwrite");
  }

  overwrite(
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sync: boolean,
    done: FileDone,
  ): void {
    checkRange(bytes, offset, length);
    if (this.#mode !== "overwrite") throw systemErrorOf("EBADF", "pwrite", this.path);
    this.#order.beginAppend(() => {
      const ended = (result: number, inSync: number): void => {
        this.#order.endAppend();
        done(result < 0 ? systemError(result, inSync === 1 ? "fdatasync" : "pwrite", this.path) : undefined);
      };
      const addon = this.#addon;
      this.#start(
        addon.fileBeginOverwrite(this.#descriptor, position, bytes, offset, length, sync, ended),
        ended,
      );
    });
  }

  get blockBytes(): number {
    this.#order.assertOpen();
    if (this.#mode !== "overwrite") return 0;
    this.#direct ??= this.#addon.fileOpenDirect(this.#descriptor, this.path) === 0;
    return this.#direct ? this.#addon.FILE_BLOCK_BYTES : 0;
  }

  overwriteBlocks(
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    done: FileDone,
  ): boolean {
    const order = this.#order;
    order.assertIdle();
    checkRange(bytes, offset, length);
    if (this.#mode !== "overwrite") throw systemErrorOf("EBADF", "pwrite", this.path);
    if (this.blockBytes === 0 || !order.isQuiet) return false;
    const ended = (result: number, inSync: number): void => {
      order.endAppend();
      done(result < 0 ? systemError(result, inSync === 1 ? "fdatasync" : "pwrite", this.path) : undefined);
    };
    const addon = this.#addon;
    if (addon.fileBeginDirect(this.#descriptor, position, bytes, offset, length, ended) < 0) return false;
    order.beginAppend(BEGUN);
    return true;
  }

  overwriteBlocksSync(position: number, bytes: Uint8Array, offset: number, length: number): boolean {
    this.#order.assertIdle();
    checkRange(bytes, offset, length);
    if (this.#mode !== "overwrite") throw systemErrorOf("EBADF", "pwrite", this.path);
    if (this.blockBytes === 0 || !this.#order.isQuiet) return false;
    const addon = this.#addon;
    const result = addon.fileOverwriteDirect(this.#descriptor, position, bytes, offset, length);
    if (result === addon.FILE_NOT_DIRECT) return false;
    this.#checked(result, "pwrite");
    return true;
  }

  sync(done: FileDone): void {
    this.#order.begin(true, () => {
      const ended = (result: number): void => {
        this.#order.end(true);
        done(result < 0 ? systemError(result, "fdatasync", this.path) : undefined);
      };
      this.#start(this.#addon.fileBeginSync(this.#descriptor, ended), ended);
    });
  }

  syncSync(): void {
    this.#order.assertIdle();
    this.#checked(this.#addon.fileSync(this.#descriptor), "fdatasync");
  }

  truncateSync(sizeBytes: number): void {
    this.#order.assertIdle();
    this.#checked(this.#addon.fileTruncate(this.#descriptor, sizeBytes), "ftruncate");
  }

  allocateSync(sizeBytes: number): void {
    this.#order.assertOpen();
    this.#checked(this.#addon.fileAllocate(this.#descriptor, sizeBytes), "fallocate");
  }

  close(): void {
    this.#order.close(() => {
      // What a failing close could report was reported by the sync before it; nothing can be done about it here.
      this.#addon.fileClose(this.#descriptor);
    });
  }

  #checked(result: number, call: string): number {
    if (result < 0) throw systemError(result, call, this.path);
    return result;
  }

  /** If no thread could be had the operation has failed, but its callback still comes on a later turn. */
  #start(started: number, ended: (result: number, inSync: number) => void): void {
    if (started < 0) setImmediate(ended, started, 0);
  }
}

function BEGUN(): void {
  // The operation is under way already.
}

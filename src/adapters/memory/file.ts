/**
 * An open file of the crashable file system.
 *
 * Invariants
 *  - an asynchronous append is written in two parts with a step between them, so that a killed process can leave
 *    half of it; then its sync, then its callback are steps of their own;
 *  - a sync covers what was written when it began, not what came while it was under way;
 *  - a failed sync forgets what it could not save: the next one succeeds, and saves nothing of it.
 *
 * The order of operations is the production one's (files/file-order.ts), not a second idea of it.
 */
import { assert } from "../../base/assert.ts";
import type { File, FileDone, OpenMode } from "../../ports/file-system.ts";
import { checkRange } from "../files/byte-range.ts";
import { FileOrder } from "../files/file-order.ts";
import { systemErrorOf } from "../files/system-error.ts";
import type { MemoryFileSystem } from "./file-system.ts";
import type { FileNode } from "./inode.ts";

const BLOCK_BYTES = 16;

export class MemoryFile implements File {
  readonly path: string;
  readonly #system: MemoryFileSystem;
  readonly #node: FileNode;
  readonly #mode: OpenMode;
  readonly #order: FileOrder;

  constructor(system: MemoryFileSystem, path: string, node: FileNode, mode: OpenMode) {
    this.#system = system;
    this.path = path;
    this.#node = node;
    this.#mode = mode;
    this.#order = new FileOrder(path);
  }

  sizeSync(): number {
    this.#order.assertOpen();
    this.#system.before("size", this.path, "fstat");
    return this.#node.sizeBytes;
  }

  readSync(position: number, into: Uint8Array, offset: number, length: number): number {
    this.#order.assertOpen();
    checkRange(into, offset, length);
    this.#system.before("read", this.path, "read");
    return this.#copy(position, into, offset, length);
  }

  read(position: number, into: Uint8Array, offset: number, length: number): Promise<number> {
    return new Promise((resolve, reject) => {
      checkRange(into, offset, length);
      this.#order.begin(false, () => {
        this.#system.later("read", this.path, () => {
          const fault = this.#system.options.fault?.("read", this.path);
          const got = fault === undefined ? this.#copy(position, into, offset, length) : 0;
          this.#order.end(false);
          if (fault === undefined) resolve(got);
          else reject(systemErrorOf(fault.code, "read", this.path));
        });
      });
    });
  }

  readResidentSync(position: number, into: Uint8Array, offset: number, length: number): number {
    this.#order.assertOpen();
    checkRange(into, offset, length);
    this.#system.before("readResident", this.path, "read");
    const { isResident } = this.#system.options;
    if (isResident !== undefined && !isResident(this.path, position, length)) return -1;
    return this.#copy(position, into, offset, length);
  }

  appendSync(bytes: Uint8Array, offset: number, length: number): void {
    this.#order.assertIdle();
    checkRange(bytes, offset, length);
    this.#assertAppends();
    // Only the hook here: the write itself asks for the fault, which may let a part through.
    this.#system.enter("append", this.path);
    this.#throwIf(this.#write(undefined, bytes.subarray(offset, offset + length), false), "write");
  }

  append(bytes: Uint8Array, offset: number, length: number, sync: boolean, done: FileDone): void {
    this.#assertAppends();
    this.#change(undefined, bytes, offset, length, sync, done);
  }

  overwriteSync(position: number, bytes: Uint8Array, offset: number, length: number): void {
    this.#order.assertIdle();
    checkRange(bytes, offset, length);
    this.#assertOverwrites();
    this.#system.enter("overwrite", this.path);
    this.#throwIf(this.#write(position, bytes.subarray(offset, offset + length), false), "write");
  }

  overwrite(
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sync: boolean,
    done: FileDone,
  ): void {
    this.#assertOverwrites();
    this.#change(position, bytes, offset, length, sync, done);
  }

  get blockBytes(): number {
    this.#order.assertOpen();
    return this.#mode === "overwrite" ? (this.#system.options.blockBytes ?? BLOCK_BYTES) : 0;
  }

  overwriteBlocks(
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    done: FileDone,
  ): boolean {
    if (!this.#admitsBlocks(position, bytes, offset, length)) return false;
    // A copy, as on a real disk: the caller may change the array at once.
    const source = bytes.slice(offset, offset + length);
    this.#changeInSteps(position, source, () => this.#syncRange(position, length), done);
    return true;
  }

  overwriteBlocksSync(position: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (!this.#admitsBlocks(position, bytes, offset, length)) return false;
    this.#system.enter("overwrite", this.path);
    this.#throwIf(this.#write(position, bytes.subarray(offset, offset + length), false), "write");
    this.#system.enter("sync", this.path);
    this.#throwIf(this.#syncRange(position, length), "write");
    return true;
  }

  #admitsBlocks(position: number, bytes: Uint8Array, offset: number, length: number): boolean {
    this.#order.assertIdle();
    checkRange(bytes, offset, length);
    this.#assertOverwrites();
    const block = this.blockBytes;
    if (block === 0 || length === 0 || !this.#order.isQuiet) return false;
    assert(
      position % block === 0 && length % block === 0,
      `${this.path}: ${position}+${length} are no blocks`,
    );
    const certain = this.#node.isCertain(position, position + length);
    assert(certain, `${this.path}: blocks at ${position} are not durable`);
    return true;
  }

  #syncRange(position: number, length: number): string | undefined {
    const node = this.#node;
    const fault = this.#system.options.fault?.("sync", this.path);
    if (fault === undefined) node.settleRange(position, position + length);
    else node.settleRangeByChance(position, position + length, this.#system.options.random);
    return fault?.code;
  }

  /** Writes at `position`, or at the end if it is undefined, in two steps. */
  #change(
    position: number | undefined,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sync: boolean,
    done: FileDone,
  ): void {
    checkRange(bytes, offset, length);
    const source = bytes.subarray(offset, offset + length);
    this.#changeInSteps(position, source, sync ? (mark) => this.#syncTo(mark) : undefined, done);
  }

  #changeInSteps(
    position: number | undefined,
    source: Uint8Array,
    sync: ((mark: number) => string | undefined) | undefined,
    done: FileDone,
  ): void {
    const step = position === undefined ? "append" : "overwrite";
    this.#order.beginAppend(() => {
      const cut = this.#system.options.random.below(source.length + 1);
      this.#step(step, () => {
        const failed = this.#write(position, source.subarray(0, cut), false);
        if (failed !== undefined) return this.#end(done, failed, "write");
        this.#step(step, () => {
          const rest = position === undefined ? undefined : position + cut;
          const failedLater = this.#write(rest, source.subarray(cut), true);
          if (failedLater !== undefined || sync === undefined) return this.#end(done, failedLater, "write");
          const mark = this.#node.mark();
          this.#step("sync", () => this.#end(done, sync(mark), "fdatasync"));
        });
      });
    });
  }

  sync(done: FileDone): void {
    this.#order.begin(true, () => {
      const mark = this.#node.mark();
      this.#step("sync", () => {
        const failed = this.#syncTo(mark);
        this.#step("done", () => {
          this.#order.end(true);
          done(failed === undefined ? undefined : systemErrorOf(failed, "fdatasync", this.path));
        });
      });
    });
  }

  syncSync(): void {
    this.#order.assertIdle();
    this.#system.enter("sync", this.path);
    this.#throwIf(this.#syncTo(this.#node.mark()), "fdatasync");
  }

  truncateSync(sizeBytes: number): void {
    this.#order.assertIdle();
    this.#assertWritable("ftruncate");
    this.#system.before("truncate", this.path, "ftruncate");
    this.#system.charge(this.#node, () => this.#node.truncate(sizeBytes));
  }

  allocateSync(sizeBytes: number): void {
    this.#order.assertOpen();
    this.#assertWritable("fallocate");
    this.#system.before("allocate", this.path, "fallocate");
    this.#throwIf(this.#system.reserve(this.#node, sizeBytes), "fallocate");
  }

  close(): void {
    this.#order.close(() => this.#system.release(this.#node));
  }

  #copy(position: number, into: Uint8Array, offset: number, length: number): number {
    const got = Math.max(0, Math.min(length, this.#node.sizeBytes - position));
    into.set(this.#node.bytes.subarray(position, position + got), offset);
    return got;
  }

  #write(position: number | undefined, source: Uint8Array, checked: boolean): string | undefined {
    return this.#system.write(this.path, this.#node, position, source, checked);
  }

  #syncTo(mark: number): string | undefined {
    const fault = this.#system.options.fault?.("sync", this.path);
    if (fault === undefined) this.#node.settle(mark);
    else this.#node.settleByChance(mark, this.#system.options.random);
    return fault?.code;
  }

  #step(operation: "append" | "overwrite" | "sync" | "done", run: () => void): void {
    this.#system.later(operation, this.path, run);
  }

  /** The callback of an append, as a step of its own: what was synced may be lost to the caller's knowledge. */
  #end(done: FileDone, failed: string | undefined, call: string): void {
    this.#step("done", () => {
      this.#order.endAppend();
      done(failed === undefined ? undefined : systemErrorOf(failed, call, this.path));
    });
  }

  #assertWritable(call: string): void {
    if (this.#mode === "read") throw systemErrorOf("EBADF", call, this.path);
  }

  #assertAppends(): void {
    if (this.#mode === "read" || this.#mode === "overwrite") throw systemErrorOf("EBADF", "write", this.path);
  }

  #assertOverwrites(): void {
    if (this.#mode !== "overwrite") throw systemErrorOf("EBADF", "write", this.path);
  }

  #throwIf(code: string | undefined, call: string): void {
    if (code !== undefined) throw systemErrorOf(code, call, this.path);
  }
}

/**
 * A file system in memory that forgets what was not synced: the port's promises, and nothing beyond them.
 *
 * Invariants
 *  - what survives `crash` is drawn from the given random alone: the synced part for certain, every unsynced
 *    write and name by chance (inode.ts, directory.ts);
 *  - asynchronous operations advance in steps through `soon`; before each step, and before each synchronous
 *    operation, `onStep` is called: a simulation can stop the world between any two;
 *  - the same seed, the same calls and the same scheduler give the same bytes and errors.
 *
 * Stricter than any real disk on purpose: code that passes here does not lean on what ext4 happens to do.
 */
import { posix } from "node:path";
import { assert } from "../../base/assert.ts";
import type { File, FileDone, FileLock, FileStat, FileSystem, OpenMode } from "../../ports/file-system.ts";
import type { Random } from "../../ports/random.ts";
import { sortedByBytes } from "../files/byte-order.ts";
import { systemErrorOf } from "../files/system-error.ts";
import { DirectoryNode, type Node, treeAfterKill, treeAfterPowerLoss } from "./directory.ts";
import { MemoryFile } from "./file.ts";
import { FileNode } from "./inode.ts";

export type FileOperation =
  | "open"
  | "read"
  | "readResident"
  | "append"
  | "overwrite"
  | "sync"
  | "truncate"
  | "allocate"
  | "size"
  | "readFile"
  | "stat"
  | "list"
  | "makeDirectory"
  | "rename"
  | "unlink"
  | "syncDirectory"
  | "lock"
  | "map";

export interface Fault {
  /** A system's code: "EIO", "ENOSPC", "EACCES", … */
  readonly code: string;
  /** For "append" and "overwrite": how many bytes are written before it fails; 0 if absent. */
  readonly partialBytes?: number;
}

export interface MemoryFileSystemOptions {
  /** Draws what a failed sync keeps and where an append under way is cut. */
  readonly random: Random;
  /** Runs a step of an asynchronous operation later; never before it returns. */
  readonly soon: (run: () => void) => void;
  readonly wallMs?: () => number;
  /** Asked before every operation (of an asynchronous one: when its step runs). */
  readonly fault?: (operation: FileOperation, path: string) => Fault | undefined;
  /** Called before every step, also the completions ("done"); may throw to end the simulated process. */
  readonly onStep?: (operation: FileOperation | "done", path: string) => void;
  /** The blocks of the disk, for `overwriteDurable`; 0 where it cannot be had. 16 if absent. */
  readonly blockBytes?: number;
  /** The volume's size; without it there is always room. */
  readonly capacityBytes?: number;
  /** Whether a range is in the page cache; by default everything is. */
  readonly isResident?: (path: string, offset: number, length: number) => boolean;
}

export class MemoryFileSystem implements FileSystem {
  readonly kind = "memory";
  readonly options: MemoryFileSystemOptions;
  #root = new DirectoryNode();
  #order = 0;
  #usedBytes = 0;
  #capacityBytes: number;
  #halted = false;
  readonly #locked = new Set<Node>();

  constructor(options: MemoryFileSystemOptions) {
    this.options = options;
    this.#capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  // --- what a test does to it -------------------------------------------------------------------------

  /**
   * The file system as a machine finds it after power loss now. A copy: this one goes on, so that several
   * futures of one moment can be looked at; call `halt` to end it. `changes` replaces options of the copy.
   */
  crash(random: Random, changes: Partial<MemoryFileSystemOptions> = {}): MemoryFileSystem {
    return this.#successor(treeAfterPowerLoss(this.#root, random), changes);
  }

  /** The file system as the next process finds it after kill -9: all written bytes, no locks. A copy. */
  kill(changes: Partial<MemoryFileSystemOptions> = {}): MemoryFileSystem {
    return this.#successor(treeAfterKill(this.#root), changes);
  }

  /** The process that used it is dead: nothing under way completes, every further call is a bug and throws. */
  halt(): void {
    this.#halted = true;
  }

  /** Flips the bits of `mask` in one byte: on the disk, in the page cache and in mappings. */
  corrupt(path: string, offset: number, mask: number): void {
    const node = this.#fileAt(path, "corrupt");
    if (offset < 0 || offset >= node.sizeBytes)
      throw new RangeError(`corrupt '${path}': no byte at ${offset}`);
    node.corrupt(offset, mask);
  }

  setCapacity(capacityBytes: number): void {
    this.#capacityBytes = capacityBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  // --- the port -----------------------------------------------------------------------------------------

  openSync(path: string, mode: OpenMode): File {
    this.before("open", path, "open");
    const { directory, name } = this.#parent(path, "open");
    let node = name === "" ? directory : directory.names.get(name);
    if (node === undefined) {
      if (mode === "read" || mode === "overwrite") throw systemErrorOf("ENOENT", "open", path);
      node = new FileNode();
      node.modifiedMs = this.#wallMs();
      node.users++;
      directory.add(this.#order++, name, node);
    } else if (mode === "create") {
      throw systemErrorOf("EEXIST", "open", path);
    }
    if (node.kind === "directory") throw systemErrorOf("EISDIR", "open", path);
    node.users++;
    return new MemoryFile(this, path, node, mode);
  }

  readFileSync(path: string): Uint8Array {
    this.before("readFile", path, "read");
    const node = this.#fileAt(path, "read");
    return node.bytes.slice(0, node.sizeBytes);
  }

  statSync(path: string): FileStat | undefined {
    this.before("stat", path, "stat");
    const node = this.#find(path, "stat");
    if (node === undefined) return undefined;
    return { kind: node.kind, sizeBytes: node.sizeBytes, modifiedMs: node.modifiedMs };
  }

  /** There are no symbolic links here. */
  realPathSync(path: string): string {
    this.before("stat", path, "realpath");
    if (this.#find(path, "realpath") === undefined) throw systemErrorOf("ENOENT", "realpath", path);
    return posix.resolve("/", path);
  }

  listSync(path: string): readonly string[] {
    this.before("list", path, "scandir");
    return sortedByBytes(this.#directoryAt(path, "scandir").names.keys());
  }

  makeDirectorySync(path: string): void {
    this.before("makeDirectory", path, "mkdir");
    let directory = this.#root;
    const parts = partsOf(path);
    for (const [depth, name] of parts.entries()) {
      let next = directory.names.get(name);
      if (next === undefined) {
        next = new DirectoryNode();
        next.modifiedMs = this.#wallMs();
        directory.add(this.#order++, name, next);
      }
      if (next.kind === "file") {
        throw systemErrorOf(depth === parts.length - 1 ? "EEXIST" : "ENOTDIR", "mkdir", path);
      }
      directory = next;
    }
  }

  renameSync(from: string, to: string): void {
    this.before("rename", from, "rename");
    const old = this.#parent(from, "rename");
    const node = old.directory.names.get(old.name);
    if (node === undefined) throw systemErrorOf("ENOENT", "rename", from);
    const target = this.#parent(to, "rename");
    const replaced = target.directory.names.get(target.name);
    if (replaced === node) return;
    if (
      node.kind === "directory" &&
      `${posix.resolve("/", to)}/`.startsWith(`${posix.resolve("/", from)}/`)
    ) {
      throw systemErrorOf("EINVAL", "rename", from);
    }
    if (replaced !== undefined) checkReplaceable(node, replaced, to);
    target.directory.renameInto(this.#order++, target.name, node, old.directory, old.name);
    if (replaced?.kind === "file") this.release(replaced);
  }

  unlinkSync(path: string): void {
    this.before("unlink", path, "unlink");
    const { directory, name } = this.#parent(path, "unlink");
    const node = directory.names.get(name);
    if (node === undefined) throw systemErrorOf("ENOENT", "unlink", path);
    if (node.kind === "directory") throw systemErrorOf("EISDIR", "unlink", path);
    directory.remove(this.#order++, name);
    this.release(node);
  }

  syncDirectorySync(path: string): void {
    this.enter("syncDirectory", path);
    this.#syncDirectory(path);
  }

  #syncDirectory(path: string): void {
    const directory = this.#directoryAt(path, "fsync");
    const fault = this.options.fault?.("syncDirectory", path);
    if (fault === undefined) {
      directory.settle();
      return;
    }
    directory.settleByChance(this.options.random);
    throw systemErrorOf(fault.code, "fsync", path);
  }

  syncDirectory(path: string, done: FileDone): void {
    this.later("syncDirectory", path, () => {
      let failed: Error | undefined;
      try {
        this.#syncDirectory(path);
      } catch (error) {
        failed = error as Error;
      }
      this.later("done", path, () => done(failed));
    });
  }

  lockSync(path: string, note: string): FileLock | undefined {
    this.before("lock", path, "flock");
    const file = this.openSync(path, "append");
    const node = this.#fileAt(path, "flock");
    if (this.#locked.has(node)) {
      file.close();
      return undefined;
    }
    this.#locked.add(node);
    file.truncateSync(0);
    const text = new TextEncoder().encode(note);
    file.appendSync(text, 0, text.length);
    return {
      release: () => {
        if (this.#locked.delete(node)) file.close();
      },
    };
  }

  freeBytesSync(path: string): number | undefined {
    this.before("stat", path, "statfs");
    if (this.#capacityBytes === Number.POSITIVE_INFINITY) return undefined;
    return Math.max(0, this.#capacityBytes - this.#usedBytes);
  }

  // --- for the other classes of this folder -----------------------------------------------------------

  /** Every synchronous operation begins here; the hook may throw to end the simulated process. */
  enter(operation: FileOperation, path: string): void {
    assert(!this.#halted, `${operation} '${path}': the process that used this file system is dead`);
    this.options.onStep?.(operation, path);
  }

  /** The same for operations that a fault lets either happen or not. */
  before(operation: FileOperation, path: string, call: string): void {
    this.enter(operation, path);
    const fault = this.options.fault?.(operation, path);
    if (fault !== undefined) throw systemErrorOf(fault.code, call, path);
  }

  /** Runs `step` later, unless the process is dead by then. */
  later(operation: FileOperation | "done", path: string, step: () => void): void {
    this.options.soon(() => {
      if (this.#halted) return;
      this.options.onStep?.(operation, path);
      if (!this.#halted) step();
    });
  }

  /**
   * Writes at `position`, or at the end if it is undefined, as much as faults and space allow; answers the code of
   * what stopped it. `checked`: the fault has been asked for already, for an earlier part of the same operation.
   */
  write(
    path: string,
    node: FileNode,
    position: number | undefined,
    source: Uint8Array,
    checked: boolean,
  ): string | undefined {
    const operation = position === undefined ? "append" : "overwrite";
    const fault = checked ? undefined : this.options.fault?.(operation, path);
    const at = position ?? node.sizeBytes;
    assert(at <= node.sizeBytes, `overwrite '${path}': ${at} is beyond the end`);
    const room = this.#capacityBytes - this.#usedBytes + (node.spaceBytes - at);
    const wanted = fault === undefined ? source.length : Math.min(source.length, fault.partialBytes ?? 0);
    const fits = Math.min(wanted, Math.max(0, room));
    this.charge(node, () => node.write(at, source.subarray(0, fits)));
    return fits < wanted ? "ENOSPC" : fault?.code;
  }

  /** Reserves space; answers ENOSPC if the volume has none left. */
  reserve(node: FileNode, sizeBytes: number): string | undefined {
    if (sizeBytes - node.spaceBytes > this.#capacityBytes - this.#usedBytes) return "ENOSPC";
    this.charge(node, () => {
      node.reservedBytes = Math.max(node.reservedBytes, sizeBytes);
    });
    return undefined;
  }

  /** Runs a change of a node's size and keeps the volume's sum. */
  charge(node: FileNode, change: () => void): void {
    const before = node.spaceBytes;
    change();
    node.modifiedMs = this.#wallMs();
    this.#usedBytes += node.spaceBytes - before;
  }

  /** One name or open file less; the last one gives the space back. */
  release(node: FileNode): void {
    node.users--;
    if (node.users === 0) this.#usedBytes -= node.spaceBytes;
  }

  /** The node behind a path, for a mapping; ENOENT or EISDIR otherwise. */
  nodeToMap(path: string): FileNode {
    this.before("map", path, "open");
    return this.#fileAt(path, "open");
  }

  // --- paths ----------------------------------------------------------------------------------------------

  #successor(root: DirectoryNode, changes: Partial<MemoryFileSystemOptions>): MemoryFileSystem {
    const next = new MemoryFileSystem({ capacityBytes: this.#capacityBytes, ...this.options, ...changes });
    if (changes.capacityBytes === undefined) next.#capacityBytes = this.#capacityBytes;
    next.#root = root;
    next.#order = this.#order;
    next.#usedBytes = spaceUnder(root, new Set());
    return next;
  }

  #wallMs(): number {
    return this.options.wallMs?.() ?? 0;
  }

  #find(path: string, call: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of partsOf(path)) {
      if (node === undefined) return undefined;
      if (node.kind === "file") throw systemErrorOf("ENOTDIR", call, path);
      node = node.names.get(name);
    }
    return node;
  }

  #fileAt(path: string, call: string): FileNode {
    const node = this.#find(path, call);
    if (node === undefined) throw systemErrorOf("ENOENT", call, path);
    if (node.kind === "directory") throw systemErrorOf("EISDIR", call, path);
    return node;
  }

  #directoryAt(path: string, call: string): DirectoryNode {
    const node = this.#find(path, call);
    if (node === undefined) throw systemErrorOf("ENOENT", call, path);
    if (node.kind === "file") throw systemErrorOf("ENOTDIR", call, path);
    return node;
  }

  /** The folder of a path and the name in it; the name is empty for the root itself. */
  #parent(path: string, call: string): { directory: DirectoryNode; name: string } {
    const parts = partsOf(path);
    const name = parts.pop() ?? "";
    const node = this.#find(parts.join("/"), call);
    if (node === undefined) throw systemErrorOf("ENOENT", call, path);
    if (node.kind === "file") throw systemErrorOf("ENOTDIR", call, path);
    return { directory: node, name };
  }
}

function partsOf(path: string): string[] {
  return posix
    .resolve("/", path)
    .split("/")
    .filter((part) => part !== "");
}

function checkReplaceable(node: Node, replaced: Node, to: string): void {
  if (node.kind === "file" && replaced.kind === "directory") throw systemErrorOf("EISDIR", "rename", to);
  if (node.kind === "directory" && replaced.kind === "file") throw systemErrorOf("ENOTDIR", "rename", to);
  if (replaced.kind === "directory" && replaced.names.size > 0)
    throw systemErrorOf("ENOTEMPTY", "rename", to);
}

function spaceUnder(directory: DirectoryNode, counted: Set<FileNode>): number {
  let sum = 0;
  for (const node of directory.names.values()) {
    if (node.kind === "directory") sum += spaceUnder(node, counted);
    else if (!counted.has(node)) sum += node.spaceBytes;
    if (node.kind === "file") counted.add(node);
  }
  return sum;
}

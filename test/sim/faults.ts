/**
 * What goes wrong with the disk, drawn from the seed: errors of single operations for a while, a full volume.
 *
 * Invariant: while `quiet` nothing is injected; a fault never lies about what it did beyond what the port allows.
 */
import type { Fault, FileOperation, MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import { AOF_FOLDER, CHECKPOINTS_FOLDER, SEGMENTS_FOLDER } from "../support/sim-server.ts";
import { oneIn, pick } from "./drawing.ts";

const FAULTY: readonly FileOperation[] = [
  "append",
  "overwrite",
  "sync",
  "rename",
  "syncDirectory",
  "open",
  "truncate",
  "unlink",
  "read",
];

export class Faults {
  readonly #random: SeededRandom;
  #operations: readonly FileOperation[] = [];
  #oneIn = 1;
  #full = false;
  /** True once anything may have failed. */
  began = false;
  /** Every folder has been made. */
  serving = false;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  get quiet(): boolean {
    return this.#operations.length === 0 && !this.#full;
  }

  /** Begins a bad time, or ends it. */
  toggle(fileSystem: MemoryFileSystem): void {
    const random = this.#random;
    this.began = true;
    if (!this.quiet) {
      this.end(fileSystem);
    } else if (oneIn(random, 3)) {
      this.#full = true;
      fileSystem.setCapacity(fileSystem.usedBytes + random.below(400));
    } else {
      this.#operations = pick(random, [["sync"], [pick(random, FAULTY)], FAULTY]);
      this.#oneIn = 1 + random.below(6);
    }
  }

  end(fileSystem: MemoryFileSystem): void {
    this.#operations = [];
    this.#full = false;
    fileSystem.setCapacity(Number.POSITIVE_INFINITY);
  }

  draw(operation: FileOperation, path: string): Fault | undefined {
    const random = this.#random;
    // A folder's sync that fails while the directory is being made leaves names that no later sync can secure:
    // nothing but making the directory anew would help, and no file system in use loses such names and goes on.
    if (operation === "syncDirectory" && path !== AOF_FOLDER) {
      if (!this.serving || (path !== CHECKPOINTS_FOLDER && path !== SEGMENTS_FOLDER)) return undefined;
    }
    if (!this.#operations.includes(operation) || !oneIn(random, this.#oneIn)) return undefined;
    return { code: pick(random, ["EIO", "ENOSPC"]), partialBytes: random.below(60) };
  }
}

/**
 * Mapped files through the addon.
 *
 * Invariants
 *  - mappings are read-only and shared: a stray write is a crash, never a changed segment;
 *  - the descriptor is closed at once, the mapping keeps the file;
 *  - after `unmap` no view of `bytes` can reach the memory: its buffer is detached first.
 *
 * Hot-path file: `isResident` is one native call and allocates nothing.
 *
 * There is no copy that survives the SIGBUS of a truncated file: it needs a process-wide signal handler, which
 * an embedding program may replace. Sealed files are never truncated while mapped, and blocks are checksummed.
 */
import type { MappedFile, MappedFiles } from "../../ports/mapped-file.ts";
import { checkMappedRange, checkMappingSize } from "../files/mapping-size.ts";
import { systemError } from "../files/system-error.ts";
import type { FileAddon, MappingAddon } from "./addon-files.ts";

type Advice = "normal" | "random" | "sequential" | "willneed" | "dontneed";

const OPEN_READ = 0;

export class NativeMappedFiles implements MappedFiles {
  readonly kind = "native";
  readonly #addon: FileAddon;

  constructor(addon: FileAddon) {
    this.#addon = addon;
  }

  map(path: string): MappedFile {
    const descriptor = this.#addon.fileOpen(path, OPEN_READ);
    if (descriptor < 0) throw systemError(descriptor, "open", path);
    try {
      const sizeBytes = this.#addon.fileSize(descriptor);
      if (sizeBytes < 0) throw systemError(sizeBytes, "fstat", path);
      checkMappingSize(path, sizeBytes);
      const { map, PROT_READ, MAP_SHARED } = this.#addon.mapping;
      const bytes = map(sizeBytes, PROT_READ, MAP_SHARED, descriptor);
      if (typeof bytes === "number") throw systemError(bytes, "mmap", path);
      return new NativeMappedFile(this.#addon.mapping, path, bytes);
    } finally {
      this.#addon.fileClose(descriptor);
    }
  }
}

class NativeMappedFile implements MappedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly #mapping: MappingAddon;

  constructor(mapping: MappingAddon, path: string, bytes: Uint8Array) {
    this.#mapping = mapping;
    this.path = path;
    this.bytes = bytes;
  }

  isResident(offset: number, length: number): boolean {
    checkMappedRange(this.path, this.bytes.length, offset, length);
    return length === 0 || this.#mapping.resident(this.bytes, offset, length) === 1;
  }

  advise(offset: number, length: number, advice: Advice): void {
    checkMappedRange(this.path, this.bytes.length, offset, length);
    if (length === 0) return;
    const { MADV_PAGEOUT, MADV_DONTNEED } = this.#mapping;
    if (advice === "dontneed" && MADV_PAGEOUT !== undefined) {
      // DONTNEED takes the pages out of this process only; PAGEOUT gives their memory back. A kernel before 5.4
      // does not know it, which is no failure: the advice that follows is the one that was asked for.
      this.#mapping.advise(this.bytes, offset, length, MADV_PAGEOUT);
    }
    const failed = this.#mapping.advise(this.bytes, offset, length, this.#value(advice, MADV_DONTNEED));
    if (failed < 0) throw systemError(failed, "madvise", this.path);
  }

  residentBytes(): number | undefined {
    if (this.bytes.length === 0) return 0;
    const pages = this.#mapping.incore(this.bytes);
    if (typeof pages === "number") return undefined;
    return Math.min(pages[1] * this.#mapping.PAGESIZE, this.bytes.length);
  }

  unmap(): void {
    if (this.bytes.length > 0) this.#mapping.unmap(this.bytes);
  }

  #value(advice: Advice, dontNeed: number): number {
    switch (advice) {
      case "normal":
        return this.#mapping.MADV_NORMAL;
      case "random":
        return this.#mapping.MADV_RANDOM;
      case "sequential":
        return this.#mapping.MADV_SEQUENTIAL;
      case "willneed":
        return this.#mapping.MADV_WILLNEED;
      case "dontneed":
        return dontNeed;
    }
  }
}

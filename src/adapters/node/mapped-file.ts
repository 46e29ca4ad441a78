/**
 * Mapped files for machines without the addon: the file is read into memory once.
 *
 * Invariants
 *  - every byte is in memory, so everything is resident and no advice changes that;
 *  - `unmap` detaches the buffer, exactly as a real mapping would be gone.
 *
 * It costs the file's size in memory, and says so in INFO by its kind: without the addon the warm tier saves no
 * memory while a file is mapped. Correct is what this is for.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { FerriteError } from "../../base/errors.ts";
import type { MappedFile, MappedFiles } from "../../ports/mapped-file.ts";
import { detach } from "../files/detach.ts";
import { checkMappedRange, checkMappingSize } from "../files/mapping-size.ts";
import { withPath } from "../files/system-error.ts";

export class PortableMappedFiles implements MappedFiles {
  readonly kind = "portable";

  map(path: string): MappedFile {
    const descriptor = openSync(path, "r");
    try {
      const found = fstatSync(descriptor);
      checkMappingSize(path, found.size);
      const buffer = new ArrayBuffer(found.size);
      readWhole(descriptor, new Uint8Array(buffer), path);
      return new HeapMappedFile(path, buffer);
    } catch (error) {
      throw error instanceof FerriteError ? error : withPath(error, path);
    } finally {
      closeSync(descriptor);
    }
  }
}

/** A mapping that is plain memory; also the in-memory implementation's. */
export class HeapMappedFile implements MappedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly #buffer: ArrayBuffer;

  /** Takes the buffer over. */
  constructor(path: string, buffer: ArrayBuffer) {
    this.path = path;
    this.#buffer = buffer;
    this.bytes = new Uint8Array(buffer);
  }

  isResident(offset: number, length: number): boolean {
    checkMappedRange(this.path, this.bytes.length, offset, length);
    return true;
  }

  advise(offset: number, length: number): void {
    checkMappedRange(this.path, this.bytes.length, offset, length);
  }

  residentBytes(): number | undefined {
    return this.bytes.length;
  }

  unmap(): void {
    if (this.bytes.length > 0) detach(this.#buffer);
  }
}

function readWhole(descriptor: number, into: Uint8Array, path: string): void {
  let done = 0;
  while (done < into.length) {
    const got = readSync(descriptor, into, done, into.length - done, done);
    if (got === 0) {
      throw new FerriteError(
        "corruption",
        `map '${path}': expected ${into.length} bytes, the file ends at ${done}`,
      );
    }
    done += got;
  }
}

/**
 * Mappings of the in-memory file system: a copy that sees later bit flips, with residency told by the test.
 *
 * Invariants
 *  - the bytes are the file's at the moment of mapping, as a sealed file's never change;
 *  - `unmap` detaches the copy, so that a use after it shows in a test as length 0.
 */
import type { MappedFile, MappedFiles } from "../../ports/mapped-file.ts";
import { checkMappingSize } from "../files/mapping-size.ts";
import { HeapMappedFile } from "../node/mapped-file.ts";
import type { MemoryFileSystem } from "./file-system.ts";
import type { FileNode } from "./inode.ts";

export class MemoryMappedFiles implements MappedFiles {
  readonly kind = "memory";
  readonly #system: MemoryFileSystem;

  constructor(system: MemoryFileSystem) {
    this.#system = system;
  }

  map(path: string): MappedFile {
    const node = this.#system.nodeToMap(path);
    checkMappingSize(path, node.sizeBytes);
    return new MemoryMappedFile(path, node, this.#system.options.isResident);
  }
}

class MemoryMappedFile extends HeapMappedFile {
  readonly #node: FileNode;
  readonly #isResident: ((path: string, offset: number, length: number) => boolean) | undefined;

  constructor(
    path: string,
    node: FileNode,
    isResident: ((path: string, offset: number, length: number) => boolean) | undefined,
  ) {
    super(path, node.bytes.slice(0, node.sizeBytes).buffer);
    this.#node = node;
    this.#isResident = isResident;
    node.mapped.add(this.bytes);
  }

  override isResident(offset: number, length: number): boolean {
    return super.isResident(offset, length) && (this.#isResident?.(this.path, offset, length) ?? true);
  }

  override unmap(): void {
    this.#node.mapped.delete(this.bytes);
    super.unmap();
  }
}

/** As much of a file system as replacing one small file needs, with the order of operations written down. */
import type { File, FileSystem } from "../../src/ports/file-system.ts";

const unused = (): never => {
  throw new Error("not needed here");
};

export class MemoryFiles implements FileSystem {
  readonly kind = "memory";
  readonly operations: string[] = [];
  failAppends = false;
  readonly #texts = new Map<string, string>();

  constructor(texts: Record<string, string>) {
    for (const [path, text] of Object.entries(texts)) this.#texts.set(path, text);
  }

  text(path: string): string | undefined {
    return this.#texts.get(path);
  }
  put(path: string, text: string): void {
    this.#texts.set(path, text);
  }
  names(): string[] {
    return [...this.#texts.keys()].sort();
  }

  openSync(path: string, mode: "read" | "append" | "create"): File {
    this.operations.push(`${mode} ${path}`);
    this.#texts.set(path, "");
    return {
      path,
      sizeSync: () => this.#texts.get(path)!.length,
      readSync: unused,
      read: unused,
      readResidentSync: unused,
      appendSync: (bytes, offset, length) => {
        if (this.failAppends) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
        this.operations.push(`append ${path}`);
        const text = Buffer.from(bytes.subarray(offset, offset + length)).toString("utf8");
        this.#texts.set(path, this.#texts.get(path)! + text);
      },
      append: unused,
      overwriteSync: unused,
      overwrite: unused,
      blockBytes: 0,
      overwriteBlocks: unused,
      overwriteBlocksSync: unused,
      sync: unused,
      syncSync: () => void this.operations.push(`sync ${path}`),
      truncateSync: unused,
      allocateSync: unused,
      close: () => {},
    };
  }
  readFileSync(path: string): Uint8Array {
    return Buffer.from(this.#texts.get(path)!, "utf8");
  }
  statSync(path: string) {
    const text = this.#texts.get(path);
    return text === undefined ? undefined : { kind: "file" as const, sizeBytes: text.length, modifiedMs: 0 };
  }
  realPathSync = unused;
  listSync = unused;
  makeDirectorySync = unused;
  renameSync(from: string, to: string): void {
    this.operations.push(`rename ${from} ${to}`);
    this.#texts.set(to, this.#texts.get(from)!);
    this.#texts.delete(from);
  }
  unlinkSync(path: string): void {
    this.#texts.delete(path);
  }
  syncDirectorySync(path: string): void {
    this.operations.push(`sync ${path}`);
  }
  syncDirectory = unused;
  lockSync = unused;
  freeBytesSync = unused;
}

/** The implementations that the contracts of files and mappings are held against, each in a folder of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { MemoryMappedFiles } from "../../src/adapters/memory/mapped-file.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { addonProblem, loadAddon } from "../../src/adapters/native/addon.ts";
import { NativeFileSystem } from "../../src/adapters/native/file-system.ts";
import { NativeMappedFiles } from "../../src/adapters/native/mapped-file.ts";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import { PortableMappedFiles } from "../../src/adapters/node/mapped-file.ts";
import type { File, FileSystem } from "../../src/ports/file-system.ts";
import type { MappedFiles } from "../../src/ports/mapped-file.ts";

export interface Place {
  readonly system: FileSystem;
  readonly mapped: MappedFiles;
  /** An empty folder. */
  readonly root: string;
  finish(): void;
}

export interface Implementation {
  readonly kind: string;
  /** Why it cannot run here; the suite then shows as skipped with this reason. */
  readonly absent: string;
  open(): Place;
}

export const addon = loadAddon();
/** For child processes, which load the addon by themselves; the same build as here. */
export const ADDON_PATH = fileURLToPath(
  new URL(`../../build/${process.env["FERRITE_NATIVE_BUILD"] ?? "Release"}/ferrite.node`, import.meta.url),
);
const noAddon = addon === undefined ? addonProblem() : "";

export const IMPLEMENTATIONS: readonly Implementation[] = [
  {
    kind: "native",
    absent: noAddon,
    open: () => onDisk(new NativeFileSystem(addon!), new NativeMappedFiles(addon!)),
  },
  { kind: "portable", absent: "", open: () => onDisk(new PortableFileSystem(), new PortableMappedFiles()) },
  { kind: "memory", absent: "", open: inMemory },
];

/** The title of a suite: names the implementation and, where it cannot run, the reason. */
export function titleOf(port: string, { kind, absent }: Implementation): string {
  return absent === "" ? `${port}, ${kind}` : `${port}, ${kind} (skipped: ${absent})`;
}

function onDisk(system: FileSystem, mapped: MappedFiles): Place {
  const root = mkdtempSync(join(tmpdir(), "ferrite-files-"));
  return { system, mapped, root, finish: () => rmSync(root, { recursive: true, force: true }) };
}

function inMemory(): Place {
  const system = new MemoryFileSystem({ random: new SeededRandom(7), soon: setImmediate, wallMs: Date.now });
  system.makeDirectorySync("/place");
  return { system, mapped: new MemoryMappedFiles(system), root: "/place", finish: () => {} };
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export function write(system: FileSystem, path: string, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? bytesOf(content) : content;
  const file = system.openSync(path, "append");
  file.appendSync(bytes, 0, bytes.length);
  file.close();
}

/** Bytes whose every position can be told from its neighbours. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 131 + (i >>> 8) * 17) & 0xff;
  return bytes;
}

export function append(file: File, text: string, sync: boolean): Promise<void> {
  const bytes = bytesOf(text);
  return settle((done) => file.append(bytes, 0, bytes.length, sync, done));
}

/** An operation with a `FileDone` as a promise. */
export function settle(start: (done: (error: Error | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** What `run` throws, which must be an error. */
export function thrownBy(run: () => unknown): Error & { code?: string; path?: string; syscall?: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("expected an error, but nothing was thrown");
}

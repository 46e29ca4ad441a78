/** Opens databases for tests, on files that can be made to fail, and closes what a test has left open. */
import { afterEach } from "vitest";
import { loadAddon } from "../../src/adapters/native/addon.ts";
import { NativeFileSystem } from "../../src/adapters/native/file-system.ts";
import { NodeClock } from "../../src/adapters/node/clock.ts";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import { NodeRandom } from "../../src/adapters/node/random.ts";
import type { FerriteDatabase } from "../../src/embed/database.ts";
import { openWith } from "../../src/embed/open.ts";
import { type ConfigOptions, configFor } from "../../src/embed/options.ts";
import { open } from "../../src/index.ts";
import { heapBuffers } from "../../src/ports/buffers.ts";
import type { File, FileDone, FileSystem, OpenMode } from "../../src/ports/file-system.ts";
import { reasonToSkip } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temp.ts";

export const utf8 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString("utf8");

/** What files can be kept on here: the portable ones always, the native ones where the addon is built. */
export const fileKinds: readonly ("native" | "portable")[] =
  reasonToSkip("native", loadAddon() === undefined ? "the addon is not built" : undefined) === undefined
    ? ["native", "portable"]
    : ["portable"];

const opened = new Set<FerriteDatabase>();

afterEach(async () => {
  for (const database of opened) await database.close().catch(() => {});
  opened.clear();
});

export function closeAfterTest(database: FerriteDatabase): FerriteDatabase {
  opened.add(database);
  return database;
}

export async function openFolder(
  folder = temporaryFolder("embed"),
  config: ConfigOptions = {},
): Promise<FerriteDatabase> {
  return closeAfterTest(await open(folder, { config, logger: "silent" }));
}

/** Real files whose appends and syncs fail while `failing` holds a system's code. */
export class FailingFiles {
  failing: string | undefined;
  readonly fileSystem: FileSystem;

  constructor(kind: "native" | "portable") {
    const files = kind === "native" ? new NativeFileSystem(loadAddon()!) : new PortableFileSystem();
    this.fileSystem = intercept(files, {
      openSync: (path: string, mode: OpenMode) => {
        if (mode === "create" && this.failing !== undefined) throw this.#error();
        return this.#file(files.openSync(path, mode));
      },
    });
  }

  #error(): Error {
    return Object.assign(new Error(`${this.failing}: made to fail`), { code: this.failing });
  }

  #file(file: File): File {
    return intercept(file, {
      appendSync: (bytes: Uint8Array, offset: number, length: number) => {
        if (this.failing !== undefined) throw this.#error();
        file.appendSync(bytes, offset, length);
      },
      append: (bytes: Uint8Array, offset: number, length: number, sync: boolean, done: FileDone) => {
        const error = this.failing === undefined ? undefined : this.#error();
        file.append(bytes, offset, length, sync, (failure) => done(error ?? failure));
      },
      overwriteSync: (position: number, bytes: Uint8Array, offset: number, length: number) => {
        if (this.failing !== undefined) throw this.#error();
        file.overwriteSync(position, bytes, offset, length);
      },
      overwrite: (
        position: number,
        bytes: Uint8Array,
        offset: number,
        length: number,
        sync: boolean,
        done: FileDone,
      ) => {
        const error = this.failing === undefined ? undefined : this.#error();
        file.overwrite(position, bytes, offset, length, sync, (failure) => done(error ?? failure));
      },
      overwriteBlocks: (
        position: number,
        bytes: Uint8Array,
        offset: number,
        length: number,
        done: FileDone,
      ) => {
        const error = this.failing === undefined ? undefined : this.#error();
        return file.overwriteBlocks(position, bytes, offset, length, (failure) => done(error ?? failure));
      },
      overwriteBlocksSync: (position: number, bytes: Uint8Array, offset: number, length: number) => {
        if (this.failing !== undefined) throw this.#error();
        return file.overwriteBlocksSync(position, bytes, offset, length);
      },
      sync: (done: FileDone) => {
        const error = this.failing === undefined ? undefined : this.#error();
        file.sync((failure) => done(error ?? failure));
      },
      syncSync: () => {
        if (this.failing !== undefined) throw this.#error();
        file.syncSync();
      },
    });
  }
}

/** The object with some methods replaced; the others run on the object itself. */
function intercept<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(object, name) {
      if (name in replaced) return (replaced as Record<PropertyKey, unknown>)[name];
      const value = (object as Record<PropertyKey, unknown>)[name];
      return typeof value === "function" ? value.bind(object) : value;
    },
  });
}

const SILENT = { debug() {}, verbose() {}, notice() {}, warning() {}, setLevel() {} };

export async function openOn(
  files: FailingFiles,
  folder: string,
  config: ConfigOptions,
): Promise<FerriteDatabase> {
  const ports = {
    clock: new NodeClock(),
    random: new NodeRandom(),
    logger: SILENT,
    fileSystem: files.fileSystem,
    buffers: heapBuffers,
  };
  return closeAfterTest(await openWith(configFor(folder, { config }), ports));
}

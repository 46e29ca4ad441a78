/** A log over the crashable file system and virtual time, and its effects as plain text. */

import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import {
  type Fault,
  type FileOperation,
  MemoryFileSystem,
  type MemoryFileSystemOptions,
} from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import type { AppendOnlyLog } from "../../src/aof/append-only-log.ts";
import { openLog } from "../../src/aof/open-log.ts";
import { type LogSummary, readLog } from "../../src/aof/read-log.ts";
import type { SyncPolicy } from "../../src/aof/sync-policy.ts";
import { truncateTornTail } from "../../src/aof/torn-tail.ts";
import { fromLatin1, latin1 } from "../../src/base/bytes.ts";
import type { FileSystem } from "../../src/ports/file-system.ts";
import type { Logger } from "../../src/ports/logger.ts";

export const FOLDER = "/data/aof";

export const silent: Logger = {
  debug: () => {},
  verbose: () => {},
  notice: () => {},
  warning: () => {},
  setLevel: () => {},
};

export interface World {
  readonly clock: VirtualClock;
  readonly fs: MemoryFileSystem;
  /** Asked before every operation; replace it to inject faults. */
  fault: (operation: FileOperation, path: string) => Fault | undefined;
  /** Where the steps of asynchronous operations go; replaced by `holdDisk`. */
  soon: (run: () => void) => void;
  /** Called before every step of the file system. */
  step: () => void;
}

/** Keeps asynchronous operations from getting on until the function that it returns is called. */
export function holdDisk(world: World): () => void {
  const held: (() => void)[] = [];
  const { soon } = world;
  world.soon = (run) => void held.push(run);
  return () => {
    world.soon = soon;
    for (const run of held) soon(run);
  };
}

type Hooks = Pick<MemoryFileSystemOptions, "soon" | "wallMs" | "fault" | "onStep">;

function worldAround(clock: VirtualClock, make: (hooks: Hooks) => MemoryFileSystem): World {
  const world = {
    clock,
    fault: (_operation: FileOperation, _path: string): Fault | undefined => undefined,
    soon: (run: () => void): void => clock.soon(run),
    step: (): void => undefined,
  };
  const fs = make({
    soon: (run) => world.soon(run),
    wallMs: () => clock.wallMs(),
    fault: (operation, path) => world.fault(operation, path),
    onStep: () => world.step(),
  });
  return Object.assign(world, { fs });
}

/** `blockBytes`: of the disk, for direct writes; 0 for a system without them. */
export function newWorld(seed = 1, blockBytes = 16): World {
  const random = new SeededRandom(seed);
  const world = worldAround(
    new VirtualClock(),
    (hooks) => new MemoryFileSystem({ random, blockBytes, ...hooks }),
  );
  world.fs.makeDirectorySync("/data");
  world.fs.syncDirectorySync("/");
  return world;
}

/** The next life, which finds what `remains` holds, later than `before`. */
export function nextWorld(before: World, remains: MemoryFileSystem): World {
  before.fs.halt();
  return worldAfter(before, remains);
}

/** One of several futures of `before`, which goes on. */
export function worldAfter(before: World, remains: MemoryFileSystem): World {
  return worldAround(new VirtualClock(before.clock.wallMs()), (hooks) => remains.kill(hooks));
}

export interface ReadBack {
  /** One line per effect: `lsn@db word word …`, units in braces. */
  readonly lines: string[];
  readonly summary: LogSummary;
}

export async function readBack(fs: FileSystem, afterLsn = 0, folder = FOLDER): Promise<ReadBack> {
  const lines: string[] = [];
  const summary = await readLog({
    fs,
    folder,
    afterLsn,
    handler: {
      effect(db, request, lsn) {
        const words: string[] = [];
        for (let i = 0; i < request.argc; i++)
          words.push(latin1(request.bytes, request.offsets[i]!, request.lengths[i]!));
        lines.push(`${lsn}@${db} ${words.join(" ")}`);
      },
      beginUnit: () => void lines.push("{"),
      endUnit: () => void lines.push("}"),
    },
  });
  return { lines, summary };
}

export interface OpenOptions {
  readonly policy?: SyncPolicy;
  readonly partBytesMax?: number;
  readonly heldBytesMax?: number;
  readonly spaceBytesMax?: number;
  readonly loopSyncMsMax?: number;
  readonly afterLsn?: number;
  readonly marks?: boolean;
}

/** Reads, cuts a torn tail, opens: what a start does. */
export async function start(
  world: World,
  options: OpenOptions = {},
): Promise<ReadBack & { log: AppendOnlyLog }> {
  const { clock, fs } = world;
  const back = await readBack(fs, options.afterLsn ?? 0);
  if (back.summary.tornTail) truncateTornTail(fs, FOLDER, back.summary.tornTail, clock.wallMs());
  const { policy = "everysec", partBytesMax, heldBytesMax, spaceBytesMax, loopSyncMsMax, marks } = options;
  const opening = openLog({
    fs,
    folder: FOLDER,
    clock,
    logger: silent,
    policy,
    summary: back.summary,
    ...(partBytesMax === undefined ? {} : { partBytesMax }),
    ...(heldBytesMax === undefined ? {} : { heldBytesMax }),
    ...(spaceBytesMax === undefined ? {} : { spaceBytesMax }),
    ...(loopSyncMsMax === undefined ? {} : { loopSyncMsMax }),
    ...(marks === undefined ? {} : { marks }),
  });
  return { ...back, log: await finish(clock, opening) };
}

/** Lets virtual time stand and everything else run until the promise settles. */
export async function finish<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  while (!settled) await clock.drainAsync();
  return promise;
}

export function resp(...words: string[]): Uint8Array {
  return fromLatin1(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
}

/** Appends one command as it would arrive, without ending the turn. */
export function append(log: AppendOnlyLog, db: number, ...words: string[]): void {
  const bytes = resp(...words);
  log.appendVerbatim(db, bytes, 0, bytes.length);
}

export function fileText(fs: FileSystem, name: string): string {
  return latin1(fs.readFileSync(`${FOLDER}/${name}`));
}

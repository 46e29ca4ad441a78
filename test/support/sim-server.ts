/**
 * The whole server over in-memory ports: the composition root of the simulation and of the server's tests.
 *
 * Invariants: nothing here asks the machine for time, files, sockets or threads; start and stop run the same steps in the same
 * order as the program's own (src/cli/wire.ts).
 */
import type { VirtualClock } from "../../src/adapters/memory/clock.ts";
import type { MemoryTransport } from "../../src/adapters/memory/transport.ts";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { type Assembly, prepareAssembly } from "../../src/database/assembly.ts";
import type { Buffers } from "../../src/ports/buffers.ts";
import type { FileSystem } from "../../src/ports/file-system.ts";
import type { LogFields, Logger } from "../../src/ports/logger.ts";
import type { Random } from "../../src/ports/random.ts";
import type { Runtime } from "../../src/ports/runtime.ts";
import { Server } from "../../src/server/server.ts";
import { runLengthCodec } from "./run-length-codec.ts";

export const DATA_FOLDER = "/data";
export const AOF_FOLDER = `${DATA_FOLDER}/aof`;
export const CHECKPOINTS_FOLDER = `${DATA_FOLDER}/checkpoints`;
export const SEGMENTS_FOLDER = `${CHECKPOINTS_FOLDER}/segments`;

/** A process whose figures never change. */
const STILL_RUNTIME: Runtime = {
  processId: 4242,
  nodeVersion: "v20.0.0",
  systemMemoryBytes: 2 ** 33,
  memory: () => ({ residentBytes: 0, heapUsedBytes: 0, heapTotalBytes: 0, arrayBuffersBytes: 0 }),
  heapUsedBytes: () => 0,
  processorTime: () => ({ userMicroseconds: 0, systemMicroseconds: 0 }),
  collectGarbage: () => undefined,
  blockMs: () => undefined,
};

/** As strict as memory can be: whoever still uses what was given back sees an empty array, not old bytes. */
const DETACHING_BUFFERS: Buffers = {
  kind: "detaching",
  allocate: (bytes) => new ArrayBuffer(bytes),
  filled: () => undefined,
  release: (buffer) => void structuredClone(buffer, { transfer: [buffer] }),
};

/** Keeps the warnings, for tests that expect one. */
export class KeptLogger implements Logger {
  readonly warnings: { readonly event: string; readonly fields: LogFields }[] = [];
  debug(): void {}
  verbose(): void {}
  notice(): void {}
  warning(event: string, fields: LogFields = {}): void {
    this.warnings.push({ event, fields });
  }
  setLevel(): void {}
}

export interface ServerParts {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly fileSystem: FileSystem;
  readonly transport: MemoryTransport;
  readonly logger: Logger;
  /** Option keys and their texts, as on the command line. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Smaller than the option allows, so that parts follow one another quickly. */
  readonly partBytesMax?: number;
  /** Under `always`: whether the loop waits for a quick sync. */
  readonly loopSyncMsMax?: number;
  /** Called when clients can connect and nothing has been loaded yet. */
  readonly beforeLoading?: (assembly: Assembly, server: Server) => void;
  /** Called when the data is recovered and nobody has been served any of it. */
  readonly beforeServing?: (assembly: Assembly, server: Server) => void;
}

export interface RunningServer {
  readonly config: Config;
  readonly assembly: Assembly;
  readonly server: Server;
  /** Resolves when SHUTDOWN has stopped the server, rejects if that failed half-way. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export function simulatedConfig(settings: Readonly<Record<string, string>> = {}): Config {
  const all: Record<string, string> = {
    "storage.data_dir": DATA_FOLDER,
    "server.port": "20001",
    "storage.segment_size": "256KB",
    ...settings,
  };
  const flags = Object.entries(all).map(([key, text]) => ({ key, text, flag: `--set ${key}` }));
  return loadConfig({ environment: {}, flags, workingFolder: "/" });
}

export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const config = simulatedConfig(parts.settings);
  if (parts.partBytesMax !== undefined) {
    (config.values.persistence as { aof_part_max_size: number }).aof_part_max_size = parts.partBytesMax;
  }
  const { clock, random, fileSystem, transport, logger } = parts;
  let end: ((stopping: Promise<void>) => void) | undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  ended.catch(() => undefined);
  const assembly = prepareAssembly(config, {
    clock,
    random,
    logger,
    fileSystem,
    loopSyncMsMax: parts.loopSyncMsMax ?? 0,
    loadCodec: async () => runLengthCodec,
    runtime: STILL_RUNTIME,
    buffers: DETACHING_BUFFERS,
    version: "0.0.0",
    transportKind: transport.kind,
    // As in the program: SHUTDOWN is still being executed.
    stop: async () => {
      await new Promise<void>((resolve) => clock.soon(resolve));
      const stopping = stop();
      end?.(stopping);
      await stopping;
    },
  });
  const server = new Server(config, assembly.database);
  const stop = async (): Promise<void> => {
    assembly.beginStop();
    server.quiesce();
    await assembly.durable.settleLog();
    const saved = assembly.durable.saveBeforeStop("default");
    await Promise.allSettled([saved, server.stop(config.values.server.shutdown_timeout)]);
    await assembly.close();
    await saved;
  };
  try {
    await server.listen(transport, undefined);
    parts.beforeLoading?.(assembly, server);
    await assembly.recover();
    parts.beforeServing?.(assembly, server);
    assembly.start(server);
    return { config, assembly, server, ended, stop };
  } catch (error) {
    await server.stop(0);
    await assembly.close();
    throw error;
  }
}

/** Resolves when all promise reactions that are due have run. */
export function reactions(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** One command as a client sends it; each character of a word is one byte. */
export function requestText(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

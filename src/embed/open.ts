/**
 * The composition root of the library: the same engine as the server's, in this process, without a port.
 *
 * Invariants: the directory is locked before anything in it is read; a database that is returned is recovered
 * completely; a failure at any step leaves the directory free and unchanged.
 */
import { join } from "node:path";
import { MemoryFileSystem } from "../adapters/memory/file-system.ts";
import { type Addon, addonProblem, loadAddon } from "../adapters/native/addon.ts";
import { NativeBuffers } from "../adapters/native/buffers.ts";
import { NativeFileSystem } from "../adapters/native/file-system.ts";
import { NodeClock } from "../adapters/node/clock.ts";
import { PortableFileSystem } from "../adapters/node/file-system.ts";
import { createLogger } from "../adapters/node/logger.ts";
import { NodeRandom } from "../adapters/node/random.ts";
import { NodeRuntime } from "../adapters/node/runtime.ts";
import { PACKAGE_FOLDER } from "../adapters/package-folder.ts";
import { FerriteError } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import { openAssembly } from "../database/assembly.ts";
import { type Buffers, heapBuffers } from "../ports/buffers.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Logger } from "../ports/logger.ts";
import type { Random } from "../ports/random.ts";
import { FerriteDatabase } from "./database.ts";
import { LocalTurns } from "./local-turns.ts";
import { configFor, type MemoryOptions, type OpenOptions } from "./options.ts";

const PACKAGE_FILE = join(PACKAGE_FOLDER, "package.json");

/**
 * Opens the database in a directory, which is created if it does not exist, and recovers what it holds. Nobody else
 * can open it, and no server start on it, until it is closed or the process ends.
 *
 * Throws FerriteError: "conflict" if somebody else has the directory, "usage" for wrong options, "corruption" or
 * "unavailable" if its data cannot be read.
 */
export function open(directory: string, options?: OpenOptions): Promise<FerriteDatabase>;
/** Opens an empty database that touches no file; what is in it is gone when it is closed. */
export function open(options: MemoryOptions): Promise<FerriteDatabase>;
export async function open(where: string | MemoryOptions, given: OpenOptions = {}): Promise<FerriteDatabase> {
  const directory = typeof where === "string" ? where : undefined;
  const options = typeof where === "string" ? given : where;
  if (directory === "" || (typeof where !== "string" && where?.memory !== true)) {
    throw new FerriteError(
      "usage",
      "open: expected the path of a directory, or { memory: true } for a database that is kept nowhere",
    );
  }
  const config = configFor(directory, options);
  const clock = new NodeClock();
  const random = new NodeRandom();
  const logger = loggerFor(config, options.logger, clock);
  const addon = chooseAddon(config, logger);
  return openWith(config, {
    clock,
    random,
    logger,
    fileSystem:
      directory === undefined
        ? new MemoryFileSystem({ random, soon: (run) => clock.soon(run) })
        : addon === undefined
          ? new PortableFileSystem()
          : new NativeFileSystem(addon),
    buffers: addon === undefined ? heapBuffers : new NativeBuffers(addon.mapping),
  });
}

export interface OpenPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly fileSystem: FileSystem;
  readonly buffers: Buffers;
}

/** As `open`, on given ports. */
export async function openWith(config: Config, ports: OpenPorts): Promise<FerriteDatabase> {
  const { clock } = ports;
  let database: FerriteDatabase | undefined;
  const assembly = await openAssembly(config, {
    ...ports,
    runtime: new NodeRuntime(),
    version: packageVersion(),
    transportKind: "none (in-process)",
    // SHUTDOWN: the command that asks for it is still being executed.
    stop: async () => {
      await new Promise<void>((resolve) => clock.soon(resolve));
      await database?.close();
    },
  });
  const { server } = config.values;
  const turns = new LocalTurns(assembly.database, clock, {
    argumentBytesMax: () => server.proto_max_bulk_len,
    backlogBytesMax: () => server.client_query_buffer_limit,
  });
  database = new FerriteDatabase(assembly, turns);
  assembly.start(turns);
  return database;
}

/** As the server chooses, but quietly: a program that cannot have the addon is no worse off than it expects. */
function chooseAddon(config: Config, logger: Logger): Addon | undefined {
  const wanted = config.values.server.io;
  if (wanted === "portable") return undefined;
  const addon = loadAddon();
  if (addon === undefined && wanted === "native") {
    throw new FerriteError(
      "unavailable",
      `server.io is "native", but the addon cannot be used: ${addonProblem()}; run \`npm rebuild\` with a C++ compiler installed, or set server.io to "auto"`,
    );
  }
  if (addon === undefined)
    logger.verbose("using the portable path, which is slower", { reason: addonProblem() });
  return addon;
}

function loggerFor(config: Config, given: OpenOptions["logger"], clock: Clock): Logger {
  if (typeof given === "object") return given;
  if (given === "silent") return SILENT;
  const { level, file, format } = config.values.logging;
  const logger = createLogger({
    clock,
    level,
    // Standard output belongs to the program.
    ...(file === "" ? { sink: process.stderr } : { file }),
    format: format === "auto" ? (process.stderr.isTTY === true ? "pretty" : "json") : format,
  });
  config.onChange("logging.level", (changed) => logger.setLevel(changed));
  return logger;
}

const SILENT: Logger = { debug() {}, verbose() {}, notice() {}, warning() {}, setLevel() {} };

function packageVersion(): string {
  const text = new TextDecoder().decode(new PortableFileSystem().readFileSync(PACKAGE_FILE));
  return String((JSON.parse(text) as { version: unknown }).version);
}

/**
 * The composition root of the server: which implementation stands behind each port, and in what order things
 * start and stop.
 *
 * Invariants: the directory is locked before anything in it is read, and unlocked last; while the data is loaded the server
 * listens, and answers LOADING to all that need it; a failure at any step undoes the steps before it.
 */
import { readFileSync } from "node:fs";
import type { TlsOptions } from "node:tls";
import { type Addon, addonProblem, loadAddon } from "../adapters/native/addon.ts";
import { NativeBuffers } from "../adapters/native/buffers.ts";
import { NativeFileSystem } from "../adapters/native/file-system.ts";
import { NativeTransport } from "../adapters/native/transport.ts";
import { NodeClock } from "../adapters/node/clock.ts";
import { PortableFileSystem } from "../adapters/node/file-system.ts";
import { createLogger } from "../adapters/node/logger.ts";
import { NodeRandom } from "../adapters/node/random.ts";
import { collectYoungOnOneThread, NodeRuntime } from "../adapters/node/runtime.ts";
import { LOOP_SYNC_MS_MAX_DEFAULT } from "../aof/sync-place.ts";
import { FerriteError, messageOf } from "../base/errors.ts";
import { chooseCrc32c } from "../codec/crc32c.ts";
import type { Config } from "../config/config.ts";
import { type Assembly, prepareAssembly } from "../database/assembly.ts";
import type { DurableState } from "../database/durable-state.ts";
import { heapBuffers } from "../ports/buffers.ts";
import type { Logger } from "../ports/logger.ts";
import type { Transport } from "../ports/transport.ts";
import { Server } from "../server/server.ts";
import { packageVersion } from "./node-host.ts";
import type { RunningServer } from "./running-server.ts";

export async function startServer(config: Config): Promise<RunningServer> {
  collectYoungOnOneThread();
  const clock = new NodeClock();
  const { format, level, file } = config.values.logging;
  const logger = createLogger({ clock, level, file, ...(format === "auto" ? {} : { format }) });
  config.onChange("logging.level", (changed) => logger.setLevel(changed));
  const addon = chooseAddon(config, logger);
  const fileSystem = addon === undefined ? new PortableFileSystem() : new NativeFileSystem(addon);
  const { plain, tls } = await createTransports(config, addon, logger);

  const { promise: ended, resolve: end, reject: fail } = withResolvers<void>();
  const assembly = prepareAssembly(config, {
    clock,
    random: new NodeRandom(),
    logger,
    fileSystem,
    loopSyncMsMax: LOOP_SYNC_MS_MAX_DEFAULT,
    runtime: new NodeRuntime(),
    buffers: addon === undefined ? heapBuffers : new NativeBuffers(addon.mapping),
    ...(addon === undefined ? {} : { crc32c: chooseCrc32c(addon.crc32c) }),
    version: packageVersion(),
    transportKind: plain.kind,
    // SHUTDOWN: the command that asks for it is still being executed.
    stop: async () => {
      await new Promise<void>((resolve) => clock.soon(resolve));
      await stopAll(assembly, server, config, logger, "SHUTDOWN").then(end, fail);
    },
  });
  const server = new Server(config, assembly.database);
  try {
    const listening = await server.listen(plain, tls);
    await assembly.recover();
    assembly.start(server);
    const banner = bannerOf(assembly, listening.addresses, config, plain);
    // On a terminal the same facts are shown as a banner.
    const isShown =
      format === "pretty" || (format === "auto" && file === "" && process.stdout.isTTY === true);
    logger.notice("ready to accept connections", isShown ? {} : banner);
    return {
      banner,
      ended,
      stop: (reason) => stopAll(assembly, server, config, logger, reason),
    };
  } catch (error) {
    await server.stop(0);
    await assembly.close();
    throw error;
  }
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

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
    logger.warning("using the portable path, which is slower", { reason: addonProblem() });
  return addon;
}

interface Transports {
  readonly plain: Transport;
  readonly tls: Transport | undefined;
}

/** The portable transport is loaded when it serves: it brings node:tls, of which a server with the addon uses nothing. */
async function createTransports(
  config: Config,
  addon: Addon | undefined,
  logger: Logger,
): Promise<Transports> {
  const onRefused = (count: number, code: string): void =>
    logger.warning("connections were turned away", { count, code });
  const encrypts = config.values.server.tls.port !== 0;
  if (addon !== undefined && !encrypts) {
    return { plain: new NativeTransport(addon, { onRefused }), tls: undefined };
  }
  const { PortableTransport } = await import("../adapters/node/transport.ts");
  return {
    plain:
      addon === undefined ? new PortableTransport({ onRefused }) : new NativeTransport(addon, { onRefused }),
    tls: encrypts ? new PortableTransport({ tls: tlsOptions(config), onRefused }) : undefined,
  };
}

function tlsOptions(config: Config): TlsOptions {
  const { cert_file, key_file, ca_file, auth_clients } = config.values.server.tls;
  return {
    cert: readPem(cert_file, "server.tls.cert_file"),
    key: readPem(key_file, "server.tls.key_file"),
    ...(ca_file === "" ? {} : { ca: readPem(ca_file, "server.tls.ca_file") }),
    requestCert: auth_clients !== "no",
    rejectUnauthorized: auth_clients === "yes",
  };
}

function readPem(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new FerriteError("usage", `cannot read ${path} (${option}): ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Order: nobody new, nothing executed any more, everything on disk, replies out, the directory free. Rejects if what was
 * acknowledged could not be kept; everything is stopped all the same.
 */
async function stopAll(
  assembly: Assembly,
  server: Server,
  config: Config,
  logger: Logger,
  reason: string,
): Promise<void> {
  logger.notice("stopping", { reason });
  assembly.beginStop();
  server.quiesce();
  await assembly.durable.settleLog();
  // Nothing is executed any more: what is saved is all that was acknowledged.
  const saved = assembly.durable.saveBeforeStop("default");
  await Promise.allSettled([saved, server.stop(config.values.server.shutdown_timeout)]);
  await assembly.close();
  await saved;
  logger.notice("stopped; everything acknowledged is on disk");
}

function bannerOf(
  assembly: Assembly,
  addresses: readonly string[],
  config: Config,
  plain: Transport,
): Record<string, string | number | boolean> {
  const { persistence, storage } = config.values;
  return {
    listening: addresses.join(", "),
    data: storage.data_dir,
    durability: durabilityText(persistence),
    transport: `${plain.kind} (files: ${assembly.fileSystemKind})`,
    memory:
      storage.max_memory === 0 ? "no limit" : `${storage.max_memory} bytes, ${storage.max_memory_policy}`,
    keys: assembly.keysLoaded,
    loaded: loadedText(assembly.durable),
  };
}

function durabilityText({
  aof_enabled,
  aof_sync,
  checkpoint_enabled,
}: Config["values"]["persistence"]): string {
  const checkpoints = checkpoint_enabled ? "checkpoints" : "no checkpoints";
  if (aof_enabled) return `append-only file, sync ${aof_sync}; ${checkpoints}`;
  return checkpoint_enabled
    ? "checkpoints only: a crash loses what was written since the last one"
    : "none: the append-only file and checkpoints are off, and a stop loses everything";
}

function loadedText({ loadedFrom, recovered }: DurableState): string {
  const log = `${recovered?.summary.effects ?? 0} effects in ${Math.round(recovered?.milliseconds ?? 0)} ms`;
  return loadedFrom === undefined ? log : `checkpoint ${loadedFrom.id} (LSN ${loadedFrom.lsn}), then ${log}`;
}

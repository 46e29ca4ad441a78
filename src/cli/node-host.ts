/** The real process and machine behind the command line. */
import { chmodSync, chownSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { addonProblem, loadAddon } from "../adapters/native/addon.ts";
import { NativeFileSystem } from "../adapters/native/file-system.ts";
import { NodeClock } from "../adapters/node/clock.ts";
import { PortableFileSystem } from "../adapters/node/file-system.ts";
import { NodeRandom } from "../adapters/node/random.ts";
import { PACKAGE_FOLDER } from "../adapters/package-folder.ts";
import { systemCode } from "../base/errors.ts";
import { chooseCrc32c } from "../codec/crc32c.ts";
import { createAofTools } from "./aof-tools.ts";
import { createFileReading } from "./file-reading.ts";
import type { Host } from "./host.ts";
import type { StartServer } from "./running-server.ts";

const PACKAGE_FILE = join(PACKAGE_FOLDER, "package.json");

export function createNodeHost(startServer: StartServer): Host {
  const clock = new NodeClock();
  const addon = loadAddon();
  const files = addon === undefined ? new PortableFileSystem() : new NativeFileSystem(addon);
  // `ferrite --help | head -1` closes the pipe early; that is no failure of ours.
  process.stdout.on("error", ignoreBrokenPipe);
  process.stderr.on("error", ignoreBrokenPipe);
  return {
    version: packageVersion(),
    nodeVersion: process.versions.node,
    platform: process.platform,
    environment: process.env,
    workingFolder: process.cwd(),
    outputIsTerminal: process.stdout.isTTY === true,
    files,
    startServer,
    aof: createAofTools(files, clock),
    reading: createFileReading(files, chooseCrc32c(addon?.crc32c), clock, new NodeRandom()),
    print: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(text),
    onSignal(listener) {
      process.on("SIGTERM", () => listener("SIGTERM"));
      process.on("SIGINT", () => listener("SIGINT"));
    },
    exitNow: (code) => process.exit(code),
    realPath: (path) => realpathSync(path),
    copyPermissions,
    systemText,
    addonProblem,
    tryListen,
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
  };
}

export function packageVersion(): string {
  return String((JSON.parse(readFileSync(PACKAGE_FILE, "utf8")) as { version: unknown }).version);
}

function ignoreBrokenPipe(error: Error): void {
  if (systemCode(error) !== "EPIPE") throw error;
}

function copyPermissions(from: string, to: string): void {
  const { mode, uid, gid } = statSync(from);
  const present = statSync(to);
  if (present.uid !== uid || present.gid !== gid) {
    try {
      chownSync(to, uid, gid);
    } catch (error) {
      // Only root may give files away. The permissions below then hold for our own user and group.
      if (systemCode(error) !== "EPERM") throw error;
    }
  }
  chmodSync(to, mode & 0o777);
}

function systemText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Through the portable transport, which is there on every machine; loaded here, because a server may never need it. */
async function tryListen(host: string, port: number): Promise<string | undefined> {
  const { PortableTransport } = await import("../adapters/node/transport.ts");
  const transport = new PortableTransport();
  transport.onTurn(() => {});
  try {
    await transport.listen({ kind: "tcp", host, port });
    return undefined;
  } catch (error) {
    return systemCode(error) ?? "unknown error";
  } finally {
    await transport.shutdown(0);
  }
}

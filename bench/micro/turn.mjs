// The whole path of a command but the kernel's: a turn of 50 connections with 16 pipelined commands each, from
// the transport's arena through parser, table, body, engine, log and reply arena. Prints ns per command and the
// heap that a million commands leave behind. Usage: node bench/micro/turn.mjs [set|get|both] [keys] [turns]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAddon } from "../../dist/adapters/native/addon.js";
import { NativeBuffers } from "../../dist/adapters/native/buffers.js";
import { NativeFileSystem } from "../../dist/adapters/native/file-system.js";
import { NodeClock } from "../../dist/adapters/node/clock.js";
import { PortableFileSystem } from "../../dist/adapters/node/file-system.js";
import { NodeRandom } from "../../dist/adapters/node/random.js";
import { NodeRuntime } from "../../dist/adapters/node/runtime.js";
import { loadConfig } from "../../dist/config/load.js";
import { openAssembly } from "../../dist/database/assembly.js";
import { heapBuffers } from "../../dist/ports/buffers.js";
import { TURN_DATA, TURN_OPENED, TURN_STRIDE } from "../../dist/ports/transport.js";
import { Server } from "../../dist/server/server.js";

const silent = { debug() {}, verbose() {}, notice() {}, warning: console.error, setLevel() {} };

class FakeTransport {
  kind = "fake";
  bytes = 0;
  onTurn(handler) {
    this.handler = handler;
  }
  async listen() {
    return { port: 1, close() {} };
  }
  send(batch) {
    for (let i = 0; i < batch.count; i++) this.bytes += batch.entries[i * 3 + 2];
  }
  queuedBytes() {
    return 0;
  }
  pauseReading() {}
  resumeReading() {}
  notifyDrained() {}
  close() {}
  release() {}
  setKeepAlive() {}
  peerAddress() {
    return "127.0.0.1:1";
  }
  localAddress() {
    return "127.0.0.1:2";
  }
  descriptor() {
    return -1;
  }
  async shutdown() {}
}

const CONNECTIONS = 50;
const PIPELINE = 16;
/** Different turns: enough that the keys do not fit into the cache. */
const VARIETY = 1024;

function command(kind, key, value) {
  const name = `key:${String(key).padStart(12, "0")}`;
  return kind === "set"
    ? `*3\r\n$3\r\nSET\r\n$16\r\n${name}\r\n$64\r\n${value}\r\n`
    : `*2\r\n$3\r\nGET\r\n$16\r\n${name}\r\n`;
}

/** Several different turns, so that keys vary. */
function turnsOf(kind, keys) {
  const value = "x".repeat(64);
  return Array.from({ length: VARIETY }, () => {
    const chunks = Array.from({ length: CONNECTIONS }, () =>
      Array.from({ length: PIPELINE }, () => command(kind, Math.floor(Math.random() * keys), value)).join(""),
    );
    const arena = Buffer.from(chunks.join(""));
    const events = new Int32Array(CONNECTIONS * TURN_STRIDE);
    let offset = 0;
    chunks.forEach((chunk, slot) => {
      events.set([slot, TURN_DATA, offset, chunk.length], slot * TURN_STRIDE);
      offset += chunk.length;
    });
    return { arena: new Uint8Array(arena), events, count: CONNECTIONS };
  });
}

export async function run({ kind = "both", keys = 1_000_000, turns = 2000 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "ferrite-turn-"));
  const addon = loadAddon();
  const config = loadConfig({
    workingFolder: folder,
    flags: [{ key: "storage.data_dir", text: folder, flag: "--data-dir" }],
  });
  const assembly = await openAssembly(config, {
    clock: new NodeClock(),
    random: new NodeRandom(),
    logger: silent,
    fileSystem: addon === undefined ? new PortableFileSystem() : new NativeFileSystem(addon),
    runtime: new NodeRuntime(),
    buffers:
      addon === undefined || process.env.FERRITE_BENCH_HEAP ? heapBuffers : new NativeBuffers(addon.mapping),
    version: "bench",
    transportKind: "fake",
    stop: async () => {},
  });
  const server = new Server(config, assembly.database);
  const transport = new FakeTransport();
  await server.listen(transport, undefined);
  assembly.start(server);
  const opened = new Int32Array(CONNECTIONS * TURN_STRIDE);
  for (let slot = 0; slot < CONNECTIONS; slot++) opened.set([slot, TURN_OPENED, 0, 0], slot * TURN_STRIDE);
  transport.handler({ arena: new Uint8Array(0), events: opened, count: CONNECTIONS });
  const kinds = kind === "both" ? ["set", "get", "set", "get"] : [kind, kind, kind];
  for (const each of kinds) {
    // Prepared between the measurements, or the garbage of preparing would be measured.
    const prepared = turnsOf(each, keys);
    globalThis.gc?.();
    const heap = process.memoryUsage().heapUsed;
    const cpu = process.cpuUsage();
    for (let i = 0; i < turns; i++) {
      transport.handler(prepared[i % prepared.length]);
      if (i % 50 === 49) await new Promise(setImmediate);
    }
    const used = process.cpuUsage(cpu);
    const commands = turns * CONNECTIONS * PIPELINE;
    const grown = process.memoryUsage().heapUsed - heap;
    console.log(
      `${each} ${(((used.user + used.system) * 1000) / commands).toFixed(0)} ns (user ${((used.user * 1000) / commands).toFixed(0)}), heap ${(((grown / commands) * 1e6) / 1024).toFixed(0)} KiB per million`,
    );
  }
  await assembly.close();
  rmSync(folder, { recursive: true, force: true });
}

if (process.argv[1] === import.meta.filename || process.argv[1]?.endsWith("bench/micro/turn.mjs")) {
  await run({
    kind: process.argv[2] ?? "both",
    keys: Number(process.argv[3] ?? 1e6),
    turns: Number(process.argv[4] ?? 2000),
  });
  process.exit(0);
}

/**
 * What a call costs through the library and through a socket: nanoseconds per operation as the program sees them,
 * and processor time of the program's own process.
 *
 *   node bench/micro/embed.mjs            100,000 keys, 64-byte values
 *   node bench/micro/embed.mjs --small    a run of a few seconds, for the test suite
 *
 * "awaited" makes one call after the other; "pipeline" sends BATCH commands and awaits their replies; "at once"
 * makes BATCH separate calls and awaits all. Through the socket a minimal client speaks to a server on this machine:
 * it counts replies and decodes nothing, so a real client is slower than what is shown.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { open } from "../../dist/index.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const VALUE = "x".repeat(64);
const BATCH = 100;

const keyOf = (i, keys) => `key:${String((i * 7919) % keys).padStart(12, "0")}`;

/** Runs `work(operations)` for warming up and then for `ms` at least; prints a line. */
async function measure(name, ms, step, work) {
  await work(step);
  const cpu = process.cpuUsage();
  const start = performance.now();
  let operations = 0;
  do {
    await work(step);
    operations += step;
  } while (performance.now() - start < ms);
  const elapsed = performance.now() - start;
  const used = process.cpuUsage(cpu);
  const own = ((used.user + used.system) * 1000) / operations;
  console.log(
    `${name.padEnd(34)} ${((elapsed * 1e6) / operations).toFixed(0).padStart(7)} ns  (own processor time ${own.toFixed(0)} ns)`,
  );
}

async function library(folder, config, label, { keys, ms }) {
  const db = await open(folder, { config, logger: "silent" });
  for (let i = 0; i < keys; i += 1000) {
    await db.pipeline(Array.from({ length: 1000 }, (_, j) => ["SET", keyOf(i + j, keys), VALUE]));
  }
  let at = 0;
  const get = () => db.get(keyOf(at++, keys));
  const set = () => db.set(keyOf(at++, keys), VALUE);
  const step = label === "always" ? 200 : 10_000;
  await measure(`library ${label}: get, awaited`, ms, step, async (n) => {
    for (let i = 0; i < n; i++) await get();
  });
  await measure(`library ${label}: set, awaited`, ms, step, async (n) => {
    for (let i = 0; i < n; i++) await set();
  });
  await measure(`library ${label}: get, at once`, ms, step, async (n) => {
    for (let i = 0; i < n; i += BATCH) await Promise.all(Array.from({ length: BATCH }, get));
  });
  await measure(`library ${label}: set, at once`, ms, step, async (n) => {
    for (let i = 0; i < n; i += BATCH) await Promise.all(Array.from({ length: BATCH }, set));
  });
  await measure(`library ${label}: get, pipeline`, ms, step, async (n) => {
    for (let i = 0; i < n; i += BATCH) {
      await db.pipeline(Array.from({ length: BATCH }, () => ["GET", keyOf(at++, keys)]));
    }
  });
  await measure(`library ${label}: set, pipeline`, ms, step, async (n) => {
    for (let i = 0; i < n; i += BATCH) {
      await db.pipeline(Array.from({ length: BATCH }, () => ["SET", keyOf(at++, keys), VALUE]));
    }
  });
  await db.close();
}

/** Counts replies by their bytes: every reply of a run has the same length. */
class Peer {
  constructor(socket) {
    this.socket = socket;
    this.missing = 0;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => {
      this.missing -= bytes.length;
      if (this.missing === 0) this.done();
    });
  }
  exchange(text, replyBytes) {
    return new Promise((resolve) => {
      this.done = resolve;
      this.missing += replyBytes;
      this.socket.write(text);
    });
  }
}

const getText = (key) => `*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`;
const setText = (key) => `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${VALUE.length}\r\n${VALUE}\r\n`;
const GET_BYTES = `$${VALUE.length}\r\n${VALUE}\r\n`.length;
const SET_BYTES = "+OK\r\n".length;

async function socket(folder, { keys, ms }) {
  const port = await freePort();
  const server = spawn(process.execPath, [MAIN, "--data-dir", folder, "--port", String(port)], {
    stdio: "ignore",
  });
  try {
    const peer = new Peer(await connected(port));
    let at = 0;
    await measure("socket: set, awaited", ms, 1000, async (n) => {
      for (let i = 0; i < n; i++) await peer.exchange(setText(keyOf(at++, keys)), SET_BYTES);
    });
    await measure("socket: set, pipeline", ms, 10_000, async (n) => {
      for (let i = 0; i < n; i += BATCH) {
        await peer.exchange(
          Array.from({ length: BATCH }, () => setText(keyOf(at++, keys))).join(""),
          SET_BYTES * BATCH,
        );
      }
    });
    // Every key exists now, or the replies would differ in length.
    for (let i = 0; i < keys; i += 1000) {
      await peer.exchange(
        Array.from({ length: 1000 }, (_, j) => setText(keyOf(i + j, keys))).join(""),
        SET_BYTES * 1000,
      );
    }
    await measure("socket: get, awaited", ms, 1000, async (n) => {
      for (let i = 0; i < n; i++) await peer.exchange(getText(keyOf(at++, keys)), GET_BYTES);
    });
    await measure("socket: get, pipeline", ms, 10_000, async (n) => {
      for (let i = 0; i < n; i += BATCH) {
        await peer.exchange(
          Array.from({ length: BATCH }, () => getText(keyOf(at++, keys))).join(""),
          GET_BYTES * BATCH,
        );
      }
    });
    peer.socket.destroy();
  } finally {
    server.kill("SIGTERM");
    await new Promise((resolve) => server.once("exit", resolve));
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function connected(port) {
  for (let attempt = 0; attempt < 400; attempt++) {
    const opened = await new Promise((resolve) => {
      const connection = createConnection(port, "127.0.0.1", () => resolve(connection));
      connection.once("error", () => resolve(undefined));
    });
    if (opened !== undefined) return opened;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("the server did not start within 10 s");
}

export async function run({ keys = 100_000, ms = 1000 } = {}) {
  console.log(
    `${cpus()[0].model}, Node ${process.version}; ${keys} keys, values of ${VALUE.length} bytes, batches of ${BATCH}`,
  );
  const folder = mkdtempSync(join(tmpdir(), "ferrite-embed-"));
  try {
    await library(join(folder, "everysec"), {}, "everysec", { keys, ms });
    await library(join(folder, "always"), { "persistence.aof_sync": "always" }, "always", { keys: 1000, ms });
    await socket(join(folder, "server"), { keys, ms });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await run(process.argv.includes("--small") ? { keys: 1000, ms: 50 } : {});
}

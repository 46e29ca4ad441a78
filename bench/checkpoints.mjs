// Checkpoints and recovery beside redis-server: how long a start takes from a snapshot and from the log, what a save under
// writes does to other clients and to memory, and what the second save costs after few changes.
//
//   node bench/checkpoints.mjs [--only restart,save,large-save,second] [--keys 2000000] [--runs 3] [--quick]
//
// A start is timed from the spawning of the process to its first PONG, which neither server gives before it has loaded
// everything. While a save runs one worker writes as fast as the server takes it, and a prober here GETs one key after the
// other; figures without a save come from the same clients in the same run.
import { readdirSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { keyName, loadKeys, setCommand } from "./support/load.mjs";
import { machine, saveResult } from "./support/machine.mjs";
import { readOptions } from "./support/options.mjs";
import { requireRedisBenchmark } from "./support/redis-benchmark.mjs";
import { startServer } from "./support/servers.mjs";
import { medianOf, percentile, short, table } from "./support/statistics.mjs";

const VALUE_BYTES = 64;
const PARTS = ["restart", "save", "large-save", "second"];
/** One after the other, so that there are enough probes for a p99.9. */
const SAVES = 5;
const WRITE_BATCH = 200;
const BATCHES_UNDER_WAY = 2;

async function main() {
  const options = readOptions("node bench/checkpoints.mjs [options]", {
    quick: { type: "boolean", default: false, help: "small parameters and one run: shows that it works" },
    keys: { type: "string", help: "how many (default 2,000,000)" },
    only: { type: "string", help: `parts by commas: ${PARTS.join(" ")}` },
    kinds: { type: "string", help: "servers by commas (default redis,ferrite)" },
    runs: { type: "string", help: "runs per part and server; the median is reported (default 3)" },
    json: { type: "string", help: "file for the result (default: a new one in bench/results)" },
  });
  requireRedisBenchmark();
  const keys = Number(options.keys ?? (options.quick ? 20_000 : 2_000_000));
  const runs = Number(options.runs ?? (options.quick ? 1 : 3));
  const chosen = options.only?.split(",") ?? PARTS;
  const kinds = options.kinds?.split(",") ?? ["redis", "ferrite"];
  const quietMs = options.quick ? 200 : 3000;
  const results = {};
  for (const part of chosen) {
    const samples = Object.fromEntries(kinds.map((kind) => [kind, []]));
    for (let run = 0; run < runs; run++) {
      for (const kind of kinds) {
        if (part === "second" && kind !== "ferrite") continue;
        samples[kind].push(await MEASURES[part](kind, keys, quietMs));
      }
    }
    results[part] = Object.fromEntries(
      kinds.filter((kind) => samples[kind].length > 0).map((kind) => [kind, medianOf(samples[kind])]),
    );
    console.log(`\n${part}, medians of ${runs}`);
    const fields = Object.keys(Object.values(results[part])[0]);
    const rows = fields.map((field) => [
      field,
      ...kinds.map((kind) => short(results[part][kind]?.[field] ?? Number.NaN)),
    ]);
    console.log(table([["", ...kinds], ...rows]));
  }
  console.log(
    `written to ${saveResult("checkpoints", { machine: machine(), keys, runs, results }, options.json)}`,
  );
}

const MEASURES = {
  restart: measureRestart,
  save: (kind, keys, quietMs) => measureSave(kind, keys, quietMs, "keys"),
  "large-save": (kind, keys, quietMs) => measureSave(kind, keys, quietMs, "members"),
  second: (_, keys) => measureSecond(keys),
};

/** From a snapshot, and from a log of as many SETs. */
async function measureRestart(kind, keys) {
  const logged = await startServer(kind, { sync: "no" });
  await loadKeys(logged.port, keys, VALUE_BYTES);
  const fromLogMs = await logged.restart();
  await expectKeys(logged.port, keys);
  await logged.stop();
  const saved = await startServer(kind, { sync: "off" });
  await loadKeys(saved.port, keys, VALUE_BYTES);
  const client = await Client.open(saved.port);
  const beganMs = performance.now();
  await client.ask("SAVE");
  const saveMs = performance.now() - beganMs;
  client.close();
  const fromSnapshotMs = await saved.restart();
  await expectKeys(saved.port, keys);
  const peakBytesPerKey = saved.peakResidentBytes() / keys;
  await saved.stop();
  return { fromSnapshotMs, fromLogMs, saveMs, peakBytesPerKey };
}

async function expectKeys(port, keys) {
  const client = await Client.open(port);
  const found = await client.ask("DBSIZE");
  client.close();
  if (found !== `:${keys}`) throw new Error(`after the restart there are ${found} keys, expected ${keys}`);
}

/** What probes see, and what memory does, without a save and during one. */
async function measureSave(kind, keys, quietMs, written) {
  const server = await startServer(kind, { sync: "everysec" });
  await loadKeys(server.port, keys, VALUE_BYTES);
  const client = await Client.open(server.port);
  const members = Math.ceil(keys / 2);
  if (written === "members") await client.load(members, (i) => `ZADD zset ${i} member:${i}`);
  const writer = new Worker(new URL(import.meta.url), {
    workerData: { port: server.port, keys, members, written },
  });
  await new Promise((resolve) => writer.once("message", resolve));
  const prober = await Client.open(server.port);
  const quiet = await probe(prober, keys, () => new Promise((resolve) => setTimeout(resolve, quietMs)));
  const memory = watchMemory(server);
  const before = memory.now();
  const beganMs = performance.now();
  let firstPeak = before;
  const during = await probe(prober, keys, async () => {
    for (let save = 0; save < SAVES; save++) {
      await client.ask("BGSAVE");
      while (!(await client.ask("INFO persistence")).includes("rdb_bgsave_in_progress:0"))
        await new Promise((resolve) => setTimeout(resolve, 10));
      if (save === 0) firstPeak = memory.peak();
    }
  });
  const saveMs = (performance.now() - beganMs) / SAVES;
  const peak = memory.stop();
  await writer.terminate();
  client.close();
  prober.close();
  await server.stop();
  return {
    saveMs,
    quietP999Ms: percentile(quiet, 0.999),
    quietWorstMs: quiet.at(-1),
    saveP50Ms: percentile(during, 0.5),
    saveP999Ms: percentile(during, 0.999),
    saveWorstMs: during.at(-1),
    probes: during.length,
    memoryGrowthFirst: firstPeak / before - 1,
    memoryGrowthAll: peak / before - 1,
  };
}

/** The first checkpoint of everything and the second after one key in a hundred has changed, without their indexes. */
async function measureSecond(keys) {
  const server = await startServer("ferrite", { sync: "everysec" });
  await loadKeys(server.port, keys, VALUE_BYTES);
  const client = await Client.open(server.port);
  await client.ask("SAVE");
  const first = dataBytes(server);
  const changed = Math.floor(keys / 100);
  await client.load(
    changed,
    (i) => `SET ${keyName(Math.floor(Math.random() * keys))} ${String(i).padStart(VALUE_BYTES, "y")}`,
  );
  const beganMs = performance.now();
  await client.ask("SAVE");
  const secondMs = performance.now() - beganMs;
  const second = dataBytes(server) - first;
  client.close();
  await server.stop();
  return { firstBytes: first, secondBytes: second, ratio: second / first, secondMs };
}

/** Bytes of segments and structures in the folder of checkpoints. */
function dataBytes(server) {
  const folder = join(server.folder, "data", "checkpoints");
  const sizeOf = (path) => statSync(path).size;
  const values = readdirSync(folder).filter((name) => name.endsWith(".values"));
  const segments = readdirSync(join(folder, "segments"));
  return [
    ...values.map((name) => join(folder, name)),
    ...segments.map((name) => join(folder, "segments", name)),
  ]
    .map(sizeOf)
    .reduce((sum, bytes) => sum + bytes, 0);
}

/** Resident memory of the server; where it forks, what parent and child do not share counts twice. */
function watchMemory(server) {
  const now = () => server.residentBytes() + server.privateBytesOfChildren();
  let peak = now();
  const timer = setInterval(() => {
    peak = Math.max(peak, now());
  }, 20);
  return {
    now,
    peak: () => Math.max(peak, now()),
    stop() {
      clearInterval(timer);
      return Math.max(peak, now());
    },
  };
}

/** GETs, one after the other, about one per millisecond, while `work` goes on; answers sorted milliseconds. */
async function probe(client, keys, work) {
  let isOver = false;
  const over = work().finally(() => {
    isOver = true;
  });
  const times = [];
  for (let i = 0; !isOver; i++) {
    const began = performance.now();
    await client.ask(`GET ${keyName((i * 7919) % keys)}`);
    times.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await over;
  return Float64Array.from(times).sort();
}

/** In a worker: overwrites random keys, or changes random members of one sorted set, until it is ended. */
async function writeForEver({ port, keys, members, written }) {
  const client = await Client.open(port);
  const value = "z".repeat(VALUE_BYTES);
  const command = () => {
    const random = Math.random();
    return written === "keys"
      ? setCommand(keyName(Math.floor(random * keys)), value)
      : `ZADD zset ${Math.floor(random * 1e6)} member:${Math.floor(random * members)}\r\n`;
  };
  for (let batches = 0; ; batches++) {
    let text = "";
    for (let i = 0; i < WRITE_BATCH; i++) text += command();
    client.write(text);
    await client.replies(WRITE_BATCH * Math.max(0, batches - BATCHES_UNDER_WAY));
    if (batches === 10 * BATCHES_UNDER_WAY) parentPort.postMessage("writing");
  }
}

/** A connection that sends lines and counts or takes replies. */
class Client {
  #socket;
  #text = "";
  #lines = 0;
  #wake = () => {};

  static async open(port) {
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Client(socket.setNoDelay(true));
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on("data", (data) => {
      for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) this.#lines++;
      this.#text += data.toString("latin1");
      this.#wake();
    });
  }

  write(text) {
    this.#socket.write(text, "latin1");
  }

  /** Sends one command; answers its reply without the line end: a bulk string with its length line. */
  async ask(command) {
    this.#text = "";
    this.write(`${command}\r\n`);
    while (!isWhole(this.#text)) await this.#data();
    if (this.#text[0] === "-") throw new Error(this.#text.trim());
    return this.#text.slice(0, -2);
  }

  /** Resolves when so many one-line replies have arrived since the start. */
  async replies(count) {
    while (this.#lines < count) await this.#data();
    this.#text = "";
  }

  /** Sends `count` commands, pipelined, and waits for as many one-line replies. */
  async load(count, command) {
    const before = this.#lines;
    for (let done = 0; done < count; ) {
      let text = "";
      for (const end = Math.min(count, done + 1000); done < end; done++) text += `${command(done)}\r\n`;
      this.write(text);
      while (this.#lines < before + done) await this.#data();
      this.#text = "";
    }
  }

  close() {
    this.#socket.destroy();
  }

  #data() {
    return new Promise((resolve, reject) => {
      this.#wake = resolve;
      this.#socket.once("error", reject);
    }).finally(() => this.#socket.removeAllListeners("error"));
  }
}

function isWhole(text) {
  const end = text.indexOf("\r\n");
  if (end < 0) return false;
  return text[0] !== "$" || text.startsWith("$-1") || text.length >= end + 4 + Number(text.slice(1, end));
}

if (isMainThread) await main();
else await writeForEver(workerData);

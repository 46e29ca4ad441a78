// Ten million keys, while another client asks for something every millisecond: the longest it ever had to wait, and how
// long a full garbage collection takes afterwards. A heap with an object per key would stop the world for seconds.
//
//   node bench/load10m.mjs [--keys 10000000] [--quick]
//
// The prober runs here, the loader in a worker, so that neither waits for the other's JavaScript.
import { connect } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { keyName, loadKeys } from "./support/load.mjs";
import { machine, saveResult } from "./support/machine.mjs";
import { readOptions } from "./support/options.mjs";
import { pausesOfMachine } from "./support/pauses.mjs";
import { startServer } from "./support/servers.mjs";
import { percentile, short } from "./support/statistics.mjs";

const VALUE_BYTES = 64;

if (isMainThread) await main();
else {
  await loadKeys(workerData.port, workerData.keys, VALUE_BYTES);
  parentPort.postMessage("loaded");
}

async function main() {
  const options = readOptions("node bench/load10m.mjs [options]", {
    keys: { type: "string", help: "how many (default 10,000,000)" },
    quick: { type: "boolean", default: false, help: "100,000 keys: shows that it works" },
    json: { type: "string", help: "file for the result (default: a new one in bench/results)" },
  });
  const keys = Number(options.keys ?? (options.quick ? 100_000 : 10_000_000));
  const pauses = await pausesOfMachine(options.quick ? 200 : 10_000);
  const server = await startServer("ferrite", { nodeFlags: ["--expose-gc", "--trace-gc"] });
  const before = server.residentBytes();
  const startedAt = performance.now();
  const worker = new Worker(new URL(import.meta.url), { workerData: { port: server.port, keys } });
  const loaded = new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  const times = await probeUntil(server.port, loaded);
  const seconds = (performance.now() - startedAt) / 1000;
  const bytesPerKey = (server.residentBytes() - before) / keys;
  const collections = [...server.log.matchAll(/(Scavenge|Mark-Compact)[^/]*?\) MB, ([\d.]+) \//g)];
  // A bulk string: its length, then the milliseconds.
  const fullMs = (await ask(server.port, "DEBUG GC\r\n")).split("\r\n")[1] ?? "";
  await server.stop();
  times.sort();
  const result = {
    machine: machine(),
    machinePauses: pauses,
    keys,
    seconds,
    keysPerSecond: keys / seconds,
    bytesPerKey,
    probes: times.length,
    p50Ms: percentile(times, 0.5),
    p999Ms: percentile(times, 0.999),
    worstMs: times[times.length - 1],
    longestPauseMs: Math.max(0, ...collections.map(([, , milliseconds]) => Number(milliseconds))),
    fullCollectionMs: Number(/[\d.]+/.exec(fullMs)?.[0] ?? Number.NaN),
  };
  console.log(
    `${keys} keys in ${short(seconds)} s (${short(result.keysPerSecond)} keys/s), ${short(bytesPerKey)} B of RSS each`,
  );
  console.log(
    `the machine alone stops threads that only spin for up to ${short(pauses.longestMs)} ms, ${short(pauses.over5PerSecond)} times a second for over 5 ms`,
  );
  console.log(
    `meanwhile ${result.probes} probes: p50 ${short(result.p50Ms)} ms, p99.9 ${short(result.p999Ms)} ms, worst ${short(result.worstMs)} ms`,
  );
  console.log(
    `garbage collection: longest pause ${short(result.longestPauseMs)} ms, forced full one ${short(result.fullCollectionMs)} ms`,
  );
  console.log(`written to ${saveResult("load10m", result, options.json)}`);
}

/** PING and GET by turns, about one per millisecond, until the promise settles; answers milliseconds. */
async function probeUntil(port, over) {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  const times = [];
  let isOver = false;
  const settled = over.finally(() => {
    isOver = true;
  });
  for (let i = 0; !isOver; i++) {
    const began = performance.now();
    const reply = new Promise((resolve, reject) => {
      socket.once("data", resolve);
      socket.once("error", reject);
    });
    socket.write(i % 2 === 0 ? "PING\r\n" : `GET ${keyName(i)}\r\n`);
    await reply;
    socket.removeAllListeners("error");
    times.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await settled;
  socket.destroy();
  return Float64Array.from(times);
}

function ask(port, text) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text)).once("error", reject);
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString("latin1"));
    });
  });
}

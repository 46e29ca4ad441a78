// Ferrite beside redis-server (and valkey-server, if it is on the PATH): throughput, CPU per request, latency, memory.
//
//   npm run bench                          everything, medians of 3 runs; about 15 minutes on two cores
//   node bench/compare.mjs --quick         small parameters, to see that it works
//   node bench/compare.mjs --only set-p16,memory --runs 5
//
// The servers take turns within every round (A B A B …), so that what changes on the machine meanwhile meets all of
// them. redis-benchmark is the driver; with one request at a time it is the limit itself, so the server's CPU time per
// request (user + system, all threads) says more than requests per second. p99.9 comes from a closed loop of our own,
// because redis-benchmark does not report it. Data is kept under TMPDIR: for `always` it has to be on a real disk.
import { closedLoop, keyName, loadKeys, setCommand } from "./support/load.mjs";
import { machine, saveResult } from "./support/machine.mjs";
import { readOptions } from "./support/options.mjs";
import { CLIENTS, requireRedisBenchmark, runOnce, wordsFor } from "./support/redis-benchmark.mjs";
import { availableKinds, startServer } from "./support/servers.mjs";
import { medianOf, short, table } from "./support/statistics.mjs";

const VALUE_BYTES = 64;

const options = readOptions("node bench/compare.mjs [options]", {
  quick: {
    type: "boolean",
    default: false,
    help: "small parameters and one run: shows that it works, measures nothing",
  },
  only: {
    type: "string",
    help: "cases by commas: set-p1 get-p1 set-p16 get-p16 set-always memory memory-aof",
  },
  runs: { type: "string", help: "runs per case and server; the median is reported (default 3)" },
  json: { type: "string", help: "file for the result (default: a new one in bench/results)" },
});

const SIZES = options.quick
  ? { keys: 2000, requests: 4000, pipelined: 8000, always: 1000, timed: 1000, memoryKeys: 20_000 }
  : {
      keys: 1_000_000,
      requests: 400_000,
      pipelined: 3_000_000,
      always: 150_000,
      timed: 100_000,
      memoryKeys: 2_000_000,
    };

const CASES = [
  { name: "set-p1", test: "set", pipeline: 1, sync: "everysec", requests: SIZES.requests },
  { name: "get-p1", test: "get", pipeline: 1, sync: "everysec", requests: SIZES.requests },
  { name: "set-p16", test: "set", pipeline: 16, sync: "everysec", requests: SIZES.pipelined },
  { name: "get-p16", test: "get", pipeline: 16, sync: "everysec", requests: SIZES.pipelined },
  { name: "set-always", test: "set", pipeline: 1, sync: "always", requests: SIZES.always },
];
const MEMORY_CASES = [
  { name: "memory", sync: "off" },
  { name: "memory-aof", sync: "everysec" },
];

const names = [...CASES, ...MEMORY_CASES].map(({ name }) => name);
const chosen = new Set(options.only?.split(",") ?? names);
for (const name of chosen)
  if (!names.includes(name)) throw new Error(`unknown case ${name}; known: ${names.join(" ")}`);
const runs = Number(options.runs ?? (options.quick ? 1 : 3));
const kinds = availableKinds();
const commands = new Set();

/** The servers of a case, loaded with the keys, started one after the other and all running. */
async function startAll(sync) {
  const servers = [];
  for (const kind of kinds) {
    const server = await startServer(kind, { sync });
    commands.add(server.commandLine);
    await loadKeys(server.port, SIZES.keys, VALUE_BYTES);
    servers.push(server);
  }
  return servers;
}

async function measureLoad(load, servers) {
  const settings = { ...load, valueBytes: VALUE_BYTES, keys: SIZES.keys };
  const samples = Object.fromEntries(kinds.map((kind) => [kind, []]));
  for (let run = 0; run < runs; run++) {
    for (const server of servers) {
      commands.add(`redis-benchmark ${wordsFor(settings).join(" ")}`);
      const sample = await runOnce(server, settings);
      if (load.pipeline === 1) sample.p999 = (await timeEach(server, load)).p999;
      samples[server.kind].push(sample);
    }
  }
  return summarise(samples);
}

function timeEach(server, load) {
  const value = "y".repeat(VALUE_BYTES);
  const set = (i) => setCommand(keyName((i * 7919) % SIZES.keys), value);
  const get = (i) => {
    const key = keyName((i * 7919) % SIZES.keys);
    return `*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`;
  };
  return closedLoop(server.port, CLIENTS, SIZES.timed, load.test === "set" ? set : get);
}

/** Resident bytes per key of 16 B with a value of 64 B, beyond what the empty server takes. */
async function measureMemory({ sync }) {
  const samples = Object.fromEntries(kinds.map((kind) => [kind, []]));
  for (let run = 0; run < runs; run++) {
    for (const kind of kinds) {
      const server = await startServer(kind, { sync });
      commands.add(server.commandLine);
      const before = server.residentBytes();
      await loadKeys(server.port, SIZES.memoryKeys, VALUE_BYTES);
      // Memory that a server is about to give back is given back when it has had a moment without work.
      await new Promise((resolve) => setTimeout(resolve, options.quick ? 100 : 2000));
      const after = server.residentBytes();
      samples[kind].push({ bytesPerKey: (after - before) / SIZES.memoryKeys, residentBytes: after });
      await server.stop();
    }
  }
  return summarise(samples);
}

/** Medians per server, and Ferrite's as a ratio of the others'. */
function summarise(samples) {
  const medians = Object.fromEntries(Object.entries(samples).map(([kind, list]) => [kind, medianOf(list)]));
  const ratios = {};
  for (const kind of kinds.filter((other) => other !== "ferrite")) {
    ratios[kind] = Object.fromEntries(
      Object.entries(medians.ferrite).map(([field, value]) => [field, value / medians[kind][field]]),
    );
  }
  return { medians, ratios, samples };
}

const FIELDS = [
  ["perSecond", "requests/s"],
  ["cpuMicroseconds", "CPU µs/request"],
  ["p50", "p50 ms"],
  ["p99", "p99 ms"],
  ["p999", "p99.9 ms"],
  ["bytesPerKey", "RSS B/key"],
];

function rowsOf(name, { medians, ratios }) {
  return FIELDS.filter(([field]) => medians.ferrite[field] !== undefined).map(([field, title], index) => [
    `${index === 0 ? name : ""}`.padEnd(12) + title,
    ...kinds.map((kind) => short(medians[kind][field])),
    ...Object.keys(ratios).map((kind) => short(ratios[kind][field])),
  ]);
}

requireRedisBenchmark();
const results = {};
for (const sync of ["everysec", "always"]) {
  const cases = CASES.filter((one) => one.sync === sync && chosen.has(one.name));
  if (cases.length === 0) continue;
  const servers = await startAll(sync);
  for (const load of cases) {
    console.error(`${load.name}: ${runs} runs of ${load.requests} requests for each of ${kinds.join(", ")}`);
    results[load.name] = await measureLoad(load, servers);
  }
  for (const server of servers) await server.stop();
}
for (const load of MEMORY_CASES.filter(({ name }) => chosen.has(name))) {
  console.error(`${load.name}: ${runs} runs of ${SIZES.memoryKeys} keys for each of ${kinds.join(", ")}`);
  results[load.name] = await measureMemory(load);
}

const about = machine();
const header = ["", ...kinds, ...kinds.filter((kind) => kind !== "ferrite").map((kind) => `ferrite/${kind}`)];
console.log(table([header, ...Object.entries(results).flatMap(([name, result]) => rowsOf(name, result))]));
console.log(
  `\nmedians of ${runs} runs; ${CLIENTS} clients, values of ${VALUE_BYTES} B, ${SIZES.keys} keys; append-only file on`,
);
console.log(
  `${about.cpu}, ${about.cores} cores, ${about.kernel}, a sync takes ${about.syncMicroseconds} µs; ${JSON.stringify(about.versions)}`,
);
const result = { machine: about, runs, quick: options.quick, sizes: SIZES, results, commands: [...commands] };
console.log(`written to ${saveResult("compare", result, options.json)}`);

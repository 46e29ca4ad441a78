// Collections beside redis-server: redis-benchmark's default list, commands on collections of a million, memory per element.
//
//   node bench/collections.mjs                    everything, medians of 3 alternating runs; about 12 minutes on two cores
//   node bench/collections.mjs --quick            small parameters, to see that it works
//   node bench/collections.mjs --only list,large,memory --tests lpush,zadd
//
// What counts is the server's CPU time per request (user + system, all threads): on two cores the driver is the limit as
// often as the server. The longest command of the second part is what the server's own slow log says, so it does not hold
// what the driver waited for the processor; on a machine that is shared it still holds what the server waited for it.
import { machine, saveResult } from "./support/machine.mjs";
import { readOptions } from "./support/options.mjs";
import { pipelined, respOf, scattered } from "./support/pipelined.mjs";
import { requireRedisBenchmark, runWords } from "./support/redis-benchmark.mjs";
import { availableKinds, startServer } from "./support/servers.mjs";
import { medianOf, short, table } from "./support/statistics.mjs";

const options = readOptions("node bench/collections.mjs [options]", {
  quick: { type: "boolean", default: false, help: "small parameters and one run: measures nothing" },
  only: { type: "string", help: "parts by commas: list large memory" },
  tests: { type: "string", help: "tests of the chosen parts, by commas" },
  runs: { type: "string", help: "runs per test and server; the median is reported (default 3)" },
  json: { type: "string", help: "file for the result (default: a new one in bench/results)" },
});

const SIZES = options.quick
  ? { requests: 4000, ranges: 500, elements: 20_000, large: 4000, hashes: 5000 }
  : { requests: 1_500_000, ranges: 100_000, elements: 1_000_000, large: 600_000, hashes: 1_000_000 };
const runs = Number(options.runs ?? (options.quick ? 1 : 3));
const kinds = availableKinds();
const parts = new Set(options.only?.split(",") ?? ["list", "large", "memory"]);
const tests = options.tests === undefined ? undefined : new Set(options.tests.split(","));
const wanted = ({ name }) => tests === undefined || tests.has(name);
const RANDOM_KEYS = 100_000;

/** redis-benchmark's own tests, and its LRANGE tests as commands: it would count the filling of the list, too. */
const LIST = [
  ...["ping_inline", "ping_mbulk", "set", "get", "incr", "lpush", "rpush", "lpop", "rpop", "sadd"],
  ...["hset", "spop", "zadd", "zpopmin", "mset"],
].map((name) => ({ name, words: ["-t", name], requests: SIZES.requests }));
for (const length of [100, 300, 500, 600]) {
  const words = ["LRANGE", "bench:list", "0", String(length - 1)];
  LIST.push({ name: `lrange_${length}`, words, requests: Math.round((SIZES.ranges * 100) / length) });
}

const member = (i) => `member:${String(i).padStart(12, "0")}`;
const N = SIZES.elements;
/** A set of each kind with N elements, and what is asked of it. `fill` and `ask` make the i-th command. */
const LARGE = [
  { name: "zadd-new", key: "z", ask: (i) => respOf("ZADD", "z2", scattered(i, N), member(scattered(i, N))) },
  {
    name: "zadd-update",
    key: "z",
    ask: (i) => respOf("ZADD", "z", scattered(i * 7, N), member(scattered(i, N))),
  },
  { name: "zrank", key: "z", ask: (i) => respOf("ZRANK", "z", member(scattered(i, N))) },
  { name: "zscore", key: "z", ask: (i) => respOf("ZSCORE", "z", member(scattered(i, N))) },
  {
    name: "zrange-10",
    key: "z",
    ask: (i) => respOf("ZRANGE", "z", scattered(i, N - 10), scattered(i, N - 10) + 9),
  },
  { name: "hset", key: "h", ask: (i) => respOf("HSET", "h", member(scattered(i, N)), `value:${i}`) },
  { name: "hget", key: "h", ask: (i) => respOf("HGET", "h", member(scattered(i, N))) },
  { name: "lpush", key: "l", ask: (i) => respOf("LPUSH", "l", member(i)) },
  { name: "lindex", key: "l", ask: (i) => respOf("LINDEX", "l", scattered(i, N)), share: 0.05 },
  { name: "lset", key: "l", ask: (i) => respOf("LSET", "l", scattered(i, N), member(i)), share: 0.05 },
  { name: "sadd", key: "s", ask: (i) => respOf("SADD", "s", member(scattered(i, N * 2))) },
  {
    name: "sscan",
    key: "s",
    ask: (i) => respOf("SSCAN", "s", scattered(i, 1 << 20), "COUNT", 100),
    share: 0.1,
  },
  { name: "spop", key: "s", ask: () => respOf("SPOP", "s") },
];
const FILLS = {
  z: (i) => respOf("ZADD", "z", scattered(i, N), member(i)),
  h: (i) => respOf("HSET", "h", member(i), `value:${i}`),
  l: (i) => respOf("RPUSH", "l", member(i)),
  s: (i) => respOf("SADD", "s", member(i)),
};
const MEMORY = [
  ...Object.entries(FILLS).map(([key, fill]) => ({
    name: { z: "zset", h: "hash", l: "list", s: "set" }[key],
    fill,
    elements: N,
  })),
  { name: "small-hashes", fill: smallHash, elements: SIZES.hashes },
];

/** A hash of 5 fields, as a user's profile or a session. */
function smallHash(i) {
  const id = String(i).padStart(8, "0");
  return respOf(
    "HSET",
    `user:${id}`,
    "name",
    `name-${id}`,
    "email",
    `${id}@example.org`,
    "age",
    i % 100,
    "visits",
    i,
    "city",
    "Reykjavik",
  );
}

async function started() {
  const servers = [];
  for (const kind of kinds) servers.push(await startServer(kind));
  return servers;
}

async function alternating(servers, run) {
  const samples = Object.fromEntries(kinds.map((kind) => [kind, []]));
  // The round before the first is not counted: it makes the elements, and a program that is compiled as it runs is slower then.
  for (let round = options.quick ? 0 : -1; round < runs; round++) {
    for (const server of servers) {
      const sample = await run(server);
      if (round >= 0) samples[server.kind].push(sample);
    }
  }
  return samples;
}

async function measureList(results) {
  const servers = await started();
  for (const server of servers) {
    await pipelined(server.port, {
      connections: 1,
      pipeline: 100,
      requests: 1000,
      command: () => respOf("RPUSH", "bench:list", "abc"),
    });
  }
  for (const test of LIST.filter(wanted)) {
    console.error(`list ${test.name}: ${runs} runs of ${test.requests} for each of ${kinds.join(", ")}`);
    const settings = ["-P", "16", "-c", "50", "-n", test.requests, "-r", RANDOM_KEYS, "--csv"];
    results[test.name] = summarise(
      await alternating(servers, (server) => runWords(server, [...settings, ...test.words], test.requests)),
    );
  }
  for (const server of servers) await server.stop();
}

async function measureLarge(results) {
  const chosen = LARGE.filter(wanted);
  const servers = await started();
  for (const server of servers) {
    for (const key of new Set(chosen.map((test) => test.key)))
      await pipelined(server.port, { connections: 1, pipeline: 500, requests: N, command: FILLS[key] });
    await ask(server, respOf("CONFIG", "SET", "slowlog-log-slower-than", "1000"));
  }
  for (const test of chosen) {
    const requests = Math.round(SIZES.large * (test.share ?? 1));
    console.error(`large ${test.name}: ${runs} runs of ${requests} for each of ${kinds.join(", ")}`);
    for (const server of servers) await ask(server, respOf("SLOWLOG", "RESET"));
    let offset = 0;
    const samples = await alternating(servers, async (server) => {
      const from = server === servers[0] ? (offset += requests) : offset;
      const cpu = server.cpuSeconds();
      const startedAt = performance.now();
      await pipelined(server.port, {
        connections: 10,
        pipeline: 16,
        requests,
        command: (i) => test.ask(from + i),
      });
      return {
        perSecond: (requests / (performance.now() - startedAt)) * 1000,
        cpuMicroseconds: ((server.cpuSeconds() - cpu) / requests) * 1e6,
      };
    });
    results[test.name] = summarise(samples);
    results[test.name].longestMs = {};
    for (const server of servers) results[test.name].longestMs[server.kind] = await longestMs(server);
  }
  for (const server of servers) await server.stop();
}

/** The longest command since SLOWLOG RESET, of the 128 newest above a millisecond. */
async function longestMs(server) {
  const text = await ask(server, respOf("SLOWLOG", "GET", "128"));
  // An entry is an array of 6: id, time, microseconds, …
  const times = [...text.matchAll(/\*6\r\n:\d+\r\n:\d+\r\n:(\d+)\r\n/g)].map(([, microseconds]) =>
    Number(microseconds),
  );
  return Math.max(0, ...times) / 1000;
}

async function measureMemory(results) {
  for (const test of MEMORY.filter(wanted)) {
    console.error(`memory ${test.name}: ${test.elements} for each of ${kinds.join(", ")}`);
    const samples = Object.fromEntries(kinds.map((kind) => [kind, []]));
    for (const kind of kinds) {
      const server = await startServer(kind);
      // What a server takes once to serve such commands at all is not charged to the elements.
      const filled = 5000;
      for (let round = 0; round < (options.quick ? 1 : 60); round++) {
        await pipelined(server.port, {
          connections: 1,
          pipeline: 500,
          requests: filled,
          command: test.fill,
        });
        await ask(server, respOf("FLUSHALL"));
      }
      await settled();
      const before = server.residentBytes();
      await pipelined(server.port, {
        connections: 1,
        pipeline: 500,
        requests: test.elements,
        command: test.fill,
      });
      await settled();
      samples[kind].push({ bytesPerElement: (server.residentBytes() - before) / test.elements });
      await server.stop();
    }
    results[test.name] = summarise(samples);
  }
}

/** What is freed, or taken in advance, beside the commands has been by then. */
const settled = () => new Promise((resolve) => setTimeout(resolve, options.quick ? 100 : 2000));

function ask(server, command) {
  let text = "";
  return new Promise((resolve, reject) => {
    pipelined(server.port, {
      connections: 1,
      pipeline: 1,
      requests: 1,
      command: () => command,
      onData: (data) => {
        text += data.toString("latin1");
      },
    }).then(() => resolve(text), reject);
  });
}

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

const others = kinds.filter((kind) => kind !== "ferrite");
const header = (unit, more = []) => [unit, ...kinds, ...others.map((kind) => `ferrite/${kind}`), ...more];
const rows = (results, field, more = () => []) =>
  Object.entries(results).map(([name, { medians, ratios, longestMs: longest }]) => [
    name,
    ...kinds.map((kind) => short(medians[kind][field])),
    ...others.map((kind) => short(ratios[kind][field])),
    ...more(longest),
  ]);

requireRedisBenchmark();
const results = { list: {}, large: {}, memory: {} };
if (parts.has("list")) {
  await measureList(results.list);
  console.log(`\n${table([header("pipeline 16: CPU µs"), ...rows(results.list, "cpuMicroseconds")])}`);
}
if (parts.has("large")) {
  await measureLarge(results.large);
  const longest = (by) => kinds.map((kind) => short(by[kind]));
  const title = header(
    `${N} elements: CPU µs`,
    kinds.map((kind) => `longest ms ${kind}`),
  );
  console.log(`\n${table([title, ...rows(results.large, "cpuMicroseconds", longest)])}`);
}
if (parts.has("memory")) {
  await measureMemory(results.memory);
  console.log(`\n${table([header("RSS bytes per element"), ...rows(results.memory, "bytesPerElement")])}`);
}
const about = machine();
console.log(`\nmedians of ${runs} alternating runs; append-only file on, sync every second`);
console.log(`${about.cpu}, ${about.cores} cores, ${about.kernel}; ${JSON.stringify(about.versions)}`);
const result = { machine: about, runs, quick: options.quick, sizes: SIZES, results };
console.log(`written to ${saveResult("collections", result, options.json)}`);

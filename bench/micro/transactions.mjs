/**
 * What a SET costs in the executor: by itself, while somebody watches a key, while somebody waits for one, and within
 * MULTI and EXEC. Nanoseconds and allocated bytes; nothing but execution, no sockets and no log. Build first:
 * `node scripts/build.mjs`.
 *
 *   node bench/micro/transactions.mjs            some seconds
 *   node bench/micro/transactions.mjs --small    a fraction of one
 *
 * Nobody pays for transactions but those who use them: "SET" is what it was before there were any. A command that is
 * queued is copied without allocating, and timed by itself: two readings of the clock, and the two numbers that they make.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { VirtualClock } from "../../dist/adapters/memory/clock.js";
import { MemoryFileSystem } from "../../dist/adapters/memory/file-system.js";
import { SeededRandom } from "../../dist/adapters/memory/random.js";
import { NodeClock } from "../../dist/adapters/node/clock.js";
import { NodeRuntime } from "../../dist/adapters/node/runtime.js";
import { loadConfig } from "../../dist/config/load.js";
import { openAssembly } from "../../dist/database/assembly.js";
import { GrowingOutput } from "../../dist/protocol/output-space.js";
import { Request } from "../../dist/protocol/request.js";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc");

const VALUE = "x".repeat(64);
const KEYS = 10_000;
const BATCH = 100;
const small = process.argv.includes("--small");
const ROUNDS = small ? 20 : 2000;

const silent = { debug() {}, verbose() {}, notice() {}, warning() {}, setLevel() {} };
const CARRIER = {
  peerAddress: "",
  localAddress: "",
  descriptor: -1,
  write() {},
  push() {},
  resume() {},
  close() {},
  inputBytes: () => 0,
  outputBytes: () => 0,
};

async function openDatabase() {
  const files = new VirtualClock();
  const fileSystem = new MemoryFileSystem({
    random: new SeededRandom(1),
    soon: (run) => files.soon(run),
    wallMs: () => files.wallMs(),
    fault: () => undefined,
  });
  fileSystem.makeDirectorySync("/data");
  const flags = Object.entries({ "storage.data_dir": "/data", "persistence.aof_enabled": "false" });
  const config = loadConfig({
    environment: {},
    workingFolder: "/",
    flags: flags.map(([key, text]) => ({ key, text, flag: key })),
  });
  const assembly = await openAssembly(config, {
    clock: new NodeClock(),
    random: new SeededRandom(2),
    logger: silent,
    fileSystem,
    runtime: new NodeRuntime(),
    version: "0",
    transportKind: "none",
    stop: async () => {},
  });
  return assembly.database;
}

/** Requests that lie in one buffer, as those of a turn do. */
function requestsOf(commands) {
  const parts = commands.map((words) => Buffer.from(words.join("")));
  const bytes = new Uint8Array(Buffer.concat(parts));
  let offset = 0;
  return commands.map((words) => {
    const request = new Request();
    request.bytes = bytes;
    request.argc = words.length;
    request.start = offset;
    words.forEach((word, index) => {
      request.offsets[index] = offset;
      request.lengths[index] = word.length;
      offset += word.length;
    });
    request.end = offset;
    return request;
  });
}

const keyOf = (i) => `key:${String((i * 7919) % KEYS).padStart(12, "0")}`;
const [MULTI, EXEC, ...sets] = requestsOf([
  ["MULTI"],
  ["EXEC"],
  ...Array.from({ length: 200 * BATCH }, (_, i) => ["SET", keyOf(i), VALUE]),
]);

/** Requests with a MULTI in front of every `count` of them and an EXEC behind. */
function inTransactions(requests, count) {
  const all = [];
  for (let i = 0; i < requests.length; i += count) all.push(MULTI, ...requests.slice(i, i + count), EXEC);
  return all;
}

function runOnce(database, session, out, requests) {
  for (let i = 0; i < requests.length; ) {
    database.beginTurn();
    database.enter(session, out);
    const end = Math.min(i + BATCH, requests.length);
    for (; i < end; i++) database.execute(session, requests[i]);
    database.commitTurn();
    out.clear();
  }
}

function measure(name, database, session, out, requests) {
  for (let round = 0; round < 5; round++) runOnce(database, session, out, requests);
  collect();
  const heap = process.memoryUsage().heapUsed;
  const start = process.cpuUsage();
  const rounds = Math.max(1, Math.floor(ROUNDS / 100));
  for (let round = 0; round < rounds; round++) runOnce(database, session, out, requests);
  const used = process.cpuUsage(start);
  const count = rounds * sets.length;
  const bytes = (process.memoryUsage().heapUsed - heap) / count;
  const ns = ((used.user + used.system) * 1000) / count;
  console.log(`${name.padEnd(42)} ${ns.toFixed(0).padStart(6)} ns  ${bytes.toFixed(1).padStart(6)} bytes`);
}

const database = await openDatabase();
const session = database.openSession(CARRIER);
const other = database.openSession(CARRIER);
const out = new GrowingOutput();
const ask = (...words) => {
  database.beginTurn();
  database.enter(other, out);
  database.execute(other, Request.of(words));
  database.commitTurn();
  out.clear();
};
const compare = (name, requests) => measure(name, database, session, out, requests);

compare("SET", sets);
ask("WATCH", "elsewhere");
compare("SET, another client watches a key", sets);
ask("UNWATCH");
ask("BLPOP", "elsewhere", "0");
compare("SET, another client waits for a key", sets);
database.closeSession(other);
compare("SET again", sets);
compare("MULTI, 100 SET, EXEC: each SET", inTransactions(sets, 100));
compare("MULTI, 10 SET, EXEC: each SET", inTransactions(sets, 10));
compare("MULTI, SET, EXEC: all three", inTransactions(sets, 1));

// Measures the engine part of commands: SET new and overwriting, GET hit and miss, memory per key by part, and
// the worst single operation while a keyspace grows. Times are processor time of the process, so that a busy
// machine changes them little. Build first: `node scripts/build.mjs`.
//
//   node --expose-gc bench/micro/engine.mjs [keys…]        default: 100000 2000000
import { readFileSync } from "node:fs";
import { NodeClock } from "../../dist/adapters/node/clock.js";
import { NodeRandom } from "../../dist/adapters/node/random.js";
import { Engine } from "../../dist/engine/engine.js";
import { SipHasher } from "../../dist/engine/index/hash.js";

const KEY_BYTES = 16;
const VALUE_BYTES = 64;

/** A buffer of `count` keys of 16 bytes, in the order given by a multiplicative walk over their numbers. */
function keyBuffer(count, prefix, shuffle) {
  const bytes = Buffer.alloc(count * KEY_BYTES);
  for (let i = 0; i < count; i++) {
    const number = shuffle ? (i * 1_000_003) % count : i;
    bytes.write(prefix + String(number).padStart(KEY_BYTES - prefix.length, "0"), i * KEY_BYTES, "latin1");
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function time(count, body) {
  const heap = settledHeap();
  const start = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(start);
  const ns = ((user + system) * 1e3) / count;
  const grown = heap === undefined ? undefined : ((process.memoryUsage().heapUsed - heap) / count) * 1e6;
  return { ns, grown };
}

function settledHeap() {
  if (globalThis.gc === undefined) return undefined;
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

function report(name, { ns, grown }) {
  const heap = grown === undefined ? "" : `   heap ${(grown / 1024).toFixed(0)} KiB per million`;
  console.log(`  ${name.padEnd(28)} ${ns.toFixed(1).padStart(7)} ns${heap}`);
}

export function run(count) {
  console.log(`${count.toLocaleString("en")} keys of ${KEY_BYTES} B with values of ${VALUE_BYTES} B`);
  const random = new NodeRandom();
  const clock = new NodeClock();
  const engine = new Engine({ databases: 16, hashSeed: [0x1234567, 0x89abcdef], clock, random });
  const keyspace = engine.keyspace;
  keyspace.nowMs = clock.wallMs();
  const inOrder = keyBuffer(count, "key:", false);
  const shuffled = keyBuffer(count, "key:", true);
  const absent = keyBuffer(Math.min(count, 1_000_000), "no:", true);
  const value = new Uint8Array(VALUE_BYTES).fill(97);
  const operations = Math.min(count, 2_000_000);
  const rounds = Math.max(1, Math.floor(1_000_000 / count));

  const set = (keys, from, to) => {
    for (let i = from; i < to; i++) {
      keyspace.lsn++;
      keyspace.put(0, keys, i * KEY_BYTES, KEY_BYTES, 0, 0, value, 0, VALUE_BYTES, -1);
    }
  };
  const get = (keys, to) => {
    let found = 0;
    for (let i = 0; i < to; i++) if (keyspace.findForRead(0, keys, i * KEY_BYTES, KEY_BYTES)) found++;
    return found;
  };

  report(
    "SET, new keys",
    time(count, () => set(inOrder, 0, count)),
  );
  for (let i = 0; i < 2; i++) {
    report(
      "SET, overwriting",
      time(operations * rounds, () => {
        for (let r = 0; r < rounds; r++) set(shuffled, 0, operations);
      }),
    );
    report(
      "GET, hit",
      time(operations * rounds, () => {
        for (let r = 0; r < rounds; r++)
          if (get(shuffled, operations) !== operations) throw new Error("a key is missing");
      }),
    );
    const misses = absent.length / KEY_BYTES;
    report(
      "GET, miss",
      time(misses * rounds, () => {
        for (let r = 0; r < rounds; r++)
          if (get(absent, misses) !== 0) throw new Error("a key that was never set");
      }),
    );
  }
  report(
    "INCR-like find and put",
    time(operations * rounds, () => {
      for (let r = 0; r < rounds; r++) {
        for (let i = 0; i < operations; i++) {
          keyspace.findForWrite(0, shuffled, i * KEY_BYTES, KEY_BYTES);
          keyspace.put(0, shuffled, i * KEY_BYTES, KEY_BYTES, 0, 0, value, 0, VALUE_BYTES, -1);
        }
      }
    }),
  );

  const memory = engine.memory();
  for (const [name, bytes] of Object.entries(memory)) {
    if (name !== "segments")
      console.log(`  ${name.padEnd(28)} ${(bytes / count).toFixed(2).padStart(7)} B per key`);
  }
}

/** The hash alone. */
export function runHash() {
  const hasher = new SipHasher(1, 2);
  const data = new DataView(new ArrayBuffer(4096));
  for (const length of [3, 16, 32, 100]) {
    let sum = 0;
    const count = 5_000_000;
    const { ns } = time(count, () => {
      for (let i = 0; i < count; i++) {
        hasher.hash(data, i & 1023, length);
        sum ^= hasher.low;
      }
    });
    console.log(
      `  hash of ${String(length).padStart(3)} B ${ns.toFixed(1).padStart(21)} ns${sum === 1 ? " " : ""}`,
    );
  }
}

/** The slowest single SET while the keyspace grows from nothing. */
export function runGrowth(count) {
  const random = new NodeRandom();
  const clock = new NodeClock();
  const engine = new Engine({ databases: 16, hashSeed: [5, 6], clock, random });
  const keyspace = engine.keyspace;
  const value = new Uint8Array(VALUE_BYTES).fill(97);
  const key = new Uint8Array(KEY_BYTES);
  const words = new Uint32Array(key.buffer);
  const slow = [];
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    words[0] = i;
    words[1] = Math.imul(i, 0x9e3779b1);
    const start = process.cpuUsage(before);
    keyspace.put(0, key, 0, KEY_BYTES, 0, 0, value, 0, VALUE_BYTES, -1);
    const end = process.cpuUsage(before);
    const ms = (end.user + end.system - start.user - start.system) / 1000;
    if (ms > 0.2) slow.push(ms);
  }
  slow.sort((a, b) => b - a);
  const worst = slow.slice(0, 8).map((ms) => ms.toFixed(2));
  console.log(
    `growth to ${count.toLocaleString("en")} keys: ${slow.length} operations over 0.2 ms; slowest: ${worst.join(", ")} ms`,
  );
}

const machine = readFileSync("/proc/cpuinfo", "utf8").match(/model name\s*: (.*)/)?.[1] ?? process.arch;
console.log(`${machine}, node ${process.version}`);
const counts = process.argv.slice(2).map(Number);
runHash();
for (const count of counts.length > 0 ? counts : [100_000, 2_000_000]) run(count);
runGrowth(counts.length > 0 ? Math.max(...counts) : 2_000_000);

// Measures dictionaries, the unpacked form of hashes, sets and sorted-set members: each operation in random order,
// memory per entry, and the worst single insertion while one grows. Times are processor time of the process, so that a
// busy machine changes them little. Build first: `node scripts/build.mjs`.
//
//   node --expose-gc bench/micro/dictionary.mjs [entries…]        default: 1000 1000000
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// Another built tree can be measured: FERRITE_DIST=/tmp/out node bench/micro/dictionary.mjs
const dist = process.env["FERRITE_DIST"];
const root = dist === undefined ? new URL("../../dist/", import.meta.url) : pathToFileURL(`${dist}/`);
const { SipHasher } = await import(new URL("engine/index/hash.js", root).href);
const { Dictionary } = await import(new URL("value/dictionary/dictionary.js", root).href);
const { PieceHeap } = await import(new URL("value/heap/piece-heap.js", root).href);

const { loadAddon } = await import(new URL("adapters/native/addon.js", root).href);
const { NativeBuffers } = await import(new URL("adapters/native/buffers.js", root).href);

const KEY_BYTES = 16;
const NO_EXPIRY = -1;

/** A heap on large pages, as the server has it, if the addon is built. */
function newHeap() {
  const addon = loadAddon();
  if (addon === undefined) return new PieceHeap();
  const buffers = new NativeBuffers(addon.mapping);
  return new PieceHeap({
    newSlab: (bytes) => buffers.allocate(bytes),
    releaseSlab: (slab) => buffers.release(slab),
  });
}

/** `count` keys of 16 bytes in one buffer, in the order of a multiplicative walk over their numbers. */
function keyBuffer(count, prefix, factor) {
  const bytes = Buffer.alloc(count * KEY_BYTES);
  for (let i = 0; i < count; i++) {
    const number = (i * factor) % count;
    bytes.write(prefix + String(number).padStart(KEY_BYTES - prefix.length, "0"), i * KEY_BYTES, "latin1");
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function time(count, body) {
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const start = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(start);
  return { ns: ((user + system) * 1e3) / count, grown: process.memoryUsage().heapUsed - heap };
}

function report(name, operations, { ns, grown }) {
  const heap =
    globalThis.gc === undefined
      ? ""
      : `   heap ${((grown / operations) * 1000).toFixed(0)} KiB per 1,024,000`;
  console.log(`  ${name.padEnd(28)} ${ns.toFixed(1).padStart(7)} ns${heap}`);
}

/** `valueLength(i)` is the length of the value of key i. */
function run(title, count, valueLength) {
  console.log(`${title}: ${count.toLocaleString("en")} entries, keys of ${KEY_BYTES} B`);
  const heap = newHeap();
  const dictionary = new Dictionary(heap, new SipHasher(1, 2));
  const keys = keyBuffer(count, "key:", 7_919);
  const shuffled = keyBuffer(count, "key:", 1_000_003);
  const absent = keyBuffer(count, "no:", 7_919);
  const value = new Uint8Array(4096).fill(97);
  const rounds = Math.max(1, Math.floor(1_000_000 / count));
  const operations = count * rounds;
  const measure = (name, body) => {
    report(
      name,
      operations,
      time(operations, () => {
        for (let r = 0; r < rounds; r++) for (let i = 0; i < count; i++) body(i * KEY_BYTES, i);
      }),
    );
  };
  let payload = 0;
  for (let i = 0; i < count; i++) payload += KEY_BYTES + valueLength(i);
  report(
    "put, new",
    count,
    time(count, () => {
      for (let i = 0; i < count; i++)
        dictionary.put(keys, i * KEY_BYTES, KEY_BYTES, value, 0, valueLength(i), NO_EXPIRY);
    }),
  );
  if (dictionary.size !== count) throw new Error("keys are not distinct");
  const perEntry = (bytes) => (bytes / count).toFixed(2);
  const ratio = dictionary.memoryBytes / (payload + 4 * count);
  console.log(
    `  memory: ${perEntry(dictionary.memoryBytes)} B per entry in pieces, ${perEntry(heap.reservedBytes)} reserved; ` +
      `${ratio.toFixed(3)} of key + value + 4`,
  );
  for (let pass = 0; pass < 2; pass++) {
    measure("find, present", (offset) => {
      if (!dictionary.find(shuffled, offset, KEY_BYTES)) throw new Error("a key is missing");
    });
    measure("find, absent", (offset) => {
      if (dictionary.find(absent, offset, KEY_BYTES)) throw new Error("a key that was never put");
    });
    measure("put, same length", (offset) => {
      dictionary.find(shuffled, offset, KEY_BYTES);
      dictionary.overwriteValue(value, 0, dictionary.entry.valueLength);
    });
    measure("put, other length", (offset, i) => {
      dictionary.put(shuffled, offset, KEY_BYTES, value, 0, valueLength(i + pass), NO_EXPIRY);
    });
  }
  console.log(`  memory after overwriting: ${perEntry(dictionary.memoryBytes)} B per entry`);
  let sum = 0;
  report(
    "walk",
    operations,
    time(operations, () => {
      for (let r = 0; r < rounds; r++) {
        for (let more = dictionary.first(); more; more = dictionary.next())
          sum += dictionary.entry.valueLength;
      }
    }),
  );
  let state = 1;
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
  measure("random", () => dictionary.random(next));
  report(
    "remove",
    count,
    time(count, () => {
      for (let i = 0; i < count; i++) dictionary.remove(shuffled, i * KEY_BYTES, KEY_BYTES);
    }),
  );
  console.log(
    `  memory when empty: ${dictionary.memoryBytes} B in pieces, ${heap.reservedBytes} reserved ${sum > 0 ? "" : "?"}`,
  );
}

/** The slowest single insertions while a set grows, without and with a capture being taken now and then. */
function runGrowth(count) {
  for (const captured of [false, true]) {
    const dictionary = new Dictionary(newHeap(), new SipHasher(3, 4));
    const keys = keyBuffer(count, "key:", 7_919);
    const slow = [];
    let capture;
    const before = process.cpuUsage();
    for (let i = 0; i < count; i++) {
      const start = process.cpuUsage(before);
      // A capture is begun, left unread for the worst case, and let go of in slices.
      if (captured && i % 200_000 === 100_000) capture = dictionary.capture();
      if (captured && i % 200_000 > 190_000) capture?.release(20);
      dictionary.put(keys, i * KEY_BYTES, KEY_BYTES, keys, 0, 0, NO_EXPIRY);
      const end = process.cpuUsage(before);
      const us = end.user + end.system - start.user - start.system;
      if (us > 100) slow.push(us);
    }
    slow.sort((a, b) => b - a);
    const worst = slow.slice(0, 6).map((us) => us.toFixed(0));
    console.log(
      `growth to ${count.toLocaleString("en")}${captured ? ", captured" : ""}: ${slow.length} insertions over 100 µs; slowest: ${worst.join(", ")} µs`,
    );
  }
}

const machine = readFileSync("/proc/cpuinfo", "utf8").match(/model name\s*: (.*)/)?.[1] ?? process.arch;
console.log(`${machine}, node ${process.version}`);
const counts = process.argv.slice(2).map(Number);
for (const count of counts.length > 0 ? counts : [1000, 1_000_000]) {
  run("values of 8 to 32 B", count, (i) => 8 + (i % 25));
  run("no values (a set)", count, () => 0);
}
runGrowth(Math.max(100_000, ...counts));

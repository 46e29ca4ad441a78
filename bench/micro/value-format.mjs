// Measures the value format: writing a captured structure of each type, and building one from what was written. Times
// are processor time of the process, so that a busy machine changes them little. Build first: `node scripts/build.mjs`.
//
//   node --expose-gc bench/micro/value-format.mjs [elements…]        default: 1000 1000000
import { readFileSync } from "node:fs";

const root = new URL("../../dist/", import.meta.url);
const load = (path) => import(new URL(path, root).href);
const { ByteWriter } = await load("base/byte-writer.js");
const { SipHasher } = await load("engine/index/hash.js");
const { PieceHeap } = await load("value/heap/piece-heap.js");
const { UnpackedHash } = await load("value/hash/unpacked-hash.js");
const { UnpackedSet } = await load("value/set/unpacked-set.js");
const { UnpackedSortedSet } = await load("value/sorted-set/unpacked-sorted-set.js");
const { ListSequence } = await load("value/sequence/list-sequence.js");
const { pieceBytesAt } = await load("value/format/piece-format.js");
const { ValueBuilder } = await load("value/format/value-builder.js");
const { loadAddon } = await load("adapters/native/addon.js");
const { NativeBuffers } = await load("adapters/native/buffers.js");

const KEY_BYTES = 16;
const VALUE_BYTES = 16;
const NO_EXPIRY = -1;
const PASSES = 2;

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

function newParts(seed) {
  return { heap: newHeap(), hasher: new SipHasher(seed, 2), random: { uint32: () => 0, below: () => 0 } };
}

function time(name, count, body) {
  globalThis.gc?.();
  const start = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(start);
  console.log(
    `  ${name.padEnd(34)} ${(((user + system) * 1e3) / count).toFixed(1).padStart(8)} ns per element`,
  );
}

/** `count` keys of 16 bytes in one buffer. */
function keyBuffer(count) {
  const bytes = Buffer.alloc(count * KEY_BYTES);
  for (let i = 0; i < count; i++) bytes.write(`key:${String(i).padStart(12, "0")}`, i * KEY_BYTES, "latin1");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

const value = new Uint8Array(VALUE_BYTES).fill(97);
const FILL = {
  list: (parts, keys, count) => {
    const list = new ListSequence(parts.heap);
    for (let i = 0; i < count; i++) list.pushLast(keys, i * KEY_BYTES, KEY_BYTES);
    return list;
  },
  set: (parts, keys, count) => {
    const set = new UnpackedSet(parts);
    for (let i = 0; i < count; i++) set.add(keys, i * KEY_BYTES, KEY_BYTES);
    return set;
  },
  hash: (parts, keys, count) => {
    const hash = new UnpackedHash(parts);
    for (let i = 0; i < count; i++)
      hash.put(keys, i * KEY_BYTES, KEY_BYTES, value, 0, VALUE_BYTES, NO_EXPIRY);
    return hash;
  },
  "hash with times": (parts, keys, count) => {
    const hash = new UnpackedHash(parts);
    for (let i = 0; i < count; i++)
      hash.put(keys, i * KEY_BYTES, KEY_BYTES, value, 0, VALUE_BYTES, 1_700_000_000_000 + i);
    return hash;
  },
  "sorted set": (parts, keys, count) => {
    const set = new UnpackedSortedSet(parts);
    for (let i = 0; i < count; i++) set.append(keys, i * KEY_BYTES, KEY_BYTES, i * 0.5);
    return set;
  },
};

function build(parts, written) {
  const builder = new ValueBuilder(parts);
  for (let at = 0; at < written.length; ) {
    const length = pieceBytesAt(written.bytes, at);
    builder.addPiece(written.bytes, at, length);
    at += length;
  }
  return builder.finish();
}

function free(structure) {
  while (!structure.release(1000));
}

function run(count) {
  const keys = keyBuffer(count);
  const rounds = Math.max(1, Math.floor(100_000 / count));
  console.log(`${count.toLocaleString("en")} elements of ${KEY_BYTES} B, values of ${VALUE_BYTES} B`);
  for (const [type, fill] of Object.entries(FILL)) {
    const parts = newParts(1);
    const structure = fill(parts, keys, count);
    const written = new ByteWriter(count * 48 + 200_000);
    for (let pass = 0; pass < PASSES; pass++) {
      time(`${type}, write`, count * rounds, () => {
        for (let r = 0; r < rounds; r++) {
          written.length = 0;
          const capture = structure.capture();
          while (capture.writePiece(written));
          capture.release(1);
        }
      });
    }
    for (const [order, seed] of [
      ["", 1],
      [", other hash", 7],
    ]) {
      if (seed !== 1 && (type === "list" || type === "hash with times")) continue;
      const target = newParts(seed);
      let used = 0;
      for (let pass = 0; pass < PASSES; pass++) {
        time(`${type}, build${order}`, count * rounds, () => {
          for (let r = 0; r < rounds; r++) {
            const built = build(target, written);
            if (built.size !== count) throw new Error("elements are missing");
            used = built.memoryBytes;
            if (r + 1 < rounds) free(built);
          }
        });
        if (pass + 1 < PASSES) continue;
        const share = (used / structure.memoryBytes).toFixed(3);
        console.log(`  ${`${type}, memory built${order}`.padEnd(34)} ${share.padStart(8)} of the original's`);
      }
    }
    free(structure);
  }
}

const machine = readFileSync("/proc/cpuinfo", "utf8").match(/model name\s*: (.*)/)?.[1] ?? process.arch;
console.log(`${machine}, node ${process.version}`);
const counts = process.argv.slice(2).map(Number);
for (const count of counts.length > 0 ? counts : [1000, 1_000_000]) run(count);

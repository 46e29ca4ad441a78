// Checkpoint files: how fast they are written and loaded, and how long the loop is held. Run after `npm run build`:
//   node bench/micro/checkpoint-files.mjs [folder]     (a folder on the disk to measure; default: the system's temporary one)
//
// The data set is that of two million keys: 27 segments of 8 MiB, 22 MB of rows, and structures beside them. `late`: how
// much later than asked a timer of a millisecond came meanwhile, median and worst; on a busy machine that is others' time too.
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { loadAddon } from "../../dist/adapters/native/addon.js";
import { NativeFileSystem } from "../../dist/adapters/native/file-system.js";
import { NodeClock } from "../../dist/adapters/node/clock.js";
import { PortableFileSystem } from "../../dist/adapters/node/file-system.js";
import { CheckpointFolder } from "../../dist/checkpoint/checkpoint-folder.js";
import { CheckpointWriter } from "../../dist/checkpoint/checkpoint-writer.js";
import { loadCheckpoint } from "../../dist/checkpoint/load-checkpoint.js";
import { Slices } from "../../dist/checkpoint/slices.js";
import { loadLz4 } from "../../dist/codec/compression.js";
import { chooseCrc32c } from "../../dist/codec/crc32c.js";

const MIB = 1024 * 1024;
const IDENTITY = { databaseId: "0".repeat(32), hashSeed: [1, 2] };

/** `rowBytes` of rows, `structures` of about 64 KiB each. `rounds`: of each the best is printed. */
export async function run({
  segments = 27,
  segmentBytes = 8 * MIB,
  rowBytes = 22e6,
  structures = 200,
  rounds = 3,
  folder = tmpdir(),
} = {}) {
  const addon = loadAddon();
  const fs = addon === undefined ? new PortableFileSystem() : new NativeFileSystem(addon);
  const parts = { fs, crc32c: chooseCrc32c(addon?.crc32c), clock: new NodeClock() };
  console.log(
    `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, ${fs.kind} files in ${folder}`,
  );
  const data = makeData({ segments, segmentBytes, rowBytes, structures });
  for (const codec of [undefined, await loadLz4()]) {
    const name = codec === undefined ? "plain" : "lz4";
    const figures = { write: [], load: [] };
    for (let round = 0; round < rounds; round++) {
      const root = mkdtempSync(join(folder, "ferrite-bench-"));
      try {
        const manifest = await writeOnce(parts, root, data, codec, figures.write);
        await loadOnce(parts, root, manifest, figures.load);
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    }
    report(`${name} write`, figures.write);
    report(`${name} load`, figures.load);
  }
}

function makeData({ segments, segmentBytes, rowBytes, structures }) {
  const noise = new Uint8Array(segmentBytes + 4096);
  // Compressible like records are: words that repeat with a counter between them.
  for (let i = 0; i < noise.length; i++)
    noise[i] = i % 8 < 5 ? 97 + ((i >>> 3) % 23) : (i * 2_654_435_761) >>> 13;
  return {
    segments: Array.from({ length: segments }, (_, i) => noise.slice(i, i + segmentBytes)),
    row: noise.slice(0, 4112),
    rows: Math.ceil(rowBytes / 4112),
    piece: noise.slice(0, Math.min(16_384, segmentBytes)),
    structures,
  };
}

function captureOf(data) {
  const places = [];
  let rowsLeft = data.rows;
  let next = 0;
  return {
    keyspaces: new Int32Array(16).map((_, i) => i),
    keys: 2_000_000,
    nextBirth: data.segments.length + 1,
    segments: data.segments.map((bytes, i) => ({
      id: i + 1,
      birth: i + 1,
      usedUnits: bytes.length / 8,
      deadUnits: 0,
      capacityBytes: bytes.length,
      hasFile: false,
    })),
    copyRows(into, offset, rowsMax) {
      let at = offset;
      for (let i = 0; i < rowsMax && rowsLeft > 0 && at + data.row.length <= into.length; i++, rowsLeft--) {
        into.set(data.row, at);
        at += data.row.length;
      }
      return at - offset;
    },
    nextStructure() {
      if (next === data.structures) return undefined;
      let pieces = 4;
      const writePiece = (out) => pieces-- > 0 && append(out, data.piece);
      return { handle: next++, value: { size: 4, retainedBytes: 0, writePiece, release: () => true } };
    },
    structureWritten: (handle, place) =>
      places.push({ handle, keyspace: 0, hashHigh: 1, hashLow: 2, ...place }),
    structures: () => places,
    segmentBytes: (id) => data.segments[id - 1],
    segmentWritten() {},
    complete() {},
    abandon() {},
  };
}

async function writeOnce({ fs, crc32c, clock }, root, data, codec, figures) {
  const folder = new CheckpointFolder(fs, root);
  folder.create();
  const writer = new CheckpointWriter({ clock, crc32c, folder, identity: IDENTITY, nextId: 1 });
  const request = { capture: captureOf(data), lsn: 1, wallMs: 0, previous: undefined, codec };
  const result = await measured(() => writer.write(request), figures);
  if (result.kind === "failed") throw result.error;
  figures.at(-1).bytes = result.bytesWritten;
  return result.manifest;
}

async function loadOnce({ fs, crc32c, clock }, root, manifest, figures) {
  let bytes = 0;
  const slices = new Slices(clock, 5);
  const loading = {
    folder: new CheckpointFolder(fs, root),
    manifest,
    crc32c,
    codec: loadLz4,
    breathe: slices.breathe,
    loader: { addSegment() {}, addRows() {}, addStructure() {}, finish() {} },
    newBuilder: () => ({ addPiece() {}, finish: () => undefined, abandon() {} }),
    allocate: (length) => new ArrayBuffer(length),
    onProgress: (_, total) => {
      bytes = total;
    },
  };
  await measured(() => loadCheckpoint(loading), figures);
  figures.at(-1).bytes = bytes;
}

/** Runs `work`; beside it a timer of a millisecond tells how late it came. */
async function measured(work, figures) {
  const late = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    late.push(now - last - 1);
    last = now;
  }, 1);
  const start = performance.now();
  const result = await work();
  const ms = performance.now() - start;
  clearInterval(timer);
  late.sort((x, y) => x - y);
  figures.push({ ms, median: late[late.length >> 1] ?? 0, worst: late.at(-1) ?? 0 });
  return result;
}

function report(name, figures) {
  const best = figures.toSorted((a, b) => a.ms - b.ms)[0];
  const speed = best.bytes / 1e6 / (best.ms / 1000);
  const size = (best.bytes / 1e6).toFixed(1);
  console.log(
    `${name.padEnd(12)} ${size.padStart(7)} MB in ${best.ms.toFixed(0).padStart(5)} ms   ${speed.toFixed(0).padStart(5)} MB/s   late by ${best.median.toFixed(1)} ms, at most ${best.worst.toFixed(1)}`,
  );
}

function append(out, bytes) {
  out.reserve(bytes.length);
  out.bytes.set(bytes, out.length);
  out.length += bytes.length;
  return true;
}

if (process.argv[1]?.endsWith("checkpoint-files.mjs")) await run({ folder: process.argv[2] ?? tmpdir() });

// Files: what an append, a read and a sync cost through each implementation. Run after `npm run build`:
//   node bench/micro/files.mjs [folder]     (a folder on the disk to measure; default: the system's temporary one)
//
// Also proves that the synchronous calls of the native implementation allocate nothing: `heap` is bytes per call.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { loadAddon } from "../../dist/adapters/native/addon.js";
import { NativeFileSystem } from "../../dist/adapters/native/file-system.js";
import { NativeMappedFiles } from "../../dist/adapters/native/mapped-file.js";
import { PortableFileSystem } from "../../dist/adapters/node/file-system.js";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc");

/** `calls`: synchronous operations of each kind; `syncs`: appends with a sync. */
export async function run({ calls = 20_000, syncs = 500, folder = tmpdir() } = {}) {
  const root = mkdtempSync(join(folder, "ferrite-bench-"));
  const addon = loadAddon();
  const systems = [new PortableFileSystem()];
  if (addon !== undefined) systems.unshift(new NativeFileSystem(addon));
  console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, ${folder}`);
  try {
    for (const system of systems) {
      appendSync(system, root, calls, 100);
      appendSync(system, root, Math.ceil(calls / 10), 65_536);
      reads(system, root, calls);
      await appends(system, root, syncs);
    }
    if (addon !== undefined) mapped(new NativeMappedFiles(addon), root, calls);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Best of four: the fastest was disturbed least, and the first still compiles. */
function time(name, count, operation) {
  let ns = Number.POSITIVE_INFINITY;
  let heap = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 4; attempt++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    for (let i = 0; i < count; i++) operation(i);
    ns = Math.min(ns, ((performance.now() - start) * 1e6) / count);
    heap = Math.min(heap, (process.memoryUsage().heapUsed - before) / count);
  }
  console.log(`${name.padEnd(44)} ${ns.toFixed(0).padStart(9)} ns   heap ${heap.toFixed(1)} B`);
}

function appendSync(system, root, count, length) {
  const file = system.openSync(join(root, "append"), "append");
  const bytes = new Uint8Array(length).fill(120);
  time(`${system.kind} appendSync ${length} B`, count, () => file.appendSync(bytes, 0, length));
  file.close();
  system.unlinkSync(join(root, "append"));
}

function reads(system, root, count) {
  const path = join(root, "read");
  const file = system.openSync(path, "append");
  file.appendSync(new Uint8Array(8 << 20).fill(7), 0, 8 << 20);
  const into = new Uint8Array(4096);
  const at = (i) => (i * 40_961) % ((8 << 20) - 4096);
  time(`${system.kind} readSync 4 KiB`, count, (i) => file.readSync(at(i), into, 0, 4096));
  if (file.readResidentSync(0, into, 0, 4096) !== -1) {
    time(`${system.kind} readResidentSync 4 KiB`, count, (i) => file.readResidentSync(at(i), into, 0, 4096));
  }
  file.close();
}

function mapped(files, root, count) {
  const map = files.map(join(root, "read"));
  const into = new Uint8Array(4096);
  const at = (i) => (i * 40_961) % ((8 << 20) - 4096);
  time("native mapped copy 4 KiB", count, (i) => into.set(map.bytes.subarray(at(i), at(i) + 4096)));
  time("native mapped isResident 4 KiB", count, (i) => map.isResident(at(i), 4096));
  map.unmap();
}

/**
 * An append with and without a sync, each beside its floor: the same system calls from node:fs on this thread.
 * The two take turns, because a disk's mood changes within seconds.
 */
async function appends(system, root, count) {
  for (const sync of [true, false]) {
    const path = join(root, `appends-${system.kind}-${sync}`);
    const file = system.openSync(path, "append");
    const descriptor = openSync(`${path}-raw`, "a");
    const bytes = new Uint8Array(2560).fill(120);
    const floor = [];
    const samples = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      writeSync(descriptor, bytes);
      if (sync) fdatasyncSync(descriptor);
      const middle = performance.now();
      await new Promise((resolve) => file.append(bytes, 0, 2560, sync, resolve));
      floor.push((middle - start) * 1000);
      samples.push((performance.now() - middle) * 1000);
    }
    file.close();
    closeSync(descriptor);
    report(`raw write 2.5 KB${sync ? " + fdatasync" : ""}`, floor);
    report(`${system.kind} append 2.5 KB${sync ? " + sync" : ""}`, samples);
  }
}

function report(name, samples) {
  samples.sort((a, b) => a - b);
  const at = (share) => samples[Math.floor(samples.length * share)].toFixed(1).padStart(8);
  console.log(`${name.padEnd(44)} median ${at(0.5)} µs   p10 ${at(0.1)}   p99 ${at(0.99)}`);
}

if (process.argv[1]?.endsWith("files.mjs")) await run({ folder: process.argv[2] ?? tmpdir() });

// CRC-32C by length: portable, native, native without processor instructions. Run after `npm run build`:
//   node bench/micro/crc32c.mjs
//
// NATIVE_LENGTH_MIN in src/codec/crc32c.ts is where the first two columns cross.
import { cpus } from "node:os";
import { loadAddon } from "../../dist/adapters/native/addon.js";
import { crc32cPortable } from "../../dist/codec/crc32c.js";

export function run({ bytesPerLength = 100_000_000 } = {}) {
  const addon = loadAddon();
  const kinds = [["portable", crc32cPortable]];
  if (addon !== undefined)
    kinds.push([addon.CRC32C_KERNEL, addon.crc32c], ["native table", addon.crc32cTable]);
  console.log(`${cpus()[0].model}, Node ${process.version}`);
  for (const length of [16, 32, 48, 64, 96, 128, 256, 1024, 4096, 65_536, 1 << 20]) {
    const count = Math.ceil(Math.min(bytesPerLength / length, 1_000_000));
    const columns = kinds.map(([name, crc32c]) => `${name} ${measure(crc32c, length, count)}`);
    console.log(`${String(length).padStart(8)} B   ${columns.join("   ")}`);
  }
}

function measure(crc32c, length, count) {
  const bytes = new Uint8Array(length + 64).fill(0xa5);
  let sum = 0;
  for (let i = 0; i < count / 10; i++) sum ^= crc32c(bytes, i & 63, length, sum);
  const start = performance.now();
  for (let i = 0; i < count; i++) sum ^= crc32c(bytes, i & 63, length, sum);
  const ns = ((performance.now() - start) * 1e6) / count;
  return `${ns.toFixed(0).padStart(8)} ns ${(length / ns).toFixed(2).padStart(6)} GB/s`;
}

if (process.argv[1]?.endsWith("crc32c.mjs")) run();

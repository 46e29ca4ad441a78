// The append-only file alone: nanoseconds per effect and per turn, group commit, replay.
// Run: npm run build && node --expose-gc bench/micro/aof.mjs [--small]
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { loadAddon } from "../../dist/adapters/native/addon.js";
import { NativeFileSystem } from "../../dist/adapters/native/file-system.js";
import { NodeClock } from "../../dist/adapters/node/clock.js";
import { PortableFileSystem } from "../../dist/adapters/node/file-system.js";
import { EffectBuffer } from "../../dist/aof/effect-buffer.js";
import { openLog } from "../../dist/aof/open-log.js";
import { readLog } from "../../dist/aof/read-log.js";

const silent = { debug() {}, verbose() {}, notice() {}, warning() {}, setLevel() {} };
const clock = new NodeClock();

/** An arena of `count` SETs, 16-byte keys and 64-byte values, and where each begins. */
function arena(count) {
  const one = (i) =>
    `*3\r\n$3\r\nSET\r\n$16\r\nkey:${String(i).padStart(12, "0")}\r\n$64\r\n${"v".repeat(64)}\r\n`;
  const bytes = new Uint8Array(Buffer.from(Array.from({ length: count }, (_, i) => one(i)).join("")));
  return { bytes, size: bytes.length / count };
}

/** Nanoseconds per operation and bytes of heap per million of them. */
function measure(name, operations, run) {
  run();
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const start = process.hrtime.bigint();
  run();
  const ns = Number(process.hrtime.bigint() - start) / operations;
  const grown = globalThis.gc
    ? `${Math.round(((process.memoryUsage().heapUsed - heap) / operations) * 1e6)} B/M`
    : "";
  console.log(`${name.padEnd(58)} ${ns.toFixed(1).padStart(9)} ns  ${grown}`);
}

function appendOnly(turns) {
  for (const perTurn of [1, 16, 256]) {
    const { bytes, size } = arena(perTurn);
    const buffer = new EffectBuffer(1);
    const operations = Math.floor(turns / perTurn) * perTurn;
    measure(`append + frame, ${perTurn} SETs side by side, per SET`, operations, () => {
      for (let done = 0; done < operations; done += perTurn) {
        for (let i = 0; i < perTurn; i++) buffer.appendVerbatim(0, bytes, i * size, (i + 1) * size);
        buffer.endTurn();
        buffer.seal(1_700_000_000_000, buffer.firstLsn - 1);
        buffer.reset(buffer.nextLsn);
      }
    });
  }
  const { bytes, size } = arena(256);
  const buffer = new EffectBuffer(1);
  measure("appendVerbatim alone, side by side", turns, () => {
    for (let done = 0; done < turns; done += 256) {
      for (let i = 0; i < 256; i++) buffer.appendVerbatim(0, bytes, i * size, (i + 1) * size);
      buffer.reset(buffer.nextLsn);
    }
  });
  measure("SET k v PXAT t, argument by argument", turns, () => {
    for (let done = 0; done < turns; done += 256) {
      for (let i = 0; i < 256; i++) {
        buffer.begin(0, 5);
        buffer.argumentText("SET");
        buffer.argument(bytes, 18, 16);
        buffer.argument(bytes, 41, 64);
        buffer.argumentText("PXAT");
        buffer.argumentInteger(1_700_000_000_000);
        buffer.end();
      }
      buffer.reset(buffer.nextLsn);
    }
  });
}

async function withLog(fs, policy, use) {
  const folder = join(mkdtempSync(join(tmpdir(), "ferrite-bench-")), "aof");
  try {
    const summary = await readLog({ fs, folder, handler: { effect() {} } });
    const log = await openLog({ fs, folder, clock, logger: silent, policy, summary });
    await use(log, folder);
  } finally {
    rmSync(join(folder, ".."), { recursive: true });
  }
}

async function turnsOnDisk(fs, count) {
  for (const perTurn of [1, 16, 256]) {
    await withLog(fs, "everysec", async (log) => {
      const { bytes, size } = arena(perTurn);
      const turns = Math.max(1, Math.floor(count / perTurn));
      measure(`everysec, ${fs.kind} file, ${perTurn} SETs a turn, per turn`, turns, () => {
        for (let t = 0; t < turns; t++) {
          for (let i = 0; i < perTurn; i++) log.appendVerbatim(0, bytes, i * size, (i + 1) * size);
          log.commitTurn(1_700_000_000_000);
        }
      });
      await log.close();
    });
  }
}

/** Closed loop: each client appends one SET, waits for durability, and takes `costUs` of the loop before its next. */
async function groupCommit(fs, clients, milliseconds, costUs) {
  await withLog(fs, "always", async (log) => {
    const { bytes, size } = arena(1);
    let ready = clients;
    const waiting = [];
    log.onDurable((lsn) => {
      while (waiting.length > 0 && waiting[0] <= lsn) {
        waiting.shift();
        ready++;
      }
    });
    const endMs = performance.now() + milliseconds;
    let done = 0;
    await new Promise((resolve) => {
      const turn = () => {
        if (performance.now() > endMs) return resolve();
        const now = ready;
        ready = 0;
        const busyUntil = performance.now() + (now * costUs) / 1000;
        for (let i = 0; i < now; i++) {
          waiting.push(log.nextLsn);
          log.appendVerbatim(0, bytes, 0, size);
        }
        while (performance.now() < busyUntil);
        done += now;
        log.commitTurn(Date.now());
        setImmediate(turn);
      };
      turn();
    });
    const { frames } = log.counters;
    await log.close();
    const rate = Math.round(done / (milliseconds / 1000));
    console.log(
      `always, ${fs.kind} file, ${clients} clients, ${costUs} us of loop each: ${rate}/s, ${(done / frames).toFixed(1)} effects a sync`,
    );
  });
}

async function replay(fs, effects) {
  for (const perTurn of [1, 64]) {
    await withLog(fs, "no", async (log, folder) => {
      const { bytes, size } = arena(perTurn);
      for (let done = 0; done < effects; done += perTurn) {
        for (let i = 0; i < perTurn; i++) log.appendVerbatim(0, bytes, i * size, (i + 1) * size);
        log.commitTurn(1_700_000_000_000);
      }
      await log.close();
      let sum = 0;
      const start = performance.now();
      const summary = await readLog({
        fs,
        folder,
        handler: { effect: (_db, request) => void (sum += request.argc) },
      });
      const seconds = (performance.now() - start) / 1000;
      const millions = summary.effects / seconds / 1e6;
      console.log(
        `replay, ${perTurn} effects a frame: ${millions.toFixed(2)} M effects/s, ${Math.round(summary.bytes / seconds / 1e6)} MB/s (${sum / 3} seen)`,
      );
    });
  }
}

export async function run({ operations, milliseconds, effects }) {
  console.log(`node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "?"}`);
  appendOnly(operations);
  const addon = loadAddon();
  const systems = [new PortableFileSystem(), ...(addon === undefined ? [] : [new NativeFileSystem(addon)])];
  for (const fs of systems) {
    await turnsOnDisk(fs, operations / 20);
    await groupCommit(fs, 1, milliseconds, 0);
    await groupCommit(fs, 50, milliseconds, 9);
  }
  await replay(systems[0], effects);
}

const small = process.argv.includes("--small");
await run(
  small
    ? { operations: 20_000, milliseconds: 100, effects: 20_000 }
    : { operations: 2_000_000, milliseconds: 1500, effects: 2_000_000 },
);

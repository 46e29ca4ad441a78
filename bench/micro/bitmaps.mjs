/**
 * Bitmap commands without a server: nanoseconds and bytes of heap per command, and gigabytes per second of the kernels.
 *
 * Run after `npm run build`:
 *   node bench/micro/bitmaps.mjs            kernels over 64 MB
 *   node bench/micro/bitmaps.mjs --small    a run of about a second
 */
import { cpus } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { SeededRandom } from "../../dist/adapters/memory/random.js";
import { NodeClock } from "../../dist/adapters/node/clock.js";
import { bitmapCommands } from "../../dist/commands/bitmaps.js";
import { Context } from "../../dist/commands/context.js";
import { stringCommands } from "../../dist/commands/strings.js";
import { Engine } from "../../dist/engine/engine.js";
import { GrowingOutput } from "../../dist/protocol/output-space.js";
import { ReplyWriter } from "../../dist/protocol/reply-writer.js";
import { Request } from "../../dist/protocol/request.js";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc");
const NOW_MS = 1_700_000_000_000;
const REQUESTS = 1024;
const BITS = 1_000_000;

/** Takes effects and keeps none: the log is measured elsewhere. */
const discarded = {
  verbatim() {},
  begin() {},
  requestArgument() {},
  argument() {},
  argumentText() {},
  argumentInteger() {},
  end() {},
  beginUnit() {},
  endUnit() {},
};

/** Requests as a server has them: ranges over one buffer that many commands share. */
function inOneArena(commands) {
  const requests = commands.map((command) => Request.of(command.map(String)));
  const arena = new Uint8Array(requests.reduce((sum, request) => sum + request.end, 0));
  let position = 0;
  for (const request of requests) {
    arena.set(request.bytes, position);
    for (let i = 0; i < request.argc; i++) request.offsets[i] += position;
    position += request.end;
    request.bytes = arena;
  }
  return requests;
}

class Bench {
  engine = new Engine({
    databases: 16,
    hashSeed: [1, 2],
    clock: new NodeClock(),
    random: new SeededRandom(1),
  });
  output = new GrowingOutput(256 * 1024);
  context = new Context({
    keyspace: this.engine.keyspace,
    structures: this.engine,
    reply: new ReplyWriter(this.output),
    effects: discarded,
    server: {},
    request: new Request(),
    session: {},
  });
  bodies = new Map([...bitmapCommands, ...stringCommands].map((spec) => [spec.name, spec.execute]));

  constructor() {
    this.context.nowMs = NOW_MS;
    this.engine.keyspace.nowMs = NOW_MS;
  }

  run(...words) {
    this.execute(this.bodies.get(words[0].toLowerCase()), Request.of(words.map(String)));
  }

  execute(body, request) {
    this.context.request = request;
    body(this.context);
    if (this.output.position > 128 * 1024) this.output.position = 0;
  }

  /** Best of five: on a shared machine the fastest run is the one that was disturbed least. */
  measure(name, make, rounds) {
    const requests = inOneArena(Array.from({ length: REQUESTS }, (_, i) => make((i * 7919) % BITS)));
    const body = this.bodies.get(make(0)[0].toLowerCase());
    const round = () => {
      for (let i = 0; i < REQUESTS; i++) this.execute(body, requests[i]);
    };
    for (let i = 0; i < 20; i++) round();
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 5; attempt++) {
      const begin = process.hrtime.bigint();
      for (let i = 0; i < rounds; i++) round();
      best = Math.min(best, Number(process.hrtime.bigint() - begin));
    }
    let grown = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 4; attempt++) {
      collect();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < 20; i++) round();
      grown = Math.min(grown, process.memoryUsage().heapUsed - before);
    }
    const nanoseconds = (best / (rounds * REQUESTS)).toFixed(1);
    // The measurement itself leaves some kilobytes behind.
    const bytes = Math.max(0, (grown - 16384) / (20 * REQUESTS)).toFixed(2);
    console.log(`${name.padEnd(36)} ${nanoseconds.padStart(9)} ns/op ${bytes.padStart(8)} B/op`);
    return { name, nanoseconds: Number(nanoseconds), bytes: Number(bytes) };
  }

  /** Gigabytes read per second by one command over a long value. */
  sweep(name, bytes, words) {
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 4; attempt++) {
      const begin = process.hrtime.bigint();
      this.run(...words);
      best = Math.min(best, Number(process.hrtime.bigint() - begin));
    }
    const rate = (bytes / best).toFixed(2);
    console.log(`${name.padEnd(36)} ${rate.padStart(9)} GB/s`);
    return { name, gigabytesPerSecond: Number(rate) };
  }
}

export function run({ small = false } = {}) {
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}`);
  const bench = new Bench();
  bench.run("SETBIT", "bits", BITS, 1);
  bench.run("SETBIT", "raw", 0, 1);
  for (const key of ["short1", "short2"]) bench.run("SET", key, "v".repeat(64));
  const rounds = small ? 10 : 200;
  const kinds = [
    ["GETBIT", (i) => ["GETBIT", "bits", i]],
    ["SETBIT, half of them change", (i) => ["SETBIT", "bits", i, (i >> 3) & 1]],
    ["SETBIT, none changes", () => ["SETBIT", "raw", 0, 1]],
    ["BITCOUNT of 64 bytes", () => ["BITCOUNT", "short1"]],
    ["BITPOS in 64 bytes", () => ["BITPOS", "short1", 1, 8, 500, "BIT"]],
    ["BITFIELD GET u8", (i) => ["BITFIELD", "bits", "GET", "u8", i]],
    ["BITFIELD INCRBY u16", (i) => ["BITFIELD", "bits", "INCRBY", "u16", i, 3]],
    ["BITFIELD INCRBY i64 (BigInt)", (i) => ["BITFIELD", "bits", "INCRBY", "i64", i, 3]],
    ["BITOP AND of two times 64 bytes", () => ["BITOP", "AND", "to", "short1", "short2"]],
  ];
  const results = kinds.map(([name, make]) => bench.measure(name, make, rounds));
  const bytes = (small ? 4 : 64) * 2 ** 20;
  for (const key of ["long1", "long2"]) bench.run("SETBIT", key, bytes * 8 - 1, 1);
  results.push(bench.sweep("BITCOUNT", bytes, ["BITCOUNT", "long1"]));
  results.push(bench.sweep("BITPOS", bytes, ["BITPOS", "long1", 1]));
  results.push(
    bench.sweep("BITOP OR of two, bytes of the result", bytes, ["BITOP", "OR", "to", "long1", "long2"]),
  );
  results.push(bench.sweep("BITOP NOT into its source", bytes, ["BITOP", "NOT", "long1", "long1"]));
  return results;
}

if (import.meta.url === `file://${process.argv[1]}`) run({ small: process.argv.includes("--small") });

/**
 * Hash commands without a server: nanoseconds and bytes of heap per command, on small packed and on large unpacked hashes.
 *
 * Run after `npm run build`:
 *   node bench/micro/hashes.mjs            10,000 small hashes and one of 1,000,000 fields
 *   node bench/micro/hashes.mjs --small    a run of about a second
 */
import { cpus } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { SeededRandom } from "../../dist/adapters/memory/random.js";
import { NodeClock } from "../../dist/adapters/node/clock.js";
import { Context } from "../../dist/commands/context.js";
import { hashCommands } from "../../dist/commands/hashes.js";
import { Engine } from "../../dist/engine/engine.js";
import { GrowingOutput } from "../../dist/protocol/output-space.js";
import { ReplyWriter } from "../../dist/protocol/reply-writer.js";
import { Request } from "../../dist/protocol/request.js";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc");
const NOW_MS = 1_700_000_000_000;
const REQUESTS = 4096;

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
  bodies = new Map(hashCommands.map((spec) => [spec.name, spec.execute]));

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
    const requests = inOneArena(Array.from({ length: REQUESTS }, (_, i) => make(i * 7919)));
    const body = this.bodies.get(make(0)[0].toLowerCase());
    const round = () => {
      for (let i = 0; i < REQUESTS; i++) this.execute(body, requests[i]);
    };
    for (let i = 0; i < 10; i++) round();
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 5; attempt++) {
      while (this.engine.maintain(5));
      const begin = process.hrtime.bigint();
      for (let i = 0; i < rounds; i++) round();
      best = Math.min(best, Number(process.hrtime.bigint() - begin));
    }
    let grown = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 4; attempt++) {
      while (this.engine.maintain(5));
      collect();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < 10; i++) round();
      grown = Math.min(grown, process.memoryUsage().heapUsed - before);
    }
    const nanoseconds = (best / (rounds * REQUESTS)).toFixed(1);
    // The measurement itself leaves some kilobytes behind.
    const bytes = Math.max(0, (grown - 16384) / (10 * REQUESTS)).toFixed(2);
    console.log(`${name.padEnd(42)} ${nanoseconds.padStart(9)} ns/op ${bytes.padStart(8)} B/op`);
    return { name, nanoseconds: Number(nanoseconds), bytes: Number(bytes) };
  }
}

const field = (i) => `field:${String(i).padStart(6, "0")}`;

export function run({ small = false } = {}) {
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}`);
  const bench = new Bench();
  const keys = small ? 1000 : 10_000;
  const fields = small ? 20_000 : 1_000_000;
  const rounds = small ? 4 : 50;
  const ten = Array.from({ length: 10 }, (_, i) => [field(i), "v".repeat(16)]).flat();
  for (let i = 0; i < keys; i++) bench.run("HSET", `small:${i}`, ...ten, "n", i % 10);
  for (let i = 0; i < fields; i++) bench.run("HSET", "large", field(i), "v".repeat(16));
  for (let i = 0; i < fields; i++) bench.run("HSET", "numbers", field(i), 1_000_000 + i);
  for (let i = 0; i < 400; i++) bench.run("HSET", "medium", `f${i}`, i);
  const kinds = [
    ["HSET, packed, same length", (i) => ["HSET", `small:${i % keys}`, field(i % 10), "w".repeat(16)]],
    ["HSET, packed, other length", (i) => ["HSET", `small:${i % keys}`, field(i % 10), "w".repeat(i % 30)]],
    ["HSET of ten fields, packed", (i) => ["HSET", `small:${i % keys}`, ...ten]],
    ["HGET, packed", (i) => ["HGET", `small:${i % keys}`, field(i % 10)]],
    ["HMGET of three, packed", (i) => ["HMGET", `small:${i % keys}`, field(1), field(5), field(9)]],
    ["HINCRBY, packed", (i) => ["HINCRBY", `small:${i % keys}`, "n", (i % 2) * 2 - 1]],
    ["HLEN, packed", (i) => ["HLEN", `small:${i % keys}`]],
    ["HGETALL of eleven fields", (i) => ["HGETALL", `small:${i % keys}`]],
    ["HGET of 400 packed fields", (i) => ["HGET", "medium", `f${i % 400}`]],
    ["HRANDFIELD, packed", (i) => ["HRANDFIELD", `small:${i % keys}`]],
    ["HSET, unpacked, same length", (i) => ["HSET", "large", field(i % fields), "w".repeat(16)]],
    ["HGET, unpacked", (i) => ["HGET", "large", field(i % fields)]],
    ["HEXISTS, unpacked, absent", (i) => ["HEXISTS", "large", `none:${i}`]],
    ["HINCRBY, unpacked", (i) => ["HINCRBY", "numbers", field(i % fields), 1]],
    ["HRANDFIELD, unpacked", () => ["HRANDFIELD", "large"]],
  ];
  return kinds.map(([name, make]) => bench.measure(name, make, rounds));
}

if (import.meta.url === `file://${process.argv[1]}`) run({ small: process.argv.includes("--small") });

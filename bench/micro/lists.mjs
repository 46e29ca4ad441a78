/**
 * What the bodies of the hot list commands cost on the engine: nanoseconds of processor
 * time and allocated bytes per operation, parsing
 * and the dispatcher left out.
 *
 *   node bench/micro/lists.mjs            a list of 100,000 elements, and short ones
 *   node bench/micro/lists.mjs --small    a run of about a second, for the test suite
 *
 * Allocation is the growth of the used heap over a run that is short enough not to be collected in between; all forms
 * must show less than one byte per operation.
 */
import { cpus } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { SeededRandom } from "../../dist/adapters/memory/random.js";
import { NodeClock } from "../../dist/adapters/node/clock.js";
import { Context } from "../../dist/commands/context.js";
import { listCommands } from "../../dist/commands/lists.js";
import { Engine } from "../../dist/engine/engine.js";
import { GrowingOutput } from "../../dist/protocol/output-space.js";
import { ReplyWriter } from "../../dist/protocol/reply-writer.js";
import { Request } from "../../dist/protocol/request.js";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc");

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

function prepare(elements) {
  const engine = new Engine({
    databases: 16,
    hashSeed: [1, 2],
    clock: new NodeClock(),
    random: new SeededRandom(1),
  });
  const output = new GrowingOutput(256 * 1024);
  const context = new Context({
    keyspace: engine.keyspace,
    structures: engine,
    reply: new ReplyWriter(output),
    effects: discarded,
    server: {},
    request: new Request(),
    session: {},
  });
  context.nowMs = 1_700_000_000_000;
  engine.keyspace.nowMs = context.nowMs;
  const bodies = new Map(listCommands.map((spec) => [spec.name, spec.execute]));
  const bench = { engine, context, output, bodies };
  for (let i = 0; i < elements; i++) run1(bench, ["RPUSH", "long", `element:${i % 1000}`]);
  for (let i = 0; i < elements; i++) run1(bench, ["RPUSH", "three", "xxx"]);
  for (let i = 0; i < 30; i++) run1(bench, ["RPUSH", "short", `element:${i}`]);
  for (let i = 0; i < 700; i++) run1(bench, ["RPUSH", "packed", "xxx"]);
  return bench;
}

function run1({ context, output, bodies }, words) {
  context.request = Request.of(words);
  bodies.get(words[0].toLowerCase())(context);
  output.position = 0;
}

/** Requests as a server has them: ranges over one buffer that many commands share. */
function inOneArena(commands) {
  const requests = commands.map((words) => Request.of(words.map(String)));
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

/** Processor time, the best of five runs: on a shared machine the clock on the wall tells of the others, too. */
function measure(bench, name, commands, rounds) {
  const { engine, context, output, bodies } = bench;
  const requests = inOneArena(commands);
  const executes = commands.map(([command]) => bodies.get(command.toLowerCase()));
  const round = () => {
    for (let i = 0; i < requests.length; i++) {
      context.request = requests[i];
      executes[i](context);
      if (output.position > 128 * 1024) output.position = 0;
    }
  };
  const warm = Math.max(20, Math.min(2000, rounds));
  for (let i = 0; i < warm; i++) round();
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 5; attempt++) {
    while (engine.maintain(5));
    const begin = process.cpuUsage();
    for (let i = 0; i < rounds; i++) round();
    const used = process.cpuUsage(begin);
    best = Math.min(best, (used.user + used.system) * 1000);
  }
  const bytesOf = (times) => {
    let grown = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 4; attempt++) {
      while (engine.maintain(5));
      collect();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < times; i++) round();
      grown = Math.min(grown, process.memoryUsage().heapUsed - before);
    }
    return grown;
  };
  // The measurement itself leaves some hundred kilobytes behind.
  const grown = bytesOf(rounds) - bytesOf(1);
  const operations = rounds * requests.length;
  const nanoseconds = (best / operations).toFixed(1);
  const bytes = Math.max(0, grown / operations).toFixed(2);
  console.log(`${name.padEnd(40)} ${nanoseconds.padStart(9)} ns/op ${bytes.padStart(8)} B/op`);
  return { name, nanoseconds: Number(nanoseconds), bytes: Number(bytes) };
}

export function run({ small = false } = {}) {
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}`);
  const elements = small ? 10_000 : 100_000;
  const bench = prepare(elements);
  const rounds = small ? 200 : 20_000;
  const sixteen = (make) => Array.from({ length: 16 }, (_, i) => make(i));
  const somewhere = (i) => (i * 7919 * 31) % elements;
  const kinds = [
    ["RPUSH + LPOP, queue of 100,000", ["RPUSH", "LPOP"], "long"],
    ["LPUSH + LPOP, stack of 100,000", ["LPUSH", "LPOP"], "long"],
    ["LPUSH + RPOP, queue of 100,000", ["LPUSH", "RPOP"], "long"],
    ["RPUSH + LPOP, queue of 30", ["RPUSH", "LPOP"], "short"],
    ["LPUSH + RPOP, queue of 30", ["LPUSH", "RPOP"], "short"],
    ["RPUSH + LPOP, packed queue of 700", ["RPUSH", "LPOP"], "packed"],
    ["LPUSH + RPOP, packed queue of 700", ["LPUSH", "RPOP"], "packed"],
    ["RPUSH + LPOP, key made and removed", ["RPUSH", "LPOP"], "new"],
  ].map(([name, [push, pop], key]) => [
    name,
    sixteen((i) => (i % 2 === 0 ? [push, key, "xxx"] : [pop, key])),
    1,
  ]);
  kinds.push(["LLEN", sixteen(() => ["LLEN", "short"]), 1]);
  kinds.push(["LINDEX of 100,000", sixteen((i) => ["LINDEX", "long", somewhere(i)]), 1]);
  kinds.push(["LINDEX, packed, of 700", sixteen((i) => ["LINDEX", "packed", (i * 43) % 700]), 1]);
  kinds.push(["LSET of 100,000", sixteen((i) => ["LSET", "long", somewhere(i), `element:${i}`]), 1]);
  kinds.push(["LMOVE, rotating 100,000", sixteen(() => ["LMOVE", "long", "long", "LEFT", "RIGHT"]), 1]);
  kinds.push(["LMOVE, rotating 30", sixteen(() => ["LMOVE", "short", "short", "LEFT", "RIGHT"]), 1]);
  for (const [key, last] of [
    ["three", 99],
    ["three", 599],
    ["long", 599],
    ["packed", 599],
  ]) {
    kinds.push([`LRANGE 0 ${last} of ${key}`, sixteen(() => ["LRANGE", key, 0, last]), 50]);
  }
  return kinds.map(([name, commands, share]) =>
    measure(bench, name, commands, Math.max(1, Math.round(rounds / share))),
  );
}

if (import.meta.url === `file://${process.argv[1]}`) run({ small: process.argv.includes("--small") });

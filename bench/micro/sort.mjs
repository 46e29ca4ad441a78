/**
 * What SORT costs on the engine: nanoseconds of processor time and allocated bytes per element, parsing and the dispatcher
 * left out.
 *
 *   node bench/micro/sort.mjs            lists of 20 and of 200,000 elements
 *   node bench/micro/sort.mjs --small    a run of about a second, for the test suite
 *
 * Allocation is what the V8 heap gained in a run; a command makes its options and a few views for long copies, which must
 * vanish among the elements of a large list.
 */
import { cpus } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { SeededRandom } from "../../dist/adapters/memory/random.js";
import { NodeClock } from "../../dist/adapters/node/clock.js";
import { Context } from "../../dist/commands/context.js";
import { listCommands } from "../../dist/commands/lists.js";
import { sortCommands } from "../../dist/commands/sort-specs.js";
import { stringCommands } from "../../dist/commands/strings.js";
import { Engine } from "../../dist/engine/engine.js";
import { GrowingOutput } from "../../dist/protocol/output-space.js";
import { ReplyWriter } from "../../dist/protocol/reply-writer.js";
import { Request } from "../../dist/protocol/request.js";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc");
const nothing = () => {};
/** Takes effects and keeps none: the log is measured elsewhere. */
const discarded = {
  verbatim: nothing,
  begin: nothing,
  requestArgument: nothing,
  argument: nothing,
  argumentText: nothing,
  argumentInteger: nothing,
  end: nothing,
  beginUnit: nothing,
  endUnit: nothing,
};

function prepare(elements) {
  const engine = new Engine({
    databases: 16,
    hashSeed: [1, 2],
    clock: new NodeClock(),
    random: new SeededRandom(1),
  });
  const output = new GrowingOutput(16 * 1024 * 1024);
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
  const specs = [...listCommands, ...sortCommands, ...stringCommands];
  const bodies = new Map(specs.map((spec) => [spec.name, spec.execute]));
  const execute = (words) => {
    context.request = Request.of(words);
    bodies.get(words[0].toLowerCase())(context);
    output.position = 0;
  };
  for (let i = 0; i < elements; i++) {
    execute(["RPUSH", "long", String((i * 7919) % 1_000_003)]);
    execute(["SET", `w_${(i * 7919) % 1_000_003}`, String((i * 31) % 1009)]);
  }
  for (let i = 0; i < 20; i++) execute(["RPUSH", "short", String((i * 7919) % 1_000_003)]);
  return { engine, context, output, sort: bodies.get("sort") };
}

/** The best of five runs: on a shared machine the clock on the wall tells of the others, too. */
function measure({ engine, context, output, sort }, words, elements, rounds) {
  const request = Request.of(words);
  const round = (times) => {
    for (let i = 0; i < times; i++) {
      context.request = request;
      sort(context);
      output.position = 0;
    }
  };
  round(Math.min(rounds, 2000));
  let best = Number.POSITIVE_INFINITY;
  let grown = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 5; attempt++) {
    while (engine.maintain(5));
    collect();
    const before = process.memoryUsage().heapUsed;
    const begin = process.cpuUsage();
    round(rounds);
    const used = process.cpuUsage(begin);
    grown = Math.min(grown, process.memoryUsage().heapUsed - before);
    best = Math.min(best, (used.user + used.system) * 1000);
  }
  const nanoseconds = best / rounds / elements;
  const bytes = Math.max(0, grown / rounds / elements);
  const name = words.join(" ").padEnd(40);
  console.log(
    `${name} ${nanoseconds.toFixed(1).padStart(9)} ns/element ${bytes.toFixed(2).padStart(8)} B/element`,
  );
  return { name: words.join(" "), nanoseconds, bytes };
}

export function run({ small = false } = {}) {
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}`);
  const elements = small ? 5000 : 200_000;
  const bench = prepare(elements);
  const kinds = [[], ["ALPHA"], ["STORE", "to"], ["BY", "w_*"], ["BY", "nosort", "GET", "w_*"]];
  return kinds.flatMap((options) => [
    measure(bench, ["SORT", "short", ...options], 20, small ? 500 : 10_000),
    measure(bench, ["SORT", "long", ...options], elements, small ? 3 : 4),
  ]);
}

if (import.meta.filename === process.argv[1]) run({ small: process.argv.includes("--small") });

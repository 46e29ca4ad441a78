// What the command table and the counters cost per command. Build first: `node scripts/build.mjs`.
//
//   node --expose-gc bench/micro/command-table.mjs [rounds]        default: 2000000
import { allCommands } from "../../dist/commands/all.js";
import { LatencyHistogram } from "../../dist/commands/latency-histogram.js";
import { CommandTable } from "../../dist/commands/table.js";
import { Pause } from "../../dist/database/pause.js";
import { Statistics } from "../../dist/database/statistics.js";
import { Request } from "../../dist/protocol/request.js";

export function run({ rounds = 2_000_000 } = {}) {
  const table = new CommandTable(allCommands);
  const requests = (...names) => names.map((name) => Request.of([...name.split(" "), "key", "value"]));
  measure("lookup of one name (GET)", rounds, requests("GET"), (request) => table.lookup(request).flags);
  measure(
    "lookup of a mix in three cases",
    rounds,
    requests("GET", "set", "Incr", "EXPIRE", "mget", "DEL", "EXISTS", "ping"),
    (request) => table.lookup(request).flags,
  );
  measure(
    "lookup of the longest name",
    rounds,
    requests("INCRBYFLOAT"),
    (request) => table.lookup(request).flags,
  );
  measure(
    "lookup of a subcommand (CLIENT LIST)",
    rounds,
    requests("CLIENT LIST"),
    (request) => table.lookup(request).flags,
  );
  measure("lookup of an unknown name", rounds, requests("NOSUCHCOMMAND"), (request) =>
    table.lookup(request) === undefined ? 1 : 0,
  );

  const histogram = new LatencyHistogram();
  const times = Array.from({ length: 1024 }, (_, i) => 200 + i * 137.5);
  measure("latency histogram record", rounds, times, (ns) => {
    histogram.record(ns, 1);
    return 1;
  });
  const get = table.named("get");
  measure("command count(1, µs)", rounds, times, (us) => {
    get.count(1, us);
    return 1;
  });
  const pause = new Pause();
  measure("pause.holds while there is none", rounds, times, (flags) =>
    pause.holds(flags | 0, 1e12) ? 1 : 0,
  );
  const keyspace = { hits: 0, misses: 0, expiredKeys: 0 };
  const statistics = new Statistics({ table, keyspace, commandsExecuted: () => 0 });
  const errors = ["ERR syntax error", "WRONGTYPE Operation against a key"];
  measure("statistics.countError", rounds, errors, (text) => {
    statistics.countError(text);
    return 1;
  });
}

/** The best of five, less the cost of the empty loop: the machine may be busy with other things. */
function measure(name, rounds, inputs, body) {
  const empty = best(rounds, inputs, (input) => (input === undefined ? 1 : 0));
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const ns = best(rounds, inputs, body) - empty;
  const grown = process.memoryUsage().heapUsed - heap;
  const perMillion = ((grown / (5.2 * rounds)) * 1e6) / 1024;
  const heapText = globalThis.gc === undefined ? "" : `   heap ${perMillion.toFixed(0)} KiB per million`;
  console.log(`  ${name.padEnd(40)} ${ns.toFixed(1).padStart(6)} ns${heapText}`);
}

function best(rounds, inputs, body) {
  // A function of its own per body: the loop is compiled for it alone, as the executor's is.
  const loop = new Function(
    "count",
    "inputs",
    "body",
    "let sum = 0, at = 0; for (let i = 0; i < count; i++) { sum += body(inputs[at]); if (++at === inputs.length) at = 0; } return sum;",
  );
  loop(rounds / 5, inputs, body);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = process.cpuUsage();
    loop(rounds, inputs, body);
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, ((user + system) * 1e3) / rounds);
  }
  return least;
}

if (process.argv[1]?.endsWith("command-table.mjs")) run({ rounds: Number(process.argv[2] ?? 2_000_000) });

/**
 * What a message costs: nanoseconds and allocated bytes per message and per subscriber, from the registry to the bytes in
 * the output arena, and what a keyspace event costs a command. Build first: `node scripts/build.mjs`.
 *
 *   node bench/micro/pub-sub.mjs            some seconds
 *   node bench/micro/pub-sub.mjs --small    a run of about a second
 *
 * Allocation is the growth of the used heap over a run that is short enough not to be collected in between; messages of
 * 64 bytes must show less than a byte per receiver (longer ones pay for the views of their copies).
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { SeededRandom } from "../../dist/adapters/memory/random.js";
import { NOTIFY_STRING, publishedEvents } from "../../dist/commands/notify-events.js";
import { PubSub } from "../../dist/database/pub-sub.js";
import { EventPublisher } from "../../dist/database/pub-sub-events.js";
import { Output } from "../../dist/server/output.js";
import { Pushes } from "../../dist/server/pushes.js";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc");
const BATCH_BYTES = 200_000;

/** As a session over a connection: its pushes go into the output of the front end. */
class Subscriber {
  constructor(slot, resp, pushes) {
    const session = { outputTotal: 0, closed: false, resp };
    this.connection = { slot, session, pushedTo: false, firstPush: -1, lastPush: -1 };
    this.pushes = pushes;
  }
  setSubscriptions() {}
  push(message) {
    this.pushes.send(this.connection, message);
  }
}

function prepare({ channels = 1, subscribers = 1, patterns = 0 }) {
  const output = new Output();
  const pushes = new Pushes(output);
  const pubSub = new PubSub(new SeededRandom(1));
  let slot = 1;
  for (let c = 0; c < channels; c++) {
    const name = Buffer.from(`channel:${c}`);
    for (let s = 0; s < subscribers; s++, slot++) {
      pubSub.subscribe("channel", new Subscriber(slot, slot % 2 === 0 ? 3 : 2, pushes), name, 0, name.length);
    }
  }
  for (let p = 0; p < patterns; p++, slot++) {
    const name = Buffer.from(`other:${p}:*`);
    pubSub.subscribe("pattern", new Subscriber(slot, 2, pushes), name, 0, name.length);
  }
  output.select(0);
  // A turn ends when it has written so much: nothing is measured but the writing.
  const settle = () => {
    if (output.written + pushes.queuedBytes > BATCH_BYTES) endTurn(output, pushes);
  };
  return { output, pushes, pubSub, settle };
}

const nothing = () => {};
function endTurn(output, pushes) {
  pushes.flushAll();
  output.flush(nothing);
  pushes.endTurn(nothing);
  output.select(0);
}

function measure(name, rounds, perRound, body) {
  for (let i = 0; i < rounds / 5; i++) body(i);
  collect();
  let least = Number.POSITIVE_INFINITY;
  let heap = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 5; repeat++) {
    const before = process.memoryUsage().heapUsed;
    const start = process.cpuUsage();
    for (let i = 0; i < rounds; i++) body(i);
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, ((user + system) * 1e3) / rounds);
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) heap = Math.min(heap, grown / rounds);
  }
  const each = perRound > 1 ? `   ${(least / perRound).toFixed(1)} ns each` : "";
  console.log(
    `  ${name.padEnd(58)} ${least.toFixed(0).padStart(7)} ns  ${heap.toFixed(1).padStart(6)} B${each}`,
  );
}

function publishing(name, rounds, options, messageBytes, receivers) {
  const bench = prepare(options);
  const channel = Buffer.from(options.name ?? "channel:0");
  const message = Buffer.alloc(messageBytes, 120);
  measure(name, rounds, receivers, () => {
    bench.pubSub.publish(channel, 0, channel.length, message, 0, message.length);
    bench.settle();
  });
}

function events(name, rounds, letters, topics) {
  const bench = prepare({ channels: 0 });
  for (const topic of topics) {
    const bytes = Buffer.from(topic);
    bench.pubSub.subscribe("channel", new Subscriber(1, 2, bench.pushes), bytes, 0, bytes.length);
  }
  const publisher = new EventPublisher(bench.pubSub);
  const key = Buffer.from("key:000000012345");
  const wanted = publishedEvents(letters);
  measure(name, rounds, 1, () => {
    if ((wanted & NOTIFY_STRING) !== 0) publisher.publishEvent(wanted, "set", key, 0, key.length, 0);
    bench.settle();
  });
}

export function run({ rounds = 400_000 } = {}) {
  publishing("to nobody, no other channels", rounds, { channels: 0 }, 64, 0);
  publishing("to nobody, 1,000 other channels", rounds, { channels: 1000, name: "nobody's" }, 64, 0);
  publishing("64 bytes to 1 subscriber", rounds, {}, 64, 1);
  publishing("64 bytes to 1 of 10,000 channels", rounds, { channels: 10_000 }, 64, 1);
  publishing(
    "64 bytes to 1 subscriber, 100 patterns that do not match",
    rounds / 4,
    { patterns: 100 },
    64,
    1,
  );
  publishing("64 bytes to 1,000 subscribers", rounds / 400, { subscribers: 1000 }, 64, 1000);
  publishing("4 KiB to 1,000 subscribers", rounds / 2000, { subscribers: 1000 }, 4096, 1000);
  events("event, off", rounds, "", ["x"]);
  events("event, on and nobody listens", rounds, "KEA", []);
  events("event, on and somebody listens to others", rounds, "KEA", ["__keyevent@0__:expired"]);
  events("event, on and heard by event", rounds, "KEA", ["__keyevent@0__:set"]);
}

if (process.argv[1]?.endsWith("pub-sub.mjs")) {
  run({ rounds: process.argv.includes("--small") ? 40_000 : 400_000 });
}

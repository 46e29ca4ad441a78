/**
 * LATENCY DOCTOR: what the recorded events say, in sentences, and what to do about each kind.
 */
import type { LatencyEvent } from "./server-face.ts";

/** By event name; the names are those that the server records. */
const ADVICE: Readonly<Record<string, string>> = {
  command:
    "A single command kept everybody else waiting. SLOWLOG GET names such commands; look for ones whose cost grows with the data (KEYS, large ranges, deletion of large collections).",
  "fast-command":
    "A command that should take microseconds was slow: the machine was busy elsewhere (CPU taken by other processes, swapping, a paused virtual machine).",
  "aof-write": "Writing to the append-only file was slow: the disk is busy or slow.",
  "aof-fsync-always":
    "Making the append-only file durable was slow. With appendfsync everysec clients do not wait for it.",
  "expire-cycle": "Many keys expired at once. Spread their expiry times with a random addition.",
  "eviction-cycle":
    "Memory was over its limit and keys were removed to make room. Raise maxmemory, or write less at once.",
  checkpoint:
    "A step of a checkpoint took long. Fewer or smaller writes during checkpoints, or a faster disk, help.",
  "cold-read":
    "Keys were fetched from the object store. See the tiering section of INFO for how often and how slow.",
};

export function latencyReport(
  events: readonly LatencyEvent[],
  thresholdMs: number,
  nowSeconds: number,
): string {
  if (thresholdMs === 0) {
    return "Latency monitoring is off, so nothing was recorded. Switch it on with CONFIG SET latency-monitor-threshold <milliseconds>.\n";
  }
  if (events.length === 0) {
    return `No event of ${thresholdMs} ms or more was recorded. A lower latency-monitor-threshold shows shorter ones.\n`;
  }
  const lines = ["Events that held the server up:", ""];
  events.forEach((event, index) => {
    lines.push(`${index + 1}. ${describe(event, nowSeconds)}`);
  });
  const advice = events.map((event) => ADVICE[event.name]).filter((text) => text !== undefined);
  if (advice.length > 0) lines.push("", "What can be done:", "", ...advice.map((text) => `- ${text}`));
  return `${lines.join("\n")}\n`;
}

function describe(event: LatencyEvent, nowSeconds: number): string {
  const values = event.latenciesMs;
  const average = mean(values);
  const deviation = mean(values.map((value) => Math.abs(value - average)));
  const span = nowSeconds - (event.unixSeconds[0] ?? nowSeconds);
  const period = values.length > 0 ? span / values.length : 0;
  return (
    `${event.name}: ${values.length} latency spikes (average ${Math.round(average)}ms, ` +
    `mean deviation ${Math.round(deviation)}ms, period ${period.toFixed(2)} sec). ` +
    `Worst all time event ${event.maxMs}ms.`
  );
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

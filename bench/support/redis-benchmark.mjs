// One run of redis-benchmark, with the CPU time that the server spent on it.
import { spawn } from "node:child_process";
import { versionOf } from "./servers.mjs";

export const CLIENTS = 50;

export function requireRedisBenchmark() {
  if (versionOf("redis-benchmark") !== undefined) return;
  throw new Error("redis-benchmark is not installed (Debian: apt-get install redis-tools)");
}

/** `test` is a name of redis-benchmark's list: set, get, incr, … */
export function wordsFor({ test, pipeline, requests, valueBytes, keys }) {
  return [
    ...["-t", test, "-c", CLIENTS, "-n", requests],
    ...["-P", pipeline, "-d", valueBytes, "-r", keys, "--csv"],
  ].map(String);
}

/** Requests per second as it reports them, its latencies in ms, and the server's CPU time per request in µs. */
export function runOnce(server, load) {
  return runWords(server, wordsFor(load), load.requests);
}

/** As `runOnce`, with the words of the command line given; host and port are added. */
export async function runWords(server, words, requests) {
  const before = server.cpuSeconds();
  const all = ["-h", "127.0.0.1", "-p", server.port, ...words].map(String);
  const csv = await outputOf("redis-benchmark", all);
  const cpu = server.cpuSeconds() - before;
  // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
  const [header, row] = csv
    .trim()
    .split("\n")
    .slice(-2)
    .map((line) => line.split(",").map((cell) => cell.replaceAll('"', "")));
  const field = (name) => Number(row[header.indexOf(name)]);
  if (!(field("rps") > 0)) throw new Error(`redis-benchmark said:\n${csv}`);
  return {
    perSecond: field("rps"),
    cpuMicroseconds: (cpu / requests) * 1e6,
    p50: field("p50_latency_ms"),
    p99: field("p99_latency_ms"),
    max: field("max_latency_ms"),
  };
}

function outputOf(program, words) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (data) => {
      text += data;
    });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${program} ended with ${code}: ${text}`)),
    );
  });
}

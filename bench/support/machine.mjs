// What a result was measured on, and where it is kept.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { cpus, release, tmpdir, totalmem, type } from "node:os";
import { dirname, join } from "node:path";
import { ROOT, versionOf } from "./servers.mjs";
import { median } from "./statistics.mjs";

/** What `always` waits for: the median of a small append with fdatasync, where the servers keep their data. */
function syncMicroseconds() {
  const path = join(tmpdir(), `sync-${process.pid}`);
  const file = openSync(path, "w");
  const times = Array.from({ length: 100 }, () => {
    const began = performance.now();
    writeSync(file, "x".repeat(100));
    fdatasyncSync(file);
    return (performance.now() - began) * 1000;
  });
  closeSync(file);
  rmSync(path);
  return Math.round(median(times));
}

export function machine() {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const git = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT, encoding: "utf8" });
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
    dataFolder: tmpdir(),
    syncMicroseconds: syncMicroseconds(),
    versions: {
      ferrite: git.status === 0 ? `${version} (${git.stdout.trim()})` : version,
      node: process.version,
      redis: versionOf("redis-server"),
      valkey: versionOf("valkey-server"),
    },
  };
}

/** Writes JSON to `path`, or to bench/results under a name made of `name` and the time; answers the path. */
export function saveResult(name, result, path) {
  const stamp = result.machine.date.replace(/[:.]/g, "-");
  const file = path ?? join(ROOT, "bench", "results", `${name}-${stamp}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
  return file;
}

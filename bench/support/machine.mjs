// What a result was measured on, and where it is kept.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { dirname, join } from "node:path";
import { ROOT, versionOf } from "./servers.mjs";

export function machine() {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const git = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT, encoding: "utf8" });
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
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

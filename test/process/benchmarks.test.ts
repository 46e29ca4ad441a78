/** The benchmarks at their smallest: they run, and write a result that says what it was measured on. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "../support/ferrite-server.ts";
import { requireRedis } from "../support/redis-server.ts";
import { problemWith } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temp.ts";

const reason = requireRedis() ?? problemWith("redis-benchmark");

/** Runs a benchmark; answers the result that it wrote and what it printed. */
function run(script: string, ...words: string[]): { result: Record<string, unknown>; printed: string } {
  const json = join(temporaryFolder("bench"), "result.json");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(REPOSITORY, "bench", script), "--quick", "--json", json, ...words],
    { encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
  return { result: JSON.parse(readFileSync(json, "utf8")) as Record<string, unknown>, printed: stdout };
}

describe.skipIf(reason !== undefined)(`benchmarks${reason ? ` (${reason})` : ""}`, () => {
  it("compare.mjs measures every case on both servers", () => {
    const { result, printed } = run("compare.mjs");
    const { results, machine } = result as {
      results: Record<string, { medians: Record<string, Record<string, number>> }>;
      machine: Record<string, unknown>;
    };
    expect(Object.keys(results)).toEqual([
      ...["set-p1", "get-p1", "set-p16", "get-p16", "set-always", "memory", "memory-aof"],
    ]);
    for (const { medians } of Object.values(results)) {
      for (const kind of ["redis", "ferrite"]) {
        for (const [field, value] of Object.entries(medians[kind]!))
          expect(Number.isFinite(value), field).toBe(true);
      }
    }
    expect(machine).toMatchObject({ cores: expect.any(Number), kernel: expect.any(String) });
    expect(printed).toContain("ferrite/redis");
  });

  it("collections.mjs measures every part on both servers", () => {
    const { result, printed } = run("collections.mjs", "--tests", "lpush,lrange_100,zrank,hset,small-hashes");
    const { results } = result as {
      results: Record<string, Record<string, { medians: Record<string, Record<string, number>> }>>;
    };
    expect(Object.entries(results).map(([part, tests]) => [part, Object.keys(tests)])).toEqual([
      ["list", ["lpush", "hset", "lrange_100"]],
      ["large", ["zrank", "hset", "lpush"]],
      ["memory", ["small-hashes"]],
    ]);
    expect(printed).toContain("ferrite/redis");
  });

  it("checkpoints.mjs measures every part on both servers", () => {
    const { result } = run("checkpoints.mjs");
    const { results } = result as { results: Record<string, Record<string, Record<string, number>>> };
    expect(Object.keys(results)).toEqual(["restart", "save", "large-save", "second"]);
    for (const part of ["restart", "save", "large-save"]) {
      for (const kind of ["redis", "ferrite"]) {
        for (const [field, value] of Object.entries(results[part]![kind]!))
          expect(Number.isFinite(value), field).toBe(true);
      }
    }
  });

  it("load10m.mjs reports the longest wait and the garbage collection", () => {
    const { result } = run("load10m.mjs");
    for (const field of ["worstMs", "p999Ms", "fullCollectionMs", "bytesPerKey"]) {
      expect(result[field], field).toBeGreaterThan(0);
    }
  });
});

describe("the micro-benchmark of checkpoint files", () => {
  it("writes and loads at its smallest", () => {
    const script = join(REPOSITORY, "bench/micro/checkpoint-files.mjs");
    const sizes = { segments: 2, segmentBytes: 65_536, rowBytes: 10_000, structures: 3, rounds: 1 };
    const code = `import { run } from ${JSON.stringify(script)}; await run(${JSON.stringify(sizes)});`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    for (const name of ["plain write", "plain load", "lz4 write", "lz4 load"]) expect(stdout).toContain(name);
  });
});

describe("the command lines of the benchmarks", () => {
  it("explain themselves and refuse what they do not know", () => {
    for (const script of ["compare.mjs", "collections.mjs", "load10m.mjs", "kill9.mjs"]) {
      const path = join(REPOSITORY, "bench", script);
      expect(spawnSync(process.execPath, [path, "--help"], { encoding: "utf8" })).toMatchObject({
        status: 0,
      });
      expect(spawnSync(process.execPath, [path, "--nothing"], { encoding: "utf8" })).toMatchObject({
        status: 2,
      });
    }
  });
});

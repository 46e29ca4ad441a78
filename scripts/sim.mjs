// Compiles the simulation (test/sim) and runs it with the given arguments: `npm run sim -- --help`.
//
// Compiled rather than run by the test runner: it starts in a second, and a run of hours needs nothing but node.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

function node(...parameters) {
  return spawnSync(process.execPath, parameters, { stdio: "inherit" }).status ?? 1;
}

mkdirSync(join(root, "build"), { recursive: true });
// A folder of its own, so that several can run at once; inside the package, so that its modules are found.
const out = mkdtempSync(join(root, "build", "sim-"));
try {
  const emit = ["--noEmit", "false", "--declaration", "false", "--sourceMap", "--outDir", out];
  process.exitCode = node(tsc, "-p", join(root, "tsconfig.sim.json"), ...emit);
  if (process.exitCode === 0) {
    const main = join(out, "test", "sim", "main.js");
    process.exitCode = node("--enable-source-maps", main, ...process.argv.slice(2));
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}

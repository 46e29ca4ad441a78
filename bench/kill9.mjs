// kill -9 under sixteen writing connections, twenty rounds under each sync policy, with a summary.
//
//   node bench/kill9.mjs [--rounds 20] [--seed N]
//
// The rounds are those of test/process/kill9.test.ts; this runs it with more of them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readOptions } from "./support/options.mjs";
import { ROOT } from "./support/servers.mjs";
import { table } from "./support/statistics.mjs";

const options = readOptions("node bench/kill9.mjs [options]", {
  rounds: { type: "string", default: "20", help: "kills under each policy (default 20)" },
  seed: { type: "string", help: "FERRITE_SEED of a run to repeat" },
});
const folder = mkdtempSync(join(tmpdir(), "kill9-"));
const report = join(folder, "report");
const { status } = spawnSync(
  process.execPath,
  [join(ROOT, "node_modules", "vitest", "vitest.mjs"), "run", "test/process/kill9.test.ts"],
  {
    cwd: ROOT,
    stdio: "inherit",
    env: {
      ...process.env,
      FERRITE_KILL9_ROUNDS: options.rounds,
      FERRITE_KILL9_REPORT: report,
      ...(options.seed === undefined ? {} : { FERRITE_SEED: options.seed }),
    },
  },
);
const lines = existsSync(report)
  ? readFileSync(report, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
  : [];
rmSync(folder, { recursive: true });
console.log(
  table([
    ["aof_sync", "rounds", "acknowledged", "lost", "invented", "kept beyond acknowledged"],
    ...lines.map((one) => [
      one.policy,
      one.rounds,
      one.acknowledged,
      one.lost,
      one.invented,
      one.beyondAcknowledged,
    ]),
  ]),
);
process.exit(status ?? 1);

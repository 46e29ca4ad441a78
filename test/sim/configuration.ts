/**
 * What differs between seeds, and between the lives of one: the settings of the server and the sizes of its files.
 *
 * Invariant: the number of databases belongs to the data and stays the same over all lives; everything else may change with
 * a start, as it may for a user.
 */
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import { oneIn, pick } from "./drawing.ts";
import { drawPolicy, type Policy } from "./persistence-events.ts";

export interface Configuration {
  readonly policy: Policy;
  /** Whether there is an append-only file; without one only checkpoints last. */
  readonly logs: boolean;
  readonly takesCheckpoints: boolean;
  readonly settings: Readonly<Record<string, string>>;
  /** Small parts follow one another quickly; in large ones only the policy's own syncs make anything durable. */
  readonly partBytesMax: number;
  /** Under `always`: whether the loop waits for a quick sync. */
  readonly loopSyncMsMax: number;
}

export function drawDatabases(random: SeededRandom): number {
  return pick(random, [1, 2, 3, 3, 3, 16]);
}

/** Of one collection; the defaults for the most part. */
function drawLimits(random: SeededRandom): Record<string, string> {
  const limits: Record<string, string> = {};
  const set = (name: string, values: readonly string[]): void => {
    if (oneIn(random, 2)) limits[`storage.${name}`] = pick(random, values);
  };
  for (const type of ["hash", "set", "zset"]) {
    set(`${type}_max_listpack_entries`, ["0", "3", "20", "128"]);
    set(`${type}_max_listpack_value`, ["0", "8", "64", "4000"]);
  }
  set("set_max_intset_entries", ["0", "4", "512"]);
  set("list_max_listpack_size", ["-1", "-2", "2", "20"]);
  return limits;
}

function drawPersistence(
  random: SeededRandom,
  logs: boolean,
  takesCheckpoints: boolean,
): Record<string, string> {
  const interval = oneIn(random, 2) ? "1s" : `${1 + random.below(20)}s`;
  return {
    "persistence.aof_enabled": String(logs),
    "persistence.checkpoint_enabled": String(takesCheckpoints),
    "persistence.checkpoint_interval": interval,
    "persistence.checkpoint_compression": String(oneIn(random, 2)),
    "persistence.checkpoints_kept": String(1 + random.below(3)),
    "persistence.aof_rewrite_percentage": pick(random, ["0", "0", "1", "100"]),
    "persistence.aof_rewrite_min_size": pick(random, ["0", "100", "10000"]),
    ...(oneIn(random, 3) ? { "persistence.save_rules": pick(random, ["1 1", "1 50 5 2", "2 10"]) } : {}),
  };
}

export function drawConfiguration(random: SeededRandom, databases: number): Configuration {
  const policy = drawPolicy(random);
  const logs = !oneIn(random, 5);
  // Without them nothing but the policy's own syncs makes the log durable.
  const takesCheckpoints = !oneIn(random, 3);
  return {
    policy,
    logs,
    takesCheckpoints,
    settings: {
      "server.databases": String(databases),
      "persistence.aof_sync": policy,
      ...drawPersistence(random, logs, takesCheckpoints),
      "server.enable_debug_command": "yes",
      "server.hz": pick(random, ["1", "10", "10", "100", "500"]),
      "storage.segment_size": oneIn(random, 6) ? "512KB" : "256KB",
      // A cap that is never reached: memory is accounted for at every command, and nothing is evicted or refused.
      ...(oneIn(random, 4) ? { "storage.max_memory": "1GB" } : {}),
      "storage.active_expire_effort": pick(random, ["1", "1", "10"]),
      ...drawLimits(random),
    },
    partBytesMax: pick(random, [500_000, 500_000, 60, 300]) + random.below(oneIn(random, 3) ? 40 : 6000),
    loopSyncMsMax: random.below(2),
  };
}

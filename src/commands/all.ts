/** Every command of the server, in the order in which COMMAND lists them. */
import { bitmapCommands } from "./bitmaps.ts";
import { clientCommands } from "./client.ts";
import { commandCommands } from "./command-specs.ts";
import { configCommands } from "./config-command.ts";
import { connectionCommands } from "./connection.ts";
import { debugCommands } from "./debug.ts";
import { genericCommands } from "./generic.ts";
import { hashCommands } from "./hashes.ts";
import { infoCommands } from "./info.ts";
import { latencyCommands } from "./latency.ts";
import { listCommands } from "./lists.ts";
import { memoryCommands } from "./memory-command.ts";
import { pubSubCommands } from "./pub-sub-specs.ts";
import { serverCommands } from "./server.ts";
import { clusterCommands } from "./server-cluster.ts";
import { moduleCommands } from "./server-module.ts";
import { persistenceCommands } from "./server-persistence.ts";
import { replicationCommands } from "./server-replication.ts";
import { setCommands } from "./sets.ts";
import { slowlogCommands } from "./slowlog.ts";
import { sortCommands } from "./sort-specs.ts";
import { sortedSetCommands } from "./sorted-set-specs.ts";
import type { CommandSpec } from "./spec.ts";
import { stringCommands } from "./strings.ts";
import { transactionCommands } from "./transactions.ts";

export const allCommands: readonly CommandSpec[] = [
  ...stringCommands,
  ...bitmapCommands,
  ...listCommands,
  ...hashCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...genericCommands,
  ...sortCommands,
  ...connectionCommands,
  ...clientCommands,
  ...serverCommands,
  ...infoCommands,
  ...commandCommands,
  ...configCommands,
  ...persistenceCommands,
  ...slowlogCommands,
  ...latencyCommands,
  ...memoryCommands,
  ...debugCommands,
  ...moduleCommands,
  ...replicationCommands,
  ...clusterCommands,
  ...pubSubCommands,
  ...transactionCommands,
];

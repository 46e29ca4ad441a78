/** Every command of the server, in the order in which COMMAND lists them. */
import { clientCommands } from "./client.ts";
import { commandCommands } from "./command-specs.ts";
import { configCommands } from "./config-command.ts";
import { connectionCommands } from "./connection.ts";
import { debugCommands } from "./debug.ts";
import { genericCommands } from "./generic.ts";
import { infoCommands } from "./info.ts";
import { latencyCommands } from "./latency.ts";
import { memoryCommands } from "./memory-command.ts";
import { serverCommands } from "./server.ts";
import { clusterCommands } from "./server-cluster.ts";
import { moduleCommands } from "./server-module.ts";
import { persistenceCommands } from "./server-persistence.ts";
import { replicationCommands } from "./server-replication.ts";
import { slowlogCommands } from "./slowlog.ts";
import type { CommandSpec } from "./spec.ts";
import { stringCommands } from "./strings.ts";

export const allCommands: readonly CommandSpec[] = [
  ...stringCommands,
  ...genericCommands,
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
];

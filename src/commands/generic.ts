/** The family of generic commands, in the order of their names, and WAIT, which belongs to none of its groups. */
import { approximateInt64, integerOrReply } from "./arguments.ts";
import type { Context } from "./context.ts";
import { expireCommands } from "./expire.ts";
import { genericKeyCommands } from "./generic-keys.ts";
import { genericMoveCommands } from "./generic-move.ts";
import { objectCommand } from "./generic-object.ts";
import { scanCommands } from "./scan.ts";
import type { CommandSpec } from "./spec.ts";

/** There are no replicas to wait for: none has acknowledged anything, and none ever will. */
function wait(context: Context): void {
  if (Number.isNaN(integerOrReply(context, 1))) return;
  const timeoutMs = approximateInt64(context, 2);
  if (Number.isNaN(timeoutMs)) context.reply.error("ERR timeout is not an integer or out of range");
  else if (timeoutMs < 0) context.reply.error("ERR timeout is negative");
  else context.reply.integer(0);
}

const waitCommand: CommandSpec = {
  name: "wait",
  arity: 3,
  flags: ["noscript"],
  group: "generic",
  categories: ["-keyspace", "connection"],
  docs: () => ({
    since: "3.0.0",
    summary:
      "Wait for the synchronous replication of all the write commands sent in the context of the current connection",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    arguments: [
      { name: "numreplicas", type: "integer" },
      { name: "timeout", type: "integer" },
    ],
  }),
  execute: wait,
};

export const genericCommands: readonly CommandSpec[] = [
  ...expireCommands,
  ...genericKeyCommands,
  ...genericMoveCommands,
  objectCommand,
  ...scanCommands,
  waitCommand,
].sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * Replication's commands on a server that has none: it is a master without replicas, stays one when told to
 * become one, and refuses everything else in words.
 */
import { NOT_AN_INTEGER_ERROR, SYNTAX_ERROR } from "./arguments.ts";
import { argument, block, oneOf, token } from "./command-arguments.ts";
import type { Context } from "./context.ts";
import type { CommandSpec } from "./spec.ts";

const UNAVAILABLE = "ERR Replication is not available in this version of Ferrite";

function replicaof(context: Context): void {
  if (context.is(1, "no") && context.is(2, "one")) {
    context.reply.ok();
    return;
  }
  const port = context.integer(2);
  if (port >= 0 && port <= 65_535) context.reply.error(UNAVAILABLE);
  else context.reply.error("ERR Invalid master port");
}

function unavailable(context: Context): void {
  context.reply.error(UNAVAILABLE);
}

function failover(context: Context): void {
  if (context.argc === 2 && context.is(1, "abort")) context.reply.error("ERR No failover in progress.");
  else context.reply.error(failoverProblem(context) ?? "ERR FAILOVER requires connected replicas.");
}

/** What is wrong with [TO host port [FORCE]] [TIMEOUT ms], in any order, or undefined. */
function failoverProblem(context: Context): string | undefined {
  let forced = false;
  for (let i = 1; i < context.argc; i++) {
    const more = context.argc - 1 - i;
    if (context.is(i, "timeout") && more >= 1) {
      const timeout = context.integer64(++i);
      if (timeout === undefined) return NOT_AN_INTEGER_ERROR;
      if (timeout <= 0n) return "ERR FAILOVER timeout must be greater than 0";
    } else if (context.is(i, "to") && more >= 2) {
      i += 2;
      if (context.integer64(i) === undefined) return NOT_AN_INTEGER_ERROR;
    } else if (context.is(i, "force") && !forced) {
      forced = true;
    } else {
      return SYNTAX_ERROR;
    }
  }
  return undefined;
}

export const replicationCommands: readonly CommandSpec[] = [
  {
    name: "replicaof",
    arity: 3,
    flags: ["admin", "noscript", "stale", "no_async_loading"],
    group: "server",
    docs: () => ({
      since: "5.0.0",
      summary: "Make the server a replica of another instance, or promote it as master.",
      complexity: "O(1)",
      arguments: [
        oneOf("args", [
          block("host-port", [argument("host", "string"), argument("port", "integer")]),
          block("no-one", [token("NO"), token("ONE")]),
        ]),
      ],
    }),
    execute: replicaof,
  },
  {
    name: "slaveof",
    arity: 3,
    flags: ["admin", "noscript", "stale", "no_async_loading"],
    group: "server",
    docs: () => ({
      since: "1.0.0",
      summary: "Make the server a replica of another instance, or promote it as master.",
      complexity: "O(1)",
      deprecated: { since: "5.0.0", replacedBy: "`REPLICAOF`" },
      arguments: [
        oneOf("args", [
          block("host-port", [argument("host", "string"), argument("port", "integer")]),
          block("no-one", [token("NO"), token("ONE")]),
        ]),
      ],
    }),
    execute: replicaof,
  },
  {
    name: "replconf",
    arity: -1,
    flags: ["admin", "noscript", "loading", "stale", "allow_busy"],
    group: "server",
    docs: () => ({
      since: "3.0.0",
      summary: "An internal command for configuring the replication stream",
      complexity: "O(1)",
      docFlags: ["syscmd"],
    }),
    execute: unavailable,
  },
  {
    name: "psync",
    arity: -3,
    flags: ["admin", "noscript", "no_async_loading", "no_multi"],
    group: "server",
    docs: () => ({
      since: "2.8.0",
      summary: "Internal command used for replication",
      complexity: "",
      arguments: [argument("replicationid", "string"), argument("offset", "integer")],
    }),
    execute: unavailable,
  },
  {
    name: "sync",
    arity: 1,
    flags: ["admin", "noscript", "no_async_loading", "no_multi"],
    group: "server",
    docs: () => ({
      since: "1.0.0",
      summary: "Internal command used for replication",
      complexity: "",
    }),
    execute: unavailable,
  },
  {
    name: "failover",
    arity: -1,
    flags: ["admin", "noscript", "stale"],
    group: "server",
    docs: () => ({
      since: "6.2.0",
      summary: "Start a coordinated failover between this server and one of its replicas.",
      complexity: "O(1)",
      arguments: [
        block(
          "target",
          [argument("host", "string"), argument("port", "integer"), token("FORCE", { optional: true })],
          { token: "TO", optional: true },
        ),
        token("ABORT", { optional: true }),
        argument("milliseconds", "integer", { token: "TIMEOUT", optional: true }),
      ],
    }),
    execute: failover,
  },
];

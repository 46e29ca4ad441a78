/**
 * Commands that make data durable or ask whether it is: SAVE BGSAVE BGREWRITEAOF BACKUP AOF WAITAOF.
 *
 * Invariant: a success is replied only after the thing is done (SAVE, BACKUP, AOF SYNC, WAITAOF 1) or begun (the BG… ones).
 */

import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { NOT_AN_INTEGER_ERROR, SYNTAX_ERROR } from "./arguments.ts";
import { argument, token } from "./command-arguments.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import { replyLater, replyOrRefuse } from "./server-refusal.ts";
import { timeoutOrReply } from "./server-timeout.ts";
import type { CommandSpec } from "./spec.ts";

function save(context: Context): void {
  const { persistence } = context.server;
  if (persistence.saveInProgress) {
    context.reply.error("ERR Background save already in progress");
    return;
  }
  replyLater(
    context,
    () => persistence.save(),
    (reply) => reply.ok(),
  );
}

function bgsave(context: Context): void {
  const schedule = context.argc === 2 && context.is(1, "schedule");
  if (context.argc > 1 && !schedule) {
    context.reply.error(SYNTAX_ERROR);
    return;
  }
  replyOrRefuse(context, () => context.reply.simple(context.server.persistence.startSave(schedule)));
}

function bgrewriteaof(context: Context): void {
  replyOrRefuse(context, () => context.reply.simple(context.server.persistence.startAofRewrite()));
}

function backup(context: Context): void {
  if (context.argc > 2) {
    context.reply.error(SYNTAX_ERROR);
    return;
  }
  const path = context.argc === 2 ? context.text(1) : undefined;
  replyLater(
    context,
    () => context.server.persistence.backup(path),
    (reply) => reply.ok(),
  );
}

function aofSync(context: Context): void {
  const { persistence } = context.server;
  if (!persistence.aofEnabled) {
    context.reply.error("ERR AOF SYNC needs the append-only file, and appendonly is disabled");
    return;
  }
  replyLater(
    context,
    () => persistence.syncAof(),
    (reply) => reply.ok(),
  );
}

function aofHelp(context: Context): void {
  replyHelp(context, "AOF", [
    "SYNC",
    "    Make the append-only file durable now, whatever appendfsync says, and reply when it is.",
  ]);
}

function waitaof(context: Context): void {
  const local = numberOrReply(context, 1, 1, "ERR value is out of range, value must between 0 and 1");
  if (Number.isNaN(local)) return;
  const replicas = numberOrReply(
    context,
    2,
    Number.MAX_SAFE_INTEGER,
    "ERR value is out of range, must be positive",
  );
  if (Number.isNaN(replicas)) return;
  const timeoutMs = timeoutOrReply(context, 3);
  if (Number.isNaN(timeoutMs)) return;
  const { persistence, execution } = context.server;
  if (local > 0 && !persistence.aofEnabled) {
    context.reply.error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
    return;
  }
  const durable = persistence.durable;
  if (!execution.mayWait || (replicas === 0 && (durable || local === 0))) {
    replySynced(context.reply, durable);
    return;
  }
  const answer = context.defer();
  if (replicas === 0) {
    persistence.whenDurable(timeoutMs, (reached) => answer((reply) => replySynced(reply, reached)));
  } else if (timeoutMs > 0) {
    // No replica will ever answer, so the time is always used up; without a limit only CLIENT UNBLOCK ends it.
    execution.after(timeoutMs, () => {
      const reached = persistence.durable;
      answer((reply) => replySynced(reply, reached));
    });
  }
}

/** NaN after the error reply. */
function numberOrReply(context: Context, index: number, max: number, rangeError: string): number {
  const value = context.integer64(index);
  if (value === undefined) context.reply.error(NOT_AN_INTEGER_ERROR);
  else if (value < 0n || value > BigInt(max)) context.reply.error(rangeError);
  else return Number(value);
  return Number.NaN;
}

/** How many local logs and how many replicas have everything. */
function replySynced(reply: ReplyWriter, durable: boolean): void {
  reply.arrayHeader(2);
  reply.integer(durable ? 1 : 0);
  reply.integer(0);
}

export const persistenceCommands: readonly CommandSpec[] = [
  {
    name: "save",
    arity: 1,
    flags: ["admin", "noscript", "no_async_loading", "no_multi"],
    group: "server",
    docs: () => ({
      since: "1.0.0",
      summary: "Synchronously save the dataset to disk",
      complexity: "O(N) where N is the total number of keys in all databases",
    }),
    execute: save,
  },
  {
    name: "bgsave",
    arity: -1,
    flags: ["admin", "noscript", "no_async_loading"],
    group: "server",
    docs: () => ({
      since: "1.0.0",
      summary: "Asynchronously save the dataset to disk",
      complexity: "O(1)",
      history: [["3.2.2", "Added the `SCHEDULE` option."]],
      arguments: [token("SCHEDULE", { optional: true, since: "3.2.2" })],
    }),
    execute: bgsave,
  },
  {
    name: "bgrewriteaof",
    arity: 1,
    flags: ["admin", "noscript", "no_async_loading"],
    group: "server",
    docs: () => ({
      since: "1.0.0",
      summary: "Asynchronously rewrite the append-only file",
      complexity: "O(1)",
    }),
    execute: bgrewriteaof,
  },
  {
    name: "backup",
    arity: -1,
    flags: ["admin", "noscript", "no_async_loading", "no_multi"],
    group: "server",
    docs: () => ({
      since: "0.1.0",
      summary: "Writes a checkpoint into one file, and replies when it is on disk (Ferrite only)",
      complexity: "O(N) where N is the total number of keys in all databases",
      arguments: [argument("path", "string", { optional: true })],
    }),
    execute: backup,
  },
  {
    name: "aof",
    arity: -2,
    flags: [],
    group: "server",
    docs: () => ({
      since: "0.1.0",
      summary: "A container for commands about the append-only file (Ferrite only)",
      complexity: "Depends on subcommand.",
    }),
    subcommands: [
      {
        name: "help",
        arity: 2,
        flags: ["loading", "stale"],
        group: "server",
        docs: () => ({
          since: "0.1.0",
          summary: "Show helpful text about the different subcommands",
          complexity: "O(1)",
        }),
        execute: aofHelp,
      },
      {
        name: "sync",
        arity: 2,
        flags: ["noscript", "no_multi"],
        group: "server",
        docs: () => ({
          since: "0.1.0",
          summary: "Replies once every write acknowledged before it is on disk",
          complexity: "O(1)",
        }),
        execute: aofSync,
      },
    ],
  },
  {
    name: "waitaof",
    arity: 4,
    flags: ["noscript", "blocking"],
    group: "generic",
    categories: ["-keyspace", "connection"],
    docs: () => ({
      since: "7.2.0",
      summary:
        "Blocks until all of the preceding write commands sent by the connection are written to the append-only file of the master and/or replicas.",
      complexity: "O(1)",
      tips: ["request_policy:all_shards", "response_policy:agg_min"],
      arguments: [
        argument("numlocal", "integer"),
        argument("numreplicas", "integer"),
        argument("timeout", "integer"),
      ],
    }),
    execute: waitaof,
  },
];

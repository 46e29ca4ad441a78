/**
 * SLOWLOG: the commands that took longer than slowlog-log-slower-than, newest first.
 */
import { argument } from "./command-arguments.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import type { CommandSpec } from "./spec.ts";

const SHOWN_BY_DEFAULT = 10;

function get(context: Context): void {
  let count = SHOWN_BY_DEFAULT;
  if (context.argc > 3) {
    const word = context.text(1);
    context.reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${word}'. Try SLOWLOG HELP.`,
    );
    return;
  }
  if (context.argc > 2) {
    const wanted = context.integer(2);
    if (!(wanted >= -1)) {
      context.reply.error("ERR count should be greater than or equal to -1");
      return;
    }
    count = wanted === -1 ? context.server.slowLog.length : wanted;
  }
  const { reply } = context;
  const entries = context.server.slowLog.newest(count);
  reply.arrayHeader(entries.length);
  for (const entry of entries) {
    reply.arrayHeader(6);
    reply.integer(entry.id);
    reply.integer(entry.unixSeconds);
    reply.integer(entry.microseconds);
    reply.arrayHeader(entry.arguments.length);
    for (const text of entry.arguments) reply.bulkLatin1(text);
    reply.bulkLatin1(entry.peerAddress);
    reply.bulkLatin1(entry.clientName);
  }
}

function length(context: Context): void {
  context.reply.integer(context.server.slowLog.length);
}

function reset(context: Context): void {
  context.server.slowLog.reset();
  context.reply.ok();
}

function help(context: Context): void {
  replyHelp(context, "SLOWLOG", HELP);
}

const HELP: readonly string[] = [
  "GET [<count>]",
  "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
  "    Entries are made of:",
  "    id, timestamp, time in microseconds, arguments array, client IP and port,",
  "    client name",
  "LEN",
  "    Return the length of the slowlog.",
  "RESET",
  "    Reset the slowlog.",
];

export const slowlogCommands: readonly CommandSpec[] = [
  {
    name: "slowlog",
    arity: -2,
    flags: [],
    group: "server",
    docs: () => ({
      since: "2.2.12",
      summary: "A container for slow log commands",
      complexity: "Depends on subcommand.",
    }),
    subcommands: [
      {
        name: "get",
        arity: -2,
        flags: ["admin", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.2.12",
          summary: "Get the slow log's entries",
          complexity: "O(N) where N is the number of entries returned",
          tips: ["request_policy:all_nodes", "nondeterministic_output"],
          history: [["4.0.0", "Added client IP address, port and name to the reply."]],
          arguments: [argument("count", "integer", { optional: true })],
        }),
        execute: get,
      },
      {
        name: "help",
        arity: 2,
        flags: ["loading", "stale"],
        group: "server",
        docs: () => ({
          since: "6.2.0",
          summary: "Show helpful text about the different subcommands",
          complexity: "O(1)",
        }),
        execute: help,
      },
      {
        name: "len",
        arity: 2,
        flags: ["admin", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.2.12",
          summary: "Get the slow log's length",
          complexity: "O(1)",
          tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        }),
        execute: length,
      },
      {
        name: "reset",
        arity: 2,
        flags: ["admin", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.2.12",
          summary: "Clear all entries from the slow log",
          complexity: "O(N) where N is the number of entries in the slowlog",
          tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        }),
        execute: reset,
      },
    ],
  },
];

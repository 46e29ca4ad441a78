/**
 * Commands about the server and whole databases: DBSIZE FLUSHALL FLUSHDB SWAPDB TIME LASTSAVE ROLE LOLWUT
 * SHUTDOWN MONITOR.
 *
 * FLUSHALL, FLUSHDB and SWAPDB are logged as they came; a flush of what is empty changes nothing and is not logged.
 */
import { FerriteError } from "../base/errors.ts";
import { SYNTAX_ERROR } from "./arguments.ts";
import { argument, oneOf, token } from "./command-arguments.ts";
import type { Context } from "./context.ts";
import type { ShutdownRequest } from "./server-face.ts";
import { refusalText } from "./server-refusal.ts";
import type { CommandSpec } from "./spec.ts";

function dbsize(context: Context): void {
  context.reply.integer(context.keyspace.size(context.db));
}

function flushall(context: Context): void {
  if (!flushModeOrReply(context)) return;
  let removed = 0;
  for (let db = 0; db < context.keyspace.databases; db++) removed += flush(context, db);
  if (removed > 0) context.effects.verbatim();
  context.reply.ok();
}

function flushdb(context: Context): void {
  if (!flushModeOrReply(context)) return;
  if (flush(context, context.db) > 0) context.effects.verbatim();
  context.reply.ok();
}

/** ASYNC and SYNC are the same here: dropping segments takes no time. False after an error reply. */
function flushModeOrReply(context: Context): boolean {
  const argc = context.argc;
  if (argc === 1 || (argc === 2 && (context.is(1, "async") || context.is(1, "sync")))) return true;
  context.reply.error(SYNTAX_ERROR);
  return false;
}

function flush(context: Context, db: number): number {
  const size = context.keyspace.size(db);
  if (size > 0) context.keyspace.flush(db);
  if (size > 0 && context.waiters !== 0) context.waiting.signalDatabase(db);
  return size;
}

function swapdb(context: Context): void {
  const first = int32OrReply(context, 1, "ERR invalid first DB index");
  if (Number.isNaN(first)) return;
  const second = int32OrReply(context, 2, "ERR invalid second DB index");
  if (Number.isNaN(second)) return;
  const { databases } = context.keyspace;
  if (first < 0 || first >= databases || second < 0 || second >= databases) {
    context.reply.error("ERR DB index is out of range");
    return;
  }
  if (first !== second) {
    context.keyspace.swap(first, second);
    context.effects.verbatim();
    if (context.waiters !== 0) {
      context.waiting.signalDatabase(first);
      context.waiting.signalDatabase(second);
    }
  }
  context.reply.ok();
}

/** NaN after the error reply. */
function int32OrReply(context: Context, index: number, error: string): number {
  const value = context.integer(index);
  if (value >= -2147483648 && value <= 2147483647) return value;
  context.reply.error(error);
  return Number.NaN;
}

function time(context: Context): void {
  const microseconds = Math.floor(context.server.execution.wallMicroseconds());
  const seconds = Math.floor(microseconds / 1e6);
  context.reply.arrayHeader(2);
  context.reply.bulkInteger(seconds);
  context.reply.bulkInteger(microseconds - seconds * 1e6);
}

function lastsave(context: Context): void {
  context.reply.integer(context.server.persistence.lastSaveSeconds);
}

function role(context: Context): void {
  const { reply } = context;
  reply.arrayHeader(3);
  reply.bulkText("master");
  reply.integer(0);
  reply.arrayHeader(0);
}

function lolwut(context: Context): void {
  const { ferriteVersion, redisVersion } = context.server.identity;
  const text = `${LATTICE}Ferrite ver. ${ferriteVersion} (speaks Redis ${redisVersion})\n`;
  context.reply.verbatim("txt", text);
}

/** Body-centred cubic: how iron atoms stand in ferrite. */
const LATTICE = [
  "    o-------o",
  "   /|      /|",
  "  o-------o |",
  "  | |  o  | |",
  "  | o-----|-o",
  "  |/      |/",
  "  o-------o",
  "",
  "",
].join("\n");

const SHUTDOWN_FAILED = "ERR Errors trying to SHUTDOWN. Check logs.";

function shutdown(context: Context): void {
  const { reply, server } = context;
  let save: ShutdownRequest["save"] = "default";
  let now = false;
  let force = false;
  let abort = false;
  for (let i = 1; i < context.argc; i++) {
    if (context.is(i, "nosave") && save !== "save") save = "nosave";
    else if (context.is(i, "save") && save !== "nosave") save = "save";
    else if (context.is(i, "now")) now = true;
    else if (context.is(i, "force")) force = true;
    else if (context.is(i, "abort")) abort = true;
    else {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  if (abort) {
    if (save !== "default" || now || force) reply.error(SYNTAX_ERROR);
    else if (server.lifecycle.abortShutdown()) reply.ok();
    else reply.error("ERR No shutdown in progress.");
    return;
  }
  if (!server.execution.mayWait) {
    reply.error("ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client");
    return;
  }
  const answer = context.defer();
  server.lifecycle.shutdown({ save, now, force }).catch((error: unknown) => {
    // What the server itself says about its refusal is worth more than Redis's fixed sentence.
    const text = error instanceof FerriteError ? refusalText(error) : SHUTDOWN_FAILED;
    answer((later) => later.error(text));
  });
}

function monitor(context: Context): void {
  const client = context.server.clients.find(context.session.id);
  if (!context.server.execution.mayWait || client === undefined) {
    context.reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
    return;
  }
  context.session.monitoring = true;
  context.server.monitors.add(client);
  context.reply.ok();
}

export const serverCommands: readonly CommandSpec[] = [
  {
    name: "dbsize",
    arity: 1,
    flags: ["readonly", "fast"],
    group: "server",
    categories: ["keyspace"],
    docs: () => ({
      since: "1.0.0",
      summary: "Return the number of keys in the selected database",
      complexity: "O(1)",
      tips: ["request_policy:all_shards", "response_policy:agg_sum"],
    }),
    execute: dbsize,
  },
  {
    name: "flushall",
    arity: -1,
    flags: ["write"],
    group: "server",
    categories: ["keyspace", "dangerous"],
    docs: () => ({
      since: "1.0.0",
      summary: "Remove all keys from all databases",
      complexity: "O(N) where N is the total number of keys in all databases",
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
      history: [
        ["4.0.0", "Added the `ASYNC` flushing mode modifier."],
        ["6.2.0", "Added the `SYNC` flushing mode modifier."],
      ],
      arguments: [
        oneOf("async", [token("ASYNC", { since: "4.0.0" }), token("SYNC", { since: "6.2.0" })], {
          optional: true,
        }),
      ],
    }),
    execute: flushall,
  },
  {
    name: "flushdb",
    arity: -1,
    flags: ["write"],
    group: "server",
    categories: ["keyspace", "dangerous"],
    docs: () => ({
      since: "1.0.0",
      summary: "Remove all keys from the current database",
      complexity: "O(N) where N is the number of keys in the selected database",
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
      history: [
        ["4.0.0", "Added the `ASYNC` flushing mode modifier."],
        ["6.2.0", "Added the `SYNC` flushing mode modifier."],
      ],
      arguments: [
        oneOf("async", [token("ASYNC", { since: "4.0.0" }), token("SYNC", { since: "6.2.0" })], {
          optional: true,
        }),
      ],
    }),
    execute: flushdb,
  },
  {
    name: "swapdb",
    arity: 3,
    flags: ["write", "fast"],
    group: "server",
    categories: ["keyspace", "dangerous"],
    docs: () => ({
      since: "4.0.0",
      summary: "Swaps two Redis databases",
      complexity: "O(N) where N is the count of clients watching or blocking on keys from both databases.",
      arguments: [argument("index1", "integer"), argument("index2", "integer")],
    }),
    execute: swapdb,
  },
  {
    name: "time",
    arity: 1,
    flags: ["loading", "stale", "fast"],
    group: "server",
    docs: () => ({
      since: "2.6.0",
      summary: "Return the current server time",
      complexity: "O(1)",
      tips: ["nondeterministic_output"],
    }),
    execute: time,
  },
  {
    name: "lastsave",
    arity: 1,
    flags: ["loading", "stale", "fast"],
    group: "server",
    categories: ["admin", "dangerous"],
    docs: () => ({
      since: "1.0.0",
      summary: "Get the UNIX time stamp of the last successful save to disk",
      complexity: "O(1)",
      tips: ["nondeterministic_output"],
    }),
    execute: lastsave,
  },
  {
    name: "role",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast"],
    group: "server",
    categories: ["admin", "dangerous"],
    docs: () => ({
      since: "2.8.12",
      summary: "Return the role of the instance in the context of replication",
      complexity: "O(1)",
    }),
    execute: role,
  },
  {
    name: "lolwut",
    arity: -1,
    flags: ["readonly", "fast"],
    group: "server",
    docs: () => ({
      since: "5.0.0",
      summary: "Display some computer art and the Redis version",
      complexity: "",
      arguments: [argument("version", "integer", { token: "VERSION", optional: true })],
    }),
    execute: lolwut,
  },
  {
    name: "shutdown",
    arity: -1,
    flags: ["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
    group: "server",
    docs: () => ({
      since: "1.0.0",
      summary: "Synchronously save the dataset to disk and then shut down the server",
      complexity:
        "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
      history: [["7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers."]],
      arguments: [
        oneOf("nosave_save", [token("NOSAVE"), token("SAVE")], { optional: true }),
        token("NOW", { optional: true, since: "7.0.0" }),
        token("FORCE", { optional: true, since: "7.0.0" }),
        token("ABORT", { optional: true, since: "7.0.0" }),
      ],
    }),
    execute: shutdown,
  },
  {
    name: "monitor",
    arity: 1,
    flags: ["admin", "noscript", "loading", "stale"],
    group: "server",
    docs: () => ({
      since: "1.0.0",
      summary: "Listen for all requests received by the server in real time",
      complexity: "",
    }),
    execute: monitor,
  },
];

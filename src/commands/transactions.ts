/**
 * MULTI, EXEC, DISCARD, WATCH, UNWATCH: what they answer. Queueing, watching and executing are the database's.
 *
 * Invariant: MULTI and WATCH inside a transaction are refused without harm to it, as in Redis; every other refusal while
 * commands are queued makes EXEC fail.
 */
import type { Context } from "./context.ts";
import { allKeys, KEYS_ARGUMENT } from "./keys-spec.ts";
import type { CommandSpec } from "./spec.ts";

function multi(context: Context): void {
  if (context.transactions.isOpen) {
    context.reply.error("ERR MULTI calls can not be nested");
    return;
  }
  context.transactions.begin();
  context.reply.ok();
}

function exec(context: Context): void {
  if (context.transactions.isOpen) context.transactions.execute();
  else context.reply.error("ERR EXEC without MULTI");
}

function discard(context: Context): void {
  if (!context.transactions.isOpen) {
    context.reply.error("ERR DISCARD without MULTI");
    return;
  }
  context.transactions.discard();
  context.reply.ok();
}

function watch(context: Context): void {
  if (context.transactions.isOpen) {
    context.reply.error("ERR WATCH inside MULTI is not allowed");
    return;
  }
  for (let index = 1; index < context.argc; index++) if (!context.transactions.watch(index)) return;
  context.reply.ok();
}

function unwatch(context: Context): void {
  context.transactions.unwatch();
  context.reply.ok();
}

export const transactionCommands: readonly CommandSpec[] = [
  {
    name: "discard",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
    group: "transactions",
    docs: () => ({
      since: "2.0.0",
      summary: "Discard all commands issued after MULTI",
      complexity: "O(N), when N is the number of queued commands",
    }),
    execute: discard,
  },
  {
    name: "exec",
    arity: 1,
    flags: ["noscript", "loading", "stale", "skip_slowlog"],
    group: "transactions",
    docs: () => ({
      since: "1.2.0",
      summary: "Execute all commands issued after MULTI",
      complexity: "Depends on commands in the transaction",
    }),
    execute: exec,
  },
  {
    name: "multi",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
    group: "transactions",
    docs: () => ({
      since: "1.2.0",
      summary: "Mark the start of a transaction block",
      complexity: "O(1)",
    }),
    execute: multi,
  },
  {
    name: "unwatch",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
    group: "transactions",
    docs: () => ({
      since: "2.2.0",
      summary: "Forget about all watched keys",
      complexity: "O(1)",
    }),
    execute: unwatch,
  },
  {
    name: "watch",
    arity: -2,
    flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
    group: "transactions",
    keys: allKeys("meta", 1, "RO"),
    docs: () => ({
      since: "2.2.0",
      summary: "Watch the given keys to determine execution of the MULTI/EXEC block",
      complexity: "O(1) for every key.",
      arguments: [KEYS_ARGUMENT],
    }),
    execute: watch,
  },
];

/**
 * CONFIG: options under Redis's names. What an option means, whether it may change and to what is the
 * configuration's business (ConfigFace); here requests are read and replies written.
 */
import { SYNTAX_ERROR } from "./arguments.ts";
import { argument, block } from "./command-arguments.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import { replyLater } from "./server-refusal.ts";
import type { CommandSpec } from "./spec.ts";

function get(context: Context): void {
  const patterns: string[] = [];
  for (let i = 2; i < context.argc; i++) patterns.push(context.text(i));
  const pairs = context.server.config.get(patterns);
  context.reply.mapHeader(pairs.length);
  for (const [name, value] of pairs) {
    // Redis answers an option that was asked for by name in the spelling of the question.
    context.reply.bulkLatin1(patterns.find((pattern) => pattern.toLowerCase() === name) ?? name);
    context.reply.bulkLatin1(value);
  }
}

function set(context: Context): void {
  if (context.argc % 2 !== 0) {
    context.reply.error(SYNTAX_ERROR);
    return;
  }
  const pairs: [string, string][] = [];
  for (let i = 2; i < context.argc; i += 2) pairs.push([context.text(i), context.text(i + 1)]);
  const error = context.server.config.set(pairs);
  if (error === undefined) context.reply.ok();
  else context.reply.error(error);
}

function resetStatistics(context: Context): void {
  context.server.statistics.reset();
  context.reply.ok();
}

function rewrite(context: Context): void {
  replyLater(
    context,
    () => context.server.config.rewrite(),
    (reply) => reply.ok(),
  );
}

function help(context: Context): void {
  replyHelp(context, "CONFIG", HELP);
}

const HELP: readonly string[] = [
  "GET <pattern>",
  "    Return parameters matching the glob-like <pattern> and their values.",
  "SET <directive> <value>",
  "    Set the configuration <directive> to <value>.",
  "RESETSTAT",
  "    Reset statistics reported by the INFO command.",
  "REWRITE",
  "    Rewrite the configuration file.",
];

export const configCommands: readonly CommandSpec[] = [
  {
    name: "config",
    arity: -2,
    flags: [],
    group: "server",
    docs: () => ({
      since: "2.0.0",
      summary: "A container for server configuration commands",
      complexity: "Depends on subcommand.",
    }),
    subcommands: [
      {
        name: "get",
        arity: -3,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.0.0",
          summary: "Get the values of configuration parameters",
          complexity: "O(N) when N is the number of configuration parameters provided",
          history: [["7.0.0", "Added the ability to pass multiple pattern parameters in one call"]],
          arguments: [block("parameter", [argument("parameter", "string")], { multiple: true })],
        }),
        execute: get,
      },
      {
        name: "help",
        arity: 2,
        flags: ["loading", "stale"],
        group: "server",
        docs: () => ({
          since: "5.0.0",
          summary: "Show helpful text about the different subcommands",
          complexity: "O(1)",
        }),
        execute: help,
      },
      {
        name: "resetstat",
        arity: 2,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.0.0",
          summary: "Reset the stats returned by INFO",
          complexity: "O(1)",
        }),
        execute: resetStatistics,
      },
      {
        name: "rewrite",
        arity: 2,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.8.0",
          summary: "Rewrite the configuration file with the in memory configuration",
          complexity: "O(1)",
        }),
        execute: rewrite,
      },
      {
        name: "set",
        arity: -4,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.0.0",
          summary: "Set configuration parameters to the given values",
          complexity: "O(N) when N is the number of configuration parameters provided",
          tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
          history: [["7.0.0", "Added the ability to set multiple parameters in one call."]],
          arguments: [
            block("parameter_value", [argument("parameter", "string"), argument("value", "string")], {
              multiple: true,
            }),
          ],
        }),
        execute: set,
      },
    ],
  },
];

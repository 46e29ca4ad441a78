/**
 * COMMAND: the table of commands, told to clients. Its subcommands' replies are written in command-info.ts,
 * command-docs.ts and command-keys.ts; here are the specs, and which commands a request means.
 */
import { matchesGlob } from "../base/glob.ts";
import { SYNTAX_ERROR } from "./arguments.ts";
import { argument, oneOf } from "./command-arguments.ts";
import { replyCommandDocs } from "./command-docs.ts";
import { categoriesOf } from "./command-flags.ts";
import { replyHelp } from "./command-help.ts";
import { replyCommandInfo } from "./command-info.ts";
import { getKeys, getKeysAndFlags } from "./command-keys.ts";
import type { Context } from "./context.ts";
import type { CommandSpec } from "./spec.ts";
import { type ResolvedCommand, tableOf } from "./table.ts";

function everything(context: Context): void {
  const { commands } = tableOf(context);
  context.reply.arrayHeader(commands.length);
  for (const command of commands) replyCommandInfo(context.reply, command);
}

function count(context: Context): void {
  context.reply.integer(tableOf(context).size);
}

function info(context: Context): void {
  if (context.argc === 2) {
    everything(context);
    return;
  }
  const table = tableOf(context);
  context.reply.arrayHeader(context.argc - 2);
  for (let i = 2; i < context.argc; i++) {
    const command = table.named(context.text(i));
    if (command === undefined) context.reply.nullBulk();
    else replyCommandInfo(context.reply, command);
  }
}

function docs(context: Context): void {
  const table = tableOf(context);
  let wanted = table.commands;
  if (context.argc > 2) {
    const named: ResolvedCommand[] = [];
    for (let i = 2; i < context.argc; i++) {
      const command = table.named(context.text(i));
      if (command !== undefined) named.push(command);
    }
    wanted = named;
  }
  context.reply.mapHeader(wanted.length);
  for (const command of wanted) replyCommandDocs(context.reply, command);
}

function list(context: Context): void {
  const every = [...tableOf(context).all()];
  if (context.argc === 2) {
    replyNames(context, every);
    return;
  }
  if (context.argc !== 5 || !context.is(2, "filterby")) {
    context.reply.error(SYNTAX_ERROR);
    return;
  }
  if (context.is(3, "module")) {
    // There are no modules, so none of the commands comes from one.
    replyNames(context, []);
  } else if (context.is(3, "aclcat")) {
    const category = context.text(4).toLowerCase();
    replyNames(
      context,
      every.filter((command) => categoriesOf(command.spec).includes(category)),
    );
  } else if (context.is(3, "pattern")) {
    replyNames(
      context,
      every.filter((command) => matchesName(context, 4, command.fullName)),
    );
  } else {
    context.reply.error(SYNTAX_ERROR);
  }
}

function matchesName(context: Context, patternIndex: number, name: string): boolean {
  const text = Buffer.from(name, "latin1");
  return matchesGlob(
    context.bytes,
    context.offset(patternIndex),
    context.length(patternIndex),
    text,
    0,
    text.length,
    true,
  );
}

function replyNames(context: Context, commands: readonly ResolvedCommand[]): void {
  context.reply.arrayHeader(commands.length);
  for (const command of commands) context.reply.bulkText(command.fullName);
}

function help(context: Context): void {
  replyHelp(context, "COMMAND", HELP);
}

const HELP: readonly string[] = [
  "(no subcommand)",
  "    Return details about all Redis commands.",
  "COUNT",
  "    Return the total number of commands in this Redis server.",
  "LIST",
  "    Return a list of all commands in this Redis server.",
  "INFO [<command-name> ...]",
  "    Return details about multiple Redis commands.",
  "    If no command names are given, documentation details for all",
  "    commands are returned.",
  "DOCS [<command-name> ...]",
  "    Return documentation details about multiple Redis commands.",
  "    If no command names are given, documentation details for all",
  "    commands are returned.",
  "GETKEYS <full-command>",
  "    Return the keys from a full Redis command.",
  "GETKEYSANDFLAGS <full-command>",
  "    Return the keys and the access flags from a full Redis command.",
];

export const commandCommands: readonly CommandSpec[] = [
  {
    name: "command",
    arity: -1,
    flags: ["loading", "stale"],
    group: "server",
    categories: ["connection"],
    docs: () => ({
      since: "2.8.13",
      summary: "Get array of Redis command details",
      complexity: "O(N) where N is the total number of Redis commands",
      tips: ["nondeterministic_output_order"],
    }),
    execute: everything,
    subcommands: [
      {
        name: "count",
        arity: 2,
        flags: ["loading", "stale"],
        group: "server",
        categories: ["connection"],
        docs: () => ({
          since: "2.8.13",
          summary: "Get total number of Redis commands",
          complexity: "O(1)",
        }),
        execute: count,
      },
      {
        name: "docs",
        arity: -2,
        flags: ["loading", "stale"],
        group: "server",
        categories: ["connection"],
        docs: () => ({
          since: "7.0.0",
          summary: "Get array of specific Redis command documentation",
          complexity: "O(N) where N is the number of commands to look up",
          tips: ["nondeterministic_output_order"],
          arguments: [argument("command-name", "string", { optional: true, multiple: true })],
        }),
        execute: docs,
      },
      {
        name: "getkeys",
        arity: -4,
        flags: ["loading", "stale"],
        group: "server",
        categories: ["connection"],
        docs: () => ({
          since: "2.8.13",
          summary: "Extract keys given a full Redis command",
          complexity: "O(N) where N is the number of arguments to the command",
        }),
        execute: getKeys,
      },
      {
        name: "getkeysandflags",
        arity: -4,
        flags: ["loading", "stale"],
        group: "server",
        categories: ["connection"],
        docs: () => ({
          since: "7.0.0",
          summary: "Extract keys and access flags given a full Redis command",
          complexity: "O(N) where N is the number of arguments to the command",
        }),
        execute: getKeysAndFlags,
      },
      {
        name: "help",
        arity: 2,
        flags: ["loading", "stale"],
        group: "server",
        categories: ["connection"],
        docs: () => ({
          since: "5.0.0",
          summary: "Show helpful text about the different subcommands",
          complexity: "O(1)",
        }),
        execute: help,
      },
      {
        name: "info",
        arity: -2,
        flags: ["loading", "stale"],
        group: "server",
        categories: ["connection"],
        docs: () => ({
          since: "2.8.13",
          summary: "Get array of specific Redis command details, or all when no argument is given.",
          complexity: "O(N) where N is the number of commands to look up",
          tips: ["nondeterministic_output_order"],
          history: [["7.0.0", "Allowed to be called with no argument to get info on all commands."]],
          arguments: [argument("command-name", "string", { optional: true, multiple: true })],
        }),
        execute: info,
      },
      {
        name: "list",
        arity: -2,
        flags: ["loading", "stale"],
        group: "server",
        categories: ["connection"],
        docs: () => ({
          since: "7.0.0",
          summary: "Get an array of Redis command names",
          complexity: "O(N) where N is the total number of Redis commands",
          tips: ["nondeterministic_output_order"],
          arguments: [
            oneOf(
              "filterby",
              [
                argument("module-name", "string", { token: "MODULE" }),
                argument("category", "string", { token: "ACLCAT" }),
                argument("pattern", "pattern", { token: "PATTERN" }),
              ],
              { token: "FILTERBY", optional: true },
            ),
          ],
        }),
        execute: list,
      },
    ],
  },
];

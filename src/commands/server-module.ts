/** MODULE: there are none and none can be loaded; LIST says so, the rest answers Redis's refusal. */
import { argument, block } from "./command-arguments.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import type { CommandSpec } from "./spec.ts";

function list(context: Context): void {
  context.reply.arrayHeader(0);
}

function refused(context: Context): void {
  context.reply.error("ERR MODULE command not allowed. Ferrite does not load modules.");
}

function help(context: Context): void {
  replyHelp(context, "MODULE", HELP);
}

const HELP: readonly string[] = [
  "LIST",
  "    Return a list of loaded modules.",
  "LOAD <path> [<arg> ...]",
  "    Load a module library from <path>, passing to it any optional arguments.",
  "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
  "    Load a module library from <path>, while passing it module configurations and optional arguments.",
  "UNLOAD <name>",
  "    Unload a module.",
];

export const moduleCommands: readonly CommandSpec[] = [
  {
    name: "module",
    arity: -2,
    flags: [],
    group: "server",
    docs: () => ({
      since: "4.0.0",
      summary: "A container for module commands",
      complexity: "Depends on subcommand.",
    }),
    subcommands: [
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
        name: "list",
        arity: 2,
        flags: ["admin", "noscript"],
        group: "server",
        docs: () => ({
          since: "4.0.0",
          summary: "List all modules loaded by the server",
          complexity: "O(N) where N is the number of loaded modules.",
          tips: ["nondeterministic_output_order"],
        }),
        execute: list,
      },
      {
        name: "load",
        arity: -3,
        flags: ["admin", "noscript", "no_async_loading"],
        group: "server",
        docs: () => ({
          since: "4.0.0",
          summary: "Load a module",
          complexity: "O(1)",
          arguments: [
            argument("path", "string"),
            argument("arg", "string", { optional: true, multiple: true }),
          ],
        }),
        execute: refused,
      },
      {
        name: "loadex",
        arity: -3,
        flags: ["admin", "noscript", "no_async_loading"],
        group: "server",
        docs: () => ({
          since: "7.0.0",
          summary: "Load a module with extended parameters",
          complexity: "O(1)",
          arguments: [
            argument("path", "string"),
            block("configs", [argument("name", "string"), argument("value", "string")], {
              token: "CONFIG",
              optional: true,
              multiple: true,
              multipleToken: true,
            }),
            block("args", [argument("arg", "string")], { token: "ARGS", optional: true, multiple: true }),
          ],
        }),
        execute: refused,
      },
      {
        name: "unload",
        arity: 3,
        flags: ["admin", "noscript", "no_async_loading"],
        group: "server",
        docs: () => ({
          since: "4.0.0",
          summary: "Unload a module",
          complexity: "O(1)",
          arguments: [argument("name", "string")],
        }),
        execute: refused,
      },
    ],
  },
];

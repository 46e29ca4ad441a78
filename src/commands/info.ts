/** INFO: which sections a request means; their text is the server's business (InfoFace). */
import { argument } from "./command-arguments.ts";
import type { Context } from "./context.ts";
import type { CommandSpec } from "./spec.ts";

function info(context: Context): void {
  const sections: string[] = [];
  for (let i = 1; i < context.argc; i++) sections.push(context.text(i));
  context.reply.verbatim("txt", context.server.info.render(sections));
}

export const infoCommands: readonly CommandSpec[] = [
  {
    name: "info",
    arity: -1,
    flags: ["loading", "stale"],
    group: "server",
    categories: ["dangerous"],
    docs: () => ({
      since: "1.0.0",
      summary: "Get information and statistics about the server",
      complexity: "O(1)",
      tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
      history: [["7.0.0", "Added support for taking multiple section arguments."]],
      arguments: [argument("section", "string", { optional: true, multiple: true })],
    }),
    execute: info,
  },
];

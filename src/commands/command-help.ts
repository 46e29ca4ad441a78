/** The reply of the HELP subcommands: a list of status lines under one heading, as Redis writes it. */
import type { Context } from "./context.ts";

/** `command` in capitals; `lines` without heading and without the entry for HELP itself. */
export function replyHelp(context: Context, command: string, lines: readonly string[]): void {
  const reply = context.reply;
  reply.arrayHeader(lines.length + 3);
  reply.simple(`${command} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple("HELP");
  reply.simple("    Prints this help.");
}

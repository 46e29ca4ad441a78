/**
 * Listens to the bodies of commands whose outcome the data alone does not tell: those by chance, and those that wait.
 *
 * Invariant: listening changes neither the reply nor the effects; a body is reported when it has ended, in the order of
 * execution, also within EXEC and when a waiting client is served.
 */
import { latin1 } from "../../src/base/bytes.ts";
import type { Context } from "../../src/commands/context.ts";
import type { SessionFace } from "../../src/commands/session-face.ts";
import type { Database } from "../../src/database/database.ts";
import { GrowingOutput } from "../../src/protocol/reply-writer.ts";
import { MODEL_COMMANDS } from "./model-commands.ts";

export interface Body {
  readonly session: SessionFace;
  /** The last LSNs before and after it. */
  readonly before: number;
  readonly lsn: number;
  /** The reply; empty if it waits, or goes on waiting. */
  readonly observed: string;
}

export function observeBodies(database: Database, hear: (body: Body) => void): void {
  for (const [name, { isObserved, waits }] of Object.entries(MODEL_COMMANDS)) {
    if (isObserved !== true && waits === undefined) continue;
    const command = database.table.named(name.toLowerCase())!;
    const execute = command.execute!;
    (command as { execute: typeof command.execute }).execute = (context) => {
      const { session } = context;
      const before = database.lastLsn;
      const observed = listened(context, () => execute(context));
      hear({ session, before, lsn: database.lastLsn, observed });
    };
  }
}

function listened(context: Context, execute: () => void): string {
  const { reply } = context;
  const { out } = reply;
  const own = new GrowingOutput(256);
  reply.out = own;
  execute();
  reply.out = out;
  if (own.position === 0) return "";
  reply.raw(own.bytes, 0, own.position);
  return latin1(own.bytes, 0, own.position);
}

/**
 * From what the server throws to error replies, and replies that come when a promise settles.
 *
 * Invariant: a broken assertion is never turned into a reply; it goes on to whoever stops the process.
 */
import { AssertionBroken } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Context } from "./context.ts";

/** The whole error reply for a refusal: its message, with "ERR " before it unless it begins with a code. */
export function refusalText(error: unknown): string {
  if (error instanceof AssertionBroken) throw error;
  const message = messageOf(error);
  return /^[A-Z][A-Z0-9]* /.test(message) ? message : `ERR ${message}`;
}

/** Runs `work`, which writes the reply itself, and replies with its refusal if it throws one before that. */
export function replyOrRefuse(context: Context, work: () => void): void {
  try {
    work();
  } catch (error) {
    context.reply.error(refusalText(error));
  }
}

/**
 * Replies when `work` is done: `write` for a success, else the refusal. Where nothing may wait (a transaction,
 * a script) the work is not begun and the reply is an error.
 */
export function replyLater<T>(
  context: Context,
  work: () => Promise<T>,
  write: (reply: ReplyWriter, value: T) => void,
): void {
  if (!context.server.execution.mayWait) {
    context.reply.error("ERR This command waits and is not allowed in a transaction or a script");
    return;
  }
  const answer = context.defer();
  work().then(
    (value) => answer((reply) => write(reply, value)),
    (error: unknown) => {
      const text = refusalText(error);
      answer((reply) => reply.error(text));
    },
  );
}

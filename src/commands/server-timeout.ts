/** Time-outs in whole milliseconds, with Redis's errors; 0 means none. */
import type { Context } from "./context.ts";

/** NaN after an error reply. */
export function timeoutOrReply(context: Context, index: number): number {
  const value = context.integer64(index);
  if (value === undefined) context.reply.error("ERR timeout is not an integer or out of range");
  else if (value < 0n) context.reply.error("ERR timeout is negative");
  else return Number(value);
  return Number.NaN;
}

/** The part `FIELDS numfields field [field ...]` that all commands of field expiry end with. */
import type { Context } from "./context.ts";

/**
 * Checks the part that begins with argument `at`; answers where its first field is, or -1 after the error reply, which
 * says `countError` for a count that is no positive integer.
 */
export function fieldsOrReply(context: Context, at: number, countError: string): number {
  const { argc, reply } = context;
  if (at >= argc || !context.is(at, "fields")) {
    reply.error("ERR Mandatory argument FIELDS is missing or not at the right position");
    return -1;
  }
  const count = at + 1 < argc ? context.integer(at + 1) : Number.NaN;
  // What is no double is far more than there are arguments, unless it is no number.
  const isLarge = Number.isNaN(count) && at + 1 < argc && (context.integer64(at + 1) ?? 0n) > 0n;
  if (!isLarge && !(count > 0)) {
    reply.error(countError);
    return -1;
  }
  if (isLarge || count !== argc - at - 2) {
    reply.error("ERR The `numfields` parameter must match the number of arguments");
    return -1;
  }
  return at + 2;
}

/**
 * SSCAN: iteration over the members of a set.
 *
 * Invariants: a member that is there from the first call to the last is answered at least once, whatever changes between
 * calls; a packed set is answered as a whole, as Redis does with its compact forms.
 *
 * A reply names its number of elements before them: the part is visited twice and nothing is kept.
 */
import { cursorOrReply } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { replyScanHeader, ScanOptions } from "./scan-options.ts";
import type { CommandSpec } from "./spec.ts";

function sscan(context: Context): void {
  const { set } = context;
  const cursor = cursorOrReply(context, 2);
  if (cursor < 0 || !set.openToRead(1)) return;
  if (set.isAbsent) {
    replyScanHeader(context, 0, 0);
    return;
  }
  const options = ScanOptions.readOrReply(context, 3);
  if (options === undefined) return;
  let matching = 0;
  const next = set.scan(cursor, options.count, () => {
    if (options.admits(set.bytes, set.offset, set.length)) matching++;
  });
  replyScanHeader(context, next, matching);
  set.scan(cursor, options.count, () => {
    if (options.admits(set.bytes, set.offset, set.length)) set.replyMember();
  });
}

export const setScanCommand: CommandSpec = {
  name: "sscan",
  arity: -3,
  flags: ["readonly"],
  group: "set",
  keys: oneKey("value", "RO", "access"),
  docs: () => ({
    since: "2.8.0",
    summary: "Incrementally iterate Set elements",
    complexity:
      "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
    tips: ["nondeterministic_output"],
    arguments: [
      KEY_ARGUMENT,
      { name: "cursor", type: "integer" },
      { name: "pattern", type: "pattern", token: "MATCH", optional: true },
      { name: "count", type: "integer", token: "COUNT", optional: true },
    ],
  }),
  execute: sscan,
};

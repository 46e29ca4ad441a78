/**
 * HSCAN: iteration over the fields of a hash.
 *
 * Invariants: a field that is there from the first call to the last is answered at least once, whatever changes between calls;
 * a packed hash is answered as a whole, as Redis does with its compact form.
 *
 * A reply names its number of elements before them: the part is visited twice and nothing is kept.
 */
import { cursorOrReply } from "./arguments.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { replyScanHeader, ScanOptions } from "./scan-options.ts";
import type { CommandSpec } from "./spec.ts";

function hscan(context: Context): void {
  const { hash, reply } = context;
  const cursor = cursorOrReply(context, 2);
  if (cursor < 0 || !hash.openToRead()) return;
  if (hash.isAbsent) {
    replyScanHeader(context, 0, 0);
    return;
  }
  let withValues = true;
  const options = ScanOptions.readOrReply(context, 3, (index) => {
    if (!context.is(index, "novalues")) return 0;
    withValues = false;
    return 1;
  });
  if (options === undefined) return;
  let matching = 0;
  const next = hash.scan(cursor, options.count, () => {
    if (options.admits(hash.bytes, hash.fieldOffset, hash.fieldLength)) matching++;
  });
  replyScanHeader(context, next, withValues ? matching * 2 : matching);
  hash.scan(cursor, options.count, () => {
    if (!options.admits(hash.bytes, hash.fieldOffset, hash.fieldLength)) return;
    reply.bulkData(hash.data, hash.bytes, hash.fieldOffset, hash.fieldLength);
    if (withValues) reply.bulkData(hash.data, hash.bytes, hash.valueOffset, hash.valueLength);
  });
}

export const hashScanCommand: CommandSpec = {
  name: "hscan",
  arity: -3,
  flags: ["readonly"],
  group: "hash",
  keys: oneKey("value", "RO", "access"),
  docs: () => ({
    since: "2.8.0",
    summary: "Incrementally iterate hash fields and associated values",
    complexity:
      "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
    tips: ["nondeterministic_output"],
    arguments: [
      KEY_ARGUMENT,
      { name: "cursor", type: "integer" },
      { name: "pattern", type: "pattern", token: "MATCH", optional: true },
      { name: "count", type: "integer", token: "COUNT", optional: true },
      { name: "novalues", type: "pure-token", token: "NOVALUES", since: "7.4.0", optional: true },
    ],
  }),
  execute: hscan,
};

/**
 * Iteration over keys: SCAN and KEYS.
 *
 * Invariants: neither changes anything (expired keys are passed over, not removed); SCAN's cursor is the
 * keyspace's, so its guarantee holds whatever changes between calls.
 *
 * A reply names its number of keys before the keys. SCAN therefore collects the few keys of one call; KEYS, whose
 * answer may be as large as the data set, walks twice instead and keeps nothing.
 */
import { copyBytes } from "../base/bytes.ts";
import { matchesGlob } from "../base/glob.ts";
import type { Keyspace } from "../engine/keyspace.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { cursorOrReply } from "./arguments.ts";
import type { Context } from "./context.ts";
import { typeName } from "./generic-keys.ts";
import { isStar, ScanOptions } from "./scan-options.ts";
import type { CommandSpec } from "./spec.ts";

/** The collector's buffer is given back when a call made it larger than this. */
const COLLECTED_BYTES_KEPT = 1024 * 1024;

/** The keys of one SCAN call, one after the other in a buffer that calls reuse. */
class KeyCollector {
  #bytes = new Uint8Array(4096);
  #ends: number[] = [];

  get count(): number {
    return this.#ends.length;
  }

  add(bytes: Uint8Array, offset: number, length: number): void {
    const start = this.#ends.at(-1) ?? 0;
    const end = start + length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    copyBytes(this.#bytes, start, bytes, offset, length);
    this.#ends.push(end);
  }

  /** Replies with an array of the keys and forgets them. */
  replyAndClear(reply: ReplyWriter): void {
    reply.arrayHeader(this.#ends.length);
    let start = 0;
    for (const end of this.#ends) {
      reply.bulk(this.#bytes, start, end - start);
      start = end;
    }
    this.#ends = [];
    if (this.#bytes.length > COLLECTED_BYTES_KEPT) this.#bytes = new Uint8Array(4096);
  }
}

const collector = new KeyCollector();

function scan(context: Context): void {
  const { keyspace, reply } = context;
  const cursor = cursorOrReply(context, 1);
  if (cursor < 0) return;
  let wantedType: string | undefined;
  const options = ScanOptions.readOrReply(context, 2, (index) => {
    if (!context.is(index, "type") || index + 1 === context.argc) return 0;
    wantedType = context.text(index + 1).toLowerCase();
    return 2;
  });
  if (options === undefined) return;
  const next = keyspace.scan(context.db, cursor, options.count, () => {
    if (!options.admits(keyspace.keyBytes, keyspace.keyOffset, keyspace.keyLength)) return;
    if (wantedType !== undefined && typeName(keyspace.type) !== wantedType) return;
    collector.add(keyspace.keyBytes, keyspace.keyOffset, keyspace.keyLength);
  });
  reply.arrayHeader(2);
  reply.bulkInteger(next);
  collector.replyAndClear(reply);
}

function keys(context: Context): void {
  const { keyspace, reply } = context;
  const all = isStar(context, 1);
  let count = 0;
  walk(keyspace, context.db, () => {
    if (all || matchesArgument(context, 1)) count++;
  });
  reply.arrayHeader(count);
  walk(keyspace, context.db, () => {
    if (!all && !matchesArgument(context, 1)) return;
    reply.bulk(keyspace.keyBytes, keyspace.keyOffset, keyspace.keyLength);
  });
}

/** Visits every key once: nothing changes meanwhile, so the order is the same each time. */
function walk(keyspace: Keyspace, db: number, visit: () => void): void {
  let cursor = 0;
  do {
    cursor = keyspace.scan(db, cursor, 4096, visit);
  } while (cursor !== 0);
}

/** True if the view's key matches the pattern in argument `index`. */
function matchesArgument(context: Context, index: number): boolean {
  const keyspace = context.keyspace;
  return matchesGlob(
    context.bytes,
    context.offset(index),
    context.length(index),
    keyspace.keyBytes,
    keyspace.keyOffset,
    keyspace.keyLength,
  );
}

export const scanCommands: readonly CommandSpec[] = [
  {
    name: "keys",
    arity: 2,
    flags: ["readonly"],
    group: "generic",
    categories: ["dangerous"],
    docs: () => ({
      since: "1.0.0",
      summary: "Find all keys matching the given pattern",
      complexity:
        "O(N) with N being the number of keys in the database, under the assumption that the key names in the database and the given pattern have limited length.",
      tips: ["request_policy:all_shards", "nondeterministic_output_order"],
      arguments: [{ name: "pattern", type: "pattern" }],
    }),
    execute: keys,
  },
  {
    name: "scan",
    arity: -2,
    flags: ["readonly"],
    group: "generic",
    docs: () => ({
      since: "2.8.0",
      summary: "Incrementally iterate the keys space",
      complexity:
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
      tips: ["nondeterministic_output", "request_policy:special"],
      history: [["6.0.0", "Added the `TYPE` subcommand."]],
      arguments: [
        { name: "cursor", type: "integer" },
        { name: "pattern", type: "pattern", token: "MATCH", optional: true },
        { name: "count", type: "integer", token: "COUNT", optional: true },
        { name: "type", type: "string", token: "TYPE", since: "6.0.0", optional: true },
      ],
    }),
    execute: scan,
  },
];

/**
 * OBJECT: how a value is kept and how much it is used.
 *
 * Invariant: looking leaves no trace, so that IDLETIME and FREQ can be asked about again.
 */
import { TYPE_STRING } from "../engine/keyspace.ts";
import { stringRefcount } from "../value/string.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import { KEY_ARGUMENT } from "./keys-spec.ts";
import type { CommandSpec, KeySpec } from "./spec.ts";
import { encodingName } from "./value-encoding.ts";

const POLICY_NOTE =
  "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";

/** Places the view on the key in argument 2, or replies nil. */
function found(context: Context): boolean {
  if (context.peek(2)) return true;
  context.reply.nullBulk();
  return false;
}

function encoding(context: Context): void {
  if (found(context)) context.reply.bulkLatin1(encodingName(context.keyspace));
}

function refcount(context: Context): void {
  if (!found(context)) return;
  const { type, encoding, valueBytes, valueOffset, valueLength } = context.keyspace;
  const isString = type === TYPE_STRING;
  context.reply.integer(isString ? stringRefcount(encoding, valueBytes, valueOffset, valueLength) : 1);
}

function idleTime(context: Context): void {
  if (!found(context)) return;
  if (!countsAccesses(context)) context.reply.integer(context.keyspace.idleSeconds);
  else {
    context.reply.error(`ERR An LFU maxmemory policy is selected, idle time not tracked. ${POLICY_NOTE}`);
  }
}

function frequency(context: Context): void {
  if (!found(context)) return;
  if (countsAccesses(context)) context.reply.integer(context.keyspace.accessFrequency);
  else {
    context.reply.error(
      `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${POLICY_NOTE}`,
    );
  }
}

/** The access clock holds a counter under the LFU policies, and a time under all others. */
function countsAccesses(context: Context): boolean {
  return context.server.memory.read().policy.endsWith("-lfu");
}

function help(context: Context): void {
  replyHelp(context, "OBJECT", [
    "ENCODING <key>",
    "    Return the kind of internal representation used in order to store the value",
    "    associated with a <key>.",
    "FREQ <key>",
    "    Return the access frequency index of the <key>. The returned integer is",
    "    proportional to the logarithm of the recent access frequency of the key.",
    "IDLETIME <key>",
    "    Return the idle time of the <key>, that is the approximated number of",
    "    seconds elapsed since the last access to the key.",
    "REFCOUNT <key>",
    "    Return the number of references of the value associated with the specified",
    "    <key>.",
  ]);
}

const COMMON = {
  arity: 3,
  flags: ["readonly"],
  group: "generic",
  docs: () => ({
    complexity: "O(1)",
    tips: ["nondeterministic_output"],
    arguments: [KEY_ARGUMENT],
  }),
} as const;

function keyAfterWord(need: "meta" | "value"): KeySpec {
  return { first: 2, last: 2, step: 1, need, access: ["RO"] };
}

export const objectCommand: CommandSpec = {
  name: "object",
  arity: -2,
  flags: [],
  group: "generic",
  docs: () => ({
    since: "2.2.3",
    summary: "A container for object introspection commands",
    complexity: "Depends on subcommand.",
  }),
  subcommands: [
    {
      ...COMMON,
      name: "encoding",
      keys: keyAfterWord("value"),
      docs: () => ({
        ...COMMON.docs(),
        since: "2.2.3",
        summary: "Inspect the internal encoding of a Redis object",
      }),
      execute: encoding,
    },
    {
      ...COMMON,
      name: "freq",
      keys: keyAfterWord("meta"),
      docs: () => ({
        ...COMMON.docs(),
        since: "4.0.0",
        summary: "Get the logarithmic access frequency counter of a Redis object",
      }),
      execute: frequency,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      group: "generic",
      docs: () => ({
        since: "6.2.0",
        summary: "Show helpful text about the different subcommands",
        complexity: "O(1)",
      }),
      execute: help,
    },
    {
      ...COMMON,
      name: "idletime",
      keys: keyAfterWord("meta"),
      docs: () => ({
        ...COMMON.docs(),
        since: "2.2.3",
        summary: "Get the time since a Redis object was last accessed",
      }),
      execute: idleTime,
    },
    {
      ...COMMON,
      name: "refcount",
      keys: keyAfterWord("value"),
      docs: () => ({
        ...COMMON.docs(),
        since: "2.2.3",
        summary: "Get the number of references to the value of the key",
      }),
      execute: refcount,
    },
  ],
};

/**
 * MEMORY: what a key costs, and where the process's memory is.
 */
import { NO_EXPIRY } from "../engine/keyspace.ts";
import { NOT_AN_INTEGER_ERROR, SYNTAX_ERROR } from "./arguments.ts";
import { argument } from "./command-arguments.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import type { MemoryReading } from "./server-face.ts";
import type { CommandSpec } from "./spec.ts";

/** What a key costs beside its name and value: the record's header, and its slot with a share of the directory. */
const KEY_OVERHEAD_BYTES = 16 + 11;
/** More header where the key has an expiry. */
const EXPIRY_BYTES = 8;

function usage(context: Context): void {
  for (let i = 3; i < context.argc; i += 2) {
    if (!context.is(i, "samples") || i + 1 >= context.argc) {
      context.reply.error(SYNTAX_ERROR);
      return;
    }
    const samples = context.integer64(i + 1);
    if (samples === undefined || samples < 0n) {
      context.reply.error(samples === undefined ? NOT_AN_INTEGER_ERROR : SYNTAX_ERROR);
      return;
    }
  }
  if (!context.peek(2)) {
    context.reply.nullBulk();
    return;
  }
  const { keyspace } = context;
  const bytes = keyspace.keyLength + keyspace.valueLength;
  const expiry = keyspace.expiryMs === NO_EXPIRY ? 0 : EXPIRY_BYTES;
  const structure = keyspace.unpacked?.memoryBytes ?? 0;
  context.reply.integer(KEY_OVERHEAD_BYTES + expiry + Math.ceil(bytes / 8) * 8 + structure);
}

function stats(context: Context): void {
  const memory = context.server.memory.read();
  const databases = nonEmptyDatabases(context);
  const keys = databases.reduce((sum, db) => sum + context.keyspace.size(db), 0);
  const integers = integersOf(memory, keys);
  const ratios = ratiosOf(memory);
  const { reply } = context;
  reply.mapHeader(integers.length + databases.length + ratios.length);
  for (const [name, value] of integers) {
    reply.bulkText(name);
    reply.integer(value);
  }
  for (const db of databases) {
    reply.bulkText(`db.${db}`);
    reply.mapHeader(2);
    reply.bulkText("overhead.hashtable.main");
    reply.integer(Math.round((memory.index * context.keyspace.size(db)) / keys));
    reply.bulkText("overhead.hashtable.expires");
    // Expiry times are in the records.
    reply.integer(0);
  }
  for (const [name, value] of ratios) {
    reply.bulkText(name);
    reply.double(value);
  }
}

function nonEmptyDatabases(context: Context): readonly number[] {
  const databases: number[] = [];
  for (let db = 0; db < context.keyspace.databases; db++) {
    if (context.keyspace.size(db) > 0) databases.push(db);
  }
  return databases;
}

type Figures = readonly (readonly [name: string, value: number])[];

function integersOf(memory: MemoryReading, keys: number): Figures {
  const overhead = memory.used - memory.dataset;
  return [
    ["peak.allocated", memory.peak],
    ["total.allocated", memory.used],
    ["startup.allocated", memory.startup],
    ["replication.backlog", 0],
    ["clients.slaves", 0],
    ["clients.normal", memory.clients],
    ["cluster.links", 0],
    ["aof.buffer", memory.aofBuffer],
    ["lua.caches", 0],
    ["functions.caches", 0],
    ["overhead.total", overhead],
    ["keys.count", keys],
    ["keys.bytes-per-key", keys === 0 ? 0 : Math.floor(memory.used / keys)],
    ["dataset.bytes", memory.dataset],
    ["allocator.allocated", memory.used],
    ["allocator.active", memory.heapTotal + memory.used - memory.heapUsed],
    ["allocator.resident", memory.rss],
    ["fragmentation.bytes", memory.rss - memory.used - memory.startup],
  ];
}

function ratiosOf(memory: MemoryReading): Figures {
  return [
    ["dataset.percentage", (memory.dataset / Math.max(1, memory.used)) * 100],
    ["peak.percentage", (memory.used / Math.max(1, memory.peak)) * 100],
    ["fragmentation", memory.rss / Math.max(1, memory.used + memory.startup)],
  ];
}

/** Below this much the shares of the whole say nothing. */
const DOCTOR_BYTES_MIN = 5 * 1024 * 1024;

function doctor(context: Context): void {
  const memory = context.server.memory.read();
  context.reply.verbatim("txt", `${memoryReport(memory)}\n`);
}

function memoryReport(memory: MemoryReading): string {
  if (memory.used < DOCTOR_BYTES_MIN) {
    return "There is too little data in memory to say anything about it.";
  }
  const findings: string[] = [];
  if (memory.peak > memory.used * 1.5) {
    findings.push(
      "Peak: memory use was once more than 150 % of what it is now; the process may still hold part of it.",
    );
  }
  if (memory.rss > (memory.used + memory.startup) * 1.4) {
    findings.push(
      "Resident set: the process holds over 140 % of what is in use; MEMORY PURGE hands back what it can.",
    );
  }
  if (memory.limit > 0 && memory.used > memory.limit * 0.95) {
    findings.push("Limit: use is within 5 % of maxmemory, so writes cause eviction, ageing or errors.");
  }
  if (memory.clients > memory.used * 0.2) {
    findings.push("Clients: buffers of clients take over 20 % of memory; CLIENT LIST shows whose (tot-mem).");
  }
  return findings.length === 0 ? "No problem found." : findings.join("\n");
}

function mallocStats(context: Context): void {
  const memory = context.server.memory.read();
  const lines = Object.entries(memory).map(([name, value]) => `${name}: ${value}`);
  context.reply.verbatim(
    "txt",
    `Records live outside the JavaScript heap; there is no malloc to ask.\n${lines.join("\n")}\n`,
  );
}

function purge(context: Context): void {
  context.server.memory.purge();
  context.reply.ok();
}

function help(context: Context): void {
  replyHelp(context, "MEMORY", HELP);
}

const HELP: readonly string[] = [
  "DOCTOR",
  "    Return memory problems reports.",
  "MALLOC-STATS",
  "    Return internal statistics report from the memory allocator.",
  "PURGE",
  "    Attempt to purge dirty pages for reclamation by the allocator.",
  "STATS",
  "    Return information about the memory usage of the server.",
  "USAGE <key> [SAMPLES <count>]",
  "    Return memory in bytes used by <key> and its value. Nested values are",
  "    sampled up to <count> times (default: 5, 0 means sample all).",
];

export const memoryCommands: readonly CommandSpec[] = [
  {
    name: "memory",
    arity: -2,
    flags: [],
    group: "server",
    docs: () => ({
      since: "4.0.0",
      summary: "A container for memory diagnostics commands",
      complexity: "Depends on subcommand.",
    }),
    subcommands: [
      {
        name: "doctor",
        arity: 2,
        flags: [],
        group: "server",
        docs: () => ({
          since: "4.0.0",
          summary: "Outputs memory problems report",
          complexity: "O(1)",
          tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        }),
        execute: doctor,
      },
      {
        name: "help",
        arity: 2,
        flags: ["loading", "stale"],
        group: "server",
        docs: () => ({
          since: "4.0.0",
          summary: "Show helpful text about the different subcommands",
          complexity: "O(1)",
        }),
        execute: help,
      },
      {
        name: "malloc-stats",
        arity: 2,
        flags: [],
        group: "server",
        docs: () => ({
          since: "4.0.0",
          summary: "Show allocator internal stats",
          complexity: "Depends on how much memory is allocated, could be slow",
          tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        }),
        execute: mallocStats,
      },
      {
        name: "purge",
        arity: 2,
        flags: [],
        group: "server",
        docs: () => ({
          since: "4.0.0",
          summary: "Ask the allocator to release memory",
          complexity: "Depends on how much memory is allocated, could be slow",
          tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
        }),
        execute: purge,
      },
      {
        name: "stats",
        arity: 2,
        flags: [],
        group: "server",
        docs: () => ({
          since: "4.0.0",
          summary: "Show memory usage details",
          complexity: "O(1)",
          tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        }),
        execute: stats,
      },
      {
        name: "usage",
        arity: -3,
        flags: ["readonly"],
        group: "server",
        keys: { first: 2, last: 2, step: 1, need: "meta", access: ["RO"] },
        docs: () => ({
          since: "4.0.0",
          summary: "Estimate the memory usage of a key",
          complexity: "O(N) where N is the number of samples.",
          arguments: [
            argument("key", "key", { keySpecIndex: 0 }),
            argument("count", "integer", { token: "SAMPLES", optional: true }),
          ],
        }),
        execute: usage,
      },
    ],
  },
];

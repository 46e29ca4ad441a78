/**
 * LATENCY: events that held the server up (LATEST HISTORY GRAPH DOCTOR RESET) and how long commands take (HISTOGRAM).
 */
import { argument } from "./command-arguments.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import { latencyGraph } from "./latency-graph.ts";
import { latencyReport } from "./latency-report.ts";
import type { CommandSpec } from "./spec.ts";
import { type ResolvedCommand, tableOf } from "./table.ts";

function latest(context: Context): void {
  const { reply } = context;
  const events = context.server.latency.events();
  reply.arrayHeader(events.length);
  for (const event of events) {
    reply.arrayHeader(4);
    reply.bulkText(event.name);
    reply.integer(event.unixSeconds.at(-1) ?? 0);
    reply.integer(event.latenciesMs.at(-1) ?? 0);
    reply.integer(event.maxMs);
  }
}

function history(context: Context): void {
  const { reply } = context;
  const event = context.server.latency.event(context.text(2));
  reply.arrayHeader(event?.latenciesMs.length ?? 0);
  event?.latenciesMs.forEach((latencyMs, index) => {
    reply.arrayHeader(2);
    reply.integer(event.unixSeconds[index]!);
    reply.integer(latencyMs);
  });
}

function graph(context: Context): void {
  const name = context.text(2);
  const event = context.server.latency.event(name);
  if (event === undefined) context.reply.error(`ERR No samples available for event '${name}'`);
  else context.reply.verbatim("txt", latencyGraph(event, Math.floor(context.nowMs / 1000)));
}

function doctor(context: Context): void {
  const { latency } = context.server;
  const seconds = Math.floor(context.nowMs / 1000);
  context.reply.verbatim("txt", latencyReport(latency.events(), latency.thresholdMs, seconds));
}

function reset(context: Context): void {
  const names: string[] = [];
  for (let i = 2; i < context.argc; i++) names.push(context.text(i));
  context.reply.integer(context.server.latency.reset(names));
}

function histogram(context: Context): void {
  const table = tableOf(context);
  const wanted = new Set<ResolvedCommand>();
  if (context.argc === 2) for (const command of table.all()) wanted.add(command);
  for (let i = 2; i < context.argc; i++) {
    const command = table.named(context.text(i));
    if (command === undefined) continue;
    wanted.add(command);
    for (const subcommand of command.subcommands) wanted.add(subcommand);
  }
  const called = [...wanted].filter((command) => command.latency.count > 0);
  context.reply.mapHeader(called.length);
  for (const command of called) replyHistogram(context, command);
}

function replyHistogram(context: Context, command: ResolvedCommand): void {
  const { reply } = context;
  const bounds: number[] = [];
  const counts: number[] = [];
  command.latency.cumulative((microseconds, count) => {
    bounds.push(microseconds);
    counts.push(count);
  });
  reply.bulkText(command.fullName);
  reply.mapHeader(2);
  reply.bulkText("calls");
  reply.integer(command.latency.count);
  reply.bulkText("histogram_usec");
  reply.mapHeader(bounds.length);
  bounds.forEach((bound, index) => {
    reply.integer(bound);
    reply.integer(counts[index]!);
  });
}

function help(context: Context): void {
  replyHelp(context, "LATENCY", HELP);
}

const HELP: readonly string[] = [
  "DOCTOR",
  "    Return a human readable latency analysis report.",
  "GRAPH <event>",
  "    Return an ASCII latency graph for the <event> class.",
  "HISTORY <event>",
  "    Return time-latency samples for the <event> class.",
  "LATEST",
  "    Return the latest latency samples for all events.",
  "RESET [<event> ...]",
  "    Reset latency data of one or more <event> classes.",
  "    (default: reset all data for all event classes)",
  "HISTOGRAM [COMMAND ...]",
  "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
  "    If no commands are specified then all histograms are replied.",
];

export const latencyCommands: readonly CommandSpec[] = [
  {
    name: "latency",
    arity: -2,
    flags: [],
    group: "server",
    docs: () => ({
      since: "2.8.13",
      summary: "A container for latency diagnostics commands",
      complexity: "Depends on subcommand.",
    }),
    subcommands: [
      {
        name: "doctor",
        arity: 2,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.8.13",
          summary: "Return a human readable latency analysis report.",
          complexity: "O(1)",
          tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
        }),
        execute: doctor,
      },
      {
        name: "graph",
        arity: 3,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.8.13",
          summary: "Return a latency graph for the event.",
          complexity: "O(1)",
          tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
          arguments: [argument("event", "string")],
        }),
        execute: graph,
      },
      {
        name: "help",
        arity: 2,
        flags: ["loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.8.13",
          summary: "Show helpful text about the different subcommands.",
          complexity: "O(1)",
        }),
        execute: help,
      },
      {
        name: "histogram",
        arity: -2,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "7.0.0",
          summary: "Return the cumulative distribution of latencies of a subset of commands or all.",
          complexity: "O(N) where N is the number of commands with latency information being retrieved.",
          tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
          arguments: [argument("command", "string", { optional: true, multiple: true })],
        }),
        execute: histogram,
      },
      {
        name: "history",
        arity: 3,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.8.13",
          summary: "Return timestamp-latency samples for the event.",
          complexity: "O(1)",
          tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
          arguments: [argument("event", "string")],
        }),
        execute: history,
      },
      {
        name: "latest",
        arity: 2,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.8.13",
          summary: "Return the latest latency samples for all events.",
          complexity: "O(1)",
          tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
        }),
        execute: latest,
      },
      {
        name: "reset",
        arity: -2,
        flags: ["admin", "noscript", "loading", "stale"],
        group: "server",
        docs: () => ({
          since: "2.8.13",
          summary: "Reset latency data for one or more events.",
          complexity: "O(1)",
          tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
          arguments: [argument("event", "string", { optional: true, multiple: true })],
        }),
        execute: reset,
      },
    ],
  },
];

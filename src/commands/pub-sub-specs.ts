/** The specs of publish and subscribe; the bodies are in pub-sub.ts. */
import { argument, block } from "./command-arguments.ts";
import * as bodies from "./pub-sub.ts";
import type { CommandSpec, KeySpec } from "./spec.ts";

const SUBSCRIPTION_FLAGS = ["pubsub", "noscript", "loading", "stale"] as const;
const INSPECTION_FLAGS = ["pubsub", "loading", "stale"] as const;

/** A cluster finds the server of a shard channel as it finds that of a key. */
function shardChannelsUpTo(last: number): KeySpec {
  return { first: 1, last, step: 1, need: "meta", access: ["not_key"] };
}

const CHANNEL = argument("channel", "string");
const MESSAGE = argument("message", "string");
const SHARD_CHANNEL = argument("shardchannel", "string");
const MANY = { multiple: true } as const;
const ANY = { optional: true, multiple: true } as const;

const subscriptionCommands: readonly CommandSpec[] = [
  {
    name: "psubscribe",
    arity: -2,
    flags: SUBSCRIPTION_FLAGS,
    group: "pubsub",
    docs: () => ({
      since: "2.0.0",
      summary: "Listen for messages published to channels matching the given patterns",
      complexity: "O(N) where N is the number of patterns the client is already subscribed to.",
      arguments: [block("pattern", [argument("pattern", "pattern")], MANY)],
    }),
    execute: bodies.patternSubscribe,
  },
  {
    name: "punsubscribe",
    arity: -1,
    flags: SUBSCRIPTION_FLAGS,
    group: "pubsub",
    docs: () => ({
      since: "2.0.0",
      summary: "Stop listening for messages posted to channels matching the given patterns",
      complexity:
        "O(N+M) where N is the number of patterns the client is already subscribed and M is the number of total patterns subscribed in the system (by any client).",
      arguments: [argument("pattern", "pattern", ANY)],
    }),
    execute: bodies.patternUnsubscribe,
  },
  {
    name: "ssubscribe",
    arity: -2,
    flags: SUBSCRIPTION_FLAGS,
    group: "pubsub",
    keys: shardChannelsUpTo(-1),
    docs: () => ({
      since: "7.0.0",
      summary: "Listen for messages published to the given shard channels",
      complexity: "O(N) where N is the number of shard channels to subscribe to.",
      arguments: [argument("shardchannel", "string", MANY)],
    }),
    execute: bodies.shardSubscribe,
  },
  {
    name: "subscribe",
    arity: -2,
    flags: SUBSCRIPTION_FLAGS,
    group: "pubsub",
    docs: () => ({
      since: "2.0.0",
      summary: "Listen for messages published to the given channels",
      complexity: "O(N) where N is the number of channels to subscribe to.",
      arguments: [argument("channel", "string", MANY)],
    }),
    execute: bodies.subscribe,
  },
  {
    name: "sunsubscribe",
    arity: -1,
    flags: SUBSCRIPTION_FLAGS,
    group: "pubsub",
    keys: shardChannelsUpTo(-1),
    docs: () => ({
      since: "7.0.0",
      summary: "Stop listening for messages posted to the given shard channels",
      complexity: "O(N) where N is the number of clients already subscribed to a shard channel.",
      arguments: [argument("shardchannel", "string", ANY)],
    }),
    execute: bodies.shardUnsubscribe,
  },
  {
    name: "unsubscribe",
    arity: -1,
    flags: SUBSCRIPTION_FLAGS,
    group: "pubsub",
    docs: () => ({
      since: "2.0.0",
      summary: "Stop listening for messages posted to the given channels",
      complexity: "O(N) where N is the number of clients already subscribed to a channel.",
      arguments: [argument("channel", "string", ANY)],
    }),
    execute: bodies.unsubscribe,
  },
];

const publicationCommands: readonly CommandSpec[] = [
  {
    name: "publish",
    arity: 3,
    flags: ["pubsub", "loading", "stale", "fast", "may_replicate"],
    group: "pubsub",
    docs: () => ({
      since: "2.0.0",
      summary: "Post a message to a channel",
      complexity:
        "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of subscribed patterns (by any client).",
      arguments: [CHANNEL, MESSAGE],
    }),
    execute: bodies.publish,
  },
  {
    name: "spublish",
    arity: 3,
    flags: ["pubsub", "loading", "stale", "fast", "may_replicate"],
    group: "pubsub",
    keys: shardChannelsUpTo(1),
    docs: () => ({
      since: "7.0.0",
      summary: "Post a message to a shard channel",
      complexity: "O(N) where N is the number of clients subscribed to the receiving shard channel.",
      arguments: [SHARD_CHANNEL, MESSAGE],
    }),
    execute: bodies.shardPublish,
  },
];

const pubSubCommand: CommandSpec = {
  name: "pubsub",
  arity: -2,
  flags: [],
  group: "pubsub",
  docs: () => ({
    since: "2.8.0",
    summary: "A container for Pub/Sub commands",
    complexity: "Depends on subcommand.",
  }),
  subcommands: [
    {
      name: "channels",
      arity: -2,
      flags: INSPECTION_FLAGS,
      group: "pubsub",
      docs: () => ({
        since: "2.8.0",
        summary: "List active channels",
        complexity:
          "O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively short channels and patterns)",
        arguments: [argument("pattern", "pattern", { optional: true })],
      }),
      execute: bodies.channels,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      group: "pubsub",
      docs: () => ({
        since: "6.2.0",
        summary: "Show helpful text about the different subcommands",
        complexity: "O(1)",
      }),
      execute: bodies.help,
    },
    {
      name: "numpat",
      arity: 2,
      flags: INSPECTION_FLAGS,
      group: "pubsub",
      docs: () => ({
        since: "2.8.0",
        summary: "Get the count of unique patterns pattern subscriptions",
        complexity: "O(1)",
      }),
      execute: bodies.patternCount,
    },
    {
      name: "numsub",
      arity: -2,
      flags: INSPECTION_FLAGS,
      group: "pubsub",
      docs: () => ({
        since: "2.8.0",
        summary: "Get the count of subscribers for channels",
        complexity: "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
        arguments: [argument("channel", "string", ANY)],
      }),
      execute: bodies.subscriberCounts,
    },
    {
      name: "shardchannels",
      arity: -2,
      flags: INSPECTION_FLAGS,
      group: "pubsub",
      docs: () => ({
        since: "7.0.0",
        summary: "List active shard channels",
        complexity:
          "O(N) where N is the number of active shard channels, and assuming constant time pattern matching (relatively short shard channels).",
        arguments: [argument("pattern", "pattern", { optional: true })],
      }),
      execute: bodies.shardChannels,
    },
    {
      name: "shardnumsub",
      arity: -2,
      flags: INSPECTION_FLAGS,
      group: "pubsub",
      docs: () => ({
        since: "7.0.0",
        summary: "Get the count of subscribers for shard channels",
        complexity: "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
        arguments: [argument("shardchannel", "string", ANY)],
      }),
      execute: bodies.shardSubscriberCounts,
    },
  ],
};

/** In the order of their names. */
export const pubSubCommands: readonly CommandSpec[] = [
  ...subscriptionCommands,
  ...publicationCommands,
  pubSubCommand,
].sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * The bodies of publish and subscribe: SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their ends, PUBLISH, SPUBLISH, PUBSUB.
 *
 * Invariants: a subscription is confirmed by one push per name, also one that was there before; the count in it is
 * that of channels and patterns together, for shard channels that of shard channels. Messages change no data and
 * are not logged.
 *
 * Hot-path file: PUBLISH and SPUBLISH allocate nothing.
 */
import { matchesGlob } from "../base/glob.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import type { TopicKind } from "./server-face.ts";

export function publish(context: Context): void {
  const { bytes } = context;
  const receivers = context.server.pubSub.publish(
    bytes,
    context.offset(1),
    context.length(1),
    bytes,
    context.offset(2),
    context.length(2),
  );
  context.reply.integer(receivers);
}

export function shardPublish(context: Context): void {
  const { bytes } = context;
  const receivers = context.server.pubSub.publishToShard(
    bytes,
    context.offset(1),
    context.length(1),
    bytes,
    context.offset(2),
    context.length(2),
  );
  context.reply.integer(receivers);
}

export function subscribe(context: Context): void {
  subscribeTo(context, "channel", "subscribe");
}

export function patternSubscribe(context: Context): void {
  subscribeTo(context, "pattern", "psubscribe");
}

export function shardSubscribe(context: Context): void {
  // A transaction may subscribe to channels and patterns, which it could before there were rules about it.
  if (!context.server.execution.mayWait) {
    context.reply.error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
    return;
  }
  subscribeTo(context, "shard", "ssubscribe");
}

export function unsubscribe(context: Context): void {
  unsubscribeFrom(context, "channel", "unsubscribe");
}

export function patternUnsubscribe(context: Context): void {
  unsubscribeFrom(context, "pattern", "punsubscribe");
}

export function shardUnsubscribe(context: Context): void {
  unsubscribeFrom(context, "shard", "sunsubscribe");
}

function subscribeTo(context: Context, kind: TopicKind, word: string): void {
  const { bytes, argc, session } = context;
  for (let index = 1; index < argc; index++) {
    const offset = context.offset(index);
    const length = context.length(index);
    context.server.pubSub.subscribe(kind, session, bytes, offset, length);
    confirm(context, kind, word, bytes, offset, length);
  }
}

function unsubscribeFrom(context: Context, kind: TopicKind, word: string): void {
  const { bytes, argc, session, reply } = context;
  const { pubSub } = context.server;
  for (let index = 1; index < argc; index++) {
    const offset = context.offset(index);
    const length = context.length(index);
    pubSub.unsubscribe(kind, session, bytes, offset, length);
    confirm(context, kind, word, bytes, offset, length);
  }
  if (argc > 1) return;
  let ended = 0;
  pubSub.unsubscribeAll(kind, session, (name) => {
    ended++;
    confirm(context, kind, word, name, 0, name.length);
  });
  if (ended > 0) return;
  reply.pushHeader(3);
  reply.bulkLatin1(word);
  reply.nullBulk();
  reply.integer(subscriptionCount(context, kind));
}

function confirm(
  context: Context,
  kind: TopicKind,
  word: string,
  name: Uint8Array,
  offset: number,
  length: number,
): void {
  const { reply } = context;
  reply.pushHeader(3);
  reply.bulkLatin1(word);
  reply.bulk(name, offset, length);
  reply.integer(subscriptionCount(context, kind));
}

function subscriptionCount(context: Context, kind: TopicKind): number {
  const { session } = context;
  return kind === "shard" ? session.shardSubscriptions : session.subscriptions + session.patternSubscriptions;
}

export function channels(context: Context): void {
  replyNames(context, "channel");
}

export function shardChannels(context: Context): void {
  replyNames(context, "shard");
}

function replyNames(context: Context, kind: TopicKind): void {
  if (context.argc > 3) {
    // Redis says this and not that the arity is wrong; clients may compare it.
    context.reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${context.text(1)}'. Try PUBSUB HELP.`,
    );
    return;
  }
  const all = context.server.pubSub.names(kind);
  const names = context.argc === 2 ? [...all] : [...all].filter((name) => matchesArgument(context, name, 2));
  context.reply.arrayHeader(names.length);
  for (const name of names) context.reply.bulk(name, 0, name.length);
}

function matchesArgument(context: Context, name: Uint8Array, index: number): boolean {
  return matchesGlob(context.bytes, context.offset(index), context.length(index), name, 0, name.length);
}

export function subscriberCounts(context: Context): void {
  replySubscriberCounts(context, "channel");
}

export function shardSubscriberCounts(context: Context): void {
  replySubscriberCounts(context, "shard");
}

function replySubscriberCounts(context: Context, kind: TopicKind): void {
  const { bytes, argc, reply } = context;
  reply.arrayHeader((argc - 2) * 2);
  for (let index = 2; index < argc; index++) {
    const offset = context.offset(index);
    const length = context.length(index);
    reply.bulk(bytes, offset, length);
    reply.integer(context.server.pubSub.subscribersOf(kind, bytes, offset, length));
  }
}

export function patternCount(context: Context): void {
  context.reply.integer(context.server.pubSub.topicCount("pattern"));
}

export function help(context: Context): void {
  replyHelp(context, "PUBSUB", [
    "CHANNELS [<pattern>]",
    "    Return the currently active channels matching a <pattern> (default: '*').",
    "NUMPAT",
    "    Return number of subscriptions to patterns.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers for the specified channels, excluding",
    "    pattern subscriptions(default: no channels).",
    "SHARDCHANNELS [<pattern>]",
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Return the number of subscribers for the specified shard level channel(s)",
  ]);
}

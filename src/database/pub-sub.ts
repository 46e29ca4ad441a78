/**
 * Who has subscribed to what, and the delivery of messages.
 *
 * Invariants: a session is among the subscribers of a topic exactly while the topic is among its own; messages of one
 * publisher reach a subscriber in order; to a client that subscribed to the channel and to patterns that match it, the
 * message goes first by the channel, then by each pattern in the order in which the patterns came. Messages change no
 * data and are not logged.
 *
 * Hot-path file: `publish` allocates nothing, neither for a message nor for a subscriber. A message is encoded once for
 * all subscribers of a topic: RESP2 and RESP3 differ in its first byte alone.
 */
import { matchesGlob } from "../base/glob.ts";
import type { PubSubFace, TopicKind } from "../commands/server-face.ts";
import type { PushMessage, SessionFace } from "../commands/session-face.ts";
import { SipHasher } from "../engine/index/hash.ts";
import type { Random } from "../ports/random.ts";
import { GrowingOutput, ReplyWriter } from "../protocol/reply-writer.ts";
import { type Topic, TopicTable } from "./pub-sub-topics.ts";

/** An encoding buffer that had to grow beyond this is given back after the message. */
const KEPT_BYTES = 1024 * 1024;

/** Serial numbers begin again here: two messages of one turn never share one. */
const SERIAL_MAX = 0x3fff_ffff;

/** The one that is being delivered. */
class Message implements PushMessage {
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;
  serial = 0;
}

/** The topics of one session, each kind in order of subscription. */
interface Subscriptions {
  readonly channel: Set<Topic>;
  readonly pattern: Set<Topic>;
  readonly shard: Set<Topic>;
}

export class PubSub implements PubSubFace {
  readonly #channels: TopicTable;
  readonly #patterns: TopicTable;
  readonly #shards: TopicTable;
  readonly #sessions = new Map<SessionFace, Subscriptions>();
  readonly #encoded = new GrowingOutput();
  readonly #encoder = new ReplyWriter(this.#encoded, 3);
  readonly #message = new Message();

  constructor(random: Random) {
    const hasher = new SipHasher(random.uint32(), random.uint32());
    this.#channels = new TopicTable(hasher);
    this.#patterns = new TopicTable(hasher);
    this.#shards = new TopicTable(hasher);
  }

  /** True while a message to a channel would reach nobody, whatever the channel. */
  get isSilent(): boolean {
    return this.#channels.count === 0 && this.#patterns.count === 0;
  }

  // -- subscriptions -------------------------------------------------------------------------------------------

  subscribe(
    kind: TopicKind,
    session: SessionFace,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    let own = this.#sessions.get(session);
    if (own === undefined) {
      own = { channel: new Set(), pattern: new Set(), shard: new Set() };
      this.#sessions.set(session, own);
    }
    const topic = this.#table(kind).findOrAdd(bytes, offset, length);
    if (own[kind].has(topic)) return false;
    own[kind].add(topic);
    topic.add(session);
    tell(session, own);
    return true;
  }

  unsubscribe(
    kind: TopicKind,
    session: SessionFace,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    const own = this.#sessions.get(session);
    const topic = this.#table(kind).find(bytes, offset, length);
    if (own === undefined || topic === undefined || !own[kind].has(topic)) return false;
    this.#end(kind, session, own, topic);
    return true;
  }

  unsubscribeAll(kind: TopicKind, session: SessionFace, onEnded: (name: Uint8Array) => void): void {
    const own = this.#sessions.get(session);
    if (own === undefined) return;
    for (const topic of own[kind]) {
      this.#end(kind, session, own, topic);
      onEnded(topic.name);
    }
  }

  /** Ends every subscription of a session that leaves or is reset; harmless for others. */
  forget(session: SessionFace): void {
    for (const kind of ["channel", "pattern", "shard"] as const) this.unsubscribeAll(kind, session, () => {});
  }

  #end(kind: TopicKind, session: SessionFace, own: Subscriptions, topic: Topic): void {
    own[kind].delete(topic);
    topic.delete(session);
    if (topic.subscriberCount === 0) this.#table(kind).remove(topic);
    if (own.channel.size + own.pattern.size + own.shard.size === 0) this.#sessions.delete(session);
    tell(session, own);
  }

  #table(kind: TopicKind): TopicTable {
    return kind === "channel" ? this.#channels : kind === "pattern" ? this.#patterns : this.#shards;
  }

  // -- messages ------------------------------------------------------------------------------------------------

  publish(
    channelBytes: Uint8Array,
    channelOffset: number,
    channelLength: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number {
    let receivers = 0;
    const encoder = this.#encoder;
    const topic = this.#channels.find(channelBytes, channelOffset, channelLength);
    if (topic !== undefined) {
      encoder.pushHeader(3);
      encoder.bulkLatin1("message");
      encoder.bulk(channelBytes, channelOffset, channelLength);
      encoder.bulk(bytes, offset, length);
      receivers += this.#deliver(topic);
    }
    for (let pattern = this.#patterns.first; pattern !== undefined; pattern = pattern.later) {
      const { name } = pattern;
      if (!matchesGlob(name, 0, name.length, channelBytes, channelOffset, channelLength)) continue;
      encoder.pushHeader(4);
      encoder.bulkLatin1("pmessage");
      encoder.bulk(name, 0, name.length);
      encoder.bulk(channelBytes, channelOffset, channelLength);
      encoder.bulk(bytes, offset, length);
      receivers += this.#deliver(pattern);
    }
    return receivers;
  }

  publishToShard(
    channelBytes: Uint8Array,
    channelOffset: number,
    channelLength: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number {
    const topic = this.#shards.find(channelBytes, channelOffset, channelLength);
    if (topic === undefined) return 0;
    const encoder = this.#encoder;
    encoder.pushHeader(3);
    encoder.bulkLatin1("smessage");
    encoder.bulk(channelBytes, channelOffset, channelLength);
    encoder.bulk(bytes, offset, length);
    return this.#deliver(topic);
  }

  /** Hands the encoded message to every subscriber of the topic; answers how many they are. */
  #deliver(topic: Topic): number {
    const message = this.#message;
    message.bytes = this.#encoded.bytes;
    message.length = this.#encoded.position;
    message.serial = (message.serial + 1) & SERIAL_MAX;
    const { subscribers } = topic;
    for (let i = 0; i < subscribers.length; i++) subscribers[i]!.push(message);
    this.#encoded.clear(KEPT_BYTES);
    return subscribers.length;
  }

  // -- what there is -------------------------------------------------------------------------------------------

  subscribersOf(kind: TopicKind, bytes: Uint8Array, offset: number, length: number): number {
    return this.#table(kind).find(bytes, offset, length)?.subscriberCount ?? 0;
  }

  topicCount(kind: TopicKind): number {
    return this.#table(kind).count;
  }

  *names(kind: TopicKind): Generator<Uint8Array> {
    for (let topic = this.#table(kind).first; topic !== undefined; topic = topic.later) yield topic.name;
  }
}

function tell(session: SessionFace, own: Subscriptions): void {
  session.setSubscriptions(own.channel.size, own.pattern.size, own.shard.size);
}

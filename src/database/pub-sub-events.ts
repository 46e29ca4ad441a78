/**
 * Publishes keyspace events as messages: `__keyspace@<db>__:<key>` receives the event, `__keyevent@<db>__:<event>`
 * the key, in this order.
 *
 * Hot-path file: an event allocates nothing (a key longer than any before makes the buffer grow), and while nobody has
 * subscribed to anything it costs two comparisons.
 */
import { copyBytes, writeInteger } from "../base/bytes.ts";
import { type EventSink, NOTIFY_KEYEVENT, NOTIFY_KEYSPACE } from "../commands/notify-events.ts";
import type { PubSub } from "./pub-sub.ts";

const KEYSPACE = "__keyspace@";
const KEYEVENT = "__keyevent@";
/** Both words have it; behind it come the database and "__:". */
const WORD_BYTES = 11;
const DATABASE_BYTES_MAX = 8;
const EVENT_BYTES_MAX = 64;
/** A buffer that had to grow beyond this is given back after the event. */
const KEPT_BYTES = 64 * 1024;

export class EventPublisher implements EventSink {
  readonly #pubSub: PubSub;
  #channel = new Uint8Array(1024);
  readonly #event = new Uint8Array(EVENT_BYTES_MAX);

  constructor(pubSub: PubSub) {
    this.#pubSub = pubSub;
  }

  publishEvent(
    wanted: number,
    event: string,
    bytes: Uint8Array,
    offset: number,
    length: number,
    db: number,
  ): void {
    const pubSub = this.#pubSub;
    if (pubSub.isSilent) return;
    const eventLength = writeText(this.#event, 0, event);
    if ((wanted & NOTIFY_KEYSPACE) !== 0) {
      this.#reserve(length);
      const at = this.#writeHead(KEYSPACE, db);
      copyBytes(this.#channel, at, bytes, offset, length);
      pubSub.publish(this.#channel, 0, at + length, this.#event, 0, eventLength);
      if (this.#channel.length > KEPT_BYTES) this.#channel = new Uint8Array(1024);
    }
    if ((wanted & NOTIFY_KEYEVENT) !== 0) {
      const at = this.#writeHead(KEYEVENT, db);
      copyBytes(this.#channel, at, this.#event, 0, eventLength);
      pubSub.publish(this.#channel, 0, at + eventLength, bytes, offset, length);
    }
  }

  /** Makes room for a channel that ends in `length` bytes. */
  #reserve(length: number): void {
    const needed = WORD_BYTES + DATABASE_BYTES_MAX + length;
    if (needed > this.#channel.length) this.#channel = new Uint8Array(needed * 2);
  }

  /** `__keyspace@0__:`; answers where the channel goes on. */
  #writeHead(word: string, db: number): number {
    const channel = this.#channel;
    let at = writeText(channel, 0, word);
    at += writeInteger(channel, at, db);
    channel[at++] = 95;
    channel[at++] = 95;
    channel[at++] = 58;
    return at;
  }
}

function writeText(into: Uint8Array, at: number, ascii: string): number {
  const { length } = ascii;
  for (let i = 0; i < length; i++) into[at + i] = ascii.charCodeAt(i);
  return at + length;
}

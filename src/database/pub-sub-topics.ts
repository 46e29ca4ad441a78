/**
 * Topics by name: the channels, patterns or shard channels that somebody has subscribed to.
 *
 * Invariants: a topic is here from its first subscriber to its last; iteration is in the order in which topics came,
 * and survives the removal of the topic it is on.
 *
 * Hot-path file: `find` reads the name in place and allocates nothing. A hash table of our own and not a Map: a Map
 * needs a string per lookup, and names arrive as bytes. The hash is keyed, because clients choose the names.
 */
import { assert } from "../base/assert.ts";
import { cloneBytes, equalBytes } from "../base/bytes.ts";
import { SourceView } from "../base/word-bytes.ts";
import type { SessionFace } from "../commands/session-face.ts";
import type { Hasher } from "../engine/index/hash.ts";

const BUCKETS_MIN = 16;

export class Topic {
  readonly name: Uint8Array;
  readonly hash: number;
  readonly #subscribers = new Set<SessionFace>();
  /** The same, for walking; undefined after a change. */
  #list: readonly SessionFace[] | undefined = undefined;
  /** The next of the same bucket. */
  sibling: Topic | undefined = undefined;
  earlier: Topic | undefined = undefined;
  /** The next in order of arrival; kept by a topic that is removed, so that who stands on it can go on. */
  later: Topic | undefined = undefined;

  constructor(name: Uint8Array, hash: number) {
    this.name = name;
    this.hash = hash;
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  /** In order of subscription. The array stays as it is, whatever changes while it is walked. */
  get subscribers(): readonly SessionFace[] {
    this.#list ??= [...this.#subscribers];
    return this.#list;
  }

  add(session: SessionFace): void {
    this.#subscribers.add(session);
    this.#list = undefined;
  }

  delete(session: SessionFace): void {
    this.#subscribers.delete(session);
    this.#list = undefined;
  }
}

export class TopicTable {
  readonly #hasher: Hasher;
  readonly #source = new SourceView();
  #buckets: (Topic | undefined)[] = emptyBuckets(BUCKETS_MIN);
  #count = 0;
  #first: Topic | undefined = undefined;
  #last: Topic | undefined = undefined;

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  get count(): number {
    return this.#count;
  }
  /** The oldest; the others follow by `later`. */
  get first(): Topic | undefined {
    return this.#first;
  }

  find(bytes: Uint8Array, offset: number, length: number): Topic | undefined {
    return this.#count === 0
      ? undefined
      : this.#find(this.#hash(bytes, offset, length), bytes, offset, length);
  }

  findOrAdd(bytes: Uint8Array, offset: number, length: number): Topic {
    const hash = this.#hash(bytes, offset, length);
    const found = this.#find(hash, bytes, offset, length);
    if (found !== undefined) return found;
    if (this.#count === this.#buckets.length) this.#resize(this.#buckets.length * 2);
    const topic = new Topic(cloneBytes(bytes, offset, length), hash);
    this.#link(topic);
    topic.earlier = this.#last;
    if (this.#last === undefined) this.#first = topic;
    else this.#last.later = topic;
    this.#last = topic;
    this.#count++;
    return topic;
  }

  remove(topic: Topic): void {
    const at = topic.hash & (this.#buckets.length - 1);
    let before: Topic | undefined;
    let present = this.#buckets[at];
    while (present !== undefined && present !== topic) {
      before = present;
      present = present.sibling;
    }
    assert(present === topic, "a topic that is removed is not in the table");
    if (before === undefined) this.#buckets[at] = topic.sibling;
    else before.sibling = topic.sibling;
    if (topic.earlier === undefined) this.#first = topic.later;
    else topic.earlier.later = topic.later;
    if (topic.later === undefined) this.#last = topic.earlier;
    else topic.later.earlier = topic.earlier;
    this.#count--;
    if (this.#buckets.length > BUCKETS_MIN && this.#count * 8 < this.#buckets.length) {
      this.#resize(this.#buckets.length / 2);
    }
  }

  #hash(bytes: Uint8Array, offset: number, length: number): number {
    const hasher = this.#hasher;
    hasher.hash(this.#source.of(bytes), offset, length);
    return hasher.low;
  }

  #find(hash: number, bytes: Uint8Array, offset: number, length: number): Topic | undefined {
    let topic = this.#buckets[hash & (this.#buckets.length - 1)];
    while (topic !== undefined) {
      const { name } = topic;
      if (topic.hash === hash && name.length === length && equalBytes(name, 0, bytes, offset, length)) {
        return topic;
      }
      topic = topic.sibling;
    }
    return undefined;
  }

  #link(topic: Topic): void {
    const at = topic.hash & (this.#buckets.length - 1);
    topic.sibling = this.#buckets[at];
    this.#buckets[at] = topic;
  }

  #resize(buckets: number): void {
    this.#buckets = emptyBuckets(buckets);
    for (let topic = this.#first; topic !== undefined; topic = topic.later) this.#link(topic);
  }
}

function emptyBuckets(count: number): (Topic | undefined)[] {
  return new Array<Topic | undefined>(count).fill(undefined);
}

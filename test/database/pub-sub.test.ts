/** The registry of subscriptions: what it says against a model of plain sets, and what it sends. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { fromLatin1, latin1 } from "../../src/base/bytes.ts";
import { matchesGlob } from "../../src/base/glob.ts";
import { NOTIFY_KEYEVENT, NOTIFY_KEYSPACE } from "../../src/commands/notify-events.ts";
import type { TopicKind } from "../../src/commands/server-face.ts";
import type { PushMessage, SessionFace } from "../../src/commands/session-face.ts";
import { PubSub } from "../../src/database/pub-sub.ts";
import { EventPublisher } from "../../src/database/pub-sub-events.ts";

/** As much of a session as the registry uses; it keeps what it is sent, one character per byte. */
class Listener {
  counts = [0, 0, 0];
  received: string[] = [];

  setSubscriptions(...counts: number[]): void {
    this.counts = counts;
  }
  push({ bytes, length }: PushMessage): void {
    this.received.push(latin1(bytes, 0, length));
  }
  get face(): SessionFace {
    return this as unknown as SessionFace;
  }
}

const KINDS = ["channel", "pattern", "shard"] as const;

class Registry {
  readonly pubSub = new PubSub(new SeededRandom(1));

  subscribe(kind: TopicKind, listener: Listener, name: string): boolean {
    const bytes = fromLatin1(`..${name}..`);
    return this.pubSub.subscribe(kind, listener.face, bytes, 2, name.length);
  }
  unsubscribe(kind: TopicKind, listener: Listener, name: string): boolean {
    return this.pubSub.unsubscribe(kind, listener.face, fromLatin1(name), 0, name.length);
  }
  publish(channel: string, text: string): number {
    return this.pubSub.publish(fromLatin1(channel), 0, channel.length, fromLatin1(text), 0, text.length);
  }
  publishToShard(channel: string, text: string): number {
    return this.pubSub.publishToShard(
      fromLatin1(channel),
      0,
      channel.length,
      fromLatin1(text),
      0,
      text.length,
    );
  }
  names(kind: TopicKind): string[] {
    return [...this.pubSub.names(kind)].map((name) => latin1(name));
  }
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

describe("the registry", () => {
  it("answers as sets of names would, whatever comes and goes", () => {
    const name = fc.constantFrom("", "a", "b", "ab", "*", "a*", "?", "[ab]", "\xff\x00", "x".repeat(40));
    const step = fc.record({
      what: fc.constantFrom("subscribe", "subscribe", "unsubscribe", "unsubscribeAll", "forget", "publish"),
      kind: fc.constantFrom(...KINDS),
      who: fc.nat(3),
      name,
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const registry = new Registry();
        const listeners = Array.from({ length: 4 }, () => new Listener());
        const model = KINDS.map(() => listeners.map(() => new Set<string>()));
        for (const { what, kind, who, name } of steps) {
          const listener = listeners[who]!;
          const own = model[KINDS.indexOf(kind)]![who]!;
          if (what === "subscribe") {
            expect(registry.subscribe(kind, listener, name)).toBe(!own.has(name));
            own.add(name);
          } else if (what === "unsubscribe") {
            expect(registry.unsubscribe(kind, listener, name)).toBe(own.delete(name));
          } else if (what === "unsubscribeAll") {
            const ended: string[] = [];
            registry.pubSub.unsubscribeAll(kind, listener.face, (bytes) => ended.push(latin1(bytes)));
            expect(ended).toEqual([...own]);
            own.clear();
          } else if (what === "forget") {
            registry.pubSub.forget(listener.face);
            for (const sets of model) sets[who]!.clear();
          } else {
            expectDelivery(registry, model, listeners, name);
          }
          for (const [index, { counts }] of listeners.entries())
            expect(counts).toEqual(model.map((sets) => sets[index]!.size));
          for (const [index, sets] of model.entries()) {
            const all = new Set(sets.flatMap((set) => [...set]));
            expect(new Set(registry.names(KINDS[index]!))).toEqual(all);
            expect(registry.pubSub.topicCount(KINDS[index]!)).toBe(all.size);
            const subscribers = sets.filter((set) => set.has(name)).length;
            expect(registry.pubSub.subscribersOf(KINDS[index]!, fromLatin1(name), 0, name.length)).toBe(
              subscribers,
            );
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("keeps thousands of topics apart, and forgets them", () => {
    const registry = new Registry();
    const listener = new Listener();
    for (let i = 0; i < 5000; i++) registry.subscribe("channel", listener, `channel:${i}`);
    expect(registry.publish("channel:4321", "x")).toBe(1);
    expect(registry.publish("channel:5000", "x")).toBe(0);
    expect(listener.received).toEqual([`>3\r\n${bulk("message")}${bulk("channel:4321")}${bulk("x")}`]);
    for (let i = 0; i < 5000; i += 2) registry.unsubscribe("channel", listener, `channel:${i}`);
    expect(registry.names("channel").slice(0, 2)).toEqual(["channel:1", "channel:3"]);
    registry.pubSub.forget(listener.face);
    expect(registry.pubSub.isSilent).toBe(true);
    expect(listener.counts).toEqual([0, 0, 0]);
  });

  it("serves patterns in the order in which they came, and a pattern that comes again as the newest", () => {
    const registry = new Registry();
    const [one, two] = [new Listener(), new Listener()];
    registry.subscribe("pattern", one, "c*");
    registry.subscribe("pattern", two, "*h");
    registry.subscribe("pattern", one, "ch");
    registry.unsubscribe("pattern", one, "c*");
    registry.subscribe("pattern", one, "c*");
    expect(registry.names("pattern")).toEqual(["*h", "ch", "c*"]);
    expect(registry.publish("ch", "m")).toBe(3);
    expect(one.received.map((text) => text.split("\r\n")[4])).toEqual(["ch", "c*"]);
  });

  it("goes on when a subscriber leaves while a message is on its way", () => {
    const registry = new Registry();
    const [first, second, third] = [new Listener(), new Listener(), new Listener()];
    for (const listener of [first, second, third]) {
      registry.subscribe("channel", listener, "ch");
      registry.subscribe("pattern", listener, "*");
    }
    const { push } = first;
    first.push = function (this: Listener, sent) {
      push.call(this, sent);
      registry.pubSub.forget(first.face);
      registry.pubSub.forget(second.face);
    };
    registry.publish("ch", "m");
    expect(third.received).toHaveLength(2);
    expect(registry.publish("ch", "m")).toBe(2);
  });
});

describe("keyspace events", () => {
  it("are two messages: the event by key, then the key by event", () => {
    const registry = new Registry();
    const listener = new Listener();
    const publisher = new EventPublisher(registry.pubSub);
    const tell = (wanted: number, key: string, db: number): void =>
      publisher.publishEvent(wanted, "rename_from", fromLatin1(`-${key}-`), 1, key.length, db);
    tell(NOTIFY_KEYSPACE | NOTIFY_KEYEVENT, "nobody", 0);
    registry.subscribe("pattern", listener, "__key*__:*");
    for (const key of ["k", "", "\x00\xff\r\n", "long".repeat(50_000)]) {
      tell(NOTIFY_KEYSPACE | NOTIFY_KEYEVENT, key, 1023);
      const received = (channel: string, text: string): string =>
        `>4\r\n${bulk("pmessage")}${bulk("__key*__:*")}${bulk(channel)}${bulk(text)}`;
      expect(listener.received.splice(0)).toEqual([
        received(`__keyspace@1023__:${key}`, "rename_from"),
        received("__keyevent@1023__:rename_from", key),
      ]);
    }
    tell(NOTIFY_KEYSPACE, "k", 0);
    tell(NOTIFY_KEYEVENT, "k", 0);
    expect(listener.received.map((text) => text.split("\r\n")[6])).toEqual([
      "__keyspace@0__:k",
      "__keyevent@0__:rename_from",
    ]);
  });
});

/** Publishes to the channel and the shard channel of this name and checks who hears it. */
function expectDelivery(
  registry: Registry,
  model: readonly (readonly ReadonlySet<string>[])[],
  listeners: readonly Listener[],
  channel: string,
): void {
  const [channels, patterns, shards] = model;
  const matching = (own: ReadonlySet<string>): number =>
    [...own].filter((pattern) => matches(pattern, channel)).length;
  const expected = listeners.map(
    (_, who) => Number(channels![who]!.has(channel)) + matching(patterns![who]!),
  );
  expect(registry.publish(channel, "m")).toBe(expected.reduce((sum, count) => sum + count, 0));
  for (const [who, listener] of listeners.entries()) {
    const received = listener.received.splice(0);
    expect(received).toHaveLength(expected[who]!);
    for (const text of received) {
      expect(text.startsWith(">")).toBe(true);
      expect(text.endsWith(`${bulk(channel)}${bulk("m")}`)).toBe(true);
    }
  }
  expect(registry.publishToShard(channel, "s")).toBe(shards!.filter((own) => own.has(channel)).length);
  for (const [who, listener] of listeners.entries())
    expect(listener.received.splice(0)).toHaveLength(Number(shards![who]!.has(channel)));
}

function matches(pattern: string, channel: string): boolean {
  return matchesGlob(fromLatin1(pattern), 0, pattern.length, fromLatin1(channel), 0, channel.length);
}

/** Messages in a program: listeners, their order and their end, keyspace events, and raw subscriptions. */
import { describe, expect, it } from "vitest";
import type { PlainReply } from "../../src/index.ts";
import { open } from "../../src/index.ts";
import { temporaryFolder } from "../support/temp.ts";
import { closeAfterTest, FailingFiles, fileKinds, openFolder, openOn, utf8 } from "./support.ts";

/** Everything that was published before this resolves has been heard. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("subscribe", () => {
  it("calls the listener with bytes, in order, until it is ended", async () => {
    const db = await openFolder();
    const heard: string[] = [];
    const subscription = await db.subscribe("news", (message, channel) => {
      heard.push(`${utf8(channel)} ${utf8(message)}`);
    });
    expect(await db.publish("news", "one")).toBe(1);
    expect(await db.publish("other", "lost")).toBe(0);
    await Promise.all(Array.from({ length: 100 }, (_, i) => db.publish("news", i)));
    await turns();
    expect(heard).toEqual(["news one", ...Array.from({ length: 100 }, (_, i) => `news ${i}`)]);
    const published = db.publish("news", "too late");
    await subscription.unsubscribe();
    await subscription.unsubscribe();
    await published;
    await turns();
    expect(heard).toHaveLength(101);
    expect(await db.publish("news", "nobody")).toBe(0);
  });

  it("takes patterns and text, and several listeners", async () => {
    const db = await openFolder();
    const heard: string[] = [];
    await db.psubscribeText("news:*", (message, channel) => heard.push(`pattern ${channel} ${message}`));
    await db.subscribeText("news:ü", (message, channel) => heard.push(`channel ${channel} ${message}`));
    await db.psubscribe("n*", (message) => heard.push(`bytes ${message.length}`));
    expect(await db.publish("news:ü", "hé\ufeff")).toBe(3);
    await turns();
    expect(heard).toEqual(["channel news:ü hé\ufeff", "pattern news:ü hé\ufeff", "bytes 6"]);
    expect(await db.callText("PUBSUB", "CHANNELS")).toEqual(["news:ü"]);
  });

  it("hears keyspace events, of every client and of keys that expire by themselves", async () => {
    const db = await openFolder(undefined, { "server.notify_keyspace_events": "KEA" });
    const events: string[] = [];
    const expired = new Promise<void>((resolve) => {
      void db.psubscribeText("__keyevent@*__:*", (key, channel) => {
        events.push(`${channel.split(":")[1]} ${key}`);
        if (channel.endsWith(":expired")) resolve();
      });
    });
    const other = db.client({ database: 3 });
    await other.set("a", 1);
    await other.rename("a", "b");
    await db.set("short", 1, { ttlMs: 20 });
    await expired;
    expect(events).toEqual([
      "set a",
      "rename_from a",
      "rename_to b",
      "set short",
      "expire short",
      "expired short",
    ]);
  });

  it.each(fileKinds)("hears of no write that is not durable under always (%s files)", async (kind) => {
    const files = new FailingFiles(kind);
    const db = await openOn(files, temporaryFolder("embed-messages"), {
      "server.notify_keyspace_events": "E$",
      "persistence.aof_sync": "always",
    });
    const heard: string[] = [];
    await db.subscribeText("__keyevent@0__:set", (key) => heard.push(key));
    await db.set("before", 1);
    await turns();
    files.failing = "EIO";
    const written = db.set("k", 1);
    const message = db.publish("__keyevent@0__:set", "a message, later");
    await turns();
    expect(heard).toEqual(["before"]);
    files.failing = undefined;
    await Promise.all([written, message]);
    await turns();
    expect(heard).toEqual(["before", "k", "a message, later"]);
  });

  it("ends with the database, and leaves nothing behind when it is used as a resource", async () => {
    const db = closeAfterTest(await open({ memory: true, logger: "silent" }));
    {
      await using subscription = await db.subscribe("ch", () => {});
      expect(subscription).toBeDefined();
      expect(await db.publish("ch", "x")).toBe(1);
    }
    expect(await db.publish("ch", "x")).toBe(0);
    const kept = await db.subscribe("ch", () => {});
    await db.close();
    await kept.unsubscribe();
    await expect(db.subscribe("ch", () => {})).rejects.toMatchObject({ kind: "closed" });
  });

  it("may publish and subscribe from within a listener", async () => {
    const db = await openFolder();
    const heard: string[] = [];
    await db.subscribeText("ping", (message) => void db.publish("pong", `${message}!`));
    const pong = new Promise<void>((resolve) => {
      void db.subscribeText("pong", (message) => {
        heard.push(message);
        resolve();
      });
    });
    await turns();
    await db.publish("ping", "a");
    await pong;
    expect(heard).toEqual(["a!"]);
  });
});

describe("a client of its own", () => {
  it("may subscribe by call: confirmations are the value, messages are pushes", async () => {
    const db = await openFolder();
    const pushes: PlainReply[] = [];
    const client = db.client({ onPush: (push) => pushes.push(push) });
    expect(await client.callText("SUBSCRIBE", "a", "b")).toEqual([
      ["subscribe", "a", 1],
      ["subscribe", "b", 2],
    ]);
    // It speaks RESP3, so it may go on with other commands.
    expect(await client.call("PUBLISH", "a", "self")).toBe(1);
    expect(await client.set("k", 1)).toBe(true);
    await turns();
    expect(pushes.map((push) => (push as Uint8Array[]).map(utf8))).toEqual([["message", "a", "self"]]);
    expect(await client.callText("UNSUBSCRIBE")).toEqual([
      ["unsubscribe", "a", 1],
      ["unsubscribe", "b", 0],
    ]);
    expect(await client.callText("UNSUBSCRIBE")).toEqual([["unsubscribe", null, 0]]);
    await client.close();
    expect(await db.call("PUBSUB", "NUMPAT")).toBe(0);
  });
});

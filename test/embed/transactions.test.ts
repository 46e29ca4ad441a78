/** Transactions through the library: each client has its own, and what they answer are plain values. */
import { describe, expect, it } from "vitest";
import { FerriteError, ReplyError } from "../../src/index.ts";
import { openFolder } from "./support.ts";

describe("MULTI and EXEC through call", () => {
  it("answer what the commands answer, errors in their places", async () => {
    const db = await openFolder();
    const client = db.client();
    expect(await client.callText("MULTI")).toBe("OK");
    expect(await client.callText("SET", "k", "x")).toBe("QUEUED");
    expect(await client.callText("INCR", "k")).toBe("QUEUED");
    expect(await client.callText("GET", "k")).toBe("QUEUED");
    expect(await db.getText("k")).toBeNull();
    const [ok, error, value] = (await client.callText("EXEC")) as unknown[];
    expect(ok).toBe("OK");
    expect(error).toBeInstanceOf(ReplyError);
    expect((error as ReplyError).message).toBe("ERR value is not an integer or out of range");
    expect(value).toBe("x");
    expect(await db.getText("k")).toBe("x");
  });

  it("work in a pipeline", async () => {
    const db = await openFolder();
    const replies = await db.pipeline([["MULTI"], ["SET", "k", "1"], ["INCR", "k"], ["EXEC"], ["GET", "k"]], {
      text: true,
    });
    expect(replies).toEqual(["OK", "QUEUED", "QUEUED", ["OK", 2], "2"]);
  });

  it("are refused as a whole after a refusal, and broken by what others write", async () => {
    const db = await openFolder();
    const client = db.client();
    await client.call("MULTI");
    await expect(client.call("GET")).rejects.toBeInstanceOf(ReplyError);
    await expect(client.call("EXEC")).rejects.toMatchObject({
      message: "EXECABORT Transaction discarded because of previous errors.",
    });
    await client.call("WATCH", "k");
    await db.set("k", "1");
    await client.call("MULTI");
    await client.call("DEL", "k");
    expect(await client.call("EXEC")).toBeNull();
    expect(await db.getText("k")).toBe("1");
  });

  it("survive the program's reuse of its buffers", async () => {
    const db = await openFolder();
    const client = db.client();
    const value = Buffer.from("before");
    await client.call("MULTI");
    await client.call("SET", "k", value);
    value.write("after!");
    await client.call("EXEC");
    expect(await db.getText("k")).toBe("before");
  });

  it("end with their client", async () => {
    const db = await openFolder();
    const client = db.client();
    await client.call("WATCH", "k");
    await client.call("MULTI");
    await client.call("SET", "k", "1");
    await client.close();
    await expect(client.call("EXEC")).rejects.toBeInstanceOf(FerriteError);
    expect(await db.exists("k")).toBe(0);
  });
});

describe("a call that waits for a key", () => {
  it("resolves when another client makes it, and those behind it go on then", async () => {
    const db = await openFolder();
    const client = db.client();
    const popped = client.callText("BLPOP", "list", 0);
    const behind = client.callText("LLEN", "list");
    await db.call("RPUSH", "list", "a", "b");
    expect(await popped).toEqual(["list", "a"]);
    expect(await behind).toBe(1);
  });

  it("resolves with null when its time is up", async () => {
    const db = await openFolder();
    expect(await db.client().callText("BLPOP", "list", "0.01")).toBeNull();
  });

  it("does not wait within a transaction", async () => {
    const db = await openFolder();
    expect(await db.pipeline([["MULTI"], ["BLPOP", "list", 0], ["EXEC"]])).toEqual(["OK", "QUEUED", [null]]);
  });

  it("rejects when its client is closed, and takes nothing", async () => {
    const db = await openFolder();
    const client = db.client();
    const popped = client.callText("BLPOP", "list", 0);
    await db.dbSize();
    const closed = client.close();
    await expect(popped).rejects.toMatchObject({ kind: "closed" });
    await closed;
    await db.call("RPUSH", "list", "a");
    expect(await db.call("LLEN", "list")).toBe(1);
  });

  it("rejects with the error of CLIENT UNBLOCK", async () => {
    const db = await openFolder();
    const client = db.client();
    const id = await client.call("CLIENT", "ID");
    const popped = client.callText("BLPOP", "list", 0);
    expect(await db.call("CLIENT", "UNBLOCK", id as number, "ERROR")).toBe(1);
    await expect(popped).rejects.toMatchObject({ message: "UNBLOCKED client unblocked via CLIENT UNBLOCK" });
  });
});

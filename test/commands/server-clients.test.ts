/** CLIENT and what belongs to a connection: who is connected, held up, named, silenced, killed. */
import { beforeEach, describe, expect, it } from "vitest";
import { describeClient } from "../../src/commands/client-entry.ts";
import { FLAG_MAY_REPLICATE, FLAG_READONLY, FLAG_WRITE } from "../../src/commands/command-flags.ts";
import { Pause } from "../../src/database/pause.ts";
import { FakeClient, NOW_MS, ServerBench } from "./server-support.ts";

let bench: ServerBench;
let other: FakeClient;
let subscriber: FakeClient;
beforeEach(() => {
  bench = new ServerBench();
  other = new FakeClient(8);
  subscriber = new FakeClient(9, { subscriptions: 2 });
  bench.clients.add(other);
  bench.clients.add(subscriber);
});

describe("CLIENT LIST", () => {
  it("has the fields of Redis 7.2 in its order", () => {
    other.name = "worker";
    other.libraryName = "ioredis";
    other.libraryVersion = "5.0";
    other.noTouch = true;
    expect(describeClient(other, NOW_MS)).toBe(
      "id=8 addr=127.0.0.1:5008 laddr=127.0.0.1:6379 fd=8 name=worker age=10 idle=3 flags=T db=0 sub=0 psub=0 ssub=0 " +
        "multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=1024 events=r " +
        "cmd=client|list user=default redir=-1 resp=2 lib-name=ioredis lib-ver=5.0",
    );
  });

  it("lists all, some ids, or a type", () => {
    const ids = (reply: string) => [...reply.matchAll(/^id=(\d+)/gm)].map((match) => Number(match[1]));
    expect(ids(bench.run("CLIENT", "LIST").replace(/^\$\d+\r\n/, ""))).toEqual([7, 8, 9]);
    expect(ids(bench.run("CLIENT", "LIST", "ID", 9, 7, 99).replace(/^\$\d+\r\n/, ""))).toEqual([9, 7]);
    expect(ids(bench.run("CLIENT", "LIST", "TYPE", "pubsub").replace(/^\$\d+\r\n/, ""))).toEqual([9]);
    expect(ids(bench.run("CLIENT", "INFO").replace(/^\$\d+\r\n/, ""))).toEqual([7]);
  });
});

describe("CLIENT KILL", () => {
  it("takes the old form with an address, the caller's own too", () => {
    expect(bench.run("CLIENT", "KILL", "127.0.0.1:5008")).toBe("+OK\r\n");
    expect(other.killed).toBe(true);
    expect(bench.run("CLIENT", "KILL", bench.client.peerAddress)).toBe("+OK\r\n");
    expect(bench.client.killed).toBe(true);
  });

  it("combines filters, and spares the caller unless told not to", () => {
    expect(bench.run("CLIENT", "KILL", "TYPE", "normal", "USER", "default")).toBe(":1\r\n");
    expect([bench.client.killed, other.killed, subscriber.killed]).toEqual([false, true, false]);
    expect(bench.run("CLIENT", "KILL", "LADDR", "127.0.0.1:6379", "SKIPME", "no", "TYPE", "pubsub")).toBe(
      ":1\r\n",
    );
    expect(bench.run("CLIENT", "KILL", "ID", 7)).toBe(":0\r\n");
    expect(bench.run("CLIENT", "KILL", "ID", 7, "SKIPME", "NO")).toBe(":1\r\n");
  });

  it("goes by age", () => {
    expect(bench.run("CLIENT", "KILL", "MAXAGE", 11)).toBe(":0\r\n");
    expect(bench.run("CLIENT", "KILL", "MAXAGE", 10)).toBe(":2\r\n");
    expect(bench.run("CLIENT", "KILL", "MAXAGE", 0)).toBe("-ERR maxage should be greater than 0\r\n");
  });

  it("kills nobody if one of the filters is not understood", () => {
    expect(bench.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "maybe")).toBe("-ERR syntax error\r\n");
    expect(other.killed).toBe(false);
  });
});

describe("a connection's own settings", () => {
  it("keeps names, and refuses those that would break CLIENT LIST", () => {
    expect(bench.run("CLIENT", "SETINFO", "LIB-NAME", "redis-py")).toBe("+OK\r\n");
    expect(bench.run("CLIENT", "SETINFO", "lib-ver", "1.0")).toBe("+OK\r\n");
    expect([bench.client.libraryName, bench.client.libraryVersion]).toEqual(["redis-py", "1.0"]);
    expect(bench.run("CLIENT", "SETINFO", "lib-name", "a b")).toBe(
      "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n",
    );
    expect(bench.run("CLIENT", "SETINFO", "foo", "a")).toBe("-ERR Unrecognized option 'foo'\r\n");
    expect(bench.run("CLIENT", "SETNAME", "a\n")).toMatch(/^-ERR Client names cannot/);
    expect(bench.run("CLIENT", "SETNAME", "")).toBe("+OK\r\n");
    expect(bench.run("CLIENT", "GETNAME")).toBe("$-1\r\n");
  });

  it("is silent in CLIENT REPLY OFF and SKIP", () => {
    expect(bench.run("CLIENT", "REPLY", "SKIP")).toBe("");
    expect(bench.client.replyMode).toBe("skip");
    expect(bench.run("CLIENT", "REPLY", "OFF")).toBe("");
    expect(bench.run("CLIENT", "REPLY", "SKIP")).toBe("");
    expect(bench.client.replyMode).toBe("off");
    expect(bench.run("CLIENT", "REPLY", "ON")).toBe("+OK\r\n");
  });

  it("marks NO-TOUCH and NO-EVICT", () => {
    bench.run("CLIENT", "NO-TOUCH", "ON");
    bench.run("CLIENT", "NO-EVICT", "on");
    expect([bench.client.noTouch, bench.client.noEvict]).toEqual([true, true]);
    expect(bench.run("CLIENT", "NO-TOUCH", "maybe")).toBe("-ERR syntax error\r\n");
  });

  it("says that tracking is not there instead of pretending", () => {
    expect(bench.run("CLIENT", "TRACKING", "ON")).toMatch(/^-ERR CLIENT TRACKING is not available/);
  });

  it("unblocks who waits", () => {
    other.blocked = true;
    expect(bench.run("CLIENT", "UNBLOCK", 8)).toBe(":1\r\n");
    expect(bench.run("CLIENT", "UNBLOCK", 9, "ERROR")).toBe(":0\r\n");
    expect([other.unblocked, subscriber.unblocked]).toEqual([["timeout"], ["error"]]);
  });
});

describe("HELLO, AUTH and RESET", () => {
  it("asks for the password where there is one", () => {
    bench.around.password = "secret";
    bench.client.authenticated = false;
    expect(bench.run("AUTH", "wrong")).toMatch(/^-WRONGPASS /);
    expect(bench.run("HELLO", "3")).toMatch(/^-NOAUTH HELLO must be called/);
    expect(bench.client.resp).toBe(2);
    expect(bench.run("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me")).toMatch(/^%7\r\n/);
    expect([bench.client.authenticated, bench.client.resp, bench.client.name]).toEqual([true, 3, "me"]);
    expect(bench.run("HELLO", "2")).toMatch(/^\*14\r\n/);
  });

  it("leaves everything as it was if HELLO fails", () => {
    bench.around.password = "secret";
    bench.client.authenticated = false;
    bench.run("HELLO", "3", "SETNAME", "me", "AUTH", "default", "wrong");
    expect([bench.client.resp, bench.client.name]).toEqual([2, ""]);
  });

  it("resets to the state of a fresh connection", () => {
    bench.around.password = "secret";
    bench.run("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me");
    bench.run("SELECT", 3);
    bench.run("MONITOR");
    expect([bench.client.db, bench.monitors.active]).toEqual([3, true]);
    expect(bench.run("RESET")).toBe("+RESET\r\n");
    const { db, resp, authenticated, name } = bench.client;
    expect({ db, resp, authenticated, name }).toEqual({ db: 0, resp: 2, authenticated: false, name: "" });
    expect([bench.client.resets, bench.monitors.active]).toEqual([1, false]);
  });

  it("says good-bye before it closes", () => {
    expect(bench.run("QUIT")).toBe("+OK\r\n");
    expect(bench.client.closing).toBe(true);
  });
});

describe("CLIENT PAUSE", () => {
  it("holds back everything, or what may write", () => {
    const pause = new Pause();
    expect(pause.holds(FLAG_WRITE, 0)).toBe(false);
    pause.begin(100, "write", 0);
    expect([FLAG_WRITE, FLAG_MAY_REPLICATE, FLAG_READONLY].map((flags) => pause.holds(flags, 99))).toEqual([
      true,
      true,
      false,
    ]);
    expect(pause.holds(FLAG_WRITE, 100)).toBe(false);
  });

  it("only becomes longer and stricter while it is on", () => {
    const pause = new Pause();
    pause.begin(400, "write", 0);
    pause.begin(100, "all", 0);
    expect(pause.holds(FLAG_READONLY, 399)).toBe(true);
    pause.begin(900, "write", 0);
    expect(pause.holds(FLAG_READONLY, 899)).toBe(true);
    pause.clear();
    expect(pause.isOn(0)).toBe(false);
    pause.begin(50, "write", 0);
    expect(pause.holds(FLAG_READONLY, 0)).toBe(false);
  });

  it("is reached through CLIENT PAUSE and UNPAUSE", () => {
    bench.run("CLIENT", "PAUSE", 5000, "WRITE");
    expect([bench.pause.untilMs, bench.pause.mode]).toEqual([NOW_MS + 5000, "write"]);
    bench.run("CLIENT", "UNPAUSE");
    expect(bench.pause.isOn(NOW_MS)).toBe(false);
  });
});

/**
 * The transport port's contract, run on every implementation: what the server relies on, whatever carries the bytes.
 */
import { afterEach, describe, expect, it } from "vitest";
import { addonProblem } from "../../src/adapters/native/addon.ts";
import { FerriteError } from "../../src/base/errors.ts";
import { ARENA_BYTES, HARNESSES } from "./transport-harness.ts";
import { type Peer, pattern, sequence } from "./transport-peer.ts";
import { batchOf, type ServerConnection, TestServer } from "./transport-server.ts";

const MEGABYTE = 1024 * 1024;

if (addonProblem() !== "") it.skip(`transport contract: native (no addon: ${addonProblem()})`, () => {});

describe.each(HARNESSES)("transport contract: $name", (harness) => {
  const servers: TestServer[] = [];

  async function start(): Promise<TestServer> {
    const server = new TestServer(harness);
    servers.push(server);
    await server.listen();
    return server;
  }

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.transport.shutdown(0);
  });

  it("tells opened, data, half-closed and closed in this order", async () => {
    const server = await start();
    server.closesHalfClosed = false;
    const { peer, connection } = await server.connect();
    peer.write(pattern(100, 1));
    await server.until(() => connection.length === 100);
    peer.end();
    await server.until(() => connection.events.includes("half-closed"));

    // The peer has only finished sending: it still gets an answer.
    server.send(connection, pattern(50, 2));
    expect(await peer.receive(50)).toEqual(Buffer.from(pattern(50, 2)));

    server.transport.close(connection.slot, true);
    await server.until(() => connection.events.includes("closed"));
    expect(connection.events).toEqual(["opened", "data", "half-closed", "closed"]);
    expect(server.received(connection)).toEqual(Buffer.from(pattern(100, 1)));
    expect(await peer.over()).toBe("ended");
  });

  it("names the listener that a connection came through", async () => {
    const server = await start();
    await server.listen();
    const second = await server.connect(1);
    const first = await server.connect(0);
    expect(second.connection.listenerIndex).toBe(1);
    expect(first.connection.listenerIndex).toBe(0);
    expect(server.transport.peerAddress(first.connection.slot)).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(server.transport.localAddress(first.connection.slot)).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it("keeps addresses readable until the slot is released", async () => {
    const server = await start();
    server.releases = false;
    const { peer, connection } = await server.connect();
    const address = server.transport.peerAddress(connection.slot);
    peer.end();
    await server.until(() => connection.events.includes("closed"));
    expect(server.transport.peerAddress(connection.slot)).toBe(address);
    expect(server.transport.descriptor(connection.slot)).toBe(-1);
    server.release(connection);
    expect(server.transport.peerAddress(connection.slot)).toBe("");
  });

  it("keeps each connection's bytes in order, however they are split and interleaved", async () => {
    const server = await start();
    const random = sequence(7);
    const sent: Uint8Array[] = [];
    const peers: Peer[] = [];
    for (let i = 0; i < 8; i++) {
      const { peer, connection } = await server.connect();
      connection.onData = (bytes) => server.send(connection, bytes);
      sent.push(pattern(60_000, i));
      peers.push(peer);
    }
    for (let at = 0; at < 60_000; ) {
      const length = 1 + Math.floor(random() * 3000);
      peers.forEach((peer, i) => {
        peer.write(sent[i]!.subarray(at, at + length));
      });
      at += length;
      if (random() < 0.5) await new Promise(setImmediate);
    }
    for (const [i, peer] of peers.entries()) {
      expect(Buffer.compare(await peer.receive(60_000), sent[i]!)).toBe(0);
      expect(Buffer.compare(server.received(server.connections[i]!), sent[i]!)).toBe(0);
    }
  });

  it("hands over more than one arena's worth without loss", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    const sent = pattern(5 * MEGABYTE, 3);
    peer.write(sent);
    await server.until(() => connection.length === sent.length);
    expect(Buffer.compare(server.received(connection), sent)).toBe(0);
  });

  it("sends many small entries of one batch to their connections in order", async () => {
    const server = await start();
    const pairs: { peer: Peer; connection: ServerConnection }[] = [];
    for (let i = 0; i < 5; i++) pairs.push(await server.connect());
    const random = sequence(11);
    const expected: Uint8Array[][] = pairs.map(() => []);
    const parts = Array.from({ length: 5000 }, (_, i) => {
      // Runs of one connection, and changes between connections, and empty entries.
      const which = random() < 0.7 ? Math.floor(i / 50) % 5 : Math.floor(random() * 5);
      const bytes = pattern(Math.floor(random() * 30), i);
      expected[which]!.push(bytes);
      return [pairs[which]!.connection, bytes] as const;
    });
    server.transport.send(batchOf(parts));
    for (const [i, { peer }] of pairs.entries()) {
      const whole = Buffer.concat(expected[i]!);
      expect(Buffer.compare(await peer.receive(whole.length), whole)).toBe(0);
    }
  });

  it("queues what a slow reader does not take, counts it, and tells when it has drained", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    const { slot } = connection;
    const bytes = pattern(32 * MEGABYTE, 5);
    const whole = bytes.slice();
    peer.stall();
    server.transport.send({
      bytes,
      entries: Int32Array.of(slot, 0, MEGABYTE, slot, MEGABYTE, 31 * MEGABYTE),
      count: 2,
    });
    bytes.fill(0); // the batch's buffer is the server's again
    server.transport.notifyDrained(slot, MEGABYTE);
    await server.settle();
    expect(server.transport.queuedBytes(slot)).toBeGreaterThan(8 * MEGABYTE);
    expect(connection.drained).toBe(0);

    let queuedWhenTold = -1;
    const told = server.until(() => {
      if (connection.drained > 0 && queuedWhenTold < 0) queuedWhenTold = server.transport.queuedBytes(slot);
      return connection.drained > 0;
    });
    peer.resume();
    await told;
    expect(queuedWhenTold).toBeLessThanOrEqual(MEGABYTE);
    expect(Buffer.compare(await peer.receive(whole.length), whole)).toBe(0);
    await server.settle();
    expect(server.transport.queuedBytes(slot)).toBe(0);
    expect(connection.drained).toBe(1);
  });

  it("appends to a queue that is being written without reordering", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    const random = sequence(13);
    const parts: Uint8Array[] = [];
    peer.stall();
    for (let i = 0; i < 300; i++) {
      const part = pattern(1 + Math.floor(random() * 80_000), i);
      parts.push(part);
      server.send(connection, part);
      if (i === 100) peer.resume();
      if (i % 10 === 0) await new Promise(setImmediate);
    }
    const whole = Buffer.concat(parts);
    expect(Buffer.compare(await peer.receive(whole.length), whole)).toBe(0);
  });

  it("tells drained on a later turn when nothing is queued", async () => {
    const server = await start();
    const { connection } = await server.connect();
    server.transport.notifyDrained(connection.slot, 0);
    expect(connection.drained).toBe(0);
    await server.until(() => connection.drained === 1);
  });

  it("tells drained when asked from inside a turn", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    connection.onData = () => {
      server.transport.notifyDrained(connection.slot, 0);
      expect(connection.drained).toBe(0);
    };
    peer.write(Uint8Array.of(1));
    await server.until(() => connection.drained === 1);
  });

  it("stops reading while paused, beyond at most one arena, and loses nothing", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    const sent = pattern(24 * MEGABYTE, 6);
    connection.onData = () => server.transport.pauseReading(connection.slot);
    peer.write(sent);
    await server.until(() => connection.length > 0);
    await server.settle();
    expect(connection.length).toBeLessThanOrEqual(2 * ARENA_BYTES);

    connection.onData = () => {};
    server.transport.resumeReading(connection.slot);
    await server.until(() => connection.length === sent.length);
    expect(Buffer.compare(server.received(connection), sent)).toBe(0);
  });

  it("closes once when the peer resets, with output queued, and drops what is sent afterwards", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    peer.stall();
    server.send(connection, pattern(16 * MEGABYTE, 1));
    peer.reset();
    await server.until(() => connection.events.includes("closed"));
    expect(server.transport.queuedBytes(connection.slot)).toBe(0);
    server.send(connection, pattern(10, 1));
    server.transport.close(connection.slot, true);
    await server.settle();
    expect(connection.events.filter((event) => event === "closed")).toHaveLength(1);
  });

  it("closes with flush after the last byte has left", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    const bytes = pattern(12 * MEGABYTE, 8);
    peer.stall();
    server.send(connection, bytes);
    server.transport.close(connection.slot, true);
    server.send(connection, pattern(1000, 9)); // after close: dropped
    peer.write(pattern(1000, 10)); // after close: not told
    await server.settle();
    expect(connection.events).toEqual(["opened"]);
    peer.resume();
    expect(await peer.over()).toBe("ended");
    expect(Buffer.compare(peer.bytes(), bytes)).toBe(0);
    await server.until(() => connection.events.includes("closed"));
    expect(connection.events).toEqual(["opened", "closed"]);
  });

  it("closes at once without flush, also after a close with flush that hangs", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    peer.stall();
    server.send(connection, pattern(32 * MEGABYTE, 8));
    server.transport.close(connection.slot, true);
    await server.settle();
    expect(connection.events).toEqual(["opened"]);
    server.transport.close(connection.slot, false);
    await server.until(() => connection.events.includes("closed"));
    peer.resume();
    await peer.over();
    expect(peer.length).toBeLessThan(32 * MEGABYTE);
  });

  it("closes from inside a turn while more of the same connection follows", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    connection.onData = () => {
      server.send(connection, pattern(5, 1));
      server.transport.close(connection.slot, true);
      server.transport.close(connection.slot, true);
    };
    peer.write(pattern(10, 2));
    await server.until(() => connection.events.includes("closed"));
    expect(await peer.receive(5)).toEqual(Buffer.from(pattern(5, 1)));
    expect(connection.events).toEqual(["opened", "data", "closed"]);
  });

  it("refuses to release a slot that is not closed", async () => {
    const server = await start();
    const { connection } = await server.connect();
    expect(() => server.transport.release(connection.slot)).toThrow(/before it was closed/);
  });

  it("refuses an output entry outside the batch", async () => {
    const server = await start();
    const { connection } = await server.connect();
    const entries = Int32Array.of(connection.slot, 5, 10);
    expect(() => server.transport.send({ bytes: new Uint8Array(12), entries, count: 1 })).toThrow(
      /outside the batch/,
    );
  });

  it("reuses slots without mixing connections", async () => {
    const server = await start();
    const random = sequence(17);
    server.onOpened = (connection) => {
      connection.onData = (bytes) => server.send(connection, bytes);
    };
    const live = new Map<Peer, Uint8Array>();
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 10; i++) {
        const peer = server.peer();
        const bytes = pattern(200, round * 100 + i);
        peer.write(bytes);
        live.set(peer, bytes);
      }
      for (const [peer, bytes] of live) {
        if (random() < 0.4) continue;
        live.delete(peer);
        expect(await peer.receive(200)).toEqual(Buffer.from(bytes));
        if (random() < 0.5) peer.reset();
        else peer.end();
      }
    }
    for (const [peer, bytes] of live) expect(await peer.receive(200)).toEqual(Buffer.from(bytes));
    const slots = new Set(server.connections.map((connection) => connection.slot));
    expect(server.connections).toHaveLength(400);
    expect(slots.size).toBeLessThan(400);
  });

  it("drops every connection on shutdown, after flushing to those who read", async () => {
    const server = await start();
    const reader = await server.connect();
    const staller = await server.connect();
    const idle = await server.connect();
    const bytes = pattern(8 * MEGABYTE, 21);
    staller.peer.stall();
    server.send(reader.connection, bytes);
    server.send(staller.connection, pattern(32 * MEGABYTE, 22));
    const shutdown = server.transport.shutdown(400);
    expect(await reader.peer.over()).toBe("ended");
    expect(Buffer.compare(reader.peer.bytes(), bytes)).toBe(0);
    await shutdown;
    for (const connection of server.connections) expect(connection.events.at(-1)).toBe("closed");
    await idle.peer.over();
    staller.peer.resume();
    await staller.peer.over();
    const closed = await server.listen().catch((error: unknown) => error);
    expect(closed).toBeInstanceOf(FerriteError);
    expect((closed as FerriteError).kind).toBe("closed");
    await server.transport.shutdown(0);
  });

  it("shuts down from inside a turn", async () => {
    const server = await start();
    const { peer, connection } = await server.connect();
    let done: Promise<void> | undefined;
    connection.onData = () => {
      done ??= server.transport.shutdown(0);
    };
    peer.write(Uint8Array.of(1));
    await peer.over();
    await done;
    expect(connection.events.at(-1)).toBe("closed");
  });

  it("shuts down without ever having listened", async () => {
    await new TestServer(harness).transport.shutdown(10);
  });

  it("serves 2,000 connections at once", async () => {
    const server = await start();
    server.onOpened = (connection) => {
      connection.onData = (bytes) => server.send(connection, bytes);
    };
    // A TLS handshake costs both ends, in this one process, two milliseconds of CPU.
    const total = harness.name === "portable with TLS" ? 400 : 2000;
    const peers: Peer[] = [];
    for (let i = 0; i < total; i++) {
      peers.push(server.peer());
      // The listen backlog of the kernel is 511 at most on some systems.
      if (i % 200 === 199) await server.until(() => server.connections.length === peers.length);
    }
    peers.forEach((peer, i) => {
      peer.write(pattern(64, i));
    });
    for (const [i, peer] of peers.entries()) {
      expect(await peer.receive(64)).toEqual(Buffer.from(pattern(64, i)));
    }
    expect(new Set(server.connections.map((connection) => connection.slot)).size).toBe(total);
    for (const peer of peers) peer.end();
    await server.until(() => server.connections.every((connection) => connection.events.includes("closed")));
  });
});

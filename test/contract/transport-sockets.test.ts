/** What only transports over real sockets promise: addresses in use, unix sockets, limits. */

import { spawnSync } from "node:child_process";
import { existsSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { systemCode } from "../../src/base/errors.ts";
import type { ListenAddress } from "../../src/ports/transport.ts";
import { HARNESSES, type Limits, unixPath } from "./transport-harness.ts";
import { pattern } from "./transport-peer.ts";
import { TestServer } from "./transport-server.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some((entry) => entry.address === "::1"),
);

describe.each(HARNESSES.filter((harness) => harness.sockets))("transport over sockets: $name", (harness) => {
  const servers: TestServer[] = [];

  function create(limits?: Limits): TestServer {
    const server = new TestServer(harness, limits);
    servers.push(server);
    return server;
  }

  async function echo(server: TestServer, listenerIndex = 0): Promise<void> {
    const { peer, connection } = await server.connect(listenerIndex);
    connection.onData = (bytes) => server.send(connection, bytes);
    peer.write(pattern(100, 1));
    expect(await peer.receive(100)).toEqual(Buffer.from(pattern(100, 1)));
    peer.end();
    await server.until(() => connection.events.includes("closed"));
  }

  async function codeOf(attempt: Promise<unknown>): Promise<string | undefined> {
    return attempt.then(
      () => "it worked",
      (error: unknown) => systemCode(error),
    );
  }

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.transport.shutdown(0);
  });

  it("picks a port for 0 and tells it", async () => {
    const server = create();
    const listener = await server.listen();
    expect(listener.port).toBeGreaterThan(1023);
    await echo(server);
  });

  it("rejects a port in use with EADDRINUSE and listens elsewhere afterwards", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const server = create();
    const attempt = server.transport.listen({ kind: "tcp", host: "127.0.0.1", port });
    await expect(attempt).rejects.toThrow(`127.0.0.1:${port}`);
    expect(await codeOf(attempt)).toBe("EADDRINUSE");
    await new Promise((resolve) => other.close(resolve));
    await server.listen({ kind: "tcp", host: "127.0.0.1", port });
    const { peer } = await server.connect();
    expect(server.connections[0]!.listenerIndex).toBe(1);
    peer.end();
  });

  it("rejects hosts that do not exist or are not this machine's", async () => {
    const server = create();
    expect(await codeOf(server.transport.listen({ kind: "tcp", host: "192.0.2.1", port: 0 }))).toBe(
      "EADDRNOTAVAIL",
    );
    const unknown = await codeOf(
      server.transport.listen({ kind: "tcp", host: "no.such.host.invalid", port: 0 }),
    );
    expect(["ENOTFOUND", "EAI_AGAIN"]).toContain(unknown);
  });

  it("resolves names", async () => {
    const server = create();
    await server.listen({ kind: "tcp", host: "localhost", port: 0 });
    await echo(server);
  });

  it.skipIf(!hasIpv6)(
    "listens on IPv6 beside IPv4 on the same port (skipped where the machine has no ::1)",
    async () => {
      const server = create();
      const first = await server.listen({ kind: "tcp", host: "0.0.0.0", port: 0 });
      await server.listen({ kind: "tcp", host: "::", port: first.port });
      await echo(server, 0);
      const { peer, connection } = await server.connect(1);
      expect(server.transport.peerAddress(connection.slot)).toMatch(/^\[::1\]:\d+$/);
      peer.end();
    },
  );

  it("stops accepting when a listener is closed, and keeps its connections", async () => {
    const server = create();
    const listener = await server.listen();
    const { peer, connection } = await server.connect();
    listener.close();
    listener.close();
    const late = server.peer();
    expect(await late.over()).toBe("reset");
    connection.onData = (bytes) => server.send(connection, bytes);
    peer.write(pattern(10, 1));
    expect(await peer.receive(10)).toEqual(Buffer.from(pattern(10, 1)));
  });

  it("serves a unix socket with the permissions asked for, and removes it at the end", async () => {
    const path = unixPath();
    const server = create();
    const listener = await server.listen({ kind: "unix", path, permissions: 0o700 });
    expect(listener.port).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    const { peer, connection } = await server.connect();
    expect(server.transport.peerAddress(connection.slot)).toBe(`${path}:0`);
    expect(server.transport.localAddress(connection.slot)).toBe(`${path}:0`);
    peer.end();
    await echo(server);
    await server.transport.shutdown(100);
    expect(existsSync(path)).toBe(false);
  });

  it("takes over the socket file of a server that was killed, but not a live one or another file", async () => {
    const path = unixPath();
    const address: ListenAddress = { kind: "unix", path };
    const leave = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", leave]);
    expect(existsSync(path)).toBe(true);
    const server = create();
    server.onOpened = (connection) => {
      connection.onData = (bytes) => server.send(connection, bytes);
    };
    await server.listen(address);
    for (const attempt of [1, 2]) {
      const peer = server.peer();
      peer.write(pattern(100, attempt));
      expect(await peer.receive(100)).toEqual(Buffer.from(pattern(100, attempt)));
      peer.end();
      expect(await codeOf(create().transport.listen(address))).toBe("EADDRINUSE");
    }

    const file = unixPath();
    writeFileSync(file, "not a socket");
    expect(await codeOf(create().transport.listen({ kind: "unix", path: file }))).toBe("EADDRINUSE");
    expect(existsSync(file)).toBe(true);
    unlinkSync(file);
  });

  it("rejects paths and ports that cannot be", async () => {
    const server = create();
    expect(await codeOf(server.transport.listen({ kind: "unix", path: `/tmp/${"x".repeat(200)}` }))).toBe(
      "ENAMETOOLONG",
    );
    expect(await codeOf(server.transport.listen({ kind: "unix", path: "/no/such/folder/s" }))).toMatch(
      /ENOENT|EACCES/,
    );
  });

  it("turns connections away at the limit, reports it, and serves again below it", async () => {
    const refused: string[] = [];
    const server = create({ connectionsMax: 3, onRefused: (_count, code) => refused.push(code) });
    await server.listen();
    const first = await server.connect();
    await server.connect();
    await server.connect();
    await server.peer().over();
    expect(refused).toEqual(["ENFILE"]);
    first.peer.end();
    await server.until(() => first.connection.events.includes("closed"));
    await echo(server);
  });
});

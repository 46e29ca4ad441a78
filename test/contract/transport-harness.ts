/** Every implementation of the transport, as the contract suite creates and reaches it. */
import { randomBytes } from "node:crypto";
import { connect as connectNet } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { MemoryTransport } from "../../src/adapters/memory/transport.ts";
import { loadAddon } from "../../src/adapters/native/addon.ts";
import { NativeTransport } from "../../src/adapters/native/transport.ts";
import { PortableTransport } from "../../src/adapters/node/transport.ts";
import type { ListenAddress, Transport } from "../../src/ports/transport.ts";
import { MemoryPeer, type Peer, SocketPeer, sequence } from "./transport-peer.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "./transport-tls-pem.ts";

export const ARENA_BYTES = 256 * 1024;

export interface Harness {
  readonly name: string;
  /** The implementation opens real sockets: ports and paths can be in use. */
  readonly sockets: boolean;
  create(limits?: Limits): Transport;
  connect(transport: Transport, address: ListenAddress, listenerIndex: number): Peer;
}

export interface Limits {
  readonly connectionsMax?: number;
  readonly onRefused?: (count: number, code: string) => void;
}

export function unixPath(): string {
  return join(tmpdir(), `ferrite-test-${randomBytes(6).toString("hex")}.sock`);
}

function socketPeer(_transport: Transport, address: ListenAddress): Peer {
  if (address.kind === "unix") return new SocketPeer(connectNet({ path: address.path, allowHalfOpen: true }));
  return new SocketPeer(
    connectNet({ host: address.host, port: address.port, allowHalfOpen: true, noDelay: true }),
  );
}

function tlsPeer(_transport: Transport, address: ListenAddress): Peer {
  const security = { ca: TEST_CERTIFICATE, servername: "localhost", allowHalfOpen: true };
  if (address.kind === "unix") return new SocketPeer(connectTls({ path: address.path, ...security }));
  return new SocketPeer(connectTls({ host: address.host, port: address.port, ...security }));
}

function memory(name: string, split?: (length: number) => number): Harness {
  return {
    name,
    sockets: false,
    create: () =>
      new MemoryTransport({
        soon: (run) => setImmediate(run),
        after: (delayMs, run) => setTimeout(run, delayMs),
        arenaBytes: ARENA_BYTES,
        ...(split === undefined ? {} : { split }),
      }),
    connect: (transport, _address, listenerIndex) =>
      new MemoryPeer((transport as MemoryTransport).connect(listenerIndex)),
  };
}

const random = sequence(1);
const addon = loadAddon();

export const HARNESSES: readonly Harness[] = [
  memory("memory"),
  memory("memory, arbitrary splits", (length) =>
    random() < 0.2 ? 0 : Math.max(1, Math.floor(random() * Math.min(length, 100_000))),
  ),
  {
    name: "portable",
    sockets: true,
    create: (limits) => new PortableTransport({ arenaBytes: ARENA_BYTES, ...limits }),
    connect: socketPeer,
  },
  {
    name: "portable with TLS",
    sockets: true,
    create: (limits) =>
      new PortableTransport({
        arenaBytes: ARENA_BYTES,
        tls: { cert: TEST_CERTIFICATE, key: TEST_KEY },
        ...limits,
      }),
    connect: tlsPeer,
  },
  ...(addon === undefined
    ? []
    : [
        {
          name: "native",
          sockets: true,
          create: (limits?: Limits) => new NativeTransport(addon, { arenaBytes: ARENA_BYTES, ...limits }),
          connect: socketPeer,
        },
      ]),
];

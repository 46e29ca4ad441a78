/**
 * The transport over node:net and node:tls: serves where the addon is absent, and all TLS.
 *
 * Invariants
 *  - What sockets bring during one turn of the event loop reaches the handler in one call, from setImmediate, which
 *    runs right after the poll; a full arena is handed over at once.
 *  - A batch's bytes are copied before they are written, one copy and one write per run of entries of a slot:
 *    Node keeps what the kernel does not take, and the batch's buffer is reused at once.
 *
 * TLS is here and not in the addon because Node's OpenSSL is patched with Node; both feed the same parser.
 */
import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from "node:tls";
import { assert } from "../../base/assert.ts";
import { FerriteError, systemCode } from "../../base/errors.ts";
import type { ConnectionSlot } from "../../base/ids.ts";
import {
  KEEP_ALIVE_SECONDS_DEFAULT,
  type ListenAddress,
  type Listener,
  OUTPUT_STRIDE,
  type OutputBatch,
  type Transport,
  type Turn,
} from "../../ports/transport.ts";
import { addressText, BACKLOG_DEFAULT, listenError, prepareAddress } from "../transport/listen-address.ts";
import { TurnRecorder } from "../transport/turn-recorder.ts";
import { PortableConnection } from "./connection.ts";

export interface PortableTransportOptions {
  /** Present: every listener speaks TLS, with these options of node:tls. */
  readonly tls?: TlsOptions;
  readonly arenaBytes?: number;
  /** The most connections open at once; more are closed as they come. */
  readonly connectionsMax?: number;
  /** Connections were turned away or failed before they opened: `EMFILE`, a failed TLS handshake, … */
  readonly onRefused?: (count: number, code: string) => void;
}

const ARENA_BYTES = 1024 * 1024;
const CONNECTIONS_MAX = 65_536;
const TLS_HANDSHAKE_MS = 10_000;

export class PortableTransport implements Transport {
  readonly kind: "portable" | "tls";
  readonly #options: PortableTransportOptions;
  readonly #recorder: TurnRecorder;
  readonly #servers: (Server | undefined)[] = [];
  readonly #slots: (PortableConnection | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Accepted, but still in the TLS handshake: not connections yet, and yet to be dropped on shutdown. */
  readonly #handshaking = new Set<Socket>();
  readonly #connectionsMax: number;
  #tls: TlsOptions | undefined;
  #open = 0;
  #keepAliveSeconds = KEEP_ALIVE_SECONDS_DEFAULT;
  #stopped: Promise<void> | undefined;
  #onQuiet: (() => void) | undefined;

  constructor(options: PortableTransportOptions = {}) {
    this.kind = options.tls === undefined ? "portable" : "tls";
    this.#options = options;
    this.#tls = options.tls;
    this.#connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX;
    this.#recorder = new TurnRecorder(options.arenaBytes ?? ARENA_BYTES, () =>
      setImmediate(() => this.#recorder.deliver()),
    );
  }

  async listen(address: ListenAddress): Promise<Listener> {
    assert(this.#recorder.hasHandler, "transport: onTurn must be set before listen");
    const index = this.#servers.push(undefined) - 1;
    const prepared = await prepareAddress(address);
    if (this.#stopped !== undefined) throw new FerriteError("closed", "listen: the transport was shut down");
    const server = this.#createServer(index, addressText(address));
    await startListening(server, prepared);
    server.on("error", (error) => this.#refused(systemCode(error) ?? "accept"));
    this.#servers[index] = server;
    const bound = server.address();
    const port = bound !== null && typeof bound === "object" ? bound.port : 0;
    return { port, close: () => this.#closeServer(index) };
  }

  onTurn(handler: (turn: Turn) => void): void {
    this.#recorder.onTurn(handler);
  }

  /** New handshakes use these options from now on; open connections keep theirs. Only for a TLS transport. */
  setTls(options: TlsOptions): void {
    assert(this.#tls !== undefined, "transport: setTls on a transport without TLS");
    for (const server of this.#servers) (server as TlsServer | undefined)?.setSecureContext(options);
    this.#tls = options;
  }

  send(batch: OutputBatch): void {
    const { bytes, entries, count } = batch;
    let next = 0;
    while (next < count) {
      const slot = entries[next * OUTPUT_STRIDE]!;
      let end = next;
      let total = 0;
      for (; end < count && entries[end * OUTPUT_STRIDE] === slot; end++)
        total += entries[end * OUTPUT_STRIDE + 2]!;
      const connection = this.#slots[slot];
      if (connection?.isWritable && total > 0) connection.write(gather(bytes, entries, next, end, total));
      next = end;
    }
  }

  queuedBytes(slot: ConnectionSlot): number {
    return this.#slots[slot]?.queuedBytes ?? 0;
  }

  pauseReading(slot: ConnectionSlot): void {
    this.#slots[slot]?.pause();
  }

  resumeReading(slot: ConnectionSlot): void {
    this.#slots[slot]?.resume();
  }

  notifyDrained(slot: ConnectionSlot, belowBytes: number): void {
    this.#slots[slot]?.notifyDrained(belowBytes);
  }

  close(slot: ConnectionSlot, flush: boolean): void {
    this.#slots[slot]?.close(flush);
  }

  release(slot: ConnectionSlot): void {
    const connection = this.#slots[slot];
    assert(connection?.isGone === true, "transport: a slot was released before it was closed");
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
  }

  peerAddress(slot: ConnectionSlot): string {
    return this.#slots[slot]?.peer ?? "";
  }

  localAddress(slot: ConnectionSlot): string {
    return this.#slots[slot]?.local ?? "";
  }

  descriptor(slot: ConnectionSlot): number {
    return this.#slots[slot]?.descriptor ?? -1;
  }

  shutdown(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  setKeepAlive(seconds: number): void {
    this.#keepAliveSeconds = seconds;
  }

  #createServer(index: number, listenText: string): Server {
    const options = {
      allowHalfOpen: true,
      noDelay: true,
    };
    if (this.#tls === undefined) {
      return createServer(options, (socket) => this.#accept(socket, index, listenText));
    }
    const server = createTlsServer(
      { handshakeTimeout: TLS_HANDSHAKE_MS, ...this.#tls, ...options },
      (socket) => this.#accept(socket, index, listenText),
    );
    server.on("connection", (raw: Socket) => {
      this.#handshaking.add(raw);
      raw.once("close", () => this.#handshaking.delete(raw));
    });
    server.on("tlsClientError", (error, socket) => {
      this.#refused(systemCode(error) ?? "TLS handshake");
      socket.destroy();
    });
    return server;
  }

  #accept(socket: Socket, index: number, listenText: string): void {
    if (this.#stopped !== undefined || this.#open >= this.#connectionsMax) {
      if (this.#stopped === undefined) this.#refused("ENFILE");
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    const seconds = this.#keepAliveSeconds;
    if (seconds > 0) socket.setKeepAlive(true, seconds * 1000);
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    this.#slots[slot] = new PortableConnection(slot, socket, listenText, this.#recorder, () =>
      this.#closed(),
    );
    this.#open++;
    this.#recorder.opened(slot, index);
  }

  #closed(): void {
    this.#open--;
    this.#settleStop();
  }

  #refused(code: string): void {
    this.#options.onRefused?.(1, code);
  }

  #closeServer(index: number): void {
    const server = this.#servers[index];
    if (server === undefined) return;
    this.#servers[index] = undefined;
    // Its callback waits for the connections as well; they are counted here, so it is not used.
    server.close();
  }

  async #stop(graceMs: number): Promise<void> {
    for (let index = 0; index < this.#servers.length; index++) this.#closeServer(index);
    for (const connection of this.#slots) connection?.close(graceMs > 0);
    const timer = setTimeout(
      () => {
        for (const connection of this.#slots) connection?.close(false);
      },
      Math.max(graceMs, 0),
    );
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
      this.#settleStop();
    });
    clearTimeout(timer);
    for (const raw of this.#handshaking) raw.destroy();
  }

  /** Resolves a shutdown once nothing is open and the last closed events have been handed over. */
  #settleStop(): void {
    if (this.#open !== 0 || this.#onQuiet === undefined) return;
    setImmediate(this.#onQuiet);
  }
}

function gather(bytes: Uint8Array, entries: Int32Array, from: number, to: number, total: number): Buffer {
  const copy = Buffer.allocUnsafe(total);
  let at = 0;
  for (let i = from; i < to; i++) {
    const offset = entries[i * OUTPUT_STRIDE + 1]!;
    const length = entries[i * OUTPUT_STRIDE + 2]!;
    assert(
      offset >= 0 && length >= 0 && offset + length <= bytes.length,
      "transport: an output entry lies outside the batch",
    );
    copy.set(bytes.subarray(offset, offset + length), at);
    at += length;
  }
  return copy;
}

async function startListening(server: Server, address: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error) => reject(listenError(address, systemCode(error) ?? "EINVAL", error));
    server.once("error", failed);
    server.once("listening", () => {
      server.removeListener("error", failed);
      resolve();
    });
    if (address.kind === "tcp") {
      // IPv6 sockets take IPv6 only, as Redis's do, so that 0.0.0.0 and :: can be listened on side by side.
      const { host, port, backlog = BACKLOG_DEFAULT } = address;
      server.listen({ host, port, backlog, ipv6Only: true, exclusive: true });
    } else {
      server.listen({ path: address.path, backlog: BACKLOG_DEFAULT, exclusive: true });
      // listen has bound by now, and nothing is accepted before this function returns to the event loop.
      if (address.permissions === undefined || !server.listening) return;
      try {
        chmodSync(address.path, address.permissions);
      } catch (error) {
        server.close();
        failed(error as Error);
      }
    }
  });
}

/** A server for the contract suite: checks the port's promises about order on every event of every test. */
import { expect } from "vitest";
import type { ConnectionSlot } from "../../src/base/ids.ts";
import {
  type ListenAddress,
  type Listener,
  OUTPUT_STRIDE,
  type Transport,
  TURN_CLOSED,
  TURN_DATA,
  TURN_DRAINED,
  TURN_HALF_CLOSED,
  TURN_OPENED,
  TURN_STRIDE,
  type Turn,
} from "../../src/ports/transport.ts";
import type { Harness, Limits } from "./transport-harness.ts";
import { type Peer, Waiters } from "./transport-peer.ts";

export interface ServerConnection {
  readonly slot: ConnectionSlot;
  readonly listenerIndex: number;
  readonly pieces: Uint8Array[];
  length: number;
  events: string[];
  drained: number;
  /** Called with each piece; the bytes are a private copy. */
  onData: (bytes: Uint8Array) => void;
}

/** A server that notes everything, checks the order of events, and answers as its tests tell it. */
export class TestServer {
  readonly transport: Transport;
  readonly harness: Harness;
  readonly connections: ServerConnection[] = [];
  readonly #bySlot = new Map<number, ServerConnection>();
  readonly #addresses: ListenAddress[] = [];
  readonly #waiters = new Waiters();
  turns = 0;
  inTurn = false;
  /** Whether closed slots are released at once, and half-closed connections closed. */
  releases = true;
  closesHalfClosed = true;
  onOpened: (connection: ServerConnection) => void = () => {};
  onClosed: (connection: ServerConnection) => void = () => {};

  constructor(harness: Harness, limits?: Limits) {
    this.harness = harness;
    this.transport = harness.create(limits);
    this.transport.onTurn((turn) => this.#handle(turn));
  }

  async listen(address: ListenAddress = { kind: "tcp", host: "127.0.0.1", port: 0 }): Promise<Listener> {
    const listener = await this.transport.listen(address);
    this.#addresses.push(address.kind === "tcp" ? { ...address, port: listener.port } : address);
    return listener;
  }

  /** A new peer, and the server's view of it once it has opened. */
  async connect(listenerIndex = 0): Promise<{ peer: Peer; connection: ServerConnection }> {
    const before = this.connections.length;
    const peer = this.peer(listenerIndex);
    await this.until(() => this.connections.length > before);
    return { peer, connection: this.connections[before]! };
  }

  peer(listenerIndex = 0): Peer {
    return this.harness.connect(this.transport, this.#addresses[listenerIndex]!, listenerIndex);
  }

  /** Resolves after the turn in which `ready` became true. */
  until(ready: () => boolean): Promise<void> {
    return this.#waiters.until(ready);
  }

  send(connection: ServerConnection, bytes: Uint8Array): void {
    this.transport.send({ bytes, entries: Int32Array.of(connection.slot, 0, bytes.length), count: 1 });
  }

  received(connection: ServerConnection): Uint8Array {
    return Buffer.concat(connection.pieces);
  }

  /** Round trips on a connection of their own: afterwards whatever was ready before has long been handled. */
  async settle(rounds = 20): Promise<void> {
    const { peer, connection } = await this.connect();
    connection.onData = (bytes) => this.send(connection, bytes);
    for (let i = 1; i <= rounds; i++) {
      peer.write(Uint8Array.of(i));
      await peer.receive(i);
    }
    peer.end();
    await this.until(() => connection.events.includes("closed"));
  }

  #handle(turn: Turn): void {
    expect(this.inTurn, "a turn inside a turn").toBe(false);
    this.inTurn = true;
    this.turns++;
    for (let i = 0; i < turn.count; i++) {
      const at = i * TURN_STRIDE;
      this.#event(turn, turn.events[at]!, turn.events[at + 1]!, turn.events[at + 2]!, turn.events[at + 3]!);
    }
    this.inTurn = false;
    this.#waiters.look();
  }

  #event(turn: Turn, slot: number, kind: number, offset: number, length: number): void {
    if (kind === TURN_OPENED) {
      this.#opened(slot as ConnectionSlot, offset);
      return;
    }
    const connection = this.#bySlot.get(slot);
    expect(connection, `event ${kind} for slot ${slot}, which is not open`).toBeDefined();
    if (kind === TURN_DATA) this.#data(connection!, turn.arena, offset, length);
    else if (kind === TURN_HALF_CLOSED) this.#halfClosed(connection!);
    else if (kind === TURN_DRAINED) connection!.drained++;
    else this.#closed(connection!, kind);
    if (kind === TURN_DRAINED) connection!.events.push("drained");
  }

  #opened(slot: ConnectionSlot, listenerIndex: number): void {
    expect(this.#bySlot.has(slot), `slot ${slot} opened twice`).toBe(false);
    const connection: ServerConnection = {
      slot,
      listenerIndex,
      pieces: [],
      length: 0,
      events: ["opened"],
      drained: 0,
      onData: () => {},
    };
    this.#bySlot.set(slot, connection);
    this.connections.push(connection);
    this.onOpened(connection);
  }

  #data(connection: ServerConnection, arena: Uint8Array, offset: number, length: number): void {
    expect(length).toBeGreaterThan(0);
    expect(offset + length).toBeLessThanOrEqual(arena.length);
    expect(connection.events, "data after the end").not.toContain("half-closed");
    const bytes = arena.slice(offset, offset + length);
    if (connection.events.at(-1) !== "data") connection.events.push("data");
    connection.pieces.push(bytes);
    connection.length += length;
    connection.onData(bytes);
  }

  #halfClosed(connection: ServerConnection): void {
    expect(connection.events, "half-closed twice").not.toContain("half-closed");
    connection.events.push("half-closed");
    if (this.closesHalfClosed) this.transport.close(connection.slot, true);
  }

  #closed(connection: ServerConnection, kind: number): void {
    expect(kind).toBe(TURN_CLOSED);
    connection.events.push("closed");
    this.onClosed(connection);
    if (this.releases) this.release(connection);
  }

  release(connection: ServerConnection): void {
    this.#bySlot.delete(connection.slot);
    this.transport.release(connection.slot);
  }
}

/** A batch with one entry per element: which connection gets which bytes, in this order. */
export function batchOf(parts: readonly (readonly [ServerConnection, Uint8Array])[]): {
  bytes: Uint8Array;
  entries: Int32Array;
  count: number;
} {
  const entries = new Int32Array(parts.length * OUTPUT_STRIDE);
  const bytes = new Uint8Array(parts.reduce((sum, [, part]) => sum + part.length, 0));
  let at = 0;
  parts.forEach(([connection, part], i) => {
    bytes.set(part, at);
    entries.set([connection.slot, at, part.length], i * OUTPUT_STRIDE);
    at += part.length;
  });
  return { bytes, entries, count: parts.length };
}

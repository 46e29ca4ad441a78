/** The client's end of a test connection, whatever carries it, and bytes to send through it. */
import type { Socket } from "node:net";
import { expect } from "vitest";
import type { MemoryClient } from "../../src/adapters/memory/pipe.ts";

/** A seeded sequence of numbers in [0, 1): a failing run repeats. */
export function sequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes in which every position tells where it belongs, so that a swapped or lost piece shows. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Promises that are looked at again whenever something happened. */
export class Waiters {
  readonly #waiting: { ready: () => boolean; resolve: () => void }[] = [];

  until(ready: () => boolean): Promise<void> {
    if (ready()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ ready, resolve });
    });
  }

  look(): void {
    for (const waiter of this.#waiting.filter((candidate) => candidate.ready())) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve();
    }
  }
}

/** The client's end of a connection, whatever carries it. */
export abstract class Peer {
  readonly #pieces: Uint8Array[] = [];
  readonly #waiters = new Waiters();
  #length = 0;
  #outcome: "open" | "ended" | "reset" = "open";

  abstract write(bytes: Uint8Array): void;
  abstract end(): void;
  abstract reset(): void;
  abstract stall(): void;
  abstract resume(): void;

  get length(): number {
    return this.#length;
  }

  get outcome(): "open" | "ended" | "reset" {
    return this.#outcome;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }

  /** The first `length` bytes received, once they have come. */
  async receive(length: number): Promise<Uint8Array> {
    await this.#waiters.until(() => this.#length >= length || this.#outcome !== "open");
    expect(this.#length, `the peer saw ${this.#outcome} too early`).toBeGreaterThanOrEqual(length);
    return this.bytes().subarray(0, length);
  }

  async over(): Promise<"ended" | "reset"> {
    await this.#waiters.until(() => this.#outcome !== "open");
    return this.#outcome as "ended" | "reset";
  }

  protected took(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    this.#waiters.look();
  }

  protected finished(how: "ended" | "reset"): void {
    if (this.#outcome === "open") this.#outcome = how;
    this.#waiters.look();
  }
}

export class SocketPeer extends Peer {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.took(bytes));
    socket.on("end", () => this.finished("ended"));
    socket.on("error", () => this.finished("reset"));
    socket.on("close", () => this.finished("ended"));
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }
  end(): void {
    this.#socket.end();
  }
  reset(): void {
    if (this.#socket.constructor.name === "TLSSocket") this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }
  stall(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }
}

export class MemoryPeer extends Peer {
  readonly #client: MemoryClient;

  constructor(client: MemoryClient) {
    super();
    this.#client = client;
    this.#client.onData((bytes) => this.took(bytes));
    this.#client.onClosed((how) => this.finished(how));
  }

  write(bytes: Uint8Array): void {
    this.#client.write(bytes);
  }
  end(): void {
    this.#client.end();
  }
  reset(): void {
    this.#client.reset();
  }
  stall(): void {
    this.#client.stall();
  }
  resume(): void {
    this.#client.resume();
  }
}

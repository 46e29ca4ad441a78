/**
 * Connections inside one process, for tests and simulation.
 *
 * Invariants
 *  - Nothing happens except from `soon`: one call steps every connection in the order in which they were made, then
 *    hands over one turn. With a seeded scheduler and a seeded `split` a run repeats exactly.
 *  - What differs from a socket is timing alone; the contract suite holds both to the same rules.
 */
import { assert } from "../../base/assert.ts";
import { FerriteError } from "../../base/errors.ts";
import type { ConnectionSlot } from "../../base/ids.ts";
import {
  type ListenAddress,
  type Listener,
  OUTPUT_STRIDE,
  type OutputBatch,
  type Transport,
  type Turn,
} from "../../ports/transport.ts";
import { addressText, listenError } from "../transport/listen-address.ts";
import { TurnRecorder } from "../transport/turn-recorder.ts";
import { type MemoryClient, MemoryPipe } from "./pipe.ts";

export interface MemoryTransportOptions {
  /** Runs `run` later, each once, in order. */
  readonly soon: (run: () => void) => void;
  /** Runs `run` after a delay, for the grace of `shutdown`; without it the grace lasts until the queues have left. */
  readonly after?: (delayMs: number, run: () => void) => void;
  /**
   * How many of `length` waiting bytes arrive now, 0 to `length`, in either direction; all if absent. Answering 0
   * for ever while bytes wait keeps the scheduler busy: use `MemoryClient.stall` for a lasting stall.
   */
  readonly split?: (length: number) => number;
  /** What the simulated kernel takes of a connection's output before the client reads it. */
  readonly windowBytes?: number;
  readonly arenaBytes?: number;
}

const ARENA_BYTES = 256 * 1024;
const WINDOW_BYTES = 64 * 1024;
const FIRST_FREE_PORT = 20_000;

export class MemoryTransport implements Transport {
  readonly kind = "memory";
  readonly #options: MemoryTransportOptions;
  readonly #recorder: TurnRecorder;
  readonly #listeners: (ListenAddress | undefined)[] = [];
  readonly #slots: (MemoryPipe | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** In the order in which they were made; a pipe leaves when both ends know that it is over. */
  readonly #pipes = new Set<MemoryPipe>();
  #connections = 0;
  #awake = false;
  #stopped: Promise<void> | undefined;
  #onQuiet: (() => void) | undefined;

  constructor(options: MemoryTransportOptions) {
    this.#options = options;
    this.#recorder = new TurnRecorder(options.arenaBytes ?? ARENA_BYTES, () => this.#wake());
  }

  async listen(address: ListenAddress): Promise<Listener> {
    assert(this.#recorder.hasHandler, "transport: onTurn must be set before listen");
    if (this.#stopped !== undefined) throw new FerriteError("closed", "listen: the transport was shut down");
    const index = this.#listeners.length;
    const bound =
      address.kind === "tcp" && address.port === 0 ? { ...address, port: FIRST_FREE_PORT + index } : address;
    const text = addressText(bound);
    if (this.#listeners.some((other) => other !== undefined && addressText(other) === text)) {
      this.#listeners.push(undefined);
      throw listenError(address, "EADDRINUSE");
    }
    this.#listeners.push(bound);
    return {
      port: bound.kind === "tcp" ? bound.port : 0,
      close: () => {
        this.#listeners[index] = undefined;
      },
    };
  }

  get isListening(): boolean {
    return this.#listeners.some((address) => address !== undefined);
  }

  /** A new connection to the listener with that index; throws as a refused connection if it is not listening. */
  connect(listenerIndex = 0): MemoryClient {
    const address = this.#listeners[listenerIndex];
    if (address === undefined)
      throw new FerriteError("unavailable", `connect to listener ${listenerIndex}: it is not listening`);
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    const local = address.kind === "unix" ? `${address.path}:0` : addressText(address);
    const pipe = new MemoryPipe({
      slot,
      listenerIndex,
      local,
      peer: address.kind === "unix" ? local : `127.0.0.1:${40_000 + (this.#connections++ % 20_000)}`,
      windowBytes: this.#options.windowBytes ?? WINDOW_BYTES,
      readBytesMax: this.#options.arenaBytes ?? ARENA_BYTES,
      split: this.#options.split ?? ((length) => length),
      recorder: this.#recorder,
      wake: () => this.#wake(),
    });
    this.#slots[slot] = pipe;
    this.#pipes.add(pipe);
    this.#wake();
    return pipe;
  }

  onTurn(handler: (turn: Turn) => void): void {
    this.#recorder.onTurn(handler);
  }

  send(batch: OutputBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.entries[i * OUTPUT_STRIDE + 1]!;
      const length = batch.entries[i * OUTPUT_STRIDE + 2]!;
      assert(
        offset >= 0 && length >= 0 && offset + length <= batch.bytes.length,
        "transport: an output entry lies outside the batch",
      );
      this.#slots[batch.entries[i * OUTPUT_STRIDE]!]?.send(batch.bytes.slice(offset, offset + length));
    }
  }

  queuedBytes(slot: ConnectionSlot): number {
    return this.#slots[slot]?.queuedBytes ?? 0;
  }

  pauseReading(slot: ConnectionSlot): void {
    this.#slots[slot]?.pause();
  }

  resumeReading(slot: ConnectionSlot): void {
    this.#slots[slot]?.unpause();
  }

  notifyDrained(slot: ConnectionSlot, belowBytes: number): void {
    this.#slots[slot]?.notifyDrained(belowBytes);
  }

  close(slot: ConnectionSlot, flush: boolean): void {
    this.#slots[slot]?.shut(flush);
  }

  release(slot: ConnectionSlot): void {
    assert(this.#slots[slot]?.isGone === true, "transport: a slot was released before it was closed");
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
  }

  peerAddress(slot: ConnectionSlot): string {
    return this.#slots[slot]?.peer ?? "";
  }

  localAddress(slot: ConnectionSlot): string {
    return this.#slots[slot]?.local ?? "";
  }

  descriptor(_slot: ConnectionSlot): number {
    return -1;
  }

  /** Pipes have no silent peers. */
  setKeepAlive(): void {}

  shutdown(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#listeners.fill(undefined);
    for (const pipe of this.#pipes) pipe.shut(graceMs > 0);
    this.#options.after?.(Math.max(graceMs, 0), () => {
      for (const pipe of this.#pipes) pipe.shut(false);
    });
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#options.soon(() => this.#step());
  }

  #step(): void {
    this.#awake = false;
    let more = false;
    let open = 0;
    for (const pipe of this.#pipes) {
      if (pipe.step()) more = true;
      if (pipe.isFinished) this.#pipes.delete(pipe);
      if (!pipe.isGone) open++;
    }
    this.#recorder.deliver();
    if (more) this.#wake();
    if (open === 0) this.#onQuiet?.();
  }
}

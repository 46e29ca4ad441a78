/**
 * The transport over the addon: sockets live in C++, this face holds the memory that both sides see.
 *
 * Hot path: a turn allocates nothing (one Turn object, one event view), `queuedBytes` reads shared memory, and
 * `send` is one native call per batch.
 *
 * The arena, the event table and the queue sizes are plain typed arrays whose addresses C++ keeps; this object
 * holds them until every native handle has closed, and C++ holds this object through `onTurn` for as long.
 */
import { getSystemErrorName } from "node:util";
import { assert } from "../../base/assert.ts";
import { FerriteError } from "../../base/errors.ts";
import type { ConnectionSlot } from "../../base/ids.ts";
import {
  KEEP_ALIVE_SECONDS_DEFAULT,
  type ListenAddress,
  type Listener,
  type OutputBatch,
  type Transport,
  TURN_STRIDE,
  type Turn,
} from "../../ports/transport.ts";
import { BACKLOG_DEFAULT, listenError, prepareAddress } from "../transport/listen-address.ts";
import type { TransportAddon, TransportHandle } from "./addon.ts";

export interface NativeTransportOptions {
  /** Bytes that one turn can bring; also the most that a paused connection may still bring. */
  readonly arenaBytes?: number;
  /** The most connections open at once; more are accepted and closed at once. Costs 8 bytes each when touched. */
  readonly connectionsMax?: number;
  /** Connections were turned away since the last call: `EMFILE`, `ENFILE` (connectionsMax), `ENOMEM`, … */
  readonly onRefused?: (count: number, code: string) => void;
}

const ARENA_BYTES = 1024 * 1024;
const CONNECTIONS_MAX = 65_536;
const EVENTS_MAX = 4096;
const CONTROL_WORDS = 3;
const CONTROL_KEEP_ALIVE = 2;
const EMPTY_BYTES = new Uint8Array(0);
const EMPTY_EVENTS = new Int32Array(0);

export class NativeTransport implements Transport {
  readonly kind = "native";
  readonly #addon: TransportAddon;
  readonly #handle: TransportHandle;
  readonly #queued: Float64Array;
  readonly #control = new Int32Array(CONTROL_WORDS);
  readonly #onRefused: ((count: number, code: string) => void) | undefined;
  readonly #turn: Turn;
  #refusedTold = 0;
  #handler: ((turn: Turn) => void) | undefined;
  #listeners = 0;
  #started = false;
  #stopped: Promise<void> | undefined;
  #onStopped: (() => void) | undefined;

  constructor(addon: TransportAddon, options: NativeTransportOptions = {}) {
    this.#addon = addon;
    this.#onRefused = options.onRefused;
    this.#turn = {
      arena: new Uint8Array(options.arenaBytes ?? ARENA_BYTES),
      events: new Int32Array(EVENTS_MAX * TURN_STRIDE),
      count: 0,
    };
    this.#queued = new Float64Array(options.connectionsMax ?? CONNECTIONS_MAX);
    this.setKeepAlive(KEEP_ALIVE_SECONDS_DEFAULT);
    this.#handle = addon.transportCreate(this.#turn.arena, this.#turn.events, this.#queued, this.#control);
  }

  setKeepAlive(seconds: number): void {
    this.#control[CONTROL_KEEP_ALIVE] = seconds;
  }

  async listen(address: ListenAddress): Promise<Listener> {
    assert(this.#handler !== undefined, "transport: onTurn must be set before listen");
    const index = this.#listeners++; // before any wait: listeners are numbered in the order of the calls
    const prepared = await prepareAddress(address);
    if (this.#stopped !== undefined) throw new FerriteError("closed", "listen: the transport was shut down");
    this.#start();
    const backlog = (prepared.kind === "tcp" ? prepared.backlog : undefined) ?? BACKLOG_DEFAULT;
    const result =
      prepared.kind === "tcp"
        ? this.#addon.transportListenTcp(this.#handle, prepared.host, prepared.port, backlog, index)
        : this.#addon.transportListenPipe(
            this.#handle,
            prepared.path,
            prepared.permissions ?? -1,
            backlog,
            index,
          );
    if (result < 0) throw listenError(address, getSystemErrorName(result));
    return { port: result, close: () => this.#addon.transportCloseListener(this.#handle, index) };
  }

  onTurn(handler: (turn: Turn) => void): void {
    this.#handler = handler;
  }

  send(batch: OutputBatch): void {
    this.#addon.transportSend(this.#handle, batch.bytes, batch.entries, batch.count);
  }

  queuedBytes(slot: ConnectionSlot): number {
    return this.#queued[slot]!;
  }

  pauseReading(slot: ConnectionSlot): void {
    this.#addon.transportPauseReading(this.#handle, slot);
  }

  resumeReading(slot: ConnectionSlot): void {
    this.#addon.transportResumeReading(this.#handle, slot);
  }

  notifyDrained(slot: ConnectionSlot, belowBytes: number): void {
    this.#addon.transportNotifyDrained(this.#handle, slot, belowBytes);
  }

  close(slot: ConnectionSlot, flush: boolean): void {
    this.#addon.transportClose(this.#handle, slot, flush);
  }

  release(slot: ConnectionSlot): void {
    const released = this.#addon.transportRelease(this.#handle, slot);
    assert(released || this.#stopped !== undefined, "transport: a slot was released before it was closed");
  }

  peerAddress(slot: ConnectionSlot): string {
    return this.#addon.transportAddress(this.#handle, slot, true);
  }

  localAddress(slot: ConnectionSlot): string {
    return this.#addon.transportAddress(this.#handle, slot, false);
  }

  descriptor(slot: ConnectionSlot): number {
    return this.#addon.transportDescriptor(this.#handle, slot);
  }

  shutdown(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#addon.transportStart(
      this.#handle,
      (count) => this.#handleTurn(count),
      () => this.#onStopped?.(),
    );
  }

  #handleTurn(count: number): void {
    if (this.#control[0] !== this.#refusedTold) this.#tellRefused();
    if (count === 0) return;
    this.#turn.count = count;
    this.#handler!(this.#turn);
  }

  #tellRefused(): void {
    const total = this.#control[0]!;
    const count = (total - this.#refusedTold) | 0;
    this.#refusedTold = total;
    this.#onRefused?.(count, getSystemErrorName(this.#control[1]!));
  }

  async #stop(graceMs: number): Promise<void> {
    if (!this.#started) return;
    const gone = new Promise<void>((resolve) => {
      this.#onStopped = resolve;
    });
    this.#addon.transportStop(this.#handle, graceMs > 0);
    const timer = setTimeout(() => this.#addon.transportStop(this.#handle, false), Math.max(graceMs, 0));
    await gone;
    clearTimeout(timer);
    this.#turn.arena = EMPTY_BYTES;
    this.#turn.events = EMPTY_EVENTS;
  }
}

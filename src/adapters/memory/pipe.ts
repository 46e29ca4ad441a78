/**
 * One in-memory connection: the two ends of a simulated socket and the buffers between them.
 *
 *   client.write → #inbound → turn                 send → #queue → #window → client.onData
 *
 * `#queue` is the transport's queue, `#window` what the simulated kernel has accepted (at most `windowBytes`).
 *
 * Invariants
 *  - Bytes keep their order; an orderly close lets accepted bytes arrive, a reset drops everything.
 *  - The server hears `closed` once, last; the client hears `onClosed` once, last.
 *  - Nothing reaches either side except in `step`, so the scheduler decides all timing.
 */
import { assert } from "../../base/assert.ts";
import type { TurnRecorder } from "../transport/turn-recorder.ts";
import { ByteQueue } from "./byte-queue.ts";

export interface MemoryClient {
  /** Copies `bytes`. Dropped once this end has ended or the connection is gone. */
  write(bytes: Uint8Array): void;
  /** Finishes sending; still receives. */
  end(): void;
  /** Drops the connection and all bytes under way, in both directions. */
  reset(): void;
  /** Finishes sending and stops receiving: what the server still sends makes the connection fail. */
  close(): void;
  /** Stops reading: the server's output stays in the window, then in its queue. */
  stall(): void;
  resume(): void;
  /** Each piece is a private copy. Set it before the scheduler runs, or bytes are lost. */
  onData(handler: (bytes: Uint8Array) => void): void;
  /** "ended": the server closed after its last byte; "reset": the connection broke. */
  onClosed(handler: (how: "ended" | "reset") => void): void;
  readonly isClosed: boolean;
}

export interface PipeOptions {
  readonly slot: number;
  readonly listenerIndex: number;
  readonly peer: string;
  readonly local: string;
  readonly windowBytes: number;
  /** The most that arrives in one step, so that a pause takes effect as it does on a socket. */
  readonly readBytesMax: number;
  /** How many of `length` waiting bytes arrive now: 0 to `length`. */
  readonly split: (length: number) => number;
  readonly recorder: TurnRecorder;
  /** Something may now move: `step` must be called later. */
  readonly wake: () => void;
}

export class MemoryPipe implements MemoryClient {
  readonly peer: string;
  readonly local: string;
  readonly #options: PipeOptions;
  readonly #inbound = new ByteQueue();
  readonly #queue = new ByteQueue();
  readonly #window = new ByteQueue();
  #opened = false;
  #paused = false;
  #drainBelow = -1;
  /** The server: "open", then perhaps "flushing", then "closed" (by either side), then "told". */
  #server: "open" | "flushing" | "closed" | "told" = "open";
  #halfClosedTold = false;
  #client: "open" | "ended" | "closed" = "open";
  #clientTold = false;
  #broken = false;
  #stalled = false;
  #onData: (bytes: Uint8Array) => void = () => {};
  #onClosed: (how: "ended" | "reset") => void = () => {};

  constructor(options: PipeOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.local = options.local;
  }

  // The client's end.

  write(bytes: Uint8Array): void {
    if (this.#client !== "open" || this.#broken) return;
    this.#inbound.push(bytes.slice());
    this.#options.wake();
  }

  end(): void {
    if (this.#client === "open") this.#client = "ended";
    this.#options.wake();
  }

  reset(): void {
    if (this.isClosed) return;
    this.#client = "closed";
    this.#break();
  }

  close(): void {
    this.#client = "closed";
    this.#options.wake();
  }

  stall(): void {
    this.#stalled = true;
  }

  resume(): void {
    this.#stalled = false;
    this.#options.wake();
  }

  onData(handler: (bytes: Uint8Array) => void): void {
    this.#onData = handler;
  }

  onClosed(handler: (how: "ended" | "reset") => void): void {
    this.#onClosed = handler;
  }

  get isClosed(): boolean {
    return this.#clientTold;
  }

  // The server's end, as the transport uses it.

  /** The closed event has been recorded. */
  get isGone(): boolean {
    return this.#server === "told";
  }

  /** Both ends know that it is over, and nothing is under way. */
  get isFinished(): boolean {
    return this.#server === "told" && this.#clientTold;
  }

  get queuedBytes(): number {
    return this.#queue.length;
  }

  /** Takes ownership of `bytes`. */
  send(bytes: Uint8Array): void {
    if (this.#server !== "open") return;
    if (this.#client === "closed") {
      this.#break();
      return;
    }
    this.#queue.push(bytes);
    this.#fillWindow();
    this.#options.wake();
  }

  pause(): void {
    this.#paused = true;
  }

  unpause(): void {
    this.#paused = false;
    this.#options.wake();
  }

  notifyDrained(belowBytes: number): void {
    if (this.#server !== "open") return;
    this.#drainBelow = belowBytes;
    this.#options.wake();
  }

  shut(flush: boolean): void {
    if (this.#server !== "open" && this.#server !== "flushing") return;
    this.#server = flush && this.#queue.length > 0 ? "flushing" : "closed";
    if (this.#server === "closed") this.#queue.clear();
    this.#options.wake();
  }

  /** Moves what may move now. True if more could move without anyone acting. */
  step(): boolean {
    this.#stepIn();
    this.#stepOut();
    return this.#canMove();
  }

  #stepIn(): void {
    const { recorder, slot, listenerIndex } = this.#options;
    if (!this.#opened) {
      this.#opened = true;
      recorder.opened(slot, listenerIndex);
    }
    if (this.#server === "open" && !this.#paused) {
      const arrived = this.#part(Math.min(this.#inbound.length, this.#options.readBytesMax));
      if (arrived > 0) recorder.data(slot, this.#inbound.take(arrived));
    }
    // Delivering a full arena runs the server, so its state is read anew.
    if (
      this.#server === "open" &&
      !this.#paused &&
      this.#inbound.length === 0 &&
      this.#client !== "open" &&
      !this.#halfClosedTold
    ) {
      this.#halfClosedTold = true;
      recorder.halfClosed(slot);
    }
    if (this.#server === "flushing") this.#inbound.clear();
    if (this.#server === "open" && this.#drainBelow >= 0 && this.#queue.length <= this.#drainBelow) {
      this.#drainBelow = -1;
      recorder.drained(slot);
    }
    if (this.#server === "closed") {
      this.#server = "told";
      recorder.closed(slot);
    }
  }

  #stepOut(): void {
    // Nobody reads: what the server still has to say fails as a write to a closed socket does.
    if (this.#client === "closed" && this.#queue.length + this.#window.length > 0) this.#break();
    if (this.#broken) {
      this.#tellClient("reset");
      return;
    }
    const arrived = this.#stalled ? 0 : this.#part(this.#window.length);
    if (arrived > 0) {
      const bytes = this.#window.take(arrived);
      this.#fillWindow();
      this.#onData(bytes);
    }
    const serverDone = this.#server === "closed" || this.#server === "told";
    if (serverDone && this.#window.length === 0) this.#tellClient("ended");
  }

  #fillWindow(): void {
    const room = Math.min(this.#options.windowBytes - this.#window.length, this.#queue.length);
    if (room > 0) this.#window.push(this.#queue.take(room));
    if (this.#server === "flushing" && this.#queue.length === 0) this.#server = "closed";
  }

  #canMove(): boolean {
    if (this.#server === "closed") return true;
    if (this.#broken) return !this.#clientTold;
    if (this.#server === "open" && !this.#paused && this.#inbound.length > 0) return true;
    return !this.#stalled && this.#window.length > 0 && this.#client !== "closed";
  }

  #break(): void {
    this.#broken = true;
    this.#inbound.clear();
    this.#queue.clear();
    this.#window.clear();
    if (this.#server !== "told") this.#server = "closed";
    this.#options.wake();
  }

  #tellClient(how: "ended" | "reset"): void {
    if (this.#clientTold) return;
    this.#clientTold = true;
    this.#client = "closed";
    this.#onClosed(how);
  }

  #part(length: number): number {
    if (length === 0) return 0;
    const part = this.#options.split(length);
    assert(
      Number.isInteger(part) && part >= 0 && part <= length,
      "memory transport: split answered an impossible length",
    );
    return part;
  }
}

/**
 * One socket of the portable transport: turns its events into entries of the turn.
 *
 * Invariants
 *  - `closed` is recorded exactly once, last, whatever ends the socket: both sides, an error, `close`.
 *  - After `close` nothing but `closed` is recorded; input is read and dropped, so that a reset is still noticed.
 *
 * Node owns the output queue: `writableLength` is what the kernel has not accepted of all that was written. It
 * falls by whole writes, so it may stay too high for a while, never too low.
 */
import type { Socket } from "node:net";
import type { TurnRecorder } from "../transport/turn-recorder.ts";

export class PortableConnection {
  readonly peer: string;
  readonly local: string;
  readonly #slot: number;
  readonly #socket: Socket;
  readonly #recorder: TurnRecorder;
  readonly #written: () => void;
  #drainBelow = -1;
  #paused = false;
  #closing = false;
  #gone = false;

  /** `closed` is called after the closed event has been recorded. */
  constructor(slot: number, socket: Socket, listenText: string, recorder: TurnRecorder, closed: () => void) {
    this.#slot = slot;
    this.#socket = socket;
    this.#recorder = recorder;
    this.peer = endText(
      socket.remoteAddress,
      socket.remotePort,
      socket.localAddress === undefined ? listenText : "?",
    );
    this.local = endText(socket.localAddress, socket.localPort, listenText);
    this.#written = () => this.#checkDrained();
    socket.on("data", (bytes: Uint8Array) => {
      if (!this.#closing) recorder.data(slot, bytes);
    });
    socket.on("end", () => {
      if (!this.#closing) recorder.halfClosed(slot);
    });
    // ECONNRESET, EPIPE and the like are only a way to close; `close` always follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closing = true;
      this.#gone = true;
      recorder.closed(slot);
      closed();
    });
  }

  get isWritable(): boolean {
    return !this.#closing;
  }

  /** The closed event has been recorded. */
  get isGone(): boolean {
    return this.#gone;
  }

  get queuedBytes(): number {
    return this.#gone ? 0 : this.#socket.writableLength;
  }

  get descriptor(): number {
    // Node has no public way to ask for it; CLIENT LIST shows it where it is there.
    const fd = (this.#socket as { _handle?: { fd?: number } | null })._handle?.fd;
    return fd ?? -1;
  }

  /** Takes ownership of `bytes`. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes, this.#written);
  }

  pause(): void {
    if (this.#closing) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  notifyDrained(belowBytes: number): void {
    if (this.#closing) return;
    this.#drainBelow = belowBytes;
    this.#checkDrained();
  }

  close(flush: boolean): void {
    if (this.#gone) return;
    if (!flush) {
      this.#closing = true;
      this.#socket.destroy();
    } else if (!this.#closing) {
      this.#closing = true;
      this.resume();
      this.#socket.destroySoon();
    }
  }

  #checkDrained(): void {
    if (this.#closing || this.#drainBelow < 0 || this.#socket.writableLength > this.#drainBelow) return;
    this.#drainBelow = -1;
    this.#recorder.drained(this.#slot);
  }
}

function endText(address: string | undefined, port: number | undefined, otherwise: string): string {
  if (address === undefined || port === undefined) return `${otherwise}:0`;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

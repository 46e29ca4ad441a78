/**
 * One connection of a transport: its request reader, its session and whether it may execute now.
 *
 * A connection executes only while nothing holds it back: its session is not suspended or paused, and what it
 * has written and the peer has not taken stays under a bound. What arrives meanwhile is kept by the reader up
 * to a bound and then left in the kernel, so that a client that does not read its replies slows itself down
 * and nobody else.
 */
import type { ConnectionSlot } from "../base/ids.ts";
import type { PushMessage } from "../commands/session-face.ts";
import type { Session, SessionCarrier } from "../database/session.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { RequestReader } from "../protocol/request-reader.ts";
import type { FrontEnd } from "./front-end.ts";

/** What a client may send ahead while it waits before it is no longer read. */
const BLOCKED_INPUT_BYTES_MAX = 64 * 1024;

export class Connection implements SessionCarrier {
  readonly slot: ConnectionSlot;
  readonly reader: RequestReader;
  readonly #frontEnd: FrontEnd;
  /** Set right after construction: session and connection name each other. */
  session!: Session;
  /** The output bound was reached: nothing is executed until the transport reports `drained`. */
  outputBlocked = false;
  readingPaused = false;
  /** Since when unsent output is beyond the soft limit; 0 if it is not. Monotonic milliseconds. */
  overSoftSinceMs = 0;
  /** The reader may hold bytes of the arena that have to be retained at the end of the turn. */
  touched = false;
  /** Bytes written to it in the present turn, which the transport has not seen yet. */
  wroteInTurn = 0;
  /** Requests of it are in the batch that is being read or run. */
  inBatch = false;
  /** Within a batch: its further requests are not executed. */
  stopped = false;
  /** Pushes were sent to it in the present turn: its unsent output is to be judged. */
  pushedTo = false;
  /** Of those that are not written yet the first and the last; see Pushes. */
  firstPush = -1;
  lastPush = -1;
  /** The peer has sent its last byte. */
  halfClosed = false;

  constructor(slot: ConnectionSlot, reader: RequestReader, frontEnd: FrontEnd) {
    this.slot = slot;
    this.reader = reader;
    this.#frontEnd = frontEnd;
  }

  get mayExecute(): boolean {
    const session = this.session;
    return !session.suspended && !session.paused && !session.closing && !this.outputBlocked;
  }

  /**
   * It executes nothing, and is read nevertheless, up to a bound: while it waits for a key only a read tells that the peer
   * has gone, and nothing may be taken for one that has.
   */
  get listens(): boolean {
    return this.session.blocked && this.reader.bufferedBytes < BLOCKED_INPUT_BYTES_MAX;
  }

  get peerAddress(): string {
    return this.#frontEnd.transport.peerAddress(this.slot);
  }
  get localAddress(): string {
    return this.#frontEnd.transport.localAddress(this.slot);
  }
  get descriptor(): number {
    return this.#frontEnd.transport.descriptor(this.slot);
  }
  write(write: (reply: ReplyWriter) => void): void {
    this.#frontEnd.writeOutOfTurn(this, write);
  }
  push(message: PushMessage): void {
    this.#frontEnd.push(this, message);
  }
  resume(): void {
    this.#frontEnd.resume(this);
  }
  close(flush: boolean): void {
    this.#frontEnd.closeConnection(this, flush);
  }
  inputBytes(): number {
    return this.reader.bufferedBytes;
  }
  outputBytes(): number {
    return this.#frontEnd.transport.queuedBytes(this.slot);
  }
}

/**
 * Between one transport and the database: takes turns apart, executes what is complete, collects the replies.
 *
 * Invariants: the commands of a connection execute in order of arrival, one at a time; ranges of the
 * transport's arena are used only within the turn (what is unread is retained at its end, after the log has
 * taken the effects that point into the arena); a slot is given back only after every byte for it has gone.
 *
 * Hot-path file: a turn of ready connections allocates nothing.
 */

import { unreachable } from "../base/assert.ts";
import type { ConnectionSlot } from "../base/ids.ts";
import { connectionSlot } from "../base/ids.ts";
import type { OutputLimits } from "../config/redis-kinds.ts";
import type { Database } from "../database/database.ts";
import { EXECUTED, HELD_BACK } from "../database/executor.ts";
import {
  type Transport,
  TURN_CLOSED,
  TURN_DATA,
  TURN_DRAINED,
  TURN_HALF_CLOSED,
  TURN_OPENED,
  TURN_STRIDE,
  type Turn,
} from "../ports/transport.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { Request } from "../protocol/request.ts";
import {
  type ProtocolLimits,
  READ_COMPLETE,
  READ_MALFORMED,
  RequestReader,
} from "../protocol/request-reader.ts";
import { Connection } from "./connection.ts";
import { Output } from "./output.ts";
import { exceeds, limitFor, overSoftSince } from "./output-limits.ts";
import type { ReplyGate } from "./reply-gate.ts";
import type { Turns } from "./turns.ts";

/** A connection with more unsent bytes than this executes nothing until they have shrunk to the second bound. */
const OUTPUT_BYTES_MAX = 1024 * 1024;
const OUTPUT_BYTES_RESUME = 256 * 1024;
/** A turn with more output than this is committed and sent before the next connection's commands. */
const TURN_OUTPUT_BYTES_MAX = 8 * 1024 * 1024;

const NO_BYTES = new Uint8Array(0);

export class FrontEnd {
  readonly transport: Transport;
  readonly output = new Output();
  readonly #turns: Turns;
  readonly #database: Database;
  readonly #limits: ProtocolLimits;
  readonly #admit: (peerAddress: string, listener: number) => string | undefined;
  readonly #outputLimits: () => OutputLimits;
  readonly #request = new Request();
  readonly #reply: ReplyWriter;
  #connections: (Connection | undefined)[] = [];
  #touched: Connection[] = [];
  #afterwards: (() => void)[] = [];
  #awaitingLog: Connection[] = [];
  #accepted = 0;
  #quiescent = false;
  #open = 0;
  /** Bytes received and replied since the start. */
  inputTotal = 0;
  outputTotal = 0;
  /** The arena of the turn: ranges of it stay unchanged until the turn has been committed. */
  #stableBytes: Uint8Array = NO_BYTES;

  constructor(parts: {
    transport: Transport;
    turns: Turns;
    limits: ProtocolLimits;
    /** Answers an error line for a peer that may not connect, or undefined. */
    admit: (peerAddress: string, listener: number) => string | undefined;
    outputLimits: () => OutputLimits;
  }) {
    this.transport = parts.transport;
    this.#turns = parts.turns;
    this.#database = parts.turns.database;
    this.#limits = parts.limits;
    this.#admit = parts.admit;
    this.#outputLimits = parts.outputLimits;
    this.#reply = this.#database.reply;
    parts.turns.add(this);
    this.transport.onTurn((turn) => this.#onTurn(turn));
  }

  /** Unread input and unsent output of all connections. */
  get bufferedBytes(): number {
    let bytes = 0;
    for (const connection of this.#connections) {
      if (connection !== undefined) bytes += connection.inputBytes() + connection.outputBytes();
    }
    return bytes;
  }
  get openConnections(): number {
    return this.#open;
  }
  get acceptedConnections(): number {
    return this.#accepted;
  }

  #onTurn(turn: Turn): void {
    this.#turns.begin();
    const { events, count, arena } = turn;
    this.#stableBytes = arena;
    for (let i = 0; i < count; i++) {
      const at = i * TURN_STRIDE;
      const slot = events[at]!;
      const kind = events[at + 1]!;
      if (kind === TURN_DATA) this.#onData(slot, arena, events[at + 2]!, events[at + 3]!);
      else this.#onEvent(slot, kind, events[at + 2]!);
    }
    this.#stableBytes = NO_BYTES;
    this.#turns.end();
  }

  #onData(slot: number, arena: Uint8Array, offset: number, length: number): void {
    const connection = this.#connections[slot];
    if (connection === undefined || connection.session.closing || this.#quiescent) return;
    connection.session.inputTotal += length;
    this.inputTotal += length;
    connection.reader.offer(arena, offset, length);
    if (connection.mayExecute) this.#execute(connection);
    if (!connection.touched) {
      connection.touched = true;
      this.#touched.push(connection);
    }
    if (this.output.written > TURN_OUTPUT_BYTES_MAX) this.#commitEarly();
  }

  /** Bounds the memory of a turn with very large replies: what is complete goes through the log and out now. */
  #commitEarly(): void {
    this.#turns.end();
    this.#turns.begin();
  }

  #onEvent(slot: number, kind: number, listener: number): void {
    switch (kind) {
      case TURN_OPENED:
        this.#onOpened(connectionSlot(slot), listener);
        return;
      case TURN_HALF_CLOSED:
        this.#onHalfClosed(this.#connections[slot]);
        return;
      case TURN_CLOSED:
        this.#onClosed(slot);
        return;
      case TURN_DRAINED:
        this.#onDrained(this.#connections[slot]);
        return;
      default:
        unreachable(kind as never);
    }
  }

  #onOpened(slot: ConnectionSlot, listener: number): void {
    this.#accepted++;
    const refusal = this.#admit(this.transport.peerAddress(slot), listener);
    const connection = new Connection(slot, new RequestReader(this.#limits), this);
    connection.session = this.#database.openSession(connection);
    connection.reader.authenticated = connection.session.authenticated;
    this.#connections[slot] = connection;
    this.#open++;
    if (refusal === undefined) return;
    connection.session.suspended = true;
    this.output.select(slot);
    this.#database.enter(connection.session, this.output);
    this.#reply.error(refusal);
    this.#finishClosing(connection);
  }

  /** Executes what the reader holds until it is drained, held back, or has to make room for others. */
  #execute(connection: Connection): void {
    const { reader, session } = connection;
    const request = this.#request;
    const output = this.output;
    const database = this.#database;
    output.select(connection.slot);
    database.enter(session, output);
    database.effects.stableBytes = this.#stableBytes;
    session.executing = true;
    const from = output.written;
    for (;;) {
      const status = reader.next(request);
      if (status !== READ_COMPLETE) {
        if (status === READ_MALFORMED) {
          this.#reply.error(`ERR ${reader.errorText}`);
          this.#finishClosing(connection);
        }
        break;
      }
      const outcome = database.execute(session, request);
      if (outcome !== EXECUTED) {
        if (outcome === HELD_BACK) reader.unread();
        if (session.closing) this.#finishClosing(connection);
        break;
      }
      if (output.written - from > OUTPUT_BYTES_MAX) {
        this.#blockOutput(connection);
        break;
      }
    }
    session.executing = false;
    reader.authenticated = session.authenticated;
    const wrote = output.written - from;
    session.outputTotal += wrote;
    this.outputTotal += wrote;
    if (this.transport.queuedBytes(connection.slot) > OUTPUT_BYTES_MAX) {
      this.#blockOutput(connection);
      this.#enforceLimits(connection);
    }
  }

  /** Closes a connection whose unsent output is beyond its limits. */
  #enforceLimits(connection: Connection): void {
    const queued = this.transport.queuedBytes(connection.slot);
    const limit = limitFor(this.#outputLimits(), connection.session.monitoring);
    const nowMs = this.#database.clock.monotonicMs();
    connection.overSoftSinceMs = overSoftSince(limit, queued, connection.overSoftSinceMs, nowMs);
    if (exceeds(limit, queued, connection.overSoftSinceMs, nowMs)) this.closeConnection(connection, false);
  }

  #blockOutput(connection: Connection): void {
    if (connection.outputBlocked || connection.session.closing) return;
    connection.outputBlocked = true;
    this.#afterwards.push(() => {
      if (!connection.session.closed) this.transport.notifyDrained(connection.slot, OUTPUT_BYTES_RESUME);
    });
  }

  #onDrained(connection: Connection | undefined): void {
    if (connection === undefined) return;
    connection.outputBlocked = false;
    this.#continue(connection);
  }

  /** Takes up a connection that was held back, if nothing else holds it. */
  #continue(connection: Connection): void {
    if (connection.session.closed || !connection.mayExecute) return;
    if (connection.readingPaused) {
      connection.readingPaused = false;
      this.transport.resumeReading(connection.slot);
    }
    this.#execute(connection);
    if (!connection.touched) {
      connection.touched = true;
      this.#touched.push(connection);
    }
    if (connection.halfClosed && connection.mayExecute) this.#finishClosing(connection);
  }

  /** Executes nothing any more: what arrives from here on is dropped. */
  quiesce(): void {
    this.#quiescent = true;
  }

  resume(connection: Connection): void {
    if (this.#quiescent) return;
    this.#turns.within(() => this.#continue(connection));
  }

  /** The peer will send nothing more. What it sent is answered, unless it waits for something: then it is gone. */
  #onHalfClosed(connection: Connection | undefined): void {
    if (connection === undefined) return;
    connection.halfClosed = true;
    if (connection.outputBlocked) return;
    this.#finishClosing(connection);
  }

  #finishClosing(connection: Connection): void {
    connection.session.closing = true;
    this.#afterwards.push(() => {
      if (!connection.session.closed) this.transport.close(connection.slot, true);
    });
  }

  closeConnection(connection: Connection, flush: boolean): void {
    connection.session.closing = true;
    if (flush && this.#turns.isOpen) this.#finishClosing(connection);
    else this.transport.close(connection.slot, flush);
  }

  #onClosed(slot: number): void {
    const connection = this.#connections[slot];
    if (connection !== undefined) {
      this.#connections[slot] = undefined;
      this.#open--;
      connection.session.closed = true;
      connection.reader.reset();
      this.#database.closeSession(connection.session);
    }
    this.#afterwards.push(() => this.transport.release(connectionSlot(slot)));
  }

  /** Writes a reply or a push to a connection from outside of its own commands. */
  writeOutOfTurn(connection: Connection, write: (reply: ReplyWriter) => void): void {
    if (connection.session.closed) return;
    this.#turns.within(() => {
      const selected = this.output.slot;
      this.output.select(connection.slot);
      const before = this.#database.borrowTarget(connection.session, this.output);
      const from = this.output.written;
      write(this.#reply);
      connection.session.outputTotal += this.output.written - from;
      if (selected >= 0) this.output.select(selected);
      this.#database.restoreTarget(before);
      this.#enforceLimits(connection);
    });
  }

  /** End of a turn, after the log has taken its effects. */
  finishTurn(acknowledged: boolean, lsn: number, gate: ReplyGate): void {
    if (!acknowledged || !gate.isEmpty) {
      if (!this.output.isEmpty || this.#afterwards.length > 0) {
        const afterwards = this.#afterwards;
        this.#afterwards = [];
        gate.hold(lsn, this.transport, this.output, afterwards);
      }
    } else {
      if (!this.output.isEmpty) this.output.flush(this.#send);
      if (this.#afterwards.length > 0) this.#runAfterwards();
    }
    const touched = this.#touched;
    for (let i = 0; i < touched.length; i++) {
      const connection = touched[i]!;
      connection.touched = false;
      connection.reader.retain();
      if (!connection.mayExecute) this.#pauseReading(connection);
    }
    touched.length = 0;
  }
  readonly #send = (batch: Parameters<Transport["send"]>[0]): void => this.transport.send(batch);

  #runAfterwards(): void {
    const afterwards = this.#afterwards;
    this.#afterwards = [];
    for (const run of afterwards) run();
  }

  #pauseReading(connection: Connection): void {
    if (connection.readingPaused || connection.session.closing || connection.session.closed) return;
    connection.readingPaused = true;
    this.transport.pauseReading(connection.slot);
  }

  /** The connection's replies wait for a log that has failed: it executes nothing more before they have left. */
  awaitLog(slot: number): void {
    const connection = this.#connections[slot];
    if (connection === undefined || connection.session.suspended) return;
    connection.session.suspended = true;
    this.#awaitingLog.push(connection);
  }

  resumeAwaitingLog(): void {
    if (this.#awaitingLog.length === 0) return;
    const waiting = this.#awaitingLog;
    this.#awaitingLog = [];
    for (const connection of waiting) {
      connection.session.suspended = false;
      this.resume(connection);
    }
  }
}

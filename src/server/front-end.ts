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
import type { PushMessage } from "../commands/session-face.ts";
import type { OutputLimits } from "../config/redis-kinds.ts";
import { BATCH_REQUESTS_MAX, type Batch } from "../database/batch.ts";
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
import type { Request } from "../protocol/request.ts";
import {
  type ProtocolLimits,
  READ_COMPLETE,
  READ_MALFORMED,
  RequestReader,
} from "../protocol/request-reader.ts";
import { Connection } from "./connection.ts";
import { Output } from "./output.ts";
import { exceeds, limitFor, overSoftSince } from "./output-limits.ts";
import { partitionBatches } from "./output-partition.ts";
import { Pushes } from "./pushes.ts";
import type { Afterward, ReplyGate } from "./reply-gate.ts";
import type { Turns } from "./turns.ts";

/** A connection with more unsent bytes than this executes nothing until they have shrunk to the second bound. */
const OUTPUT_BYTES_MAX = 1024 * 1024;
const OUTPUT_BYTES_RESUME = 256 * 1024;
/** A connection whose command makes pushes wait that are more than this executes nothing more in the turn. */
const PUSHED_BYTES_MAX = 4 * 1024 * 1024;
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
  readonly #batch: Batch;
  /** The connection of each entry of the batch. */
  readonly #batched: Connection[] = [];
  /** Output at the time the present connection was entered. */
  #enteredAt = 0;
  readonly #pushes = new Pushes(this.output);
  readonly #reply: ReplyWriter;
  #connections: (Connection | undefined)[] = [];
  #touched: Connection[] = [];
  #afterwards: Afterward[] = [];
  #awaitingLog: Connection[] = [];
  #quiescent = false;
  #open = 0;
  /** Bytes received and replied since the start. */
  inputTotal = 0;
  /** Ranges of input, and batches of output. */
  reads = 0;
  writes = 0;
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
    this.#batch = this.#database.newBatch();
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

  #onTurn(turn: Turn): void {
    this.#turns.begin();
    const { events, count, arena } = turn;
    this.#stableBytes = arena;
    for (let i = 0; i < count; i++) {
      const at = i * TURN_STRIDE;
      const slot = events[at]!;
      const kind = events[at + 1]!;
      if (kind === TURN_DATA) {
        this.#onData(slot, arena, events[at + 2]!, events[at + 3]!);
      } else {
        this.#runBatch();
        this.#onEvent(slot, kind, events[at + 2]!);
      }
    }
    this.#runBatch();
    this.#stableBytes = NO_BYTES;
    this.#turns.end();
  }

  #onData(slot: number, arena: Uint8Array, offset: number, length: number): void {
    const connection = this.#connections[slot];
    if (connection === undefined || connection.session.closing || this.#quiescent) return;
    // A second range for a connection: requests of the first must not be asked back after it.
    if (connection.inBatch) this.#runBatch();
    connection.session.inputTotal += length;
    this.inputTotal += length;
    this.reads++;
    connection.reader.offer(arena, offset, length);
    if (connection.mayExecute) this.#readAhead(connection);
    this.#touch(connection);
  }

  #touch(connection: Connection): void {
    if (connection.touched) return;
    connection.touched = true;
    this.#touched.push(connection);
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
    const refusal = this.#admit(this.transport.peerAddress(slot), listener);
    const connection = new Connection(slot, new RequestReader(this.#limits), this);
    connection.session = this.#database.openSession(connection);
    connection.reader.authenticated = connection.session.authenticated;
    this.#connections[slot] = connection;
    this.#open++;
    if (refusal === undefined) return;
    connection.session.suspended = true;
    this.#enter(connection);
    this.#reply.error(refusal);
    this.#leave(connection);
    this.#finishClosing(connection);
  }

  /** Reads complete requests into the batch, and runs it whenever it has to be run before going on. */
  #readAhead(connection: Connection): void {
    const { reader, session } = connection;
    const batch = this.#batch;
    for (;;) {
      const request = batch.requests[batch.count]!;
      const status = reader.next(request);
      if (status !== READ_COMPLETE) {
        if (status === READ_MALFORMED) this.#onMalformed(connection);
        return;
      }
      this.#batched[batch.count] = connection;
      connection.inBatch = true;
      batch.add(session);
      // Bytes outside of the arena may move with the next read; AUTH and the like decide how to read on.
      if (batch.count < BATCH_REQUESTS_MAX && request.bytes === this.#stableBytes && session.plain) continue;
      this.#runBatch();
      if (!connection.mayExecute) return;
    }
  }

  /** What comes before the malformed bytes is executed first; it may even be what ends the connection. */
  #onMalformed(connection: Connection): void {
    this.#runBatch();
    if (!connection.mayExecute) return;
    this.#enter(connection);
    this.#reply.error(`ERR ${connection.reader.errorText}`);
    this.#leave(connection);
    this.#finishClosing(connection);
  }

  /** Executes the batch in order; a connection that may not go on gets its further requests back into its reader. */
  #runBatch(): void {
    const batch = this.#batch;
    const { count } = batch;
    if (count === 0) return;
    const database = this.#database;
    const output = this.output;
    const pushes = this.#pushes;
    const connections = this.#batched;
    database.effects.stableBytes = this.#stableBytes;
    batch.prepare();
    let current: Connection | undefined;
    for (let i = 0; i < count; i++) {
      const connection = connections[i]!;
      if (connection.stopped || connection.session.closing) continue;
      if (connection !== current) {
        if (current !== undefined) this.#leave(current);
        this.#enter(connection);
        current = connection;
      }
      pushes.replyAt = output.written;
      const outcome = database.executeEntry(batch, i);
      if (pushes.waitingBytes > 0) pushes.followReply();
      const wrote = connection.wroteInTurn + output.written - this.#enteredAt;
      if (outcome !== EXECUTED || wrote > OUTPUT_BYTES_MAX || pushes.queuedBytes > PUSHED_BYTES_MAX) {
        this.#stopAt(connection, batch.requests[i]!, outcome);
      }
    }
    if (current !== undefined) this.#leave(current);
    for (let i = 0; i < count; i++) {
      const connection = connections[i]!;
      connection.inBatch = false;
      connection.stopped = false;
    }
    batch.clear();
    if (output.written + pushes.queuedBytes > TURN_OUTPUT_BYTES_MAX) this.#commitEarly();
  }

  /** The connection executes nothing more for now: what was read beyond the request is read again later. */
  #stopAt(connection: Connection, request: Request, outcome: number): void {
    const { reader, session } = connection;
    connection.stopped = true;
    if (session.closing) {
      this.#finishClosing(connection);
      return;
    }
    if (request.bytes === this.#stableBytes) {
      reader.rewind(outcome === HELD_BACK ? request.start : request.end);
    } else if (outcome === HELD_BACK) {
      reader.unread();
    }
    if (outcome === EXECUTED) this.#blockOutput(connection);
  }

  /** The next replies are the connection's. */
  #enter(connection: Connection): void {
    this.#pushes.flush(connection);
    this.output.select(connection.slot);
    this.#database.enter(connection.session, this.output);
    connection.session.executing = true;
    this.#pushes.entered = connection;
    this.#enteredAt = this.output.written;
  }

  #leave(connection: Connection): void {
    const { session } = connection;
    session.executing = false;
    this.#pushes.entered = undefined;
    connection.reader.authenticated = session.authenticated;
    const wrote = this.output.written - this.#enteredAt;
    connection.wroteInTurn += wrote;
    session.outputTotal += wrote;
    this.outputTotal += wrote;
    if (this.transport.queuedBytes(connection.slot) > OUTPUT_BYTES_MAX) {
      this.#blockOutput(connection);
      this.#enforceLimits(connection);
    }
  }

  readonly #judge = (connection: Connection): void => this.#enforceLimits(connection);

  /** Closes a connection whose unsent output is beyond its limits. */
  #enforceLimits(connection: Connection): void {
    const queued = this.transport.queuedBytes(connection.slot);
    const { monitoring, subscribed } = connection.session;
    const limit = limitFor(this.#outputLimits(), monitoring || subscribed);
    const nowMs = this.#database.clock.monotonicMs();
    connection.overSoftSinceMs = overSoftSince(limit, queued, connection.overSoftSinceMs, nowMs);
    if (exceeds(limit, queued, connection.overSoftSinceMs, nowMs)) this.closeConnection(connection, false);
  }

  #blockOutput(connection: Connection): void {
    if (connection.outputBlocked || connection.session.closing) return;
    connection.outputBlocked = true;
    this.#afterReplies(connection.slot, () => {
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
    this.#readAhead(connection);
    this.#runBatch();
    this.#touch(connection);
    if (connection.halfClosed) this.#onHalfClosed(connection);
  }

  /** Executes nothing any more: what arrives from here on is dropped. */
  quiesce(): void {
    this.#quiescent = true;
  }

  resume(connection: Connection): void {
    if (this.#quiescent) return;
    this.#turns.within(() => this.#continue(connection));
  }

  /**
   * The peer will send nothing more. What it sent is answered first, however long that is held back; only for a
   * deferred reply nobody waits, as in Redis: a command that blocks must not act for a client that is gone.
   */
  #onHalfClosed(connection: Connection | undefined): void {
    if (connection === undefined) return;
    connection.halfClosed = true;
    const { session } = connection;
    if (session.closing || connection.mayExecute || session.blocked) this.#finishClosing(connection);
  }

  #finishClosing(connection: Connection): void {
    connection.session.closing = true;
    this.#afterReplies(connection.slot, () => {
      if (!connection.session.closed) this.transport.close(connection.slot, true);
    });
  }

  /** Runs once everything written to the slot so far has been handed to the transport. */
  #afterReplies(slot: number, run: () => void): void {
    this.#afterwards.push({ slot, run });
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
    this.#afterReplies(slot, () => this.transport.release(connectionSlot(slot)));
  }

  /** Writes a reply or a push to a connection from outside of its own commands. */
  writeOutOfTurn(connection: Connection, write: (reply: ReplyWriter) => void): void {
    if (connection.session.closed) return;
    this.#turns.within(() => {
      this.#pushes.flush(connection);
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

  push(connection: Connection, message: PushMessage): void {
    if (connection.session.closed || connection.session.closing) return;
    this.#turns.begin();
    this.#pushes.send(connection, message);
    this.#turns.end();
  }

  /**
   * End of a turn, after the log has taken its effects. The replies leave now, or through the gate; "beside" (the
   * log had failed before the turn): now, but for connections that have replies in the gate.
   */
  finishTurn(release: "in order" | "later" | "beside", lsn: number, gate: ReplyGate): void {
    this.#pushes.flushAll();
    if (gate.isEmpty && release !== "later") {
      if (!this.output.isEmpty) this.output.flush(this.#send);
      if (this.#afterwards.length > 0) this.#runAfterwards();
    } else if (!this.output.isEmpty || this.#afterwards.length > 0) {
      this.#finishThroughGate(release, lsn, gate);
    }
    this.#pushes.endTurn(this.#judge);
    const touched = this.#touched;
    for (let i = 0; i < touched.length; i++) {
      const connection = touched[i]!;
      connection.touched = false;
      connection.wroteInTurn = 0;
      connection.reader.retain();
      if (!connection.mayExecute && !connection.listens) this.#pauseReading(connection);
    }
    touched.length = 0;
  }

  #finishThroughGate(release: "in order" | "later" | "beside", lsn: number, gate: ReplyGate): void {
    const { transport, output } = this;
    const afterwards = this.#afterwards;
    this.#afterwards = [];
    const batches = output.detach();
    if (release !== "beside") {
      gate.hold(lsn, transport, output, batches, afterwards);
      return;
    }
    const waiting = gate.slotsWaiting(transport);
    const { free, held } = partitionBatches(batches, waiting);
    for (const batch of free) transport.send(batch);
    const isHeld = ({ slot }: Afterward): boolean => waiting.has(slot);
    gate.hold(lsn, transport, output, held, afterwards.filter(isHeld));
    for (const afterward of afterwards) if (!isHeld(afterward)) afterward.run();
    // A deferred reply may just have joined those that wait.
    for (const slot of waiting) this.awaitLog(slot);
  }

  readonly #send = (batch: Parameters<Transport["send"]>[0]): void => {
    this.writes += batch.count;
    this.transport.send(batch);
  };

  #runAfterwards(): void {
    const afterwards = this.#afterwards;
    this.#afterwards = [];
    for (const { run } of afterwards) run();
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

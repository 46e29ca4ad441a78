/**
 * What connections are sent without having asked: messages of publish and subscribe.
 *
 * Invariants: a push never comes inside a reply; if the connection's own command has begun to answer, it follows the
 * reply, else it comes at once, as in Redis 7.0. Per connection pushes and replies keep their order. Pushes are part of
 * the turn in which they were made: they leave after its append to the log, under `always` after its sync.
 *
 * A message is kept once for all who receive it, and each receiver's messages are written one behind the other at the end
 * of the turn: a write of the system costs fifty times a copy, so there must be one per receiver and turn, not one
 * per message.
 *
 * Hot-path file: a message to many subscribers comes here once for each; nothing is allocated.
 */
import { copyWords, SourceView } from "../base/word-bytes.ts";
import type { PushMessage } from "../commands/session-face.ts";
import { GrowingOutput, type OutputSpace, ROOM_BYTES_MAX } from "../protocol/output-space.ts";
import type { Connection } from "./connection.ts";
import type { Output } from "./output.ts";

/** Larger messages are copied into the output at once: keeping them first would cost as much as it saves. */
const KEPT_MESSAGE_BYTES_MAX = 16 * 1024;
/** What is kept of the buffer of messages from one turn to the next. */
const MESSAGES_BYTES = 256 * 1024;
const ARRAY = 42;
const PUSH = 62;

// One message for one connection: where it begins, how long it is, and the next for the same connection.
const ENTRY_START = 0;
const ENTRY_LENGTH = 1;
const ENTRY_NEXT = 2;
const ENTRY_WORDS = 3;
const ENTRIES_MIN = 1024;
const NO_ENTRY = -1;

export class Pushes {
  readonly #output: Output;
  readonly #source = new SourceView();
  readonly #target = new SourceView();
  /** The connection whose command is being executed, and where in the output its reply begins. Set by the front end. */
  entered: Connection | undefined = undefined;
  replyAt = 0;
  /** For that connection, from the time at which its reply has begun. */
  readonly #behindReply = new GrowingOutput();
  /** The messages of the turn, and the serial number and place of the last of them. */
  readonly #messages = new GrowingOutput(MESSAGES_BYTES);
  #serial = -1;
  #start = 0;
  #entries = new Int32Array(ENTRIES_MIN * ENTRY_WORDS);
  #entryCount = 0;
  /** Bytes that will be written at the end of the turn. */
  queuedBytes = 0;
  /** Connections that were sent something in the present turn; emptied in place, so that it is not made anew every turn. */
  readonly #sentTo: (Connection | undefined)[] = [];
  #sentCount = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Bytes that have to follow the reply: `followReply` is due. */
  get waitingBytes(): number {
    return this.#behindReply.position;
  }

  /** Sends a message, which is copied. A turn must be open. */
  send(connection: Connection, message: PushMessage): void {
    const { length } = message;
    connection.session.outputTotal += length;
    if (!connection.pushedTo) {
      connection.pushedTo = true;
      this.#sentTo[this.#sentCount++] = connection;
    }
    if (connection !== this.entered && length <= KEPT_MESSAGE_BYTES_MAX) this.#queue(connection, message);
    else this.#write(connection, message);
  }

  #queue(connection: Connection, message: PushMessage): void {
    const { length } = message;
    if (message.serial !== this.#serial) {
      this.#serial = message.serial;
      this.#start = this.#messages.position;
      this.#append(this.#messages, message.bytes, 0, length);
    }
    const entry = this.#entryCount * ENTRY_WORDS;
    if (entry === this.#entries.length) this.#growEntries();
    const entries = this.#entries;
    entries[entry + ENTRY_START] = this.#start;
    entries[entry + ENTRY_LENGTH] = length;
    entries[entry + ENTRY_NEXT] = NO_ENTRY;
    if (connection.firstPush === NO_ENTRY) connection.firstPush = entry;
    else entries[connection.lastPush + ENTRY_NEXT] = entry;
    connection.lastPush = entry;
    this.#entryCount++;
    this.queuedBytes += length;
  }

  #growEntries(): void {
    const larger = new Int32Array(this.#entries.length * 2);
    larger.set(this.#entries);
    this.#entries = larger;
  }

  #write(connection: Connection, message: PushMessage): void {
    const output = this.#output;
    const { bytes, length } = message;
    if (connection === this.entered && output.written !== this.replyAt) {
      this.#appendFor(connection, this.#behindReply, bytes, 0, length);
      return;
    }
    this.flush(connection);
    const selected = output.slot;
    output.select(connection.slot);
    this.#appendFor(connection, output, bytes, 0, length);
    this.replyAt += length;
    if (selected >= 0) output.select(selected);
  }

  /** Writes what is queued for the connection into the output: before anything else is written to it. */
  flush(connection: Connection): void {
    let entry = connection.firstPush;
    if (entry === NO_ENTRY) return;
    connection.firstPush = NO_ENTRY;
    const output = this.#output;
    const selected = output.slot;
    output.select(connection.slot);
    const entries = this.#entries;
    let written = 0;
    while (entry !== NO_ENTRY) {
      const length = entries[entry + ENTRY_LENGTH]!;
      this.#appendFor(connection, output, this.#messages.bytes, entries[entry + ENTRY_START]!, length);
      written += length;
      entry = entries[entry + ENTRY_NEXT]!;
    }
    this.queuedBytes -= written;
    this.replyAt += written;
    if (selected >= 0) output.select(selected);
  }

  /** The reply of the present command is complete. */
  followReply(): void {
    const pushes = this.#behindReply;
    this.#append(this.#output, pushes.bytes, 0, pushes.position);
    pushes.clear();
  }

  /** Writes everything that is queued. The connections are judged by `endTurn`, when the transport has it. */
  flushAll(): void {
    if (this.#entryCount === 0) return;
    const sentTo = this.#sentTo;
    for (let i = 0; i < this.#sentCount; i++) {
      const connection = sentTo[i]!;
      if (connection.session.closed) connection.firstPush = NO_ENTRY;
      else this.flush(connection);
    }
    this.#entryCount = 0;
    this.queuedBytes = 0;
    this.#serial = -1;
    this.#messages.clear(MESSAGES_BYTES);
  }

  /** Calls `judge` for each connection that was sent something in the turn. */
  endTurn(judge: (connection: Connection) => void): void {
    const sentTo = this.#sentTo;
    const count = this.#sentCount;
    this.#sentCount = 0;
    for (let i = 0; i < count; i++) {
      const connection = sentTo[i]!;
      sentTo[i] = undefined;
      connection.pushedTo = false;
      if (!connection.session.closed) judge(connection);
    }
  }

  /** A message in the connection's protocol: RESP2 has an array where RESP3 has a push. */
  #appendFor(
    connection: Connection,
    out: OutputSpace,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if (out.position === out.limit) out.makeRoom(Math.min(length, ROOM_BYTES_MAX));
    out.bytes[out.position++] = connection.session.resp === 2 ? ARRAY : PUSH;
    this.#append(out, bytes, start + 1, length - 1);
  }

  /** Word by word where short: a message to many is copied as often. */
  #append(out: OutputSpace, bytes: Uint8Array, start: number, length: number): void {
    const source = this.#source.of(bytes);
    for (let done = 0; done < length; ) {
      if (out.position === out.limit) out.makeRoom(Math.min(length - done, ROOM_BYTES_MAX));
      const piece = Math.min(length - done, out.limit - out.position);
      copyWords(this.#target.of(out.bytes), out.position, source, start + done, piece);
      out.position += piece;
      done += piece;
    }
  }
}

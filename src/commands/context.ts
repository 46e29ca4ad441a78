import { equalsIgnoreCase, latin1, parseInt64, parseInteger } from "../base/bytes.ts";
import type { Keyspace } from "../engine/keyspace.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import { CollectionLimits } from "../value/collection-limits.ts";
import { STRING_BYTES_MAX } from "../value/string.ts";
import type { StructureParts } from "../value/unpacked.ts";
import { HashValue } from "./hash-value.ts";
import { ListValue } from "./list-value.ts";
import { type EventSink, NO_EVENTS, NOTIFY_KEY_MISS } from "./notify-events.ts";
import type { ServerFace } from "./server-face.ts";
import type { SessionFace } from "./session-face.ts";
import { SetValue } from "./set-value.ts";
import { SortedSetValue } from "./sorted-set-value.ts";
import { NO_TRANSACTIONS, type TransactionFace } from "./transaction-face.ts";
import { NOBODY_WAITS, type WaitingFace } from "./waiting-face.ts";

/**
 * What a command body works with. One Context serves all commands of a server; its members are set before
 * each body runs. Bodies keep nothing of it past their return, except through `defer`.
 */
export class Context {
  readonly keyspace: Keyspace;
  readonly reply: ReplyWriter;
  readonly effects: EffectSink;
  readonly server: ServerFace;
  request: Request;
  session: SessionFace;
  /** Logical database of the session. */
  db = 0;
  /** Longest string value in bytes: proto-max-bulk-len. */
  stringBytesMax = STRING_BYTES_MAX;
  /** Wall clock of this turn in milliseconds; in replay, of the frame. */
  nowMs = 0;
  /** NOTIFY_… bits of the keyspace events that are published; 0 while there are none. Set by the owner. */
  notifications = 0;
  eventSink: EventSink = NO_EVENTS;
  transactions: TransactionFace = NO_TRANSACTIONS;
  /** False inside a transaction or a script, and in replay: what would wait answers as if its time were up. Set by the owner. */
  mayBlock = false;
  /** Sessions that wait for keys; while there are none `signalReady` costs one load and a test. Set by the owner. */
  waiters = 0;
  waiting: WaitingFace = NOBODY_WAITS;
  /**
   * 0 in the first execution of a request. In a later one, after `waitForKeys`: the argument of the first of its keys,
   * in their order, that exists now with the type waited for (for WAKE_AT_ANY_CHANGE: that was signalled).
   */
  wakeKeyArgument = 0;
  /** Undefined in the first execution of a request; in a later one what the body left here when it began to wait. */
  wakeNote: unknown = undefined;

  /** What the structures of collections are made with. */
  readonly structures: StructureParts;
  readonly limits = new CollectionLimits();
  /** The hash that the present body works with. */
  readonly hash: HashValue;
  /** The list that the present body works with. */
  readonly list: ListValue;
  /** The set that the present body works with. */
  readonly set: SetValue;
  /** The sorted set that the present body works with. */
  readonly sortedSet: SortedSetValue;

  constructor(parts: {
    keyspace: Keyspace;
    structures: StructureParts;
    reply: ReplyWriter;
    effects: EffectSink;
    server: ServerFace;
    request: Request;
    session: SessionFace;
  }) {
    this.keyspace = parts.keyspace;
    this.structures = parts.structures;
    this.hash = new HashValue(this);
    this.set = new SetValue(this);
    this.sortedSet = new SortedSetValue(this);
    this.list = new ListValue(parts.keyspace, parts.structures.heap, this.limits);
    this.reply = parts.reply;
    this.effects = parts.effects;
    this.server = parts.server;
    this.request = parts.request;
    this.session = parts.session;
  }

  /** Number of arguments, the command's name included. */
  get argc(): number {
    return this.request.argc;
  }

  // Argument ranges: `bytes` with `offset(i)` and `length(i)`; nothing is copied.
  get bytes(): Uint8Array {
    return this.request.bytes;
  }
  offset(index: number): number {
    return this.request.offsets[index]!;
  }
  length(index: number): number {
    return this.request.lengths[index]!;
  }

  /** The argument as text, each byte one character. Allocates: not for hot paths. */
  text(index: number): string {
    return latin1(this.request.bytes, this.offset(index), this.length(index));
  }
  /** A private copy of the argument. Allocates. */
  copy(index: number): Uint8Array {
    const offset = this.offset(index);
    return this.request.bytes.slice(offset, offset + this.length(index));
  }
  /** True if the argument is this word in any case; `lowerCase` is lower-case ASCII. */
  is(index: number, lowerCase: string): boolean {
    return equalsIgnoreCase(this.request.bytes, this.offset(index), this.length(index), lowerCase);
  }
  /** The argument as an integer that a double holds exactly, or NaN. */
  integer(index: number): number {
    return parseInteger(this.request.bytes, this.offset(index), this.length(index));
  }
  /** The argument as an int64, or undefined. Allocates. */
  integer64(index: number): bigint | undefined {
    return parseInt64(this.request.bytes, this.offset(index), this.length(index));
  }

  /** Lookups of the key in argument `index` in the session's database; see Keyspace. */
  findForRead(index: number): boolean {
    if (this.keyspace.findForRead(this.db, this.request.bytes, this.offset(index), this.length(index)))
      return true;
    this.notify(NOTIFY_KEY_MISS, "keymiss", index);
    return false;
  }
  findForWrite(index: number): boolean {
    return this.keyspace.findForWrite(this.db, this.request.bytes, this.offset(index), this.length(index));
  }
  peek(index: number): boolean {
    return this.keyspace.peek(this.db, this.request.bytes, this.offset(index), this.length(index));
  }
  remove(index: number): boolean {
    const offset = this.offset(index);
    const length = this.length(index);
    if (!this.keyspace.remove(this.db, this.request.bytes, offset, length)) return false;
    if (this.waiters !== 0) this.waiting.signal(this.db, this.request.bytes, offset, length);
    return true;
  }

  /** Tells of a keyspace event (notify-events.ts) about the key in argument `keyArgument` of the session's database. */
  notify(eventClass: number, event: string, keyArgument: number): void {
    if (this.notifications === 0) return;
    const request = this.request;
    const offset = request.offsets[keyArgument]!;
    this.notifyKey(eventClass, event, request.bytes, offset, request.lengths[keyArgument]!, this.db);
  }

  /** As `notify`, for a key in any buffer and database; the range may be the view's. */
  notifyKey(
    eventClass: number,
    event: string,
    bytes: Uint8Array,
    offset: number,
    length: number,
    db: number,
  ): void {
    const wanted = this.notifications;
    if ((wanted & eventClass) !== 0) this.eventSink.publishEvent(wanted, event, bytes, offset, length, db);
  }

  /**
   * The body has found nothing and waits for the keys in `keyCount` arguments from `firstKeyArgument` on (a key may be
   * named twice), until one holds a value of `type` (TYPE_… or WAKE_AT_ANY_CHANGE); see waiting-face.ts. Only while
   * `mayBlock`; the body must have changed nothing, writes no reply, and returns. After `timeoutMs` (0: never) the
   * reply is written by `onTimeout` instead, which must not use this context. Ignored but for the wait going on if the
   * request is waiting already.
   */
  waitForKeys(
    firstKeyArgument: number,
    keyCount: number,
    type: number,
    timeoutMs: number,
    onTimeout: (reply: ReplyWriter) => void,
  ): void {
    this.waiting.wait(firstKeyArgument, keyCount, type, timeoutMs, onTimeout);
  }

  /**
   * The key (a range of any buffer; the view's too) has been given something that somebody may wait for: called by every
   * body that creates a list, sorted set or stream, or adds to one, after the change.
   */
  signalReady(db: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.waiters !== 0) this.waiting.signal(db, bytes, offset, length);
  }

  /**
   * The reply comes later: the session executes nothing more until the answered function is called (once), with
   * a writer of the reply. If the client goes away first, the call is ignored.
   */
  defer(): (write: (reply: ReplyWriter) => void) => void {
    return this.session.defer();
  }
}

/**
 * Where a body says what it did, in a form that gives the same result whenever it is replayed: no relative
 * times, no randomness. A body that logs nothing has changed nothing. Order of calls is order in the log.
 */
export interface EffectSink {
  /** The request, as it arrived, is the effect. */
  verbatim(): void;
  /** An effect of `argc` arguments in database `db`, which are then given in order and closed by `end`. */
  begin(db: number, argc: number): void;
  /** Argument `index` of the present request. */
  requestArgument(index: number): void;
  argument(bytes: Uint8Array, offset: number, length: number): void;
  argumentText(latin1: string): void;
  argumentInteger(value: number): void;
  end(): void;
  /** The effects between the two are one unit that a torn log never splits. Units nest; the outermost counts. */
  beginUnit(): void;
  endUnit(): void;
}

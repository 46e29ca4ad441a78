import { equalsIgnoreCase, latin1, parseInt64, parseInteger } from "../base/bytes.ts";
import type { Keyspace } from "../engine/keyspace.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import { STRING_BYTES_MAX } from "../value/string.ts";
import type { ServerFace } from "./server-face.ts";
import type { SessionFace } from "./session-face.ts";

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

  constructor(parts: {
    keyspace: Keyspace;
    reply: ReplyWriter;
    effects: EffectSink;
    server: ServerFace;
    request: Request;
    session: SessionFace;
  }) {
    this.keyspace = parts.keyspace;
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
    return this.keyspace.findForRead(this.db, this.request.bytes, this.offset(index), this.length(index));
  }
  findForWrite(index: number): boolean {
    return this.keyspace.findForWrite(this.db, this.request.bytes, this.offset(index), this.length(index));
  }
  peek(index: number): boolean {
    return this.keyspace.peek(this.db, this.request.bytes, this.offset(index), this.length(index));
  }
  remove(index: number): boolean {
    return this.keyspace.remove(this.db, this.request.bytes, this.offset(index), this.length(index));
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
  /** The effects between the two are one unit that a torn log never splits. May not nest. */
  beginUnit(): void;
  endUnit(): void;
}

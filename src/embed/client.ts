/**
 * A client of a database in the same process: commands in, decoded replies out, no socket between.
 *
 * Invariants: calls execute in the order in which they were made; calls of one microtask run share a turn, and
 * so one append to the log; a promise resolves only when the reply might have left a server: written, or under
 * `always` durable.
 *
 * Keys and values are bytes; strings are taken as UTF-8 for convenience. Errors of commands reject with a
 * ReplyError whose message is Redis's text.
 */
import { FerriteError } from "../base/errors.ts";
import type { Database } from "../database/database.ts";
import { EXECUTED, HELD_BACK } from "../database/executor.ts";
import type { Session, SessionCarrier } from "../database/session.ts";
import { type PlainReply, plainReply, type Reply, ReplyError } from "../protocol/reply.ts";
import { ReplyReader } from "../protocol/reply-reader.ts";
import { GrowingOutput, type ReplyWriter } from "../protocol/reply-writer.ts";
import { Request } from "../protocol/request.ts";

export type Bytes = string | Uint8Array;
export type Argument = Bytes | number | bigint;

export interface SetOptions {
  /** Time to live in milliseconds, or an absolute time. */
  readonly ttlMs?: number;
  readonly expireAt?: Date;
  /** Set only if the key does not exist / does exist. */
  readonly onlyIf?: "absent" | "present";
  /** Keep the time to live that the key has. */
  readonly keepTtl?: boolean;
}

export interface ScanOptions {
  /** A glob as KEYS takes it. */
  readonly match?: Bytes;
  readonly type?: string;
  /** About how many keys to look at per step. */
  readonly count?: number;
}

interface Pending {
  readonly request: Request;
  readonly settle: (reply: Reply) => void;
  readonly fail: (error: Error) => void;
}

interface Answered {
  readonly pending: Pending;
  readonly reply: Reply;
}

/** Answers that wait for their effects to be acknowledged. */
interface Waiting {
  readonly lsn: number;
  readonly answered: readonly Answered[];
}

const toArgument = (value: Argument): string | Uint8Array =>
  typeof value === "number" || typeof value === "bigint" ? String(value) : value;

export class Client implements SessionCarrier {
  readonly peerAddress = "";
  readonly localAddress = "";
  readonly descriptor = -1;
  readonly #database: Database;
  readonly #session: Session;
  readonly #out = new GrowingOutput();
  readonly #reader = new ReplyReader();
  #queue: Pending[] = [];
  #scheduled = false;
  /** The call whose reply was deferred; those behind it wait. */
  #deferred: Pending | undefined;
  #waiting: Waiting[] = [];
  #closed = false;

  constructor(database: Database) {
    this.#database = database;
    this.#session = database.openSession(this);
    // A program that holds the database in its hands needs no password.
    this.#session.authenticated = true;
    this.#session.resp = 3;
    database.onAcknowledged((lsn) => this.#onAcknowledged(lsn));
  }

  /** Any command, by name and arguments; the reply as plain values, byte strings as bytes. */
  async call(...args: readonly Argument[]): Promise<PlainReply> {
    return plainReply(await this.#enqueue(args), "bytes");
  }

  /** Several commands in one turn; errors stand in the array as ReplyError objects. */
  async pipeline(commands: readonly (readonly Argument[])[]): Promise<PlainReply[]> {
    const replies = commands.map((args) => this.#enqueue(args).catch((error: unknown) => asReplyError(error)));
    return (await Promise.all(replies)).map((reply) => plainReply(reply, "bytes"));
  }

  async get(key: Bytes): Promise<Uint8Array | null> {
    return (await this.#enqueue(["GET", key])) as Uint8Array | null;
  }
  async getText(key: Bytes): Promise<string | null> {
    const value = await this.get(key);
    return value === null ? null : Buffer.from(value).toString("utf8");
  }

  /** False if `onlyIf` kept it from being set. */
  async set(key: Bytes, value: Argument, options: SetOptions = {}): Promise<boolean> {
    const args: Argument[] = ["SET", key, value];
    if (options.ttlMs !== undefined) args.push("PX", options.ttlMs);
    if (options.expireAt !== undefined) args.push("PXAT", options.expireAt.getTime());
    if (options.keepTtl === true) args.push("KEEPTTL");
    if (options.onlyIf !== undefined) args.push(options.onlyIf === "absent" ? "NX" : "XX");
    return (await this.#enqueue(args)) !== null;
  }

  /** How many of the keys existed. */
  async del(...keys: readonly Bytes[]): Promise<number> {
    return keys.length === 0 ? 0 : ((await this.#enqueue(["DEL", ...keys])) as number);
  }
  /** False if the key does not exist. */
  async expire(key: Bytes, ttlMs: number): Promise<boolean> {
    return (await this.#enqueue(["PEXPIRE", key, ttlMs])) === 1;
  }
  /** Remaining milliseconds; undefined for a key without expiry, null for no key. */
  async ttlMs(key: Bytes): Promise<number | undefined | null> {
    const reply = (await this.#enqueue(["PTTL", key])) as number;
    return reply === -2 ? null : reply === -1 ? undefined : reply;
  }

  /** Every key that is present throughout at least once; some perhaps twice. */
  async *scan(options: ScanOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const tail: Argument[] = [];
    if (options.match !== undefined) tail.push("MATCH", options.match);
    if (options.count !== undefined) tail.push("COUNT", options.count);
    if (options.type !== undefined) tail.push("TYPE", options.type);
    let cursor = "0";
    do {
      const reply = (await this.#enqueue(["SCAN", cursor, ...tail])) as [Uint8Array, Uint8Array[]];
      cursor = Buffer.from(reply[0]).toString("latin1");
      yield* reply[1];
    } while (cursor !== "0");
  }

  /** Lets calls that were made finish, then refuses further ones. */
  protected async finish(): Promise<void> {
    if (!this.#closed && (this.#queue.length > 0 || this.#waiting.length > 0 || this.#deferred !== undefined)) {
      await this.#enqueue(["PING"]).catch(() => {});
    }
    this.#closed = true;
    this.#database.closeSession(this.#session);
  }

  #enqueue(args: readonly Argument[]): Promise<Reply> {
    if (this.#closed) return Promise.reject(new FerriteError("closed", "the database is closed"));
    if (args.length === 0) return Promise.reject(new FerriteError("usage", "a call needs the name of a command"));
    return new Promise((settle, fail) => {
      this.#queue.push({ request: Request.of(args.map(toArgument)), settle, fail });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#run());
  }

  /** One turn with everything that is queued, up to a call that has to wait. */
  #run(): void {
    this.#scheduled = false;
    const database = this.#database;
    const session = this.#session;
    const answered: Answered[] = [];
    database.beginTurn();
    let taken = 0;
    while (taken < this.#queue.length && !session.suspended && !session.paused && !session.closing) {
      const pending = this.#queue[taken]!;
      database.enter(session, this.#out);
      const outcome = database.execute(session, pending.request);
      if (outcome === HELD_BACK) break;
      taken++;
      if (outcome !== EXECUTED && session.suspended) {
        this.#deferred = pending;
        break;
      }
      answered.push({ pending, reply: this.#takeReply() });
    }
    this.#queue = this.#queue.slice(taken);
    database.commitTurn();
    this.#answer(answered);
  }

  #takeReply(): Reply {
    this.#reader.push(this.#out.written());
    this.#out.clear();
    const reply = this.#reader.next();
    return reply === undefined ? null : reply;
  }

  #answer(answered: readonly Answered[]): void {
    if (answered.length === 0) return;
    if (this.#waiting.length === 0 && this.#database.isAcknowledged) settleAll(answered);
    else this.#waiting.push({ lsn: this.#database.lastLsn, answered });
  }

  #onAcknowledged(lsn: number): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.lsn <= lsn) settleAll(this.#waiting.shift()!.answered);
  }

  // -- carrier of its session ----------------------------------------------------------------------------------

  write(write: (reply: ReplyWriter) => void): void {
    const before = this.#database.borrowTarget(this.#session, this.#out);
    write(this.#database.reply);
    this.#database.restoreTarget(before);
    const pending = this.#deferred;
    this.#deferred = undefined;
    const reply = this.#takeReply();
    if (pending !== undefined) this.#answer([{ pending, reply }]);
  }
  resume(): void {
    if (this.#queue.length > 0) this.#schedule();
  }
  close(): void {
    this.#closed = true;
    const queue = this.#queue;
    this.#queue = [];
    for (const pending of queue) pending.fail(new FerriteError("closed", "the client was closed"));
    this.#database.closeSession(this.#session);
  }
  inputBytes(): number {
    return 0;
  }
  outputBytes(): number {
    return 0;
  }
}

function settleAll(answered: readonly Answered[]): void {
  for (const { pending, reply } of answered) {
    if (reply instanceof ReplyError) pending.fail(reply);
    else pending.settle(reply);
  }
}

function asReplyError(error: unknown): ReplyError {
  if (error instanceof ReplyError) return error;
  throw error;
}

/**
 * A client of a database in the same process: commands in, values out, no socket and no protocol between.
 *
 * Invariants: calls execute in the order in which they were made; a promise resolves only when the reply might have
 * left a server: written, or under `persistence.aof_sync = "always"` durable. An error that a command answers
 * rejects with a ReplyError, whose message is Redis's text; everything else with a FerriteError.
 *
 * Keys and values are bytes; a string is taken as UTF-8. Byte strings in results are copies that belong to the caller,
 * and arguments are copied before a method returns. Each client is a session of its own, as a connection
 * is: it has its own selected database and name.
 */
import { FerriteError } from "../base/errors.ts";
import type { PlainReply, ReplyError } from "../protocol/reply.ts";
import { type Receiver, SingleReceiver } from "./local-call.ts";
import type { LocalSession } from "./local-session.ts";
import type { LocalTurns } from "./local-turns.ts";
import {
  type Decode,
  decodeBytes,
  decodeIsOk,
  decodeIsOne,
  decodeNothing,
  decodeText,
} from "./reply-decoder.ts";
import type { Argument } from "./request-arena.ts";

/** A key or a value: bytes, or text that is taken as UTF-8. */
export type Bytes = string | Uint8Array;

/** How long a key lives: milliseconds from now, or until a moment. */
export type Lifetime = { readonly ttlMs: number } | { readonly expireAt: Date };

export interface SetOptions {
  readonly ttlMs?: number;
  readonly expireAt?: Date;
  /** Keeps the lifetime that the key has; without it a key that is set lives on. */
  readonly keepTtl?: boolean;
  /** Sets only a key that does not exist, or only one that does. */
  readonly onlyIf?: "absent" | "present";
}

export interface ScanOptions {
  /** A glob, as KEYS takes it. */
  readonly match?: Bytes;
  /** Only keys of this type: "string", … */
  readonly type?: string;
  /** About how many keys to look at per step. */
  readonly count?: number;
}

export interface PipelineOptions {
  /** Byte strings in the replies become text (UTF-8). */
  readonly text?: boolean;
}

export class FerriteClient implements AsyncDisposable {
  readonly #turns: LocalTurns;
  readonly #local: LocalSession;

  constructor(turns: LocalTurns, local: LocalSession) {
    this.#turns = turns;
    this.#local = local;
  }

  /** As CLIENT ID answers it. */
  get id(): number {
    return this.#local.session.id;
  }

  #call<Value>(args: readonly Argument[], decode: Decode): Promise<Value> {
    return new Promise((resolve, reject) => {
      const receiver = new SingleReceiver(resolve as (value: unknown) => void, reject);
      this.#turns.call(this.#local, args, decode, receiver, 0);
    });
  }

  // -- any command ---------------------------------------------------------------------------------------------

  /** Any command, by name and arguments. Byte strings in the reply are bytes; maps and sets are Map and Set. */
  call(...args: readonly Argument[]): Promise<PlainReply> {
    return this.#call(args, decodeBytes);
  }

  /** As `call`, with byte strings in the reply as text (UTF-8, what is invalid replaced). */
  callText(...args: readonly Argument[]): Promise<PlainReply> {
    return this.#call(args, decodeText);
  }

  /**
   * Several commands, executed one after the other without anything in between (unless one of them has to wait), and
   * logged together. Resolves with a reply per command; a command's error is in its place as a ReplyError. Rejects if
   * the database is closed meanwhile; commands before that may have been executed.
   */
  pipeline(commands: readonly (readonly Argument[])[], options: PipelineOptions = {}): Promise<PlainReply[]> {
    const decode = options.text === true ? decodeText : decodeBytes;
    return new Promise((resolve, reject) => {
      const replies = new PipelineReceiver(commands.length, resolve, reject);
      for (let i = 0; i < commands.length; i++) {
        this.#turns.call(this.#local, commands[i]!, decode, replies, i);
      }
    });
  }

  // -- strings -------------------------------------------------------------------------------------------------

  /** The value, or null if there is no such key. */
  get(key: Bytes): Promise<Uint8Array | null> {
    return this.#call(["GET", key], decodeBytes);
  }

  getText(key: Bytes): Promise<string | null> {
    return this.#call(["GET", key], decodeText);
  }

  /** The value, which is then deleted. */
  getDel(key: Bytes): Promise<Uint8Array | null> {
    return this.#call(["GETDEL", key], decodeBytes);
  }

  /** False if `onlyIf` kept it from being set. */
  set(key: Bytes, value: Argument, options?: SetOptions): Promise<boolean> {
    const args: Argument[] = ["SET", key, value];
    if (options === undefined) return this.#call(args, decodeIsOk);
    const { ttlMs, expireAt, keepTtl, onlyIf } = options;
    const given = Number(ttlMs !== undefined) + Number(expireAt !== undefined) + Number(keepTtl === true);
    if (given > 1) {
      return refused("set: expected at most one of ttlMs, expireAt and keepTtl");
    }
    if (ttlMs !== undefined) args.push("PX", ttlMs);
    if (expireAt !== undefined) args.push("PXAT", expireAt.getTime());
    if (keepTtl === true) args.push("KEEPTTL");
    if (onlyIf !== undefined) args.push(onlyIf === "absent" ? "NX" : "XX");
    return this.#call(args, decodeIsOk);
  }

  /** The values in the order of the keys; null for a key that does not exist or is no string. */
  mget(...keys: readonly Bytes[]): Promise<(Uint8Array | null)[]> {
    return keys.length === 0 ? Promise.resolve([]) : this.#call(["MGET", ...keys], decodeBytes);
  }

  mgetText(...keys: readonly Bytes[]): Promise<(string | null)[]> {
    return keys.length === 0 ? Promise.resolve([]) : this.#call(["MGET", ...keys], decodeText);
  }

  /** Sets all at once: a crash keeps all of them or none. Takes pairs, such as a Map, or an object. */
  mset(entries: Iterable<readonly [Bytes, Argument]> | Readonly<Record<string, Argument>>): Promise<void> {
    const pairs = Symbol.iterator in entries ? entries : Object.entries(entries);
    const args: Argument[] = ["MSET"];
    for (const [key, value] of pairs) args.push(key, value);
    return args.length === 1 ? Promise.resolve() : this.#call(args, decodeNothing);
  }

  /** Adds to an integer, 0 if there is none; the sum, a bigint beyond 2^53. */
  incr(key: Bytes, by: number | bigint = 1): Promise<number | bigint> {
    return this.#call(["INCRBY", key, by], decodeBytes);
  }

  incrByFloat(key: Bytes, by: number): Promise<number> {
    return this.#call<string>(["INCRBYFLOAT", key, by], decodeText).then(Number);
  }

  /** The length afterwards, in bytes. */
  append(key: Bytes, value: Argument): Promise<number> {
    return this.#call(["APPEND", key, value], decodeBytes);
  }

  /** The length in bytes; 0 if there is no such key. */
  strlen(key: Bytes): Promise<number> {
    return this.#call(["STRLEN", key], decodeBytes);
  }

  // -- keys ----------------------------------------------------------------------------------------------------

  /** How many of the keys existed. */
  del(...keys: readonly Bytes[]): Promise<number> {
    return keys.length === 0 ? Promise.resolve(0) : this.#call(["DEL", ...keys], decodeBytes);
  }

  /** How many of the keys exist; a key that is given twice counts twice. */
  exists(...keys: readonly Bytes[]): Promise<number> {
    return keys.length === 0 ? Promise.resolve(0) : this.#call(["EXISTS", ...keys], decodeBytes);
  }

  /** "string", …; "none" if there is no such key. */
  type(key: Bytes): Promise<string> {
    return this.#call(["TYPE", key], decodeText);
  }

  /** False if there is no such key. A lifetime that is over deletes the key. */
  expire(key: Bytes, lifetime: Lifetime): Promise<boolean> {
    return "ttlMs" in lifetime
      ? this.#call(["PEXPIRE", key, lifetime.ttlMs], decodeIsOne)
      : this.#call(["PEXPIREAT", key, lifetime.expireAt.getTime()], decodeIsOne);
  }

  /** False if the key had no expiry, or does not exist. */
  persist(key: Bytes): Promise<boolean> {
    return this.#call(["PERSIST", key], decodeIsOne);
  }

  /** Remaining milliseconds; Infinity for a key that does not expire, null if there is no such key. */
  ttlMs(key: Bytes): Promise<number | null> {
    return this.#call<number>(["PTTL", key], decodeBytes).then((ttlMs) =>
      ttlMs === -2 ? null : ttlMs === -1 ? Number.POSITIVE_INFINITY : ttlMs,
    );
  }

  /** Rejects with a ReplyError if `from` does not exist; replaces `to`. */
  rename(from: Bytes, to: Bytes): Promise<void> {
    return this.#call(["RENAME", from, to], decodeNothing);
  }

  /**
   * The keys of the selected database: each that is there from the beginning to the end at least once, perhaps twice;
   * what comes or goes meanwhile, perhaps. The database may be changed while iterating.
   */
  async *scan(options: ScanOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const tail = scanArguments(options);
    let cursor: Argument = 0;
    do {
      const step: [Uint8Array, Uint8Array[]] = await this.#call(["SCAN", cursor, ...tail], decodeBytes);
      cursor = step[0];
      yield* step[1];
    } while (!isZero(cursor));
  }

  async *scanText(options: ScanOptions = {}): AsyncGenerator<string, void, undefined> {
    for await (const key of this.scan(options))
      yield Buffer.from(key.buffer, key.byteOffset, key.length).toString();
  }

  // -- messages ------------------------------------------------------------------------------------------------

  /** Sends a message to the subscribers of a channel; how many times it was sent. See FerriteDatabase.subscribe. */
  publish(channel: Bytes, message: Argument): Promise<number> {
    return this.#call(["PUBLISH", channel, message], decodeBytes);
  }

  // -- databases -----------------------------------------------------------------------------------------------

  /** Makes another of the numbered databases the one that this client's commands work on. */
  select(database: number): Promise<void> {
    return this.#call(["SELECT", database], decodeNothing);
  }

  /** Keys in the selected database. */
  dbSize(): Promise<number> {
    return this.#call(["DBSIZE"], decodeBytes);
  }

  /** Deletes every key of the selected database. */
  flushDatabase(): Promise<void> {
    return this.#call(["FLUSHDB"], decodeNothing);
  }

  /** Resolves when everything that was acknowledged before is on disk, whatever `persistence.aof_sync` says. */
  sync(): Promise<void> {
    return this.#call(["AOF", "SYNC"], decodeNothing);
  }

  // -- end -----------------------------------------------------------------------------------------------------

  /**
   * Executes what was called, then ends the session. Calls that are held back, or wait for something, reject with
   * FerriteError("closed"), as does every later call. Idempotent.
   */
  async close(): Promise<void> {
    this.#turns.finish(this.#local);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const refused = (message: string): Promise<never> => Promise.reject(new FerriteError("usage", message));

const isZero = (cursor: Uint8Array): boolean => cursor.length === 1 && cursor[0] === 48;

function scanArguments(options: ScanOptions): Argument[] {
  const args: Argument[] = [];
  if (options.match !== undefined) args.push("MATCH", options.match);
  if (options.count !== undefined) args.push("COUNT", options.count);
  if (options.type !== undefined) args.push("TYPE", options.type);
  return args;
}

/** Gathers the replies of a pipeline; one promise for all of them. */
class PipelineReceiver implements Receiver {
  readonly #replies: PlainReply[];
  readonly #resolve: (replies: PlainReply[]) => void;
  readonly #reject: (error: Error) => void;
  #missing: number;

  constructor(count: number, resolve: (replies: PlainReply[]) => void, reject: (error: Error) => void) {
    this.#replies = new Array<PlainReply>(count).fill(null);
    this.#resolve = resolve;
    this.#reject = reject;
    this.#missing = count;
    if (count === 0) resolve(this.#replies);
  }

  settle(index: number, value: unknown): void {
    this.#replies[index] = value as PlainReply;
    if (--this.#missing === 0) this.#resolve(this.#replies);
  }

  refuse(index: number, error: Error): void {
    if (error instanceof FerriteError) this.#reject(error);
    else this.settle(index, error as ReplyError);
  }
}

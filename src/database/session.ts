/**
 * The state of one client of the database, whatever carries its bytes: a socket, the library, the log.
 *
 * A session that is `suspended` executes nothing: its carrier keeps what arrives and goes on when `resume` is
 * called. A deferred reply, waiting for a key that somebody may fill (BLPOP), CLIENT PAUSE, a log that has failed and (for
 * tiers below memory) a key that is on its way all use this one mechanism.
 */
import { assert } from "../base/assert.ts";
import type { ClientEntry } from "../commands/client-entry.ts";
import type { PushMessage, SessionFace } from "../commands/session-face.ts";
import type { ResolvedCommand } from "../commands/table.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Transaction } from "./transaction.ts";

/** What carries a session's bytes. */
export interface SessionCarrier {
  readonly peerAddress: string;
  readonly localAddress: string;
  readonly descriptor: number;
  /** Writes replies outside of the session's own command: deferred replies, MONITOR lines, pushes. */
  write(write: (reply: ReplyWriter) => void): void;
  /** Sends a message; see SessionFace. */
  push(message: PushMessage): void;
  /** The session may execute again: take up what was kept. Never called inside a command. */
  resume(): void;
  /** Closes; with `flush` after what was written has left. */
  close(flush: boolean): void;
  /** Bytes received and not yet executed; bytes written and not yet taken by the kernel. */
  inputBytes(): number;
  outputBytes(): number;
}

export type ReplyMode = "on" | "off" | "skip";

/** A command of the session that waits for keys; see WaitingClients. */
export interface KeyWait {
  unblock(how: "timeout" | "error"): void;
}

/** A key that a session watches; see Watches. */
export interface WatchedKey {
  readonly session: Session;
  readonly db: number;
  readonly bytes: Uint8Array;
  /** The bytes as text. */
  readonly name: string;
  /** The record's when WATCH was called, or that of absence. */
  readonly version: number;
}

export class Session implements SessionFace, ClientEntry {
  readonly id: number;
  readonly carrier: SessionCarrier;
  readonly createdMs: number;
  db = 0;
  resp: 2 | 3 = 2;
  user = "default";
  name = "";
  libraryName = "";
  libraryVersion = "";
  noEvict = false;
  noTouch = false;
  monitoring = false;
  /** Wall clock of the last turn in which the session executed something. */
  lastActiveMs: number;
  lastResolved: ResolvedCommand | undefined;
  inputTotal = 0;
  outputTotal = 0;

  closing = false;
  closed = false;
  suspended = false;
  /** CLIENT PAUSE holds its next command. */
  paused = false;
  /** Its body is on the stack: a kill has to wait for the reply. */
  executing = false;
  /** Nothing about the session needs a check before a command runs. */
  plain = true;

  #authenticated = true;
  #replyMode: ReplyMode = "on";
  #deferred: ((write: (reply: ReplyWriter) => void) => void) | undefined;

  subscriptions = 0;
  patternSubscriptions = 0;
  shardSubscriptions = 0;
  /** Any of the three: it is sent messages, and in RESP2 may do little else than subscribe. */
  subscribed = false;

  #transaction: Transaction | undefined;
  /** What it watches, and what that takes; kept by Watches. */
  watched: WatchedKey[] = [];
  watchedBytes = 0;
  /** A watched key has changed, as far as anybody has looked: EXEC looks once more. */
  watchBroken = false;
  #keyWait: KeyWait | undefined;
  /** The present command's reply goes nowhere. */
  silenced = false;

  constructor(parts: { id: number; carrier: SessionCarrier; nowMs: number; authenticated: boolean }) {
    this.id = parts.id;
    this.carrier = parts.carrier;
    this.createdMs = parts.nowMs;
    this.lastActiveMs = parts.nowMs;
    this.authenticated = parts.authenticated;
  }

  get authenticated(): boolean {
    return this.#authenticated;
  }
  set authenticated(value: boolean) {
    this.#authenticated = value;
    this.#judge();
  }
  get replyMode(): ReplyMode {
    return this.#replyMode;
  }
  set replyMode(value: ReplyMode) {
    this.#replyMode = value;
    this.#judge();
  }
  #judge(): void {
    const isOrdinary = this.#authenticated && this.#replyMode === "on" && !this.subscribed;
    this.plain = isOrdinary && this.#transaction === undefined;
  }

  setSubscriptions(channels: number, patterns: number, shardChannels: number): void {
    this.subscriptions = channels;
    this.patternSubscriptions = patterns;
    this.shardSubscriptions = shardChannels;
    this.subscribed = channels + patterns + shardChannels > 0;
    this.#judge();
  }

  /** After a command: may the next one be executed? */
  get mayContinue(): boolean {
    return !this.closing && !this.suspended;
  }

  /** What was queued since MULTI; undefined outside a transaction. Set by Transactions. */
  get transaction(): Transaction | undefined {
    return this.#transaction;
  }
  set transaction(value: Transaction | undefined) {
    this.#transaction = value;
    this.#judge();
  }
  get queuedCommands(): number {
    return this.#transaction === undefined ? -1 : this.#transaction.commands.length;
  }
  get transactionBytes(): number {
    return (this.#transaction?.queue.sizeBytes ?? 0) + this.watchedBytes;
  }

  get blocked(): boolean {
    return this.#deferred !== undefined || this.#keyWait !== undefined;
  }
  get keyWait(): KeyWait | undefined {
    return this.#keyWait;
  }
  get lastCommand(): string {
    return this.lastResolved === undefined ? "NULL" : this.lastResolved.fullName;
  }
  get peerAddress(): string {
    return this.carrier.peerAddress;
  }
  get localAddress(): string {
    return this.carrier.localAddress;
  }
  get descriptor(): number {
    return this.carrier.descriptor;
  }
  get inputBytes(): number {
    return this.carrier.inputBytes();
  }
  get outputBytes(): number {
    return this.carrier.outputBytes();
  }

  push(message: PushMessage): void {
    this.carrier.push(message);
  }

  closeAfterReply(): void {
    this.closing = true;
  }

  defer(): (write: (reply: ReplyWriter) => void) => void {
    assert(this.#deferred === undefined, "a command deferred its reply twice");
    this.suspended = true;
    const answer = (write: (reply: ReplyWriter) => void): void => {
      if (this.#deferred !== answer) return;
      this.#deferred = undefined;
      this.suspended = false;
      if (this.closed) return;
      this.carrier.write(write);
      this.carrier.resume();
    };
    this.#deferred = answer;
    return answer;
  }

  /** The present command waits for keys: nothing more is executed before `endWait`. */
  beginWait(wait: KeyWait): void {
    assert(!this.blocked, "a command waits twice");
    this.#keyWait = wait;
    this.suspended = true;
  }

  /** It has its answer, or is gone; it stays suspended until `goOn`. */
  endWait(): void {
    this.#keyWait = undefined;
  }

  /** After `endWait`, when commands of this session may be executed again. */
  goOn(): void {
    this.suspended = false;
    this.carrier.resume();
  }

  kill(): void {
    if (this.executing) this.closing = true;
    else this.carrier.close(false);
  }

  /** What waits for the disk (WAITAOF, AOF SYNC) cannot be unblocked. */
  unblock(how: "timeout" | "error"): boolean {
    if (this.#keyWait === undefined) return false;
    this.#keyWait.unblock(how);
    return true;
  }

  sendMonitorLine(line: string): void {
    this.carrier.write((reply) => reply.simple(line));
  }

  reset(authenticated: boolean): void {
    this.db = 0;
    this.resp = 2;
    this.authenticated = authenticated;
    this.user = "default";
    this.name = "";
    this.noEvict = false;
    this.noTouch = false;
    this.replyMode = "on";
    this.monitoring = false;
  }
}

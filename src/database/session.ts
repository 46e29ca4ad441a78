/**
 * The state of one client of the database, whatever carries its bytes: a socket, the library, the log.
 *
 * A session that is `suspended` executes nothing: its carrier keeps what arrives and goes on when `resume` is
 * called. A deferred reply, CLIENT PAUSE, a log that has failed and (for tiers below memory) a key that is on
 * its way all use this one mechanism.
 */
import { assert } from "../base/assert.ts";
import type { ClientEntry } from "../commands/client-entry.ts";
import type { SessionFace } from "../commands/session-face.ts";
import type { ResolvedCommand } from "../commands/table.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";

/** What carries a session's bytes. */
export interface SessionCarrier {
  readonly peerAddress: string;
  readonly localAddress: string;
  readonly descriptor: number;
  /** Writes replies outside of the session's own command: deferred replies, MONITOR lines, pushes. */
  write(write: (reply: ReplyWriter) => void): void;
  /** The session may execute again: take up what was kept. Never called inside a command. */
  resume(): void;
  /** Closes; with `flush` after what was written has left. */
  close(flush: boolean): void;
  /** Bytes received and not yet executed; bytes written and not yet taken by the kernel. */
  inputBytes(): number;
  outputBytes(): number;
}

export type ReplyMode = "on" | "off" | "skip";

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

  // Transactions, watched keys and subscriptions do not exist yet; other clients see that there are none.
  readonly subscriptions = 0;
  readonly patternSubscriptions = 0;
  readonly shardSubscriptions = 0;
  readonly queuedCommands = -1;
  readonly watchBroken = false;

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
    this.plain = this.#authenticated && this.#replyMode === "on";
  }

  /** After a command: may the next one be executed? */
  get mayContinue(): boolean {
    return !this.closing && !this.suspended;
  }

  get blocked(): boolean {
    return this.#deferred !== undefined;
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

  kill(): void {
    if (this.executing) this.closing = true;
    else this.carrier.close(false);
  }

  /** Nothing that waits today can be unblocked: WAITAOF and AOF SYNC wait for the disk. */
  unblock(_how: "timeout" | "error"): boolean {
    return false;
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

/**
 * From a request to its reply: finds the command, checks that it may run now, runs it, counts it.
 *
 * Invariants: a body runs only after arity, authentication, pause, log and memory checks have passed; exactly
 * one command runs at a time; a command that is held back has changed nothing and is executed again later.
 *
 * Hot-path file: a command for which nothing is unusual (`#attention` is 0 and the session is `plain`) goes
 * through one table lookup, an arity check and its body; nothing is allocated. Everything unusual is a bit in
 * `attention`, so that its checks cost nothing while it is absent.
 *
 * Time: reading the clock costs 50 ns, a twentieth of a command. Cheap commands (Redis's `fast` flag, or a
 * short SET) that follow one another directly under the same name are therefore timed together and each counts
 * its share; all others are timed one by one. The slow log names the last command of a group.
 */

import { equalsIgnoreCase } from "../base/bytes.ts";
import { FLAG_DENYOOM, FLAG_NO_AUTH, FLAG_SKIP_MONITOR, FLAG_WRITE } from "../commands/command-flags.ts";
import type { Context } from "../commands/context.ts";
import type { CommandTable, ResolvedCommand } from "../commands/table.ts";
import type { Clock } from "../ports/clock.ts";
import { GrowingOutput, type OutputSpace, type ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import type { Session } from "./session.ts";

/** The reply is written; the session may go on. */
export const EXECUTED = 0;
/** The session must not go on: its reply is deferred or it is closing. */
export const STOPPED = 1;
/** Nothing was executed: put the request back and try again when the session is resumed. */
export const HELD_BACK = 2;

/** The log cannot take effects: writes are refused. */
export const ATTENTION_LOG_FAILED = 1 << 0;
/** There is a memory cap. */
export const ATTENTION_MEMORY = 1 << 1;
/** CLIENT PAUSE is on. */
export const ATTENTION_PAUSE = 1 << 2;
/** Somebody monitors. */
export const ATTENTION_MONITORS = 1 << 3;

const GROUPED_REQUEST_BYTES_MAX = 4096;

/** What the executor asks others, all of it off the common path. */
export interface ExecutorPolicy {
  /** Frees memory; false if the cap is still exceeded. */
  makeRoom(): boolean;
  /** True if CLIENT PAUSE holds this command; remembers the session. */
  holdsBack(command: ResolvedCommand, session: Session): boolean;
  logFailure(): string;
  feedMonitors(session: Session, request: Request, command: ResolvedCommand): void;
  /** A client spoke HTTP; it is being closed without an answer. */
  crossProtocol(session: Session): void;
  /** An error reply was written: `errorstats`. */
  countError(text: string): void;
  /** A command or a group of `calls` alike took `microseconds`; the last one's request is given. */
  observe(command: ResolvedCommand, calls: number, microseconds: number): void;
  /** A single command took longer than the slow log's threshold. */
  slow(session: Session, request: Request, command: ResolvedCommand, microseconds: number): void;
}

export class Executor {
  readonly #table: CommandTable;
  readonly #context: Context;
  readonly #reply: ReplyWriter;
  readonly #policy: ExecutorPolicy;
  readonly #clock: Clock;
  readonly #discarded = new GrowingOutput(16 * 1024);
  /** ATTENTION_… bits. */
  attention = 0;
  /** Commands at or above this many microseconds are put into the slow log; Infinity switches it off. */
  slowMicroseconds = 10_000;
  /** Time every command by itself: for a slow log whose threshold is finer than a group's time. */
  timeAll = false;
  commandsExecuted = 0;

  #group: ResolvedCommand | undefined;
  #groupCalls = 0;
  #groupStartMs = 0;

  constructor(parts: {
    table: CommandTable;
    context: Context;
    reply: ReplyWriter;
    policy: ExecutorPolicy;
    clock: Clock;
  }) {
    this.#table = parts.table;
    this.#context = parts.context;
    this.#reply = parts.reply;
    this.#policy = parts.policy;
    this.#clock = parts.clock;
  }

  /** Executes one complete request for `session`, whose output the reply writer is on. */
  execute(session: Session, request: Request): number {
    return this.executeResolved(session, request, this.#table.lookup(request));
  }

  /** As `execute`, for a request that was looked up before; undefined stands for an unknown command. */
  executeResolved(session: Session, request: Request, command: ResolvedCommand | undefined): number {
    if (command === undefined) return this.#refuseUnknown(session, request);
    if (!command.accepts(request.argc) || command.execute === undefined) {
      return this.#refuse(session, this.#table.arityText(command), command);
    }
    if (this.attention !== 0 || !session.plain) {
      if (!session.authenticated && (command.flags & FLAG_NO_AUTH) === 0) {
        return this.#refuse(session, "NOAUTH Authentication required.", command);
      }
      const refusal = this.#unusual(session, request, command);
      if (refusal === HELD) return HELD_BACK;
      if (refusal !== undefined) return this.#refuse(session, refusal, command);
      if (session.replyMode !== "on") return this.#executeSilently(session, request, command);
    }
    return this.#run(session, request, command);
  }

  #run(session: Session, request: Request, command: ResolvedCommand): number {
    if (command !== this.#group) this.#startGroup(command);
    const context = this.#context;
    const reply = this.#reply;
    context.request = request;
    context.db = session.db;
    const errors = reply.errors;
    session.lastResolved = command;
    command.execute!(context);
    this.#groupCalls++;
    this.commandsExecuted++;
    if (reply.errors !== errors) this.#countFailure(command);
    if (!command.timedInGroups || this.timeAll || request.end - request.start > GROUPED_REQUEST_BYTES_MAX) {
      this.#endSingle(session, request);
    }
    return session.mayContinue ? EXECUTED : STOPPED;
  }

  #startGroup(command: ResolvedCommand): void {
    const nowMs = this.#clock.monotonicMs();
    this.#closeGroup(nowMs);
    this.#group = command;
    this.#groupStartMs = nowMs;
  }

  #closeGroup(nowMs: number): number {
    const group = this.#group;
    const calls = this.#groupCalls;
    this.#group = undefined;
    this.#groupCalls = 0;
    if (group === undefined || calls === 0) return 0;
    const microseconds = (nowMs - this.#groupStartMs) * 1000;
    this.#policy.observe(group, calls, microseconds);
    return microseconds;
  }

  #endSingle(session: Session, request: Request): void {
    const command = this.#group!;
    const microseconds = this.#closeGroup(this.#clock.monotonicMs());
    if (microseconds >= this.slowMicroseconds) this.#policy.slow(session, request, command, microseconds);
  }

  /** Closes the timing of the last group; at the end of a turn. */
  endTurn(): void {
    if (this.#group !== undefined) this.#closeGroup(this.#clock.monotonicMs());
  }

  /** Checks that only matter while something is out of the ordinary: undefined, a refusal, or HELD. */
  #unusual(session: Session, request: Request, command: ResolvedCommand): string | undefined {
    const { attention } = this;
    const { flags } = command;
    if ((attention & ATTENTION_PAUSE) !== 0 && this.#policy.holdsBack(command, session)) return HELD;
    if ((attention & ATTENTION_LOG_FAILED) !== 0 && (flags & FLAG_WRITE) !== 0)
      return this.#policy.logFailure();
    if ((attention & ATTENTION_MEMORY) !== 0 && !this.#policy.makeRoom() && (flags & FLAG_DENYOOM) !== 0) {
      return "OOM command not allowed when used memory > 'maxmemory'.";
    }
    if ((attention & ATTENTION_MONITORS) !== 0 && (flags & FLAG_SKIP_MONITOR) === 0) {
      this.#policy.feedMonitors(session, request, command);
    }
    return undefined;
  }

  /** CLIENT REPLY OFF and SKIP: the body runs, its reply goes nowhere. */
  #executeSilently(session: Session, request: Request, command: ResolvedCommand): number {
    const reply = this.#reply;
    const out: OutputSpace = reply.out;
    const before = session.replyMode;
    // "skip" is for one command; that command may be CLIENT REPLY SKIP again.
    if (before === "skip") session.replyMode = "on";
    reply.out = this.#discarded;
    const outcome = this.#run(session, request, command);
    reply.out = out;
    this.#discarded.clear();
    // CLIENT REPLY ON, which ends the silence, is answered.
    if (before === "off" && session.replyMode === "on") reply.ok();
    return outcome;
  }

  #refuse(session: Session, text: string, command: ResolvedCommand | undefined): number {
    if (command !== undefined) command.rejected++;
    if (session.replyMode === "skip") session.replyMode = "on";
    else if (session.replyMode === "on") this.#reply.error(text);
    this.#policy.countError(text);
    return EXECUTED;
  }

  /** A browser that was tricked into talking to us begins with such lines; what follows could be commands. */
  #refuseUnknown(session: Session, request: Request): number {
    const { bytes } = request;
    const offset = request.offsets[0]!;
    const length = request.lengths[0]!;
    if (equalsIgnoreCase(bytes, offset, length, "post") || equalsIgnoreCase(bytes, offset, length, "host:")) {
      this.#policy.crossProtocol(session);
      session.closing = true;
      return STOPPED;
    }
    return this.#refuse(session, this.#table.unknownText(request), undefined);
  }

  #countFailure(command: ResolvedCommand): void {
    command.failed++;
    this.#policy.countError(this.#reply.lastError);
  }
}

/** Stands for "not now" among refusal texts. */
const HELD = "";

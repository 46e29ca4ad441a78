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
import { FLAG_SKIP_MONITOR, FLAG_SKIP_SLOWLOG } from "../commands/command-flags.ts";
import type { Context } from "../commands/context.ts";
import type { CommandTable, ResolvedCommand } from "../commands/table.ts";
import type { Clock } from "../ports/clock.ts";
import { GrowingOutput, type OutputSpace, type ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import { Admission, type AdmissionPolicy, HELD, isSubscription } from "./admission.ts";
import { ATTENTION_MONITORS, ATTENTION_WATCHES } from "./attention.ts";
import type { Session } from "./session.ts";
import type { Transactions } from "./transactions.ts";
import type { WaitingClients } from "./waiting-clients.ts";
import type { Watches } from "./watches.ts";

/** The reply is written; the session may go on. */
export const EXECUTED = 0;
/** The session must not go on: its reply is deferred or it is closing. */
export const STOPPED = 1;
/** Nothing was executed: put the request back and try again when the session is resumed. */
export const HELD_BACK = 2;

const GROUPED_REQUEST_BYTES_MAX = 4096;

/** What the executor asks others, all of it off the common path. */
export interface ExecutorPolicy extends AdmissionPolicy {
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
  readonly #transactions: Transactions;
  readonly #watches: Watches;
  readonly #waiting: WaitingClients;
  readonly #admission: Admission;
  readonly #exec: ResolvedCommand | undefined;
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
    transactions: Transactions;
    watches: Watches;
    waiting: WaitingClients;
  }) {
    this.#table = parts.table;
    this.#transactions = parts.transactions;
    this.#watches = parts.watches;
    this.#waiting = parts.waiting;
    this.#exec = parts.table.named("exec");
    this.#admission = new Admission(parts.table, parts.policy);
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
    if (this.attention !== 0 || !session.plain) return this.#executeChecked(session, request, command);
    return this.#run(session, request, command);
  }

  /** While something is out of the ordinary. */
  #executeChecked(session: Session, request: Request, command: ResolvedCommand): number {
    const isExec = command === this.#exec;
    const refusal = this.#admission.refusal(this.attention, session, command);
    if (refusal === HELD) return HELD_BACK;
    if (refusal !== undefined) return this.#refuse(session, refusal, command);
    if (session.transaction !== undefined && this.#admission.isQueued(command))
      return this.#queue(session, request, command);
    if (!isExec) this.#feedMonitors(session, request, command);
    const lsn = this.#context.keyspace.lsn;
    const outcome =
      session.replyMode === "on"
        ? this.#run(session, request, command)
        : this.#executeSilently(session, request, command);
    // As in Redis those who monitor see EXEC after what it has executed; that has been looked at one by one, too.
    if (isExec) this.#feedMonitors(session, request, command);
    else this.#lookForWatched(command, lsn);
    if (this.#waiting.hasSignals) this.serveWaiting();
    return outcome;
  }

  #feedMonitors(session: Session, request: Request, command: ResolvedCommand): void {
    if ((this.attention & ATTENTION_MONITORS) !== 0 && (command.flags & FLAG_SKIP_MONITOR) === 0) {
      this.#policy.feedMonitors(session, request, command);
    }
  }

  /** The context's request was executed; `lsn` is what the next effect's was before. */
  #lookForWatched(command: ResolvedCommand, lsn: number): void {
    const context = this.#context;
    if ((this.attention & ATTENTION_WATCHES) === 0 || context.keyspace.lsn === lsn) return;
    this.#watches.afterWrite(command, context);
  }

  /** MULTI was called: the command is kept for EXEC. */
  #queue(session: Session, request: Request, command: ResolvedCommand): number {
    session.lastResolved = command;
    const refusal = this.#transactions.queue(session, request, command);
    if (refusal !== undefined) return this.#refuse(session, refusal, command);
    if (session.replyMode === "on") this.#reply.queued();
    else if (session.replyMode === "skip") session.replyMode = "on";
    return EXECUTED;
  }

  /**
   * Executes a command as part of another one's body (EXEC, a script), which has made all checks; the reply is written
   * where the writer is. Leaves the context on the inner request. An error that it answers is counted here, and is none of
   * the outer command.
   */
  runInner(session: Session, request: Request, command: ResolvedCommand): void {
    const context = this.#context;
    const { lsn } = context.keyspace;
    this.#feedMonitors(session, request, command);
    const { errors } = this.#reply;
    const startMs = this.#clock.monotonicMs();
    this.#runBody(session, request, command);
    this.#reply.errors = errors;
    const microseconds = (this.#clock.monotonicMs() - startMs) * 1000;
    this.commandsExecuted++;
    this.#policy.observe(command, 1, microseconds);
    if (microseconds >= this.slowMicroseconds) this.#noteSlow(session, request, command, microseconds);
    this.#lookForWatched(command, lsn);
  }

  #runBody(session: Session, request: Request, command: ResolvedCommand): void {
    const context = this.#context;
    const reply = this.#reply;
    context.request = request;
    context.db = session.db;
    const errors = reply.errors;
    command.execute!(context);
    if (reply.errors !== errors) this.#countFailure(command);
  }

  /** Serves clients that wait for keys that are ready now. Within a turn, between commands. */
  serveWaiting(): void {
    // What is done for them is not the time of the command that made the keys ready.
    this.endTurn();
    this.#waiting.serve(this.#executeAgain);
  }

  /** A command that waited counts as one call, the one that began to wait. */
  readonly #executeAgain = (session: Session, request: Request, command: ResolvedCommand): void => {
    const { lsn } = this.#context.keyspace;
    this.#runBody(session, request, command);
    this.#lookForWatched(command, lsn);
  };

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
    if (microseconds >= this.slowMicroseconds) this.#noteSlow(session, request, command, microseconds);
  }

  #noteSlow(session: Session, request: Request, command: ResolvedCommand, microseconds: number): void {
    if ((command.flags & FLAG_SKIP_SLOWLOG) !== 0) return;
    this.#policy.slow(session, request, command, microseconds);
  }

  /** Closes the timing of the last group; at the end of a turn. */
  endTurn(): void {
    if (this.#group !== undefined) this.#closeGroup(this.#clock.monotonicMs());
  }

  /** CLIENT REPLY OFF and SKIP: the body runs, its reply goes nowhere. */
  #executeSilently(session: Session, request: Request, command: ResolvedCommand): number {
    const reply = this.#reply;
    const out: OutputSpace = reply.out;
    const before = session.replyMode;
    // "skip" is for one command; that command may be CLIENT REPLY SKIP again.
    if (before === "skip") session.replyMode = "on";
    // Confirmed by pushes, and pushes are not silenced.
    if (isSubscription(command)) return this.#run(session, request, command);
    reply.out = this.#discarded;
    session.silenced = true;
    const outcome = this.#run(session, request, command);
    session.silenced = false;
    reply.out = out;
    this.#discarded.clear();
    // CLIENT REPLY ON, which ends the silence, is answered.
    if (before === "off" && session.replyMode === "on") reply.ok();
    return outcome;
  }

  #refuse(session: Session, text: string, command: ResolvedCommand | undefined): number {
    if (command !== undefined) command.rejected++;
    if (session.transaction !== undefined || command === this.#exec)
      text = this.#failTransaction(session, text, command);
    if (session.replyMode === "skip") session.replyMode = "on";
    else if (session.replyMode === "on") this.#reply.error(text);
    this.#policy.countError(text);
    return EXECUTED;
  }

  /** EXEC will fail; if it is EXEC that is refused, everything is over, WATCH too. Answers the error to send. */
  #failTransaction(session: Session, text: string, command: ResolvedCommand | undefined): string {
    if (command === undefined || command !== this.#exec) {
      this.#transactions.fail(session);
      return text;
    }
    this.#transactions.end(session);
    return `EXECABORT Transaction discarded because of: ${text.replace(/^ERR /, "")}`;
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

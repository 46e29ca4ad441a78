/**
 * The library's turns: the calls of one microtask, of all clients, are executed one after the other, their
 * effects are appended to the log together, and then their promises settle.
 *
 * Invariants
 *  - calls execute in the order in which they were made, those of one session strictly, and are never interleaved;
 *  - a promise settles only when a server's reply might have left: its effects, and those that it may have seen,
 *    are written, or under `always` durable. While the log has failed, reads and refusals settle at once;
 *  - no code of the program around runs inside a turn: promises settle and pushes arrive after it;
 *  - calls never keep the event loop from turning for long, however they are chained (loop-share.ts);
 *  - the process stays alive while a call waits for something, and is not kept alive by an idle database;
 *  - an exception that leaves a command is a broken invariant: nothing is executed any more, every call is
 *    refused, and the exception goes on to whoever handles uncaught ones.
 *
 * A microtask rather than executing at once: a program that makes several calls before it awaits gets one append,
 * and under `always` one sync, for all of them. What a turn costs is measured by bench/micro/embed.mjs.
 */
import { assert } from "../base/assert.ts";
import { FerriteError, messageOf } from "../base/errors.ts";
import type { PushMessage } from "../commands/session-face.ts";
import type { Carrier } from "../database/assembly.ts";
import type { Database } from "../database/database.ts";
import { HELD_BACK, STOPPED } from "../database/executor.ts";
import type { Clock } from "../ports/clock.ts";
import { GrowingOutput, type ReplyWriter } from "../protocol/reply-writer.ts";
import { Request } from "../protocol/request.ts";
import { KeepAlive } from "./keep-alive.ts";
import { LocalCall, type Receiver } from "./local-call.ts";
import { LocalSession } from "./local-session.ts";
import { LoopShare } from "./loop-share.ts";
import { type Decode, errorIn } from "./reply-decoder.ts";
import { type Argument, RequestArena } from "./request-arena.ts";

/** Requests beyond this are executed at once instead of in a microtask. */
const TURN_BYTES_MAX = 4 * 1024 * 1024;

/** Something that a session is sent without having asked, and the last effect that it may tell of. */
interface LocalPush {
  readonly local: LocalSession;
  readonly bytes: Uint8Array;
  lsn: number;
}

export interface LocalLimits {
  readonly argumentBytesMax: () => number;
  /** Bytes of calls that may wait behind a call that is held back. */
  readonly backlogBytesMax: () => number;
}

export class LocalTurns implements Carrier {
  readonly port = 0;
  readonly #database: Database;
  readonly #limits: LocalLimits;
  readonly #arena: RequestArena;
  readonly #request = new Request();
  readonly #out = new GrowingOutput();
  /** For what a session is sent outside of its own call: the present call's reply is in `#out`. */
  readonly #aside = new GrowingOutput();
  readonly #sessions = new Set<LocalSession>();
  #queue: LocalCall[] = [];
  #executed: LocalCall[] = [];
  /** Executed, and not acknowledged yet; in order of LSN. */
  #waiting: LocalCall[] = [];
  /** Pushes of the present turn, and those whose turn is not acknowledged yet; in order. */
  #pushed: LocalPush[] = [];
  #heldPushes: LocalPush[] = [];
  #resumed: LocalSession[] = [];
  #ending: LocalSession[] = [];
  /** Whose output the reply writer is on. */
  #entered: LocalSession | undefined;
  #turnOpen = false;
  /** Calls that were made and are not settled. */
  #unsettled = 0;
  #refusal: FerriteError | undefined;
  #broken = false;
  readonly #keepAlive: KeepAlive;
  readonly #schedule: LoopShare;

  constructor(database: Database, clock: Clock, limits: LocalLimits) {
    this.#database = database;
    this.#limits = limits;
    this.#arena = new RequestArena(limits.argumentBytesMax);
    this.#keepAlive = new KeepAlive(clock);
    this.#schedule = new LoopShare(clock, () => this.#run());
    database.onAcknowledged((lsn) => this.#onAcknowledged(lsn));
  }

  // -- sessions ------------------------------------------------------------------------------------------------

  open(onPush: ((bytes: Uint8Array, end: number) => void) | undefined): LocalSession {
    if (this.#refusal !== undefined) throw this.#refusal;
    const local = new LocalSession(this, onPush);
    local.session = this.#database.openSession(local);
    // A program that holds the database in its hands needs no password.
    local.session.authenticated = true;
    local.session.resp = 3;
    this.#sessions.add(local);
    return local;
  }

  /** Executes what was called; refuses what cannot be executed now, and what is called from here on. */
  finish(local: LocalSession): void {
    if (!this.#turnOpen) this.#run();
    this.close(local);
  }

  /** Ends a session: its calls that were not executed are refused. Idempotent. */
  close(local: LocalSession): void {
    if (local.session.closed) return;
    this.#refuseHeld(local, new FerriteError("closed", "the client is closed"));
    this.#sessions.delete(local);
    this.#database.closeSession(local.session);
    this.#watchLoop();
  }

  #refuseHeld(local: LocalSession, error: FerriteError): void {
    const { backlog, deferred } = local;
    local.backlog = [];
    local.backlogBytes = 0;
    local.deferred = undefined;
    if (deferred !== undefined) this.#refuse(deferred, error);
    for (const call of backlog) this.#refuse(call, error);
  }

  // -- calls ---------------------------------------------------------------------------------------------------

  /**
   * Takes a call; `receiver` is told once, after the turn that executes it (before this returns if so much is queued
   * that the turn runs now). Throws FerriteError for what cannot be called.
   */
  call(
    session: LocalSession,
    args: readonly Argument[],
    decode: Decode,
    receiver: Receiver,
    index: number,
  ): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (session.session.closed) throw new FerriteError("closed", "the client is closed");
    if (args.length === 0) throw new FerriteError("usage", "a call needs the name of a command");
    const arena = this.#arena;
    const start = arena.position;
    const firstArgument = arena.argumentCount;
    arena.add(args);
    const end = arena.position;
    this.#queue.push(
      new LocalCall({ session, decode, receiver, index, firstArgument, argc: args.length, start, end }),
    );
    this.#unsettled++;
    if (end > TURN_BYTES_MAX) this.#run();
    else this.#schedule.request(this.#database.nowMs);
  }

  /** One turn with everything that was called and everything that may go on. */
  #run(): void {
    if (this.#broken || (this.#queue.length === 0 && this.#resumed.length === 0)) return;
    this.#guarded(this.#executeAll);
    this.#schedule.ran(this.#database.nowMs);
  }

  readonly #executeAll = (): void => {
    const resumed = this.#resumed;
    if (resumed.length > 0) {
      this.#resumed = [];
      for (const local of resumed) this.#drain(local);
    }
    const queue = this.#queue;
    for (let i = 0; i < queue.length; i++) this.#dispatch(queue[i]!);
    queue.length = 0;
  };

  #dispatch(call: LocalCall): void {
    const local = call.session;
    if (local.backlog.length === 0 && local.mayExecute) {
      this.#arena.load(this.#request, call.firstArgument, call.argc, call.start, call.end);
      if (this.#execute(call, this.#request)) return;
    }
    this.#hold(call);
  }

  /** Executes the calls that were held back, until one is held back again. */
  #drain(local: LocalSession): void {
    const { backlog } = local;
    let done = 0;
    while (done < backlog.length && local.mayExecute) {
      const call = backlog[done]!;
      if (!this.#execute(call, call.held!)) break;
      local.backlogBytes -= call.size;
      done++;
    }
    assert(local.backlog === backlog, "a session was closed by its own call before the turn was over");
    backlog.splice(0, done);
  }

  /** False if the call was held back: it has changed nothing. */
  #execute(call: LocalCall, request: Request): boolean {
    const database = this.#database;
    const local = call.session;
    const { session } = local;
    if (this.#entered !== local) {
      database.enter(session, this.#out);
      this.#entered = local;
    }
    session.executing = true;
    const outcome = database.execute(session, request);
    session.executing = false;
    if (outcome === HELD_BACK) return false;
    if (outcome === STOPPED && session.blocked) local.deferred = call;
    else this.#takeReply(call, this.#out);
    if (session.closing) this.#ending.push(local);
    return true;
  }

  #takeReply(call: LocalCall, out: GrowingOutput): void {
    const end = out.position;
    // CLIENT REPLY OFF: nothing was written, and the call resolves with null.
    if (end === 0) call.value = null;
    else if ((call.error = errorIn(out.bytes, end)) === undefined) call.value = call.decode(out.bytes, end);
    out.clear();
    call.lsn = this.#database.lastLsn;
    this.#executed.push(call);
  }

  #hold(call: LocalCall): void {
    const local = call.session;
    if (local.session.closed || local.session.closing) {
      this.#refuse(call, new FerriteError("closed", "the client is closed"));
      return;
    }
    if (local.backlogBytes + call.size > this.#limits.backlogBytesMax()) {
      const text = `more than ${this.#limits.backlogBytesMax()} bytes of calls wait behind one that is held back; await some before making more`;
      this.#refuse(call, new FerriteError("unavailable", text));
      return;
    }
    call.held ??= this.#arena.detach(call.firstArgument, call.argc, call.start, call.end);
    local.backlog.push(call);
    local.backlogBytes += call.size;
  }

  /** A call that is not executed: its promise rejects. */
  #refuse(call: LocalCall, error: FerriteError): void {
    call.error = error;
    this.#settle(call);
  }

  #settle(call: LocalCall): void {
    this.#unsettled--;
    call.settle();
  }

  // -- turns ---------------------------------------------------------------------------------------------------

  /** Runs `work` in the present turn, or in one of its own. */
  within(work: () => void): void {
    if (this.#broken) return;
    if (this.#turnOpen) work();
    else this.#guarded(work);
  }

  #guarded(work: () => void): void {
    try {
      this.#begin();
      work();
      this.#end();
    } catch (error) {
      this.#break(error);
    }
  }

  #begin(): void {
    assert(!this.#turnOpen, "turns of the library nest");
    this.#turnOpen = true;
    this.#entered = undefined;
    this.#database.beginTurn();
    this.#database.effects.stableBytes = this.#arena.bytes;
  }

  #end(): void {
    const hadFailed = this.#database.logHasFailed;
    this.#database.commitTurn();
    this.#turnOpen = false;
    // A turn of the upkeep executes no calls: those that wait are still in the arena.
    if (this.#queue.length === 0) this.#arena.clear();
    if (this.#pushed.length > 0) this.#deliverPushed(hadFailed);
    this.#settleExecuted(hadFailed);
    if (this.#ending.length > 0) this.#closeEnding();
    this.#watchLoop();
  }

  #settleExecuted(hadFailed: boolean): void {
    const executed = this.#executed;
    if (executed.length === 0) return;
    const acknowledgedLsn = this.#acknowledgedLsn;
    for (let i = 0; i < executed.length; i++) {
      const call = executed[i]!;
      // Where the log had failed before, the turn holds no write that would have to be acknowledged: those were refused.
      if (hadFailed || call.lsn <= acknowledgedLsn) this.#settle(call);
      else this.#waiting.push(call);
    }
    executed.length = 0;
  }

  get #acknowledgedLsn(): number {
    return this.#database.log?.acknowledgedLsn ?? Number.POSITIVE_INFINITY;
  }

  #onAcknowledged(lsn: number): void {
    if (this.#heldPushes.length > 0) this.#releasePushes(lsn);
    const waiting = this.#waiting;
    let settled = 0;
    while (settled < waiting.length && waiting[settled]!.lsn <= lsn) this.#settle(waiting[settled++]!);
    if (settled > 0) this.#waiting = waiting.slice(settled);
    this.#watchLoop();
  }

  #closeEnding(): void {
    const ending = this.#ending;
    this.#ending = [];
    for (const local of ending) this.close(local);
  }

  // -- what does not come from a call --------------------------------------------------------------------------

  /** A deferred reply, or a push; see SessionCarrier. */
  writeOutOfCall(local: LocalSession, write: (reply: ReplyWriter) => void): void {
    if (local.session.closed || this.#broken) return;
    const call = local.session.blocked ? undefined : local.deferred;
    if (call !== undefined) {
      local.deferred = undefined;
      this.within(() => {
        this.#writeAside(local, write);
        this.#takeReply(call, this.#aside);
      });
    } else {
      this.#writeAside(local, write);
      if (this.#aside.position > 0) local.onPush?.(this.#aside.bytes, this.#aside.position);
      this.#aside.clear();
    }
  }

  /** Takes a message, which arrives when the replies of the turn may. Sessions of the library speak RESP3. */
  push(local: LocalSession, { bytes, length }: PushMessage): void {
    if (local.session.closed || local.onPush === undefined || this.#broken) return;
    this.within(() => this.#pushed.push({ local, bytes: bytes.slice(0, length), lsn: 0 }));
  }

  #deliverPushed(hadFailed: boolean): void {
    const pushed = this.#pushed;
    this.#pushed = [];
    const lsn = this.#database.lastLsn;
    const mayLeave = hadFailed || lsn <= this.#acknowledgedLsn;
    for (const push of pushed) {
      push.lsn = lsn;
      if (mayLeave && this.#heldPushes.length === 0) deliver(push);
      else this.#heldPushes.push(push);
    }
  }

  #releasePushes(acknowledgedLsn: number): void {
    const held = this.#heldPushes;
    let released = 0;
    while (released < held.length && held[released]!.lsn <= acknowledgedLsn) deliver(held[released++]!);
    this.#heldPushes = held.slice(released);
  }

  #writeAside(local: LocalSession, write: (reply: ReplyWriter) => void): void {
    const before = this.#database.borrowTarget(local.session, this.#aside);
    write(this.#database.reply);
    this.#database.restoreTarget(before);
  }

  resume(local: LocalSession): void {
    if (local.backlog.length === 0) return;
    this.#resumed.push(local);
    this.#schedule.request(this.#database.nowMs);
  }

  // -- upkeep and end ------------------------------------------------------------------------------------------

  get bufferedBytes(): number {
    let bytes = this.#arena.position;
    for (const local of this.#sessions) bytes += local.backlogBytes;
    return bytes;
  }

  tick(): void {}

  #watchLoop(): void {
    this.#keepAlive.update(this.#unsettled > 0);
  }

  /** Executes what was called and can be executed; every later call is refused. */
  beginClose(): void {
    this.#refusal ??= new FerriteError("closed", "the database is closed");
    this.#run();
  }

  /** Refuses every call that is still under way, and ends every session. */
  endClose(): void {
    const closed = new FerriteError("closed", "the database was closed before the call was executed");
    for (const local of [...this.#sessions]) {
      this.#refuseHeld(local, closed);
      this.close(local);
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    const lost = new FerriteError(
      "unavailable",
      "the call was executed, but the database was closed while the append-only file could not be written: what it changed is not on disk",
    );
    for (const call of waiting) this.#refuse(call, lost);
    this.#watchLoop();
  }

  #break(error: unknown): void {
    this.#broken = true;
    this.#refusal = new FerriteError(
      "closed",
      `the database stopped: ${messageOf(error)}; this is a defect of the program, please report it`,
      { cause: error },
    );
    const calls = [...this.#executed, ...this.#waiting, ...this.#queue];
    this.#executed = [];
    this.#waiting = [];
    this.#queue = [];
    for (const call of calls) this.#refuse(call, this.#refusal);
    for (const local of this.#sessions) this.#refuseHeld(local, this.#refusal);
    this.#watchLoop();
    queueMicrotask(() => {
      throw error;
    });
  }
}

function deliver({ local, bytes }: LocalPush): void {
  if (!local.session.closed) local.onPush?.(bytes, bytes.length);
}

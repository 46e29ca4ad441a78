/**
 * Clients that wait for keys: BLPOP and its kin. What bodies see of it is in commands/waiting-face.ts.
 *
 * Invariants
 *  - per key, who has waited longest is served first; a client that waits for several keys is in the line of each of them
 *    and leaves all of them at once;
 *  - a waiting client's request is executed again only after a whole command of somebody (EXEC and scripts as a whole),
 *    and what that makes ready is served before the next command: BLMOVE may wake another BLMOVE;
 *  - a client whose request finds nothing after all keeps its place and its deadline;
 *  - a session leaves here exactly once: served, out of time, unblocked or closed. It executes its next command only
 *    after the present turn's commands, never inside one.
 *
 * While nobody waits nothing is paid: `Context.waiters` is 0 and the executor is told by `onActive`. Executing the request
 * again, rather than a second implementation that hands elements over, keeps one meaning per command, and the log gets
 * the pop that happened.
 */
import { assert } from "../base/assert.ts";
import { cloneBytes, latin1 } from "../base/bytes.ts";
import type { Context } from "../commands/context.ts";
import type { ResolvedCommand } from "../commands/table.ts";
import { WAKE_AT_ANY_CHANGE, type WaitingFace } from "../commands/waiting-face.ts";
import type { Clock } from "../ports/clock.ts";
import { GrowingOutput, type ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import { Session } from "./session.ts";
import { Line, Waiter } from "./waiting-line.ts";

/** Executes a request again whose first execution found nothing; the executor. */
export type ExecuteAgain = (session: Session, request: Request, command: ResolvedCommand) => void;

export class WaitingClients implements WaitingFace {
  readonly #context: Context;
  readonly #clock: Clock;
  readonly #onActive: (active: boolean) => void;
  readonly #countError: (command: ResolvedCommand, text: string) => void;
  /** Per database, by the key's bytes as text. */
  readonly #lines: Map<string, Line>[];
  #signalled: Line[] = [];
  /** Whose request is being executed again. */
  #present: Waiter | undefined;
  #presentStays = false;
  #served: Session[] = [];
  readonly #out = new GrowingOutput();

  constructor(parts: {
    context: Context;
    clock: Clock;
    /** Called when the first client begins to wait and when the last one no longer does. */
    onActive: (active: boolean) => void;
    /** A command that waited was answered with an error from outside. */
    countError: (command: ResolvedCommand, text: string) => void;
  }) {
    this.#context = parts.context;
    this.#clock = parts.clock;
    this.#onActive = parts.onActive;
    this.#countError = parts.countError;
    this.#lines = Array.from({ length: parts.context.keyspace.databases }, () => new Map<string, Line>());
  }

  // -- beginning to wait -----------------------------------------------------------------------------------------

  wait(
    firstKeyArgument: number,
    keyCount: number,
    type: number,
    timeoutMs: number,
    onTimeout: (reply: ReplyWriter) => void,
  ): void {
    const context = this.#context;
    const present = this.#present;
    if (present !== undefined) {
      this.#presentStays = true;
      present.note = context.wakeNote;
      return;
    }
    const { session } = context;
    assert(context.mayBlock && session instanceof Session, "a body waits for keys although it may not");
    const waiter = new Waiter({
      endWithout: this.#endWithout,
      session,
      request: context.request,
      command: session.lastResolved!,
      type,
      silent: session.silenced,
      onTimeout,
      note: context.wakeNote,
    });
    context.wakeNote = undefined;
    for (let index = firstKeyArgument; index < firstKeyArgument + keyCount; index++)
      this.#join(waiter, index);
    if (timeoutMs > 0) {
      waiter.timer = this.#clock.after(timeoutMs, () => waiter.unblock("timeout"), { unref: true });
    }
    session.beginWait(waiter);
    if (context.waiters++ === 0) this.#onActive(true);
  }

  #join(waiter: Waiter, index: number): void {
    const { bytes, db } = this.#context;
    const offset = this.#context.offset(index);
    const length = this.#context.length(index);
    const name = latin1(bytes, offset, length);
    const lines = this.#lines[db]!;
    let line = lines.get(name);
    if (line === undefined) {
      line = new Line(db, name, cloneBytes(bytes, offset, length));
      lines.set(name, line);
    }
    if (line.waiters.has(waiter)) return;
    line.waiters.add(waiter);
    if (waiter.type === WAKE_AT_ANY_CHANGE) line.tellsOfAbsence = true;
    waiter.lines.push(line);
    waiter.keyArguments.push(index);
  }

  // -- becoming ready --------------------------------------------------------------------------------------------

  signal(db: number, bytes: Uint8Array, offset: number, length: number): void {
    const lines = this.#lines[db]!;
    if (lines.size === 0) return;
    const line = lines.get(latin1(bytes, offset, length));
    if (line !== undefined) this.#mark(line);
  }

  signalDatabase(db: number): void {
    for (const line of this.#lines[db]!.values()) this.#mark(line);
  }

  #mark(line: Line): void {
    if (line.signalled) return;
    line.signalled = true;
    this.#signalled.push(line);
  }

  /** Some key has been signalled: `serve` has something to look at. */
  get hasSignals(): boolean {
    return this.#signalled.length > 0;
  }

  // -- serving ---------------------------------------------------------------------------------------------------

  /** Serves whoever can be served, until nothing is left that was signalled. Within a turn, between commands. */
  serve(execute: ExecuteAgain): void {
    while (this.#signalled.length > 0) {
      const signalled = this.#signalled;
      this.#signalled = [];
      for (const line of signalled) {
        line.signalled = false;
        this.#serveLine(line, execute);
      }
    }
  }

  #serveLine(line: Line, execute: ExecuteAgain): void {
    const { keyspace } = this.#context;
    for (const waiter of line.waiters) {
      if (waiter.session.closing || waiter.session.closed) continue;
      if (waiter.type === WAKE_AT_ANY_CHANGE) {
        this.#executeAgain(waiter, waiter.keyArguments[waiter.lines.indexOf(line)]!, execute);
        continue;
      }
      // Asked for each of them: the one before may have taken the rest, or replaced it.
      const present = keyspace.peek(line.db, line.bytes, 0, line.bytes.length);
      if (!present && !line.tellsOfAbsence) return;
      if (present && keyspace.type === waiter.type) {
        this.#executeAgain(waiter, this.#firstReady(waiter), execute);
      }
    }
  }

  /** The argument of the first key, in the order of the arguments, that has what the waiter waits for; one has. */
  #firstReady(waiter: Waiter): number {
    const { keyspace } = this.#context;
    const { lines, keyArguments } = waiter;
    let i = 0;
    for (; i < lines.length - 1; i++) {
      const { db, bytes } = lines[i]!;
      if (keyspace.peek(db, bytes, 0, bytes.length) && keyspace.type === waiter.type) break;
    }
    return keyArguments[i]!;
  }

  #executeAgain(waiter: Waiter, keyArgument: number, execute: ExecuteAgain): void {
    const context = this.#context;
    const { reply, session, request, db } = context;
    const { out, resp } = reply;
    this.#present = waiter;
    this.#presentStays = false;
    context.session = waiter.session;
    context.wakeKeyArgument = keyArgument;
    context.wakeNote = waiter.note;
    reply.out = this.#out;
    reply.resp = waiter.session.resp;
    execute(waiter.session, waiter.request, waiter.command);
    this.#present = undefined;
    context.session = session;
    context.request = request;
    context.db = db;
    context.wakeKeyArgument = 0;
    context.wakeNote = undefined;
    reply.out = out;
    reply.resp = resp;
    const answered = this.#out.position > 0;
    assert(
      answered !== this.#presentStays,
      "a body that was executed again neither replied nor waited, or both",
    );
    if (!answered) return;
    const { bytes, position } = this.#out;
    this.#end(waiter, (writer) => writer.raw(bytes, 0, position));
    this.#out.clear();
  }

  // -- ending ----------------------------------------------------------------------------------------------------

  /** Its time is over, or CLIENT UNBLOCK says so. */
  readonly #endWithout = (waiter: Waiter, how: "timeout" | "error"): void => {
    if (how === "timeout") {
      this.#end(waiter, waiter.onTimeout);
      return;
    }
    const text = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
    this.#countError(waiter.command, text);
    this.#end(waiter, (reply) => reply.error(text));
  };

  #end(waiter: Waiter, write: (reply: ReplyWriter) => void): void {
    const { session } = waiter;
    this.#leave(waiter);
    session.endWait();
    this.#served.push(session);
    // An error in it is none of the command that is on the stack, CLIENT UNBLOCK for one.
    const { errors } = this.#context.reply;
    // Its carrier has to know that the command is over, even if nothing is to be read of it.
    session.carrier.write(waiter.silent ? nothing : write);
    this.#context.reply.errors = errors;
  }

  /** The session has ended: it waits for nothing any more, and gets no reply. */
  forget(session: Session): void {
    const wait = session.keyWait;
    if (wait === undefined) return;
    assert(wait instanceof Waiter, "a session waits for keys elsewhere");
    this.#leave(wait);
    session.endWait();
  }

  #leave(waiter: Waiter): void {
    waiter.timer?.cancel();
    for (const line of waiter.lines) {
      line.waiters.delete(waiter);
      if (line.waiters.size === 0) this.#lines[line.db]!.delete(line.name);
    }
    if (--this.#context.waiters === 0) this.#onActive(false);
  }

  /** Lets those that were served go on with what they sent meanwhile. At the end of a turn, outside of commands. */
  resumeServed(): void {
    while (this.#served.length > 0) {
      const served = this.#served;
      this.#served = [];
      for (const session of served) if (!session.closed) session.goOn();
    }
  }

  get hasServed(): boolean {
    return this.#served.length > 0;
  }
}

const nothing = (): void => {};

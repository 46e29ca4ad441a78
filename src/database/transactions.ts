/**
 * MULTI to EXEC: queues the commands of a session and executes them together.
 *
 * Invariants
 *  - a queued request is a private copy; a session's queue stays under `queueBytesMax`, and what it watches too;
 *  - nothing of another session comes between the commands of an EXEC, nothing in it waits, and its effects are one unit
 *    that a torn log never splits;
 *  - EXEC writes exactly one reply. CLIENT REPLY OFF or SKIP inside the transaction holds from the next command on: in
 *    Redis it takes replies out of the array whose length was already announced, which no client can read;
 *  - a refusal while queueing makes EXEC fail, and from then on nothing more is kept.
 */
import { assert } from "../base/assert.ts";
import type { Context } from "../commands/context.ts";
import type { CommandTable, ResolvedCommand } from "../commands/table.ts";
import type { TransactionFace } from "../commands/transaction-face.ts";
import { Request } from "../protocol/request.ts";
import { Session } from "./session.ts";
import { Transaction } from "./transaction.ts";
import type { Watches } from "./watches.ts";

/** Executes a command as part of another one; the executor. */
export interface InnerExecution {
  runInner(session: Session, request: Request, command: ResolvedCommand): void;
}

export class Transactions implements TransactionFace {
  readonly #context: Context;
  readonly #watches: Watches;
  readonly #replyMode: ResolvedCommand | undefined;
  readonly #request = new Request();
  #inner: InnerExecution | undefined;
  /** Kept for the next MULTI. */
  #spare: Transaction | undefined;
  /** What the queued commands of a session may take, and what the keys that it watches may. */
  bytesMax = 1024 * 1024 * 1024;

  readonly #isLoading: () => boolean;

  constructor(parts: {
    context: Context;
    watches: Watches;
    table: CommandTable;
    isLoading: () => boolean;
  }) {
    this.#isLoading = parts.isLoading;
    this.#context = parts.context;
    this.#watches = parts.watches;
    this.#replyMode = parts.table.named("client|reply");
  }

  /** Who executes; set once, because the executor knows this object as well. */
  bind(inner: InnerExecution): void {
    this.#inner = inner;
  }

  get isOpen(): boolean {
    return this.#session.transaction !== undefined;
  }

  get #session(): Session {
    const { session } = this.#context;
    assert(session instanceof Session, "a transaction of something that is no session");
    return session;
  }

  begin(): void {
    const spare = this.#spare ?? new Transaction();
    this.#spare = undefined;
    this.#session.transaction = spare;
  }

  /** Adds a command to the session's transaction; answers an error, and the transaction has failed, if it is too large. */
  queue(session: Session, request: Request, command: ResolvedCommand): string | undefined {
    const transaction = session.transaction!;
    // It will not be executed: there is no sense in keeping it.
    if (transaction.failed || session.watchBroken) return undefined;
    if (!transaction.queue.add(request, this.bytesMax)) {
      return "ERR the commands of this transaction take more than client-query-buffer-limit";
    }
    transaction.commands.push(command);
    transaction.flags |= command.flags;
    return undefined;
  }

  /** A command was refused while the session queues. */
  fail(session: Session): void {
    const { transaction } = session;
    if (transaction === undefined) return;
    const { flags } = transaction;
    transaction.clear();
    transaction.flags = flags;
    transaction.failed = true;
  }

  discard(): void {
    this.end(this.#session);
  }

  /** The session queues and watches nothing any more: DISCARD, the end of EXEC, RESET, and sessions that end. */
  end(session: Session): void {
    this.#watches.forget(session);
    const { transaction } = session;
    if (transaction === undefined) return;
    session.transaction = undefined;
    transaction.clear();
    this.#spare = transaction;
  }

  watch(index: number): boolean {
    const context = this.#context;
    const session = this.#session;
    // It is lost already.
    if (session.watchBroken) return true;
    // What is there now is not yet the data: whether the key changes cannot be told.
    if (this.#isLoading()) {
      session.watchBroken = true;
      return true;
    }
    const { bytes, db } = context;
    if (
      this.#watches.watch(session, db, bytes, context.offset(index), context.length(index), this.bytesMax)
    ) {
      return true;
    }
    context.reply.error("ERR the watched keys take more than client-query-buffer-limit");
    return false;
  }

  unwatch(): void {
    this.#watches.forget(this.#session);
  }

  execute(): void {
    const session = this.#session;
    const transaction = session.transaction!;
    const { reply } = this.#context;
    if (transaction.failed) reply.error("EXECABORT Transaction discarded because of previous errors.");
    else if (this.#watches.isBroken(session)) reply.nullArray();
    else this.#run(session, transaction);
    this.end(session);
  }

  #run(session: Session, transaction: Transaction): void {
    const context = this.#context;
    const { effects, reply, request: exec } = context;
    const { commands, queue } = transaction;
    const request = this.#request;
    const { mayBlock } = context;
    this.#watches.forget(session);
    context.mayBlock = false;
    effects.beginUnit();
    reply.arrayHeader(commands.length);
    for (let i = 0; i < commands.length; i++) {
      queue.load(i, request);
      const command = commands[i]!;
      if (command === this.#replyMode) this.#runReplyMode(session, request, command);
      else this.#inner!.runInner(session, request, command);
    }
    effects.endUnit();
    context.mayBlock = mayBlock;
    context.request = exec;
    request.release();
  }

  /** CLIENT REPLY, the one command that may answer nothing: here it answers OK, and is silent afterwards. */
  #runReplyMode(session: Session, request: Request, command: ResolvedCommand): void {
    const { out } = this.#context.reply;
    const { bytes, position } = out;
    this.#inner!.runInner(session, request, command);
    if (out.bytes === bytes && out.position === position) this.#context.reply.ok();
  }
}

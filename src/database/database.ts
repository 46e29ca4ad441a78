/**
 * The database: engine, log, commands and everything around them, without sockets and without files of its own.
 *
 * A carrier (server, library) opens sessions, begins a turn, executes requests, and commits the turn; replies of
 * the turn may leave when `isAcknowledged`. Invariants: nothing is executed outside of a turn; the effects of a
 * turn are appended to the log before `commitTurn` returns; LSNs are consecutive over the life of a data set.
 */
import type { AppendOnlyLog } from "../aof/append-only-log.ts";
import { allCommands } from "../commands/all.ts";
import { Context } from "../commands/context.ts";
import { type EventSink, NOTIFY_EVICTED, NOTIFY_EXPIRED } from "../commands/notify-events.ts";
import type { ServerFace } from "../commands/server-face.ts";
import { CommandTable } from "../commands/table.ts";
import type { Engine } from "../engine/engine.ts";
import type { Keyspace } from "../engine/keyspace.ts";
import type { Clock } from "../ports/clock.ts";
import { GrowingOutput, type OutputSpace, ReplyWriter } from "../protocol/reply-writer.ts";
import { Request } from "../protocol/request.ts";
import type { CollectionLimits } from "../value/collection-limits.ts";
import {
  ATTENTION_LOADING,
  ATTENTION_LOG_FAILED,
  ATTENTION_WAITERS,
  ATTENTION_WATCHES,
} from "./attention.ts";
import { Batch } from "./batch.ts";
import { CountingLog, Effects } from "./effects.ts";
import { Executor, type ExecutorPolicy } from "./executor.ts";
import { fieldExpiryTo } from "./field-expiry.ts";
import { Session, type SessionCarrier } from "./session.ts";
import { Transactions } from "./transactions.ts";
import { WaitingClients } from "./waiting-clients.ts";
import { Watches } from "./watches.ts";

/** Where the reply writer points, so that a push can borrow it. */
export interface ReplyTarget {
  readonly out: OutputSpace;
  readonly resp: 2 | 3;
}

/** What the parts around the database need to be built after it: they and it know each other. */
export interface DatabaseSurroundings {
  readonly face: ServerFace;
  readonly policy: ExecutorPolicy;
  sessionOpened(session: Session): void;
  sessionClosed(session: Session): void;
  /** Authentication of a fresh connection: true where no password is asked for. */
  startsAuthenticated(): boolean;
}

const NO_CARRIER: SessionCarrier = {
  peerAddress: "",
  localAddress: "",
  descriptor: -1,
  write() {},
  push() {},
  resume() {},
  close() {},
  inputBytes: () => 0,
  outputBytes: () => 0,
};

export class Database {
  readonly engine: Engine;
  readonly keyspace: Keyspace;
  readonly table: CommandTable;
  readonly reply: ReplyWriter;
  readonly effects: Effects;
  readonly executor: Executor;
  readonly transactions: Transactions;
  readonly #watches: Watches;
  readonly #waiting: WaitingClients;
  readonly clock: Clock;
  readonly #context: Context;
  readonly #surroundings: DatabaseSurroundings;
  readonly #discarded = new GrowingOutput();
  readonly #acknowledgedListeners: ((lsn: number) => void)[] = [];
  readonly #logFailedListeners: (() => void)[] = [];
  #log: AppendOnlyLog | undefined;
  #nextSessionId = 1;
  #turnOpen = false;
  /** Commands executed up to the end of the turn before. */
  #commandsCommitted = 0;

  constructor(parts: {
    engine: Engine;
    clock: Clock;
    /** Builds what surrounds the database; called once, before the constructor returns. */
    surround: (database: Database) => DatabaseSurroundings;
  }) {
    this.engine = parts.engine;
    this.keyspace = parts.engine.keyspace;
    this.clock = parts.clock;
    this.table = new CommandTable(allCommands);
    this.reply = new ReplyWriter(this.#discarded);
    this.effects = new Effects(this.keyspace, new CountingLog(1));
    this.#surroundings = parts.surround(this);
    this.#context = new Context({
      keyspace: this.keyspace,
      structures: parts.engine,
      reply: this.reply,
      effects: this.effects,
      server: this.#surroundings.face,
      request: new Request(),
      session: this.internalSession(),
    });
    this.effects.bind(this.#context);
    const context = this.#context;
    this.#watches = new Watches(this.keyspace, (active) => this.setAttention(ATTENTION_WATCHES, active));
    this.transactions = new Transactions({
      context,
      watches: this.#watches,
      table: this.table,
      isLoading: () => (this.executor.attention & ATTENTION_LOADING) !== 0,
    });
    this.#waiting = new WaitingClients({
      context,
      clock: parts.clock,
      onActive: (active) => this.setAttention(ATTENTION_WAITERS, active),
      countError: (command, text) => {
        command.failed++;
        this.#surroundings.policy.countError(text);
      },
    });
    this.executor = new Executor({
      table: this.table,
      context,
      reply: this.reply,
      policy: this.#surroundings.policy,
      clock: parts.clock,
      transactions: this.transactions,
      watches: this.#watches,
      waiting: this.#waiting,
    });
    this.transactions.bind(this.executor);
    context.transactions = this.transactions;
    context.waiting = this.#waiting;
    context.mayBlock = true;
    this.keyspace.onExpired = (db, bytes, offset, length) => {
      this.effects.removal(db, bytes, offset, length);
      context.notifyKey(NOTIFY_EXPIRED, "expired", bytes, offset, length, db);
      context.signalReady(db, bytes, offset, length);
    };
    this.engine.fieldExpiryListener = fieldExpiryTo(this.effects, context);
    this.engine.onEvicted = (db, bytes, offset, length) => {
      this.effects.removal(db, bytes, offset, length);
      context.notifyKey(NOTIFY_EVICTED, "evicted", bytes, offset, length, db);
      context.signalReady(db, bytes, offset, length);
    };
  }

  get face(): ServerFace {
    return this.#surroundings.face;
  }

  // -- log ---------------------------------------------------------------------------------------------------

  get log(): AppendOnlyLog | undefined {
    return this.#log;
  }

  /** From here on effects are appended to `log`, or only numbered from `nextLsn` where none is kept. */
  useLog(log: AppendOnlyLog | undefined, nextLsn: number): void {
    this.#log = log;
    this.effects.useLog(log ?? new CountingLog(nextLsn));
    log?.onDurable(() => {
      this.#watchLog();
      for (const listener of this.#acknowledgedListeners) listener(log.acknowledgedLsn);
    });
    // It may have been opened over a disk that is full.
    this.#watchLog();
  }

  /** A log that was in use is closed, and there is none now: whoever waited for it is answered. */
  logHasEnded(): void {
    for (const listener of this.#acknowledgedListeners) listener(Number.MAX_SAFE_INTEGER);
  }

  /** Everything is about to be forgotten and read again: no transaction that watches a key goes through. */
  breakWatches(): void {
    this.#watches.breakAll();
  }

  /** LSN of the last effect. */
  get lastLsn(): number {
    return this.keyspace.lsn - 1;
  }

  /** True if every effect so far is as durable as the policy promises before a reply. */
  get isAcknowledged(): boolean {
    const log = this.#log;
    return log === undefined || log.acknowledgedLsn >= log.nextLsn - 1;
  }

  get logHasFailed(): boolean {
    return (this.executor.attention & ATTENTION_LOG_FAILED) !== 0;
  }

  onAcknowledged(listener: (lsn: number) => void): void {
    this.#acknowledgedListeners.push(listener);
  }
  onLogFailed(listener: () => void): void {
    this.#logFailedListeners.push(listener);
  }

  #watchLog(): void {
    const failed = this.#log?.canWrite === false;
    if (failed === this.logHasFailed) return;
    this.setAttention(ATTENTION_LOG_FAILED, failed);
    if (failed) for (const listener of this.#logFailedListeners) listener();
  }

  /** Asks the log whether it has failed or healed; between turns, for failures on other threads. */
  checkLog(): void {
    this.#watchLog();
  }

  setAttention(bit: number, on: boolean): void {
    if (on) this.executor.attention |= bit;
    else this.executor.attention &= ~bit;
  }

  // -- sessions ----------------------------------------------------------------------------------------------

  openSession(carrier: SessionCarrier): Session {
    const session = new Session({
      id: this.#nextSessionId++,
      carrier,
      nowMs: this.clock.wallMs(),
      authenticated: this.#surroundings.startsAuthenticated(),
    });
    this.#surroundings.sessionOpened(session);
    return session;
  }

  closeSession(session: Session): void {
    session.closed = true;
    this.transactions.end(session);
    this.#waiting.forget(session);
    this.#surroundings.sessionClosed(session);
  }

  /** A session that nobody else sees, always authenticated: for replay, and for the server's own commands. */
  internalSession(): Session {
    return new Session({ id: 0, carrier: NO_CARRIER, nowMs: this.clock.wallMs(), authenticated: true });
  }

  // -- turns -------------------------------------------------------------------------------------------------

  beginTurn(): void {
    this.#turnOpen = true;
    this.setNow(this.clock.wallMs());
  }

  /** Up to where collections are called compact; to be changed in place. */
  get collectionLimits(): CollectionLimits {
    return this.#context.limits;
  }

  /** Longest string value that commands may make. */
  get stringBytesMax(): number {
    return this.#context.stringBytesMax;
  }
  set stringBytesMax(bytes: number) {
    this.#context.stringBytesMax = bytes;
  }

  /** Keyspace events that are published from here on: NOTIFY_… bits, 0 for none. */
  notifyOf(events: number, sink: EventSink): void {
    this.#context.notifications = events;
    this.#context.eventSink = sink;
  }

  setNow(nowMs: number): void {
    this.keyspace.nowMs = nowMs;
    this.#context.nowMs = nowMs;
  }

  get nowMs(): number {
    return this.#context.nowMs;
  }

  get turnIsOpen(): boolean {
    return this.#turnOpen;
  }

  /** Appends the turn's effects to the log. Never throws for a failing disk: see `logHasFailed`. */
  commitTurn(): void {
    if (this.#waiting.hasSignals || this.#waiting.hasServed) this.#settleWaiting();
    this.executor.endTurn();
    const log = this.#log;
    if (log !== undefined) {
      const { commandsExecuted } = this.executor;
      log.commitTurn(this.#context.nowMs, commandsExecuted - this.#commandsCommitted);
      this.#commandsCommitted = commandsExecuted;
      if (log.canWrite === this.logHasFailed) this.#watchLog();
    }
    this.#turnOpen = false;
  }

  /** Keys may have become ready outside of commands; those that were served go on with what they sent. */
  #settleWaiting(): void {
    if (this.#waiting.hasSignals) this.executor.serveWaiting();
    this.#waiting.resumeServed();
  }

  /** False while a command is executed as part of another one, or from the log: it must answer at once. */
  get mayBlock(): boolean {
    return this.#context.mayBlock;
  }

  /** The session's commands come next; their replies go to `out`. */
  enter(session: Session, out: OutputSpace): void {
    this.#context.session = session;
    session.lastActiveMs = this.#context.nowMs;
    this.reply.out = out;
    this.reply.resp = session.resp;
  }

  /** Points the reply writer at a session's output for a push; undone by `restoreTarget`. */
  borrowTarget(session: Session, out: OutputSpace): ReplyTarget {
    const before = { out: this.reply.out, resp: this.reply.resp };
    this.reply.out = out;
    this.reply.resp = session.resp;
    return before;
  }

  restoreTarget(target: ReplyTarget): void {
    this.reply.out = target.out;
    this.reply.resp = target.resp;
  }

  /** For replay: no check but that the command exists; what keeps clients waiting does not hold back the log. */
  executeUnchecked(session: Session, batch: Batch, index: number): void {
    const { attention } = this.executor;
    const context = this.#context;
    this.executor.attention = 0;
    context.mayBlock = false;
    this.executor.executeResolved(session, batch.requests[index]!, batch.take(index));
    this.executor.attention = attention;
    context.mayBlock = true;
  }

  /** A batch for a carrier that reads ahead; see Batch. */
  newBatch(): Batch {
    return new Batch(this.table, this.engine.prefetch);
  }

  /** Executes entry `index` of a prepared batch. */
  executeEntry(batch: Batch, index: number): number {
    return this.executor.executeResolved(batch.sessions[index]!, batch.requests[index]!, batch.take(index));
  }

  execute(session: Session, request: Request): number {
    return this.executor.execute(session, request);
  }
}

/**
 * Whether a command may run now: the checks that matter while something is out of the ordinary.
 *
 * Invariants: checking changes nothing but memory (eviction) and who is held by CLIENT PAUSE; EXEC is judged by all
 * that it will execute; what ends a transaction is never refused for want of memory.
 *
 * Hot-path file under a memory cap, when every command comes here: allocates nothing.
 */
import {
  FLAG_DENYOOM,
  FLAG_LOADING,
  FLAG_NO_AUTH,
  FLAG_NO_MULTI,
  FLAG_NOSCRIPT,
  FLAG_PUBSUB,
  FLAG_WRITE,
} from "../commands/command-flags.ts";
import type { CommandTable, ResolvedCommand } from "../commands/table.ts";
import { ATTENTION_LOADING, ATTENTION_LOG_FAILED, ATTENTION_MEMORY, ATTENTION_PAUSE } from "./attention.ts";
import type { Session } from "./session.ts";

/** Stands for "not now" among refusal texts. */
export const HELD = "";

/** What a session in a transaction executes at once instead of queueing it. */
const NOT_QUEUED: readonly string[] = ["exec", "discard", "multi", "watch", "quit", "reset"];
/** Of these, what ends the transaction, beside EXEC. */
const ENDS_TRANSACTION: readonly string[] = ["discard", "quit", "reset"];
/** What a RESP2 subscriber may do beside subscribing. */
const FOR_SUBSCRIBERS: readonly string[] = ["ping", "quit", "reset"];

export interface AdmissionPolicy {
  /** Frees memory; false if the cap is still exceeded. */
  makeRoom(): boolean;
  /** True if CLIENT PAUSE holds a command with these flags; remembers the session. */
  holdsBack(flags: number, session: Session): boolean;
  logFailure(): string;
}

export class Admission {
  readonly #policy: AdmissionPolicy;
  readonly #exec: ResolvedCommand | undefined;
  readonly #notQueued: ReadonlySet<ResolvedCommand | undefined>;
  readonly #endsTransaction: ReadonlySet<ResolvedCommand | undefined>;

  constructor(table: CommandTable, policy: AdmissionPolicy) {
    this.#policy = policy;
    this.#exec = table.named("exec");
    this.#notQueued = new Set(NOT_QUEUED.map((name) => table.named(name)));
    this.#endsTransaction = new Set(ENDS_TRANSACTION.map((name) => table.named(name)));
  }

  /** In a transaction: is the command kept for EXEC? */
  isQueued(command: ResolvedCommand): boolean {
    return !this.#notQueued.has(command);
  }

  /** Undefined if the command may run (or be queued), else an error's text or HELD. `attention` is the executor's. */
  refusal(attention: number, session: Session, command: ResolvedCommand): string | undefined {
    const { transaction } = session;
    if (!session.authenticated && (command.flags & FLAG_NO_AUTH) === 0)
      return "NOAUTH Authentication required.";
    let { flags } = command;
    if (transaction !== undefined) {
      if ((flags & FLAG_NO_MULTI) !== 0) return "ERR Command not allowed inside a transaction";
      if (command === this.#exec) flags |= transaction.flags;
    }
    if ((attention & ATTENTION_LOADING) !== 0 && this.#needsData(session, command))
      return "LOADING Redis is loading the dataset in memory";
    if ((attention & ATTENTION_PAUSE) !== 0 && this.#policy.holdsBack(flags, session)) return HELD;
    if ((attention & ATTENTION_LOG_FAILED) !== 0 && (flags & FLAG_WRITE) !== 0)
      return this.#policy.logFailure();
    if ((attention & ATTENTION_MEMORY) !== 0 && !this.#policy.makeRoom()) {
      if (this.#needsRoom(session, command, flags))
        return "OOM command not allowed when used memory > 'maxmemory'.";
    }
    if (session.subscribed && session.resp === 2 && !isForSubscribers(command)) {
      return `ERR Can't execute '${command.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
    }
    return undefined;
  }

  /** Whoever queues a command finds out by the command itself; an EXEC by what was queued before loading began. */
  #needsData({ transaction }: Session, command: ResolvedCommand): boolean {
    if ((command.flags & FLAG_LOADING) === 0) return true;
    if (command !== this.#exec || transaction === undefined) return false;
    return transaction.commands.some(({ flags }) => (flags & FLAG_LOADING) === 0);
  }

  /** Queueing takes memory, whatever is queued. */
  #needsRoom(session: Session, command: ResolvedCommand, flags: number): boolean {
    if ((flags & FLAG_DENYOOM) !== 0) return true;
    return session.transaction !== undefined && command !== this.#exec && !this.#endsTransaction.has(command);
  }
}

/** SUBSCRIBE and its kin, whose replies are pushes. */
export function isSubscription(command: ResolvedCommand): boolean {
  const both = FLAG_PUBSUB | FLAG_NOSCRIPT;
  return (command.flags & both) === both;
}

/** In RESP2 a client cannot tell messages from replies: a subscriber may only do what answers like a message. */
function isForSubscribers(command: ResolvedCommand): boolean {
  return isSubscription(command) || FOR_SUBSCRIBERS.includes(command.fullName);
}

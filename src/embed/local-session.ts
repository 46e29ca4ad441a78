/**
 * What carries a session of the library: the calls that it holds back, and where its pushes go.
 *
 * Invariants: the calls of one session execute in the order in which they were made; while a call waits for its
 * deferred reply, or is held back by CLIENT PAUSE, those behind it wait too.
 */
import type { PushMessage } from "../commands/session-face.ts";
import type { Session, SessionCarrier } from "../database/session.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { LocalCall } from "./local-call.ts";
import type { LocalTurns } from "./local-turns.ts";

export class LocalSession implements SessionCarrier {
  // CLIENT LIST shows this in the place of an address.
  readonly peerAddress = "in-process:0";
  readonly localAddress = "in-process:0";
  readonly descriptor = -1;
  readonly onPush: ((bytes: Uint8Array, end: number) => void) | undefined;
  readonly #turns: LocalTurns;
  /** Set right after construction: session and carrier name each other. */
  session!: Session;
  /** The call whose reply was deferred. */
  deferred: LocalCall | undefined;
  /** Calls that were made and may not execute yet, with requests of their own. */
  backlog: LocalCall[] = [];
  backlogBytes = 0;

  constructor(turns: LocalTurns, onPush: ((bytes: Uint8Array, end: number) => void) | undefined) {
    this.#turns = turns;
    this.onPush = onPush;
  }

  get mayExecute(): boolean {
    const { session } = this;
    return !session.suspended && !session.paused && !session.closing && !session.closed;
  }

  write(write: (reply: ReplyWriter) => void): void {
    this.#turns.writeOutOfCall(this, write);
  }
  push(message: PushMessage): void {
    this.#turns.push(this, message);
  }
  resume(): void {
    this.#turns.resume(this);
  }
  close(): void {
    this.#turns.close(this);
  }
  inputBytes(): number {
    return this.backlogBytes;
  }
  outputBytes(): number {
    return 0;
  }
}

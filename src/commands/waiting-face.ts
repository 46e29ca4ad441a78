/**
 * What command bodies need of the clients that wait for keys: BLPOP and its kin.
 *
 * The mechanism: a blocking body first tries to do its work. If there is nothing for it and `context.mayBlock` is true,
 * it calls `context.waitForKeys` and returns without a reply. Its session is suspended, and the same request is executed
 * again (body and all, in the session's database) whenever one of the keys has become ready and it is the session's turn
 * for it; `context.wakeKeyArgument` then names that key. A body that then finds something replies, which ends the
 * waiting; one that finds nothing calls `waitForKeys` again and keeps its place and its deadline.
 *
 * A key becomes ready when a body that gave it something to take calls `context.signalReady`. Who waits is served after
 * that whole command: after EXEC as a whole, after a script as a whole.
 */
import type { ReplyWriter } from "../protocol/reply-writer.ts";

export interface WaitingFace {
  /** See Context.waitForKeys. */
  wait(
    firstKeyArgument: number,
    keyCount: number,
    type: number,
    timeoutMs: number,
    onTimeout: (reply: ReplyWriter) => void,
  ): void;
  /** See Context.signalReady. */
  signal(db: number, bytes: Uint8Array, offset: number, length: number): void;
  /** What waits for any key of the database is looked at again: for SWAPDB, and for FLUSHALL with WAKE_AT_ANY_CHANGE. */
  signalDatabase(db: number): void;
}

/**
 * In the place of a type: execute again at every signal for the key, whatever it holds and even if it is gone. For
 * XREADGROUP, which has to tell that its stream was deleted.
 */
export const WAKE_AT_ANY_CHANGE = -1;

/** For a context whose owner lets nobody wait. */
export const NOBODY_WAITS: WaitingFace = {
  wait() {
    throw new Error("a body waits for keys although it may not");
  },
  signal() {},
  signalDatabase() {},
};

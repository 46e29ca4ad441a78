/**
 * A subscription of a program: a session of its own that does nothing but receive, and the listener it serves.
 *
 * Invariants: the listener is called after the turn that published, in order of publication, and never again once
 * `unsubscribe` has been called; a subscription does not keep the process alive.
 *
 * A session for each instead of one that serves all: what a listener hears is then exactly what it asked for, and there
 * is nothing to take apart.
 */
import { assert } from "../base/assert.ts";
import { ReplyPush } from "../protocol/reply.ts";
import { ReplyReader } from "../protocol/reply-reader.ts";
import { SingleReceiver } from "./local-call.ts";
import type { LocalSession } from "./local-session.ts";
import type { LocalTurns } from "./local-turns.ts";
import { decodeNothing } from "./reply-decoder.ts";
import type { Argument } from "./request-arena.ts";

/** Both are copies that belong to the listener. */
export type MessageListener = (message: Uint8Array, channel: Uint8Array) => void;

export class Subscription implements AsyncDisposable {
  readonly #turns: LocalTurns;
  readonly #local: LocalSession;
  readonly #listener: MessageListener;
  #ended = false;

  private constructor(turns: LocalTurns, listener: MessageListener) {
    this.#turns = turns;
    this.#listener = listener;
    this.#local = turns.open((bytes, end) => this.#receive(bytes, end));
  }

  /** Resolves when messages arrive. `command` is SUBSCRIBE or PSUBSCRIBE. */
  static async start(
    turns: LocalTurns,
    command: "SUBSCRIBE" | "PSUBSCRIBE",
    topic: Argument,
    listener: MessageListener,
  ): Promise<Subscription> {
    const subscription = new Subscription(turns, listener);
    const local = subscription.#local;
    try {
      await new Promise<unknown>((resolve, reject) => {
        turns.call(local, [command, topic], decodeNothing, new SingleReceiver(resolve, reject), 0);
      });
    } catch (error) {
      turns.close(local);
      throw error;
    }
    return subscription;
  }

  /** The listener is not called any more. Idempotent. */
  async unsubscribe(): Promise<void> {
    this.#ended = true;
    this.#turns.close(this.#local);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unsubscribe();
  }

  /** Each message in a microtask of its own: what a listener throws concerns nobody else. */
  #receive(bytes: Uint8Array, end: number): void {
    const reader = new ReplyReader();
    reader.push(bytes, 0, end);
    for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
      assert(reply instanceof ReplyPush, "a subscription was sent something else than a message");
      const channel = reply.items.at(-2);
      const message = reply.items.at(-1);
      assert(
        channel instanceof Uint8Array && message instanceof Uint8Array,
        "a message is not of byte strings",
      );
      queueMicrotask(() => {
        if (!this.#ended) this.#listener(message, channel);
      });
    }
  }
}

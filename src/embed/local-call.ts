/**
 * One call on its way: made, perhaps held back, executed, acknowledged, settled.
 *
 * Invariant: a call is settled exactly once, and its receiver learns of it only after the turn is over.
 */
import type { Request } from "../protocol/request.ts";
import type { LocalSession } from "./local-session.ts";
import type { Decode } from "./reply-decoder.ts";

/** Who waits for a call. `index` is the call's place among those that the receiver waits for. */
export interface Receiver {
  settle(index: number, value: unknown): void;
  /** The command answered an error (ReplyError), or the call was given up (FerriteError). */
  refuse(index: number, error: Error): void;
}

export class LocalCall {
  readonly session: LocalSession;
  readonly decode: Decode;
  readonly receiver: Receiver;
  readonly index: number;
  /** Where the request is in the arena, while the call waits for the next turn. */
  readonly firstArgument: number;
  readonly argc: number;
  readonly start: number;
  readonly end: number;
  /** The request with bytes of its own, once the call was held back. */
  held: Request | undefined = undefined;
  /** The last effect that the reply may depend on. */
  lsn = 0;
  value: unknown = undefined;
  error: Error | undefined = undefined;

  constructor(parts: {
    session: LocalSession;
    decode: Decode;
    receiver: Receiver;
    index: number;
    firstArgument: number;
    argc: number;
    start: number;
    end: number;
  }) {
    this.session = parts.session;
    this.decode = parts.decode;
    this.receiver = parts.receiver;
    this.index = parts.index;
    this.firstArgument = parts.firstArgument;
    this.argc = parts.argc;
    this.start = parts.start;
    this.end = parts.end;
  }

  /** Bytes of the request. */
  get size(): number {
    return this.end - this.start;
  }

  settle(): void {
    if (this.error === undefined) this.receiver.settle(this.index, this.value);
    else this.receiver.refuse(this.index, this.error);
  }
}

/** A promise for one call. */
export class SingleReceiver implements Receiver {
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: Error) => void;

  constructor(resolve: (value: unknown) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  settle(_index: number, value: unknown): void {
    this.#resolve(value);
  }
  refuse(_index: number, error: Error): void {
    this.#reject(error);
  }
}

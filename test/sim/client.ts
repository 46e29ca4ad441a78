/**
 * One simulated client: what it has sent, what the server has executed for it, and what it has been answered.
 *
 * Checks, as it goes: its commands are executed once each, in order and unchanged; its replies are exactly those
 * the model gives, in order; nothing else ever arrives.
 */

import type { MemoryClient } from "../../src/adapters/memory/pipe.ts";
import { fromLatin1, latin1 } from "../../src/base/bytes.ts";
import type { PersistenceEvent } from "./persistence-events.ts";
import { ModelTransaction } from "./transactions.ts";

/** Of a reply that is one line. */
const LINE_MAX = 2000;

export interface Expected {
  /** The exact bytes, or what the reply must match where it depends on time; undefined while the command waits for a key. */
  reply: string | RegExp | undefined;
  /** Until a key is ready, without end. */
  readonly waitsForEver?: boolean;
  /** For messages. */
  readonly command: string;
  /** Last effect when it was executed: what the reply shows or promises rests on everything up to here. */
  lsn: number;
  /** Which change of the sync policy was in force. */
  policyEpoch: number;
  /** Executed while the log could not be written: it promises nothing. */
  promisesNothing: boolean;
  readonly event?: PersistenceEvent | undefined;
}

export interface ClientEvents {
  /** The server has died: what still arrives is not looked at. */
  readonly isOver: boolean;
  /** The server has not started yet, or is asked to stop: it may close a connection. */
  readonly mayClose: boolean;
  /** A whole reply has arrived. */
  answered(client: SimulatedClient, expected: Expected, reply: string): void;
  received(client: SimulatedClient, bytes: Uint8Array): void;
  /** Looks who no longer waits for a key. */
  settleWaiting(): void;
}

export class SimulatedClient {
  readonly name: string;
  readonly pipe: MemoryClient;
  readonly #events: ClientEvents;
  db = 0;
  readonly transaction = new ModelTransaction();
  stalled = false;
  /** This end has stopped sending: by QUIT, by a half close, or for good. */
  finished: "no" | "asked" | "gone" = "no";
  closed: "no" | "ended" | "reset" = "no";
  /** Sent and not yet executed. */
  readonly sent: (readonly string[])[] = [];
  /** Executed and not yet answered. */
  readonly expected: Expected[] = [];
  #received = "";

  constructor(name: string, pipe: MemoryClient, events: ClientEvents) {
    this.name = name;
    this.pipe = pipe;
    this.#events = events;
    pipe.onData((bytes) => this.#onData(bytes));
    pipe.onClosed((how) => this.#onClosed(how));
  }

  get mayBeUsed(): boolean {
    return this.finished === "no" && this.closed === "no";
  }

  send(text: string, commands: readonly (readonly string[])[]): void {
    this.sent.push(...commands);
    this.pipe.write(fromLatin1(text));
  }

  /** The server executes `words` for this client. */
  executes(words: readonly string[]): void {
    const next = this.sent.shift();
    if (next === undefined || !sameWords(next, words)) {
      throw new Error(
        `${this.name}: the server executed [${shown(words)}], the next command sent is [${next && shown(next)}]`,
      );
    }
  }

  #onData(bytes: Uint8Array): void {
    if (this.#events.isOver) return;
    this.#events.received(this, bytes);
    if (this.finished === "gone") return;
    this.#received += latin1(bytes);
    for (;;) {
      const expected = this.expected[0];
      if (expected === undefined) break;
      const length = this.#lengthOfReply(expected);
      if (length < 0) return;
      const reply = this.#received.slice(0, length);
      this.#received = this.#received.slice(length);
      this.expected.shift();
      this.#events.answered(this, expected, reply);
    }
    if (this.#received !== "")
      throw new Error(`${this.name}: unasked reply ${JSON.stringify(this.#received)}`);
  }

  /** Everything is answered but a command that waits without end. */
  get waitsForEver(): boolean {
    const [first, ...others] = this.expected;
    return first?.reply === undefined && first?.waitsForEver === true && others.length === 0;
  }

  /** Bytes of the reply that has arrived whole, or -1 if more must come. Throws if it is another one. */
  #lengthOfReply(expected: Expected): number {
    const received = this.#received;
    if (received === "") return -1;
    if (expected.reply === undefined) this.#events.settleWaiting();
    const { reply, command } = expected;
    if (reply === undefined) {
      throw new Error(
        `${this.name}: ${command} waits and was answered ${JSON.stringify(received.slice(0, 300))}`,
      );
    }
    if (typeof reply === "string") {
      if (received.startsWith(reply)) return reply.length;
      if (reply.startsWith(received)) return -1;
    } else {
      const match = reply.exec(received);
      if (match !== null) return match[0].length;
      const bulk = /^\$([0-9]+)\r\n/.exec(received);
      if (bulk !== null && received.length < bulk[0].length + Number(bulk[1]) + 2) return -1;
      if (!received.includes("\r\n") && received.length < LINE_MAX) return -1;
      if (received.length < 200 && received.split("\r\n").length < 4) return -1;
    }
    const shownReply = typeof reply === "string" ? JSON.stringify(reply.slice(0, 300)) : String(reply);
    throw new Error(
      `${this.name}: ${command} was answered ${JSON.stringify(received.slice(0, 300))}, expected ${shownReply}`,
    );
  }

  #onClosed(how: "ended" | "reset"): void {
    if (this.#events.isOver) return;
    this.closed = how;
    if (this.finished === "gone" || this.#events.mayClose) return;
    if (this.finished === "no") throw new Error(`${this.name}: the server closed the connection (${how})`);
    if (how === "reset")
      throw new Error(`${this.name}: the connection was reset although it read to the end`);
    if (this.expected.length > 0 || this.sent.length > 0) this.#checkLeftOver();
  }

  /** A half-closed client is answered everything but what waits for time or disk, and what comes behind that. */
  #checkLeftOver(): void {
    const waits = this.expected.some(({ reply }) => typeof reply !== "string");
    if (waits) return;
    const what = this.expected.length > 0 ? this.expected[0]!.command : shown(this.sent[0]!);
    throw new Error(`${this.name}: closed before ${what} was answered`);
  }
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index]);
}

export function shown(words: readonly string[]): string {
  return words.map((word) => (word.length > 40 ? `${word.slice(0, 40)}…` : word)).join(" ");
}

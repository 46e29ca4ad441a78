/**
 * Gathers what happens on connections into turns, for the transports that hear of it one callback at a time.
 *
 * Invariants
 *  - Events reach the handler in the order they were recorded, each once.
 *  - What a handler brings about goes into the next turn: two turns swap, so the one being read never changes.
 *  - Data is never recorded from inside a handler, so one arena is enough.
 *
 * A full arena is handed over at once, because the bytes at hand have no other place to go. A full event table
 * grows instead: it fills only with events that carry no bytes, at most a few per connection.
 */
import { assert } from "../../base/assert.ts";
import {
  TURN_CLOSED,
  TURN_DATA,
  TURN_DRAINED,
  TURN_HALF_CLOSED,
  TURN_OPENED,
  TURN_STRIDE,
  type Turn,
} from "../../ports/transport.ts";

const EVENTS_AT_FIRST = 1024;

export class TurnRecorder {
  readonly #arena: Uint8Array;
  readonly #schedule: () => void;
  #filling: Turn;
  #spare: Turn;
  #used = 0;
  #delivering = false;
  #scheduled = false;
  #handler: ((turn: Turn) => void) | undefined;

  /** `schedule` is called when there is something to deliver; it must lead to one call of `deliver` later. */
  constructor(arenaBytes: number, schedule: () => void) {
    this.#arena = new Uint8Array(arenaBytes);
    this.#schedule = schedule;
    this.#filling = { arena: this.#arena, events: new Int32Array(EVENTS_AT_FIRST * TURN_STRIDE), count: 0 };
    this.#spare = { arena: this.#arena, events: new Int32Array(EVENTS_AT_FIRST * TURN_STRIDE), count: 0 };
  }

  get hasHandler(): boolean {
    return this.#handler !== undefined;
  }

  onTurn(handler: (turn: Turn) => void): void {
    this.#handler = handler;
  }

  opened(slot: number, listenerIndex: number): void {
    this.#record(slot, TURN_OPENED, listenerIndex, 0);
  }

  halfClosed(slot: number): void {
    this.#record(slot, TURN_HALF_CLOSED, 0, 0);
  }

  closed(slot: number): void {
    this.#record(slot, TURN_CLOSED, 0, 0);
  }

  drained(slot: number): void {
    this.#record(slot, TURN_DRAINED, 0, 0);
  }

  /** Copies `bytes`; delivers as often as the arena fills. */
  data(slot: number, bytes: Uint8Array): void {
    assert(!this.#delivering, "transport: data arrived while a turn was being handled");
    for (let done = 0; done < bytes.length; ) {
      if (this.#used === this.#arena.length) this.deliver();
      const part = Math.min(bytes.length - done, this.#arena.length - this.#used);
      this.#arena.set(bytes.subarray(done, done + part), this.#used);
      this.#record(slot, TURN_DATA, this.#used, part);
      this.#used += part;
      done += part;
    }
  }

  /** Hands over what is recorded, if anything. What the handler throws passes through, and its turn counts as handled. */
  deliver(): void {
    assert(!this.#delivering, "transport: a turn was delivered inside another");
    this.#scheduled = false;
    const turn = this.#filling;
    if (turn.count === 0) return;
    this.#filling = this.#spare;
    this.#spare = turn;
    this.#delivering = true;
    try {
      this.#handler?.(turn);
    } finally {
      turn.count = 0;
      this.#used = 0;
      this.#delivering = false;
    }
  }

  #record(slot: number, kind: number, offset: number, length: number): void {
    const turn = this.#filling;
    if ((turn.count + 1) * TURN_STRIDE > turn.events.length) {
      const larger = new Int32Array(turn.events.length * 2);
      larger.set(turn.events);
      turn.events = larger;
    }
    const at = turn.count * TURN_STRIDE;
    turn.events[at] = slot;
    turn.events[at + 1] = kind;
    turn.events[at + 2] = offset;
    turn.events[at + 3] = length;
    turn.count++;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule();
  }
}

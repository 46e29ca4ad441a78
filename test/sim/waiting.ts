/**
 * Who waits for keys, as the model sees it.
 *
 * Checks: a client is served only from a key that is ready, with what the model says; nobody who waits for one key is served
 * before somebody who has waited longer for it; after every command nobody waits for a key that is ready; nobody gives up
 * before its time.
 */
import type { VirtualClock } from "../../src/adapters/memory/clock.ts";
import type { Session } from "../../src/database/session.ts";
import { type Expected, type SimulatedClient, shown } from "./client.ts";
import type { Model } from "./model.ts";
import type { WaitRule } from "./model-call.ts";

export interface Waiter {
  readonly client: SimulatedClient;
  readonly session: Session;
  readonly words: readonly string[];
  readonly db: number;
  readonly rule: WaitRule;
  readonly keys: readonly string[];
  /** Monotonic; Infinity waits for ever. */
  readonly deadlineMs: number;
  readonly expected: Expected;
}

export class Waiting {
  readonly #clock: VirtualClock;
  /** In the order in which they began. */
  #waiters: Waiter[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  begin(parts: Omit<Waiter, "keys" | "deadlineMs">): void {
    const { session, words, rule, client } = parts;
    if (session.keyWait === undefined) {
      throw new Error(`${client.name}: [${shown(words)}] does not wait although there is nothing for it`);
    }
    const timeoutMs = Math.ceil(rule.timeoutMs(words));
    const deadlineMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : this.#clock.monotonicMs() + timeoutMs;
    this.#waiters.push({ ...parts, keys: rule.keys(words), deadlineMs });
  }

  of(session: object): Waiter | undefined {
    return this.#waiters.find((waiter) => waiter.session === session);
  }

  /** The command with which the waiter is served now. It no longer waits. */
  serve(waiter: Waiter, model: Model, nowMs: number): readonly string[] {
    const { client, rule, words, keys } = waiter;
    const key = readyKey(waiter, model, nowMs);
    if (key === undefined)
      throw new Error(`${client.name}: [${shown(words)}] is served although no key is ready`);
    const first = this.#waiters.find(
      (other) => other.db === waiter.db && isFor(other, key, rule) && isThere(other),
    );
    if (keys.length === 1 && first !== waiter) {
      throw new Error(
        `${client.name}: [${shown(words)}] is served before ${first!.client.name}, who waited longer`,
      );
    }
    this.#leave(waiter);
    return rule.servedFrom(words, key);
  }

  /** Those whom the server no longer lets wait have run out of time, or are gone. */
  settle(): void {
    for (const waiter of this.#waiters) {
      const { session, client, words, deadlineMs, expected, rule } = waiter;
      if (session.keyWait !== undefined) continue;
      this.#leave(waiter);
      if (!isThere(waiter)) continue;
      if (this.#clock.monotonicMs() < deadlineMs) {
        throw new Error(`${client.name}: [${shown(words)}] gives up before its time`);
      }
      expected.reply = rule.timedOut;
    }
  }

  /** To be called when a whole command, and what it made ready, has been executed. */
  check(model: Model, nowMs: number): void {
    for (const waiter of this.#waiters) {
      const { client, words } = waiter;
      if (!isThere(waiter)) continue;
      const key = readyKey(waiter, model, nowMs);
      if (key !== undefined)
        throw new Error(`${client.name}: [${shown(words)}] waits although ${key} is ready`);
    }
  }

  #leave(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
  }
}

function isFor({ keys, rule }: Waiter, key: string, { type }: WaitRule): boolean {
  return rule.type === type && keys.includes(key);
}

/** Who is about to be disconnected is not served. */
function isThere({ session }: Waiter): boolean {
  return !session.closed && !session.closing;
}

function readyKey({ keys, db, rule }: Waiter, model: Model, nowMs: number): string | undefined {
  return keys.find((key) => model.find(db, key, nowMs)?.type === rule.type);
}

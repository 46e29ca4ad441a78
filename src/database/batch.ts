/**
 * Requests of one turn that were read before any of them is executed, so that the memory they need is on its way.
 *
 * Looking a key up means waiting for memory two or three times, some 100 ns each with millions of keys. Commands of
 * different connections, and of one pipeline, are read ahead into a batch; their index slots and then their
 * records are touched in loops whose misses overlap, and only then the commands run, in their order.
 *
 * Invariants: touching changes nothing, so a batch may be wrong about what its commands need (an earlier one may
 * SELECT another database or delete the key) at the price of time only; entries stay valid until `clear`.
 *
 * Hot-path file: filling and preparing a batch allocates nothing.
 */
import type { CommandTable, ResolvedCommand } from "../commands/table.ts";
import { type KeyPrefetch, PREFETCH_TICKETS } from "../engine/keyspace.ts";
import { Request } from "../protocol/request.ts";
import type { Session } from "./session.ts";

export const BATCH_REQUESTS_MAX: number = PREFETCH_TICKETS;
/** Below this many requests there is little to overlap. */
const PREPARE_MIN = 4;

export class Batch {
  readonly requests: Request[] = Array.from({ length: BATCH_REQUESTS_MAX }, () => new Request());
  readonly sessions: Session[] = [];
  readonly #commands: (ResolvedCommand | undefined)[] = [];
  readonly #table: CommandTable;
  readonly #prefetch: KeyPrefetch;
  /** Argument index of the announced key of each entry, 0 for none. */
  readonly #keys = new Int32Array(BATCH_REQUESTS_MAX);
  count = 0;

  constructor(table: CommandTable, prefetch: KeyPrefetch) {
    this.#table = table;
    this.#prefetch = prefetch;
  }

  /** Takes the request at `requests[count]`, which the caller has filled. */
  add(session: Session): void {
    this.sessions[this.count++] = session;
  }

  /** Takes the first `count` requests, which are a session's. */
  takeAll(session: Session, count: number): void {
    for (let i = 0; i < count; i++) this.sessions[i] = session;
    this.count = count;
  }

  /** Finds the commands and touches the memory that they will need. */
  prepare(): void {
    const { count, requests, sessions } = this;
    const prefetch = this.#prefetch;
    const table = this.#table;
    const keys = this.#keys;
    if (count < PREPARE_MIN || !prefetch.isWorthIt) {
      for (let i = 0; i < count; i++) {
        this.#commands[i] = table.lookup(requests[i]!);
        keys[i] = 0;
      }
      return;
    }
    for (let i = 0; i < count; i++) {
      const request = requests[i]!;
      const command = table.lookup(request);
      this.#commands[i] = command;
      const key = command !== undefined && command.firstKey < request.argc ? command.firstKey : 0;
      keys[i] = key;
      if (key === 0) prefetch.leaveOut(i);
      else prefetch.announce(i, sessions[i]!.db, request.bytes, request.offsets[key]!, request.lengths[key]!);
    }
    prefetch.fetch(count);
  }

  /** The command of an entry, once it is its turn. */
  take(index: number): ResolvedCommand | undefined {
    const key = this.#keys[index]!;
    if (key !== 0) {
      const request = this.requests[index]!;
      this.#prefetch.expect(index, request.bytes, request.offsets[key]!, request.lengths[key]!);
    }
    return this.#commands[index];
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) this.requests[i]!.release();
    this.count = 0;
    this.#prefetch.expectNothing();
  }
}

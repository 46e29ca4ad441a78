/**
 * Who wants to know when effects are durable: callers that wait for one LSN, and listeners to every advance.
 *
 * Invariant: the `done` of a waiter is called exactly once.
 */
export type SyncDone = (error: Error | undefined) => void;

type Waiter = { readonly lsn: number; readonly done: SyncDone };

export class DurabilityWaiters {
  #waiters: Waiter[] = [];
  readonly #listeners: ((durableLsn: number) => void)[] = [];

  get isEmpty(): boolean {
    return this.#waiters.length === 0;
  }

  add(lsn: number, done: SyncDone): void {
    this.#waiters.push({ lsn, done });
  }

  listen(listener: (durableLsn: number) => void): void {
    this.#listeners.push(listener);
  }

  announce(durableLsn: number): void {
    if (this.#waiters.length > 0) {
      const ready = this.#waiters.filter((waiter) => waiter.lsn <= durableLsn);
      this.#waiters = this.#waiters.filter((waiter) => waiter.lsn > durableLsn);
      for (const waiter of ready) waiter.done(undefined);
    }
    for (const listener of this.#listeners) listener(durableLsn);
  }

  /** What they wait for will not come as they asked for it. */
  fail(error: Error | undefined): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.done(error);
  }
}

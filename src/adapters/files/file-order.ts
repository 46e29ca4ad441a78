/**
 * The order of the asynchronous operations on one file: reads side by side, everything else alone.
 *
 * Invariants
 *  - operations begin in the order in which they were asked for; a read never passes an append before it;
 *  - at most one append is under way, from its start to just before its callback: a second one, or a synchronous
 *    change meanwhile, is a bug of the caller and stops it;
 *  - closing waits for what is under way and refuses what comes later.
 *
 * In TypeScript and shared by the native and the portable implementation, so that there is one order to prove;
 * the threads behind it know nothing of files. A file that nobody waits on costs two comparisons per operation.
 */
import { assert } from "../../base/assert.ts";

interface Waiting {
  readonly alone: boolean;
  readonly begin: () => void;
}

export class FileOrder {
  readonly #path: string;
  #reading = 0;
  #alone = false;
  #appending = false;
  #closing: (() => void) | undefined;
  readonly #waiting: Waiting[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** Before every synchronous operation. */
  assertOpen(): void {
    if (this.#closing !== undefined) assert(false, `${this.#path}: used after close`);
  }

  /** Before every synchronous change: it would not take effect in order while an append is under way. */
  assertIdle(): void {
    this.assertOpen();
    if (this.#appending) assert(false, `${this.#path}: changed while an append is under way`);
  }

  /** True if what is begun now begins at once and has the file for itself. */
  get isQuiet(): boolean {
    return !this.#alone && this.#reading === 0 && this.#waiting.length === 0;
  }

  beginAppend(begin: () => void): void {
    this.assertIdle();
    this.#appending = true;
    this.begin(true, begin);
  }

  /** Calls `begin` now or when those before have ended. `begin` must lead to exactly one `end(alone)`. */
  begin(alone: boolean, begin: () => void): void {
    this.assertOpen();
    if (this.#alone || this.#waiting.length > 0 || (alone && this.#reading > 0)) {
      this.#waiting.push({ alone, begin });
      return;
    }
    this.#enter(alone, begin);
  }

  endAppend(): void {
    this.#appending = false;
    this.end(true);
  }

  end(alone: boolean): void {
    if (alone) this.#alone = false;
    else this.#reading--;
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0]!;
      if (this.#alone || (next.alone && this.#reading > 0)) return;
      this.#waiting.shift();
      this.#enter(next.alone, next.begin);
    }
    if (this.#closing !== undefined) this.#closeIfIdle();
  }

  /** Calls `close` once, when nothing is under way: now, if so. Later calls do nothing. */
  close(close: () => void): void {
    if (this.#closing !== undefined) return;
    this.#closing = close;
    this.#closeIfIdle();
  }

  #enter(alone: boolean, begin: () => void): void {
    if (alone) this.#alone = true;
    else this.#reading++;
    begin();
  }

  #closeIfIdle(): void {
    if (this.#alone || this.#reading > 0 || this.#waiting.length > 0) return;
    const close = this.#closing!;
    this.#closing = CLOSED;
    close();
  }
}

function CLOSED(): void {
  // The file has been closed: there is nothing left to do, however often it is asked for.
}

/** Shows on a terminal how far long work has come; says nothing where nobody looks. */
import type { Host } from "./host.ts";

const EVERY_MS = 100;

export class Progress {
  readonly #host: Host;
  readonly #what: string;
  #shownMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(host: Host, what: string) {
    this.#host = host;
    this.#what = what;
  }

  readonly update = (done: number, total: number): void => {
    const nowMs = this.#host.monotonicMs();
    if (!this.#host.outputIsTerminal || nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    this.#isShown = true;
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    this.#host.complain(`\r${this.#what}: ${percent} %\x1b[K`);
  };

  /** Wipes the line. */
  end(): void {
    if (this.#isShown) this.#host.complain("\r\x1b[K");
    this.#isShown = false;
  }
}

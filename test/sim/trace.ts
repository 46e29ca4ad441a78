/**
 * Everything that happens in a run, as a hash that rolls on and the last lines in words.
 *
 * Invariant: two runs of a seed give the same lines; so the same hash means the same run. Lines about files are many and
 * count in the hash alone, unless somebody listens.
 */
import { createHash } from "node:crypto";

const LINES_KEPT = 40;
/** Lines are hashed so many at a time. */
const BATCH_BYTES = 32 * 1024;
const SHOWN_MAX = 160;

export class Trace {
  readonly #hash = createHash("sha256");
  #batch = "";
  readonly #last: string[] = [];
  /** Is given every line, in full. */
  readonly #listener: ((line: string) => void) | undefined;

  constructor(listener?: (line: string) => void) {
    this.#listener = listener;
  }

  add(...what: readonly (string | number)[]): void {
    const line = what.join(" ");
    this.#add(line);
    this.#last.push(line);
    if (this.#last.length > 2 * LINES_KEPT) this.#last.splice(0, LINES_KEPT);
  }

  /** Not among the last lines. */
  addQuietly(operation: string, path: string): void {
    this.#add(`${operation} ${path}`);
  }

  #add(line: string): void {
    this.#batch += `${line}\n`;
    if (this.#batch.length > BATCH_BYTES) this.#flush();
    this.#listener?.(line);
  }

  #flush(): void {
    this.#hash.update(this.#batch, "latin1");
    this.#batch = "";
  }

  get hash(): string {
    this.#flush();
    return this.#hash.copy().digest("hex");
  }

  /** The last lines, shortened. */
  get last(): readonly string[] {
    return this.#last.slice(-LINES_KEPT).map(shortened);
  }
}

export function shortened(line: string): string {
  const shown = line.length > SHOWN_MAX ? `${line.slice(0, SHOWN_MAX)}… (${line.length})` : line;
  return JSON.stringify(shown).slice(1, -1);
}

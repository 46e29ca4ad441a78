/**
 * What SCAN, HSCAN, SSCAN and ZSCAN share: the options MATCH and COUNT, and the reply's frame.
 *
 * Invariant: an option without its argument, an unknown one, and a count below 1 are syntax errors, whichever comes first.
 */
import { matchesGlob } from "../base/glob.ts";
import { integerOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";

const COUNT_DEFAULT = 10;
const STAR = 42;

/** How many arguments an option of one command alone takes at `index`; 0 if it is none of its own. */
type TakesOwn = (index: number) => number;

export class ScanOptions {
  readonly count: number;
  readonly #context: Context;
  /** Argument of the pattern; 0 if everything matches. */
  readonly #pattern: number;

  private constructor(context: Context, count: number, pattern: number) {
    this.#context = context;
    this.count = count;
    this.#pattern = pattern !== 0 && isStar(context, pattern) ? 0 : pattern;
  }

  /** Reads the options from argument `from` on; undefined after the error reply. */
  static readOrReply(context: Context, from: number, takesOwn: TakesOwn = () => 0): ScanOptions | undefined {
    const { argc, reply } = context;
    let count = COUNT_DEFAULT;
    let pattern = 0;
    for (let index = from; index < argc; ) {
      const own = takesOwn(index);
      if (own > 0 && index + own <= argc) {
        index += own;
        continue;
      }
      const isLast = index + 1 === argc;
      if (!isLast && context.is(index, "match")) pattern = index + 1;
      else if (!isLast && context.is(index, "count")) {
        count = integerOrReply(context, index + 1);
        if (Number.isNaN(count)) return undefined;
      } else count = 0;
      if (count < 1) {
        reply.error(SYNTAX_ERROR);
        return undefined;
      }
      index += 2;
    }
    return new ScanOptions(context, count, pattern);
  }

  /** True if a name is to be answered. */
  admits(bytes: Uint8Array, offset: number, length: number): boolean {
    const context = this.#context;
    const pattern = this.#pattern;
    if (pattern === 0) return true;
    const start = context.offset(pattern);
    return matchesGlob(context.bytes, start, context.length(pattern), bytes, offset, length);
  }
}

/** True if the argument is the pattern that matches everything. */
export function isStar(context: Context, index: number): boolean {
  return context.length(index) === 1 && context.bytes[context.offset(index)] === STAR;
}

/** The next cursor and the header of the `elements` that follow. */
export function replyScanHeader(context: Context, next: number, elements: number): void {
  const { reply } = context;
  reply.arrayHeader(2);
  reply.bulkInteger(next);
  reply.arrayHeader(elements);
}

/**
 * The options of SORT and SORT_RO, and the keys that they name.
 *
 * Invariant: of options that are given twice the last one counts, but every GET counts.
 */
import { integerOrReply, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { SortPattern } from "./sort-pattern.ts";

export const SORT_KEY = 1;

/** Made per command: beside the walk over a collection that follows, an object is little. */
export class SortOptions {
  descending = false;
  /** By bytes instead of by number. */
  alpha = false;
  by: SortPattern | undefined = undefined;
  readonly gets: SortPattern[] = [];
  limitStart = 0;
  /** Negative: no limit. */
  limitCount = -1;
  /** The argument with the destination, or 0. */
  store = 0;
  /** BY without a "*": elements in the order in which the collection has them. */
  keepsOrder = false;
}

/** Undefined after the error reply. */
export function sortOptionsOrReply(context: Context, mayStore: boolean): SortOptions | undefined {
  const options = new SortOptions();
  const { argc } = context;
  for (let index = SORT_KEY + 1; index < argc; index++) {
    const left = argc - index - 1;
    if (context.is(index, "asc")) options.descending = false;
    else if (context.is(index, "desc")) options.descending = true;
    else if (context.is(index, "alpha")) options.alpha = true;
    else if (left >= 2 && context.is(index, "limit")) {
      options.limitStart = integerOrReply(context, index + 1);
      if (Number.isNaN(options.limitStart)) return undefined;
      options.limitCount = integerOrReply(context, index + 2);
      if (Number.isNaN(options.limitCount)) return undefined;
      index += 2;
    } else if (mayStore && left >= 1 && context.is(index, "store")) {
      options.store = ++index;
    } else if (left >= 1 && context.is(index, "by")) {
      options.by = patternAt(context, ++index);
      // As in Redis a pattern behind it does not take that back.
      if (options.by.isConstant) options.keepsOrder = true;
    } else if (left >= 1 && context.is(index, "get")) {
      options.gets.push(patternAt(context, ++index));
    } else {
      context.reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return options;
}

function patternAt(context: Context, index: number): SortPattern {
  return new SortPattern(context.bytes, context.offset(index), context.length(index));
}

/** The keys of SORT, as COMMAND GETKEYS finds them: the options' own arguments are skipped, but for STORE's. */
export function findSortKeys(context: Context, into: Int32Array): number {
  const { argc } = context;
  into[0] = SORT_KEY;
  let count = 1;
  for (let index = SORT_KEY + 1; index < argc; index++) {
    if (context.is(index, "limit")) index += 2;
    else if (context.is(index, "get") || context.is(index, "by")) index++;
    else if (index + 1 < argc && context.is(index, "store")) {
      into[1] = index + 1;
      count = 2;
    }
  }
  return count;
}

/**
 * Ranges of sorted sets as arguments give them (by rank, by score, by member), and which ranks they are of one set.
 *
 * Invariants: after `read…` has answered true the bounds are valid; after `locate` the elements of the range are those with
 * the ranks [first, first + count), count being 0 for a range that is empty, reversed or beyond the set.
 *
 * Every range becomes one of ranks, because a reply tells how many elements follow before the first of them.
 *
 * Hot-path file: nothing here allocates, but for numbers that parseBound cannot read in short form.
 */
import { parseBound } from "../value/double.ts";
import { integerOrReply } from "./arguments.ts";
import type { Context } from "./context.ts";
import type { SortedSetValue } from "./sorted-set-value.ts";

const NOT_A_FLOAT_RANGE = "ERR min or max is not a float";
const NOT_A_STRING_RANGE = "ERR min or max not valid string range item";

export const BY_RANK = 0;
export const BY_SCORE = 1;
export const BY_MEMBER = 2;

// What a bound by member is: below all members, above all, or a member.
const LOWEST = 0;
const HIGHEST = 1;
const MEMBER = 2;

const PLUS = 43;
const MINUS = 45;
const OPEN_BRACKET = 91;
const OPEN_PARENTHESIS = 40;

export class ElementRange {
  /** The ranks, after `locate`. */
  first = 0;
  count = 0;

  #kind: number = BY_RANK;
  /** Ranks or scores. */
  #min = 0;
  #max = 0;
  #minIsExclusive = false;
  #maxIsExclusive = false;
  // Bounds by member: their kind, and the range in the request.
  #minKind = LOWEST;
  #maxKind = HIGHEST;
  #bytes: Uint8Array = new Uint8Array(0);
  #minOffset = 0;
  #minLength = 0;
  #maxOffset = 0;
  #maxLength = 0;

  /** Reads a range of this kind (BY_…) from two arguments; false after the error reply. */
  readOrReply(context: Context, kind: number, min: number, max: number): boolean {
    if (kind === BY_SCORE) return this.readScoresOrReply(context, min, max);
    return kind === BY_RANK
      ? this.readRanksOrReply(context, min, max)
      : this.readMembersOrReply(context, min, max);
  }

  /** Ranks, from the end if negative. */
  readRanksOrReply(context: Context, start: number, stop: number): boolean {
    this.#kind = BY_RANK;
    this.#min = integerOrReply(context, start);
    if (Number.isNaN(this.#min)) return false;
    this.#max = integerOrReply(context, stop);
    return !Number.isNaN(this.#max);
  }

  readScoresOrReply(context: Context, min: number, max: number): boolean {
    this.#kind = BY_SCORE;
    this.#minIsExclusive = this.#isExclusive(context, min);
    this.#maxIsExclusive = this.#isExclusive(context, max);
    this.#min = score(context, min, this.#minIsExclusive);
    this.#max = score(context, max, this.#maxIsExclusive);
    if (!Number.isNaN(this.#min) && !Number.isNaN(this.#max)) return true;
    context.reply.error(NOT_A_FLOAT_RANGE);
    return false;
  }

  /** "-", "+", "[member" or "(member". */
  readMembersOrReply(context: Context, min: number, max: number): boolean {
    this.#kind = BY_MEMBER;
    this.#bytes = context.bytes;
    this.#minKind = memberKind(context, min);
    this.#maxKind = memberKind(context, max);
    if (this.#minKind < 0 || this.#maxKind < 0) {
      context.reply.error(NOT_A_STRING_RANGE);
      return false;
    }
    this.#minIsExclusive = this.#isExclusive(context, min);
    this.#maxIsExclusive = this.#isExclusive(context, max);
    this.#minOffset = context.offset(min) + 1;
    this.#minLength = context.length(min) - 1;
    this.#maxOffset = context.offset(max) + 1;
    this.#maxLength = context.length(max) - 1;
    return true;
  }

  #isExclusive(context: Context, index: number): boolean {
    return context.length(index) > 0 && context.bytes[context.offset(index)] === OPEN_PARENTHESIS;
  }

  /**
   * Finds the ranks in this set. With `reversed` a range of ranks counts from the highest element; `first` and `count` are
   * ranks from the lowest all the same.
   */
  locate(set: SortedSetValue, reversed: boolean): void {
    if (this.#kind === BY_RANK) {
      this.#locateRanks(set.size, reversed);
      return;
    }
    const from = this.#kind === BY_SCORE ? this.#lowestByScore(set) : this.#lowestByMember(set);
    const to = this.#kind === BY_SCORE ? this.#behindByScore(set) : this.#behindByMember(set);
    this.first = from;
    this.count = to > from ? to - from : 0;
  }

  #locateRanks(size: number, reversed: boolean): void {
    let start = this.#min < 0 ? this.#min + size : this.#min;
    let stop = this.#max < 0 ? this.#max + size : this.#max;
    if (start < 0) start = 0;
    if (stop >= size) stop = size - 1;
    if (start > stop) {
      this.count = 0;
      return;
    }
    this.first = reversed ? size - 1 - stop : start;
    this.count = stop - start + 1;
  }

  #lowestByScore(set: SortedSetValue): number {
    if (this.#min === Number.NEGATIVE_INFINITY && !this.#minIsExclusive) return 0;
    return set.size === 0 ? 0 : set.countBelow(this.#min, this.#minIsExclusive);
  }

  #behindByScore(set: SortedSetValue): number {
    if (this.#max === Number.POSITIVE_INFINITY && !this.#maxIsExclusive) return set.size;
    return set.size === 0 ? 0 : set.countBelow(this.#max, !this.#maxIsExclusive);
  }

  #lowestByMember(set: SortedSetValue): number {
    if (this.#minKind !== MEMBER) return this.#minKind === LOWEST ? 0 : set.size;
    return set.countBefore(this.#bytes, this.#minOffset, this.#minLength, this.#minIsExclusive);
  }

  #behindByMember(set: SortedSetValue): number {
    if (this.#maxKind !== MEMBER) return this.#maxKind === LOWEST ? 0 : set.size;
    return set.countBefore(this.#bytes, this.#maxOffset, this.#maxLength, !this.#maxIsExclusive);
  }

  /** Keeps `count` elements (all if negative) behind the first `offset`, from the upper end with `reversed`; none if `offset` is negative. */
  limit(offset: number, count: number, reversed: boolean): void {
    if (offset < 0 || offset >= this.count) {
      this.count = 0;
      return;
    }
    const left = this.count - offset;
    const kept = count < 0 || count > left ? left : count;
    this.first = reversed ? this.first + left - kept : this.first + offset;
    this.count = kept;
  }
}

/** The range that bodies share; none keeps it past its return. */
export const elementRange = new ElementRange();

function score(context: Context, index: number, isExclusive: boolean): number {
  const skipped = isExclusive ? 1 : 0;
  return parseBound(context.bytes, context.offset(index) + skipped, context.length(index) - skipped);
}

/** LOWEST, HIGHEST, MEMBER, or -1 for what is none of them. */
function memberKind(context: Context, index: number): number {
  const length = context.length(index);
  if (length === 0) return -1;
  const offset = context.offset(index);
  const first = context.bytes[offset];
  if (first === OPEN_BRACKET || first === OPEN_PARENTHESIS) return MEMBER;
  if (first !== PLUS && first !== MINUS) return -1;
  // Redis reads these as a C string: a zero byte ends it.
  if (length > 1 && context.bytes[offset + 1] !== 0) return -1;
  return first === PLUS ? HIGHEST : LOWEST;
}

/**
 * Commands that give members scores: ZADD and ZINCRBY.
 *
 * Invariants: every score is read before anything changes, so a request with a wrong one changes nothing; a request that
 * changed nothing is not logged. Both are logged as they came: adding doubles gives the same everywhere.
 *
 * Hot-path file: nothing allocates, but for scores that parseScore cannot read in short form and requests of very many
 * members.
 */
import { parseScore } from "../value/double.ts";
import { SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { NOTIFY_SORTED_SET } from "./notify-events.ts";
import { OPEN_ABSENT, OPEN_REFUSED } from "./sorted-set-value.ts";

export const NOT_A_SCORE = "ERR value is not a valid float";
const NOT_A_NUMBER = "ERR resulting score is not a number (NaN)";

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;
const CH = 16;
const INCR = 32;

// What became of an element.
const UNCHANGED = 0;
const ADDED = 1;
const UPDATED = 2;
/** Its condition did not hold. */
const PASSED_OVER = 3;
/** Its score would be no number. */
const REFUSED = 4;

const SCORES_KEPT = 1024;
/** Scores of the present request; grown for one of many members, and cut back after it. */
let scores = new Float64Array(SCORES_KEPT);
/** The score of the element that `addOne` came to. */
let resultingScore = 0;

export function zadd(context: Context): void {
  addElements(context, 0);
}

export function zincrby(context: Context): void {
  addElements(context, INCR);
}

function addElements(context: Context, given: number): void {
  const { reply, argc } = context;
  let options = given;
  let first = 2;
  for (let option = optionAt(context, first); option !== 0; option = optionAt(context, first)) {
    options |= option;
    first++;
    if (first === argc) break;
  }
  const arguments_ = argc - first;
  if (arguments_ === 0 || (arguments_ & 1) === 1) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (!areCompatible(context, options, arguments_ >> 1)) return;
  if (!readScoresOrReply(context, first)) return;
  const opened = context.sortedSet.openForWrite(1);
  if (opened === OPEN_REFUSED) return;
  if (opened === OPEN_ABSENT && (options & XX) !== 0) {
    if ((options & INCR) !== 0) reply.nullBulk();
    else reply.integer(0);
    return;
  }
  if ((options & INCR) !== 0) incrementOne(context, options, first);
  else addAll(context, options, first);
  if (scores.length > SCORES_KEPT) scores = new Float64Array(SCORES_KEPT);
}

/** The option that an argument names, or 0. */
function optionAt(context: Context, index: number): number {
  const first = context.bytes[context.offset(index)]! | 32;
  // Nearly every request has its score here.
  if (first < 97) return 0;
  if (context.is(index, "nx")) return NX;
  if (context.is(index, "xx")) return XX;
  if (context.is(index, "ch")) return CH;
  if (context.is(index, "incr")) return INCR;
  if (context.is(index, "gt")) return GT;
  return context.is(index, "lt") ? LT : 0;
}

/** False after the error reply. */
function areCompatible(context: Context, options: number, elements: number): boolean {
  if (options === 0) return true;
  const { reply } = context;
  if ((options & NX) !== 0 && (options & XX) !== 0) {
    reply.error("ERR XX and NX options at the same time are not compatible");
    return false;
  }
  const comparisons = ((options & GT) === 0 ? 0 : 1) + ((options & LT) === 0 ? 0 : 1);
  if (comparisons + ((options & NX) === 0 ? 0 : 1) > 1) {
    reply.error("ERR GT, LT, and/or NX options at the same time are not compatible");
    return false;
  }
  if ((options & INCR) === 0 || elements === 1) return true;
  reply.error("ERR INCR option supports a single increment-element pair");
  return false;
}

/** Reads the scores of the elements from argument `first` on into `scores`; false after the error reply. */
function readScoresOrReply(context: Context, first: number): boolean {
  const { argc } = context;
  const count = (argc - first) >> 1;
  if (count > scores.length) scores = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const index = first + 2 * i;
    const score = parseScore(context.bytes, context.offset(index), context.length(index));
    if (Number.isNaN(score)) {
      context.reply.error(NOT_A_SCORE);
      return false;
    }
    scores[i] = score;
  }
  return true;
}

function addAll(context: Context, options: number, first: number): void {
  const count = (context.argc - first) >> 1;
  let added = 0;
  let updated = 0;
  for (let i = 0; i < count; i++) {
    const outcome = addOne(context, options, first + 2 * i + 1, scores[i]!);
    if (outcome === ADDED) added++;
    else if (outcome === UPDATED) updated++;
  }
  if (added + updated > 0) concludeChange(context, added > 0, "zadd");
  context.reply.integer((options & CH) === 0 ? added : added + updated);
}

function incrementOne(context: Context, options: number, first: number): void {
  const outcome = addOne(context, options, first + 1, scores[0]!);
  if (outcome === REFUSED) {
    context.reply.error(NOT_A_NUMBER);
    return;
  }
  if (outcome === ADDED || outcome === UPDATED) concludeChange(context, outcome === ADDED, "zincr");
  if (outcome === PASSED_OVER) context.reply.nullBulk();
  else context.reply.double(resultingScore);
}

/** What every change ends with; the reply is still to be written. */
function concludeChange(context: Context, hasAdded: boolean, event: string): void {
  context.sortedSet.finish();
  context.effects.verbatim();
  context.sortedSet.tell(NOTIFY_SORTED_SET, event, false);
  if (hasAdded) context.signalReady(context.db, context.bytes, context.offset(1), context.length(1));
}

/** Adds or changes the member in argument `member`; answers what became of it. */
function addOne(context: Context, options: number, member: number, given: number): number {
  const set = context.sortedSet;
  const bytes = context.request.bytes;
  const offset = context.request.offsets[member]!;
  const length = context.request.lengths[member]!;
  if (!set.find(bytes, offset, length)) {
    if ((options & XX) !== 0) return PASSED_OVER;
    set.insert(bytes, offset, length, given);
    resultingScore = given;
    return ADDED;
  }
  if ((options & NX) !== 0) return PASSED_OVER;
  const present = set.score;
  const score = (options & INCR) === 0 ? given : given + present;
  if (Number.isNaN(score)) return REFUSED;
  if ((options & LT) !== 0 && score >= present) return PASSED_OVER;
  if ((options & GT) !== 0 && score <= present) return PASSED_OVER;
  resultingScore = score;
  if (score === present) return UNCHANGED;
  set.rescore(bytes, offset, length, score);
  return UPDATED;
}

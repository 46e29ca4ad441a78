/**
 * Unions, intersections and differences of sorted sets and sets: ZUNION, ZINTER, ZDIFF, their storing forms, ZINTERCARD.
 *
 * Invariants: all keys are looked up before options are read, as in Redis, so that a key of another type is told of first;
 * sources are read to the end before the destination, which may be one of them, is touched. The storing forms are logged as
 * they came: scores are combined in an order that depends on the data alone (sources by their size, then as they were named).
 */
import { parseScore } from "../value/double.ts";
import { approximateInt64, integerOrReply, SYNTAX_ERROR, WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { EMPTY_SOURCE, type ScoredSource, scoredSource } from "./scored-source.ts";
import { concludeStore, scoreTable } from "./sorted-set-store.ts";

const UNION = 0;
const INTERSECTION = 1;
const DIFFERENCE = 2;

const SUM = 0;
const MIN = 1;
const MAX = 2;

interface Operand {
  readonly source: ScoredSource;
  weight: number;
}

/** What a command of the family allows and has been told. */
class Combination {
  readonly operation: number;
  readonly stores: boolean;
  readonly counts: boolean;
  aggregate: number = SUM;
  withScores = false;
  /** Where counting ends; 0 for nowhere. */
  limit = 0;

  constructor(operation: number, does: "replies" | "stores" | "counts") {
    this.operation = operation;
    this.stores = does === "stores";
    this.counts = does === "counts";
  }
}

export function zunion(context: Context): void {
  combine(context, "zunion", new Combination(UNION, "replies"));
}

export function zinter(context: Context): void {
  combine(context, "zinter", new Combination(INTERSECTION, "replies"));
}

export function zdiff(context: Context): void {
  combine(context, "zdiff", new Combination(DIFFERENCE, "replies"));
}

export function zunionstore(context: Context): void {
  combine(context, "zunionstore", new Combination(UNION, "stores"));
}

export function zinterstore(context: Context): void {
  combine(context, "zinterstore", new Combination(INTERSECTION, "stores"));
}

export function zdiffstore(context: Context): void {
  combine(context, "zdiffstore", new Combination(DIFFERENCE, "stores"));
}

export function zintercard(context: Context): void {
  combine(context, "zintercard", new Combination(INTERSECTION, "counts"));
}

function combine(context: Context, command: string, how: Combination): void {
  const countArgument = how.stores ? 2 : 1;
  const operands = readOperandsOrReply(context, countArgument, command);
  if (operands === undefined) return;
  if (!readOptionsOrReply(context, countArgument + 1 + operands.length, operands, how)) return;
  if (how.operation !== DIFFERENCE) operands.sort((a, b) => a.source.size - b.source.size);
  if (how.counts) {
    context.reply.integer(intersect(operands, how));
    return;
  }
  if (how.operation === UNION) unite(context, operands, how.aggregate);
  else {
    scoreTable.clear();
    if (how.operation === INTERSECTION) intersect(operands, how);
    else subtract(operands);
  }
  if (how.stores) concludeStore(context, command);
  else replyTable(context, how.withScores);
}

/** Reads `numkeys key …` and looks the keys up; undefined after the error reply. */
function readOperandsOrReply(
  context: Context,
  countArgument: number,
  command: string,
): Operand[] | undefined {
  const { argc, keyspace, reply } = context;
  const count = integerOrReply(context, countArgument);
  if (Number.isNaN(count)) return undefined;
  if (count < 1) {
    reply.error(`ERR at least 1 input key is needed for '${command}' command`);
    return undefined;
  }
  if (count > argc - countArgument - 1) {
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  const operands: Operand[] = [];
  for (let index = countArgument + 1; index <= countArgument + count; index++) {
    const source = context.findForRead(index) ? scoredSource(keyspace) : EMPTY_SOURCE;
    if (source === undefined) {
      reply.error(WRONG_TYPE);
      return undefined;
    }
    operands.push({ source, weight: 1 });
  }
  return operands;
}

/** Reads the arguments from `first` on; false after the error reply. */
function readOptionsOrReply(
  context: Context,
  first: number,
  operands: readonly Operand[],
  how: Combination,
): boolean {
  const { argc, reply } = context;
  const isWeighed = how.operation !== DIFFERENCE && !how.counts;
  for (let index = first; index < argc; index++) {
    const left = argc - index;
    if (isWeighed && left > operands.length && context.is(index, "weights")) {
      if (!readWeightsOrReply(context, index + 1, operands)) return false;
      index += operands.length;
    } else if (isWeighed && left >= 2 && context.is(index, "aggregate")) {
      how.aggregate = aggregateAt(context, ++index);
      if (how.aggregate < 0) {
        reply.error(SYNTAX_ERROR);
        return false;
      }
    } else if (!how.stores && !how.counts && context.is(index, "withscores")) {
      how.withScores = true;
    } else if (how.counts && left >= 2 && context.is(index, "limit")) {
      how.limit = approximateInt64(context, ++index);
      if (Number.isNaN(how.limit) || how.limit < 0) {
        reply.error("ERR LIMIT can't be negative");
        return false;
      }
    } else {
      reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  return true;
}

function readWeightsOrReply(context: Context, first: number, operands: readonly Operand[]): boolean {
  for (const [i, operand] of operands.entries()) {
    const index = first + i;
    operand.weight = parseScore(context.bytes, context.offset(index), context.length(index));
    if (Number.isNaN(operand.weight)) {
      context.reply.error("ERR weight value is not a float");
      return false;
    }
  }
  return true;
}

/** -1 for an unknown word. */
function aggregateAt(context: Context, index: number): number {
  if (context.is(index, "sum")) return SUM;
  if (context.is(index, "min")) return MIN;
  return context.is(index, "max") ? MAX : -1;
}

/** Puts the union into the table. */
function unite(context: Context, operands: readonly Operand[], aggregate: number): void {
  scoreTable.clear(context.structures.hasher);
  for (const { source, weight } of operands) {
    for (let more = source.first(); more; more = source.next()) {
      const score = weighted(source.score, weight);
      const element = scoreTable.find(source.bytes, source.offset, source.length);
      if (element < 0) scoreTable.append(source.bytes, source.offset, source.length, score);
      else scoreTable.rescore(element, aggregated(scoreTable.scores[element]!, score, aggregate));
    }
  }
}

/** Puts the intersection into the table, or only counts it; answers its size. */
function intersect(operands: readonly Operand[], how: Combination): number {
  const { source, weight } = operands[0]!;
  let count = 0;
  for (let more = source.first(); more; more = source.next()) {
    let score = weighted(source.score, weight);
    let i = 1;
    for (; i < operands.length; i++) {
      const other = operands[i]!;
      const value = other.source.scoreOf(source.bytes, source.offset, source.length);
      if (Number.isNaN(value)) break;
      score = aggregated(score, value * other.weight, how.aggregate);
    }
    if (i < operands.length) continue;
    count++;
    if (!how.counts) scoreTable.append(source.bytes, source.offset, source.length, score);
    else if (count === how.limit) break;
  }
  return count;
}

/** Puts what is in the first operand alone into the table. */
function subtract(operands: readonly Operand[]): void {
  const { source } = operands[0]!;
  for (let more = source.first(); more; more = source.next()) {
    let i = 1;
    while (i < operands.length) {
      const score = operands[i]!.source.scoreOf(source.bytes, source.offset, source.length);
      if (!Number.isNaN(score)) break;
      i++;
    }
    if (i < operands.length) continue;
    scoreTable.append(source.bytes, source.offset, source.length, source.score);
  }
}

/** Infinity times zero counts as zero. */
function weighted(score: number, weight: number): number {
  const product = score * weight;
  return Number.isNaN(product) ? 0 : product;
}

/** `value` may be NaN, from a weight of zero: it is then passed over by MIN and MAX, and SUM makes it zero. */
function aggregated(score: number, value: number, aggregate: number): number {
  if (aggregate === MIN) return value < score ? value : score;
  if (aggregate === MAX) return value > score ? value : score;
  const sum = score + value;
  // Opposite infinities cancel out.
  return Number.isNaN(sum) ? 0 : sum;
}

function replyTable(context: Context, withScores: boolean): void {
  const { reply } = context;
  scoreTable.sort();
  const { bytes, count, scores } = scoreTable;
  const isFlat = reply.resp === 2;
  reply.arrayHeader(withScores && isFlat ? count * 2 : count);
  for (let rank = 0; rank < count; rank++) {
    const element = scoreTable.at(rank);
    if (withScores && !isFlat) reply.arrayHeader(2);
    reply.bulk(bytes, scoreTable.offsetOf(element), scoreTable.lengthOf(element));
    if (withScores) reply.double(scores[element]!);
  }
}

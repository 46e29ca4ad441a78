/**
 * SORT and SORT_RO: the elements of a list, set or sorted set in order, or what other keys say of them.
 *
 * Invariants
 *  - Elements are collected first, weighed next, then sorted; replies are written, or results stored, last. So the keys that
 *    BY and GET name may be anything, the sorted key and the destination included.
 *  - By number the bytes decide between equal weights. By bytes of other keys (BY with ALPHA) elements of equal weight stay
 *    as they came, those without a weight being first.
 *  - Bytes are compared as numbers, the whole string: Redis without STORE asks the locale, which in C and C.UTF-8 says the
 *    same but for strings with a zero byte.
 *
 * Hot-path file: per element nothing is allocated, but for buffers that grow; per command there are the options.
 */
import { TYPE_SET } from "../engine/keyspace.ts";
import { ByteRuns } from "../value/sort/byte-runs.ts";
import { parseSortWeight } from "../value/sort/sort-weight.ts";
import { WeightedOrder } from "../value/sort/weighted-order.ts";
import { WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { collectElements, sortableSize } from "./sort-elements.ts";
import { SORT_KEY, type SortOptions, sortOptionsOrReply } from "./sort-options.ts";
import { SortLookup, type SortPattern } from "./sort-pattern.ts";
import { storeSorted } from "./sort-store.ts";

/** The weight of what is sorted by bytes and has none: below every other. */
const NO_WEIGHT = -1;

const elements = new ByteRuns();
/** The bytes that BY with ALPHA compares, or what GET found for STORE. */
const values = new ByteRuns();
const order = new WeightedOrder();
const lookup = new SortLookup();

export function sort(context: Context): void {
  sortGeneric(context, true);
}

export function sortReadOnly(context: Context): void {
  sortGeneric(context, false);
}

function sortGeneric(context: Context, mayStore: boolean): void {
  const options = sortOptionsOrReply(context, mayStore);
  if (options === undefined) return;
  const found = context.findForRead(SORT_KEY);
  const size = found ? sortableSize(context) : 0;
  if (size < 0) {
    context.reply.error(WRONG_TYPE);
    return;
  }
  try {
    sortElements(context, options, size);
  } finally {
    elements.clear();
    values.clear();
    order.clear();
    lookup.clear();
  }
}

function sortElements(context: Context, options: SortOptions, size: number): void {
  const isSet = size > 0 && context.keyspace.type === TYPE_SET;
  // A stored set is sorted in any case, so that what is stored does not depend on how sets are kept.
  if (isSet && options.keepsOrder && options.store > 0) sortAnyway(options);
  const start = Math.min(Math.max(options.limitStart, 0), size);
  const count = options.limitCount < 0 ? size - start : Math.min(options.limitCount, size - start);
  if (options.keepsOrder) {
    takeRange(context, isSet ? false : options.descending, size, start, count);
    conclude(context, options, 0, count);
    return;
  }
  collectElements(context, 0, size, elements);
  order.reset(size);
  if (!weigh(context, options)) {
    context.reply.error("ERR One or more scores can't be converted into double");
    return;
  }
  const byBytesOfOthers = options.alpha && options.by !== undefined;
  order.sort(byBytesOfOthers ? values : elements, options.descending);
  values.clear();
  conclude(context, options, start, start + count);
}

function sortAnyway(options: SortOptions): void {
  options.keepsOrder = false;
  options.alpha = true;
  options.by = undefined;
}

/** Collects what is asked for alone, in the collection's order or the reverse. */
function takeRange(context: Context, descending: boolean, size: number, start: number, count: number): void {
  collectElements(context, descending ? size - start - count : start, count, elements);
  order.reset(count);
  if (descending) order.reverse();
}

/** Gives every element its weight; false if one that should be a number is none. */
function weigh(context: Context, options: SortOptions): boolean {
  const { by } = options;
  if (by !== undefined) return options.alpha ? weighByBytesOf(context, by) : weighByNumberOf(context, by);
  const { count } = elements;
  if (options.alpha) {
    for (let i = 0; i < count; i++) order.weighByPrefix(i, elements);
    return true;
  }
  const { weights } = order;
  let isValid = true;
  for (let i = 0; i < count; i++) {
    const weight = parseSortWeight(elements.bytes, elements.offsetOf(i), elements.lengthOf(i));
    if (Number.isNaN(weight)) isValid = false;
    weights[i] = weight;
  }
  return isValid;
}

function weighByNumberOf(context: Context, by: SortPattern): boolean {
  const { weights } = order;
  let isValid = true;
  for (let i = 0; i < elements.count; i++) {
    let weight = 0;
    if (lookup.find(context, by, elements.bytes, elements.offsetOf(i), elements.lengthOf(i))) {
      weight = parseSortWeight(lookup.foundBytes, lookup.foundOffset, lookup.foundLength);
      if (Number.isNaN(weight)) isValid = false;
    }
    weights[i] = weight;
  }
  return isValid;
}

function weighByBytesOf(context: Context, by: SortPattern): true {
  for (let i = 0; i < elements.count; i++) {
    if (lookup.find(context, by, elements.bytes, elements.offsetOf(i), elements.lengthOf(i))) {
      values.append(lookup.foundBytes, lookup.foundOffset, lookup.foundLength);
      order.weighByPrefix(i, values);
    } else {
      values.append(values.bytes, 0, 0);
      order.weights[i] = NO_WEIGHT;
    }
  }
  return true;
}

/** Replies with places [from, to) of the order, or stores them. */
function conclude(context: Context, options: SortOptions, from: number, to: number): void {
  const { gets, store } = options;
  if (store === 0) {
    context.reply.arrayHeader((to - from) * Math.max(1, gets.length));
    if (gets.length === 0) replyElements(context, from, to);
    else replyGets(context, gets, from, to);
  } else if (gets.length === 0) {
    storeSorted(context, store, { runs: elements, numbers: order.numbers, from, to });
  } else {
    collectGets(context, gets, from, to);
    order.reset(values.count);
    storeSorted(context, store, { runs: values, numbers: order.numbers, from: 0, to: values.count });
  }
}

function replyElements({ reply }: Context, from: number, to: number): void {
  const { data, bytes } = elements;
  const { numbers } = order;
  for (let place = from; place < to; place++) {
    const number = numbers[place]!;
    reply.bulkData(data, bytes, elements.offsetOf(number), elements.lengthOf(number));
  }
}

function replyGets(context: Context, gets: readonly SortPattern[], from: number, to: number): void {
  const { reply } = context;
  const { data, bytes } = elements;
  for (let place = from; place < to; place++) {
    const number = order.numbers[place]!;
    const offset = elements.offsetOf(number);
    const length = elements.lengthOf(number);
    for (let i = 0; i < gets.length; i++) {
      const pattern = gets[i]!;
      if (pattern.isElement) reply.bulkData(data, bytes, offset, length);
      else if (!lookup.find(context, pattern, bytes, offset, length)) reply.nullBulk();
      else {
        const { foundData, foundBytes, foundOffset, foundLength } = lookup;
        reply.bulkData(foundData, foundBytes, foundOffset, foundLength);
      }
    }
  }
}

/** Before anything is stored: the destination may be one of the keys, and what has expired is removed by effects of its own. */
function collectGets(context: Context, gets: readonly SortPattern[], from: number, to: number): void {
  const { bytes } = elements;
  for (let place = from; place < to; place++) {
    const number = order.numbers[place]!;
    const offset = elements.offsetOf(number);
    const length = elements.lengthOf(number);
    for (let i = 0; i < gets.length; i++) {
      const pattern = gets[i]!;
      if (pattern.isElement) values.append(bytes, offset, length);
      // What is not there is stored as an empty element.
      else if (!lookup.find(context, pattern, bytes, offset, length)) values.append(bytes, 0, 0);
      else values.append(lookup.foundBytes, lookup.foundOffset, lookup.foundLength);
    }
  }
}

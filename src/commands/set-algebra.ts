/**
 * SINTER, SUNION, SDIFF, the same with a destination, and SINTERCARD.
 *
 * Invariants: every source is checked for its type before anything is answered or changed; a source may be the destination;
 * a result without members removes the destination. A stored result is logged as it came: the sources are the same when it
 * is replayed.
 *
 * Members of an intersection or a difference are found by walking one set and asking the others, so none comes twice; those
 * of a union are put together in a structure first. What is answered is noted before it is written, because the reply names
 * its number: as places in the walked set's memory, which does not change meanwhile.
 */
import { UnpackedSet } from "../value/set/unpacked-set.ts";
import { approximateInt64, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";
import { NOTIFY_GENERIC, NOTIFY_SET } from "./notify-events.ts";
import { SetOperand } from "./set-operand.ts";

const DESTINATION = 1;
const RELEASE_ALL = Number.POSITIVE_INFINITY;

/** Walks the result; `visit` may not use the keyspace. False if it wants no more. */
type Walk = (operands: readonly SetOperand[], visit: Visit) => void;
type Visit = (bytes: Uint8Array, offset: number, length: number) => boolean;

export function sinter(context: Context): void {
  answer(context, intersection);
}
export function sdiff(context: Context): void {
  answer(context, difference);
}
export function sinterStore(context: Context): void {
  store(context, intersection, "sinterstore");
}
export function sdiffStore(context: Context): void {
  store(context, difference, "sdiffstore");
}
export function sunionStore(context: Context): void {
  store(context, concatenation, "sunionstore");
}

export function sunion(context: Context): void {
  const operands = operandsOrReply(context, 1, context.argc);
  if (operands === undefined) return;
  const { reply } = context;
  const union = new UnpackedSet(context.structures);
  for (const operand of operands) {
    for (let more = operand.first(); more; more = operand.next())
      union.add(operand.bytes, operand.offset, operand.length);
  }
  const { dictionary } = union;
  const { entry } = dictionary;
  reply.setHeader(union.size);
  for (let more = dictionary.first(); more; more = dictionary.next())
    reply.bulkData(entry.data, entry.bytes, entry.keyOffset, entry.keyLength);
  union.release(RELEASE_ALL);
}

export function sinterCard(context: Context): void {
  const { argc, reply } = context;
  const count = approximateInt64(context, 1);
  if (!(count >= 1)) {
    reply.error("ERR numkeys should be greater than 0");
    return;
  }
  if (count > argc - 2) {
    reply.error("ERR Number of keys can't be greater than number of args");
    return;
  }
  let limit = 0;
  for (let index = 2 + count; index < argc; index += 2) {
    if (!context.is(index, "limit") || index + 1 === argc) {
      reply.error(SYNTAX_ERROR);
      return;
    }
    limit = approximateInt64(context, index + 1);
    if (!(limit >= 0)) {
      reply.error("ERR LIMIT can't be negative");
      return;
    }
  }
  const operands = operandsOrReply(context, 2, 2 + count);
  if (operands === undefined) return;
  let found = 0;
  intersection(operands, () => ++found !== limit);
  reply.integer(found);
}

/** The sets in arguments [from, to), absent ones as empty sets; undefined after the error reply. */
function operandsOrReply(context: Context, from: number, to: number): SetOperand[] | undefined {
  const { keyspace, set } = context;
  const operands: SetOperand[] = [];
  for (let index = from; index < to; index++) {
    if (!set.openToRead(index)) return undefined;
    operands.push(new SetOperand(set, keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength));
  }
  return operands;
}

function answer(context: Context, walk: Walk): void {
  const operands = operandsOrReply(context, 1, context.argc);
  if (operands === undefined) return;
  const { reply } = context;
  const sources: Uint8Array[] = [];
  const places: number[] = [];
  walk(operands, (bytes, offset, length) => {
    sources.push(bytes);
    places.push(offset, length);
    return true;
  });
  reply.setHeader(sources.length);
  for (let i = 0; i < sources.length; i++) reply.bulk(sources[i]!, places[2 * i]!, places[2 * i + 1]!);
}

function store(context: Context, walk: Walk, event: string): void {
  const operands = operandsOrReply(context, 2, context.argc);
  if (operands === undefined) return;
  const { reply, set } = context;
  set.beginNew(DESTINATION);
  walk(operands, (bytes, offset, length) => {
    set.add(bytes, offset, length);
    return true;
  });
  const { size } = set;
  if (set.save()) {
    context.effects.verbatim();
    context.notify(NOTIFY_SET, event, DESTINATION);
  } else if (context.findForWrite(DESTINATION)) {
    context.remove(DESTINATION);
    context.effects.verbatim();
    context.notify(NOTIFY_GENERIC, "del", DESTINATION);
  }
  reply.integer(size);
}

/** The smallest set is walked; as soon as one lacks a member the others are not asked. */
function intersection(operands: readonly SetOperand[], visit: Visit): void {
  const [smallest, ...others] = [...operands].sort((a, b) => a.size - b.size);
  if (smallest === undefined || smallest.size === 0) return;
  for (let more = smallest.first(); more; more = smallest.next()) {
    const { bytes, offset, length } = smallest;
    if (isInAll(others, bytes, offset, length) && !visit(bytes, offset, length)) return;
  }
}

function isInAll(sets: readonly SetOperand[], bytes: Uint8Array, offset: number, length: number): boolean {
  for (let i = 0; i < sets.length; i++) if (!sets[i]!.has(bytes, offset, length)) return false;
  return true;
}

/** The largest of the other sets is asked first: it is the likeliest to hold the member. */
function difference(operands: readonly SetOperand[], visit: Visit): void {
  const [first, ...others] = operands;
  others.sort((a, b) => b.size - a.size);
  for (let more = first!.first(); more; more = first!.next()) {
    const { bytes, offset, length } = first!;
    if (!isInAny(others, bytes, offset, length) && !visit(bytes, offset, length)) return;
  }
}

function isInAny(sets: readonly SetOperand[], bytes: Uint8Array, offset: number, length: number): boolean {
  for (let i = 0; i < sets.length; i++) if (sets[i]!.has(bytes, offset, length)) return true;
  return false;
}

/** Members of several sets may come more than once. */
function concatenation(operands: readonly SetOperand[], visit: Visit): void {
  for (const operand of operands) {
    for (let more = operand.first(); more; more = operand.next()) {
      if (!visit(operand.bytes, operand.offset, operand.length)) return;
    }
  }
}

/**
 * SORT's STORE: a result becomes a list.
 *
 * Invariants
 *  - The destination is replaced as a whole, whatever it held, and has no expiry; an empty result removes it.
 *  - What is logged is the result, in one unit: DEL if there was a key, and RPUSH in pieces of a bounded size. The request
 *    itself would have to be sorted again in replay, which for a set would need the order in which its members are met.
 *  - The list is made before the key is touched: if there is no memory for it, nothing has changed.
 */
import { NO_EXPIRY, TYPE_LIST } from "../engine/keyspace.ts";
import { isCompactList } from "../value/list/compact-list.ts";
import {
  listEntryBytes,
  PACKED_LIST_HEAD_BYTES,
  writeListEntry,
  writeListHead,
} from "../value/list/packed-list.ts";
import { ListSequence } from "../value/sequence/list-sequence.ts";
import type { ByteRuns } from "../value/sort/byte-runs.ts";
import { ENCODING_COMPACT, ENCODING_LARGE, PACKED_BYTES_MAX } from "../value/unpacked.ts";
import type { Context } from "./context.ts";
import { NOTIFY_GENERIC, NOTIFY_LIST, NOTIFY_NEW } from "./notify-events.ts";

/** An effect of RPUSH has no more elements than this, and ends with the one that passes the bound of bytes. */
const PIECE_ELEMENTS_MAX = 1024;
const PIECE_BYTES_MAX = 1024 * 1024;

const packed = new Uint8Array(PACKED_BYTES_MAX);

/** The result: strings of `runs` by the numbers in [from, to) of `numbers`. */
export interface SortResult {
  readonly runs: ByteRuns;
  readonly numbers: Int32Array;
  readonly from: number;
  readonly to: number;
}

/** Stores the result under the key in argument `key`, logs it, tells of it and replies with its length. */
export function storeSorted(context: Context, key: number, result: SortResult): void {
  const { effects, reply } = context;
  const count = result.to - result.from;
  if (count === 0) {
    if (context.remove(key)) {
      effects.begin(context.db, 2);
      effects.argumentText("DEL");
      effects.requestArgument(key);
      effects.end();
      context.notify(NOTIFY_GENERIC, "del", key);
    }
    reply.integer(0);
    return;
  }
  const isNew = !context.findForWrite(key);
  putList(context, key, result);
  logList(context, key, result, isNew);
  if (isNew) context.notify(NOTIFY_NEW, "new", key);
  context.notify(NOTIFY_LIST, "sortstore", key);
  context.signalReady(context.db, context.bytes, context.offset(key), context.length(key));
  reply.integer(count);
}

function putList(context: Context, key: number, result: SortResult): void {
  const { bytes, db, keyspace, limits } = context;
  const offset = context.offset(key);
  const length = context.length(key);
  const count = result.to - result.from;
  const needed = bytesWhenPacked(result);
  const isCompact = isCompactList(limits.listSizeMax, count, needed);
  if (isCompact && needed <= PACKED_BYTES_MAX) {
    pack(result, needed);
    keyspace.put(db, bytes, offset, length, TYPE_LIST, ENCODING_COMPACT, packed, 0, needed, NO_EXPIRY);
    return;
  }
  const structure = unpackedList(context, result);
  const name = isCompact ? ENCODING_COMPACT : ENCODING_LARGE;
  keyspace.putUnpacked(db, bytes, offset, length, TYPE_LIST, name, structure, NO_EXPIRY);
}

function bytesWhenPacked({ runs, numbers, from, to }: SortResult): number {
  let bytes = PACKED_LIST_HEAD_BYTES;
  for (let i = from; i < to; i++) bytes += listEntryBytes(runs.lengthOf(numbers[i]!));
  return bytes;
}

function pack({ runs, numbers, from, to }: SortResult, needed: number): void {
  let at = PACKED_LIST_HEAD_BYTES;
  for (let i = from; i < to; i++) {
    const number = numbers[i]!;
    at = writeListEntry(packed, at, runs.bytes, runs.offsetOf(number), runs.lengthOf(number));
  }
  writeListHead(packed, 0, to - from, needed - PACKED_LIST_HEAD_BYTES);
}

function unpackedList(context: Context, result: SortResult): ListSequence {
  const { runs, numbers, from, to } = result;
  const sequence = new ListSequence(context.structures.heap);
  try {
    for (let i = from; i < to; i++) {
      const number = numbers[i]!;
      sequence.pushLast(runs.bytes, runs.offsetOf(number), runs.lengthOf(number));
    }
  } catch (error) {
    sequence.release(Number.MAX_SAFE_INTEGER);
    throw error;
  }
  return sequence;
}

function logList(context: Context, key: number, result: SortResult, isNew: boolean): void {
  const { effects } = context;
  effects.beginUnit();
  if (!isNew) {
    effects.begin(context.db, 2);
    effects.argumentText("DEL");
    effects.requestArgument(key);
    effects.end();
  }
  for (let at = result.from; at < result.to; ) at = logPiece(context, key, result, at);
  effects.endUnit();
}

/** Logs elements from `at` on; answers where the next piece begins. */
function logPiece(context: Context, key: number, { runs, numbers, to }: SortResult, at: number): number {
  const { effects } = context;
  let end = at;
  for (let bytes = 0; end < to && end - at < PIECE_ELEMENTS_MAX && bytes < PIECE_BYTES_MAX; end++) {
    bytes += runs.lengthOf(numbers[end]!);
  }
  effects.begin(context.db, 2 + end - at);
  effects.argumentText("RPUSH");
  effects.requestArgument(key);
  for (let i = at; i < end; i++) {
    const number = numbers[i]!;
    effects.argument(runs.bytes, runs.offsetOf(number), runs.lengthOf(number));
  }
  effects.end();
  return end;
}

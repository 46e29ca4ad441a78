/**
 * Results that become sorted sets: what ZRANGESTORE, ZUNIONSTORE and their kin end with.
 *
 * Invariants: the destination is replaced as a whole, whatever it held, and has no expiry; an empty result removes it. A
 * command that neither stored nor removed anything is not logged.
 */
import { NO_EXPIRY, TYPE_SORTED_SET } from "../engine/keyspace.ts";
import {
  PACKED_HEAD_BYTES,
  packedElementBytes,
  writePackedCount,
  writePackedElement,
} from "../value/sorted-set/packed-sorted-set.ts";
import { ScoreTable } from "../value/sorted-set/score-table.ts";
import { UnpackedSortedSet } from "../value/sorted-set/unpacked-sorted-set.ts";
import { ENCODING_COMPACT, ENCODING_LARGE, PACKED_BYTES_MAX } from "../value/unpacked.ts";
import type { Context } from "./context.ts";
import { NOTIFY_GENERIC, NOTIFY_NEW, NOTIFY_SORTED_SET } from "./notify-events.ts";

/** The result of the present command. */
export const scoreTable = new ScoreTable();

const DESTINATION = 1;
const packed = new Uint8Array(PACKED_BYTES_MAX);
const packedData = new DataView(packed.buffer);

/** Stores `scoreTable` under the key in argument 1, logs the request, tells of it and replies with the size. */
export function concludeStore(context: Context, event: string): void {
  const { effects, reply } = context;
  const { count } = scoreTable;
  reply.integer(count);
  if (count === 0) {
    if (!context.remove(DESTINATION)) return;
    effects.verbatim();
    context.notify(NOTIFY_GENERIC, "del", DESTINATION);
    return;
  }
  const isNew = context.notifications !== 0 && !context.findForWrite(DESTINATION);
  store(context);
  effects.verbatim();
  if (isNew) context.notify(NOTIFY_NEW, "new", DESTINATION);
  context.notify(NOTIFY_SORTED_SET, event, DESTINATION);
  const { bytes, db } = context;
  context.signalReady(db, bytes, context.offset(DESTINATION), context.length(DESTINATION));
}

function store(context: Context): void {
  const { db, bytes, keyspace, limits } = context;
  const { count, longest } = scoreTable;
  const offset = context.offset(DESTINATION);
  const length = context.length(DESTINATION);
  scoreTable.sort();
  const isCompact = count <= limits.sortedSetEntriesMax && longest <= limits.sortedSetValueBytesMax;
  const name = isCompact ? ENCODING_COMPACT : ENCODING_LARGE;
  // Redis's listpacks keep integers as such, and so have no -0.
  if (isCompact) for (let i = 0; i < count; i++) scoreTable.scores[i]! += 0;
  const packedBytes = isCompact ? bytesWhenPacked() : Number.POSITIVE_INFINITY;
  if (packedBytes > PACKED_BYTES_MAX) {
    const structure = unpackedResult(context);
    keyspace.putUnpacked(db, bytes, offset, length, TYPE_SORTED_SET, name, structure, NO_EXPIRY);
    return;
  }
  packResult();
  keyspace.put(db, bytes, offset, length, TYPE_SORTED_SET, name, packed, 0, packedBytes, NO_EXPIRY);
}

function bytesWhenPacked(): number {
  let bytes = PACKED_HEAD_BYTES;
  for (let i = 0; i < scoreTable.count; i++) bytes += packedElementBytes(scoreTable.lengthOf(i));
  return bytes;
}

function packResult(): void {
  const { bytes, count, scores } = scoreTable;
  writePackedCount(packed, 0, count);
  let at = PACKED_HEAD_BYTES;
  for (let rank = 0; rank < count; rank++) {
    const element = scoreTable.at(rank);
    const offset = scoreTable.offsetOf(element);
    const length = scoreTable.lengthOf(element);
    at = writePackedElement(packed, packedData, at, scores[element]!, bytes, offset, length);
  }
}

function unpackedResult(context: Context): UnpackedSortedSet {
  const structure = new UnpackedSortedSet(context.structures);
  const { bytes, count, scores } = scoreTable;
  for (let rank = 0; rank < count; rank++) {
    const element = scoreTable.at(rank);
    const offset = scoreTable.offsetOf(element);
    structure.append(bytes, offset, scoreTable.lengthOf(element), scores[element]!);
  }
  return structure;
}

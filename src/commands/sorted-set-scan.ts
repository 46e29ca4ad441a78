/**
 * ZSCAN: iteration over the members of a sorted set with their scores.
 *
 * Invariants: a member that is there from the first call to the last is answered at least once, whatever changes between
 * calls; a packed sorted set is answered as a whole, as Redis does with its compact form.
 *
 * A reply names its number of elements before them: the part is visited twice and nothing is kept.
 */
import { formatDouble } from "../protocol/format-double.ts";
import type { UnpackedSortedSet } from "../value/sorted-set/unpacked-sorted-set.ts";
import { cursorOrReply } from "./arguments.ts";
import type { Context } from "./context.ts";
import { replyScanHeader, ScanOptions } from "./scan-options.ts";
import { OPEN_ABSENT, OPEN_REFUSED, type SortedSetValue } from "./sorted-set-value.ts";

const COMPACT_INTEGER_MAX = 2 ** 62;

type Visit = (bytes: Uint8Array, offset: number, length: number, score: number) => void;

export function zscan(context: Context): void {
  const { reply, sortedSet } = context;
  const cursor = cursorOrReply(context, 2);
  if (cursor < 0) return;
  const opened = sortedSet.openForRead(1);
  if (opened === OPEN_REFUSED) return;
  if (opened === OPEN_ABSENT) {
    replyScanHeader(context, 0, 0);
    return;
  }
  const options = ScanOptions.readOrReply(context, 3);
  if (options === undefined) return;
  let matching = 0;
  const next = visitPart(sortedSet, cursor, options.count, (bytes, offset, length) => {
    if (options.admits(bytes, offset, length)) matching++;
  });
  replyScanHeader(context, next, matching * 2);
  visitPart(sortedSet, cursor, options.count, (bytes, offset, length, score) => {
    if (!options.admits(bytes, offset, length)) return;
    reply.bulk(bytes, offset, length);
    reply.bulkLatin1(sortedSet.isCompact ? compactText(score) : formatDouble(score));
  });
}

/** Redis's listpacks keep integers up to half of int64 as such, and answer all their digits here. */
function compactText(score: number): string {
  const isInteger = Number.isInteger(score) && Math.abs(score) <= COMPACT_INTEGER_MAX;
  return isInteger ? BigInt(score).toString() : formatDouble(score);
}

/** Visits the elements from the cursor on, about `count` of them; answers the next cursor. */
function visitPart(set: SortedSetValue, cursor: number, count: number, visit: Visit): number {
  if (set.structure !== undefined) return visitStructure(set.structure, cursor, count, visit);
  for (let rank = 0; rank < set.size; rank++) {
    if (rank === 0) set.seek(0);
    else set.next();
    visit(set.bytes, set.offset, set.length, set.score);
  }
  return 0;
}

function visitStructure(structure: UnpackedSortedSet, cursor: number, count: number, visit: Visit): number {
  const { members } = structure;
  return members.scan(cursor, count, () => {
    const { bytes, data, keyOffset, keyLength, valueOffset } = members.entry;
    visit(bytes, keyOffset, keyLength, data.getFloat64(valueOffset, true));
  });
}

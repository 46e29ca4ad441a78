/** From one form of a list to the other. */
import type { ListSequence } from "../sequence/list-sequence.ts";
import {
  listElementLength,
  listElementStart,
  nextListEntry,
  PACKED_LIST_HEAD_BYTES,
  writeListEntry,
  writeListHead,
} from "./packed-list.ts";

/** Appends `count` elements of a packed list to a sequence, the first of them being the entry at `at`. */
export function appendPacked(sequence: ListSequence, bytes: Uint8Array, at: number, count: number): void {
  for (let i = 0; i < count; i++) {
    sequence.pushLast(bytes, listElementStart(bytes, at), listElementLength(bytes, at));
    at = nextListEntry(bytes, at);
  }
}

/** Writes the packed form of a sequence to the beginning of `into`, which has room for it; answers its length. */
export function packSequence(sequence: ListSequence, into: Uint8Array): number {
  const { size } = sequence;
  let at = PACKED_LIST_HEAD_BYTES;
  for (let i = 0; i < size; i++) {
    if (i === 0) sequence.seekFirst();
    else sequence.next();
    at = writeListEntry(into, at, sequence.bytes, sequence.offset, sequence.length);
  }
  writeListHead(into, 0, size, at - PACKED_LIST_HEAD_BYTES);
  return at;
}

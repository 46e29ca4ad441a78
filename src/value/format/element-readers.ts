/**
 * Builds a structure of each type from the elements of its pieces.
 *
 * Invariants: the structure has exactly the elements that were read, each once, a sorted set's in order, or `fail` throws.
 *
 * Lists and orders are appended to at their ends. Dictionaries take entries by `put`: they come in hash order where the
 * data set's hash is the one they were written under, so that each leaf and each node is filled while it is near.
 */
import { NO_EXPIRY } from "../dictionary/entry-format.ts";
import { UnpackedHash } from "../hash/unpacked-hash.ts";
import { ListSequence } from "../sequence/list-sequence.ts";
import { UnpackedSet } from "../set/unpacked-set.ts";
import { UnpackedSortedSet } from "../sorted-set/unpacked-sorted-set.ts";
import type { StructureParts, UnpackedValue } from "../unpacked.ts";
import type { EntryReader } from "./entry-reader.ts";
import {
  EXPIRY_ENTRY_BYTES,
  type Fail,
  FLAG_TIMES,
  SCORE_BYTES,
  VALUE_HASH,
  VALUE_LIST,
  VALUE_SET,
  type ValueHead,
} from "./piece-format.ts";

export interface ElementReader {
  readonly value: UnpackedValue;
  /** Reads `count` elements. */
  read(from: EntryReader, count: number): void;
}

/** What reads the elements that follow a head. Error of kind "unavailable" without memory, as from `read`. */
export function elementReader(head: ValueHead, parts: StructureParts, fail: Fail): ElementReader {
  if (head.type === VALUE_LIST) return new ListReader(parts);
  if (head.type === VALUE_SET) return new SetReader(parts, fail);
  if (head.type === VALUE_HASH) return new HashReader(parts, (head.flags & FLAG_TIMES) !== 0, fail);
  return new SortedSetReader(parts, fail);
}

class ListReader implements ElementReader {
  readonly value: ListSequence;

  constructor(parts: StructureParts) {
    this.value = new ListSequence(parts.heap);
  }

  read(from: EntryReader, count: number): void {
    const { value } = this;
    for (; count > 0; count--) {
      from.next();
      value.pushLast(from.bytes, from.start, from.length);
    }
  }
}

class SetReader implements ElementReader {
  readonly value: UnpackedSet;
  readonly #fail: Fail;

  constructor(parts: StructureParts, fail: Fail) {
    this.value = new UnpackedSet(parts);
    this.#fail = fail;
  }

  read(from: EntryReader, count: number): void {
    const { dictionary } = this.value;
    for (; count > 0; count--) {
      from.next();
      const { bytes, start, length } = from;
      const isNew = dictionary.put(bytes, start, length, bytes, start, 0, NO_EXPIRY);
      if (!isNew) this.#fail("each member once", `a member of ${length} bytes a second time`);
    }
  }
}

class HashReader implements ElementReader {
  readonly value: UnpackedHash;
  readonly #hasTimes: boolean;
  readonly #fail: Fail;

  constructor(parts: StructureParts, hasTimes: boolean, fail: Fail) {
    this.value = new UnpackedHash(parts);
    this.#hasTimes = hasTimes;
    this.#fail = fail;
  }

  read(from: EntryReader, count: number): void {
    const { value } = this;
    for (; count > 0; count--) {
      from.next();
      const { bytes, start, length } = from;
      from.next();
      const valueStart = from.start;
      const valueLength = from.length;
      const expiryMs = this.#hasTimes ? this.#readTime(from) : NO_EXPIRY;
      const isNew = value.put(bytes, start, length, bytes, valueStart, valueLength, expiryMs);
      if (!isNew) this.#fail("each field once", `a field of ${length} bytes a second time`);
    }
  }

  #readTime(from: EntryReader): number {
    from.next();
    const { data, start, length } = from;
    if (length === 0) return NO_EXPIRY;
    if (length !== EXPIRY_ENTRY_BYTES)
      this.#fail(`a time of 0 or ${EXPIRY_ENTRY_BYTES} bytes`, `one of ${length}`);
    return data.getUint32(start, true) + data.getUint16(start + 4, true) * 2 ** 32;
  }
}

class SortedSetReader implements ElementReader {
  readonly value: UnpackedSortedSet;
  readonly #fail: Fail;

  constructor(parts: StructureParts, fail: Fail) {
    this.value = new UnpackedSortedSet(parts);
    this.#fail = fail;
  }

  read(from: EntryReader, count: number): void {
    const { value } = this;
    for (; count > 0; count--) {
      const score = from.data.getFloat64(from.take(SCORE_BYTES), true);
      from.next();
      if (Number.isNaN(score)) this.#fail("a score", "NaN");
      if (!value.tryAppend(from.bytes, from.start, from.length, score))
        this.#fail(
          "each member once, in order",
          `a member with score ${score} that is not behind the others`,
        );
    }
  }
}

/**
 * The list of one key, whichever form it is in: what the bodies of list commands read (list-cursor.ts) and write.
 *
 * A body places the keyspace's view on a key and calls `take` (or `takeAbsent`), and works with this object alone until
 * it calls `finish`, which it must after any change: that writes what the record has to know, and removes a key
 * whose last element went.
 *
 * Hot-path file: nothing allocates, but where a list changes its form.
 *
 * Invariants
 *  - A packed list's record is writable and has the room before its bytes are edited: see `#makeRoom`.
 *  - A list is unpacked when it would be longer than PACKED_BYTES_MAX or than `list-max-listpack-size` says, and packed
 *    again when it has become much smaller than both, so that it does not go to and fro between the forms.
 *  - `length` is right at any time.
 */
import { assert } from "../base/assert.ts";
import { type Keyspace, NO_EXPIRY, TYPE_LIST } from "../engine/keyspace.ts";
import type { Request } from "../protocol/request.ts";
import type { CollectionLimits } from "../value/collection-limits.ts";
import type { PieceHeap } from "../value/heap/piece-heap.ts";
import { isCompactList } from "../value/list/compact-list.ts";
import { appendPacked, packSequence } from "../value/list/list-forms.ts";
import {
  listEntryAt,
  listEntryBytes,
  moveListBytes,
  nextListEntry,
  writeListEntry,
  writeListHead,
} from "../value/list/packed-list.ts";
import { ListSequence } from "../value/sequence/list-sequence.ts";
import { ENCODING_COMPACT, ENCODING_LARGE, encodingNameOf, PACKED_BYTES_MAX } from "../value/unpacked.ts";
import { ListCursor, NO_BYTES } from "./list-cursor.ts";

// Named again in this module: V8 folds a module's own constants into the code, imported ones it reads.
const HEAD_BYTES = 4;
const PACKED_MAX: number = PACKED_BYTES_MAX;
/** A packed list that needs less than half of its value, and this much less, gives the rest back. */
const SLACK_KEPT_BYTES = 64;
/** An unpacked list that takes no more memory than this is packed again. */
const PACK_BELOW_BYTES: number = PACKED_BYTES_MAX / 2;

const packing = new Uint8Array(PACKED_BYTES_MAX);

export class ListValue extends ListCursor {
  readonly #heap: PieceHeap;
  readonly #limits: CollectionLimits;
  #db = 0;
  #key: Uint8Array = NO_BYTES;
  #keyOffset = 0;
  #keyLength = 0;
  /** The key has a record. */
  #isPresent = false;
  /** The structure is not the record's yet. */
  #isNew = false;
  #isChanged = false;
  /** Of an unpacked list: what OBJECT ENCODING calls it, and whether the record does not know yet. */
  #name: number = ENCODING_COMPACT;
  #isRenamed = false;
  /** Of a packed list: the bytes of its value, and whether they may be written. */
  #valueLength = 0;
  #isWritable = false;

  constructor(keyspace: Keyspace, heap: PieceHeap, limits: CollectionLimits) {
    super(keyspace);
    this.#heap = heap;
    this.#limits = limits;
  }

  /** Turns to the list that the keyspace's view is on. The range is its key, and stays valid until `finish`. */
  take(db: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    this.#turnTo(db, key, keyOffset, keyLength, true);
    this.open();
    this.#valueLength = this.keyspace.valueLength;
    this.#name = encodingNameOf(this.keyspace.encoding);
  }

  /** Turns to a key that does not exist: it comes to be with the first push. */
  takeAbsent(db: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    this.#turnTo(db, key, keyOffset, keyLength, false);
    this.structure = undefined;
    this.index = -1;
    this.length = 0;
    this.entryBytes = 0;
    this.#valueLength = 0;
  }

  #turnTo(db: number, key: Uint8Array, keyOffset: number, keyLength: number, isPresent: boolean): void {
    this.#db = db;
    this.#key = key;
    this.#keyOffset = keyOffset;
    this.#keyLength = keyLength;
    this.#isPresent = isPresent;
    this.#isNew = false;
    this.#isChanged = false;
    this.#isWritable = false;
    this.#isRenamed = false;
  }

  /** Pushes arguments [from, to) of the request, one after the other, to the front or the back. */
  pushArguments(request: Request, from: number, to: number, toFront: boolean): void {
    const { bytes, offsets, lengths } = request;
    let added = 0;
    for (let i = from; i < to; i++) added += listEntryBytes(lengths[i]!);
    if (!this.#makeRoom(added, to - from)) {
      const sequence = this.structure!;
      for (let i = from; i < to; i++) {
        if (toFront) sequence.pushFirst(bytes, offsets[i]!, lengths[i]!);
        else sequence.pushLast(bytes, offsets[i]!, lengths[i]!);
      }
      this.length += to - from;
    } else if (toFront) {
      let at = this.#openGap(HEAD_BYTES, added, to - from);
      for (let i = to - 1; i >= from; i--) {
        at = writeListEntry(this.bytes, at, bytes, offsets[i]!, lengths[i]!);
      }
    } else {
      let at = this.#openGap(HEAD_BYTES + this.entryBytes, added, to - from);
      for (let i = from; i < to; i++) at = writeListEntry(this.bytes, at, bytes, offsets[i]!, lengths[i]!);
    }
  }

  /** Pushes one element, whose bytes are not the keyspace's. */
  push(bytes: Uint8Array, offset: number, length: number, toFront: boolean): void {
    const added = listEntryBytes(length);
    if (this.#makeRoom(added, 1)) {
      const at = this.#openGap(toFront ? HEAD_BYTES : HEAD_BYTES + this.entryBytes, added, 1);
      writeListEntry(this.bytes, at, bytes, offset, length);
      return;
    }
    const sequence = this.structure!;
    if (toFront) sequence.pushFirst(bytes, offset, length);
    else sequence.pushLast(bytes, offset, length);
    this.length++;
  }

  /** Inserts an element before or behind the element view's; that view is lost. The bytes are not the keyspace's. */
  insert(bytes: Uint8Array, offset: number, length: number, isBehind: boolean): void {
    const isPacked = this.structure === undefined;
    const added = listEntryBytes(length);
    const place = !isPacked ? 0 : (isBehind ? nextListEntry(this.bytes, this.entry) : this.entry) - this.base;
    if (this.#makeRoom(added, 1)) {
      writeListEntry(this.bytes, this.#openGap(place, added, 1), bytes, offset, length);
      return;
    }
    const sequence = this.structure!;
    if (isPacked) sequence.seek(this.index);
    if (isBehind) sequence.insertAfter(bytes, offset, length);
    else sequence.insertBefore(bytes, offset, length);
    this.length++;
  }

  /** Gives the element view's element other bytes, which are not the keyspace's; that view is lost. */
  replace(bytes: Uint8Array, offset: number, length: number): void {
    const isPacked = this.structure === undefined;
    const place = this.entry - this.base;
    const growth = listEntryBytes(length) - listEntryBytes(this.elementLength);
    if (!this.#makeRoom(growth, 0)) {
      const sequence = this.structure!;
      if (isPacked) sequence.seek(this.index);
      sequence.replace(bytes, offset, length);
    } else if (growth === 0) {
      writeListEntry(this.bytes, this.base + place, bytes, offset, length);
    } else {
      const rest = nextListEntry(this.bytes, this.base + place) - this.base;
      this.#moveRest(rest, growth, 0);
      writeListEntry(this.bytes, this.base + place, bytes, offset, length);
    }
  }

  /** Removes elements [start, start + count); the element view is lost. */
  removeRange(start: number, count: number): void {
    if (count === 0) return;
    this.#isChanged = true;
    const { index } = this;
    this.index = -1;
    if (count === this.length) {
      this.length = 0;
    } else if (this.structure === undefined) {
      const from = listEntryAt(this.bytes, this.base, start) - this.base;
      const end = listEntryAt(this.bytes, this.base, start + count) - this.base;
      this.#beWritable();
      this.#moveRest(end, from - end, -count);
    } else {
      const sequence = this.structure;
      if (count > 1) sequence.removeRange(start, count);
      else {
        // A pop has just replied with the element: the view is on it.
        if (index !== start) this.seek(start);
        sequence.removeAt();
      }
      this.length -= count;
    }
  }

  /** Removes the element view's element; the view is on the one that followed, if there is one: then `index` < `length`. */
  removeHere(): void {
    this.#isChanged = true;
    if (this.structure === undefined) {
      const place = this.entry - this.base;
      const end = nextListEntry(this.bytes, this.entry) - this.base;
      this.#beWritable();
      this.#moveRest(end, place - end, -1);
      this.entry = this.base + place;
      if (this.index < this.length) this.viewEntry();
    } else {
      const sequence = this.structure;
      sequence.removeAt();
      this.length--;
      if (this.index < this.length) this.viewSequence(sequence);
    }
  }

  /** Ends a series of changes; neither this object nor the keyspace's view is on anything afterwards. */
  finish(): void {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    const { structure, keyspace } = this;
    if (this.length === 0) {
      keyspace.remove(this.#db, this.#key, this.#keyOffset, this.#keyLength);
    } else if (structure === undefined) {
      const kept = HEAD_BYTES + this.entryBytes;
      if (kept * 2 + SLACK_KEPT_BYTES < this.#valueLength) this.#resize(kept);
    } else if (this.#isNew) {
      this.#putStructure(structure);
    } else if (this.#isSmall(structure)) {
      this.#pack(structure);
    } else if (this.#isRenamed) {
      keyspace.touchAs(this.#db, this.#name);
    } else {
      keyspace.touch(this.#db);
    }
  }

  /** True if the list is packed and has the room; false if it is unpacked, or is from now on. */
  #makeRoom(addedBytes: number, addedCount: number): boolean {
    this.#isChanged = true;
    const { structure } = this;
    const count = this.length + addedCount;
    const sizeMax = this.#limits.listSizeMax;
    if (structure !== undefined) {
      if (
        this.#name === ENCODING_COMPACT &&
        !isCompactList(sizeMax, count, structure.memoryBytes + addedBytes)
      ) {
        this.#name = ENCODING_LARGE;
        this.#isRenamed = true;
      }
      return false;
    }
    const needed = HEAD_BYTES + this.entryBytes + addedBytes;
    const isCompact = isCompactList(sizeMax, count, needed);
    // What does not grow stays as it is, whatever the limits are by now.
    if (addedBytes > 0 && (needed > PACKED_MAX || !isCompact)) {
      this.#unpack();
      this.#name = isCompact ? ENCODING_COMPACT : ENCODING_LARGE;
      return false;
    }
    if (needed <= this.#valueLength) this.#beWritable();
    // A list that was pushed to will be again: a quarter more than it needs, so that a run of pushes is linear.
    else this.#resize(this.#isPresent ? Math.min(needed + (needed >>> 2), PACKED_MAX) : needed);
    return true;
  }

  #beWritable(): void {
    if (this.#isWritable) return;
    this.keyspace.touch(this.#db);
    this.placeRecord();
    this.#isWritable = true;
  }

  /** Gives the record a value of this many bytes, or a few more that it has room for anyway. */
  #resize(bytes: number): void {
    const { keyspace } = this;
    const length = Math.min(bytes + (-(bytes + this.#keyLength) & 7), PACKED_MAX);
    const expiryMs = this.#isPresent ? keyspace.expiryMs : NO_EXPIRY;
    keyspace.resize(
      this.#db,
      this.#key,
      this.#keyOffset,
      this.#keyLength,
      TYPE_LIST,
      ENCODING_COMPACT,
      length,
      expiryMs,
      false,
    );
    this.#isPresent = true;
    this.#isWritable = true;
    this.#valueLength = length;
    this.placeRecord();
  }

  /** Makes a gap of `added` bytes for `count` entries at `place`, relative to the value; answers where it is. */
  #openGap(place: number, added: number, count: number): number {
    this.#moveRest(place, added, count);
    return this.base + place;
  }

  /** Moves what lies from `place` on by `distance`, which makes `count` elements more, or less. */
  #moveRest(place: number, distance: number, count: number): void {
    const { base } = this;
    moveListBytes(this.bytes, base + place, base + HEAD_BYTES + this.entryBytes, distance);
    this.entryBytes += distance;
    this.length += count;
    writeListHead(this.bytes, base, this.length, this.entryBytes);
  }

  #unpack(): void {
    const structure = new ListSequence(this.#heap);
    appendPacked(structure, this.bytes, this.base + HEAD_BYTES, this.length);
    this.structure = structure;
    this.#isNew = true;
  }

  #putStructure(structure: ListSequence): void {
    this.keyspace.putUnpacked(
      this.#db,
      this.#key,
      this.#keyOffset,
      this.#keyLength,
      TYPE_LIST,
      this.#name,
      structure,
      this.#isPresent ? this.keyspace.expiryMs : NO_EXPIRY,
    );
  }

  #isSmall(structure: ListSequence): boolean {
    if (structure.memoryBytes > PACK_BELOW_BYTES) return false;
    return isCompactList(this.#limits.listSizeMax, this.length * 2, structure.memoryBytes * 2);
  }

  #pack(structure: ListSequence): void {
    const bytes = packSequence(structure, packing);
    assert(bytes <= PACKED_MAX, "a small list does not fit its packed form");
    this.keyspace.put(
      this.#db,
      this.#key,
      this.#keyOffset,
      this.#keyLength,
      TYPE_LIST,
      ENCODING_COMPACT,
      packing,
      0,
      bytes,
      this.keyspace.expiryMs,
    );
  }
}

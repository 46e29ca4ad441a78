/**
 * Reads the list of one key, whichever form it is in: its length, and elements by a view that walks both ways.
 *
 * Hot-path file: nothing allocates.
 *
 * Invariants
 *  - The element view (`bytes`, `data`, `offset`, `elementLength`) is valid until the list changes or the keyspace is called.
 *  - `index` is that of the view's element; -1 or `length` if the view has left the list at that end, -1 if there is none.
 */
import { assert } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Keyspace } from "../engine/keyspace.ts";
import {
  listElementLength,
  listElementStart,
  listEntryAt,
  listEntryBefore,
  nextListEntry,
  packedListBytes,
  packedListCount,
} from "../value/list/packed-list.ts";
import type { ListSequence } from "../value/sequence/list-sequence.ts";

// Named again in this module: V8 folds a module's own constants into the code, imported ones it reads.
const HEAD_BYTES = 4;

export const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_DATA = new DataView(new ArrayBuffer(0));

export class ListCursor {
  /** Elements. */
  length = 0;
  index = 0;
  bytes: Uint8Array = NO_BYTES;
  /** Over the memory of `bytes`, with the same offsets. */
  data: DataView = NO_DATA;
  offset = 0;
  elementLength = 0;
  /** Undefined while the list is packed, or absent. */
  structure: ListSequence | undefined = undefined;
  /** Of a packed list: where the value begins in `bytes`, the bytes of all entries, and the entry of the element view. */
  base = 0;
  entryBytes = 0;
  entry = 0;
  protected readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** Turns to the list that the keyspace's view is on; the element view is on nothing. */
  open(): void {
    const structure = this.keyspace.unpacked as ListSequence | undefined;
    this.structure = structure;
    this.index = -1;
    if (structure !== undefined) {
      this.length = structure.size;
      return;
    }
    this.placeRecord();
    this.length = packedListCount(this.bytes, this.base);
    this.entryBytes = packedListBytes(this.bytes, this.base);
    assert(
      HEAD_BYTES + this.entryBytes <= this.keyspace.valueLength,
      "a packed list is longer than its value",
    );
  }

  /** Finds the bytes of a packed list, which a write may have moved. */
  protected placeRecord(): void {
    const keyspace = this.keyspace;
    this.bytes = keyspace.valueBytes;
    this.data = keyspace.valueData;
    this.base = keyspace.valueOffset;
  }

  /** Places the view on an element; `index` is from 0 to `length - 1`. */
  seek(index: number): void {
    const structure = this.structure;
    this.index = index;
    if (structure === undefined) {
      this.entry = listEntryAt(this.bytes, this.base, index);
      this.viewEntry();
    } else {
      // The ends need no adding up of what lies before them.
      if (index === 0) structure.seekFirst();
      else if (index === this.length - 1) structure.seekLast();
      else structure.seek(index);
      this.viewSequence(structure);
    }
  }

  /** Moves the view to the following element; false if there is none. */
  next(): boolean {
    if (++this.index >= this.length) return false;
    const structure = this.structure;
    if (structure === undefined) {
      this.entry = nextListEntry(this.bytes, this.entry);
      this.viewEntry();
    } else {
      structure.next();
      this.viewSequence(structure);
    }
    return true;
  }

  /** Moves the view to the element before; false if there is none. */
  previous(): boolean {
    if (--this.index < 0) return false;
    const structure = this.structure;
    if (structure === undefined) {
      this.entry = listEntryBefore(this.bytes, this.entry);
      this.viewEntry();
    } else {
      structure.previous();
      this.viewSequence(structure);
    }
    return true;
  }

  /** True if the view's element has the bytes of the range. */
  holds(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.elementLength === length && equalBytes(this.bytes, this.offset, bytes, offset, length);
  }

  protected viewEntry(): void {
    this.elementLength = listElementLength(this.bytes, this.entry);
    this.offset = listElementStart(this.bytes, this.entry);
  }

  protected viewSequence(structure: ListSequence): void {
    const { place } = structure;
    this.bytes = place.bytes;
    this.data = place.data;
    this.offset = place.offset;
    this.elementLength = place.length;
  }
}

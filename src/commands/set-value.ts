/**
 * A set that is being changed: adds adding and removing of members to what set-view.ts reads.
 *
 * Invariants
 *  - Changes are complete after `save`, which the body calls once after its last change; until then nobody else looks.
 *  - A set without members is no key: removing the last one removes the key at once (`isAbsent`).
 *  - A packed set becomes unpacked when a limit is passed, never the other way round. A set of integers takes another name
 *    with its first other member, never back.
 *  - Ranges given to `add` and `remove` may not lie in the set's own record.
 *
 * A new set is put together in a draft, so that its record is written once and without spare room; a set that is there is
 * edited in its record, which gets spare room when it grows, so that adding member after member copies little.
 *
 * Hot-path file: nothing here allocates but what makes a packed set unpacked.
 */
import { copyBytes } from "../base/bytes.ts";
import { NO_EXPIRY, TYPE_SET } from "../engine/keyspace.ts";
import { findPacked, packedEntryBytes, packedHeaderBytes, writePackedHeader } from "../value/packed.ts";
import {
  compareIntegers,
  isInteger,
  longestMember,
  memberCount,
  PACKED_INTEGERS_BYTES_MAX,
  PACKED_SET_HEAD_BYTES,
  placeOfInteger,
  writeMemberCount,
} from "../value/set/packed-set.ts";
import { UnpackedSet } from "../value/set/unpacked-set.ts";
import { ENCODING_COMPACT, ENCODING_INTEGERS, ENCODING_LARGE, PACKED_BYTES_MAX } from "../value/unpacked.ts";
import { FORM_ABSENT, FORM_DRAFT, FORM_PACKED, FORM_UNPACKED, SetView } from "./set-view.ts";

/** Where `#placeOf` found the member itself. */
const PRESENT = -1;

export class SetValue extends SetView {
  readonly #draft = new Uint8Array(PACKED_INTEGERS_BYTES_MAX);
  #draftEnd = 0;
  /** The record holds the structure already. */
  #isStored = false;
  #isChanged = false;
  /** The expiry of a key whose record is to be written anew. */
  #keyExpiryMs: number = NO_EXPIRY;

  /** Opens the set whose key is in argument `key`; false after the error reply if it holds another type. */
  openToChange(key: number): boolean {
    this.#isChanged = false;
    if (!this.open(key, this.context.findForWrite(key))) return false;
    this.#isStored = this.form === FORM_UNPACKED;
    return true;
  }

  /** Begins a set without members that replaces what is under the key in argument `key` when it is saved. */
  beginNew(key: number): void {
    this.#isChanged = false;
    this.key = key;
    this.form = FORM_ABSENT;
    this.structure = undefined;
  }

  override get size(): number {
    return this.form === FORM_DRAFT ? memberCount(this.#draft, 0) : super.size;
  }

  /** Adds a member; false if it is there. */
  add(members: Uint8Array, offset: number, length: number): boolean {
    if (this.form === FORM_ABSENT) this.#beginDraft(members, offset, length);
    if (this.form !== FORM_UNPACKED) {
      const at = this.#placeOf(members, offset, length);
      if (at === PRESENT) return false;
      if (this.#admits(members, offset, length)) {
        this.#insert(at, members, offset, length);
        return true;
      }
      this.#unpack();
    }
    if (!this.structure!.add(members, offset, length)) return false;
    this.#isChanged = true;
    const { setEntriesMax, setValueBytesMax } = this.context.limits;
    if (length > setValueBytesMax || this.size > setEntriesMax) this.name = ENCODING_LARGE;
    return true;
  }

  /** Removes a member; false if it is not there. */
  remove(members: Uint8Array, offset: number, length: number): boolean {
    if (!this.find(members, offset, length)) return false;
    this.removeFound();
    return true;
  }

  /** Removes the member that `find` or `random` has just met. */
  removeFound(): void {
    this.#isChanged = true;
    const { keyspace, structure } = this;
    if (structure !== undefined) {
      structure.dictionary.removeEntry();
      if (structure.size === 0) this.removeAll();
      return;
    }
    const count = memberCount(keyspace.valueBytes, keyspace.valueOffset);
    if (count === 1) {
      this.removeAll();
      return;
    }
    const at = this.offset - packedHeaderBytes(this.length) - keyspace.valueOffset;
    this.#spliceRecord(at, packedEntryBytes(this.length), 0);
    writeMemberCount(keyspace.valueBytes, keyspace.valueOffset, count - 1);
  }

  /** Removes the key. */
  removeAll(): void {
    this.context.remove(this.key);
    this.form = FORM_ABSENT;
    this.structure = undefined;
  }

  /** Completes the changes since the set was opened; true if there were any. */
  save(): boolean {
    const { context, keyspace, key, structure } = this;
    if (!this.#isChanged) return false;
    this.#isChanged = false;
    const { bytes, db } = context;
    const offset = context.offset(key);
    const length = context.length(key);
    if (this.form === FORM_DRAFT) {
      const end = this.#draftEnd;
      const expiryMs = this.#keyExpiryMs;
      keyspace.put(db, bytes, offset, length, TYPE_SET, this.name, this.#draft, 0, end, expiryMs);
      this.form = FORM_PACKED;
    } else if (structure !== undefined) {
      if (this.#isStored) keyspace.touchAs(db, this.name);
      else {
        keyspace.putUnpacked(db, bytes, offset, length, TYPE_SET, this.name, structure, this.#keyExpiryMs);
        this.#isStored = true;
      }
    }
    return true;
  }

  #beginDraft(members: Uint8Array, offset: number, length: number): void {
    this.form = FORM_DRAFT;
    this.name = isInteger(members, offset, length) ? ENCODING_INTEGERS : ENCODING_COMPACT;
    writeMemberCount(this.#draft, 0, 0);
    this.#draftEnd = PACKED_SET_HEAD_BYTES;
    this.#keyExpiryMs = NO_EXPIRY;
  }

  /** Where the member is to be inserted, counted from the value's beginning, or PRESENT. */
  #placeOf(members: Uint8Array, offset: number, length: number): number {
    const isDraft = this.form === FORM_DRAFT;
    const bytes = isDraft ? this.#draft : this.keyspace.valueBytes;
    const base = isDraft ? 0 : this.keyspace.valueOffset;
    const end = isDraft ? this.#draftEnd : base + this.keyspace.valueLength;
    const first = base + PACKED_SET_HEAD_BYTES;
    if (this.name === ENCODING_INTEGERS && isInteger(members, offset, length)) {
      const at = placeOfInteger(bytes, first, end, members, offset, length);
      // One byte of header: no integer is longer than 20 characters.
      const isThere = at < end && compareIntegers(bytes, at + 1, bytes[at]!, members, offset, length) === 0;
      return isThere ? PRESENT : at - base;
    }
    return findPacked(bytes, first, end, 1, members, offset, length) >= 0 ? PRESENT : end - base;
  }

  /** Whether the packed set stays within its limits with one more member; gives it another name where that makes it so. */
  #admits(members: Uint8Array, offset: number, length: number): boolean {
    const isDraft = this.form === FORM_DRAFT;
    const bytes = isDraft ? this.#draft : this.keyspace.valueBytes;
    const base = isDraft ? 0 : this.keyspace.valueOffset;
    const used = isDraft ? this.#draftEnd : this.keyspace.valueLength;
    const count = memberCount(bytes, base) + 1;
    const size = used + packedEntryBytes(length);
    const { setEntriesMax, setIntegersMax, setValueBytesMax } = this.context.limits;
    if (this.name === ENCODING_INTEGERS) {
      if (isInteger(members, offset, length)) {
        if (count <= setIntegersMax && size <= PACKED_INTEGERS_BYTES_MAX) return true;
        this.name = ENCODING_LARGE;
        return false;
      }
      const first = base + PACKED_SET_HEAD_BYTES;
      const isShort = longestMember(bytes, first, base + used) <= setValueBytesMax;
      this.name = isShort ? ENCODING_COMPACT : ENCODING_LARGE;
    }
    if (this.name === ENCODING_COMPACT && (count > setEntriesMax || length > setValueBytesMax))
      this.name = ENCODING_LARGE;
    return this.name === ENCODING_COMPACT && size <= PACKED_BYTES_MAX;
  }

  #insert(at: number, members: Uint8Array, offset: number, length: number): void {
    this.#isChanged = true;
    const isDraft = this.form === FORM_DRAFT;
    const added = packedEntryBytes(length);
    if (isDraft) {
      this.#draft.copyWithin(at + added, at, this.#draftEnd);
      this.#draftEnd += added;
    } else {
      this.#spliceRecord(at, 0, added);
    }
    const bytes = isDraft ? this.#draft : this.keyspace.valueBytes;
    const base = isDraft ? 0 : this.keyspace.valueOffset;
    copyBytes(bytes, writePackedHeader(bytes, base + at, length), members, offset, length);
    writeMemberCount(bytes, base, memberCount(bytes, base) + 1);
  }

  /** Makes `removed` bytes at `from` of the record's value `added` ones, which are to be written. */
  #spliceRecord(from: number, removed: number, added: number): void {
    const { keyspace } = this;
    const length = keyspace.valueLength;
    const after = length + added - removed;
    // Also where it becomes shorter: what is written to has to be writable.
    this.#resize(Math.max(length, after), true);
    const start = keyspace.valueOffset + from;
    if (from + removed < length)
      keyspace.valueBytes.copyWithin(start + added, start + removed, keyspace.valueOffset + length);
    if (after < length) this.#resize(after, false);
  }

  #resize(valueLength: number, grow: boolean): void {
    const { context, key, keyspace } = this;
    keyspace.resize(
      context.db,
      context.bytes,
      context.offset(key),
      context.length(key),
      TYPE_SET,
      this.name,
      valueLength,
      keyspace.expiryMs,
      grow,
    );
  }

  #unpack(): void {
    const { context, keyspace } = this;
    const isDraft = this.form === FORM_DRAFT;
    const bytes = isDraft ? this.#draft : keyspace.valueBytes;
    const base = isDraft ? 0 : keyspace.valueOffset;
    const end = isDraft ? this.#draftEnd : base + keyspace.valueLength;
    this.structure = UnpackedSet.fromPacked(context.structures, bytes, base, end);
    if (!isDraft) this.#keyExpiryMs = keyspace.expiryMs;
    this.form = FORM_UNPACKED;
    this.#isStored = false;
  }
}

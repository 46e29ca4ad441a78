/**
 * A hash that is being changed: adds setting and deleting of fields to what hash-view.ts reads.
 *
 * Invariants
 *  - Changes are complete after `save`, which the body calls once after its last change; until then nobody else looks.
 *  - A hash without fields is no key: deleting the last field removes the key at once (`isAbsent`).
 *  - A packed hash becomes unpacked when a limit is passed, or at its first field with a time; never the other way round.
 *  - Ranges given to `set` may not lie in buffers that the view answered.
 *
 * A new hash, and one that is given several fields, is put together in a draft and written once, without spare room. Single
 * fields are changed in the record, which gets spare room when it grows, so that adding one after the other copies little.
 *
 * Hot-path file: nothing here allocates but what makes a packed hash unpacked.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import { NO_EXPIRY, TYPE_HASH } from "../engine/keyspace.ts";
import {
  fieldCount,
  findField,
  moveBytes,
  PACKED_HASH_HEAD_BYTES,
  writeEntry,
  writeFieldCount,
} from "../value/hash/packed-hash.ts";
import { UnpackedHash } from "../value/hash/unpacked-hash.ts";
import { packedEntryBytes, packedHeaderBytes, packedNext } from "../value/packed.ts";
import {
  ENCODING_COMPACT,
  ENCODING_COMPACT_EXPIRING,
  ENCODING_LARGE,
  PACKED_BYTES_MAX,
} from "../value/unpacked.ts";
import { FORM_ABSENT, FORM_DRAFT, FORM_PACKED, FORM_UNPACKED, HASH_KEY, HashView } from "./hash-view.ts";

const REPLACED = 0;
const INSERTED = 1;
/** Nothing was set: the hash is unpacked now. */
const TOO_LARGE = -1;

export class HashValue extends HashView {
  readonly #draft = new Uint8Array(PACKED_BYTES_MAX);
  #draftEnd = 0;
  /** The record holds the structure already. */
  #isStored = false;
  #isChanged = false;
  /** The structure has got another name, or a field a time: the engine has to know. */
  #isRenamed = false;
  /** The expiry of a key whose record is to be written anew. */
  #keyExpiryMs: number = NO_EXPIRY;

  override openToChange(): boolean {
    this.#isChanged = false;
    this.#isRenamed = false;
    if (!super.openToChange()) return false;
    this.#isStored = this.form === FORM_UNPACKED;
    return true;
  }

  /** Several fields are to be set: a packed hash is edited in the draft and written once. */
  collect(): void {
    if (this.form !== FORM_PACKED) return;
    const { keyspace } = this;
    const { valueLength } = keyspace;
    copyBytes(this.#draft, 0, keyspace.valueBytes, keyspace.valueOffset, valueLength);
    this.form = FORM_DRAFT;
    this.#draftEnd = valueLength;
    this.#keyExpiryMs = keyspace.expiryMs;
  }

  /** Sets or replaces a field; true if it is new. `expiryMs` is the field's own, absolute, or NO_EXPIRY. */
  set(
    fields: Uint8Array,
    field: number,
    fieldLength: number,
    values: Uint8Array,
    value: number,
    valueLength: number,
    expiryMs: number,
  ): boolean {
    // Met first, so that one whose time is over is removed and logged.
    if (this.mayHaveDue) this.find(fields, field, fieldLength);
    this.#isChanged = true;
    if (this.form !== FORM_UNPACKED) {
      const { hashValueBytesMax } = this.context.limits;
      if (this.form === FORM_ABSENT) this.#beginDraft();
      if (fieldLength > hashValueBytesMax || valueLength > hashValueBytesMax) this.#unpack();
      else {
        const outcome = this.#setPacked(fields, field, fieldLength, values, value, valueLength);
        if (outcome !== TOO_LARGE) return outcome === INSERTED;
      }
    }
    const structure = this.structure!;
    const isNew = structure.put(fields, field, fieldLength, values, value, valueLength, expiryMs);
    if (this.name !== ENCODING_LARGE) this.#judgeName(fieldLength, valueLength);
    return isNew;
  }

  /**
   * Gives the field that `find` has just met another value, in place; it keeps its time. False, with nothing done, if the
   * length is another one or the hash is to become unpacked: then `set` does it.
   */
  overwrite(values: Uint8Array, value: number, valueLength: number): boolean {
    const { hashEntriesMax, hashValueBytesMax } = this.context.limits;
    if (valueLength !== this.valueLength) return false;
    if (this.name !== ENCODING_LARGE) {
      const isLong = this.fieldLength > hashValueBytesMax || valueLength > hashValueBytesMax;
      if (isLong || this.size > hashEntriesMax) return false;
    }
    this.#isChanged = true;
    if (this.structure !== undefined) {
      this.structure.dictionary.overwriteValue(values, value, valueLength);
      return true;
    }
    const at = this.valueOffset - this.keyspace.valueOffset;
    this.#resize(this.keyspace.valueLength, true);
    copyBytes(this.keyspace.valueBytes, this.keyspace.valueOffset + at, values, value, valueLength);
    return true;
  }

  /** `set` for arguments of the request. */
  setArguments(field: number, value: number): boolean {
    const { bytes, offsets, lengths } = this.context.request;
    return this.set(
      bytes,
      offsets[field]!,
      lengths[field]!,
      bytes,
      offsets[value]!,
      lengths[value]!,
      NO_EXPIRY,
    );
  }

  /** Deletes a field; false if there is none. */
  delete(fields: Uint8Array, offset: number, length: number): boolean {
    if (!this.find(fields, offset, length)) return false;
    this.#isChanged = true;
    const { structure } = this;
    if (structure === undefined) this.#cutFromRecord();
    else {
      structure.dictionary.removeEntry();
      if (structure.size === 0) this.#remove();
    }
    return true;
  }

  /** Gives the field that `find` has just met a time of its own, or none (NO_EXPIRY). */
  setFieldExpiry(fields: Uint8Array, offset: number, length: number, expiryMs: number): void {
    if (this.form === FORM_PACKED) {
      this.#unpack();
      const found = this.structure!.dictionary.find(fields, offset, length);
      assert(found, "a field is lost when its hash is unpacked");
    }
    if (this.name === ENCODING_COMPACT) this.name = ENCODING_COMPACT_EXPIRING;
    this.#isRenamed = true;
    this.structure!.setExpiry(expiryMs);
    this.#isChanged = true;
  }

  /** Completes the changes since the hash was opened; true if there were any. */
  save(): boolean {
    const { context, keyspace, structure } = this;
    const changed = this.#isChanged;
    this.#isChanged = false;
    if (!changed) return false;
    const { db, bytes } = context;
    const offset = context.offset(HASH_KEY);
    const length = context.length(HASH_KEY);
    if (this.form === FORM_DRAFT) {
      const end = this.#draftEnd;
      keyspace.put(
        db,
        bytes,
        offset,
        length,
        TYPE_HASH,
        ENCODING_COMPACT,
        this.#draft,
        0,
        end,
        this.#keyExpiryMs,
      );
      this.form = FORM_PACKED;
    } else if (structure !== undefined) {
      if (this.#isStored) {
        if (this.#isRenamed) keyspace.touchAs(db, this.name);
        else keyspace.touch(db);
      } else {
        keyspace.putUnpacked(db, bytes, offset, length, TYPE_HASH, this.name, structure, this.#keyExpiryMs);
        this.#isStored = true;
      }
    }
    return true;
  }

  #beginDraft(): void {
    this.form = FORM_DRAFT;
    writeFieldCount(this.#draft, 0, 0);
    this.#draftEnd = PACKED_HASH_HEAD_BYTES;
    this.#keyExpiryMs = NO_EXPIRY;
  }

  /** Sets a field of the draft or of the packed record, unless that would pass a limit. */
  #setPacked(
    fields: Uint8Array,
    field: number,
    fieldLength: number,
    values: Uint8Array,
    value: number,
    valueLength: number,
  ): number {
    const isDraft = this.form === FORM_DRAFT;
    const { keyspace } = this;
    const bytes = isDraft ? this.#draft : keyspace.valueBytes;
    const base = isDraft ? 0 : keyspace.valueOffset;
    const end = isDraft ? this.#draftEnd : base + keyspace.valueLength;
    const at = findField(bytes, base + PACKED_HASH_HEAD_BYTES, end, fields, field, fieldLength);
    const found = at >= 0;
    const count = fieldCount(bytes, base) + (found ? 0 : 1);
    const from = found ? packedNext(bytes, at, end) : end;
    const removed = found ? packedNext(bytes, from, end) - from : 0;
    const added = packedEntryBytes(valueLength) + (found ? 0 : packedEntryBytes(fieldLength));
    if (end - base + added - removed > PACKED_BYTES_MAX || count > this.context.limits.hashEntriesMax) {
      this.#unpack();
      return TOO_LARGE;
    }
    if (isDraft) this.#spliceDraft(from, removed, added);
    else this.#spliceRecord(from - base, removed, added);
    const target = isDraft ? bytes : keyspace.valueBytes;
    const start = isDraft ? 0 : keyspace.valueOffset;
    let to = start + from - base;
    if (!found) {
      to = writeEntry(target, to, fields, field, fieldLength);
      writeFieldCount(target, start, count);
    }
    writeEntry(target, to, values, value, valueLength);
    return found ? REPLACED : INSERTED;
  }

  #spliceDraft(from: number, removed: number, added: number): void {
    if (added !== removed)
      moveBytes(this.#draft, from + added, from + removed, this.#draftEnd - from - removed);
    this.#draftEnd += added - removed;
  }

  /** Makes `removed` bytes at `from` of the record's value `added` ones, which are to be written. */
  #spliceRecord(from: number, removed: number, added: number): void {
    const { keyspace } = this;
    const length = keyspace.valueLength;
    const tail = length - from - removed;
    // Also where nothing grows: what is written to has to be writable.
    this.#resize(added > removed ? length + added - removed : length, true);
    if (added === removed) return;
    const start = keyspace.valueOffset + from;
    if (tail > 0) moveBytes(keyspace.valueBytes, start + added, start + removed, tail);
    if (added < removed) this.#resize(length + added - removed, false);
  }

  #resize(valueLength: number, grow: boolean): void {
    const { context, keyspace } = this;
    const { bytes } = context;
    keyspace.resize(
      context.db,
      bytes,
      context.offset(HASH_KEY),
      context.length(HASH_KEY),
      TYPE_HASH,
      ENCODING_COMPACT,
      valueLength,
      keyspace.expiryMs,
      grow,
    );
  }

  /** Removes the field that `find` has just met. */
  #cutFromRecord(): void {
    const { keyspace } = this;
    const count = fieldCount(keyspace.valueBytes, keyspace.valueOffset);
    if (count === 1) {
      this.#remove();
      return;
    }
    const at = this.fieldOffset - packedHeaderBytes(this.fieldLength);
    const end = this.valueOffset + this.valueLength;
    this.#spliceRecord(at - keyspace.valueOffset, end - at, 0);
    writeFieldCount(keyspace.valueBytes, keyspace.valueOffset, count - 1);
  }

  #remove(): void {
    this.context.remove(HASH_KEY);
    this.form = FORM_ABSENT;
    this.structure = undefined;
  }

  #unpack(): void {
    const { context, keyspace } = this;
    const isDraft = this.form === FORM_DRAFT;
    const bytes = isDraft ? this.#draft : keyspace.valueBytes;
    const base = isDraft ? 0 : keyspace.valueOffset;
    const end = isDraft ? this.#draftEnd : base + keyspace.valueLength;
    this.structure = UnpackedHash.fromPacked(context.structures, bytes, base, end);
    if (!isDraft) this.#keyExpiryMs = keyspace.expiryMs;
    this.form = FORM_UNPACKED;
    this.name = ENCODING_COMPACT;
    this.#isStored = false;
  }

  /** What a set of these lengths makes of the name of an unpacked hash. */
  #judgeName(fieldLength: number, valueLength: number): void {
    const { hashEntriesMax, hashValueBytesMax } = this.context.limits;
    const isLong = fieldLength > hashValueBytesMax || valueLength > hashValueBytesMax;
    if (!isLong && this.size <= hashEntriesMax) return;
    this.name = ENCODING_LARGE;
    this.#isRenamed = true;
  }
}

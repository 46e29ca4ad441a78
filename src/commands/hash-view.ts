/**
 * A hash that is being read: opened once per command, then asked for fields, whatever form its value has.
 *
 * Invariants
 *  - A field whose time is over is never shown. One that a command meets in order to change the hash is removed first, by an
 *    effect of its own, so that the command's effect gives the same result when it is replayed.
 *  - In replay no field goes by itself: the log holds the HDEL that removed it.
 *  - `bytes` and the ranges in it are valid until the next call of any method of this or of the keyspace.
 *
 * Fields that are due are removed by whoever opens the hash, some per command, so that in a hash of a few hundred fields none
 * that is over is left to be counted. In a larger one `size` counts those that nobody has met yet, as Redis's HLEN.
 *
 * Hot-path file: opening, finding and walking allocate nothing.
 */
import { type Keyspace, NO_EXPIRY, TYPE_HASH } from "../engine/keyspace.ts";
import type { DictionaryEntry } from "../value/dictionary/entry-format.ts";
import { fieldCount, findField, PACKED_HASH_HEAD_BYTES } from "../value/hash/packed-hash.ts";
import type { UnpackedHash } from "../value/hash/unpacked-hash.ts";
import { packedHeaderBytes, packedLength, packedNext, packedStart } from "../value/packed.ts";
import { ENCODING_COMPACT, ENCODING_UNPACKED, encodingNameOf } from "../value/unpacked.ts";
import { WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { removeDueField, removeDueFields } from "./hash-due-fields.ts";

/** Every command of this family names its one key there. */
export const HASH_KEY = 1;

/** No such key. */
export const FORM_ABSENT = 0;
/** The record's value is the hash. */
export const FORM_PACKED = 1;
/** A new hash that is no record yet (hash-value.ts). */
export const FORM_DRAFT = 2;
export const FORM_UNPACKED = 3;

/** Tries to meet a field by chance whose time is not over. */
const RANDOM_TRIES_MAX = 64;
const NEVER = Number.NEGATIVE_INFINITY;

export class HashView {
  /** What `find`, `first` and `next` met. `data` is over the same memory as `bytes`. */
  bytes: Uint8Array = new Uint8Array(0);
  data: DataView = new DataView(new ArrayBuffer(0));
  fieldOffset = 0;
  fieldLength = 0;
  valueOffset = 0;
  valueLength = 0;
  /** The field's own time, absolute, or NO_EXPIRY. */
  expiryMs: number = NO_EXPIRY;

  protected readonly context: Context;
  protected readonly keyspace: Keyspace;
  protected form: number = FORM_ABSENT;
  /** The name's part of the encoding (value/unpacked.ts). */
  protected name: number = ENCODING_COMPACT;
  /** Set exactly while the form is FORM_UNPACKED. */
  protected structure: UnpackedHash | undefined;
  /** Fields with a time before this one are over. */
  protected dueBeforeMs = NEVER;
  #isToChange = false;
  /** Of a walk over a packed hash. */
  #next = 0;
  #end = 0;
  readonly #nextRandom = (): number => this.context.structures.random.uint32();

  /** One per context, made with it. */
  constructor(context: Context) {
    this.context = context;
    this.keyspace = context.keyspace;
  }

  /** Opens the hash of the request; false after the error reply if the key holds another type. */
  openToRead(): boolean {
    this.#isToChange = false;
    return this.#open(this.context.findForRead(HASH_KEY));
  }

  openToChange(): boolean {
    this.#isToChange = true;
    return this.#open(this.context.findForWrite(HASH_KEY));
  }

  #open(found: boolean): boolean {
    const { context, keyspace } = this;
    this.dueBeforeMs = keyspace.expireOnAccess ? context.nowMs : NEVER;
    if (!found) {
      this.#forget();
      return true;
    }
    if (keyspace.type !== TYPE_HASH) {
      context.reply.error(WRONG_TYPE);
      return false;
    }
    this.openAtView();
    if (this.mayHaveDue && removeDueFields(context, HASH_KEY, this.structure!)) this.#forget();
    return true;
  }

  /** There is no such key, or none any more. */
  #forget(): void {
    this.form = FORM_ABSENT;
    this.structure = undefined;
  }

  /** Opens the hash that the keyspace's view is on, which may be one that the request does not name; removes nothing. */
  openAtView(): void {
    const { context, keyspace } = this;
    const { encoding } = keyspace;
    if ((encoding & ENCODING_UNPACKED) === 0) {
      this.form = FORM_PACKED;
      this.name = ENCODING_COMPACT;
      this.structure = undefined;
      return;
    }
    const structure = keyspace.unpacked as UnpackedHash;
    this.form = FORM_UNPACKED;
    this.name = encodingNameOf(encoding);
    this.structure = structure;
    this.dueBeforeMs = keyspace.expireOnAccess ? context.nowMs : NEVER;
  }

  /** As `openAtView`, for `find` as well: a field whose time is over is passed over and stays. */
  openViewToRead(): void {
    this.#isToChange = false;
    this.openAtView();
  }

  get isAbsent(): boolean {
    return this.form === FORM_ABSENT;
  }

  /** Fields, those included whose time is over and which nobody has met yet. */
  get size(): number {
    if (this.form === FORM_PACKED) return fieldCount(this.keyspace.valueBytes, this.keyspace.valueOffset);
    return this.structure === undefined ? 0 : this.structure.size;
  }

  /** True if fields may be there whose time is over. */
  get mayHaveDue(): boolean {
    return this.structure !== undefined && this.structure.elementsDueMs < this.dueBeforeMs;
  }

  /** Fields that a walk meets. Counts them one by one where some may be due. */
  visibleSize(): number {
    if (!this.mayHaveDue) return this.size;
    let count = 0;
    for (let more = this.first(); more; more = this.next()) count++;
    return count;
  }

  /** Places the members above on a field; false if there is none. */
  find(fields: Uint8Array, offset: number, length: number): boolean {
    const { structure } = this;
    if (structure === undefined) return this.#findPacked(fields, offset, length);
    if (!structure.dictionary.find(fields, offset, length)) return false;
    const { entry } = structure;
    if (this.#isDue(entry)) {
      if (this.#isToChange && removeDueField(this.context, HASH_KEY, structure)) this.#forget();
      return false;
    }
    this.#show(entry);
    return true;
  }

  /** `find` for an argument of the request. */
  findArgument(index: number): boolean {
    const { request } = this.context;
    return this.find(request.bytes, request.offsets[index]!, request.lengths[index]!);
  }

  /** Begins a walk over all fields: false if there is none. A change of the hash ends it. */
  first(): boolean {
    const { structure } = this;
    if (structure === undefined) {
      if (this.form !== FORM_PACKED) return false;
      this.bytes = this.keyspace.valueBytes;
      this.data = this.keyspace.valueData;
      this.#next = this.keyspace.valueOffset + PACKED_HASH_HEAD_BYTES;
      this.#end = this.keyspace.valueOffset + this.keyspace.valueLength;
      return this.#nextPacked();
    }
    if (!structure.dictionary.first()) return false;
    return this.#isDue(structure.entry) ? this.next() : this.#show(structure.entry);
  }

  next(): boolean {
    const { structure } = this;
    if (structure === undefined) return this.#nextPacked();
    const { dictionary, entry } = structure;
    while (dictionary.next()) if (!this.#isDue(entry)) return this.#show(entry);
    return false;
  }

  /** Places the members above on a random field of an unpacked hash; false if it found none whose time is not over. */
  random(): boolean {
    const { dictionary } = this.structure!;
    for (let i = 0; i < RANDOM_TRIES_MAX; i++) {
      if (!dictionary.random(this.#nextRandom)) return false;
      if (!this.#isDue(dictionary.entry)) return this.#show(dictionary.entry);
    }
    return false;
  }

  get isPacked(): boolean {
    return this.form === FORM_PACKED;
  }

  /** Visits the fields of a part of the hash, as Dictionary.scan; a packed hash as a whole. Answers where to go on, or 0. */
  scan(cursor: number, count: number, visit: () => void): number {
    const { structure } = this;
    if (structure === undefined) {
      for (let more = this.first(); more; more = this.next()) visit();
      return 0;
    }
    const { dictionary, entry } = structure;
    return dictionary.scan(cursor, count, () => {
      if (this.#isDue(entry)) return;
      this.#show(entry);
      visit();
    });
  }

  /** Where the packed field that was met last begins in the record's value; `showAgain` goes back there. */
  get place(): number {
    return this.fieldOffset - packedHeaderBytes(this.fieldLength) - this.keyspace.valueOffset;
  }

  showAgain(place: number): void {
    const { keyspace } = this;
    const start = keyspace.valueOffset;
    this.#showPacked(start + place, start + keyspace.valueLength);
  }

  #showPacked(at: number, end: number): void {
    this.bytes = this.keyspace.valueBytes;
    this.data = this.keyspace.valueData;
    this.#place(this.bytes, at, end);
  }

  #findPacked(fields: Uint8Array, offset: number, length: number): boolean {
    if (this.form !== FORM_PACKED) return false;
    const { valueBytes, valueOffset } = this.keyspace;
    const end = valueOffset + this.keyspace.valueLength;
    const at = findField(valueBytes, valueOffset + PACKED_HASH_HEAD_BYTES, end, fields, offset, length);
    if (at < 0) return false;
    this.#showPacked(at, end);
    return true;
  }

  #nextPacked(): boolean {
    if (this.#next >= this.#end) return false;
    this.#place(this.bytes, this.#next, this.#end);
    this.#next = this.valueOffset + this.valueLength;
    return true;
  }

  #place(bytes: Uint8Array, at: number, end: number): void {
    const value = packedNext(bytes, at, end);
    this.fieldOffset = packedStart(bytes, at);
    this.fieldLength = packedLength(bytes, at);
    this.valueOffset = packedStart(bytes, value);
    this.valueLength = packedLength(bytes, value);
    this.expiryMs = NO_EXPIRY;
  }

  #show(entry: DictionaryEntry): true {
    this.bytes = entry.bytes;
    this.data = entry.data;
    this.fieldOffset = entry.keyOffset;
    this.fieldLength = entry.keyLength;
    this.valueOffset = entry.valueOffset;
    this.valueLength = entry.valueLength;
    this.expiryMs = entry.expiryMs;
    return true;
  }

  #isDue(entry: DictionaryEntry): boolean {
    return entry.expiryMs < this.dueBeforeMs && entry.expiryMs !== NO_EXPIRY;
  }
}

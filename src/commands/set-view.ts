/**
 * A set that is being read: opened once per command, then asked for members, whatever form its value has.
 *
 * Invariants
 *  - `bytes`, `data` and the range in them are valid until the next call of any method of this or of the keyspace.
 *  - A walk over a set of integers in packed form meets them in ascending order, as Redis answers an intset.
 *
 * Hot-path file: opening, finding and walking allocate nothing.
 */
import { type Keyspace, TYPE_SET } from "../engine/keyspace.ts";
import { findPacked, packedLength, packedNext, packedStart } from "../value/packed.ts";
import { memberCount, PACKED_SET_HEAD_BYTES } from "../value/set/packed-set.ts";
import type { UnpackedSet } from "../value/set/unpacked-set.ts";
import { ENCODING_COMPACT, ENCODING_UNPACKED, encodingNameOf } from "../value/unpacked.ts";
import { WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";

/** No such key. */
export const FORM_ABSENT = 0;
/** The record's value is the set. */
export const FORM_PACKED = 1;
/** A new set that is no record yet (set-value.ts). */
export const FORM_DRAFT = 2;
export const FORM_UNPACKED = 3;

export class SetView {
  /** What `find`, `first`, `next` and `random` met. `data` is over the same memory as `bytes`. */
  bytes: Uint8Array = new Uint8Array(0);
  data: DataView = new DataView(new ArrayBuffer(0));
  offset = 0;
  length = 0;

  protected readonly context: Context;
  protected readonly keyspace: Keyspace;
  protected form: number = FORM_ABSENT;
  /** The name's part of the encoding (value/unpacked.ts). */
  protected name: number = ENCODING_COMPACT;
  /** Set exactly while the form is FORM_UNPACKED. */
  protected structure: UnpackedSet | undefined;
  /** Argument of the key. */
  protected key = 1;
  /** Of a walk over a packed set. */
  #next = 0;
  #end = 0;
  readonly #nextRandom = (): number => this.context.structures.random.uint32();

  /** One per context, made with it. */
  constructor(context: Context) {
    this.context = context;
    this.keyspace = context.keyspace;
  }

  /** Opens the set whose key is in argument `key`; false after the error reply if it holds another type. */
  openToRead(key: number): boolean {
    return this.open(key, this.context.findForRead(key));
  }

  protected open(key: number, found: boolean): boolean {
    this.key = key;
    if (!found) {
      this.form = FORM_ABSENT;
      this.structure = undefined;
      return true;
    }
    if (this.keyspace.type !== TYPE_SET) {
      this.context.reply.error(WRONG_TYPE);
      return false;
    }
    this.openAtView();
    return true;
  }

  /** Opens the set that the keyspace's view is on, which may be one that the request does not name. */
  openAtView(): void {
    const { encoding } = this.keyspace;
    this.name = encodingNameOf(encoding);
    const isUnpacked = (encoding & ENCODING_UNPACKED) !== 0;
    this.form = isUnpacked ? FORM_UNPACKED : FORM_PACKED;
    this.structure = isUnpacked ? (this.keyspace.unpacked as UnpackedSet) : undefined;
  }

  get isAbsent(): boolean {
    return this.form === FORM_ABSENT;
  }

  get isPacked(): boolean {
    return this.form === FORM_PACKED;
  }

  /** The structure of an unpacked set: it stays as it is while the set is not changed, whatever else is opened. */
  get unpacked(): UnpackedSet | undefined {
    return this.structure;
  }

  get size(): number {
    if (this.form === FORM_PACKED) return memberCount(this.keyspace.valueBytes, this.keyspace.valueOffset);
    return this.structure === undefined ? 0 : this.structure.size;
  }

  /** What an unpacked set takes outside of its record. */
  get memoryBytes(): number {
    return this.structure === undefined ? 0 : this.structure.memoryBytes;
  }

  /** Places the members above on a member; false if it is not there. */
  find(members: Uint8Array, offset: number, length: number): boolean {
    const { structure } = this;
    if (structure !== undefined) {
      if (!structure.dictionary.find(members, offset, length)) return false;
      this.#showEntry(structure);
      return true;
    }
    if (this.form !== FORM_PACKED) return false;
    const { valueBytes, valueOffset } = this.keyspace;
    const end = valueOffset + this.keyspace.valueLength;
    const at = findPacked(valueBytes, valueOffset + PACKED_SET_HEAD_BYTES, end, 1, members, offset, length);
    if (at < 0) return false;
    this.#showPacked(at);
    return true;
  }

  /** `find` for an argument of the request. */
  findArgument(index: number): boolean {
    const { request } = this.context;
    return this.find(request.bytes, request.offsets[index]!, request.lengths[index]!);
  }

  /** Begins a walk over all members: false if there is none. A change of the set ends it. */
  first(): boolean {
    const { structure } = this;
    if (structure === undefined) {
      if (this.form !== FORM_PACKED) return false;
      this.#next = this.keyspace.valueOffset + PACKED_SET_HEAD_BYTES;
      this.#end = this.keyspace.valueOffset + this.keyspace.valueLength;
      return this.next();
    }
    if (!structure.dictionary.first()) return false;
    this.#showEntry(structure);
    return true;
  }

  next(): boolean {
    const { structure } = this;
    if (structure === undefined) {
      if (this.#next >= this.#end) return false;
      this.#showPacked(this.#next);
      this.#next = packedNext(this.bytes, this.#next, this.#end);
      return true;
    }
    if (!structure.dictionary.next()) return false;
    this.#showEntry(structure);
    return true;
  }

  /** Places the members above on a random member of the set, which is not absent. */
  random(): void {
    const { structure } = this;
    if (structure !== undefined) {
      structure.dictionary.random(this.#nextRandom);
      this.#showEntry(structure);
      return;
    }
    let skip = this.context.structures.random.below(this.size);
    const { valueBytes, valueOffset } = this.keyspace;
    const end = valueOffset + this.keyspace.valueLength;
    let at = valueOffset + PACKED_SET_HEAD_BYTES;
    for (; skip > 0; skip--) at = packedNext(valueBytes, at, end);
    this.#showPacked(at);
  }

  /** Visits the members of a part of the set, as Dictionary.scan; a packed set as a whole. Answers where to go on, or 0. */
  scan(cursor: number, count: number, visit: () => void): number {
    const { structure } = this;
    if (structure === undefined) {
      for (let more = this.first(); more; more = this.next()) visit();
      return 0;
    }
    return structure.dictionary.scan(cursor, count, () => {
      this.#showEntry(structure);
      visit();
    });
  }

  /** Replies with the member that was met last. */
  replyMember(): void {
    this.context.reply.bulkData(this.data, this.bytes, this.offset, this.length);
  }

  #showPacked(at: number): void {
    this.bytes = this.keyspace.valueBytes;
    this.data = this.keyspace.valueData;
    this.offset = packedStart(this.bytes, at);
    this.length = packedLength(this.bytes, at);
  }

  #showEntry(structure: UnpackedSet): void {
    const { entry } = structure.dictionary;
    this.bytes = entry.bytes;
    this.data = entry.data;
    this.offset = entry.keyOffset;
    this.length = entry.keyLength;
  }
}

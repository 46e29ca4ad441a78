/**
 * The sorted set of one key, whichever form it is in: what the bodies of sorted-set commands read and write.
 *
 * A body opens a key, which looks it up once; from then on until `finish` it works with this object and looks up no other
 * key. After changes `finish` must be called: it gives the record its new version and removes a key whose last element went.
 *
 * Invariants
 *  - `size` is right at any time. The element view (`bytes`, `offset`, `length`, `score`) is valid until the next change.
 *  - A packed value is changed only right after `resize`, which answers room that may be written.
 *  - A sorted set is unpacked when it would be longer than PACKED_BYTES_MAX or when it is no "listpack" any more; as in
 *    Redis it never goes back.
 *
 * Hot-path file: nothing allocates, but where a sorted set is unpacked. One object serves all commands of a context; those
 * that read several keys at a time use ScoredSource.
 */
import { type Keyspace, NO_EXPIRY, TYPE_SORTED_SET } from "../engine/keyspace.ts";
import { moveBytes } from "../value/sequence/move-bytes.ts";
import {
  countPackedBefore,
  countPackedBelow,
  findPackedMember,
  indexPacked,
  nextPacked,
  PACKED_ELEMENTS_MAX,
  PACKED_HEAD_BYTES,
  packedAt,
  packedCount,
  packedElementBytes,
  packedMemberLength,
  packedMemberOffset,
  packedRankOf,
  placeForPacked,
  rescorePacked,
  writePackedCount,
  writePackedElement,
} from "../value/sorted-set/packed-sorted-set.ts";
import { UnpackedSortedSet } from "../value/sorted-set/unpacked-sorted-set.ts";
import { ENCODING_COMPACT, ENCODING_LARGE, encodingNameOf, PACKED_BYTES_MAX } from "../value/unpacked.ts";
import { WRONG_TYPE } from "./arguments.ts";
import type { Context } from "./context.ts";
import { NOTIFY_GENERIC, NOTIFY_NEW } from "./notify-events.ts";

/** What opening a key answers. */
export const OPEN_ABSENT = 0;
export const OPEN_FOUND = 1;
/** The key holds another type; WRONGTYPE was replied. */
export const OPEN_REFUSED = 2;

// Named again in this module: V8 folds a module's own constants into the code, imported ones it reads.
const PACKED_MAX: number = PACKED_BYTES_MAX;
const HEAD_BYTES: number = PACKED_HEAD_BYTES;
const NO_BYTES = new Uint8Array(0);
const NO_DATA = new DataView(NO_BYTES.buffer);
/** `#at` of a view that is on no element. */
const NOWHERE = -1;

export class SortedSetValue {
  /** Elements. */
  size = 0;
  /** The element that the last successful find, seek, next or previous met: its member is [offset, offset + length) of `bytes`. */
  bytes: Uint8Array = NO_BYTES;
  offset = 0;
  length = 0;
  score = 0;
  /** Undefined while the sorted set is packed, or absent. */
  structure: UnpackedSortedSet | undefined = undefined;

  readonly #context: Context;
  #key = 0;
  /** False until the record exists, or after it was removed. */
  #isPresent = false;
  #isNew = false;
  #isChanged = false;
  /** The name's part of the encoding. */
  #name: number = ENCODING_COMPACT;
  #isRenamed = false;
  // Of a packed sorted set: its value, and the element of the view.
  #packed: Uint8Array = NO_BYTES;
  #data: DataView = NO_DATA;
  #start = 0;
  #end = 0;
  #at: number = NOWHERE;
  /** For walks backwards and jumps, where `#isIndexed`: where each element begins, from `#start`. */
  readonly #index = new Int32Array(PACKED_ELEMENTS_MAX);
  #isIndexed = false;
  #rank = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  // -- opening and finishing ---------------------------------------------------------------------------------

  /** Turns to the key in argument `key`: OPEN_FOUND, OPEN_ABSENT, or OPEN_REFUSED after the error reply. */
  openForRead(key: number): number {
    return this.#take(key, this.#context.findForRead(key));
  }

  /** The same for a command that may change it; if it is absent `insert` makes it. */
  openForWrite(key: number): number {
    return this.#take(key, this.#context.findForWrite(key));
  }

  /** Turns to the sorted set that the keyspace's view is on, for reading alone. */
  openView(): void {
    this.#turnTo(0);
    this.#read(this.#context.keyspace);
  }

  #take(key: number, found: boolean): number {
    const context = this.#context;
    this.#turnTo(key);
    if (!found) {
      this.size = 0;
      this.structure = undefined;
      return OPEN_ABSENT;
    }
    if (context.keyspace.type !== TYPE_SORTED_SET) {
      context.reply.error(WRONG_TYPE);
      return OPEN_REFUSED;
    }
    this.#read(context.keyspace);
    return OPEN_FOUND;
  }

  #turnTo(key: number): void {
    this.#key = key;
    this.#isPresent = false;
    this.#isNew = false;
    this.#isChanged = false;
    this.#isRenamed = false;
    this.#name = ENCODING_COMPACT;
    this.#at = NOWHERE;
  }

  #read(keyspace: Keyspace): void {
    this.#isPresent = true;
    this.#name = encodingNameOf(keyspace.encoding);
    const structure = keyspace.unpacked as UnpackedSortedSet | undefined;
    this.structure = structure;
    if (structure !== undefined) {
      this.size = structure.size;
      return;
    }
    this.#placePacked(keyspace);
    this.size = packedCount(this.#packed, this.#start);
  }

  /** The record may have moved. */
  #placePacked(keyspace: Keyspace): void {
    this.#packed = keyspace.valueBytes;
    this.#data = keyspace.valueData;
    this.#start = keyspace.valueOffset;
    this.#end = keyspace.valueOffset + keyspace.valueLength;
    this.#isIndexed = false;
  }

  /** True if it is called a "listpack". */
  get isCompact(): boolean {
    return this.#name === ENCODING_COMPACT;
  }

  /** True if something was changed since the key was opened. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /**
   * To be called once after the changes, before effects and reply: gives the record a new version, or removes the key if
   * nothing is left in it. Answers true if the key went; the event "del" is then the body's to tell, by `tellRemoved`.
   */
  finish(): boolean {
    if (!this.#isChanged) return false;
    const context = this.#context;
    if (this.size === 0) {
      context.remove(this.#key);
      return true;
    }
    if (this.structure !== undefined) {
      if (this.#isRenamed) context.keyspace.touchAs(context.db, this.#name);
      else context.keyspace.touch(context.db);
    }
    return false;
  }

  /** Tells of the key's creation, if it was created, of the event itself, and of the key's removal, if it went. */
  tell(eventClass: number, event: string, removed: boolean): void {
    const context = this.#context;
    if (context.notifications === 0) return;
    if (this.#isNew) context.notify(NOTIFY_NEW, "new", this.#key);
    context.notify(eventClass, event, this.#key);
    if (removed) context.notify(NOTIFY_GENERIC, "del", this.#key);
  }

  // -- reading -----------------------------------------------------------------------------------------------

  /** True if the member is there: `score` is its score, and `rescore` and `removeFound` are about it. */
  find(bytes: Uint8Array, offset: number, length: number): boolean {
    const structure = this.structure;
    if (structure !== undefined) {
      const score = structure.scoreOf(bytes, offset, length);
      this.score = score;
      return !Number.isNaN(score);
    }
    this.#at = NOWHERE;
    if (this.size === 0) return false;
    const at = findPackedMember(this.#packed, this.#start, this.#end, bytes, offset, length);
    this.#at = at;
    if (at < 0) return false;
    this.score = this.#data.getFloat64(at, true);
    return true;
  }

  /** The rank of a member that `find` has just found. */
  rankOfFound(bytes: Uint8Array, offset: number, length: number): number {
    const structure = this.structure;
    if (structure !== undefined) return structure.order.rankOf(this.score, bytes, offset, length);
    return packedRankOf(this.#packed, this.#start, this.#at);
  }

  /** Elements with a lower score; with `inclusive` also those with this one. */
  countBelow(score: number, inclusive: boolean): number {
    const structure = this.structure;
    if (structure !== undefined) return structure.order.countLess(score, inclusive);
    return countPackedBelow(this.#packed, this.#data, this.#start, this.#end, score, inclusive);
  }

  /** Elements with a lower member, where all scores are the same; with `inclusive` also the one with this member. */
  countBefore(bytes: Uint8Array, offset: number, length: number, inclusive: boolean): number {
    const structure = this.structure;
    if (structure !== undefined) return structure.order.seekLex(bytes, offset, length, inclusive);
    return countPackedBefore(this.#packed, this.#start, this.#end, bytes, offset, length, inclusive);
  }

  /** Places the element view; `rank` is from 0 to `size - 1`. */
  seek(rank: number): void {
    const structure = this.structure;
    if (structure !== undefined) {
      structure.order.seekRank(rank);
      this.#showOrder(structure);
      return;
    }
    this.#rank = rank;
    if (this.#isIndexed) this.#at = this.#start + this.#index[rank]!;
    else this.#at = packedAt(this.#packed, this.#start, this.#end, rank);
    this.#showPacked();
  }

  /** To be called before walks backwards and random jumps, which then cost no walk from the front. */
  prepareJumps(): void {
    if (this.structure !== undefined || this.#isIndexed || this.size === 0) return;
    indexPacked(this.#packed, this.#start, this.#end, this.#index);
    this.#isIndexed = true;
  }

  /** Moves the element view on; there must be a next element. */
  next(): void {
    const structure = this.structure;
    if (structure !== undefined) {
      structure.order.next();
      this.#showOrder(structure);
      return;
    }
    this.#rank++;
    this.#at = nextPacked(this.#packed, this.#at);
    this.#showPacked();
  }

  /** Moves the element view back, after `prepareJumps`; there must be a previous element. */
  previous(): void {
    const structure = this.structure;
    if (structure !== undefined) {
      structure.order.previous();
      this.#showOrder(structure);
      return;
    }
    this.#at = this.#start + this.#index[--this.#rank]!;
    this.#showPacked();
  }

  #showOrder(structure: UnpackedSortedSet): void {
    const { order } = structure;
    this.bytes = order.bytes;
    this.offset = order.offset;
    this.length = order.length;
    this.score = order.score;
  }

  #showPacked(): void {
    const bytes = this.#packed;
    const at = this.#at;
    this.bytes = bytes;
    this.offset = packedMemberOffset(bytes, at);
    this.length = packedMemberLength(bytes, at);
    this.score = this.#data.getFloat64(at, true);
  }

  // -- writing -----------------------------------------------------------------------------------------------

  /** Adds a member that `find` has just not found. The range must be the request's, or any but this value's own. */
  insert(bytes: Uint8Array, offset: number, length: number, score: number): void {
    const { limits } = this.#context;
    const isLarge = this.size >= limits.sortedSetEntriesMax || length > limits.sortedSetValueBytesMax;
    if (isLarge && this.#name !== ENCODING_LARGE) {
      this.#name = ENCODING_LARGE;
      this.#isRenamed = true;
    }
    const kept = this.#keptScore(score);
    if (this.structure !== undefined) this.structure.add(bytes, offset, length, kept);
    else if (this.#name === ENCODING_LARGE || !this.#insertPacked(bytes, offset, length, kept)) {
      this.#unpack(bytes, offset, length, kept);
    }
    this.size++;
    this.#isChanged = true;
  }

  /** Redis's listpacks keep integers as such, and so have no -0. */
  #keptScore(score: number): number {
    return this.#name === ENCODING_COMPACT ? score + 0 : score;
  }

  /** False, with nothing done, if the value would be too long. */
  #insertPacked(bytes: Uint8Array, offset: number, length: number, score: number): boolean {
    const added = packedElementBytes(length);
    const present = this.#isPresent ? this.#end - this.#start : HEAD_BYTES;
    if (present + added > PACKED_MAX) return false;
    let place = HEAD_BYTES;
    if (this.#isPresent) {
      const { keyspace } = this.#context;
      place =
        placeForPacked(this.#packed, this.#data, this.#start, this.#end, score, bytes, offset, length) -
        this.#start;
      this.#resize(present + added, keyspace.expiryMs);
    } else {
      this.#isPresent = true;
      this.#isNew = true;
      this.#resize(present + added, NO_EXPIRY);
    }
    const at = this.#start + place;
    if (place < present) moveBytes(this.#data, this.#packed, at + added, at, present - place);
    writePackedElement(this.#packed, this.#data, at, score, bytes, offset, length);
    writePackedCount(this.#packed, this.#start, this.size + 1);
    return true;
  }

  #resize(valueLength: number, expiryMs: number): void {
    const context = this.#context;
    const { keyspace, request } = context;
    const key = this.#key;
    keyspace.resize(
      context.db,
      request.bytes,
      request.offsets[key]!,
      request.lengths[key]!,
      TYPE_SORTED_SET,
      this.#name,
      valueLength,
      expiryMs,
      true,
    );
    this.#placePacked(keyspace);
  }

  /** Turns a packed or absent sorted set into an unpacked one with one more element. */
  #unpack(bytes: Uint8Array, offset: number, length: number, score: number): void {
    const context = this.#context;
    const { keyspace, request } = context;
    const key = this.#key;
    const structure = new UnpackedSortedSet(context.structures);
    let expiryMs: number = NO_EXPIRY;
    if (this.#isPresent) {
      expiryMs = keyspace.expiryMs;
      const packed = this.#packed;
      for (let at = this.#start + HEAD_BYTES; at < this.#end; at = nextPacked(packed, at)) {
        const member = packedMemberOffset(packed, at);
        structure.append(packed, member, packedMemberLength(packed, at), this.#data.getFloat64(at, true));
      }
    }
    structure.add(bytes, offset, length, score);
    if (!this.#isPresent) this.#isNew = true;
    this.#isPresent = true;
    this.#isRenamed = false;
    keyspace.putUnpacked(
      context.db,
      request.bytes,
      request.offsets[key]!,
      request.lengths[key]!,
      TYPE_SORTED_SET,
      this.#name,
      structure,
      expiryMs,
    );
    this.structure = structure;
  }

  /** Gives the member that `find` has just found another score. The range as for `insert`. */
  rescore(bytes: Uint8Array, offset: number, length: number, score: number): void {
    this.#isChanged = true;
    const structure = this.structure;
    const kept = this.#keptScore(score);
    if (structure !== undefined) {
      structure.rescore(bytes, offset, length, this.score, kept);
      return;
    }
    const place = this.#at - this.#start;
    this.#resize(this.#end - this.#start, this.#context.keyspace.expiryMs);
    const start = this.#start;
    rescorePacked(this.#packed, this.#data, start, this.#end, start + place, kept, bytes, offset, length);
  }

  /** Removes the member that `find` has just found. The range as for `insert`. */
  removeFound(bytes: Uint8Array, offset: number, length: number): void {
    const structure = this.structure;
    if (structure === undefined) {
      this.#cut(this.#at, nextPacked(this.#packed, this.#at), 1);
      return;
    }
    structure.remove(bytes, offset, length, this.score);
    this.size--;
    this.#isChanged = true;
  }

  /** Removes `count` elements (1 or more) from `rank` on. */
  removeRange(rank: number, count: number): void {
    const structure = this.structure;
    if (structure === undefined) {
      const from = packedAt(this.#packed, this.#start, this.#end, rank);
      let to = from;
      for (let i = 0; i < count; i++) to = nextPacked(this.#packed, to);
      this.#cut(from, to, count);
      return;
    }
    // A key that loses everything loses its structure as a whole, in slices and later.
    if (count < structure.size) structure.removeRange(rank, count);
    this.size -= count;
    this.#isChanged = true;
  }

  /** Takes [from, to) with `count` elements out of the packed value. */
  #cut(from: number, to: number, count: number): void {
    this.size -= count;
    this.#isChanged = true;
    // The key is removed by `finish`.
    if (this.size === 0) return;
    const { expiryMs } = this.#context.keyspace;
    const length = this.#end - this.#start;
    const place = from - this.#start;
    const removed = to - from;
    // First room that may be written, then less of it: a sealed segment's record is copied by the first.
    this.#resize(length, expiryMs);
    const at = this.#start + place;
    moveBytes(this.#data, this.#packed, at, at + removed, length - place - removed);
    writePackedCount(this.#packed, this.#start, this.size);
    this.#resize(length - removed, expiryMs);
  }
}

/**
 * Turns keys into the commands of a base: the fewest that make the same data on an empty server, Ferrite's or Redis's.
 *
 * Invariants:
 *  - commands of one key follow one another; executed in order they make its value and expiry, whatever the server's
 *    limits of encodings are;
 *  - a command has at most ELEMENTS_MAX elements, so that neither executing one nor making one takes long;
 *  - times are absolute. A key or field whose time is over is written all the same: the log after the base, or the
 *    server's own expiry, removes it.
 *
 * One face for both forms: what is packed in a record is walked here (`packed`), what is unpacked comes element by
 * element, in pieces as its visitor likes, between `beginKey` and `endKey`. The number of elements has to be known
 * before, because a RESP command begins with it.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import {
  NO_EXPIRY,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STRING,
} from "../engine/keyspace.ts";
import { formatDouble } from "../protocol/format-double.ts";
import { fieldCount, PACKED_HASH_HEAD_BYTES } from "../value/hash/packed-hash.ts";
import {
  listElementLength,
  listElementStart,
  nextListEntry,
  PACKED_LIST_HEAD_BYTES,
  packedListCount,
} from "../value/list/packed-list.ts";
import { packedLength, packedNext, packedStart } from "../value/packed.ts";
import { memberCount, PACKED_SET_HEAD_BYTES } from "../value/set/packed-set.ts";
import {
  nextPacked,
  PACKED_HEAD_BYTES,
  packedCount,
  packedMemberLength,
  packedMemberOffset,
  packedScore,
} from "../value/sorted-set/packed-sorted-set.ts";
import { FieldTimes } from "./field-times.ts";

/** Elements, members or fields of one command, as in Redis's own rewrites. */
export const ELEMENTS_MAX = 64;

/** What takes the commands: the log's base writer, or whoever writes them elsewhere. Ranges are copied at once. */
export interface CommandSink {
  /** Arguments, as many as announced, follow; then `end`. */
  begin(db: number, argc: number): void;
  argument(bytes: Uint8Array, offset: number, length: number): void;
  argumentText(latin1: string): void;
  argumentInteger(value: number): void;
  end(): void;
}

interface TypeCommand {
  readonly name: string;
  /** Arguments per element. */
  readonly width: number;
}

/** By type, of those that have elements. */
const COMMANDS: Readonly<Record<number, TypeCommand>> = {
  [TYPE_LIST]: { name: "RPUSH", width: 1 },
  [TYPE_SET]: { name: "SADD", width: 1 },
  [TYPE_SORTED_SET]: { name: "ZADD", width: 2 },
  [TYPE_HASH]: { name: "HSET", width: 2 },
};

export class KeyCommands {
  readonly #out: CommandSink;
  #key = new Uint8Array(256);
  #keyLength = 0;
  #db = 0;
  #expiryMs: number = NO_EXPIRY;
  #command: TypeCommand | undefined;
  /** Elements that have not come yet, and those of them that the present command still takes. */
  #left = 0;
  #leftInCommand = 0;
  readonly #times = new FieldTimes();
  /** The buffer of the last sorted set, and numbers in it: a segment's is met again and again. */
  #bytes: Uint8Array | undefined;
  #data: DataView = new DataView(new ArrayBuffer(0));

  constructor(out: CommandSink) {
    this.#out = out;
  }

  /** A whole string key. `expiryMs` is absolute, or NO_EXPIRY. */
  string(
    db: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiryMs: number,
  ): void {
    const out = this.#out;
    const expires = expiryMs !== NO_EXPIRY;
    out.begin(db, expires ? 5 : 3);
    out.argumentText("SET");
    out.argument(keyBytes, keyOffset, keyLength);
    out.argument(valueBytes, valueOffset, valueLength);
    if (expires) {
      out.argumentText("PXAT");
      // SET refuses a time of 0; both are over.
      out.argumentInteger(Math.max(1, expiryMs));
    }
    out.end();
  }

  /** A whole key whose value is bytes in its record: a string, or a packed collection. The record has been checked. */
  packed(
    db: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    type: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiryMs: number,
  ): void {
    if (type === TYPE_STRING) {
      this.string(db, keyBytes, keyOffset, keyLength, valueBytes, valueOffset, valueLength, expiryMs);
      return;
    }
    const size = sizeOfPacked(type, valueBytes, valueOffset);
    this.beginKey(db, keyBytes, keyOffset, keyLength, type, size, expiryMs);
    const end = valueOffset + valueLength;
    if (type === TYPE_LIST) this.#packedList(valueBytes, valueOffset, size);
    else if (type === TYPE_SET) this.#packedSet(valueBytes, valueOffset, end);
    else if (type === TYPE_SORTED_SET) this.#packedSortedSet(valueBytes, valueOffset, end);
    else this.#packedHash(valueBytes, valueOffset, end);
    this.endKey();
  }

  /** A key with `size` elements (1 or more), which follow one by one, then `endKey`. The key's range is copied. */
  beginKey(
    db: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    type: number,
    size: number,
    expiryMs: number,
  ): void {
    const command = COMMANDS[type];
    assert(command !== undefined && this.#command === undefined, `commands of a key of type ${type}`);
    assert(size > 0, "a key without elements");
    this.#command = command;
    this.#db = db;
    if (keyLength > this.#key.length) this.#key = new Uint8Array(keyLength * 2);
    copyBytes(this.#key, 0, keyBytes, keyOffset, keyLength);
    this.#keyLength = keyLength;
    this.#expiryMs = expiryMs;
    this.#left = size;
  }

  listElement(bytes: Uint8Array, offset: number, length: number): void {
    this.#beginElement();
    this.#out.argument(bytes, offset, length);
    this.#endElement();
  }

  setMember(bytes: Uint8Array, offset: number, length: number): void {
    this.#beginElement();
    this.#out.argument(bytes, offset, length);
    this.#endElement();
  }

  sortedSetMember(bytes: Uint8Array, offset: number, length: number, score: number): void {
    this.#beginElement();
    if (Number.isSafeInteger(score) && !Object.is(score, -0)) this.#out.argumentInteger(score);
    else this.#out.argumentText(formatDouble(score));
    this.#out.argument(bytes, offset, length);
    this.#endElement();
  }

  /** `expiryMs` of the field, or NO_EXPIRY. */
  hashField(
    fieldBytes: Uint8Array,
    fieldOffset: number,
    fieldLength: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiryMs: number,
  ): void {
    this.#beginElement();
    this.#out.argument(fieldBytes, fieldOffset, fieldLength);
    this.#out.argument(valueBytes, valueOffset, valueLength);
    if (expiryMs !== NO_EXPIRY) this.#times.add(fieldBytes, fieldOffset, fieldLength, expiryMs);
    this.#endElement();
  }

  /** All elements have come. */
  endKey(): void {
    assert(this.#left === 0 && this.#command !== undefined, `${this.#left} elements of a key are missing`);
    this.#command = undefined;
    if (this.#expiryMs === NO_EXPIRY) return;
    this.#out.begin(this.#db, 3);
    this.#out.argumentText("PEXPIREAT");
    this.#out.argument(this.#key, 0, this.#keyLength);
    this.#out.argumentInteger(this.#expiryMs);
    this.#out.end();
  }

  #beginElement(): void {
    const command = this.#command;
    assert(this.#left > 0 && command !== undefined, "a key has more elements than announced");
    if (this.#leftInCommand > 0) return;
    this.#leftInCommand = Math.min(this.#left, ELEMENTS_MAX);
    this.#out.begin(this.#db, 2 + command.width * this.#leftInCommand);
    this.#out.argumentText(command.name);
    this.#out.argument(this.#key, 0, this.#keyLength);
  }

  #endElement(): void {
    this.#left--;
    if (--this.#leftInCommand > 0) return;
    this.#out.end();
    this.#times.flush(this.#out, this.#db, this.#key, this.#keyLength);
  }

  #packedList(bytes: Uint8Array, base: number, size: number): void {
    let at = base + PACKED_LIST_HEAD_BYTES;
    for (let i = 0; i < size; i++) {
      this.listElement(bytes, listElementStart(bytes, at), listElementLength(bytes, at));
      at = nextListEntry(bytes, at);
    }
  }

  #packedSet(bytes: Uint8Array, base: number, end: number): void {
    let left = this.#left;
    for (let at = base + PACKED_SET_HEAD_BYTES; left > 0; at = packedNext(bytes, at, end), left--)
      this.setMember(bytes, packedStart(bytes, at), packedLength(bytes, at));
  }

  #packedSortedSet(bytes: Uint8Array, base: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    let left = this.#left;
    for (let at = base + PACKED_HEAD_BYTES; left > 0; at = nextPacked(bytes, at), left--) {
      assert(at < end, "an element of a packed sorted set reaches past its end");
      const score = packedScore(this.#data, at);
      this.sortedSetMember(bytes, packedMemberOffset(bytes, at), packedMemberLength(bytes, at), score);
    }
  }

  #packedHash(bytes: Uint8Array, base: number, end: number): void {
    let at = base + PACKED_HASH_HEAD_BYTES;
    for (let left = this.#left; left > 0; left--) {
      const value = packedNext(bytes, at, end);
      const field = packedStart(bytes, at);
      const start = packedStart(bytes, value);
      const length = packedLength(bytes, value);
      this.hashField(bytes, field, packedLength(bytes, at), bytes, start, length, NO_EXPIRY);
      at = start + length;
    }
  }
}

function sizeOfPacked(type: number, bytes: Uint8Array, base: number): number {
  switch (type) {
    case TYPE_LIST:
      return packedListCount(bytes, base);
    case TYPE_SET:
      return memberCount(bytes, base);
    case TYPE_SORTED_SET:
      return packedCount(bytes, base);
    default:
      return fieldCount(bytes, base);
  }
}

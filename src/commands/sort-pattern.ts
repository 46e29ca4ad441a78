/**
 * SORT's BY and GET patterns: from an element to the value of another key, or of a field of it.
 *
 * Invariants
 *  - A pattern is read as Redis reads it, as a C string: what counts of it ends at a zero byte.
 *  - `found…` is valid until the next call of any method of this or of the keyspace. Looking up may remove what has expired,
 *    and so write effects: no effect may be begun meanwhile, and elements must not lie in the keyspace's memory.
 *
 * Hot-path file: a pattern is read once per command; looking up allocates nothing but a longer buffer for longer keys.
 */
import { copyBytes } from "../base/bytes.ts";
import { TYPE_HASH, TYPE_STRING } from "../engine/keyspace.ts";
import type { Context } from "./context.ts";
import { NOTIFY_KEY_MISS } from "./notify-events.ts";

const HASH_SIGN = 35;
const STAR = 42;
const MINUS = 45;
const GREATER = 62;
const INITIAL_KEY_BYTES = 256;
const KEPT_KEY_BYTES = 64 * 1024;

/** One pattern; its ranges lie in the request. */
export class SortPattern {
  /** "#": the element itself. */
  readonly isElement: boolean;
  /** Without a "*" there is nothing to look up. */
  readonly isConstant: boolean;
  readonly bytes: Uint8Array;
  /** In front of the element, and behind it. */
  readonly prefix: number;
  readonly prefixLength: number;
  readonly postfix: number;
  readonly postfixLength: number;
  /** The field behind "->"; its length is 0 if the pattern names strings. */
  readonly field: number;
  readonly fieldLength: number;

  constructor(bytes: Uint8Array, offset: number, length: number) {
    const end = offset + length;
    let textEnd = offset;
    while (textEnd < end && bytes[textEnd] !== 0) textEnd++;
    this.bytes = bytes;
    this.isElement = textEnd === offset + 1 && bytes[offset] === HASH_SIGN;
    let star = offset;
    while (star < textEnd && bytes[star] !== STAR) star++;
    this.isConstant = star === textEnd;
    this.prefix = offset;
    this.prefixLength = star - offset;
    this.postfix = star + 1;
    const arrow = fieldArrow(bytes, star + 1, textEnd);
    this.field = arrow < 0 ? end : arrow + 2;
    this.fieldLength = end - this.field;
    this.postfixLength = (arrow < 0 ? end : arrow) - this.postfix;
  }
}

/** Where the first "->" is, or -1 if there is none or nothing stands behind it. */
function fieldArrow(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at + 1 < end; at++) {
    if (bytes[at] === MINUS && bytes[at + 1] === GREATER) return at + 2 < end ? at : -1;
  }
  return -1;
}

/** Looks values up; one object serves all commands. */
export class SortLookup {
  /** What the last successful `find` met; `foundData` is over the same memory. */
  foundBytes: Uint8Array = new Uint8Array(0);
  foundData: DataView = new DataView(new ArrayBuffer(0));
  foundOffset = 0;
  foundLength = 0;
  #key = new Uint8Array(INITIAL_KEY_BYTES);
  /** The pattern whose prefix the key begins with already. */
  #written: SortPattern | undefined;

  /** The value that the pattern has for an element; false if there is no such key or field, or it is of another type. */
  find(context: Context, pattern: SortPattern, element: Uint8Array, offset: number, length: number): boolean {
    if (pattern.isConstant) return false;
    const { keyspace } = context;
    const keyLength = this.#writeKey(pattern, element, offset, length);
    const key = this.#key;
    if (!keyspace.findForRead(context.db, key, 0, keyLength)) {
      context.notifyKey(NOTIFY_KEY_MISS, "keymiss", key, 0, keyLength, context.db);
      return false;
    }
    if (pattern.fieldLength > 0) return this.#findField(context, pattern);
    if (keyspace.type !== TYPE_STRING) return false;
    this.foundBytes = keyspace.valueBytes;
    this.foundData = keyspace.valueData;
    this.foundOffset = keyspace.valueOffset;
    this.foundLength = keyspace.valueLength;
    return true;
  }

  /** To be called when the command is done. */
  clear(): void {
    this.#written = undefined;
    if (this.#key.length > KEPT_KEY_BYTES) this.#key = new Uint8Array(INITIAL_KEY_BYTES);
  }

  #findField(context: Context, pattern: SortPattern): boolean {
    if (context.keyspace.type !== TYPE_HASH) return false;
    const { hash } = context;
    hash.openViewToRead();
    if (!hash.find(pattern.bytes, pattern.field, pattern.fieldLength)) return false;
    this.foundBytes = hash.bytes;
    this.foundData = hash.data;
    this.foundOffset = hash.valueOffset;
    this.foundLength = hash.valueLength;
    return true;
  }

  #writeKey(pattern: SortPattern, element: Uint8Array, offset: number, length: number): number {
    const { bytes, prefixLength, postfixLength } = pattern;
    const keyLength = prefixLength + length + postfixLength;
    if (keyLength > this.#key.length) {
      this.#key = new Uint8Array(keyLength * 2);
      this.#written = undefined;
    }
    const key = this.#key;
    if (pattern !== this.#written) {
      copyBytes(key, 0, bytes, pattern.prefix, prefixLength);
      this.#written = pattern;
    }
    copyBytes(key, prefixLength, element, offset, length);
    if (postfixLength > 0) copyBytes(key, prefixLength + length, bytes, pattern.postfix, postfixLength);
    return keyLength;
  }
}

/**
 * The unpacked form of hashes: a dictionary of fields, some of which may have times of their own.
 *
 * Invariants
 *  - `elementsDueMs` is never later than the earliest time of a field; it may be earlier, for fields that are gone or have
 *    been given another time. A whole round of `expire` makes it exact again.
 *  - Times are the caller's to judge: a field whose time is over is here until `expire` or the caller removes it.
 *
 * Fields with a time are not kept in the order of their times: a hash of ten million of them would need a second
 * structure of that size. Rounds over the leaves that have such fields, made only when one is due, find them as well.
 */

import { Dictionary } from "../dictionary/dictionary.ts";
import { type DictionaryEntry, NO_EXPIRY } from "../dictionary/entry-format.ts";
import { DICTIONARY_SHAPE } from "../dictionary/leaf-store.ts";
import { HashCapture } from "../format/dictionary-writer.ts";
import type { ValueCapture } from "../format/value-capture.ts";
import { GuardedValue } from "../guarded-value.ts";
import { packedLength, packedNext, packedStart } from "../packed.ts";
import type { StructureParts } from "../unpacked.ts";
import { PACKED_HASH_HEAD_BYTES } from "./packed-hash.ts";

export class UnpackedHash extends GuardedValue {
  /** To be written through this object alone. */
  readonly dictionary: Dictionary;
  readonly #parts: StructureParts;
  #dueMs = Number.POSITIVE_INFINITY;
  /** The earliest time that was given to a field since the last round of `expire` ended. */
  #givenMs = Number.POSITIVE_INFINITY;

  /** An empty one. Error of kind "unavailable" without memory, as from everything that adds. */
  constructor(parts: StructureParts) {
    super();
    this.#parts = parts;
    this.dictionary = new Dictionary(parts.heap, parts.hasher, DICTIONARY_SHAPE, this.watch);
  }

  /** With the fields of the packed hash in [base, end). */
  static fromPacked(parts: StructureParts, bytes: Uint8Array, base: number, end: number): UnpackedHash {
    const hash = new UnpackedHash(parts);
    for (let at = base + PACKED_HASH_HEAD_BYTES; at < end; ) {
      const value = packedNext(bytes, at, end);
      const field = packedStart(bytes, at);
      const start = packedStart(bytes, value);
      const length = packedLength(bytes, value);
      hash.dictionary.put(bytes, field, packedLength(bytes, at), bytes, start, length, NO_EXPIRY);
      at = start + length;
    }
    return hash;
  }

  override get size(): number {
    return this.dictionary.size;
  }

  override get memoryBytes(): number {
    return this.dictionary.memoryBytes;
  }

  get elementsDueMs(): number {
    return this.dictionary.volatileCount === 0 ? Number.POSITIVE_INFINITY : this.#dueMs;
  }

  /** What the last call of this or of the dictionary met. */
  get entry(): DictionaryEntry {
    return this.dictionary.entry;
  }

  /** Sets or replaces a field; true if it is new. `expiryMs` is absolute or NO_EXPIRY. */
  put(
    field: Uint8Array,
    fieldOffset: number,
    fieldLength: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiryMs: number,
  ): boolean {
    if (expiryMs !== NO_EXPIRY) this.#note(expiryMs);
    return this.dictionary.put(field, fieldOffset, fieldLength, value, valueOffset, valueLength, expiryMs);
  }

  /** Gives the field that the dictionary's `find` has just met a time, or none (NO_EXPIRY). */
  setExpiry(expiryMs: number): void {
    if (expiryMs !== NO_EXPIRY) this.#note(expiryMs);
    this.dictionary.setExpiry(expiryMs);
  }

  /**
   * Removes fields whose time is before `nowMs`, looking at about `fieldsMax` fields, on from where the last call ended.
   * `onExpired` sees `entry` before it goes, and may change nothing. Answers how many were removed.
   */
  expire(nowMs: number, fieldsMax: number, onExpired: () => void): number {
    const { dictionary } = this;
    const rounds = dictionary.expiryRounds;
    const removed = dictionary.expireStep(nowMs, fieldsMax, onExpired);
    if (dictionary.expiryRounds !== rounds) {
      this.#dueMs = Math.min(dictionary.earliestExpiryMs, this.#givenMs);
      this.#givenMs = Number.POSITIVE_INFINITY;
    }
    return removed;
  }

  override copy(): UnpackedHash {
    const copy = new UnpackedHash(this.#parts);
    const { dictionary } = this;
    const { entry } = dictionary;
    for (let more = dictionary.first(); more; more = dictionary.next()) {
      const { bytes, keyOffset, keyLength, valueOffset, valueLength, expiryMs } = entry;
      copy.put(bytes, keyOffset, keyLength, bytes, valueOffset, valueLength, expiryMs);
    }
    return copy;
  }

  override capture(): ValueCapture {
    return new HashCapture(this.dictionary.capture(), this.dictionary.volatileCount > 0);
  }

  override release(piecesMax: number): boolean {
    return this.dictionary.release(piecesMax);
  }

  #note(expiryMs: number): void {
    if (expiryMs < this.#dueMs) this.#dueMs = expiryMs;
    if (expiryMs < this.#givenMs) this.#givenMs = expiryMs;
  }
}

/**
 * The unpacked form of sets: a dictionary of members without values.
 *
 * Invariant: the object belongs to one record at most (see UnpackedValue).
 */
import { Dictionary } from "../dictionary/dictionary.ts";
import { NO_EXPIRY } from "../dictionary/entry-format.ts";
import { DICTIONARY_SHAPE } from "../dictionary/leaf-store.ts";
import { SetCapture } from "../format/dictionary-writer.ts";
import type { ValueCapture } from "../format/value-capture.ts";
import { GuardedValue } from "../guarded-value.ts";
import { packedLength, packedNext, packedStart } from "../packed.ts";
import type { StructureParts } from "../unpacked.ts";
import { PACKED_SET_HEAD_BYTES } from "./packed-set.ts";

const NO_BYTES = new Uint8Array(0);

export class UnpackedSet extends GuardedValue {
  readonly dictionary: Dictionary;
  readonly #parts: StructureParts;

  /** An empty one. Error of kind "unavailable" without memory, as from everything that adds. */
  constructor(parts: StructureParts) {
    super();
    this.#parts = parts;
    this.dictionary = new Dictionary(parts.heap, parts.hasher, DICTIONARY_SHAPE, this.watch);
  }

  /** With the members of the packed set in [base, end). */
  static fromPacked(parts: StructureParts, bytes: Uint8Array, base: number, end: number): UnpackedSet {
    const set = new UnpackedSet(parts);
    for (let at = base + PACKED_SET_HEAD_BYTES; at < end; at = packedNext(bytes, at, end))
      set.add(bytes, packedStart(bytes, at), packedLength(bytes, at));
    return set;
  }

  override get size(): number {
    return this.dictionary.size;
  }

  override get memoryBytes(): number {
    return this.dictionary.memoryBytes;
  }

  /** True if the member is new. */
  add(bytes: Uint8Array, offset: number, length: number): boolean {
    const { dictionary } = this;
    // Not replaced: an entry without a value has nothing to be replaced.
    if (dictionary.find(bytes, offset, length)) return false;
    return dictionary.put(bytes, offset, length, NO_BYTES, 0, 0, NO_EXPIRY);
  }

  override copy(): UnpackedSet {
    const copy = new UnpackedSet(this.#parts);
    const { dictionary } = this;
    const { entry } = dictionary;
    for (let more = dictionary.first(); more; more = dictionary.next())
      copy.add(entry.bytes, entry.keyOffset, entry.keyLength);
    return copy;
  }

  override capture(): ValueCapture {
    return new SetCapture(this.dictionary.capture());
  }

  override release(piecesMax: number): boolean {
    return this.dictionary.release(piecesMax);
  }
}

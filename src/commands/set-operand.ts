/**
 * A set that is read beside others: a source of SINTER, SUNION and SDIFF.
 *
 * Invariant: an operand stays readable while others are opened and a result is put together, until the command ends: a
 * packed set is copied (a few KiB), the structure of an unpacked one is not changed meanwhile, and one that is replaced by
 * the result is freed later.
 */
import { findPacked, packedLength, packedNext, packedStart } from "../value/packed.ts";
import { memberCount, PACKED_SET_HEAD_BYTES } from "../value/set/packed-set.ts";
import type { UnpackedSet } from "../value/set/unpacked-set.ts";
import type { SetView } from "./set-view.ts";

const NO_BYTES = new Uint8Array(0);

export class SetOperand {
  /** What `first` and `next` met. */
  bytes: Uint8Array = NO_BYTES;
  offset = 0;
  length = 0;
  readonly size: number;
  readonly #packed: Uint8Array;
  readonly #structure: UnpackedSet | undefined;
  #next = 0;

  /** The set that `view` has just been opened on. */
  constructor(view: SetView, valueBytes: Uint8Array, valueOffset: number, valueLength: number) {
    this.#structure = view.unpacked;
    this.#packed = view.isPacked ? valueBytes.slice(valueOffset, valueOffset + valueLength) : NO_BYTES;
    this.size = view.isPacked ? memberCount(this.#packed, 0) : view.size;
  }

  has(members: Uint8Array, offset: number, length: number): boolean {
    if (this.#structure !== undefined) return this.#structure.dictionary.find(members, offset, length);
    const packed = this.#packed;
    return findPacked(packed, PACKED_SET_HEAD_BYTES, packed.length, 1, members, offset, length) >= 0;
  }

  /** Begins a walk over the members: false if there is none. Lookups in between do not disturb it. */
  first(): boolean {
    if (this.#structure === undefined) {
      this.#next = PACKED_SET_HEAD_BYTES;
      return this.next();
    }
    return this.#structure.dictionary.first() && this.#showEntry(this.#structure);
  }

  next(): boolean {
    if (this.#structure === undefined) {
      const packed = this.#packed;
      if (this.#next >= packed.length) return false;
      this.bytes = packed;
      this.offset = packedStart(packed, this.#next);
      this.length = packedLength(packed, this.#next);
      this.#next = packedNext(packed, this.#next, packed.length);
      return true;
    }
    return this.#structure.dictionary.next() && this.#showEntry(this.#structure);
  }

  #showEntry(structure: UnpackedSet): true {
    const { entry } = structure.dictionary;
    this.bytes = entry.bytes;
    this.offset = entry.keyOffset;
    this.length = entry.keyLength;
    return true;
  }
}

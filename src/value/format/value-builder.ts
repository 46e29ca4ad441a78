/**
 * Builds a structure from the pieces of the value format, as they come.
 *
 * Invariants
 *  - Each piece is checked whole (length, checksum, number, counts) before it is decoded, each entry before it is used.
 *  - Memory is asked for by what was read, never by a number that says how much is to come.
 *  - After an error everything that was built is freed, and nothing else may be called.
 *
 * Errors: FerriteError("corruption") if the bytes are not what was written, "unavailable" without memory.
 */
import { assert } from "../../base/assert.ts";
import { SourceView } from "../../base/word-bytes.ts";
import type { StructureParts, UnpackedValue } from "../unpacked.ts";
import { type ElementReader, elementReader } from "./element-readers.ts";
import { EntryReader } from "./entry-reader.ts";
import {
  checkPiece,
  corruptValue,
  elementsOf,
  PIECE_ELEMENTS,
  PIECE_END,
  PIECE_HEAD,
  PIECE_HEADER_BYTES,
  readCount,
  readHead,
  VALUE_HASH,
  VALUE_LIST,
  VALUE_SET,
  type ValueHead,
} from "./piece-format.ts";

export class ValueBuilder {
  readonly #parts: StructureParts;
  readonly #entries: EntryReader;
  readonly #views = new SourceView();
  #head: ValueHead | undefined;
  #reader: ElementReader | undefined;
  /** Pieces that were added, and elements in them. */
  #number = 0;
  #elements = 0;
  #isEnded = false;
  #isClosed = false;

  constructor(parts: StructureParts) {
    this.#parts = parts;
    this.#entries = new EntryReader(this.#fail);
  }

  /** VALUE_LIST and its like, once the first piece was added. */
  get type(): number | undefined {
    return this.#head?.type;
  }

  /** True once the last piece was added. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Adds the next piece: all of [offset, offset + length), which is read before the call returns. */
  addPiece(bytes: Uint8Array, offset: number, length: number): void {
    assert(!this.#isClosed, "a value is built once, and not after an error");
    try {
      this.#add(bytes, offset, length);
    } catch (error) {
      this.abandon();
      throw error;
    }
    this.#number++;
  }

  /** The structure, which is the caller's from now on. */
  finish(): UnpackedValue {
    assert(!this.#isClosed, "a value is built once, and not after an error");
    if (!this.#isEnded) {
      const found = `the end of the bytes behind piece ${this.#number - 1}`;
      this.abandon();
      throw corruptValue(this.#what(), "its last piece", found);
    }
    this.#isClosed = true;
    return this.#reader!.value;
  }

  /** Frees what was built so far; the builder is of no more use. */
  abandon(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#entries.leave();
    const value = this.#reader?.value;
    while (value !== undefined && !value.release(Number.POSITIVE_INFINITY));
  }

  #add(bytes: Uint8Array, offset: number, length: number): void {
    const fail = this.#fail;
    const data = this.#views.of(bytes);
    const kind = checkPiece(data, bytes, offset, length, this.#number, fail);
    if (this.#isEnded) fail("nothing behind the last piece", "another piece");
    if ((kind === PIECE_HEAD) !== (this.#number === 0)) fail("a head, and then no other", "another order");
    const at = offset + PIECE_HEADER_BYTES;
    if (kind === PIECE_HEAD) {
      this.#head = readHead(data, at, fail);
      this.#reader = elementReader(this.#head, this.#parts, fail);
    } else if (kind === PIECE_ELEMENTS) {
      this.#addElements(bytes, data, at, offset + length, elementsOf(data, offset));
    } else if (kind === PIECE_END) {
      this.#addEnd(readCount(data, at, fail));
    }
  }

  #addElements(bytes: Uint8Array, data: DataView, at: number, end: number, count: number): void {
    const { size } = this.#head!;
    if (count > size - this.#elements) this.#fail(`${size - this.#elements} more elements`, `${count}`);
    const entries = this.#entries;
    entries.begin(bytes, data, at, end);
    this.#reader!.read(entries, count);
    if (entries.at !== end) this.#fail(`${count} elements up to the end`, `${end - entries.at} more bytes`);
    entries.leave();
    this.#elements += count;
  }

  #addEnd(total: number): void {
    const { size } = this.#head!;
    if (this.#elements !== size) this.#fail(`${size} elements`, `${this.#elements}`);
    if (total !== size) this.#fail(`an end that says ${size} elements`, `${total}`);
    this.#isEnded = true;
  }

  readonly #fail = (expected: string, found: string): never => {
    throw corruptValue(`piece ${this.#number} of ${this.#what()}`, expected, found);
  };

  #what(): string {
    const { type } = this;
    if (type === undefined) return "a value";
    if (type === VALUE_LIST) return "a list";
    if (type === VALUE_SET) return "a set";
    return type === VALUE_HASH ? "a hash" : "a sorted set";
  }
}

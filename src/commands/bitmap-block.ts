/**
 * Combines values by AND, OR, XOR or NOT, a block at a time.
 *
 * Hot-path file: the block is made once; nothing here allocates for short values.
 *
 * Invariants: the block holds the result of the sources added since `begin`, as long as the longest of them; shorter ones
 * count as if zero bytes followed them. Bytes of the block behind its length mean nothing.
 *
 * Why a block between sources and destination: the keyspace shows one record at a time, and the destination may be a
 * source. A block fits the processor's second cache, so it costs little more than combining in place would.
 */
import { assert } from "../base/assert.ts";
import { copyWords } from "../base/word-bytes.ts";

export const OPERATION_AND = 0;
export const OPERATION_OR = 1;
export const OPERATION_XOR = 2;
/** Of a single source. */
export const OPERATION_NOT = 3;

const AND = OPERATION_AND;
const OR = OPERATION_OR;
const NOT = OPERATION_NOT;

export const BLOCK_BYTES = 64 * 1024;
const CAPACITY = BLOCK_BYTES;

export class OperationBlock {
  readonly bytes: Uint8Array = new Uint8Array(CAPACITY);
  readonly #data = new DataView(this.bytes.buffer);
  #operation = AND;
  #sources = 0;
  length = 0;

  begin(operation: number): void {
    this.#operation = operation;
    this.#sources = 0;
    this.length = 0;
  }

  /** Adds a source: `length` bytes of `data` from `offset` on, at most BLOCK_BYTES; none for one that is absent. */
  add(data: DataView, offset: number, length: number): void {
    assert(length <= CAPACITY, "a source's part is larger than a block");
    const operation = this.#operation;
    if (this.#sources++ === 0) {
      copyWords(this.#data, 0, data, offset, length);
      this.length = length;
      if (operation === NOT) invert(this.#data, length);
      return;
    }
    const before = this.length;
    if (length > before) this.length = length;
    const shared = length < before ? length : before;
    if (operation === AND) {
      and(this.#data, data, offset, shared);
      if (shared < this.length) this.bytes.fill(0, shared, this.length);
      return;
    }
    if (operation === OR) or(this.#data, data, offset, shared);
    else xor(this.#data, data, offset, shared);
    // What lies behind the block's end is combined with zero.
    if (length > before) copyWords(this.#data, before, data, offset + before, length - before);
  }

  /** Adds a source that is absent, or ends before this block. */
  addNothing(): void {
    this.add(this.#data, 0, 0);
  }
}

function and(into: DataView, data: DataView, offset: number, length: number): void {
  let i = 0;
  for (const blocksEnd = length - 16; i <= blocksEnd; i += 16) {
    const from = offset + i;
    into.setInt32(i, into.getInt32(i, true) & data.getInt32(from, true), true);
    into.setInt32(i + 4, into.getInt32(i + 4, true) & data.getInt32(from + 4, true), true);
    into.setInt32(i + 8, into.getInt32(i + 8, true) & data.getInt32(from + 8, true), true);
    into.setInt32(i + 12, into.getInt32(i + 12, true) & data.getInt32(from + 12, true), true);
  }
  for (; i < length; i++) into.setUint8(i, into.getUint8(i) & data.getUint8(offset + i));
}

function or(into: DataView, data: DataView, offset: number, length: number): void {
  let i = 0;
  for (const blocksEnd = length - 16; i <= blocksEnd; i += 16) {
    const from = offset + i;
    into.setInt32(i, into.getInt32(i, true) | data.getInt32(from, true), true);
    into.setInt32(i + 4, into.getInt32(i + 4, true) | data.getInt32(from + 4, true), true);
    into.setInt32(i + 8, into.getInt32(i + 8, true) | data.getInt32(from + 8, true), true);
    into.setInt32(i + 12, into.getInt32(i + 12, true) | data.getInt32(from + 12, true), true);
  }
  for (; i < length; i++) into.setUint8(i, into.getUint8(i) | data.getUint8(offset + i));
}

function xor(into: DataView, data: DataView, offset: number, length: number): void {
  let i = 0;
  for (const blocksEnd = length - 16; i <= blocksEnd; i += 16) {
    const from = offset + i;
    into.setInt32(i, into.getInt32(i, true) ^ data.getInt32(from, true), true);
    into.setInt32(i + 4, into.getInt32(i + 4, true) ^ data.getInt32(from + 4, true), true);
    into.setInt32(i + 8, into.getInt32(i + 8, true) ^ data.getInt32(from + 8, true), true);
    into.setInt32(i + 12, into.getInt32(i + 12, true) ^ data.getInt32(from + 12, true), true);
  }
  for (; i < length; i++) into.setUint8(i, into.getUint8(i) ^ data.getUint8(offset + i));
}

function invert(into: DataView, length: number): void {
  let i = 0;
  for (const wordsEnd = length - 4; i <= wordsEnd; i += 4) into.setInt32(i, ~into.getInt32(i, true), true);
  for (; i < length; i++) into.setUint8(i, ~into.getUint8(i));
}

/**
 * The signature of one key's value, as Redis's DEBUG DIGEST defines it: equal contents give equal signatures, on any server.
 *
 * Invariants: what has an order (a list, a stream, the parts of an element) is mixed in, so that order counts; what has none
 * (members, fields, keys) is xored in, so that it does not. An expiry counts as one, whenever it is.
 *
 * Both rest on SHA-1 of 20-byte states: xor(data) is state ^= SHA1(data); mix(data) is xor(data) and then
 * state = SHA1(state). Integers count as their decimal text, scores as C's %.17g.
 */
import { hash } from "node:crypto";
import { fromLatin1 } from "../base/bytes.ts";
import { formatDouble } from "../protocol/format-double.ts";
import type { Context } from "./context.ts";

const STATE_BYTES = 20;
const EXPIRY_MARK = fromLatin1("!!expire!!");

/** A SHA-1 state that data is added to. */
export class Signature {
  readonly bytes: Uint8Array = new Uint8Array(STATE_BYTES);
  readonly #number = new Uint8Array(4);

  clear(): void {
    this.bytes.fill(0);
  }

  /** Adds data whose place among others does not count. */
  xor(data: Uint8Array, offset: number, length: number): void {
    const state = this.bytes;
    const sum = sha1(data.subarray(offset, offset + length));
    for (let i = 0; i < STATE_BYTES; i++) state[i] = state[i]! ^ sum.charCodeAt(i);
  }

  /** Adds data that follows what was added before. */
  mix(data: Uint8Array, offset: number, length: number): void {
    this.xor(data, offset, length);
    const state = this.bytes;
    const sum = sha1(state);
    for (let i = 0; i < STATE_BYTES; i++) state[i] = sum.charCodeAt(i);
  }

  mixText(latin1: string): void {
    const bytes = fromLatin1(latin1);
    this.mix(bytes, 0, bytes.length);
  }

  /** Adds a number as four bytes, the highest first. */
  mixNumber(value: number): void {
    const bytes = this.#number;
    for (let i = 0; i < 4; i++) bytes[i] = value >>> (24 - i * 8);
    this.mix(bytes, 0, 4);
  }

  /** Forty hexadecimal digits. */
  text(): string {
    return Buffer.from(this.bytes).toString("hex");
  }
}

/** One character per byte: in this form the one-shot function is three times as fast as with a buffer. */
function sha1(data: Uint8Array): string {
  return hash("sha1", data, "binary");
}

/** What a type's source tells of the elements of a value. Ranges are valid during the call. */
export interface DigestSink {
  /** The whole of a string. */
  string(bytes: Uint8Array, offset: number, length: number): void;
  /** From the first to the last. */
  listElement(bytes: Uint8Array, offset: number, length: number): void;
  /** In any order. */
  setMember(bytes: Uint8Array, offset: number, length: number): void;
  /** In any order. */
  sortedSetMember(bytes: Uint8Array, offset: number, length: number, score: number): void;
  /** In any order. */
  hashField(
    fieldBytes: Uint8Array,
    fieldOffset: number,
    fieldLength: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
  ): void;
  /** An entry's id in two decimal texts; its fields follow, then the next entry, in the order of ids. */
  streamEntry(milliseconds: string, sequence: string): void;
  streamField(
    fieldBytes: Uint8Array,
    fieldOffset: number,
    fieldLength: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
  ): void;
}

/** A type's part: tells a sink of every element of the value that `context.keyspace`'s view is on; changes nothing, keeps the view. */
export interface DigestSource {
  feed(context: Context, sink: DigestSink): void;
}

/** Makes the signature of one value; used again and again. */
export class ValueDigest implements DigestSink {
  readonly signature = new Signature();
  readonly #element = new Signature();

  /** `redisType` is the number that Redis gives the type; to be called after what precedes the value was mixed in. */
  begin(redisType: number): void {
    this.signature.mixNumber(redisType);
  }

  end(hasExpiry: boolean): void {
    if (hasExpiry) this.signature.xor(EXPIRY_MARK, 0, EXPIRY_MARK.length);
  }

  string(bytes: Uint8Array, offset: number, length: number): void {
    this.signature.mix(bytes, offset, length);
  }

  listElement(bytes: Uint8Array, offset: number, length: number): void {
    this.signature.mix(bytes, offset, length);
  }

  setMember(bytes: Uint8Array, offset: number, length: number): void {
    this.signature.xor(bytes, offset, length);
  }

  sortedSetMember(bytes: Uint8Array, offset: number, length: number, score: number): void {
    const element = this.#element;
    element.clear();
    element.mix(bytes, offset, length);
    element.mixText(formatDouble(score));
    this.signature.xor(element.bytes, 0, STATE_BYTES);
  }

  hashField(
    fieldBytes: Uint8Array,
    fieldOffset: number,
    fieldLength: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
  ): void {
    const element = this.#element;
    element.clear();
    element.mix(fieldBytes, fieldOffset, fieldLength);
    element.mix(valueBytes, valueOffset, valueLength);
    this.signature.xor(element.bytes, 0, STATE_BYTES);
  }

  streamEntry(milliseconds: string, sequence: string): void {
    this.signature.mixText(`${milliseconds}.${sequence}`);
  }

  streamField(
    fieldBytes: Uint8Array,
    fieldOffset: number,
    fieldLength: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
  ): void {
    this.signature.mix(fieldBytes, fieldOffset, fieldLength);
    this.signature.mix(valueBytes, valueOffset, valueLength);
  }
}

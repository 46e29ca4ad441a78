/**
 * Captured hashes and sets, written as pieces: entries in hash order.
 *
 * Hot-path file: nothing allocates per element.
 */
import type { ByteWriter } from "../../base/byte-writer.ts";
import type { DictionaryCapture } from "../dictionary/dictionary-capture.ts";
import { NO_EXPIRY, writeExpiry } from "../dictionary/entry-format.ts";
import { packedEntryBytes } from "../packed.ts";
import type { ElementVisitor } from "./element-visitor.ts";
import { appendEntry } from "./entry-writer.ts";
import { EXPIRY_ENTRY_BYTES, FLAG_TIMES, VALUE_HASH, VALUE_SET } from "./piece-format.ts";
import { PieceWriter } from "./piece-writer.ts";

abstract class DictionaryWriter extends PieceWriter {
  protected readonly capture: DictionaryCapture;
  /** The entry of the leaf that comes next. */
  #index = 0;

  constructor(type: number, flags: number, capture: DictionaryCapture) {
    super(type, flags, capture.size);
    this.capture = capture;
  }

  override get retainedBytes(): number {
    return this.capture.retainedBytes;
  }

  override release(piecesMax: number): boolean {
    return this.capture.release(piecesMax);
  }

  protected override placeNext(): boolean {
    const { capture } = this;
    if (this.#index === capture.leafSize) {
      this.#index = 0;
      if (!capture.nextLeaf()) return false;
    }
    capture.read(this.#index);
    return true;
  }

  protected override pass(): void {
    this.#index++;
  }
}

export class HashCapture extends DictionaryWriter {
  readonly #hasTimes: boolean;

  constructor(capture: DictionaryCapture, hasTimes: boolean) {
    super(VALUE_HASH, hasTimes ? FLAG_TIMES : 0, capture);
    this.#hasTimes = hasTimes;
  }

  protected override handOver(visitor: ElementVisitor): void {
    const { bytes, keyOffset, keyLength, valueOffset, valueLength, expiryMs } = this.capture.entry;
    visitor.hashField(bytes, keyOffset, keyLength, bytes, valueOffset, valueLength, expiryMs);
  }

  protected override writeElements(out: ByteWriter, end: number): number {
    const { entry } = this.capture;
    let count = 0;
    for (; this.placeNext(); count++) {
      const { data, keyLength, valueLength, expiryMs } = entry;
      let bytes = packedEntryBytes(keyLength) + packedEntryBytes(valueLength);
      if (this.#hasTimes) bytes += expiryMs === NO_EXPIRY ? 1 : 1 + EXPIRY_ENTRY_BYTES;
      if (out.length + bytes > end) {
        if (count > 0) return count;
        out.reserve(bytes);
      }
      appendEntry(out, data, entry.keyOffset, keyLength);
      appendEntry(out, data, entry.valueOffset, valueLength);
      if (this.#hasTimes) appendTime(out, expiryMs);
      this.pass();
    }
    return count;
  }
}

function appendTime(out: ByteWriter, expiryMs: number): void {
  if (expiryMs === NO_EXPIRY) {
    out.bytes[out.length++] = 0;
    return;
  }
  out.bytes[out.length] = EXPIRY_ENTRY_BYTES;
  writeExpiry(out.data, out.length + 1, expiryMs);
  out.length += 1 + EXPIRY_ENTRY_BYTES;
}

export class SetCapture extends DictionaryWriter {
  constructor(capture: DictionaryCapture) {
    super(VALUE_SET, 0, capture);
  }

  protected override handOver(visitor: ElementVisitor): void {
    const { bytes, keyOffset, keyLength } = this.capture.entry;
    visitor.setMember(bytes, keyOffset, keyLength);
  }

  protected override writeElements(out: ByteWriter, end: number): number {
    const { entry } = this.capture;
    let count = 0;
    for (; this.placeNext(); count++) {
      const { data, keyOffset, keyLength } = entry;
      const bytes = packedEntryBytes(keyLength);
      if (out.length + bytes > end) {
        if (count > 0) return count;
        out.reserve(bytes);
      }
      appendEntry(out, data, keyOffset, keyLength);
      this.pass();
    }
    return count;
  }
}

/**
 * Captured lists and sorted sets, written as pieces: elements in their order.
 *
 * Of a sorted set the order alone is captured: it has all members and scores. Hot-path file: nothing allocates per
 * element.
 */
import type { ByteWriter } from "../../base/byte-writer.ts";
import { packedEntryBytes } from "../packed.ts";
import type { SequenceCapture } from "../sequence/capture.ts";
import type { ElementVisitor } from "./element-visitor.ts";
import { appendEntry } from "./entry-writer.ts";
import { SCORE_BYTES, VALUE_LIST, VALUE_SORTED_SET } from "./piece-format.ts";
import { PieceWriter } from "./piece-writer.ts";

abstract class SequenceWriter extends PieceWriter {
  protected readonly capture: SequenceCapture;
  /** The entry of the leaf that comes next, and how many the leaf has. */
  #index = 0;
  #count = 0;

  constructor(type: number, capture: SequenceCapture) {
    super(type, 0, capture.size);
    this.capture = capture;
  }

  override get retainedBytes(): number {
    return this.capture.heldBytes;
  }

  override release(piecesMax: number): boolean {
    return this.capture.release(piecesMax);
  }

  protected override placeNext(): boolean {
    const { capture } = this;
    if (this.#index === this.#count) {
      if (!capture.nextLeaf()) return false;
      this.#index = 0;
      this.#count = capture.count;
    }
    capture.place(this.#index);
    return true;
  }

  protected override pass(): void {
    this.#index++;
  }
}

export class ListCapture extends SequenceWriter {
  constructor(capture: SequenceCapture) {
    super(VALUE_LIST, capture);
  }

  protected override handOver(visitor: ElementVisitor): void {
    const { bytes, offset, length } = this.capture;
    visitor.listElement(bytes, offset, length);
  }

  protected override writeElements(out: ByteWriter, end: number): number {
    const { capture } = this;
    let count = 0;
    for (; this.placeNext(); count++) {
      const { length } = capture;
      const bytes = packedEntryBytes(length);
      if (out.length + bytes > end) {
        if (count > 0) return count;
        out.reserve(bytes);
      }
      appendEntry(out, capture.data, capture.offset, length);
      this.pass();
    }
    return count;
  }
}

export class SortedSetCapture extends SequenceWriter {
  constructor(capture: SequenceCapture) {
    super(VALUE_SORTED_SET, capture);
  }

  protected override handOver(visitor: ElementVisitor): void {
    const { bytes, offset, length, score } = this.capture;
    visitor.sortedSetMember(bytes, offset, length, score);
  }

  protected override writeElements(out: ByteWriter, end: number): number {
    const { capture } = this;
    let count = 0;
    for (; this.placeNext(); count++) {
      const { length } = capture;
      const bytes = SCORE_BYTES + packedEntryBytes(length);
      if (out.length + bytes > end) {
        if (count > 0) return count;
        out.reserve(bytes);
      }
      out.data.setFloat64(out.length, capture.score, true);
      out.length += SCORE_BYTES;
      appendEntry(out, capture.data, capture.offset, length);
      this.pass();
    }
    return count;
  }
}

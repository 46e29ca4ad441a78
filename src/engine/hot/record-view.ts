/**
 * The view that commands read: one record, taken apart as far as they need it.
 *
 * Hot-path file: nothing here allocates. What every command reads is stored when the view is placed; the rest is
 * decoded when asked for.
 *
 * Invariant: the view's parts lie within its segment; this is asserted before they are shown.
 */
import { assert } from "../../base/assert.ts";
import type { AccessClock } from "./access-clock.ts";
import { clockOf, expiryOf, keyLengthOf, keyStartOf, valueLengthOf, versionOf } from "./record.ts";
import type { SegmentTable } from "./segment-table.ts";

const NO_BYTES: Uint8Array = new Uint8Array(0);

export class RecordView {
  valueBytes: Uint8Array = NO_BYTES;
  valueOffset = 0;
  valueLength = 0;
  keyLength = 0;

  // `declare`: no initial undefined, so V8 learns what the fields hold and need not check it on each access.
  declare protected readonly segments: SegmentTable;
  declare protected readonly access: AccessClock;
  /** Where the record is: segment, and the index of its first word in `words`. */
  protected segment = 0;
  protected word = 0;
  protected words: Int32Array = new Int32Array(16);

  constructor(segments: SegmentTable, access: AccessClock) {
    this.segments = segments;
    this.access = access;
  }

  get valueData(): DataView {
    return this.segments.data[this.segment]!;
  }

  get keyBytes(): Uint8Array {
    return this.valueBytes;
  }

  get keyOffset(): number {
    return this.valueOffset - this.keyLength;
  }

  get type(): number {
    return this.words[this.word + 1]! & 15;
  }

  get encoding(): number {
    return (this.words[this.word + 1]! >>> 4) & 15;
  }

  get expiryMs(): number {
    return expiryOf(this.words, this.word);
  }

  get version(): number {
    return versionOf(this.words, this.word);
  }

  get idleSeconds(): number {
    return this.access.idleSeconds(clockOf(this.words, this.word));
  }

  get accessFrequency(): number {
    return this.access.frequency(clockOf(this.words, this.word));
  }

  /** The record's place in its segment, in 8-byte units. */
  protected get unit(): number {
    return this.word >>> 1;
  }

  /** Places the view on a record. */
  protected placeView(segment: number, unit: number): void {
    const words = this.segments.words[segment]!;
    const word = unit * 2;
    const keyStart = keyStartOf(words, word);
    const keyLength = keyLengthOf(words, word);
    const valueLength = valueLengthOf(words, word, keyStart, keyLength);
    const bytes = this.segments.bytes[segment]!;
    const valueOffset = word * 4 + keyStart + keyLength;
    assert(
      valueLength >= 0 && valueOffset + valueLength <= bytes.length,
      "record does not lie within its segment",
    );
    this.segment = segment;
    this.word = word;
    this.words = words;
    this.valueBytes = bytes;
    this.valueOffset = valueOffset;
    this.valueLength = valueLength;
    this.keyLength = keyLength;
  }
}

/**
 * A buffer that grows, for bytes that are written one after the other.
 *
 * Invariants: what is written is [0, length) of `bytes`; `data` is over the same memory. Both are replaced when the
 * buffer grows, which `reserve` alone does.
 *
 * Public fields instead of a method per kind of number: writers reserve once for many elements and then write at
 * offsets, as all code here does that is called per element.
 */
const CAPACITY_MIN = 1024;

export class ByteWriter {
  bytes: Uint8Array;
  data: DataView;
  /** Bytes written; writers advance it, and it is set to 0 to begin again in the same memory. */
  length = 0;

  constructor(capacityBytes: number = CAPACITY_MIN) {
    this.bytes = new Uint8Array(capacityBytes);
    this.data = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` bytes behind those that are written. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length, CAPACITY_MIN));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.data = new DataView(grown.buffer);
  }
}

/**
 * The table of segments: for each id its memory, medium, state, and how many of its units are used and dead.
 *
 * Invariants
 *  - Unit 0 of a segment is its header (magic and id); records follow one another from unit 1 to `used`.
 *  - `dead` counts the units of fillers and of records that no slot points to; used - 1 - dead are live.
 *  - Only a segment that is WRITABLE is ever written to, its tail or its records; sealing is for good. Once its file is
 *    written the access clocks of the copy in memory may change (CLOCKS_ONLY); until then not a bit does.
 *  - An id is given out again only after `free`, and not while a capture holds the segment: what is freed meanwhile stays
 *    readable as MEDIUM_RETAINED and is in no total but `retainedBytes`.
 *  - The totals are the sums over the segments.
 *
 * Parallel arrays by id, not an object per segment: the hot path reads one word array and one flag.
 */
import { assert } from "../../base/assert.ts";
import type { Buffers } from "../../ports/buffers.ts";
import { checkRecord, RECORD_UNIT_BYTES, sizeUnitsOf } from "./record.ts";

export const MEDIUM_NONE = 0;
export const MEDIUM_MEMORY = 1;
/** Free, but held by a capture. */
export const MEDIUM_RETAINED = 2;

/** Of `writable`: nothing may change, anything may, or access clocks alone. */
export const SEALED = 0;
export const WRITABLE = 1;
export const CLOCKS_ONLY = 2;

/** First word of every segment: "FSEG" read as little-endian. */
export const SEGMENT_MAGIC = 0x47455346;
export const SEGMENT_HEADER_UNITS = 1;
/** 16 bits of an address; id 0 is not used, so that a zeroed slot points nowhere. */
export const SEGMENT_ID_MAX = 0xffff;
/** 20 bits of an address count units within a segment. */
export const SEGMENT_BYTES_MAX = 8 * 2 ** 20;

const NO_BYTES = new Uint8Array(0);
/** One word long, so that a prefetch of "no record" reads something. */
const NO_WORDS = new Int32Array(1);
const NO_DATA = new DataView(new ArrayBuffer(0));

export class SegmentTable {
  /** Size of an ordinary segment; a record too large for one gets a segment of its own. */
  // `declare`: no initial undefined, so V8 learns what the field holds and need not check it on each access.
  declare readonly segmentBytes: number;
  readonly bytes: Uint8Array[] = [NO_BYTES];
  readonly words: Int32Array[] = [NO_WORDS];
  readonly data: DataView[] = [NO_DATA];
  /** WRITABLE if records may be changed and added. */
  writable = new Uint8Array(64);
  /** 1 if a file holds the segment's bytes. */
  filed = new Uint8Array(64);
  /** 1 if a capture needs the segment's memory. */
  held = new Uint8Array(64);
  /** 1 if the segment was opened for a single record. */
  alone = new Uint8Array(64);
  medium = new Uint8Array(64);
  usedUnits = new Int32Array(64);
  deadUnits = new Int32Array(64);
  /** Order of creation: tells a segment from an earlier one of the same id. */
  births = new Float64Array(64);

  /** Sums over all segments, in units. */
  usedUnitsTotal = 0;
  deadUnitsTotal = 0;
  /** Memory of all segments, used or not. */
  allocatedBytes = 0;
  count = 0;
  /** Memory of segments that are free but for a capture. */
  retainedBytes = 0;
  /** Segments that files hold. */
  filedCount = 0;
  #heldCount = 0;

  #poolMax = 0;
  readonly #buffers: Buffers;
  /** Memory of freed segments; a command may still be reading the last record that it removed. */
  #retired: ArrayBuffer[] = [];
  readonly #poolBytes: Uint8Array[] = [];
  readonly #poolWords: Int32Array[] = [];
  readonly #poolData: DataView[] = [];
  readonly #freeIds: number[] = [];
  #nextBirth = 1;

  constructor(segmentBytes: number, poolMax: number, buffers: Buffers) {
    assert(
      segmentBytes >= 1024 && segmentBytes <= SEGMENT_BYTES_MAX && segmentBytes % RECORD_UNIT_BYTES === 0,
      "segment size out of range",
    );
    this.segmentBytes = segmentBytes;
    this.#poolMax = poolMax;
    this.#buffers = buffers;
  }

  /** The birth that the next segment gets. */
  get nextBirth(): number {
    return this.#nextBirth;
  }

  /** True while a capture holds segments. */
  get holdsBack(): boolean {
    return this.#heldCount > 0;
  }

  /** Memory of free segments kept for reuse. */
  get pooledBytes(): number {
    return this.#poolBytes.length * this.segmentBytes;
  }

  /** A writable segment of at least `bytes` (rounded up to units, header included) or of the ordinary size. */
  open(bytes = this.segmentBytes): number {
    const id = this.#freeIds.pop() ?? this.bytes.length;
    assert(id <= SEGMENT_ID_MAX, "segment ids are used up: records are too large for this many");
    if (id >= this.writable.length) this.#growArrays(id);
    if (bytes === this.segmentBytes && this.#poolBytes.length > 0) {
      this.bytes[id] = this.#poolBytes.pop()!;
      this.words[id] = this.#poolWords.pop()!;
      this.data[id] = this.#poolData.pop()!;
    } else {
      this.#allocate(id, bytes);
    }
    const words = this.words[id]!;
    words[0] = SEGMENT_MAGIC;
    words[1] = id;
    this.writable[id] = WRITABLE;
    this.filed[id] = 0;
    this.alone[id] = bytes === this.segmentBytes ? 0 : 1;
    this.#enter(id, SEGMENT_HEADER_UNITS, 0, this.#nextBirth++);
    return id;
  }

  /**
   * Takes in a segment that a file holds, as it was written: sealed, `bytes` no longer than its records. Ids come in any order;
   * `endAdopting` follows the last one.
   */
  adopt(id: number, birth: number, deadUnits: number, bytes: ArrayBuffer): void {
    assert(id > 0 && id <= SEGMENT_ID_MAX && this.medium[id] !== MEDIUM_MEMORY, "segment id is in use");
    while (this.bytes.length <= id) {
      this.bytes.push(NO_BYTES);
      this.words.push(NO_WORDS);
      this.data.push(NO_DATA);
    }
    if (id >= this.writable.length) this.#growArrays(id);
    this.bytes[id] = new Uint8Array(bytes);
    this.words[id] = new Int32Array(bytes);
    this.data[id] = new DataView(bytes);
    const usedUnits = bytes.byteLength / RECORD_UNIT_BYTES;
    const firstUnits = sizeUnitsOf(this.words[id]!, SEGMENT_HEADER_UNITS * 2);
    this.writable[id] = CLOCKS_ONLY;
    this.filed[id] = 1;
    this.filedCount++;
    this.alone[id] = usedUnits === SEGMENT_HEADER_UNITS + firstUnits ? 1 : 0;
    this.#enter(id, usedUnits, deadUnits, birth);
  }

  /** Every segment is here: ids that none has are free, births go on from `nextBirth`. */
  endAdopting(nextBirth: number): void {
    this.#nextBirth = nextBirth;
    this.#freeIds.length = 0;
    for (let id = this.bytes.length - 1; id > 0; id--)
      if (this.medium[id] === MEDIUM_NONE) this.#freeIds.push(id);
  }

  /** Births below `next` are given to nobody any more. */
  skipBirths(next: number): void {
    this.#nextBirth = Math.max(this.#nextBirth, next);
  }

  #enter(id: number, usedUnits: number, deadUnits: number, birth: number): void {
    this.medium[id] = MEDIUM_MEMORY;
    this.usedUnits[id] = usedUnits;
    this.deadUnits[id] = deadUnits;
    this.births[id] = birth;
    this.usedUnitsTotal += usedUnits;
    this.deadUnitsTotal += deadUnits;
    this.allocatedBytes += this.bytes[id]!.length;
    this.count++;
  }

  /** Gives up a segment that nothing points to. Its bytes stay readable until its memory is used again. */
  free(id: number): void {
    assert(this.medium[id] === MEDIUM_MEMORY, "free of a segment that is not in memory");
    this.usedUnitsTotal -= this.usedUnits[id]!;
    this.deadUnitsTotal -= this.deadUnits[id]!;
    this.allocatedBytes -= this.bytes[id]!.length;
    this.count--;
    this.writable[id] = SEALED;
    this.filedCount -= this.filed[id]!;
    this.filed[id] = 0;
    this.usedUnits[id] = 0;
    this.deadUnits[id] = 0;
    if (this.held[id] === 0) {
      this.#drop(id);
      return;
    }
    this.medium[id] = MEDIUM_RETAINED;
    this.retainedBytes += this.bytes[id]!.length;
  }

  /** Keeps the segment's memory as it is until `letGo`. */
  hold(id: number): void {
    assert(this.held[id] === 0 && this.writable[id] !== WRITABLE, "only a sealed segment is held, once");
    this.held[id] = 1;
    this.#heldCount++;
  }

  /** Ends `hold`. */
  letGo(id: number): void {
    assert(this.held[id] === 1, "a segment is let go that is not held");
    this.held[id] = 0;
    this.#heldCount--;
    if (this.medium[id] !== MEDIUM_RETAINED) return;
    this.retainedBytes -= this.bytes[id]!.length;
    this.#drop(id);
  }

  /** A file holds the segment's bytes from here on. */
  noteFile(id: number): void {
    assert(this.writable[id] === SEALED, "a segment that is not sealed has no file");
    this.filed[id] = 1;
    this.filedCount++;
    this.writable[id] = CLOCKS_ONLY;
  }

  #drop(id: number): void {
    if (this.bytes[id]!.length === this.segmentBytes && this.#poolBytes.length < this.#poolMax) {
      this.#poolBytes.push(this.bytes[id]!);
      this.#poolWords.push(this.words[id]!);
      this.#poolData.push(this.data[id]!);
    } else {
      this.#retired.push(this.bytes[id]!.buffer as ArrayBuffer);
    }
    this.bytes[id] = NO_BYTES;
    this.words[id] = NO_WORDS;
    this.data[id] = NO_DATA;
    this.medium[id] = MEDIUM_NONE;
    this.#freeIds.push(id);
  }

  /** Gives freed memory back to where it came from. No view of a freed record may be in use any more. */
  releaseRetired(): void {
    if (this.#retired.length === 0) return;
    const retired = this.#retired;
    this.#retired = [];
    for (const buffer of retired) this.#buffers.release(buffer);
  }

  /** Gives up the memory kept for reuse. */
  releasePooled(): void {
    for (const bytes of this.#poolBytes) this.#retired.push(bytes.buffer as ArrayBuffer);
    this.#poolBytes.length = 0;
    this.#poolWords.length = 0;
    this.#poolData.length = 0;
  }

  /** Forbids every further change of the segment's bytes. */
  seal(id: number): void {
    if (this.writable[id] === WRITABLE) this.writable[id] = SEALED;
  }

  isInMemory(id: number): boolean {
    return this.medium[id] === MEDIUM_MEMORY;
  }

  capacityUnits(id: number): number {
    return this.bytes[id]!.length >>> 3;
  }

  liveUnits(id: number): number {
    return this.usedUnits[id]! - SEGMENT_HEADER_UNITS - this.deadUnits[id]!;
  }

  addDead(id: number, units: number): void {
    this.deadUnits[id]! += units;
    this.deadUnitsTotal += units;
  }

  addUsed(id: number, units: number): void {
    this.usedUnits[id]! += units;
    this.usedUnitsTotal += units;
  }

  /** Forgets every record of a writable segment, all of them dead, so that it is filled from its start again. */
  rewind(id: number): void {
    this.usedUnitsTotal -= this.usedUnits[id]! - SEGMENT_HEADER_UNITS;
    this.deadUnitsTotal -= this.deadUnits[id]!;
    this.usedUnits[id] = SEGMENT_HEADER_UNITS;
    this.deadUnits[id] = 0;
  }

  /** Largest id ever given out. */
  get lastId(): number {
    return this.bytes.length - 1;
  }

  /** Ids in use, in ascending order. */
  *ids(): Generator<number> {
    for (let id = 1; id < this.bytes.length; id++) if (this.medium[id] === MEDIUM_MEMORY) yield id;
  }

  /** Visits every record of a segment in order, fillers included, each checked before it is handed over. */
  forEachRecord(id: number, visit: (unit: number, sizeUnits: number) => void): void {
    const words = this.words[id]!;
    const end = this.usedUnits[id]!;
    for (let unit = SEGMENT_HEADER_UNITS; unit < end; ) {
      checkRecord(words, unit, end);
      const size = sizeUnitsOf(words, unit * 2);
      visit(unit, size);
      unit += size;
    }
  }

  #allocate(id: number, bytes: number): void {
    const rounded = Math.ceil(bytes / RECORD_UNIT_BYTES) * RECORD_UNIT_BYTES;
    const buffer = this.#buffers.allocate(rounded);
    this.bytes[id] = new Uint8Array(buffer);
    this.words[id] = new Int32Array(buffer);
    this.data[id] = new DataView(buffer);
  }

  #growArrays(id: number): void {
    let size = this.writable.length * 2;
    while (size <= id) size *= 2;
    const grow = <T extends Uint8Array | Int32Array | Float64Array>(old: T, grown: T): T => {
      grown.set(old);
      return grown;
    };
    this.writable = grow(this.writable, new Uint8Array(size));
    this.filed = grow(this.filed, new Uint8Array(size));
    this.held = grow(this.held, new Uint8Array(size));
    this.alone = grow(this.alone, new Uint8Array(size));
    this.medium = grow(this.medium, new Uint8Array(size));
    this.usedUnits = grow(this.usedUnits, new Int32Array(size));
    this.deadUnits = grow(this.deadUnits, new Int32Array(size));
    this.births = grow(this.births, new Float64Array(size));
  }
}

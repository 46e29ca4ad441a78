/**
 * The log of records in memory: gives out room at a tail, takes back what is dead.
 *
 * Hot-path file: nothing here allocates, except when a segment is opened.
 *
 * Invariants
 *  - New writes and records that the cleaner keeps go to different tails, so that what is old stays together.
 *  - A record never crosses a segment; one larger than an eighth of an ordinary segment has a segment of its own, exactly as
 *    large as needed, so at most an eighth of a segment is left over at its end.
 *  - A segment whose last live record dies is free at once, unless it is a tail (then it is filled anew from its
 *    start) or held by the cleaner.
 */
import { assert } from "../../base/assert.ts";
import type { Hasher } from "../index/hash.ts";
import type { RecordHasher } from "../index/reshaper.ts";
import {
  checkRecord,
  keyLengthOf,
  keyStartOf,
  RECORD_UNIT_BYTES,
  SIZE_SHIFT,
  writeFiller,
} from "./record.ts";
import { SEGMENT_HEADER_UNITS, type SegmentTable } from "./segment-table.ts";

/** No segment has this id. */
export const SEGMENT_NONE = 0;

export class RecordLog implements RecordHasher {
  // `declare`: no initial undefined, so V8 learns what the fields hold and need not check it on each access.
  declare readonly segments: SegmentTable;
  declare private readonly hasher: Hasher;
  #ordinaryUnitsMax = 0;
  #tail = SEGMENT_NONE;
  #coldTail = SEGMENT_NONE;
  /** A segment that the cleaner walks: it is freed by the cleaner alone. */
  held = SEGMENT_NONE;
  /** Bytes of the held segment that the walk has passed: all of them dead by now. */
  passedBytes = 0;

  // Where `allocate` found room.
  segment = SEGMENT_NONE;
  unit = 0;

  constructor(segments: SegmentTable, hasher: Hasher) {
    this.segments = segments;
    this.hasher = hasher;
    this.#ordinaryUnitsMax = (segments.segmentBytes / RECORD_UNIT_BYTES) >>> 3;
  }

  /** Bytes written in segments and not yet passed by the cleaner. */
  get usedBytes(): number {
    return this.segments.usedUnitsTotal * RECORD_UNIT_BYTES - this.passedBytes;
  }

  get deadBytes(): number {
    return this.segments.deadUnitsTotal * RECORD_UNIT_BYTES;
  }

  get liveBytes(): number {
    const segments = this.segments;
    return (segments.usedUnitsTotal - segments.deadUnitsTotal - segments.count * SEGMENT_HEADER_UNITS) * 8;
  }

  isTail(segment: number): boolean {
    return segment === this.#tail || segment === this.#coldTail;
  }

  /** Room for a record of `units`; the answer is in `segment` and `unit`. The caller writes the record at once. */
  allocate(units: number): void {
    const segments = this.segments;
    let id = this.#tail;
    if (units > this.#ordinaryUnitsMax) {
      id = this.#openFor(units);
    } else if (id === SEGMENT_NONE || segments.usedUnits[id]! + units > segments.capacityUnits(id)) {
      id = this.#turnTail(false);
    }
    this.segment = id;
    this.unit = segments.usedUnits[id]!;
    segments.addUsed(id, units);
  }

  /** As `allocate`, for a record that has outlived its segment. */
  allocateCold(units: number): void {
    const segments = this.segments;
    let id = this.#coldTail;
    if (units > this.#ordinaryUnitsMax) {
      id = this.#openFor(units);
    } else if (id === SEGMENT_NONE || segments.usedUnits[id]! + units > segments.capacityUnits(id)) {
      id = this.#turnTail(true);
    }
    this.segment = id;
    this.unit = segments.usedUnits[id]!;
    segments.addUsed(id, units);
  }

  /** Counts the record at an address as dead; no slot points to it any more. May free its segment. */
  release(segment: number, unit: number): void {
    const segments = this.segments;
    segments.addDead(segment, segments.words[segment]![unit * 2]! >>> SIZE_SHIFT);
    if (segments.liveUnits(segment) === 0) this.#allDead(segment);
  }

  /** Cuts a writable record to `units` and makes the rest a filler. The caller writes the header anew. */
  cut(segment: number, unit: number, units: number): void {
    const segments = this.segments;
    const words = segments.words[segment]!;
    const rest = (words[unit * 2]! >>> SIZE_SHIFT) - units;
    assert(rest > 0 && segments.writable[segment] === 1, "only a writable record can be cut");
    writeFiller(words, (unit + units) * 2, rest);
    segments.addDead(segment, rest);
  }

  /**
   * Widens a writable record to `units` if fillers follow it, or the unused end of its segment. The caller writes
   * the header anew. False if there is no room.
   */
  widen(segment: number, unit: number, units: number): boolean {
    const segments = this.segments;
    const words = segments.words[segment]!;
    const used = segments.usedUnits[segment]!;
    let end = unit + (words[unit * 2]! >>> SIZE_SHIFT);
    const wanted = unit + units;
    let dead = 0;
    while (end < wanted && end < used && (words[end * 2]! & 1) !== 0) {
      const size = words[end * 2]! >>> SIZE_SHIFT;
      dead += size;
      end += size;
    }
    if (end < wanted) {
      if (end !== used || wanted > segments.capacityUnits(segment) || !this.isTail(segment)) return false;
      segments.addUsed(segment, wanted - end);
      end = wanted;
    }
    const rest = end - wanted;
    if (rest > 0) writeFiller(words, wanted * 2, rest);
    if (dead !== rest) segments.addDead(segment, rest - dead);
    return true;
  }

  /** Makes a tail an ordinary segment, so that it can be cleaned; what room was left in it is given up. */
  retireTail(segment: number): void {
    if (segment === this.#tail) this.#tail = SEGMENT_NONE;
    else if (segment === this.#coldTail) this.#coldTail = SEGMENT_NONE;
  }

  /** Closes both tails, so that all that was written is in segments that can be sealed. */
  closeTails(): void {
    const tails = [this.#tail, this.#coldTail];
    this.#tail = SEGMENT_NONE;
    this.#coldTail = SEGMENT_NONE;
    for (const id of tails)
      if (id !== SEGMENT_NONE && this.segments.liveUnits(id) === 0) this.segments.free(id);
  }

  /** Frees every segment; nothing may point to a record any more. */
  reset(): void {
    this.#tail = SEGMENT_NONE;
    this.#coldTail = SEGMENT_NONE;
    this.held = SEGMENT_NONE;
    this.passedBytes = 0;
    for (const id of this.segments.ids()) this.segments.free(id);
    this.segments.endAdopting(this.segments.nextBirth);
  }

  isInMemory(segment: number): boolean {
    return this.segments.isInMemory(segment);
  }

  hashRecord(segment: number, unit: number): void {
    const segments = this.segments;
    const words = segments.words[segment]!;
    checkRecord(words, unit, segments.usedUnits[segment]!);
    const start = keyStartOf(words, unit * 2);
    this.hasher.hash(segments.data[segment]!, unit * RECORD_UNIT_BYTES + start, keyLengthOf(words, unit * 2));
  }

  get high(): number {
    return this.hasher.high;
  }

  get low(): number {
    return this.hasher.low;
  }

  #openFor(units: number): number {
    return this.segments.open((SEGMENT_HEADER_UNITS + units) * RECORD_UNIT_BYTES);
  }

  #turnTail(cold: boolean): number {
    const full = cold ? this.#coldTail : this.#tail;
    const id = this.segments.open();
    if (cold) this.#coldTail = id;
    else this.#tail = id;
    if (full !== SEGMENT_NONE && this.segments.liveUnits(full) === 0) this.#allDead(full);
    return id;
  }

  #allDead(segment: number): void {
    if (segment === this.held) return;
    if (!this.isTail(segment)) this.segments.free(segment);
    else if (this.segments.writable[segment] === 1) this.segments.rewind(segment);
  }
}

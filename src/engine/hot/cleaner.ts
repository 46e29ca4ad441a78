/**
 * Takes memory back: walks a segment, copies its live records to the cold tail or drops them, frees the segment.
 *
 * Invariants
 *  - A record is live exactly if the slot of its key points at it; everything else in the segment is dead.
 *  - A victim is never a tail and is not writable while it is walked, so the walk can stop between any two
 *    records and go on later; copies keep header and version.
 *  - It runs between commands only: views and placements of the index do not survive a step.
 *
 * Victims are taken by their dead share: copying costs what is alive, and gains what is dead.
 */
import { assert } from "../../base/assert.ts";
import type { HashIndex } from "../index/hash-index.ts";
import type { UnpackedTable } from "../unpacked-table.ts";
import { checkRecord, isFiller, keyLengthOf, keyStartOf, keyspaceOf, sizeUnitsOf } from "./record.ts";
import { type RecordLog, SEGMENT_NONE } from "./record-log.ts";
import { MEDIUM_MEMORY, SEGMENT_HEADER_UNITS, WRITABLE } from "./segment-table.ts";

export const KEEP = 0;
export const DROP_EXPIRED = 1;
export const DROP_EVICTED = 2;

/** Decides over live records that the cleaner meets, and hears of those that are dropped. */
export interface CleaningJudge {
  /** KEEP, DROP_EXPIRED or DROP_EVICTED for the record at (words, word) of an internal keyspace. */
  judge(keyspace: number, words: Int32Array, word: number): number;
  /** The key was removed; its bytes are valid during the call. */
  dropped(verdict: number, keyspace: number, bytes: Uint8Array, offset: number, length: number): void;
}

export class Cleaner {
  readonly #log: RecordLog;
  readonly #index: HashIndex;
  readonly #unpacked: UnpackedTable;
  #victim = SEGMENT_NONE;
  #wasWritable = WRITABLE;
  #unit = 0;
  /** Since the start. */
  copiedBytes = 0;
  freedSegments = 0;

  constructor(log: RecordLog, index: HashIndex, unpacked: UnpackedTable) {
    this.#unpacked = unpacked;
    this.#log = log;
    this.#index = index;
  }

  get active(): boolean {
    return this.#victim !== SEGMENT_NONE;
  }

  /** The segment with the largest dead share of at least `shareMin`, or SEGMENT_NONE. Looks at every segment. */
  bestVictim(shareMin: number, tailsToo = false): number {
    const segments = this.#log.segments;
    let best = SEGMENT_NONE;
    let bestShare = shareMin;
    for (let id = 1; id <= segments.lastId; id++) {
      if (segments.deadUnits[id] === 0 || segments.medium[id] !== MEDIUM_MEMORY || this.isAlone(id)) continue;
      // Its memory would not come back before the capture lets it go.
      if (segments.held[id] === 1) continue;
      if (!tailsToo && this.#log.isTail(id)) continue;
      const share = this.deadShare(id);
      if (share < bestShare) continue;
      best = id;
      bestShare = share;
    }
    return best;
  }

  /**
   * The least filled of at least `countMin` segments that are closed with less than a quarter of an ordinary one in them,
   * as every checkpoint leaves one behind; SEGMENT_NONE if there are fewer.
   */
  underfilledVictim(countMin: number): number {
    const segments = this.#log.segments;
    const unitsMax = segments.segmentBytes / 8 / 4;
    let best = SEGMENT_NONE;
    let count = 0;
    for (let id = 1; id <= segments.lastId; id++) {
      if (segments.medium[id] !== MEDIUM_MEMORY || segments.filed[id] === 0 || segments.held[id] === 1)
        continue;
      if (this.isAlone(id) || segments.usedUnits[id]! >= unitsMax) continue;
      count++;
      if (best === SEGMENT_NONE || segments.usedUnits[id]! < segments.usedUnits[best]!) best = id;
    }
    return count < countMin ? SEGMENT_NONE : best;
  }

  deadShare(segment: number): number {
    const segments = this.#log.segments;
    return segments.deadUnits[segment]! / segments.usedUnits[segment]!;
  }

  /** True for a record with a segment of its own: there is nothing to gain from copying it. */
  isAlone(segment: number): boolean {
    const segments = this.#log.segments;
    return segments.alone[segment] === 1;
  }

  /** Starts to clean a segment; a tail is retired first. */
  begin(segment: number): void {
    assert(
      !this.active && this.#log.segments.medium[segment] === MEDIUM_MEMORY,
      "cleaning of a segment that cannot be cleaned",
    );
    this.#log.retireTail(segment);
    this.#victim = segment;
    this.#unit = SEGMENT_HEADER_UNITS;
    this.#wasWritable = this.#log.segments.writable[segment]!;
    this.#log.segments.seal(segment);
    this.#log.held = segment;
    this.#log.passedBytes = 0;
  }

  /** Walks up to `recordsMax` records of the victim; true when it is done and its memory is free. */
  step(recordsMax: number, judge: CleaningJudge): boolean {
    const log = this.#log;
    const victim = this.#victim;
    const words = log.segments.words[victim]!;
    const end = log.segments.usedUnits[victim]!;
    for (let i = 0; i < recordsMax && this.#unit < end; i++) {
      checkRecord(words, this.#unit, end);
      const size = sizeUnitsOf(words, this.#unit * 2);
      if (!isFiller(words, this.#unit * 2) && !this.#settle(victim, this.#unit, size, judge)) {
        this.#release();
        return true;
      }
      this.#unit += size;
      log.passedBytes += size * 8;
    }
    if (this.#unit < end) return false;
    const done = this.#victim;
    this.#release();
    log.segments.free(done);
    this.freedSegments++;
    return true;
  }

  /** Forgets the victim, because the whole log is about to be reset. */
  abandon(): void {
    if (this.active) this.#release();
  }

  /** Copies or drops one record if it is live. False if it is a segment's only record and stays where it is. */
  #settle(segment: number, unit: number, size: number, judge: CleaningJudge): boolean {
    const log = this.#log;
    const words = log.segments.words[segment]!;
    const keyspace = keyspaceOf(words, unit * 2);
    if (!this.#placeOn(segment, unit, keyspace)) return true;
    const verdict = judge.judge(keyspace, words, unit * 2);
    if (verdict === KEEP) {
      if (this.isAlone(segment)) return false;
      log.allocateCold(size);
      const target = log.segments.words[log.segment]!;
      target.set(words.subarray(unit * 2, (unit + size) * 2), log.unit * 2);
      this.#index.pointTo(log.segment, log.unit, this.#index.isVolatile);
      this.copiedBytes += size * 8;
      log.segments.addDead(segment, size);
      return true;
    }
    this.#unpacked.dropOf(log.segments.data[segment]!, words, unit * 2);
    this.#index.removeCurrent();
    log.segments.addDead(segment, size);
    const offset = unit * 8 + keyStartOf(words, unit * 2);
    judge.dropped(verdict, keyspace, log.segments.bytes[segment]!, offset, keyLengthOf(words, unit * 2));
    return true;
  }

  /** Places the index on the slot that points at a record; false if there is none: the record is dead. */
  #placeOn(segment: number, unit: number, keyspace: number): boolean {
    this.#log.hashRecord(segment, unit);
    const index = this.#index;
    if (!index.seek(keyspace, this.#log.high, this.#log.low)) return false;
    do {
      if (index.unit === unit && index.segment === segment) return true;
    } while (index.next());
    return false;
  }

  #release(): void {
    if (this.#wasWritable === WRITABLE) this.#log.segments.writable[this.#victim] = WRITABLE;
    this.#log.held = SEGMENT_NONE;
    this.#log.passedBytes = 0;
    this.#victim = SEGMENT_NONE;
  }
}

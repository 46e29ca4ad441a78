/**
 * Makes room by the eviction policy: picks segments, drops the records in them that the policy likes least,
 * and copies the others to the cold tail.
 *
 * Invariants: a key that is evicted is reported once, by its bytes, before its record's memory is used again;
 * `evict` removes no more keys than the bytes asked for need; under `noeviction` it only cleans.
 *
 * Redis frees one sampled key at a time. In a log the bytes of single keys come back only when their segment
 * is cleaned, so sampling decides a threshold instead (the score that one key in `samples` reaches), and a
 * segment that holds such keys is walked: what reaches the threshold goes, and each record passed is memory
 * regained. Where few keys have an expiry and only those may go, single keys are picked, and segments cleaned for them.
 */
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { AccessClock } from "../hot/access-clock.ts";
import { type Cleaner, type CleaningJudge, DROP_EVICTED, DROP_EXPIRED, KEEP } from "../hot/cleaner.ts";
import { expiryOf, keyLengthOf, keyStartOf } from "../hot/record.ts";
import { type RecordLog, SEGMENT_NONE } from "../hot/record-log.ts";
import type { HotKeyspace } from "../hot-keyspace.ts";
import type { HashIndex } from "../index/hash-index.ts";
import { placeOnRandomSlot, placeOnRandomVolatile } from "../index/hash-order.ts";
import { NO_EXPIRY } from "../keyspace.ts";
import type { UnpackedTable } from "../unpacked-table.ts";
import {
  type EvictionPolicy,
  isRandomPolicy,
  isVolatilePolicy,
  scoreOf,
  thresholdOf,
} from "./eviction-policy.ts";

/** Keys that decide a threshold and a victim. */
const SAMPLE_COUNT = 64;
/** Records walked between two looks at the clock. */
const STEP_RECORDS = 8;
/** Pieces of dropped structures freed between two looks at the clock. */
const STEP_PIECES = 64;
/** A segment with this much dead is cleaned without evicting anything. */
const DEAD_SHARE_FREE = 0.3;
/** With single keys picked: cleaning begins at this dead share. */
const DEAD_SHARE_PICKED = 0.04;
/** Dead share worth cleaning when nothing can be evicted. */
const DEAD_SHARE_LAST = 0.01;
/** Below this share of keys with an expiry, a volatile policy picks single keys. */
const VOLATILE_SHARE_MIN = 0.5;

export interface EvictorParts {
  readonly index: HashIndex;
  readonly log: RecordLog;
  readonly cleaner: Cleaner;
  readonly keyspace: HotKeyspace;
  readonly access: AccessClock;
  readonly clock: Clock;
  readonly random: Random;
  readonly unpacked: UnpackedTable;
  /** The engine's use of memory; what eviction has to bring down. */
  readonly usedBytes: () => number;
}

export class Evictor implements CleaningJudge {
  /** Redis's `maxmemory-samples`: more is nearer to the exact policy and costs more walking. */
  samples = 5;
  evictedKeys = 0;
  onEvicted: (db: number, bytes: Uint8Array, offset: number, length: number) => void = () => {};
  readonly #parts: EvictorParts;
  readonly #scores = new Float64Array(SAMPLE_COUNT);
  readonly #sampleSegments = new Int32Array(SAMPLE_COUNT);
  readonly #sampleScores = new Float64Array(SAMPLE_COUNT);
  /** The last `evict` stopped because there was nothing left to free. */
  exhausted = false;
  #policy: EvictionPolicy = "noeviction";
  #threshold = Number.POSITIVE_INFINITY;
  #target = 0;
  #evicting = false;

  constructor(parts: EvictorParts) {
    this.#parts = parts;
  }

  /**
   * Frees at least `bytesToFree` of the engine's memory within about `budgetMs`, evicting by the policy; answers
   * how many bytes the use went down. `exhausted` then says whether nothing more can be freed under this policy, as
   * opposed to the time being up.
   */
  evict(policy: EvictionPolicy, bytesToFree: number, budgetMs: number): number {
    const { cleaner, clock, keyspace, unpacked, usedBytes } = this.#parts;
    const start = usedBytes();
    const deadline = clock.monotonicMs() + budgetMs;
    if (policy !== this.#policy) this.#threshold = Number.POSITIVE_INFINITY;
    this.#policy = policy;
    this.#target = start - bytesToFree;
    this.#evicting = true;
    this.exhausted = false;
    while (usedBytes() > this.#target) {
      if (unpacked.pending > 0) unpacked.step(STEP_PIECES);
      else if (cleaner.active) cleaner.step(STEP_RECORDS, this);
      else if (!this.#nextVictim()) {
        this.exhausted = true;
        break;
      }
      if (clock.monotonicMs() >= deadline) break;
    }
    this.#evicting = false;
    keyspace.forget();
    return start - usedBytes();
  }

  judge(_keyspace: number, words: Int32Array, word: number): number {
    const { keyspace, access } = this.#parts;
    const expiryMs = expiryOf(words, word);
    if (expiryMs !== NO_EXPIRY && keyspace.expireOnAccess && keyspace.nowMs > expiryMs) return DROP_EXPIRED;
    if (!this.#evicting || this.#threshold === Number.POSITIVE_INFINITY) return KEEP;
    if (expiryMs === NO_EXPIRY && isVolatilePolicy(this.#policy)) return KEEP;
    if (this.#parts.usedBytes() <= this.#target) return KEEP;
    if (isRandomPolicy(this.#policy)) return this.#parts.random.uint32() % 2 === 0 ? DROP_EVICTED : KEEP;
    return scoreOf(this.#policy, access, words, word) >= this.#threshold ? DROP_EVICTED : KEEP;
  }

  dropped(verdict: number, keyspace: number, bytes: Uint8Array, offset: number, length: number): void {
    if (verdict === DROP_EXPIRED) {
      this.#parts.keyspace.reportExpired(keyspace, bytes, offset, length);
      return;
    }
    this.evictedKeys++;
    this.onEvicted(this.#parts.keyspace.logicalOf(keyspace), bytes, offset, length);
  }

  /** Begins with the next segment, or evicts one key; false if neither can free anything. */
  #nextVictim(): boolean {
    const policy = this.#policy;
    if (this.#begin(DEAD_SHARE_FREE)) return true;
    if (policy === "noeviction") return this.#begin(DEAD_SHARE_LAST);
    if (isVolatilePolicy(policy) && this.#volatileShare() < VOLATILE_SHARE_MIN) {
      return this.#begin(DEAD_SHARE_PICKED) || this.#evictOne() || this.#begin(DEAD_SHARE_LAST);
    }
    const sampled = this.#sample(SAMPLE_COUNT);
    if (sampled === 0) return this.#begin(DEAD_SHARE_LAST);
    this.#scores.set(this.#sampleScores);
    const threshold = isRandomPolicy(policy) ? 0 : thresholdOf(this.#scores, sampled, this.samples);
    this.#parts.cleaner.begin(this.#segmentOfColdest(sampled, threshold));
    this.#threshold = threshold;
    return true;
  }

  /** Begins to clean the segment with the largest dead share, evicting nothing; false if all are below the share. */
  #begin(shareMin: number): boolean {
    const { cleaner } = this.#parts;
    const victim = cleaner.bestVictim(shareMin, true);
    if (victim === SEGMENT_NONE) return false;
    this.#threshold = Number.POSITIVE_INFINITY;
    cleaner.begin(victim);
    return true;
  }

  #volatileShare(): number {
    const { keyspace } = this.#parts;
    let keys = 0;
    let volatiles = 0;
    for (let db = 0; db < keyspace.databases; db++) {
      keys += keyspace.size(db);
      volatiles += keyspace.volatileCount(db);
    }
    return keys === 0 ? 0 : volatiles / keys;
  }

  /** Takes the scores and segments of up to `count` random keys that the policy may evict; answers how many. */
  #sample(count: number): number {
    const { index, log, access, random } = this.#parts;
    let sampled = 0;
    for (; sampled < count; sampled++) {
      if (!this.#placeOnCandidate()) break;
      const segment = index.segment;
      this.#sampleSegments[sampled] = segment;
      this.#sampleScores[sampled] = isRandomPolicy(this.#policy)
        ? random.uint32()
        : scoreOf(this.#policy, access, log.segments.words[segment]!, index.unit * 2);
    }
    return sampled;
  }

  /** Places the index on a random key that the policy may evict, databases weighted by size. */
  #placeOnCandidate(): boolean {
    const { index, keyspace, random } = this.#parts;
    const volatileOnly = isVolatilePolicy(this.#policy);
    let total = 0;
    for (let db = 0; db < keyspace.databases; db++) {
      total += volatileOnly ? keyspace.volatileCount(db) : keyspace.size(db);
    }
    if (total === 0) return false;
    let left = random.below(total);
    let db = 0;
    for (; db < keyspace.databases - 1; db++) {
      left -= volatileOnly ? keyspace.volatileCount(db) : keyspace.size(db);
      if (left < 0) break;
    }
    const internal = keyspace.internalOf(db);
    return volatileOnly
      ? placeOnRandomVolatile(index, internal, random.uint32(), random.uint32())
      : placeOnRandomSlot(index, internal, random.uint32(), random.uint32());
  }

  /** Of the sampled keys that reach the threshold, the segment with most dead; a tail only if there is no other. */
  #segmentOfColdest(sampled: number, threshold: number): number {
    const { cleaner, log } = this.#parts;
    let best = SEGMENT_NONE;
    let bestGain = -2;
    for (let i = 0; i < sampled; i++) {
      if (this.#sampleScores[i]! < threshold) continue;
      const segment = this.#sampleSegments[i]!;
      const gain = cleaner.deadShare(segment) - (log.isTail(segment) ? 1 : 0);
      if (gain <= bestGain) continue;
      best = segment;
      bestGain = gain;
    }
    return best;
  }

  /** Evicts the best of `samples` random candidates; false if there is none. */
  #evictOne(): boolean {
    const { index, log, keyspace, access } = this.#parts;
    const policy = this.#policy;
    let segment = SEGMENT_NONE;
    let unit = 0;
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.samples && this.#placeOnCandidate(); i++) {
      const words = log.segments.words[index.segment]!;
      const score = isRandomPolicy(policy) ? i : scoreOf(policy, access, words, index.unit * 2);
      if (score <= best) continue;
      best = score;
      segment = index.segment;
      unit = index.unit;
    }
    if (segment === SEGMENT_NONE) return false;
    const words = log.segments.words[segment]!;
    const bytes = log.segments.bytes[segment]!;
    const offset = unit * 8 + keyStartOf(words, unit * 2);
    const length = keyLengthOf(words, unit * 2);
    const internal = keyspace.discard(segment, unit);
    this.evictedKeys++;
    this.onEvicted(keyspace.logicalOf(internal), bytes, offset, length);
    return true;
  }
}

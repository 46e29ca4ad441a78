/**
 * How long a command's executions took: counts in log-linear buckets.
 *
 * Invariants: a bucket covers at most 1/16 of its lower bound, so a percentile is off by 6 % or less; a value
 * is in exactly one bucket; values from 2^40 ns (18 minutes) are counted in the last.
 *
 * Hot-path file: `record` allocates nothing after a command's first value and costs a few ns (bench/micro/command-table). Buckets in a typed
 * array and not Redis's HDR histogram: the same answers at a fifth of the memory, and nothing on the heap to collect.
 */
const SUB_BITS = 4;
const SUB_BUCKETS = 1 << SUB_BITS;
const VALUE_BITS = 40;
const BUCKETS = (VALUE_BITS - SUB_BITS + 1) * SUB_BUCKETS;

const NO_COUNTS = new Float64Array(0);

export class LatencyHistogram {
  /** Made by the first value: most commands of the table are never called. */
  #counts: Float64Array = NO_COUNTS;
  #total = 0;

  get count(): number {
    return this.#total;
  }

  /**
   * Counts the value `times` times (a sampler that looks at one execution in n says n). It may have a
   * fraction; what is below 0 counts as 0.
   */
  record(nanoseconds: number, times: number): void {
    if (this.#counts.length === 0) this.#counts = new Float64Array(BUCKETS);
    this.#counts[bucketOf(nanoseconds)]! += times;
    this.#total += times;
  }

  /** The value in nanoseconds below or at which `percent` of the recorded values lie (upper end of a bucket); 0 if empty. */
  percentileNs(percent: number): number {
    if (this.#total === 0) return 0;
    const wanted = Math.max(1, Math.round((percent / 100) * this.#total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted) return upperNs(bucket);
    }
    return upperNs(BUCKETS - 1);
  }

  /**
   * Calls `visit` with (upper bound in microseconds, values up to it) for each power of two from 1,024 ns up at
   * which the cumulative count grows: the buckets of LATENCY HISTOGRAM. Redis prints the upper end of its own
   * bucket around the power (33 for 32,768 ns), and clients know those numbers, so they are printed here too.
   */
  cumulative(visit: (microseconds: number, count: number) => void): void {
    let seen = 0;
    let reported = 0;
    let bucket = 0;
    for (let bound = 1024; reported < this.#total; bound *= 2) {
      while (bucket < BUCKETS && upperNs(bucket) < bound) seen += this.#counts[bucket++]!;
      if (bucket === BUCKETS) seen = this.#total;
      if (seen > reported) visit(Math.floor((bound + bound / 128 - 1) / 1000), seen);
      reported = seen;
    }
  }

  reset(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }
}

function bucketOf(nanoseconds: number): number {
  if (!(nanoseconds >= SUB_BUCKETS)) return nanoseconds > 0 ? nanoseconds | 0 : 0;
  if (nanoseconds < 0x4000_0000) {
    const value = nanoseconds | 0;
    const shift = 31 - SUB_BITS - Math.clz32(value);
    return (shift << SUB_BITS) + (value >>> shift);
  }
  if (nanoseconds >= 2 ** VALUE_BITS) return BUCKETS - 1;
  // Past 30 bits: the same on the upper part of the number.
  const value = Math.floor(nanoseconds / 0x10000);
  const shift = 31 - SUB_BITS - Math.clz32(value);
  return ((shift + 16) << SUB_BITS) + (value >>> shift);
}

/** The largest whole number of nanoseconds that falls into the bucket. */
function upperNs(bucket: number): number {
  if (bucket < 2 * SUB_BUCKETS) return bucket;
  const shift = (bucket >> SUB_BITS) - 1;
  const mantissa = bucket - (shift << SUB_BITS);
  return (mantissa + 1) * 2 ** shift - 1;
}

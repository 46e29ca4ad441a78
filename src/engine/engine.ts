/**
 * The engine: keyspace, index, record log and the work that keeps them small, behind one face.
 *
 * Invariants
 *  - `keyspace` is used by commands; everything else here is called between commands, on the same thread, and leaves no view
 *    valid.
 *  - `maintain`, `expireSlice`, `evict` and `reclaim` work in slices of the budget given (they may pass it by one
 *    sub-table or a few records); nothing here starts by itself, keeps timers or does input or output.
 *  - `usedBytes` counts index and written log bytes, live or dead, exactly; free memory kept for reuse is not in
 *    it (`memory().logPooledBytes`, `releasePooled`).
 */
import { assert } from "../base/assert.ts";
import { type Buffers, heapBuffers } from "../ports/buffers.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import { PieceHeap } from "../value/heap/piece-heap.ts";
import type { EngineCapture, EngineLoader } from "./capture/capture-face.ts";
import { OpenCapture } from "./capture/open-capture.ts";
import { OpenLoader } from "./capture/open-loader.ts";
import { type EvictionPolicy, isLfuPolicy } from "./eviction/eviction-policy.ts";
import { Evictor } from "./eviction/evictor.ts";
import { ExpiryCycle } from "./expiry-cycle.ts";
import { FieldExpiry, type FieldExpiryListener } from "./field-expiry.ts";
import { AccessClock } from "./hot/access-clock.ts";
import { Cleaner } from "./hot/cleaner.ts";
import { Flusher } from "./hot/flusher.ts";
import { KEYSPACES_MAX } from "./hot/record.ts";
import { RecordLog, SEGMENT_NONE } from "./hot/record-log.ts";
import { SEGMENT_BYTES_MAX, SegmentTable } from "./hot/segment-table.ts";
import { HotKeyspace } from "./hot-keyspace.ts";
import { type Hasher, SipHasher } from "./index/hash.ts";
import { HashIndex } from "./index/hash-index.ts";
import { SubTables, type SubTableView } from "./index/sub-tables.ts";
import type { KeyPrefetch, Keyspace } from "./keyspace.ts";
import { UnpackedTable } from "./unpacked-table.ts";
import { verifyEngine } from "./verify.ts";

export type { EvictionPolicy } from "./eviction/eviction-policy.ts";

export interface EngineOptions {
  /** Logical databases, 1 to 1,024. */
  readonly databases: number;
  /** 64 random bits as two numbers; the same for one data set for ever. */
  readonly hashSeed: readonly [number, number];
  readonly clock: Clock;
  readonly random: Random;
  /** Size of a log segment; by default what `segmentBytesFor` answers. */
  readonly segmentBytes?: number;
  /** The user's cap, if any: only sizes segments. Eviction is asked for by `evict`. */
  readonly maxMemoryBytes?: number;
  /** Where the memory of index and log comes from; by default the JavaScript engine. */
  readonly buffers?: Buffers;
  /** Another hash function, for tests that need collisions. */
  readonly hasher?: Hasher;
}

/** All in bytes. */
export interface EngineMemory {
  readonly usedBytes: number;
  /** Units, rows and directories in use. */
  readonly indexBytes: number;
  readonly indexUnitBytes: number;
  readonly indexRowBytes: number;
  readonly indexDirectoryBytes: number;
  /** Units kept for reuse. */
  readonly indexFreeBytes: number;
  /** Memory of all segments, written or not. */
  readonly logAllocatedBytes: number;
  readonly logUsedBytes: number;
  readonly logLiveBytes: number;
  readonly logDeadBytes: number;
  /** Structures of unpacked collections: what they use, and what is reserved for them. */
  readonly heapUsedBytes: number;
  readonly heapReservedBytes: number;
  /** Structures in use, and those whose memory has yet to be freed. */
  readonly structures: number;
  readonly structuresPending: number;
  /** Segments kept for reuse. */
  readonly logPooledBytes: number;
  /** What only an open capture still needs, structures apart. */
  readonly capturedBytes: number;
  readonly segments: number;
}

const SEGMENT_BYTES_MIN = 256 * 1024;
/** Free segments kept for reuse. */
const POOLED_SEGMENTS_MAX = 2;
/** The log is cleaned when this share of it is dead, and at least so many segments' worth. */
const DEAD_SHARE_MAX = 0.2;
/** The same where checkpoints have sealed segments: what is overwritten there is dead, and must not add up. */
const DEAD_SHARE_MAX_SEALED = 0.1;
/** So many segments that checkpoints closed early are merged. */
const UNDERFILLED_MAX = 4;
const DEAD_SEGMENTS_MIN = 2;
/** Records or sub-tables handled between two looks at the clock. */
const CLEAN_RECORDS = 32;
/** Pieces of dropped structures freed between two looks at the clock. */
const RELEASE_PIECES = 64;

/** Segments of 8 MiB, or smaller ones where the cap is small, so that one is at most about a sixty-fourth of it. */
export function segmentBytesFor(maxMemoryBytes: number): number {
  if (maxMemoryBytes <= 0) return SEGMENT_BYTES_MAX;
  let bytes = SEGMENT_BYTES_MAX;
  while (bytes > SEGMENT_BYTES_MIN && bytes > maxMemoryBytes / 64) bytes /= 2;
  return bytes;
}

export class Engine {
  readonly keyspace: Keyspace;
  readonly prefetch: KeyPrefetch;
  /** True while every record is in memory: lookups never have to wait. */
  readonly everythingInMemory = true;
  /** Where the structures of unpacked collections live. */
  readonly heap: PieceHeap;
  /** The data set's seeded hash. */
  readonly hasher: Hasher;
  readonly random: Random;
  readonly #unpacked: UnpackedTable;
  readonly #hot: HotKeyspace;
  readonly #tables: SubTables;
  readonly #log: RecordLog;
  readonly #cleaner: Cleaner;
  readonly #flusher: Flusher;
  readonly #evictor: Evictor;
  readonly #expiry: ExpiryCycle;
  readonly #fieldExpiry: FieldExpiry;
  readonly #access: AccessClock;
  readonly #clock: Clock;
  readonly #buffers: Buffers;
  #capture: OpenCapture | undefined;

  constructor(options: EngineOptions) {
    assert(options.databases >= 1 && options.databases <= KEYSPACES_MAX, "number of databases out of range");
    const { clock, random } = options;
    const segmentBytes = options.segmentBytes ?? segmentBytesFor(options.maxMemoryBytes ?? 0);
    const hasher = options.hasher ?? new SipHasher(options.hashSeed[0], options.hashSeed[1]);
    const buffers = options.buffers ?? heapBuffers;
    const log = new RecordLog(new SegmentTable(segmentBytes, POOLED_SEGMENTS_MAX, buffers), hasher);
    const tables = new SubTables(options.databases, buffers);
    const index = new HashIndex(tables, log);
    const unpacked = new UnpackedTable();
    this.#unpacked = unpacked;
    this.#buffers = buffers;
    this.hasher = hasher;
    this.random = random;
    this.heap = new PieceHeap({
      newSlab: (bytes, bySteps) => buffers.allocate(bytes, bySteps),
      slabIsFull: (slab) => buffers.filled(slab),
      releaseSlab: (slab) => buffers.release(slab),
    });
    const cleaner = new Cleaner(log, index, unpacked);
    const flusher = new Flusher(tables, log, cleaner);
    const access = new AccessClock(random);
    const hot = new HotKeyspace({
      databases: options.databases,
      hasher,
      index,
      log,
      access,
      flusher,
      random,
      unpacked,
    });
    this.#clock = clock;
    this.#tables = tables;
    this.#log = log;
    this.#cleaner = cleaner;
    this.#flusher = flusher;
    this.#access = access;
    this.#hot = hot;
    this.keyspace = hot;
    this.prefetch = hot;
    this.#expiry = new ExpiryCycle(index, log, hot, clock, unpacked);
    this.#fieldExpiry = new FieldExpiry(unpacked, hot, clock);
    const usedBytes = (): number => this.usedBytes;
    this.#evictor = new Evictor({
      index,
      log,
      cleaner,
      keyspace: hot,
      access,
      clock,
      random,
      unpacked,
      usedBytes,
    });
  }

  /** Called with each evicted key; the range is valid during the call, which must not use the keyspace. */
  get onEvicted(): (db: number, bytes: Uint8Array, offset: number, length: number) => void {
    return this.#evictor.onEvicted;
  }

  set onEvicted(listener: (db: number, bytes: Uint8Array, offset: number, length: number) => void) {
    this.#evictor.onEvicted = listener;
  }

  /** Cheap: a few additions. */
  get usedBytes(): number {
    return this.#tables.usedBytes + this.#log.usedBytes + this.heap.usedBytes;
  }

  get evictedKeys(): number {
    return this.#evictor.evictedKeys;
  }

  /** What the access clocks record, and how: follows `maxmemory-policy` and its `lfu-*` and `maxmemory-samples` settings. */
  setAccessPolicy(settings: {
    readonly policy: EvictionPolicy;
    readonly samples?: number;
    readonly lfuLogFactor?: number;
    readonly lfuDecayMinutes?: number;
  }): void {
    this.#access.lfu = isLfuPolicy(settings.policy);
    if (settings.samples !== undefined) this.#evictor.samples = settings.samples;
    if (settings.lfuLogFactor !== undefined) this.#access.lfuLogFactor = settings.lfuLogFactor;
    if (settings.lfuDecayMinutes !== undefined) this.#access.lfuDecayMinutes = settings.lfuDecayMinutes;
  }

  /** Frees what flushes left behind and cleans the log where much of it is dead; true if there is more to do. */
  maintain(budgetMs: number): boolean {
    const deadline = this.#clock.monotonicMs() + budgetMs;
    this.#hot.forget();
    this.#log.segments.releaseRetired();
    this.#tables.units.releaseRetired();
    do {
      if (this.#unpacked.pending > 0) this.#unpacked.step(RELEASE_PIECES);
      else if (this.#flusher.pending) this.#flusher.step(1);
      else if (this.#cleaner.active) this.#cleaner.step(CLEAN_RECORDS, this.#evictor);
      else if (!this.#beginCleaning()) return false;
    } while (this.#clock.monotonicMs() < deadline);
    return true;
  }

  /** Told of fields of hashes that go because their time is over. */
  set fieldExpiryListener(listener: FieldExpiryListener) {
    this.#fieldExpiry.listener = listener;
  }

  /** Removes expired keys and fields by the wall clock, each for at most about half of `budgetMs`; answers how many keys. */
  expireSlice(budgetMs: number): number {
    this.#hot.nowMs = this.#clock.wallMs();
    const deadline = this.#clock.monotonicMs() + budgetMs;
    this.#fieldExpiry.run(budgetMs / 2);
    return this.#expiry.run(deadline - this.#clock.monotonicMs());
  }

  /** Frees at least `bytesToFree`, deleting keys by the policy; answers by how much `usedBytes` fell; see `evictionExhausted`. */
  evict(policy: EvictionPolicy, bytesToFree: number, budgetMs: number): number {
    return this.#evictor.evict(policy, bytesToFree, budgetMs);
  }

  /** True if the last `evict` or `reclaim` ended because nothing more could be freed, not because its time was up. */
  get evictionExhausted(): boolean {
    return this.#evictor.exhausted;
  }

  /** As `evict`, without deleting anything: only dead bytes come back. */
  reclaim(bytesToFree: number, budgetMs: number): number {
    return this.#evictor.evict("noeviction", bytesToFree, budgetMs);
  }

  memory(): EngineMemory {
    const tables = this.#tables;
    const segments = this.#log.segments;
    return {
      usedBytes: this.usedBytes,
      indexBytes: tables.usedBytes,
      indexUnitBytes: tables.units.usedBytes,
      indexRowBytes: tables.rowBytes,
      indexDirectoryBytes: tables.directoryBytes,
      indexFreeBytes: tables.units.freeBytes,
      logAllocatedBytes: segments.allocatedBytes,
      logUsedBytes: this.#log.usedBytes,
      logLiveBytes: this.#log.liveBytes,
      logDeadBytes: this.#log.deadBytes,
      heapUsedBytes: this.heap.usedBytes,
      heapReservedBytes: this.heap.reservedBytes,
      structures: this.#unpacked.count,
      structuresPending: this.#unpacked.pending,
      logPooledBytes: segments.pooledBytes,
      capturedBytes: this.#capture?.retainedBytes ?? 0,
      segments: segments.count,
    };
  }

  /** Gives up the free segments kept for reuse. */
  releasePooled(): void {
    this.#log.segments.releasePooled();
    this.#log.segments.releaseRetired();
  }

  /** True while something has to be finished by `maintain` before a capture can begin. */
  get captureIsBlocked(): boolean {
    return this.#flusher.pending || this.#cleaner.active;
  }

  /**
   * Begins to capture everything as it is now. `file` is the checkpoint's id; structures in the values files of `rewrite` are to
   * be written again; with "all" the capture hands over every structure and every segment, whatever files there are. One capture at a time; it ends by its `complete` or `abandon`.
   */
  beginCapture(file: number, rewrite: ReadonlySet<number> | "all" = new Set()): EngineCapture {
    assert(this.#capture === undefined, "one capture at a time");
    // Dead bytes of segments are right only then; who reads all keys does not ask for them.
    assert(
      rewrite === "all" || !this.captureIsBlocked,
      "a capture begins when flushes and cleaning have come to their end",
    );
    this.#hot.forget();
    this.#capture = new OpenCapture({
      tables: this.#tables,
      log: this.#log,
      unpacked: this.#unpacked,
      buffers: this.#buffers,
      keyspaces: this.#hot.keyspaces,
      file,
      rewrite,
      ended: () => {
        this.#capture = undefined;
      },
    });
    this.#flusher.markDetached();
    return this.#capture;
  }

  get isCapturing(): boolean {
    return this.#capture !== undefined;
  }

  /** Births of the segments whose files must stay: they are in use, and not written again. */
  *filedSegments(): Generator<number> {
    const { segments } = this.#log;
    for (const id of segments.ids()) if (segments.filed[id] === 1) yield segments.births[id]!;
  }

  /** For an engine that holds nothing yet. */
  beginLoading(): EngineLoader {
    assert(this.#log.segments.count === 0, "only an empty engine is loaded into");
    return new OpenLoader({
      tables: this.#tables,
      log: this.#log,
      unpacked: this.#unpacked,
      mapDatabases: (keyspaces) => this.#hot.mapDatabases(keyspaces),
    });
  }

  /** Empties the engine at once, whatever state a failed attempt at loading left it in. */
  clear(): void {
    assert(this.#capture === undefined, "an engine that is being captured is not emptied");
    this.#hot.forget();
    this.#cleaner.abandon();
    this.#flusher.reset();
    this.#unpacked.clear();
    this.#hot.mapDatabases(Int32Array.from({ length: this.keyspace.databases }, (_, db) => db));
  }

  /** Files of segments with births below `next` may be there: no new segment takes such a birth. Before any is opened. */
  skipBirths(next: number): void {
    this.#log.segments.skipBirths(next);
  }

  /** Memory for a segment that is about to be loaded. */
  allocateSegment(bytes: number): ArrayBuffer {
    return this.#buffers.allocate(bytes);
  }

  /** Ids of the segments that hold records. */
  segmentIds(): Generator<number> {
    return this.#log.segments.ids();
  }

  /** Visits the records of a segment in order, fillers included; offset and size are in 8-byte units. */
  forEachRecord(segment: number, visit: (unit: number, sizeUnits: number) => void): void {
    this.#log.segments.forEachRecord(segment, visit);
  }

  /** The sub-tables of every keyspace, in hash order; do not change the keyspace while walking. */
  subTables(): Generator<SubTableView> {
    return this.#tables.views();
  }

  /** Recounts everything that is counted and asserts that it agrees. Reads every record: for tests and DEBUG. */
  verify(): void {
    this.#hot.forget();
    assert(!this.#flusher.pending, "verify needs `maintain` to have finished");
    verifyEngine(this.#tables, this.#log, this.#unpacked);
  }

  #beginCleaning(): boolean {
    const victim = this.#deadVictim();
    const next = victim === SEGMENT_NONE ? this.#cleaner.underfilledVictim(UNDERFILLED_MAX) : victim;
    if (next === SEGMENT_NONE) return false;
    this.#cleaner.begin(next);
    return true;
  }

  #deadVictim(): number {
    const log = this.#log;
    const { deadBytes, segments } = log;
    const shareMax = segments.filedCount > 0 ? DEAD_SHARE_MAX_SEALED : DEAD_SHARE_MAX;
    if (deadBytes < DEAD_SEGMENTS_MIN * segments.segmentBytes || deadBytes < shareMax * log.usedBytes)
      return SEGMENT_NONE;
    return this.#cleaner.bestVictim(shareMax);
  }
}

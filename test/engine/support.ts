/**
 * What the engine's tests share: a clock that stands still, seeded randomness, a hash with few values, and
 * keyspace calls that take strings.
 */
import { epochMs, monotonicMs } from "../../src/base/ids.ts";
import { Engine, type EngineOptions } from "../../src/engine/engine.ts";
import { type Hasher, SipHasher } from "../../src/engine/index/hash.ts";
import { type Keyspace, NO_EXPIRY, TYPE_STRING } from "../../src/engine/keyspace.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Random } from "../../src/ports/random.ts";

/** Wall time is set by the test; the monotonic clock gains `stepMs` with every look, so budgets run out. */
export class TestClock implements Clock {
  now = 1_700_000_000_000;
  stepMs = 0.001;
  #monotonic = 0;

  wallMs(): ReturnType<Clock["wallMs"]> {
    return epochMs(this.now);
  }
  monotonicMs(): ReturnType<Clock["monotonicMs"]> {
    this.#monotonic += this.stepMs;
    return monotonicMs(this.#monotonic);
  }
  after(): never {
    throw new Error("the engine keeps no timers");
  }
  soon(): never {
    throw new Error("the engine schedules nothing");
  }
}

/** xorshift32; good enough to choose keys. */
export class SeededRandom implements Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  }
  uint32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }
  below(bound: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * bound);
  }
  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.uint32() & 255;
  }
}

/** SipHash with most bits cleared, so that different keys share tags and whole hashes. */
export class TinyHasher implements Hasher {
  high = 0;
  low = 0;
  readonly #sip = new SipHasher(1, 2);
  readonly #highMask: number;
  readonly #lowMask: number;
  constructor(highMask: number, lowMask: number) {
    this.#highMask = highMask;
    this.#lowMask = lowMask;
  }
  hash(data: DataView, offset: number, length: number): void {
    this.#sip.hash(data, offset, length);
    this.high = this.#sip.high & this.#highMask;
    this.low = this.#sip.low & this.#lowMask;
  }
}

export interface Rig {
  readonly engine: Engine;
  readonly keyspace: Keyspace;
  readonly clock: TestClock;
  readonly random: SeededRandom;
}

export function rig(options: Partial<EngineOptions> & { seed?: number } = {}): Rig {
  const clock = new TestClock();
  const random = new SeededRandom(options.seed ?? 1);
  const engine = new Engine({
    databases: 4,
    hashSeed: [11, 22],
    clock,
    random,
    segmentBytes: 4096,
    ...options,
  });
  engine.keyspace.nowMs = clock.now;
  return { engine, keyspace: engine.keyspace, clock, random };
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");

export function put(
  keyspace: Keyspace,
  db: number,
  key: string,
  value: string,
  expiryMs: number = NO_EXPIRY,
): void {
  const k = bytesOf(key);
  const v = bytesOf(value);
  keyspace.put(db, k, 0, k.length, TYPE_STRING, 0, v, 0, v.length, expiryMs);
}

export function get(keyspace: Keyspace, db: number, key: string): string | undefined {
  const k = bytesOf(key);
  return keyspace.findForRead(db, k, 0, k.length) ? viewedValue(keyspace) : undefined;
}

export function peek(keyspace: Keyspace, db: number, key: string): boolean {
  const k = bytesOf(key);
  return keyspace.peek(db, k, 0, k.length);
}

export function findForWrite(keyspace: Keyspace, db: number, key: string): boolean {
  const k = bytesOf(key);
  return keyspace.findForWrite(db, k, 0, k.length);
}

export function remove(keyspace: Keyspace, db: number, key: string): boolean {
  const k = bytesOf(key);
  return keyspace.remove(db, k, 0, k.length);
}

export function setExpiry(keyspace: Keyspace, db: number, key: string, expiryMs: number): boolean {
  const k = bytesOf(key);
  return keyspace.setExpiry(db, k, 0, k.length, expiryMs);
}

export function resize(
  keyspace: Keyspace,
  db: number,
  key: string,
  length: number,
  expiryMs: number,
  grow: boolean,
): void {
  const k = bytesOf(key);
  keyspace.resize(db, k, 0, k.length, TYPE_STRING, 1, length, expiryMs, grow);
}

export function move(keyspace: Keyspace, fromDb: number, from: string, toDb: number, to: string): boolean {
  const f = bytesOf(from);
  const t = bytesOf(to);
  return keyspace.move(fromDb, f, 0, f.length, toDb, t, 0, t.length);
}

export function viewedValue(keyspace: Keyspace): string {
  const { valueBytes, valueOffset, valueLength } = keyspace;
  return Buffer.from(valueBytes.buffer, valueBytes.byteOffset + valueOffset, valueLength).toString("latin1");
}

export function viewedKey(keyspace: Keyspace): string {
  const { keyBytes, keyOffset, keyLength } = keyspace;
  return Buffer.from(keyBytes.buffer, keyBytes.byteOffset + keyOffset, keyLength).toString("latin1");
}

/** Runs maintenance until there is nothing left to do. */
export function settle(engine: Engine): void {
  for (let i = 0; i < 100_000 && engine.maintain(1); i++);
}

/** All keys of a database, by a full scan. */
export function allKeys(keyspace: Keyspace, db: number, count = 10): string[] {
  const keys: string[] = [];
  let cursor = 0;
  do {
    cursor = keyspace.scan(db, cursor, count, () => keys.push(viewedKey(keyspace)));
  } while (cursor !== 0);
  return keys;
}

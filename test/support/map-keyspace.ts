/**
 * The Keyspace as a plain Map: the model that commands are tested on and that the engine is compared with.
 *
 * Stricter than any engine need be: what a lookup answered is moved and overwritten at the next call, ranges
 * never begin at offset 0, and a value range taken from the view is refused. A body that keeps a view too long
 * reads garbage here, always.
 */
import { assert } from "../../src/base/assert.ts";
import { type Keyspace, NO_EXPIRY } from "../../src/engine/keyspace.ts";

interface Entry {
  type: number;
  encoding: number;
  expiryMs: number;
  version: number;
  accessedMs: number;
  frequency: number;
  value: Uint8Array;
}

const PADDING = 3;
const POISON = 0xdd;

const toName = (bytes: Uint8Array, offset: number, length: number): string =>
  Buffer.from(bytes.slice(offset, offset + length)).toString("latin1");

export class MapKeyspace implements Keyspace {
  readonly databases: number;
  nowMs = 0;
  lsn = 1;
  expireOnAccess = true;
  onExpired: (db: number, bytes: Uint8Array, offset: number, length: number) => void = () => {};
  hits = 0;
  misses = 0;
  expiredKeys = 0;

  type = 0;
  encoding = 0;
  expiryMs = NO_EXPIRY;
  version = 0;
  keyBytes = new Uint8Array(0);
  readonly keyOffset = PADDING;
  keyLength = 0;
  valueBytes = new Uint8Array(0);
  get valueData(): DataView {
    return new DataView(this.valueBytes.buffer, this.valueBytes.byteOffset, this.valueBytes.byteLength);
  }
  readonly valueOffset = PADDING;
  valueLength = 0;
  idleSeconds = 0;
  accessFrequency = 0;
  /** Collections are tested on the engine. */
  readonly unpacked = undefined;

  readonly #maps: Map<string, Entry>[];
  readonly #below: (bound: number) => number;
  /** The entry whose value the view shows; its bytes are taken back at the next call. */
  #shown: Entry | undefined;

  putUnpacked(): never {
    throw new Error("this keyspace holds no unpacked collections");
  }
  touch(): void {}
  touchAs(): void {}

  constructor(databases = 16, below: (bound: number) => number = () => 0) {
    this.databases = databases;
    this.#below = below;
    this.#maps = Array.from({ length: databases }, () => new Map<string, Entry>());
  }

  findForRead(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const found = this.findForWrite(db, bytes, offset, length);
    if (found) this.hits++;
    else this.misses++;
    return found;
  }

  findForWrite(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    if (!this.peek(db, bytes, offset, length)) return false;
    this.#shown!.accessedMs = this.nowMs;
    this.#shown!.frequency = Math.min(255, this.#shown!.frequency + 1);
    return true;
  }

  peek(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const name = toName(bytes, offset, length);
    const entry = this.#live(db, name);
    if (entry === undefined) return false;
    this.#show(name, entry);
    return true;
  }

  put(
    db: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    type: number,
    encoding: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiryMs: number,
  ): void {
    assert(valueBytes !== this.valueBytes, "put was given a range of the view");
    const value = valueBytes.slice(valueOffset, valueOffset + valueLength);
    this.#store(db, toName(keyBytes, keyOffset, keyLength), type, encoding, value, expiryMs);
  }

  resize(
    db: number,
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    type: number,
    encoding: number,
    valueLength: number,
    expiryMs: number,
    _grow: boolean,
  ): void {
    const name = toName(keyBytes, keyOffset, keyLength);
    const before = this.#live(db, name)?.value ?? new Uint8Array(0);
    const value = new Uint8Array(valueLength);
    value.set(before.subarray(0, valueLength));
    this.#store(db, name, type, encoding, value, expiryMs);
  }

  #store(
    db: number,
    name: string,
    type: number,
    encoding: number,
    value: Uint8Array,
    expiryMs: number,
  ): void {
    assert(expiryMs === NO_EXPIRY || (Number.isSafeInteger(expiryMs) && expiryMs >= 0), `expiry ${expiryMs}`);
    this.#release();
    const entry = {
      type,
      encoding,
      expiryMs,
      version: this.lsn,
      accessedMs: this.nowMs,
      frequency: 5,
      value,
    };
    this.#map(db).set(name, entry);
    this.#show(name, entry);
  }

  setExpiry(db: number, bytes: Uint8Array, offset: number, length: number, expiryMs: number): boolean {
    assert(expiryMs === NO_EXPIRY || (Number.isSafeInteger(expiryMs) && expiryMs >= 0), `expiry ${expiryMs}`);
    if (!this.peek(db, bytes, offset, length)) return false;
    const entry = this.#shown!;
    entry.expiryMs = expiryMs;
    entry.version = this.lsn;
    this.#show(toName(bytes, offset, length), entry);
    return true;
  }

  remove(db: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const name = toName(bytes, offset, length);
    return this.#live(db, name) !== undefined && this.#map(db).delete(name);
  }

  move(
    fromDb: number,
    fromBytes: Uint8Array,
    fromOffset: number,
    fromLength: number,
    toDb: number,
    toBytes: Uint8Array,
    toOffset: number,
    toLength: number,
  ): boolean {
    assert(fromBytes !== this.keyBytes && toBytes !== this.keyBytes, "move was given a range of the view");
    const from = toName(fromBytes, fromOffset, fromLength);
    const entry = this.#live(fromDb, from);
    if (entry === undefined) return false;
    this.#map(fromDb).delete(from);
    entry.version = this.lsn;
    this.#map(toDb).set(toName(toBytes, toOffset, toLength), entry);
    return true;
  }

  size(db: number): number {
    return this.#map(db).size;
  }

  volatileCount(db: number): number {
    return [...this.#map(db).values()].filter((entry) => entry.expiryMs !== NO_EXPIRY).length;
  }

  averageTtlMs(db: number): number {
    const expiries = [...this.#map(db).values()].map((entry) => entry.expiryMs).filter((ms) => ms >= 0);
    if (expiries.length === 0) return 0;
    return expiries.reduce((sum, ms) => sum + Math.max(0, ms - this.nowMs), 0) / expiries.length;
  }

  flush(db: number): void {
    this.#release();
    this.#map(db).clear();
  }

  swap(a: number, b: number): void {
    this.#release();
    const first = this.#map(a);
    this.#maps[a] = this.#map(b);
    this.#maps[b] = first;
  }

  scan(db: number, cursor: number, count: number, visit: () => void): number {
    this.#release();
    const names = [...this.#map(db).keys()]
      .map((name) => ({ name, hash: hashName(name) }))
      .filter(({ hash }) => hash >= cursor)
      .sort((a, b) => a.hash - b.hash || (a.name < b.name ? -1 : 1));
    let visited = 0;
    for (let i = 0; i < names.length; i++) {
      const { name, hash } = names[i]!;
      if (visited >= count && hash !== names[i - 1]!.hash) return hash;
      visited++;
      const entry = this.#map(db).get(name);
      assert(entry !== undefined, "visit changed the keyspace");
      if (this.#isExpired(entry)) continue;
      this.#show(name, entry);
      visit();
    }
    return 0;
  }

  random(db: number): boolean {
    this.#release();
    const names = [...this.#map(db)].filter(([, entry]) => !this.#isExpired(entry)).map(([name]) => name);
    if (names.length === 0) return false;
    const name = names[this.#below(names.length)]!;
    this.#show(name, this.#map(db).get(name)!);
    return true;
  }

  #map(db: number): Map<string, Entry> {
    const map = this.#maps[db];
    assert(map !== undefined, `database ${db} does not exist`);
    return map;
  }

  #isExpired(entry: Entry): boolean {
    return this.expireOnAccess && entry.expiryMs !== NO_EXPIRY && this.nowMs > entry.expiryMs;
  }

  /** The entry if it is present and not expired; removes it if it is. Takes the view back. */
  #live(db: number, name: string): Entry | undefined {
    this.#release();
    const map = this.#map(db);
    const entry = map.get(name);
    if (entry === undefined || !this.#isExpired(entry)) return entry;
    map.delete(name);
    this.expiredKeys++;
    const key = Buffer.from(`---${name}`, "latin1");
    this.onExpired(db, key, 3, key.length - 3);
    return undefined;
  }

  #show(name: string, entry: Entry): void {
    this.#release();
    this.type = entry.type;
    this.encoding = entry.encoding;
    this.expiryMs = entry.expiryMs;
    this.version = entry.version;
    this.idleSeconds = Math.floor((this.nowMs - entry.accessedMs) / 1000);
    this.accessFrequency = entry.frequency;
    this.keyLength = name.length;
    this.keyBytes = new Uint8Array(name.length + 2 * PADDING).fill(POISON);
    this.keyBytes.set(Buffer.from(name, "latin1"), PADDING);
    this.valueLength = entry.value.length;
    this.valueBytes = new Uint8Array(entry.value.length + 2 * PADDING).fill(POISON);
    this.valueBytes.set(entry.value, PADDING);
    this.#shown = entry;
  }

  /** Ends the view: what was written into it becomes the value, and its buffers become garbage. */
  #release(): void {
    const entry = this.#shown;
    if (entry === undefined) return;
    this.#shown = undefined;
    entry.value = this.valueBytes.slice(PADDING, PADDING + this.valueLength);
    this.valueBytes.fill(POISON);
    this.keyBytes.fill(POISON);
    this.valueLength = POISON;
    this.keyLength = POISON;
    this.type = POISON;
    this.expiryMs = POISON;
  }
}

/** A few bits only, so that equal hashes are common; never 0, which is the cursor's beginning and end. */
function hashName(name: string): number {
  let hash = 7;
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) % 1021;
  return hash + 1;
}

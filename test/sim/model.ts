/**
 * The data as a user thinks of it: per database a map from keys to strings with an absolute expiry.
 *
 * Invariants: a key whose time has passed is absent for every purpose; the model keeps no time of its own. It
 * knows nothing of records, logs or tiers, so it can only agree with the server by being right.
 */
export const NEVER = -1;

export interface Entry {
  readonly value: string;
  /** Absolute milliseconds, or NEVER. Present up to and including this time, as in Redis. */
  readonly expiryMs: number;
}

export class Model {
  readonly databases: Map<string, Entry>[];

  constructor(databases: number | readonly ReadonlyMap<string, Entry>[]) {
    this.databases =
      typeof databases === "number"
        ? Array.from({ length: databases }, () => new Map<string, Entry>())
        : databases.map((entries) => new Map(entries));
  }

  clone(): Model {
    return new Model(this.databases);
  }

  find(db: number, key: string, nowMs: number): Entry | undefined {
    const entry = this.databases[db]!.get(key);
    return entry === undefined || isOver(entry, nowMs) ? undefined : entry;
  }

  /** What is there, even if its time has passed. */
  stored(db: number, key: string): Entry | undefined {
    return this.databases[db]!.get(key);
  }

  put(db: number, key: string, value: string, expiryMs: number): void {
    this.databases[db]!.set(key, { value, expiryMs });
  }

  /** False if it was not there. */
  remove(db: number, key: string, nowMs: number): boolean {
    const found = this.find(db, key, nowMs) !== undefined;
    this.databases[db]!.delete(key);
    return found;
  }

  flush(db: number): void {
    this.databases[db]!.clear();
  }

  swap(a: number, b: number): void {
    const databases = this.databases;
    [databases[a], databases[b]] = [databases[b]!, databases[a]!];
  }

  /** One line per key that is present, in order. */
  lines(nowMs: number): string[] {
    const lines: string[] = [];
    this.databases.forEach((entries, db) => {
      for (const [key, entry] of entries) {
        if (!isOver(entry, nowMs)) lines.push(lineOf(db, key, entry.value, entry.expiryMs));
      }
    });
    return lines.sort();
  }
}

function isOver(entry: Entry, nowMs: number): boolean {
  return entry.expiryMs !== NEVER && nowMs > entry.expiryMs;
}

export function lineOf(db: number, key: string, value: string, expiryMs: number): string {
  return JSON.stringify([db, key, expiryMs, value]);
}

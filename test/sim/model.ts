/**
 * The data as a user thinks of it: per database a map from keys to values with an absolute expiry.
 *
 * Invariants: a key or a field whose time has passed is absent for every purpose; the model keeps no time of its own;
 * entries and values are never changed, only replaced, so that the same entry means the same state. It knows nothing of
 * records, logs or tiers, so it can only agree with the server by being right.
 */
export const NEVER = -1;

export interface Field {
  readonly text: string;
  /** As an entry's. */
  readonly expiryMs: number;
}

export type Elements = readonly string[];
export type Members = ReadonlySet<string>;
export type Scores = ReadonlyMap<string, number>;
export type Fields = ReadonlyMap<string, Field>;

export type Value =
  | { readonly type: "string"; readonly text: string }
  | { readonly type: "list"; readonly elements: Elements }
  | { readonly type: "set"; readonly members: Members }
  | { readonly type: "zset"; readonly scores: Scores }
  /** `dueMs` is the earliest time of a field, or Infinity. */
  | { readonly type: "hash"; readonly fields: Fields; readonly dueMs: number };

export type Entry = Value & {
  /** Absolute milliseconds, or NEVER. Present up to and including this time, as in Redis. */
  readonly expiryMs: number;
};

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
    return entry === undefined ? undefined : presentOf(entry, nowMs);
  }

  /** What is there, even if its time has passed. */
  stored(db: number, key: string): Entry | undefined {
    return this.databases[db]!.get(key);
  }

  put(db: number, key: string, value: Value, expiryMs: number): void {
    this.databases[db]!.set(key, { ...value, expiryMs });
  }

  putText(db: number, key: string, text: string, expiryMs: number): void {
    this.put(db, key, { type: "string", text }, expiryMs);
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
      for (const [key, stored] of entries) {
        const entry = presentOf(stored, nowMs);
        if (entry !== undefined) lines.push(lineOf(db, key, entry, entry.expiryMs));
      }
    });
    return lines.sort();
  }
}

/** The entry as it is seen now: without the fields whose time has passed; undefined if nothing is left. */
function presentOf(entry: Entry, nowMs: number): Entry | undefined {
  if (isOver(entry.expiryMs, nowMs)) return undefined;
  if (entry.type !== "hash" || !isOver(entry.dueMs, nowMs)) return entry;
  const left = hashOf([...entry.fields].filter(([, field]) => !isOver(field.expiryMs, nowMs)));
  return left.fields.size === 0 ? undefined : { ...left, expiryMs: entry.expiryMs };
}

export function hashOf(fields: Iterable<readonly [string, Field]>): Value & { type: "hash" } {
  const kept = new Map(fields);
  let dueMs = Number.POSITIVE_INFINITY;
  for (const { expiryMs } of kept.values()) if (expiryMs !== NEVER) dueMs = Math.min(dueMs, expiryMs);
  return { type: "hash", fields: kept, dueMs };
}

function isOver(expiryMs: number, nowMs: number): boolean {
  return expiryMs !== NEVER && nowMs > expiryMs;
}

/** Elements of a sorted set in order. */
export function inOrder(scores: Scores): [member: string, score: number][] {
  return [...scores].sort(([a, aScore], [b, bScore]) => aScore - bScore || (a < b ? -1 : 1));
}

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number =>
  a < b ? -1 : 1;

/** For comparison: the same text for the same value, whatever order its parts were met in. */
export function lineOf(db: number, key: string, value: Value, expiryMs: number): string {
  const shown = (): unknown => {
    switch (value.type) {
      case "string":
        return value.text;
      case "list":
        return value.elements;
      case "set":
        return [...value.members].sort();
      case "zset":
        return inOrder(value.scores);
      case "hash":
        return [...value.fields]
          .map(([name, field]) => [name, field.text, field.expiryMs] as const)
          .sort(byName);
    }
  };
  return JSON.stringify([db, key, expiryMs, value.type, shown()]);
}

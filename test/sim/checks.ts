/** What must hold of a database at rest: it shows what the model shows, and its own accounts agree. */
import type { Context } from "../../src/commands/context.ts";
import { HashView } from "../../src/commands/hash-view.ts";
import { ListCursor } from "../../src/commands/list-cursor.ts";
import { scoredSource } from "../../src/commands/scored-source.ts";
import type { Database } from "../../src/database/database.ts";
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STRING } from "../../src/engine/keyspace.ts";
import { type Field, hashOf, lineOf, type Model, type Value } from "./model.ts";

const LINES_SHOWN_MAX = 12;

const text = (bytes: Uint8Array, offset: number, length: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString("latin1");

/** Reads the values that the keyspace's view is placed on. */
class ValueReader {
  readonly #database: Database;
  readonly #list: ListCursor;
  readonly #hash: HashView;

  constructor(database: Database) {
    this.#database = database;
    const { keyspace } = database;
    this.#list = new ListCursor(keyspace);
    // A view that looks at what is there, and opens nothing by a request, needs no more of a context than this.
    this.#hash = new HashView({ keyspace, nowMs: database.nowMs } as Context);
  }

  read(): Value {
    const { keyspace } = this.#database;
    const { valueBytes, valueOffset, valueLength } = keyspace;
    switch (keyspace.type) {
      case TYPE_STRING:
        return { type: "string", text: text(valueBytes, valueOffset, valueLength) };
      case TYPE_LIST:
        return { type: "list", elements: this.#elements() };
      case TYPE_HASH:
        return hashOf(this.#fields());
      case TYPE_SET:
        return { type: "set", members: new Set(this.#scores().keys()) };
      default:
        return { type: "zset", scores: this.#scores() };
    }
  }

  #elements(): string[] {
    const list = this.#list;
    const found: string[] = [];
    list.open();
    list.seek(0);
    do found.push(text(list.bytes, list.offset, list.elementLength));
    while (list.next());
    return found;
  }

  #scores(): Map<string, number> {
    const found = new Map<string, number>();
    const source = scoredSource(this.#database.keyspace)!;
    let count = 0;
    for (let more = source.first(); more; more = source.next(), count++)
      found.set(text(source.bytes, source.offset, source.length), source.score);
    if (found.size !== count || source.size !== count)
      throw new Error("a collection has a member twice, or miscounts them");
    return found;
  }

  #fields(): Map<string, Field> {
    const hash = this.#hash;
    const found = new Map<string, Field>();
    hash.openAtView();
    for (let more = hash.first(); more; more = hash.next()) {
      const { bytes, expiryMs } = hash;
      const name = text(bytes, hash.fieldOffset, hash.fieldLength);
      found.set(name, { text: text(bytes, hash.valueOffset, hash.valueLength), expiryMs });
    }
    return found;
  }
}

/** Every key that is present, as the model prints it. A hash of nothing but fields whose time is over is no key. */
function linesOf(database: Database): string[] {
  const { keyspace } = database;
  const reader = new ValueReader(database);
  const lines: string[] = [];
  for (let db = 0; db < keyspace.databases; db++) {
    let cursor = 0;
    do {
      cursor = keyspace.scan(db, cursor, 1000, () => {
        const { keyBytes, keyOffset, keyLength, expiryMs } = keyspace;
        const key = text(keyBytes, keyOffset, keyLength);
        const value = reader.read();
        if (value.type === "hash" && value.fields.size === 0) return;
        lines.push(lineOf(db, key, value, expiryMs));
      });
    } while (cursor !== 0);
  }
  return lines.sort();
}

export function checkState(database: Database, model: Model, nowMs: number): void {
  database.setNow(nowMs);
  const found = linesOf(database);
  const expected = model.lines(nowMs);
  const missing = expected.filter((line) => !found.includes(line));
  const invented = found.filter((line) => !expected.includes(line));
  if (missing.length === 0 && invented.length === 0 && found.length === expected.length) return;
  const short = (lines: readonly string[]): string =>
    lines
      .slice(0, LINES_SHOWN_MAX)
      .map((line) => line.slice(0, 300))
      .join("\n  ");
  throw new Error(
    `the state after LSN ${database.lastLsn} is not the model's; lost:\n  ${short(missing)}\ninvented:\n  ${short(invented)}`,
  );
}

/** Every counter of the engine against what is really there. */
export function checkEngine({ engine }: Database, within: (work: () => void) => void): void {
  // It may remove what has expired, and that is logged.
  within(() => {
    while (engine.maintain(1000)) {
      // Cleaning goes on until nothing is left to clean.
    }
  });
  engine.verify();
}

/** What must hold of a database at rest: it shows what the model shows, and its own accounts agree. */
import { ListCursor } from "../../src/commands/list-cursor.ts";
import { scoredSource } from "../../src/commands/scored-source.ts";
import type { Database } from "../../src/database/database.ts";
import { TYPE_LIST, TYPE_SORTED_SET } from "../../src/engine/keyspace.ts";
import { lineOf, type Model } from "./model.ts";
import { sortedSetText } from "./model-sorted-sets.ts";

const LINES_SHOWN_MAX = 12;

/** Every key that is present, as the model prints it. */
export function linesOf(database: Database): string[] {
  const { keyspace } = database;
  const lines: string[] = [];
  const text = (bytes: Uint8Array, offset: number, length: number): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString("latin1");
  const list = new ListCursor(keyspace);
  const elements = (): string => {
    const found: string[] = [];
    list.open();
    list.seek(0);
    do found.push(text(list.bytes, list.offset, list.elementLength));
    while (list.next());
    return JSON.stringify(found);
  };
  const sortedSet = (): string => {
    const found: [string, number][] = [];
    const source = scoredSource(keyspace)!;
    for (let more = source.first(); more; more = source.next()) {
      found.push([text(source.bytes, source.offset, source.length), source.score]);
    }
    return sortedSetText(found);
  };
  for (let db = 0; db < keyspace.databases; db++) {
    let cursor = 0;
    do {
      cursor = keyspace.scan(db, cursor, 1000, () => {
        const { keyBytes, keyOffset, keyLength, valueBytes, valueOffset, valueLength, expiryMs } = keyspace;
        const key = text(keyBytes, keyOffset, keyLength);
        let value: string;
        if (keyspace.type === TYPE_LIST) value = elements();
        else if (keyspace.type === TYPE_SORTED_SET) value = sortedSet();
        else value = text(valueBytes, valueOffset, valueLength);
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
      .map((line) => line.slice(0, 120))
      .join("\n  ");
  throw new Error(
    `the state after LSN ${database.lastLsn} is not the model's; lost:\n  ${short(missing)}\ninvented:\n  ${short(invented)}`,
  );
}

/** Every counter of the engine against what is really there. */
export function checkEngine(database: Database): void {
  const { engine } = database;
  while (engine.maintain(1000)) {
    // Cleaning goes on until nothing is left to clean.
  }
  engine.verify();
}

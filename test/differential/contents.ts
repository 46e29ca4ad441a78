/**
 * Everything that a server holds, in a form that two servers can be compared by.
 *
 * Invariant: a type without a reader here is a failure, never skipped: a new type must be read to be compared.
 */
import { DATABASES } from "../support/random-commands.ts";
import type { Command, RespClient } from "../support/resp-client.ts";
import { decodeReply, describe, itemsOf, numberOf, type RespValue, textOf } from "../support/resp-value.ts";
import { pairs, TIME_TOLERANCE_MS, unordered } from "./rules.ts";

/** How the whole value of each type is read. */
const READERS: Readonly<Record<string, (key: string) => Command>> = {
  string: (key) => ["GET", key],
  zset: (key) => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
  list: (key) => ["LRANGE", key, "0", "-1"],
  hash: (key) => ["HGETALL", key],
  set: (key) => ["SMEMBERS", key],
};

/** What is compared of a value that is not compared as it is read: most of these have no order of their own. */
const SHOWN: Readonly<Record<string, (value: RespValue) => string>> = {
  hash: pairs,
  set: unordered,
  zset: withoutNegativeZeros,
};

/** Whether a sorted set keeps -0 depends on its form, which a restart under other limits may change. */
function withoutNegativeZeros(value: RespValue): string {
  return describe(value).replaceAll('{"kind":"text","text":"-0"}', '{"kind":"text","text":"0"}');
}

interface Entry {
  readonly type: string;
  readonly value: string;
  /** Milliseconds since 1970; -1 for none. */
  readonly expiresAt: number;
}

/** By database and key. */
export type Contents = ReadonlyMap<string, Entry>;

export async function readContents(client: RespClient): Promise<Contents> {
  const contents = new Map<string, Entry>();
  for (let database = 0; database < DATABASES; database++) {
    await client.ask("SELECT", String(database));
    const keys = await allKeys(client);
    const types = await client.pipeline(keys.map((key) => ["TYPE", key]));
    const reads = keys.map((key, index) => readerOf(textOf(decodeReply(types[index]!)), key)(key));
    const values = await client.pipeline(reads);
    const times = await client.pipeline(keys.map((key) => ["PEXPIRETIME", key]));
    keys.forEach((key, index) => {
      contents.set(`${database} ${JSON.stringify(key)}`, {
        type: textOf(decodeReply(types[index]!)),
        value: (SHOWN[textOf(decodeReply(types[index]!))] ?? describe)(decodeReply(values[index]!)),
        expiresAt: numberOf(decodeReply(times[index]!)),
      });
    });
  }
  return contents;
}

async function allKeys(client: RespClient): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = "0";
  do {
    const [next, found] = itemsOf(await client.ask("SCAN", cursor, "COUNT", "1000"));
    cursor = textOf(next!);
    for (const key of itemsOf(found!)) keys.add(textOf(key));
  } while (cursor !== "0");
  return [...keys].sort();
}

function readerOf(type: string, key: string): (key: string) => Command {
  const reader = READERS[type];
  if (reader === undefined) throw new Error(`no reader for type ${type} of key ${JSON.stringify(key)}`);
  return reader;
}

/** What differs, one line each; empty if nothing does. */
export function compareContents(expected: Contents, found: Contents): string[] {
  const lines: string[] = [];
  for (const [name, entry] of expected) {
    const other = found.get(name);
    if (other === undefined) lines.push(`missing: ${name} ${shown(entry)}`);
    else if (!sameEntry(entry, other)) lines.push(`differs: ${name} ${shown(entry)} is ${shown(other)}`);
  }
  for (const [name, entry] of found) {
    if (!expected.has(name)) lines.push(`invented: ${name} ${shown(entry)}`);
  }
  return lines;
}

function sameEntry(a: Entry, b: Entry): boolean {
  if (a.type !== b.type || a.value !== b.value) return false;
  if (a.expiresAt < 0 || b.expiresAt < 0) return a.expiresAt === b.expiresAt;
  return Math.abs(a.expiresAt - b.expiresAt) <= TIME_TOLERANCE_MS;
}

function shown(entry: Entry): string {
  const value = entry.value.length > 120 ? `${entry.value.slice(0, 120)}…` : entry.value;
  return `${entry.type} ${value} expires ${entry.expiresAt}`;
}

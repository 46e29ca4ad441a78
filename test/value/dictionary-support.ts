/** What the tests of dictionaries share: calls that take strings, and the content as a Map. */

import { SipHasher } from "../../src/engine/index/hash.ts";
import { Dictionary } from "../../src/value/dictionary/dictionary.ts";
import type { DictionaryCapture } from "../../src/value/dictionary/dictionary-capture.ts";
import { type DictionaryEntry, NO_EXPIRY } from "../../src/value/dictionary/entry-format.ts";
import type { DictionaryShape, KeyHasher } from "../../src/value/dictionary/leaf-store.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";

/** Leaves and nodes so small that some dozens of entries split, merge, double and halve everything. */
export const TINY_SHAPE: DictionaryShape = {
  leafBytesMax: 160,
  leafEntriesMax: 6,
  entryBytesMax: 40,
  nodeWidthMax: 2,
};

export interface Held {
  readonly value: string;
  readonly expiryMs: number;
}
export type Content = Map<string, Held>;

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

export function textOf(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString("latin1");
}

export const keyOf = (entry: DictionaryEntry): string =>
  textOf(entry.bytes, entry.keyOffset, entry.keyLength);

export function heldOf(entry: DictionaryEntry): Held {
  return { value: textOf(entry.bytes, entry.valueOffset, entry.valueLength), expiryMs: entry.expiryMs };
}

/** A dictionary with string arguments. Ranges begin at an odd offset, as arguments in an arena do. */
export class Rig {
  readonly heap: PieceHeap;
  readonly dictionary: Dictionary;

  constructor(shape?: DictionaryShape, hasher: KeyHasher = new SipHasher(1, 2), heap = new PieceHeap()) {
    this.heap = heap;
    this.dictionary = new Dictionary(heap, hasher, shape);
  }

  put(key: string, value: string, expiryMs: number = NO_EXPIRY): boolean {
    const arena = bytesOf(`.${key}${value}`);
    return this.dictionary.put(arena, 1, key.length, arena, 1 + key.length, value.length, expiryMs);
  }

  find(key: string): boolean {
    return this.dictionary.find(bytesOf(`.${key}`), 1, key.length);
  }

  get(key: string): Held | undefined {
    return this.find(key) ? heldOf(this.dictionary.entry) : undefined;
  }

  remove(key: string): boolean {
    return this.dictionary.remove(bytesOf(`.${key}`), 1, key.length);
  }

  /** Everything by a walk; throws if a key is met twice. */
  content(): Content {
    const content: Content = new Map();
    for (let more = this.dictionary.first(); more; more = this.dictionary.next()) {
      addOnce(content, this.dictionary.entry);
    }
    return content;
  }

  /** Keys of one scan step, and the next cursor. */
  scan(cursor: number, count: number): { keys: string[]; cursor: number } {
    const keys: string[] = [];
    const next = this.dictionary.scan(cursor, count, () => void keys.push(keyOf(this.dictionary.entry)));
    return { keys, cursor: next };
  }
}

export function readLeaf(capture: DictionaryCapture, content: Content): void {
  for (let i = 0; i < capture.leafSize; i++) {
    capture.read(i);
    addOnce(content, capture.entry);
  }
}

function addOnce(content: Content, entry: DictionaryEntry): void {
  const key = keyOf(entry);
  if (content.has(key)) throw new Error(`${key} is met twice`);
  content.set(key, heldOf(entry));
}

/** The guard is told before each structure's first change of an epoch, by every method that can change it. */
import { describe, expect, it } from "vitest";
import { type ChangeGuard, NO_GUARD } from "../../src/value/change-guard.ts";
import { Dictionary } from "../../src/value/dictionary/dictionary.ts";
import { NO_EXPIRY } from "../../src/value/dictionary/entry-format.ts";
import type { ValueCapture } from "../../src/value/format/value-capture.ts";
import { UnpackedHash } from "../../src/value/hash/unpacked-hash.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import { ListSequence } from "../../src/value/sequence/list-sequence.ts";
import { ScoreSequence } from "../../src/value/sequence/score-sequence.ts";
import { UnpackedSet } from "../../src/value/set/unpacked-set.ts";
import { UnpackedSortedSet } from "../../src/value/sorted-set/unpacked-sorted-set.ts";
import type { StructureParts, UnpackedValue } from "../../src/value/unpacked.ts";
import {
  contentOf,
  decode,
  hashOf,
  listOf,
  newParts,
  piecesOf,
  putField,
  releaseAll,
  setOf,
  sortedSetOf,
} from "./format-support.ts";
import { bytesOf } from "./sequence-support.ts";

/** Captures what is about to change, as the engine does while a checkpoint is under way. */
class Recorder implements ChangeGuard {
  epoch = 1;
  calls = 0;
  capture: ValueCapture | undefined;

  aboutToChange(value: UnpackedValue): void {
    value.guardedEpoch = this.epoch;
    this.calls++;
    this.capture = value.capture();
  }
}

interface Kind<T extends UnpackedValue> {
  readonly type: new (...parts: never[]) => T;
  /** By the name of the method, of the structure or of its part, and the case. */
  readonly changes: Readonly<Record<string, (value: T) => void>>;
  /** Calls that change nothing, and so tell nobody. */
  readonly others: Readonly<Record<string, (value: T) => void>>;
  readonly makes: Readonly<Record<string, (parts: StructureParts) => T>>;
  /** A change that is possible after any of the changes, and in an empty structure. */
  readonly again: (value: T) => void;
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `element:${i}`);
const KNOWN = "element:3";
const known = bytesOf(KNOWN);
const other = bytesOf("another");
const LONG = 5000;
const long = new Uint8Array(LONG).fill(97);

function find(dictionary: Dictionary, bytes = known): Dictionary {
  expect(dictionary.find(bytes, 0, bytes.length)).toBe(true);
  return dictionary;
}

const HASH: Kind<UnpackedHash> = {
  type: UnpackedHash,
  makes: {
    "of ten": (parts) =>
      hashOf(
        parts,
        numbered(10).map((name, i) => [name, `v${i}`, i % 3 === 0 ? 1000 + i : undefined]),
      ),
    "of a thousand": (parts) =>
      hashOf(
        parts,
        numbered(1000).map((name, i) => [name, "v".repeat(i), i % 3 === 0 ? 1000 + i : undefined]),
      ),
  },
  changes: {
    "put, a new field": (hash) => void putField(hash, "another", "x"),
    "put, other length": (hash) => void putField(hash, KNOWN, "another value"),
    "put, long": (hash) => void putField(hash, KNOWN, "x".repeat(LONG)),
    "setExpiry, another": (hash) => {
      find(hash.dictionary);
      hash.setExpiry(7);
    },
    "setExpiry, none": (hash) => {
      find(hash.dictionary);
      hash.setExpiry(NO_EXPIRY);
    },
    "setExpiry, the first": (hash) => {
      find(hash.dictionary, bytesOf("element:4"));
      hash.setExpiry(7);
    },
    expire: (hash) => void hash.expire(1001, 100_000, () => {}),
    "dictionary.overwriteValue": (hash) => {
      const { entry } = find(hash.dictionary);
      hash.dictionary.overwriteValue(new Uint8Array(entry.valueLength).fill(35), 0, entry.valueLength);
    },
    "dictionary.removeEntry": (hash) => find(hash.dictionary).removeEntry(),
    "dictionary.remove": (hash) => void hash.dictionary.remove(known, 0, known.length),
    "dictionary.put": (hash) => void hash.dictionary.put(other, 0, other.length, long, 0, LONG, NO_EXPIRY),
    "dictionary.setExpiry": (hash) => find(hash.dictionary).setExpiry(7),
    "dictionary.expireStep": (hash) => void hash.dictionary.expireStep(1001, 100_000, () => {}),
  },
  others: {
    find: (hash) => void find(hash.dictionary),
    "remove, absent": (hash) => void hash.dictionary.remove(other, 0, other.length),
    "setExpiry, the same": (hash) => {
      find(hash.dictionary);
      hash.setExpiry(1003);
    },
    "expire, nothing due": (hash) => void hash.expire(1000, 100_000, () => {}),
    walk: (hash) => {
      for (let more = hash.dictionary.first(); more; more = hash.dictionary.next());
      hash.dictionary.scan(0, 100, () => {});
      hash.dictionary.random(() => 5);
    },
    copy: (hash) => releaseAll(hash.copy()),
  },
  again: (hash) => void putField(hash, "again", "again"),
};

const SET: Kind<UnpackedSet> = {
  type: UnpackedSet,
  makes: {
    "of ten": (parts) => setOf(parts, numbered(10)),
    "of a thousand": (parts) => setOf(parts, numbered(1000)),
  },
  changes: {
    add: (set) => void set.add(other, 0, other.length),
    "add, long": (set) => void set.add(long, 0, LONG),
    "dictionary.removeEntry": (set) => find(set.dictionary).removeEntry(),
    "dictionary.removeEntry, random": (set) => {
      set.dictionary.random(() => 77);
      set.dictionary.removeEntry();
    },
    "dictionary.remove": (set) => void set.dictionary.remove(known, 0, known.length),
  },
  others: {
    "add, present": (set) => void set.add(known, 0, known.length),
    copy: (set) => releaseAll(set.copy()),
  },
  again: (set) => {
    if (!set.add(bytesOf("again"), 0, 5)) set.dictionary.remove(bytesOf("again"), 0, 5);
  },
};

const SORTED_SET: Kind<UnpackedSortedSet> = {
  type: UnpackedSortedSet,
  makes: {
    "of ten": (parts) =>
      sortedSetOf(
        parts,
        numbered(10).map((name, i) => [name, i]),
      ),
    "of a thousand": (parts) =>
      sortedSetOf(
        parts,
        numbered(1000).map((name, i) => [name, i]),
      ),
  },
  changes: {
    add: (set) => set.add(other, 0, other.length, 5),
    "add, long": (set) => set.add(long, 0, LONG, 5),
    append: (set) => set.append(other, 0, other.length, 5000),
    tryAppend: (set) => void set.tryAppend(other, 0, other.length, 5000),
    "rescore, in place": (set) => rescore(set, 3.5),
    "rescore, to anywhere": (set) => rescore(set, 700),
    remove: (set) => set.remove(known, 0, known.length, set.scoreOf(known, 0, known.length)),
    "removeRange, all": (set) => set.removeRange(0, set.size),
    "removeRange, some": (set) => set.removeRange(2, 3),
  },
  others: {
    scoreOf: (set) => void set.scoreOf(known, 0, known.length),
    "tryAppend, not behind": (set) => void set.tryAppend(other, 0, other.length, 1),
    "removeRange, none": (set) => set.removeRange(1, 0),
    order: (set) => {
      set.order.seekRank(1);
      set.order.next();
      set.order.previous();
      set.order.countLess(4, true);
      set.order.seekLex(known, 0, known.length, false);
      set.order.rankOf(3, known, 0, known.length);
    },
    copy: (set) => releaseAll(set.copy()),
  },
  again: (set) => {
    const bytes = bytesOf("again");
    const score = set.scoreOf(bytes, 0, bytes.length);
    if (Number.isNaN(score)) set.add(bytes, 0, bytes.length, 1);
    else set.rescore(bytes, 0, bytes.length, score, score + 1);
  },
};

function rescore(set: UnpackedSortedSet, score: number): void {
  set.rescore(known, 0, known.length, set.scoreOf(known, 0, known.length), score);
}

const at = (list: ListSequence, index: number): ListSequence => {
  list.seek(index);
  return list;
};

const LIST: Kind<ListSequence> = {
  type: ListSequence,
  makes: {
    "of ten": (parts) => listOf(parts, numbered(10)),
    "of a thousand": (parts) => listOf(parts, numbered(1000)),
    "with an open front": (parts) => {
      const list = listOf(parts, numbered(500));
      for (let i = 0; i < 20; i++) list.pushFirst(other, 0, other.length);
      return list;
    },
  },
  changes: {
    pushFirst: (list) => list.pushFirst(other, 0, other.length),
    pushLast: (list) => list.pushLast(other, 0, other.length),
    "pushLast, long": (list) => list.pushLast(long, 0, LONG),
    popFirst: (list) => list.popFirst(),
    popLast: (list) => list.popLast(),
    insertBefore: (list) => at(list, 4).insertBefore(other, 0, other.length),
    insertAfter: (list) => at(list, 4).insertAfter(other, 0, other.length),
    removeAt: (list) => void at(list, 4).removeAt(),
    "replace, same length": (list) => at(list, 4).replace(long, 0, list.length),
    "replace, shorter": (list) => at(list, 4).replace(long, 0, 2),
    "replace, long": (list) => at(list, 4).replace(long, 0, LONG),
    "removeRange, some": (list) => list.removeRange(3, 4),
    "removeRange, all": (list) => list.removeRange(0, list.size),
  },
  others: {
    seek: (list) => {
      list.seekFirst();
      list.next();
      list.seekLast();
      list.previous();
      at(list, 2);
    },
    "removeRange, none": (list) => list.removeRange(1, 0),
    copy: (list) => releaseAll(list.copy()),
  },
  again: (list) => list.pushLast(known, 0, known.length),
};

function checkKind<T extends UnpackedValue>(kind: Kind<T>): void {
  const cases = Object.entries(kind.makes).flatMap(([size, make]) =>
    Object.entries(kind.changes).map(([name, change]) => ({ name: `${name}, ${size}`, make, change })),
  );
  it.each(cases)("$name", ({ make, change }) => {
    const heap = new PieceHeap();
    const value = make(newParts(heap));
    const before = contentOf(value);
    const recorder = new Recorder();
    value.guard = recorder;
    change(value);
    expect(recorder.calls).toBe(1);
    kind.again(value);
    kind.again(value);
    expect(recorder.calls).toBe(1);
    expect(decode(piecesOf(recorder.capture!)).elements).toEqual(before);
    releaseAll(recorder.capture!);
    const after = contentOf(value);
    expect(after).not.toEqual(before);
    recorder.epoch++;
    kind.again(value);
    expect(recorder.calls).toBe(2);
    releaseAll(value);
    expect(decode(piecesOf(recorder.capture!)).elements).toEqual(after);
    releaseAll(recorder.capture!);
    expect(heap.usedBytes).toBe(0);
  });

  it.each(Object.entries(kind.others))("nobody by %s", (_, call) => {
    for (const make of Object.values(kind.makes)) {
      const value = make(newParts());
      const before = contentOf(value);
      const recorder = new Recorder();
      value.guard = recorder;
      call(value);
      expect(recorder.calls).toBe(0);
      expect(contentOf(value)).toEqual(before);
      releaseAll(value);
      expect(recorder.calls).toBe(0);
    }
  });
}

describe("a hash tells its guard before a change by", () => checkKind(HASH));
describe("a set tells its guard before a change by", () => checkKind(SET));
describe("a sorted set tells its guard before a change by", () => checkKind(SORTED_SET));
describe("a list tells its guard before a change by", () => checkKind(LIST));

describe("a fresh structure", () => {
  it("has no guard, nor has a copy", () => {
    const value = listOf(newParts(), ["a"]);
    expect([value.guard, value.guardedEpoch]).toEqual([NO_GUARD, NO_GUARD.epoch]);
    value.guard = new Recorder();
    expect(value.copy().guard).toBe(NO_GUARD);
    expect(sortedSetOf(newParts(), [["a", 1]]).copy().guard).toBe(NO_GUARD);
  });

  it("tells of its first element", () => {
    for (const [kind, value] of [
      [HASH, new UnpackedHash(newParts())],
      [SET, new UnpackedSet(newParts())],
      [SORTED_SET, new UnpackedSortedSet(newParts())],
      [LIST, new ListSequence(new PieceHeap())],
    ] as const) {
      const recorder = new Recorder();
      value.guard = recorder;
      (kind.again as (value: UnpackedValue) => void)(value);
      expect(recorder.calls).toBe(1);
      expect(decode(piecesOf(recorder.capture!)).elements).toEqual([]);
      expect(value.size).toBe(1);
    }
  });
});

/** A method that is added has to be put into one of these, and then above: nothing changes without a case. */
describe("every method", () => {
  const READING = new Set(
    `constructor size memoryBytes elementsDueMs entry copy capture captureLeaves release scoreOf guard guardedEpoch
    find scan first next random capture isCaptured volatileCount expiryRounds earliestExpiryMs
    bytes offset length place index score seekFirst seekLast seek previous verify
    rankOf seekRank seekScore seekLex countLess`.split(/\s+/),
  );
  /** Of the parts of a sorted set, which only it changes. */
  const OF_ORDERS = ["insert", "append", "tryAppend", "remove", "change", "removeRange"];

  it.each<[string, { prototype: object }, readonly string[]]>([
    ["UnpackedHash", UnpackedHash, casesOf(HASH)],
    ["UnpackedSet", UnpackedSet, casesOf(SET)],
    ["UnpackedSortedSet", UnpackedSortedSet, casesOf(SORTED_SET)],
    ["ListSequence", ListSequence, casesOf(LIST)],
    ["Dictionary", Dictionary, casesOf(HASH).map((name) => name.replace("dictionary.", ""))],
    ["ScoreSequence", ScoreSequence, OF_ORDERS],
  ])("of %s that changes it has a case here", (_, type, cases) => {
    const methods = Object.getOwnPropertyNames(type.prototype);
    expect(methods.filter((name) => !READING.has(name) && !cases.includes(name))).toEqual([]);
  });

  function casesOf(kind: { readonly changes: object }): string[] {
    return Object.keys(kind.changes).map((name) => name.split(",")[0]!);
  }
});

/**
 * Captures of unpacked collections: what is changed, renamed, dropped or expires while one is taken is captured as it was when it
 * began; what has not changed since the last capture is not written again.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../src/base/byte-writer.ts";
import type { EngineCapture, StructureEntry } from "../../src/engine/capture/capture-face.ts";
import { ROW_BYTES_MAX } from "../../src/engine/index/row-format.ts";
import { NO_EXPIRY, TYPE_SET } from "../../src/engine/keyspace.ts";
import { ValueBuilder } from "../../src/value/format/value-builder.ts";
import { UnpackedSet } from "../../src/value/set/unpacked-set.ts";
import { ENCODING_LARGE } from "../../src/value/unpacked.ts";
import * as t from "./support.ts";

const KEYS = Array.from({ length: 8 }, (_, i) => `set:${i}`);
const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");

type Model = Map<string, Set<string>>[];

/** Sets in two databases, and what they must hold. */
class Sets {
  readonly rig: t.Rig;
  readonly model: Model;
  #next = 0;

  constructor(rig: t.Rig, model: Model = [new Map(), new Map()]) {
    this.rig = rig;
    this.model = model;
  }

  add(db: number, key: string, count: number): void {
    const { keyspace, engine } = this.rig;
    keyspace.lsn++;
    let set = this.find(db, key);
    if (set === undefined) {
      set = new UnpackedSet(engine);
      const k = bytesOf(key);
      keyspace.putUnpacked(db, k, 0, k.length, TYPE_SET, ENCODING_LARGE, set, NO_EXPIRY);
      this.model[db]!.set(key, new Set());
    }
    for (let i = 0; i < count; i++) {
      const member = `${key}:${this.#next++}`;
      set.add(bytesOf(member), 0, member.length);
      this.model[db]!.get(key)!.add(member);
    }
    this.find(db, key);
    keyspace.touch(db);
  }

  removeSome(db: number, key: string, count: number): void {
    const set = this.find(db, key);
    const members = this.model[db]!.get(key);
    if (set === undefined || members === undefined) return;
    for (const member of [...members].slice(0, count)) {
      if (members.size === 1) break;
      set.dictionary.remove(bytesOf(member), 0, member.length);
      members.delete(member);
    }
    this.find(db, key);
    this.rig.keyspace.touch(db);
  }

  drop(db: number, key: string): void {
    t.remove(this.rig.keyspace, db, key);
    this.model[db]!.delete(key);
  }

  move(fromDb: number, from: string, toDb: number, to: string): void {
    if (fromDb === toDb && from === to) return;
    if (!t.move(this.rig.keyspace, fromDb, from, toDb, to)) return;
    this.model[toDb]!.set(to, this.model[fromDb]!.get(from)!);
    this.model[fromDb]!.delete(from);
  }

  flush(db: number): void {
    this.rig.keyspace.flush(db);
    this.model[db]!.clear();
  }

  find(db: number, key: string): UnpackedSet | undefined {
    const { keyspace } = this.rig;
    return t.findForWrite(keyspace, db, key) ? (keyspace.unpacked as UnpackedSet) : undefined;
  }

  check(): void {
    const { engine, keyspace } = this.rig;
    t.settle(engine);
    engine.verify();
    for (const db of [0, 1]) {
      expect(new Set(t.allKeys(keyspace, db))).toEqual(new Set(this.model[db]!.keys()));
      for (const [key, members] of this.model[db]!) {
        const set = this.find(db, key)!;
        const found = new Set<string>();
        const { dictionary } = set;
        for (let more = dictionary.first(); more; more = dictionary.next()) {
          const { bytes, keyOffset, keyLength } = dictionary.entry;
          found.add(Buffer.from(bytes.slice(keyOffset, keyOffset + keyLength)).toString("latin1"));
        }
        expect(found).toEqual(members);
      }
    }
  }
}

/** Values by file and offset, as a disk would keep them. */
type Values = Map<string, Uint8Array[]>;

class Run {
  readonly capture: EngineCapture;
  readonly #file: number;
  readonly #values: Values;
  readonly #segments: Map<number, Uint8Array>;
  readonly written: number[] = [];

  constructor(capture: EngineCapture, file: number, values: Values, segments: Map<number, Uint8Array>) {
    this.capture = capture;
    this.#file = file;
    this.#values = values;
    this.#segments = segments;
  }

  /** Writes the next structure; false if none is left. */
  step(): boolean {
    const structure = this.capture.nextStructure();
    if (structure === undefined) return false;
    const pieces: Uint8Array[] = [];
    const out = new ByteWriter();
    for (; structure.value.writePiece(out); out.length = 0) pieces.push(out.bytes.slice(0, out.length));
    const place = { file: this.#file, offset: this.written.length, bytes: 1 };
    this.#values.set(`${place.file}:${place.offset}`, pieces);
    this.capture.structureWritten(structure.handle, place);
    this.written.push(structure.handle);
    return true;
  }

  finish(): t.Rig {
    while (this.step());
    const loaded = t.rig();
    const loader = loaded.engine.beginLoading();
    const { capture } = this;
    for (const { id, birth, usedUnits, deadUnits, hasFile } of capture.segments) {
      if (!hasFile) {
        this.#segments.set(birth, capture.segmentBytes(id).slice());
        capture.segmentWritten(id);
      }
      const bytes = this.#segments.get(birth)!.slice().buffer as ArrayBuffer;
      loader.addSegment({ id, birth, usedUnits, deadUnits, bytes });
    }
    const rows = new Uint8Array(ROW_BYTES_MAX * 40);
    for (let bytes = capture.copyRows(rows, 0, 20); bytes > 0; bytes = capture.copyRows(rows, 0, 20))
      loader.addRows(rows, 0, bytes);
    for (const entry of capture.structures()) loader.addStructure(entry, this.#build(entry, loaded));
    loader.finish({ keyspaces: capture.keyspaces, keys: capture.keys, nextBirth: capture.nextBirth });
    capture.complete();
    return loaded;
  }

  #build({ file, offset }: StructureEntry, { engine }: t.Rig): UnpackedSet {
    const builder = new ValueBuilder(engine);
    for (const piece of this.#values.get(`${file}:${offset}`)!) builder.addPiece(piece, 0, piece.length);
    return builder.finish() as UnpackedSet;
  }
}

const begin = (sets: Sets, file: number): EngineCapture => {
  const { engine } = sets.rig;
  while (engine.captureIsBlocked) engine.maintain(1);
  return engine.beginCapture(file);
};

const copyOf = (model: Model): Model =>
  model.map((db) => new Map([...db].map(([key, members]) => [key, new Set(members)])));

const op = fc.record({
  kind: fc.constantFrom("add", "add", "add", "remove", "drop", "move", "move", "flush", "step", "maintain"),
  db: fc.nat(1),
  key: fc.constantFrom(...KEYS),
  toDb: fc.nat(1),
  to: fc.constantFrom(...KEYS),
  count: fc.integer({ min: 1, max: 300 }),
});

function apply(sets: Sets, one: typeof op extends fc.Arbitrary<infer T> ? T : never, run?: Run): void {
  const { kind, db, key, toDb, to, count } = one;
  if (kind === "add") sets.add(db, key, count);
  else if (kind === "remove") sets.removeSome(db, key, count);
  else if (kind === "drop") sets.drop(db, key);
  else if (kind === "move") sets.move(db, key, toDb, to);
  else if (kind === "flush" && count < 60) sets.flush(db);
  else if (kind === "maintain") sets.rig.engine.maintain(1);
  else if (kind === "step") run?.step();
}

describe("captures of structures", () => {
  it("hold what the structures were when they began, whatever happens meanwhile", () => {
    const ops = fc.array(op, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(ops, { minLength: 6, maxLength: 6 }), (phases) => {
        const values: Values = new Map();
        const segments = new Map<number, Uint8Array>();
        let sets = new Sets(t.rig());
        for (let i = 0; i < 6; i += 2) {
          for (const one of phases[i]!) apply(sets, one);
          const capture = begin(sets, i + 1);
          if (phases[i]!.length % 5 === 0) {
            // Given up half-way: what was to be written is written by the next one.
            const lost = new Run(capture, i + 1, new Map(), new Map());
            lost.step();
            apply(sets, phases[i + 1]![0]!);
            lost.step();
            capture.abandon();
            sets.check();
            continue;
          }
          const run = new Run(capture, i + 1, values, segments);
          const then = copyOf(sets.model);
          for (const one of phases[i + 1]!) apply(sets, one, run);
          const loaded = new Sets(run.finish(), then);
          loaded.check();
          sets.check();
          if (phases[i]!.length % 2 === 0) sets = loaded;
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 60_000, endOnFailure: true },
    );
  });

  it("write only what has changed since the last one", () => {
    const sets = new Sets(t.rig());
    const values: Values = new Map();
    const segments = new Map<number, Uint8Array>();
    for (const key of KEYS) sets.add(0, key, 100);
    const first = new Run(begin(sets, 1), 1, values, segments);
    const loaded = new Sets(first.finish(), copyOf(sets.model));
    expect(first.written.length).toBe(KEYS.length);
    for (const one of [sets, loaded]) {
      const files = new Map(segments);
      const idle = new Run(begin(one, 2), 2, values, files);
      idle.finish();
      expect(idle.written).toEqual([]);
      one.add(0, KEYS[3]!, 1);
      one.removeSome(0, KEYS[5]!, 1);
      const second = new Run(begin(one, 3), 3, values, files);
      second.finish();
      expect(second.written.length).toBe(2);
      one.check();
    }
  });

  it("write again what lies in the files that are named", () => {
    const sets = new Sets(t.rig());
    const values: Values = new Map();
    const segments = new Map<number, Uint8Array>();
    for (const key of KEYS.slice(0, 4)) sets.add(0, key, 10);
    new Run(begin(sets, 1), 1, values, segments).finish();
    for (const key of KEYS.slice(4)) sets.add(0, key, 10);
    new Run(begin(sets, 2), 2, values, segments).finish();
    const { engine } = sets.rig;
    const again = new Run(engine.beginCapture(3, new Set([1])), 3, values, segments);
    again.finish();
    expect(again.written.length).toBe(4);
  });
});

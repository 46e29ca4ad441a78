/**
 * An engine at one instant as the commands that make it, in small steps: what a base of the log is written from.
 *
 * Invariants
 *  - Every key of the instant comes exactly once, in the database that had it then.
 *  - A step hands over a bounded number of elements or bytes of keys; nothing is copied but rows of the index.
 *
 * Keys whose value is in their record come as their sub-table is met; those that are structures are only noted then, and
 * come afterwards, as the capture hands out their structures.
 */
import { assert } from "../base/assert.ts";
import type { CapturedStructure, EngineCapture } from "../engine/capture/capture-face.ts";
import * as record from "../engine/hot/record.ts";
import { SLOT_SEGMENT_MASK } from "../engine/index/layout.ts";
import { ROW_BYTES_MAX, RowReading, readRow } from "../engine/index/row-format.ts";
import { type CommandSink, KeyCommands } from "./base-commands.ts";

/** Records, or elements of a structure, of one step. */
const STEP_RECORDS = 16;
const STEP_ELEMENTS = 64;
const STEP_BYTES_MAX = 64 * 1024;

/** A segment's memory in the three forms in which it is read. */
interface SegmentViews {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly data: DataView;
}

export class BaseSource {
  readonly #capture: EngineCapture;
  readonly #databases: Int32Array;
  readonly #views = new Map<number, SegmentViews>();
  /** Where the records of unpacked keys are, by their handle: segment and unit. */
  readonly #owners = new Map<number, readonly [segment: number, unit: number]>();
  readonly #rows = new Uint8Array(ROW_BYTES_MAX);
  readonly #words = new Int32Array(this.#rows.buffer);
  readonly #row = new RowReading();
  #slot = 0;
  #rowsAreDone = false;
  #structure: CapturedStructure | undefined;
  #commands: KeyCommands | undefined;

  /** Ends the capture in `release`. It has to hand over all structures and segments. */
  constructor(capture: EngineCapture) {
    this.#capture = capture;
    this.#databases = new Int32Array(capture.keyspaces.length);
    capture.keyspaces.forEach((keyspace, db) => {
      this.#databases[keyspace] = db;
    });
  }

  /** Hands over some commands; false when there are none left. */
  step(out: CommandSink): boolean {
    this.#commands ??= new KeyCommands(out);
    if (!this.#rowsAreDone && this.#stepRecords(this.#commands)) return true;
    return this.#stepStructure(this.#commands);
  }

  release(): void {
    this.#capture.abandon();
  }

  #stepRecords(commands: KeyCommands): boolean {
    let bytes = 0;
    for (let i = 0; i < STEP_RECORDS && bytes < STEP_BYTES_MAX; i++) {
      if (this.#slot === this.#row.slots && !this.#nextRow()) return i > 0;
      const at = this.#row.firstWord + this.#slot++ * 2;
      const high = this.#words[at]!;
      const low = this.#words[at + 1]!;
      bytes += this.#record(commands, ((high & SLOT_SEGMENT_MASK) << 12) | (low >>> 20), low & 0xfffff);
    }
    return true;
  }

  /** Goes to the next sub-table that has keys. */
  #nextRow(): boolean {
    do {
      const bytes = this.#capture.copyRows(this.#rows, 0, 1);
      if (bytes === 0) {
        this.#rowsAreDone = true;
        return false;
      }
      readRow(this.#words, 0, bytes / 4, this.#row);
    } while (this.#row.slots === 0);
    this.#slot = 0;
    return true;
  }

  /** Hands over one key, or notes it; answers how many bytes it has. */
  #record(commands: KeyCommands, segment: number, unit: number): number {
    const views = this.#viewsOf(segment);
    const { bytes, words, data } = views;
    const word = unit * 2;
    if (record.isUnpacked(words, word)) {
      this.#owners.set(record.handleOf(data, words, word), [segment, unit]);
      return 0;
    }
    const keyStart = record.keyStartOf(words, word);
    const keyLength = record.keyLengthOf(words, word);
    const valueLength = record.valueLengthOf(words, word, keyStart, keyLength);
    const key = unit * 8 + keyStart;
    commands.packed(
      this.#databases[record.keyspaceOf(words, word)]!,
      bytes,
      key,
      keyLength,
      words[word + 1]! & 15,
      bytes,
      key + keyLength,
      valueLength,
      record.expiryOf(words, word),
    );
    return keyLength + valueLength;
  }

  #stepStructure(commands: KeyCommands): boolean {
    if (this.#structure === undefined && !this.#nextStructure(commands)) return false;
    const { handle, value } = this.#structure!;
    if (value.visit(commands, STEP_ELEMENTS)) return true;
    commands.endKey();
    this.#capture.structureWritten(handle, { file: 0, offset: 0, bytes: 0 });
    this.#structure = undefined;
    return true;
  }

  #nextStructure(commands: KeyCommands): boolean {
    const structure = this.#capture.nextStructure();
    if (structure === undefined) return false;
    const owner = this.#owners.get(structure.handle);
    assert(owner !== undefined, "a structure belongs to no key");
    const [segment, unit] = owner;
    const { bytes, words } = this.#viewsOf(segment);
    const word = unit * 2;
    const key = unit * 8 + record.keyStartOf(words, word);
    commands.beginKey(
      this.#databases[record.keyspaceOf(words, word)]!,
      bytes,
      key,
      record.keyLengthOf(words, word),
      words[word + 1]! & 15,
      structure.value.size,
      record.expiryOf(words, word),
    );
    this.#structure = structure;
    return true;
  }

  #viewsOf(segment: number): SegmentViews {
    let views = this.#views.get(segment);
    if (views === undefined) {
      const bytes = this.#capture.segmentBytes(segment);
      const { buffer, byteOffset, byteLength } = bytes;
      views = {
        bytes,
        words: new Int32Array(buffer, byteOffset, byteLength / 4),
        data: new DataView(buffer, byteOffset, byteLength),
      };
      this.#views.set(segment, views);
    }
    return views;
  }
}

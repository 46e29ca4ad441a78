/**
 * The engine at one instant, for a checkpoint: see EngineCapture.
 *
 * Invariants
 *  - From the constructor on every segment is sealed: what is written later goes to new ones. So a segment's bytes are those
 *    of the instant for as long as it lives, and it is held until its file is written.
 *  - The parts (index, structures, segments) are of the same instant, because the constructor is one step between turns.
 *  - Exactly one of `complete` and `abandon` ends it; both let go of everything.
 *
 * Sealing instead of copying segments: what a checkpoint costs in memory is then what is written while it runs, once per key.
 */
import { assert } from "../../base/assert.ts";
import type { Buffers } from "../../ports/buffers.ts";
import type { RecordLog } from "../hot/record-log.ts";
import { IndexCapture } from "../index/index-capture.ts";
import type { SubTables } from "../index/sub-tables.ts";
import type { UnpackedTable } from "../unpacked-table.ts";
import type {
  CapturedSegment,
  CapturedStructure,
  EngineCapture,
  StructureEntry,
  StructurePlace,
} from "./capture-face.ts";

export interface CaptureParts {
  readonly tables: SubTables;
  readonly log: RecordLog;
  readonly unpacked: UnpackedTable;
  readonly buffers: Buffers;
  /** Internal keyspace by logical database; copied. */
  readonly keyspaces: Int32Array;
  /** The checkpoint's id, which names its values file. */
  readonly file: number;
  /** Values files whose structures are to be written again; "all": every structure and segment is to be read, filed or not. */
  readonly rewrite: ReadonlySet<number> | "all";
  readonly ended: () => void;
}

export class OpenCapture implements EngineCapture {
  readonly keyspaces: Int32Array;
  readonly keys: number;
  readonly nextBirth: number;
  readonly segments: readonly CapturedSegment[];
  readonly #parts: CaptureParts;
  readonly #index: IndexCapture;
  /** Held segments that have yet to be written: id to used units. */
  readonly #held = new Map<number, number>();
  #wordsOf: Uint8Array | undefined;
  #words: Int32Array = new Int32Array(0);
  #isOpen = true;

  constructor(parts: CaptureParts) {
    const { log, tables, unpacked } = parts;
    this.#parts = parts;
    this.keyspaces = parts.keyspaces.slice();
    this.keys = tables.counts.reduce((sum, count) => sum + count, 0);
    log.closeTails();
    unpacked.rewrite(parts.rewrite);
    const { segments } = log;
    this.segments = Array.from(segments.ids(), (id) => {
      segments.seal(id);
      return {
        id,
        birth: segments.births[id]!,
        usedUnits: segments.usedUnits[id]!,
        deadUnits: segments.deadUnits[id]!,
        hasFile: segments.filed[id] === 1,
      };
    });
    for (const { id, usedUnits, hasFile } of this.segments) {
      if (hasFile && parts.rewrite !== "all") continue;
      segments.hold(id);
      this.#held.set(id, usedUnits);
    }
    this.nextBirth = segments.nextBirth;
    this.#index = new IndexCapture(tables, parts.buffers);
    unpacked.beginCapture();
  }

  get retainedBytes(): number {
    const { log, unpacked } = this.#parts;
    return this.#index.retainedBytes + log.segments.retainedBytes + unpacked.retainedBytes;
  }

  copyRows(into: Uint8Array, offset: number, rowsMax: number): number {
    assert(this.#isOpen, "a capture that has ended is not read");
    if (this.#wordsOf !== into) {
      this.#wordsOf = into;
      this.#words = new Int32Array(into.buffer, into.byteOffset, into.byteLength >>> 2);
    }
    return this.#index.copyRows(this.#words, offset >>> 2, rowsMax) * 4 - offset;
  }

  nextStructure(): CapturedStructure | undefined {
    return this.#parts.unpacked.nextCaptured();
  }

  structureWritten(handle: number, place: StructurePlace): void {
    this.#parts.unpacked.noteWritten(handle, place);
  }

  structures(): Iterable<StructureEntry> {
    return this.#parts.unpacked.capturedEntries();
  }

  segmentBytes(id: number): Uint8Array {
    const usedUnits = this.#held.get(id);
    assert(usedUnits !== undefined, "a segment is read that the capture does not hold");
    return this.#parts.log.segments.bytes[id]!.subarray(0, usedUnits * 8);
  }

  segmentWritten(id: number): void {
    assert(this.#held.delete(id), "a segment was written that the capture does not hold");
    const { segments } = this.#parts.log;
    if (segments.isInMemory(id)) segments.noteFile(id);
    segments.letGo(id);
  }

  complete(): void {
    assert(this.#held.size === 0, "a checkpoint is complete without some of its segments");
    this.#end(true);
  }

  abandon(): void {
    if (this.#isOpen) this.#end(false);
  }

  #end(written: boolean): void {
    assert(this.#isOpen, "a capture ends once");
    this.#isOpen = false;
    this.#index.end();
    for (const id of this.#held.keys()) this.#parts.log.segments.letGo(id);
    this.#held.clear();
    this.#parts.unpacked.endCapture(this.#parts.file, written);
    this.#parts.ended();
  }
}

/** Takes a capture out of an engine piece by piece, and loads it into another one. */
import { expect } from "vitest";
import type { CapturedSegment, EngineCapture } from "../../src/engine/capture/capture-face.ts";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { ROW_BYTES_MAX } from "../../src/engine/index/row-format.ts";
import * as t from "./support.ts";

export class CaptureRun {
  readonly capture: EngineCapture;
  /** Files by birth, as a disk would keep them: those of earlier captures too. */
  readonly #files: Map<number, Uint8Array>;
  readonly #rows: Uint8Array[] = [];
  readonly #unwritten: CapturedSegment[];
  #rowsAreDone = false;
  writtenBytes = 0;

  constructor(capture: EngineCapture, files: Map<number, Uint8Array>) {
    this.capture = capture;
    this.#files = files;
    this.#unwritten = capture.segments.filter(({ hasFile }) => !hasFile);
    for (const { birth, hasFile } of capture.segments)
      expect(files.has(birth), `file ${birth}`).toBe(hasFile);
  }

  get isDone(): boolean {
    return this.#rowsAreDone && this.#unwritten.length === 0;
  }

  /** One slice: some rows or one segment. */
  step(preferRows: boolean, rowsMax: number): void {
    if ((preferRows || this.#unwritten.length === 0) && !this.#rowsAreDone) {
      const into = new Uint8Array(16 + ROW_BYTES_MAX * 2);
      const bytes = this.capture.copyRows(into, 16, rowsMax);
      if (bytes === 0) this.#rowsAreDone = true;
      else this.#rows.push(into.slice(16, 16 + bytes));
      return;
    }
    const segment = this.#unwritten.pop();
    if (segment === undefined) return;
    const bytes = this.capture.segmentBytes(segment.id).slice();
    expect(bytes.length).toBe(segment.usedUnits * 8);
    this.#files.set(segment.birth, bytes);
    this.writtenBytes += bytes.length;
    this.capture.segmentWritten(segment.id);
  }

  /** The rest of the capture, then a new engine with its content. */
  finish(options: Partial<EngineOptions> = {}): t.Rig {
    while (!this.isDone) this.step(true, 1000);
    const rig = t.rig(options);
    const loader = rig.engine.beginLoading();
    const { segments, keyspaces, keys, nextBirth } = this.capture;
    for (const { id, birth, usedUnits, deadUnits } of segments) {
      const bytes = this.#files.get(birth)!.slice().buffer as ArrayBuffer;
      loader.addSegment({ id, birth, usedUnits, deadUnits, bytes });
    }
    for (const rows of this.#rows) loader.addRows(rows, 0, rows.length);
    loader.finish({ keyspaces, keys, nextBirth });
    this.capture.complete();
    return rig;
  }
}

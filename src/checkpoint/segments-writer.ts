/**
 * Writes the segments of a checkpoint that have no file yet, and gathers what the manifest says of all of them.
 *
 * Invariants
 *  - two segments are written side by side, so that one is summed and written while the other is synced;
 *  - the folder is synced after every CONFIRM segments and at the end; only then is the engine told, so that memory
 *    comes back while the checkpoint goes on;
 *  - after the first error no further segment is begun.
 */
import type { Crc32c } from "../codec/crc32c.ts";
import type { CapturedSegment, EngineCapture } from "../engine/capture/capture-face.ts";
import { damagedFile } from "../engine/warm/file-finding.ts";
import { syncFolder } from "../engine/warm/file-promises.ts";
import { segmentFileBytes } from "../engine/warm/segment-file-format.ts";
import { readSegmentFooter } from "../engine/warm/segment-file-reader.ts";
import { writeSegmentFile } from "../engine/warm/segment-file-writer.ts";
import type { CheckpointFolder } from "./checkpoint-folder.ts";
import type { CheckpointManifest, SegmentFileEntry } from "./manifest-format.ts";
import { unfinishedName } from "./names.ts";
import type { Slices } from "./slices.ts";

const LANES = 2;
const CONFIRM = 16;

export interface SegmentsParts {
  readonly folder: CheckpointFolder;
  readonly crc32c: Crc32c;
  readonly slices: Slices;
  readonly databaseId: string;
}

export class SegmentsWriter {
  readonly #parts: SegmentsParts;
  readonly #capture: EngineCapture;
  readonly #known: ReadonlyMap<number, SegmentFileEntry>;
  readonly #entries: (SegmentFileEntry | undefined)[];
  #next = 0;
  #failed = false;
  #written: number[] = [];
  bytesWritten = 0;

  constructor(
    parts: SegmentsParts,
    request: { readonly capture: EngineCapture; readonly previous: CheckpointManifest | undefined },
  ) {
    this.#parts = parts;
    this.#capture = request.capture;
    this.#known = new Map(request.previous?.segments.map((entry) => [entry.birth, entry]));
    this.#entries = new Array<SegmentFileEntry | undefined>(request.capture.segments.length).fill(undefined);
  }

  /** The entries of all segments, by birth. Throws the first error. */
  async write(): Promise<SegmentFileEntry[]> {
    const lanes = await Promise.allSettled(Array.from({ length: LANES }, () => this.#lane()));
    const failure = lanes.find((lane) => lane.status === "rejected");
    if (failure !== undefined) throw failure.reason;
    await this.#confirm();
    return this.#entries.map((entry) => entry!).sort((a, b) => a.birth - b.birth);
  }

  async #lane(): Promise<void> {
    const { segments } = this.#capture;
    try {
      while (this.#next < segments.length && !this.#failed) {
        const i = this.#next++;
        const segment = segments[i]!;
        this.#entries[i] = segment.hasFile ? await this.#entryOf(segment) : await this.#writeOne(segment);
        await this.#parts.slices.breathe();
        if (this.#written.length >= CONFIRM) await this.#confirm();
      }
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  async #writeOne(segment: CapturedSegment): Promise<SegmentFileEntry> {
    const { folder, crc32c, slices, databaseId } = this.#parts;
    const { id, birth, usedUnits, deadUnits } = segment;
    const path = folder.segmentPath(birth);
    const parts = { fs: folder.fs, crc32c, breathe: slices.breathe };
    const paths = { path, unfinishedPath: unfinishedName(path) };
    const bytes = this.#capture.segmentBytes(id);
    const written = await writeSegmentFile(parts, paths, bytes, { id, birth, usedUnits, databaseId });
    this.bytesWritten += written.bytes;
    this.#written.push(id);
    return { birth, id, ...written, usedUnits, deadUnits };
  }

  /** The checkpoint before names it, or it was written since: then its footer says the same. */
  async #entryOf(segment: CapturedSegment): Promise<SegmentFileEntry> {
    const { id, birth, usedUnits, deadUnits } = segment;
    const known = this.#known.get(birth);
    if (known !== undefined) return { ...known, deadUnits };
    const path = this.#parts.folder.segmentPath(birth);
    const footer = await readSegmentFooter(this.#parts.folder.fs, path);
    if (footer.birth !== birth || footer.id !== id || footer.usedUnits !== usedUnits) {
      const found = `segment ${footer.id} of birth ${footer.birth} with ${footer.usedUnits} units`;
      throw damagedFile(path, `it holds ${found}, expected ${id}, ${birth} and ${usedUnits}`);
    }
    return { birth, id, bytes: segmentFileBytes(usedUnits), checksum: footer.checksum, usedUnits, deadUnits };
  }

  async #confirm(): Promise<void> {
    const ids = this.#written;
    if (ids.length === 0) return;
    this.#written = [];
    const { folder } = this.#parts;
    await syncFolder(folder.fs, folder.segmentsPath);
    for (const id of ids) this.#capture.segmentWritten(id);
  }
}

/**
 * One part of the log while it is written: its file and how much of it is written and durable.
 *
 * Invariants: durableBytes <= sizeBytes, both are ends of frames; the file may be longer by prepared space; `durableLsn` and `writtenLsn` are the last
 * effects before them. Frames without effects (see AppendOnlyLog) may lie beyond `durableBytes` when the two LSNs
 * are equal.
 */
import { FerriteError } from "../base/errors.ts";
import type { File, FileSystem } from "../ports/file-system.ts";
import { FRAME_OK, FrameReader } from "./frame-reader.ts";
import type { PartEntry } from "./manifest-format.ts";
import { PreparedSpace } from "./prepared-space.ts";
import { appendRange } from "./torn-tail.ts";

export class LogPart {
  readonly file: File;
  readonly entry: PartEntry;
  readonly space: PreparedSpace;
  /** The end of the log in the file. */
  sizeBytes: number;
  writtenLsn: number;
  durableBytes: number;
  durableLsn: number;
  /** The `durableLsn` that the last frame of the part states. */
  statedLsn = 0;

  /** A part whose first `sizeBytes`, up to `lastLsn`, are written and durable. */
  constructor(fs: FileSystem, file: File, entry: PartEntry, sizeBytes: number, lastLsn: number) {
    this.file = file;
    this.space = new PreparedSpace(fs, file);
    this.entry = entry;
    this.sizeBytes = this.durableBytes = sizeBytes;
    this.writtenLsn = this.durableLsn = lastLsn;
  }

  /** True if an effect is written that is not known to be durable. */
  get isDirty(): boolean {
    return this.durableLsn < this.writtenLsn;
  }

  get hasEffects(): boolean {
    return this.writtenLsn >= this.entry.firstLsn;
  }

  /** Records a frame of `bytes` that ends with the effect `lastLsn`. */
  wrote(bytes: number, lastLsn: number): void {
    this.sizeBytes += bytes;
    this.writtenLsn = lastLsn;
  }

  /** Records that a good sync began when the part was `bytes` long and ended with `lsn`. */
  synced(bytes: number, lsn: number): void {
    if (bytes > this.durableBytes) this.durableBytes = bytes;
    if (lsn > this.durableLsn) this.durableLsn = lsn;
  }

  close(): void {
    this.space.close();
  }

  /** How the manifest describes the part once it ends where it is durable. */
  sealedEntry(): PartEntry {
    const { name, seq, firstLsn } = this.entry;
    return { name, seq, firstLsn, sealed: { lastLsn: this.durableLsn, validBytes: this.durableBytes } };
  }
}

/**
 * Copies the frames of `from` that are written but not known to be durable to the end of `to`, verifying each: after
 * a failed sync the page cache may have lost them. Throws FerriteError("corruption") if one cannot be read back.
 */
export function carryUnsynced(fs: FileSystem, from: LogPart, to: LogPart): void {
  const file = fs.openSync(from.file.path, "read");
  try {
    const reader = new FrameReader(file, from.durableBytes, from.sizeBytes);
    let due = from.durableLsn + 1;
    while (reader.frameEnd < from.sizeBytes) {
      if (reader.next() !== FRAME_OK || reader.header.firstLsn !== due) {
        const range = `effects from LSN ${due} to ${from.writtenLsn}`;
        throw new FerriteError(
          "corruption",
          `${range} were written to ${file.path} but cannot be read back from offset ${reader.position}`,
        );
      }
      due = reader.header.nextLsn;
      appendRange(file, reader.position, reader.frameEnd, to.file);
      to.wrote(reader.frameEnd - reader.position, due - 1);
    }
  } finally {
    file.close();
  }
}

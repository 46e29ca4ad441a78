/**
 * Makes a log that recovery accepts out of one that it refuses, and says what was lost.
 *
 * Invariants:
 *  - what was valid is copied byte for byte; nothing is invented, nothing is reordered;
 *  - a copy is a complete log of its own; the original is not touched;
 *  - in place, no byte is removed: the manifest ends the log before the damage, and what follows stays as files
 *    that no manifest names;
 *  - a base is never cut: a part of it is a state that never existed. To `drop` from it loses keys;
 *  - where frames are dropped in the middle, a `#L` frame states which LSNs are lost, so that the gap is known.
 *
 * Two ways: `cut` ends the log before the first damage: what is left is a state that existed. `drop` keeps what is
 * valid after it: more data, but a state that may never have existed.
 */
import { FerriteError } from "../base/errors.ts";
import type { File, FileSystem } from "../ports/file-system.ts";
import { HEADER_BYTES_MAX, KIND_LOST, writeFrameHeader } from "./frame-format.ts";
import type { FrameReader } from "./frame-reader.ts";
import type { Finding } from "./inspect-log.ts";
import { inspectLog } from "./inspect-log.ts";
import { LogFolder } from "./log-folder.ts";
import { publishManifest } from "./manifest-file.ts";
import { type BaseEntry, type PartEntry, withBase } from "./manifest-format.ts";
import { DEFAULT_STEM, partName, tornName } from "./part-names.ts";
import { appendRange, copyRange } from "./torn-tail.ts";

export interface AofRepairOptions {
  readonly stem?: string;
  readonly mode: "cut" | "drop";
  /** A folder for the repaired copy; must be absent or empty. Without it the repair is done in place (only `cut`). */
  readonly into?: string;
  /** Wall clock, for what the repair writes. */
  readonly nowMs: number;
}

export interface AofRepair {
  readonly mode: "cut" | "drop";
  readonly folder: string;
  readonly into: string;
  /** Everything that was wrong. */
  readonly findings: readonly Finding[];
  /** LSN ranges that the repaired log lacks; `lastLsn` 0 means that it is not known how many followed. */
  readonly lost: readonly { readonly firstLsn: number; readonly lastLsn: number }[];
  /** Keys of the base are lost; which ones is unknown. */
  readonly baseIsDamaged: boolean;
  readonly bytesKept: number;
  readonly bytesDropped: number;
  readonly lastLsn: number;
}

/** Throws FerriteError("usage") for impossible wishes or a log of another program, or the system's error. */
export function aofRepair(fs: FileSystem, folder: string, options: AofRepairOptions): AofRepair {
  const { into, mode } = options;
  if (into === undefined && mode === "drop") {
    throw new FerriteError("usage", "frames can be dropped in a copy only: name a folder for it");
  }
  if (into !== undefined && fs.statSync(into) !== undefined && fs.listSync(into).length > 0) {
    throw new FerriteError("usage", `${into} is not empty; expected a new folder for the repaired copy`);
  }
  const repair = new Repair(fs, folder, options);
  return into === undefined ? repair.inPlace() : repair.copy(into);
}

interface KeptPart {
  readonly entry: PartEntry;
  firstLsn: number;
  lastLsn: number;
  bytes: number;
}

class Repair {
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #stem: string;
  readonly #options: AofRepairOptions;
  readonly #kept: KeptPart[] = [];
  readonly #lost: { firstLsn: number; lastLsn: number }[] = [];
  #findings: readonly Finding[] = [];
  #base: BaseEntry | undefined;
  #baseBytes = 0;
  #baseIsDamaged = false;
  #isInBase = false;
  #cut = false;
  #nextLsn = 0;
  #bytes = 0;
  #target: File | undefined;

  constructor(fs: FileSystem, folder: string, options: AofRepairOptions) {
    this.#fs = fs;
    this.#folder = folder;
    this.#options = options;
    this.#stem = options.stem ?? DEFAULT_STEM;
  }

  copy(into: string): AofRepair {
    this.#fs.makeDirectorySync(into);
    try {
      this.#walk(into);
    } finally {
      this.#finishTarget();
    }
    const parts = this.#kept.map((kept, index) => describe(kept, index < this.#kept.length - 1));
    const base = this.#base && { ...this.#base, validBytes: this.#baseBytes };
    if (parts.length > 0 || base !== undefined)
      publishManifest(this.#fs, into, this.#stem, { ...withBase(base), parts });
    return this.#report(into);
  }

  inPlace(): AofRepair {
    this.#walk(undefined);
    if (this.#findings.length > 0 && (this.#kept.length > 0 || this.#base !== undefined)) {
      const last = this.#kept.at(-1);
      if (last !== undefined) this.#saveTail(last);
      const sealed = this.#kept.map((kept) => describe(kept, true));
      const manifest = { ...withBase(this.#base), parts: sealed };
      const folder = new LogFolder({
        fs: this.#fs,
        path: this.#folder,
        stem: this.#stem,
        manifest,
        marks: false,
      });
      const open = folder.create(this.#nextLsn);
      folder.publish(undefined, open);
      open.file.close();
    }
    return this.#report(this.#folder);
  }

  /** The next start may cut the part at its seal, so what lies behind is kept under another name. */
  #saveTail(kept: KeptPart): void {
    const { name } = kept.entry;
    const path = `${this.#folder}/${name}`;
    const size = this.#fs.statSync(path)?.sizeBytes ?? 0;
    if (size <= kept.bytes) return;
    copyRange(this.#fs, path, kept.bytes, size, `${this.#folder}/${tornName(name, this.#options.nowMs)}`);
  }

  /** Visits all of the log; keeps frames, copying them if there is a target. */
  #walk(into: string | undefined): void {
    const inspection = inspectLog(this.#fs, this.#folder, this.#stem, {
      base: (entry) => this.#beginBase(entry, into),
      part: (entry) => this.#beginPart(entry, into),
      frame: (reader, due) => this.#frame(reader, due),
      finding: (finding) => this.#finding(finding),
    });
    this.#findings = inspection.findings;
    this.#bytes = inspection.parts.reduce((total, part) => total + part.bytes, 0);
    if (this.#cut && inspection.lastLsn >= this.#nextLsn) {
      this.#lost.push({ firstLsn: this.#nextLsn, lastLsn: inspection.lastLsn });
    } else if (this.#cut) {
      this.#lost.push({ firstLsn: this.#nextLsn, lastLsn: 0 });
    }
  }

  #beginBase(entry: BaseEntry, into: string | undefined): void {
    this.#base = entry;
    this.#isInBase = true;
    this.#nextLsn = entry.lsn + 1;
    if (into !== undefined) this.#target = this.#fs.openSync(`${into}/${entry.name}`, "create");
  }

  #beginPart(entry: PartEntry, into: string | undefined): void {
    this.#finishTarget();
    this.#isInBase = false;
    if (this.#cut) return;
    if (this.#nextLsn === 0) this.#nextLsn = entry.firstLsn;
    this.#kept.push({ entry, firstLsn: this.#nextLsn, lastLsn: this.#nextLsn - 1, bytes: 0 });
    if (into !== undefined)
      this.#target = this.#fs.openSync(`${into}/${partName(this.#stem, entry.seq)}`, "create");
  }

  #finding(finding: Finding): void {
    if (this.#isInBase) this.#baseFinding(finding);
    // A manifest is written anew in any case, and a torn tail is the end of the log anyway.
    if (finding.kind !== "manifest" && (this.#options.mode === "cut" || finding.kind === "torn"))
      this.#cut = true;
  }

  #baseFinding({ part, offset, reason }: Finding): void {
    this.#baseIsDamaged = true;
    if (this.#options.mode === "drop") return;
    throw new FerriteError(
      "corruption",
      `the base ${this.#folder}/${part} is damaged at offset ${offset}: ${reason}; what is before it is no state that ever existed, so the log cannot end there. Restore the file, or keep what is valid with --drop`,
    );
  }

  #frame(reader: FrameReader, due: number): void {
    if (this.#isInBase) {
      if (this.#target !== undefined)
        appendRange(reader.file, reader.position, reader.frameEnd, this.#target);
      this.#baseBytes += reader.frameEnd - reader.position;
      return;
    }
    const part = this.#kept.at(-1);
    if (this.#cut || part === undefined) return;
    const { header } = reader;
    if (this.#nextLsn === 0) this.#nextLsn = part.firstLsn = header.firstLsn;
    if (header.firstLsn < due) return;
    if (header.firstLsn > this.#nextLsn) this.#stateLoss(part, header.firstLsn - 1);
    const length = reader.frameEnd - reader.position;
    if (this.#target !== undefined) appendRange(reader.file, reader.position, reader.frameEnd, this.#target);
    part.bytes += length;
    this.#nextLsn = header.nextLsn;
    part.lastLsn = this.#nextLsn - 1;
  }

  #stateLoss(part: KeptPart, lastLsn: number): void {
    const first = this.#nextLsn;
    const line = new Uint8Array(HEADER_BYTES_MAX);
    const { nowMs } = this.#options;
    const length = writeFrameHeader(line, 0, KIND_LOST, first, lastLsn + 1 - first, 0, nowMs, first - 1, 0);
    this.#target?.appendSync(line, 0, length);
    part.bytes += length;
    this.#lost.push({ firstLsn: first, lastLsn });
  }

  #finishTarget(): void {
    const target = this.#target;
    this.#target = undefined;
    if (target === undefined) return;
    try {
      target.syncSync();
    } finally {
      target.close();
    }
  }

  #report(into: string): AofRepair {
    const bytesKept = this.#kept.reduce((total, part) => total + part.bytes, this.#baseBytes);
    return {
      mode: this.#options.mode,
      folder: this.#folder,
      into,
      findings: this.#findings,
      lost: this.#lost,
      baseIsDamaged: this.#baseIsDamaged,
      bytesKept,
      bytesDropped: Math.max(0, this.#bytes - bytesKept),
      lastLsn: Math.max(0, this.#nextLsn - 1),
    };
  }
}

function describe(kept: KeptPart, sealed: boolean): PartEntry {
  const { name, seq } = kept.entry;
  const firstLsn = Math.max(1, kept.firstLsn);
  if (!sealed) return { name, seq, firstLsn };
  return {
    name,
    seq,
    firstLsn,
    sealed: { lastLsn: Math.max(kept.lastLsn, firstLsn - 1), validBytes: kept.bytes },
  };
}

/**
 * Finds where a log is to end for an LSN or a moment.
 *
 * Invariants: nothing is changed; every frame before the end was verified; the end is behind a frame, or within one
 * behind an effect or a unit.
 *
 * A frame's time says that none of its effects is younger; so for a moment the log ends before the first frame that may
 * hold something younger, even if the clock was set back later.
 */
import { FerriteError } from "../base/errors.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { Request } from "../protocol/request.ts";
import { entriesToRead } from "./copied-log.ts";
import { KIND_BASE, KIND_LOST } from "./frame-format.ts";
import {
  COMMAND_EFFECT,
  COMMAND_EXEC,
  COMMAND_MULTI,
  COMMAND_NONE,
  FRAME_END,
  FRAME_OK,
  FrameReader,
} from "./frame-reader.ts";
import { readManifest } from "./manifest-file.ts";
import type { BaseEntry, LogEntries, PartEntry } from "./manifest-format.ts";
import { checkStem } from "./part-names.ts";
import { judgeTail } from "./tail-scan.ts";

export type Target = { readonly lsn: number } | { readonly timeMs: number };

export interface LogEnd {
  readonly base: BaseEntry | undefined;
  /** The parts that are kept whole. */
  readonly parts: readonly PartEntry[];
  readonly cut: Cut;
  /** The parts of which nothing is kept. */
  readonly partsAfter: readonly PartEntry[];
  readonly lastLsn: number;
  readonly lastTimeMs: number;
}

export interface Cut {
  readonly part: PartEntry;
  /** File offset up to which frames are kept whole. */
  readonly offset: number;
  /** The frame there, if some of it is kept: [payloadStart, commandEnd) of the file. */
  readonly frame?: CutFrame;
}

export interface CutFrame {
  readonly firstLsn: number;
  readonly timeMs: number;
  readonly durableLsn: number;
  readonly payloadStart: number;
  readonly commandEnd: number;
  readonly payloadBytes: number;
}

export type Progress = (bytes: number, totalBytes: number) => void;

/** The last moment that a Date can hold. */
const DATE_MS_MAX = 8.64e15;
const PROGRESS_BYTES = 16 * 1024 * 1024;

/** Throws FerriteError: "usage" for a target that the log does not have, "corruption" for damage before it. */
export function findLogEnd(
  fs: FileSystem,
  folder: string,
  stem: string,
  target: Target,
  progress?: Progress,
): LogEnd {
  checkStem(stem);
  const manifest = readManifest(fs, folder, stem);
  if (manifest === undefined) throw new FerriteError("usage", `${folder} holds no log: there is no manifest`);
  return new Search(fs, folder, entriesToRead(fs, folder, manifest), target, progress).run();
}

class Search {
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #log: LogEntries;
  readonly #target: Target;
  readonly #progress: Progress | undefined;
  readonly #totalBytes: number;
  readonly #request = new Request();
  readonly #kept: PartEntry[] = [];
  #bytes = 0;
  #progressAt = PROGRESS_BYTES;
  #due = 0;
  #firstTimeMs = 0;
  #lastTimeMs = 0;

  constructor(
    fs: FileSystem,
    folder: string,
    log: LogEntries,
    target: Target,
    progress: Progress | undefined,
  ) {
    this.#fs = fs;
    this.#folder = folder;
    this.#log = log;
    this.#target = target;
    this.#progress = progress;
    this.#totalBytes = [
      ...log.parts.map((part) => part.sealed?.validBytes ?? this.#size(part.name)),
      log.base?.validBytes ?? 0,
    ].reduce((sum, bytes) => sum + bytes, 0);
  }

  run(): LogEnd {
    const { base, parts } = this.#log;
    const first = base === undefined ? (parts[0]?.firstLsn ?? 1) : base.lsn + 1;
    this.#refuseEarly(base, first);
    if (base !== undefined) this.#readBase(base);
    this.#due = first;
    for (const part of parts) {
      const cut = this.#readPart(part);
      if (cut === undefined) continue;
      const lastLsn = cut.lastLsn;
      if (base === undefined && lastLsn < first) throw this.#before(first);
      const partsAfter = parts.slice(parts.indexOf(part) + 1);
      return { base, parts: this.#kept, cut: cut.cut, partsAfter, lastLsn, lastTimeMs: this.#lastTimeMs };
    }
    throw new FerriteError(
      "usage",
      `${this.#text()} is not before the end of the log, which is at LSN ${this.#due - 1}${this.#lastTimeMs === 0 ? "" : `, ${iso(this.#lastTimeMs)}`}: there is nothing to cut`,
    );
  }

  #refuseEarly(base: BaseEntry | undefined, first: number): void {
    if (!("lsn" in this.#target)) return;
    const { lsn } = this.#target;
    if (base !== undefined && lsn < base.lsn) throw this.#inBase(base);
    if (base === undefined && lsn < first) throw this.#before(first);
  }

  #inBase(base: BaseEntry): FerriteError {
    return new FerriteError(
      "usage",
      `${this.#text()} lies before the base ${base.name}, which holds the state at LSN ${base.lsn} as a whole (the AOF was rewritten there)${this.#firstTimeMs === 0 ? "" : `, ${iso(this.#firstTimeMs)}`}; expected that or later`,
    );
  }

  #before(first: number): FerriteError {
    const time = this.#firstTimeMs === 0 ? "" : `, ${iso(this.#firstTimeMs)}`;
    return new FerriteError(
      "usage",
      `${this.#text()} is before the log, which begins with LSN ${first}${time}`,
    );
  }

  #text(): string {
    return "lsn" in this.#target ? `LSN ${this.#target.lsn}` : iso(this.#target.timeMs);
  }

  #readBase(base: BaseEntry): void {
    const reader = this.#open(base.name, base.validBytes);
    try {
      let status = reader.next();
      for (; status === FRAME_OK; status = reader.next()) {
        const { header } = reader;
        if (header.kind !== KIND_BASE || header.firstLsn !== base.lsn + 1)
          throw this.#damaged(reader, "a frame that is none of this base");
        this.#firstTimeMs = this.#lastTimeMs = header.timeMs;
        if ("timeMs" in this.#target && header.timeMs > this.#target.timeMs) throw this.#inBase(base);
        this.#passed(reader);
      }
      if (status !== FRAME_END) throw this.#damaged(reader, reader.reason);
    } finally {
      reader.file.close();
    }
    this.#bytes += base.validBytes;
  }

  /** undefined if the end is not in this part. */
  #readPart(part: PartEntry): { readonly cut: Cut; readonly lastLsn: number } | undefined {
    if (part.firstLsn !== this.#due)
      throw new FerriteError(
        "corruption",
        `the AOF has a gap before the target: part ${part.name} begins at LSN ${part.firstLsn}, ${this.#due} is due. See \`ferrite aof check\``,
      );
    const reader = this.#open(part.name, part.sealed?.validBytes);
    try {
      let status = reader.next();
      for (; status === FRAME_OK; status = reader.next()) {
        reader.requireKnownKind();
        const { header } = reader;
        if (header.kind === KIND_BASE || header.firstLsn !== this.#due)
          throw this.#damaged(reader, `LSN ${this.#due} is due, found ${header.firstLsn}`);
        if (this.#firstTimeMs === 0) this.#firstTimeMs = header.timeMs;
        if (this.#isBehind(header.firstLsn, header.effects, header.timeMs)) return this.#cutAt(part, reader);
        if (header.effects > 0) this.#lastTimeMs = header.timeMs;
        this.#due = header.nextLsn;
        this.#passed(reader);
      }
      if (status !== FRAME_END && !this.#isSpace(part, reader)) {
        // What is wrong begins right behind the target.
        const offset = reader.position;
        if ("lsn" in this.#target && this.#target.lsn === this.#due - 1)
          return { cut: { part, offset }, lastLsn: this.#due - 1 };
        throw this.#damaged(reader, reader.reason);
      }
    } finally {
      reader.file.close();
    }
    if (part.sealed !== undefined && this.#due !== part.sealed.lastLsn + 1)
      throw new FerriteError(
        "corruption",
        `part ${part.name} ends at LSN ${this.#due - 1}, the manifest says ${part.sealed.lastLsn}. See \`ferrite aof check\``,
      );
    this.#bytes += part.sealed?.validBytes ?? 0;
    this.#kept.push(part);
    return undefined;
  }

  #isSpace(part: PartEntry, reader: FrameReader): boolean {
    return part.sealed === undefined && judgeTail(reader, this.#due).space;
  }

  /** True if the target is before the last effect of the frame. */
  #isBehind(firstLsn: number, effects: number, timeMs: number): boolean {
    if (effects === 0) return false;
    return "lsn" in this.#target ? firstLsn + effects - 1 > this.#target.lsn : timeMs > this.#target.timeMs;
  }

  #cutAt(part: PartEntry, reader: FrameReader): { readonly cut: Cut; readonly lastLsn: number } {
    const { header, payloadStart } = reader;
    const whole = { part, offset: reader.position };
    const none = { cut: whole, lastLsn: header.firstLsn - 1 };
    if (!("lsn" in this.#target) || header.kind === KIND_LOST || this.#target.lsn < header.firstLsn)
      return none;
    const { lsn: target } = this.#target;
    const { firstLsn, timeMs, durableLsn } = header;
    let lsn = firstLsn;
    let lastLsn = firstLsn - 1;
    let commandEnd = 0;
    let inUnit = false;
    for (
      let kind = reader.nextCommand(this.#request);
      kind !== COMMAND_NONE;
      kind = reader.nextCommand(this.#request)
    ) {
      if (kind === COMMAND_EFFECT) lsn++;
      if (kind === COMMAND_MULTI) inUnit = true;
      if (kind === COMMAND_EXEC) inUnit = false;
      if (lsn - 1 > target) break;
      if (inUnit) continue;
      lastLsn = lsn - 1;
      commandEnd = reader.commandEnd;
    }
    if (lastLsn < firstLsn) return none;
    this.#lastTimeMs = timeMs;
    const frame = {
      firstLsn,
      timeMs,
      durableLsn,
      payloadStart,
      commandEnd,
      payloadBytes: commandEnd - payloadStart,
    };
    return { cut: { ...whole, frame }, lastLsn };
  }

  #passed(reader: FrameReader): void {
    const bytes = this.#bytes + reader.frameEnd;
    if (bytes < this.#progressAt) return;
    this.#progressAt = bytes + PROGRESS_BYTES;
    this.#progress?.(bytes, this.#totalBytes);
  }

  #open(name: string, validBytes: number | undefined): FrameReader {
    const size = this.#size(name);
    if (size < (validBytes ?? 0))
      throw new FerriteError(
        "corruption",
        `${this.#folder}/${name} is missing or short: it has ${size} bytes, expected ${validBytes}. See \`ferrite aof check\``,
      );
    return new FrameReader(this.#fs.openSync(`${this.#folder}/${name}`, "read"), 0, validBytes ?? size);
  }

  #size(name: string): number {
    return this.#fs.statSync(`${this.#folder}/${name}`)?.sizeBytes ?? 0;
  }

  #damaged(reader: FrameReader, reason: string): FerriteError {
    return new FerriteError(
      "corruption",
      `${reader.file.path} is damaged at offset ${reader.position}, before the target: ${reason}. See \`ferrite aof repair\``,
    );
  }
}

function iso(timeMs: number): string {
  return timeMs <= DATE_MS_MAX ? new Date(timeMs).toISOString() : `time ${timeMs}`;
}

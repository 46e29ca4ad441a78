/**
 * Walks a log from end to end without stopping at damage, for the tools: what is there, what is wrong and where.
 *
 * Invariants: nothing is changed; every byte of every part is read and checked; what is reported as a valid frame is
 * what `readLog` would accept at that place. Where the manifest is unusable the parts are taken in the order of
 * their numbers, so that a repair has something to work with.
 */

import { latin1 } from "../base/bytes.ts";
import { FerriteError, messageOf } from "../base/errors.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { Request } from "../protocol/request.ts";
import { entriesToRead, isEarlierCopy } from "./copied-log.ts";
import { KIND_BASE, KIND_LOST } from "./frame-format.ts";
import {
  COMMAND_EFFECT,
  COMMAND_MULTI,
  COMMAND_NONE,
  FRAME_END,
  FRAME_OK,
  FrameReader,
} from "./frame-reader.ts";
import { guessEntries } from "./guess-entries.ts";
import { listParts, readManifest } from "./manifest-file.ts";
import type { BaseEntry, LogEntries, PartEntry } from "./manifest-format.ts";
import { checkStem } from "./part-names.ts";
import { unpublishedFiles } from "./read-log.ts";
import { findFrame, judgeTail } from "./tail-scan.ts";

/**
 *  torn      the interrupted last write; recovery cuts it off by itself
 *  damage    bytes that are not what was written
 *  gap       LSNs are missing between two valid frames
 *  missing   a file that the manifest names is not there, or is shorter than it says
 *  manifest  the manifest itself is unusable
 */
export type FindingKind = "torn" | "damage" | "gap" | "missing" | "manifest";

export interface Finding {
  readonly kind: FindingKind;
  readonly part: string;
  readonly offset: number;
  /** Bytes concerned; 0 for a gap. */
  readonly bytes: number;
  /** The LSN that was due there, and the one found next if there is one. */
  readonly dueLsn: number;
  readonly foundLsn?: number;
  readonly reason: string;
}

export interface PartReport {
  readonly name: string;
  readonly seq: number;
  readonly type: "base" | "incr";
  readonly sealed: boolean;
  /** Bytes that belong to the log, valid or not. */
  readonly bytes: number;
  /** Prepared space behind them, which the next start cuts off. */
  readonly spaceBytes: number;
  readonly frames: number;
  readonly effects: number;
  readonly units: number;
  readonly lostEffects: number;
  /** Of a base, whose commands are not effects and have no LSNs. */
  readonly commands: number;
  /** 0 if the part has no effect; of a base the LSN whose state it holds. */
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly firstTimeMs: number;
  readonly lastTimeMs: number;
}

/** What the walk tells while it goes; `due` is the LSN that follows what was valid so far. */
export interface LogVisitor {
  /** A base comes first; its frames are told as those of parts are. */
  base?(entry: BaseEntry): void;
  part?(entry: PartEntry): void;
  /** A valid frame whose first LSN is `due` or, after a gap, above it. `reader` stands on it. */
  frame?(reader: FrameReader, due: number): void;
  finding?(finding: Finding): void;
}

export interface Inspection {
  readonly parts: readonly PartReport[];
  readonly findings: readonly Finding[];
  readonly strayParts: readonly string[];
  /** A copy that was listed before its manifest was made: its log ends where the copy does. */
  readonly copied: boolean;
  /** Effects by command name, in capitals. */
  readonly commands: Readonly<Record<string, number>>;
  readonly databases: readonly number[];
  readonly lastLsn: number;
}

/** Throws FerriteError("usage") for a log that ferrite did not write or a newer one did, or the system's error. */
export function inspectLog(
  fs: FileSystem,
  folder: string,
  stem: string,
  visitor: LogVisitor = {},
): Inspection {
  checkStem(stem);
  return new Inspector(fs, folder, stem, visitor).run();
}

class Inspector {
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #stem: string;
  readonly #visitor: LogVisitor;
  readonly #request = new Request();
  readonly #findings: Finding[] = [];
  readonly #commands = new Map<string, number>();
  readonly #databases = new Set<number>();
  /** Parts that are not stray. */
  readonly #known = new Set<string>();
  #due = 0;
  #copied = false;
  #isInBase = false;

  constructor(fs: FileSystem, folder: string, stem: string, visitor: LogVisitor) {
    this.#fs = fs;
    this.#folder = folder;
    this.#stem = stem;
    this.#visitor = visitor;
  }

  run(): Inspection {
    const { base, parts: entries } = this.#entries();
    const reports = base === undefined ? [] : [this.#inspectBase(base)];
    if (this.#copied) this.#inspectCopy(entries, reports);
    else
      for (const [i, entry] of entries.entries()) {
        // A gap that the manifest states is what a checkpoint holds.
        if (entries[i - 1]?.sealed?.lastLsn === this.#due - 1) this.#due = entry.firstLsn;
        reports.push(this.#inspectPart(entry, i === entries.length - 1));
      }
    const present = listParts(this.#fs, this.#folder, this.#stem).map(({ name }) => name);
    return {
      parts: reports,
      findings: this.#findings,
      strayParts: present.filter((name) => !this.#known.has(name)),
      copied: this.#copied,
      commands: Object.fromEntries([...this.#commands].sort((a, b) => b[1] - a[1])),
      databases: [...this.#databases].sort((a, b) => a - b),
      lastLsn: Math.max(0, this.#due - 1),
    };
  }

  #entries(): LogEntries {
    let reason = "there is no manifest";
    try {
      const manifest = readManifest(this.#fs, this.#folder, this.#stem);
      for (const name of unpublishedFiles(this.#fs, this.#folder, this.#stem, manifest))
        this.#known.add(name);
      if (manifest !== undefined) {
        this.#copied = isEarlierCopy(this.#fs, this.#folder, manifest);
        for (const { name } of manifest.left?.parts ?? []) this.#known.add(name);
        return this.#knowing(entriesToRead(this.#fs, this.#folder, manifest));
      }
    } catch (error) {
      if (!(error instanceof FerriteError) || error.kind !== "corruption") throw error;
      reason = messageOf(error);
    }
    const guess = guessEntries(this.#fs, this.#folder, this.#stem, this.#known);
    if (guess.parts.length > 0 || guess.base !== undefined)
      this.#report({ kind: "manifest", part: "", offset: 0, bytes: 0, dueLsn: 0, reason });
    return this.#knowing(guess);
  }

  #knowing(log: LogEntries): LogEntries {
    for (const { name } of log.parts) this.#known.add(name);
    return log;
  }

  #inspectBase(base: BaseEntry): PartReport {
    this.#visitor.base?.(base);
    this.#due = base.lsn + 1;
    this.#isInBase = true;
    const { name, seq, lsn, validBytes } = base;
    const sealed = { lastLsn: lsn, validBytes };
    const report = this.#inspectFile({ name, seq, firstLsn: lsn + 1, sealed }, false);
    this.#isInBase = false;
    return report;
  }

  /** Ends with the first part of which the copy does not have all; see copied-log.ts. */
  #inspectCopy(entries: readonly PartEntry[], reports: PartReport[]): void {
    for (const [index, entry] of entries.entries()) {
      const size = this.#fs.statSync(`${this.#folder}/${entry.name}`)?.sizeBytes;
      const isFirst = index === 0 && reports.length === 0;
      if (size === undefined && !isFirst) return;
      const { name, seq, firstLsn, sealed } = entry;
      const limit =
        sealed === undefined || size === undefined ? {} : { limit: Math.min(size, sealed.validBytes) };
      reports.push(this.#inspectPart({ name, seq, firstLsn, ...limit }, true));
      if (sealed === undefined || this.#due <= sealed.lastLsn) return;
    }
  }

  #inspectPart(entry: PartEntry & { readonly limit?: number }, last: boolean): PartReport {
    this.#visitor.part?.(entry);
    if (this.#due === 0) this.#due = entry.firstLsn;
    return this.#inspectFile(entry, last, entry.limit);
  }

  #inspectFile(entry: PartEntry, last: boolean, bytesMax?: number): PartReport {
    const report = new PartTally(entry, this.#isInBase);
    const path = `${this.#folder}/${entry.name}`;
    const size = this.#fs.statSync(path)?.sizeBytes;
    const bytes = bytesMax ?? entry.sealed?.validBytes ?? size ?? 0;
    if (size === undefined || size < bytes) {
      const reason =
        size === undefined ? "the file is missing" : `the file has ${size} bytes, expected ${bytes}`;
      this.#report({
        kind: "missing",
        part: entry.name,
        offset: size ?? 0,
        bytes: bytes - (size ?? 0),
        dueLsn: this.#due,
        reason,
      });
    }
    if (size === undefined) return report.done(0);
    const limit = Math.min(size, bytes);
    const file = this.#fs.openSync(path, "read");
    try {
      let reader: FrameReader | undefined = new FrameReader(file, 0, limit);
      while (reader !== undefined)
        reader = this.#frames(reader, entry, last && entry.sealed === undefined, report);
    } finally {
      file.close();
    }
    const { sealed } = entry;
    if (sealed && this.#due <= sealed.lastLsn) {
      this.#report({
        kind: "gap",
        part: entry.name,
        offset: limit,
        bytes: 0,
        dueLsn: this.#due,
        reason: `the part ends before LSN ${sealed.lastLsn}`,
      });
    }
    return report.done(limit - report.spaceBytes);
  }

  /** Reads frames up to the end or the next damage; answers a reader on the frame after the damage, if any. */
  #frames(
    reader: FrameReader,
    entry: PartEntry,
    mayBeTorn: boolean,
    report: PartTally,
  ): FrameReader | undefined {
    let status = reader.readAt(reader.position);
    for (; status === FRAME_OK; status = reader.next()) this.#frame(reader, entry, report);
    if (status === FRAME_END) return undefined;
    const { position, reason } = reader;
    const { limit } = reader.window;
    const verdict = mayBeTorn ? judgeTail(reader, this.#due) : undefined;
    if (verdict?.space === true) {
      report.spaceBytes = limit - position;
      return undefined;
    }
    const from = reader.extentKnown ? reader.extentEnd : position + 1;
    const next =
      verdict?.torn === true ? undefined : findFrame(reader.file, from, limit, position, this.#due);
    const foundLsn = next === undefined ? {} : { foundLsn: next.header.firstLsn };
    const kind = verdict?.torn === true ? "torn" : "damage";
    this.#report({
      kind,
      part: entry.name,
      offset: position,
      bytes: (next?.position ?? limit) - position,
      dueLsn: this.#due,
      ...foundLsn,
      reason,
    });
    return next;
  }

  #frame(reader: FrameReader, entry: PartEntry, report: PartTally): void {
    reader.requireKnownKind();
    const { header } = reader;
    if ((header.kind === KIND_BASE) !== this.#isInBase) {
      const reason = `a frame of kind #${String.fromCharCode(header.kind)} lies in a ${this.#isInBase ? "base" : "part"}`;
      this.#damage(reader, entry, reason);
      return;
    }
    if (this.#due === 0) this.#due = header.firstLsn;
    if (header.firstLsn !== this.#due) {
      const reason = `LSN ${this.#due} is due, found ${header.firstLsn}`;
      this.#report({
        kind: "gap",
        part: entry.name,
        offset: reader.position,
        bytes: 0,
        dueLsn: this.#due,
        foundLsn: header.firstLsn,
        reason,
      });
    }
    if (header.kind === KIND_LOST) report.lostEffects += header.effects;
    else if (!this.#effects(reader, entry, report)) return;
    report.frames++;
    report.time(header.timeMs);
    if (header.effects > 0 && !this.#isInBase) report.lsns(header.firstLsn, header.nextLsn - 1);
    this.#visitor.frame?.(reader, this.#due);
    this.#due = Math.max(this.#due, header.nextLsn);
  }

  /** Counts the frame's effects; false if its payload, whose checksum is right, is not what it should be. */
  #effects(reader: FrameReader, entry: PartEntry, report: PartTally): boolean {
    const { header } = reader;
    let effects = 0;
    let reason = "";
    try {
      for (
        let kind = reader.nextCommand(this.#request);
        kind !== COMMAND_NONE;
        kind = reader.nextCommand(this.#request)
      ) {
        if (kind === COMMAND_MULTI) report.units++;
        if (kind !== COMMAND_EFFECT) continue;
        effects++;
        this.#databases.add(reader.db);
        if (this.#isInBase) continue;
        const name = latin1(
          this.#request.bytes,
          this.#request.offsets[0]!,
          this.#request.lengths[0]!,
        ).toUpperCase();
        this.#commands.set(name, (this.#commands.get(name) ?? 0) + 1);
      }
    } catch (error) {
      if (!(error instanceof FerriteError)) throw error;
      reason = error.message;
    }
    if (reason === "" && effects !== header.effects) {
      reason = `the frame holds ${effects} effects, its header says ${header.effects}`;
    }
    if (reason === "") {
      if (this.#isInBase) report.commands += effects;
      else report.effects += effects;
      return true;
    }
    this.#damage(reader, entry, reason);
    return false;
  }

  /** A frame whose checksums are right, but not its content. */
  #damage(reader: FrameReader, entry: PartEntry, reason: string): void {
    this.#report({
      kind: "damage",
      part: entry.name,
      offset: reader.position,
      bytes: reader.frameEnd - reader.position,
      dueLsn: reader.header.firstLsn,
      reason,
    });
  }

  #report(finding: Finding): void {
    this.#findings.push(finding);
    this.#visitor.finding?.(finding);
  }
}

class PartTally {
  readonly #entry: PartEntry;
  readonly #isBase: boolean;
  frames = 0;
  effects = 0;
  commands = 0;
  units = 0;
  lostEffects = 0;
  spaceBytes = 0;
  #firstLsn = 0;
  #lastLsn = 0;
  #firstTimeMs = 0;
  #lastTimeMs = 0;

  constructor(entry: PartEntry, isBase: boolean) {
    this.#entry = entry;
    this.#isBase = isBase;
    if (isBase) this.#firstLsn = this.#lastLsn = entry.firstLsn - 1;
  }

  lsns(first: number, last: number): void {
    if (this.#firstLsn === 0) this.#firstLsn = first;
    this.#lastLsn = last;
  }

  time(timeMs: number): void {
    if (this.#firstTimeMs === 0) this.#firstTimeMs = timeMs;
    this.#lastTimeMs = timeMs;
  }

  done(bytes: number): PartReport {
    return {
      name: this.#entry.name,
      seq: this.#entry.seq,
      type: this.#isBase ? "base" : "incr",
      sealed: this.#entry.sealed !== undefined,
      bytes,
      spaceBytes: this.spaceBytes,
      frames: this.frames,
      effects: this.effects,
      units: this.units,
      lostEffects: this.lostEffects,
      commands: this.commands,
      firstLsn: this.#firstLsn,
      lastLsn: this.#lastLsn,
      firstTimeMs: this.#firstTimeMs,
      lastTimeMs: this.#lastTimeMs,
    };
  }
}

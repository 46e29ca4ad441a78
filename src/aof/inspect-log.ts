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
import { KIND_LOST } from "./frame-format.ts";
import {
  COMMAND_EFFECT,
  COMMAND_MULTI,
  COMMAND_NONE,
  FRAME_END,
  FRAME_OK,
  FrameReader,
} from "./frame-reader.ts";
import { listParts, readManifest } from "./manifest-file.ts";
import type { PartEntry } from "./manifest-format.ts";
import { checkStem } from "./part-names.ts";
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
  readonly sealed: boolean;
  /** Bytes that belong to the log, valid or not. */
  readonly bytes: number;
  /** Prepared space behind them, which the next start cuts off. */
  readonly spaceBytes: number;
  readonly frames: number;
  readonly effects: number;
  readonly units: number;
  readonly lostEffects: number;
  /** 0 if the part has no effect. */
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly firstTimeMs: number;
  readonly lastTimeMs: number;
}

/** What the walk tells while it goes; `due` is the LSN that follows what was valid so far. */
export interface LogVisitor {
  part?(entry: PartEntry): void;
  /** A valid frame whose first LSN is `due` or, after a gap, above it. `reader` stands on it. */
  frame?(reader: FrameReader, due: number): void;
  finding?(finding: Finding): void;
}

export interface Inspection {
  readonly parts: readonly PartReport[];
  readonly findings: readonly Finding[];
  readonly strayParts: readonly string[];
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
  #due = 0;

  constructor(fs: FileSystem, folder: string, stem: string, visitor: LogVisitor) {
    this.#fs = fs;
    this.#folder = folder;
    this.#stem = stem;
    this.#visitor = visitor;
  }

  run(): Inspection {
    const present = listParts(this.#fs, this.#folder, this.#stem);
    const entries = this.#entries(present);
    const named = new Set(entries.map((entry) => entry.name));
    const parts = entries.map((entry, index) => this.#inspectPart(entry, index === entries.length - 1));
    return {
      parts,
      findings: this.#findings,
      strayParts: present.map((part) => part.name).filter((name) => !named.has(name)),
      commands: Object.fromEntries([...this.#commands].sort((a, b) => b[1] - a[1])),
      databases: [...this.#databases].sort((a, b) => a - b),
      lastLsn: Math.max(0, this.#due - 1),
    };
  }

  #entries(present: readonly { name: string; seq: number }[]): readonly PartEntry[] {
    let reason = "there is no manifest";
    try {
      const manifest = readManifest(this.#fs, this.#folder, this.#stem);
      if (manifest !== undefined) return manifest.parts;
      if (present.length === 0) return [];
    } catch (error) {
      if (!(error instanceof FerriteError) || error.kind !== "corruption") throw error;
      reason = messageOf(error);
    }
    this.#report({ kind: "manifest", part: "", offset: 0, bytes: 0, dueLsn: 0, reason });
    return present.map(({ name, seq }) => ({ name, seq, firstLsn: 0 }));
  }

  #inspectPart(entry: PartEntry, last: boolean): PartReport {
    this.#visitor.part?.(entry);
    if (this.#due === 0) this.#due = entry.firstLsn;
    const report = new PartTally(entry);
    const path = `${this.#folder}/${entry.name}`;
    const size = this.#fs.statSync(path)?.sizeBytes;
    const bytes = entry.sealed?.validBytes ?? size ?? 0;
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
    if (header.effects > 0) report.lsns(header.firstLsn, header.nextLsn - 1);
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
        const name = latin1(
          this.#request.bytes,
          this.#request.offsets[0]!,
          this.#request.lengths[0]!,
        ).toUpperCase();
        this.#commands.set(name, (this.#commands.get(name) ?? 0) + 1);
        this.#databases.add(reader.db);
      }
    } catch (error) {
      if (!(error instanceof FerriteError)) throw error;
      reason = error.message;
    }
    if (reason === "" && effects !== header.effects) {
      reason = `the frame holds ${effects} effects, its header says ${header.effects}`;
    }
    if (reason === "") {
      report.effects += effects;
      return true;
    }
    const bytes = reader.frameEnd - reader.position;
    this.#report({
      kind: "damage",
      part: entry.name,
      offset: reader.position,
      bytes,
      dueLsn: header.firstLsn,
      reason,
    });
    return false;
  }

  #report(finding: Finding): void {
    this.#findings.push(finding);
    this.#visitor.finding?.(finding);
  }
}

class PartTally {
  readonly #entry: PartEntry;
  frames = 0;
  effects = 0;
  units = 0;
  lostEffects = 0;
  spaceBytes = 0;
  #firstLsn = 0;
  #lastLsn = 0;
  #firstTimeMs = 0;
  #lastTimeMs = 0;

  constructor(entry: PartEntry) {
    this.#entry = entry;
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
      sealed: this.#entry.sealed !== undefined,
      bytes,
      spaceBytes: this.spaceBytes,
      frames: this.frames,
      effects: this.effects,
      units: this.units,
      lostEffects: this.lostEffects,
      firstLsn: this.#firstLsn,
      lastLsn: this.#lastLsn,
      firstTimeMs: this.#firstTimeMs,
      lastTimeMs: this.#lastTimeMs,
    };
  }
}

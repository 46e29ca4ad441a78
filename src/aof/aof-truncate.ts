/**
 * Ends a log at an LSN or at a moment: what was done after it is undone.
 *
 * Invariants:
 *  - what is kept is kept byte for byte; only the frame that the end lies in is written anew, with the commands before it.
 *    A unit is kept whole or not at all;
 *  - everything that is kept is verified while it is copied, and the result is read again before it is answered;
 *  - a copy is a complete log of its own; the original is not touched. In place, no byte is removed: the manifest ends the
 *    log, and what follows stays as files that no manifest names.
 *
 * What lies behind the end is not read: a log that is damaged there can be ended before the damage.
 */

import { crc32 } from "../base/crc32.ts";
import { FerriteError } from "../base/errors.ts";
import type { File, FileSystem } from "../ports/file-system.ts";
import { FileWindow, WINDOW_BYTES } from "./file-window.ts";
import { HEADER_BYTES_MAX, KIND_EFFECTS, writeFrameHeader } from "./frame-format.ts";
import { inspectLog } from "./inspect-log.ts";
import { LogFolder } from "./log-folder.ts";
import { publishManifest } from "./manifest-file.ts";
import { type PartEntry, withBase } from "./manifest-format.ts";
import { DEFAULT_STEM, tornName } from "./part-names.ts";
import { appendRange, copyRange } from "./torn-tail.ts";
import { findLogEnd, type LogEnd, type Target } from "./truncate-target.ts";

export interface AofTruncateOptions {
  readonly stem?: string;
  readonly target: Target;
  /** A folder for the copy; must be absent or empty. Without it the log itself is ended. */
  readonly into?: string;
  /** Wall clock, for names. */
  readonly nowMs: number;
  /** Told now and then how many bytes of about how many have been gone through. */
  readonly progress?: (bytes: number, totalBytes: number) => void;
}

export interface AofTruncation {
  readonly folder: string;
  readonly into: string;
  /** The last effect that is kept, and the time of its frame. */
  readonly lastLsn: number;
  readonly lastTimeMs: number;
  /** Where the log was cut: the first byte that is not kept. */
  readonly part: string;
  readonly offset: number;
  readonly bytesKept: number;
  /** The frame that the end lay in was written anew. */
  readonly frameWasCut: boolean;
  /** Files that no manifest names any more, which hold what was cut off; for a truncation in place. */
  readonly setAside: readonly string[];
}

/**
 * Throws FerriteError: "usage" for a target that the log does not have, "corruption" for damage before it; or the system's
 * error. A copy that was begun is left behind then.
 */
export function aofTruncate(fs: FileSystem, folder: string, options: AofTruncateOptions): AofTruncation {
  const { into, stem = DEFAULT_STEM, nowMs } = options;
  if (into !== undefined && fs.statSync(into) !== undefined && fs.listSync(into).length > 0)
    throw new FerriteError("usage", `${into} is not empty; expected a new folder for the truncated copy`);
  const end = findLogEnd(fs, folder, stem, options.target, options.progress);
  const setAside =
    into === undefined ? endInPlace(fs, folder, stem, end, nowMs) : copy(fs, folder, stem, end, into);
  verify(fs, into ?? folder, stem, end.lastLsn);
  const before = end.parts.reduce(
    (sum, part) => sum + (part.sealed?.validBytes ?? 0),
    end.base?.validBytes ?? 0,
  );
  return {
    folder,
    into: into ?? folder,
    lastLsn: end.lastLsn,
    lastTimeMs: end.lastTimeMs,
    part: end.cut.part.name,
    offset: end.cut.frame?.commandEnd ?? end.cut.offset,
    bytesKept: before + end.cut.offset + (end.cut.frame?.payloadBytes ?? 0),
    frameWasCut: end.cut.frame !== undefined,
    setAside,
  };
}

function copy(fs: FileSystem, folder: string, stem: string, end: LogEnd, into: string): readonly string[] {
  const { base, parts, cut } = end;
  fs.makeDirectorySync(into);
  if (base !== undefined) copyRange(fs, `${folder}/${base.name}`, 0, base.validBytes, `${into}/${base.name}`);
  for (const { name, sealed } of parts)
    copyRange(fs, `${folder}/${name}`, 0, sealed?.validBytes ?? 0, `${into}/${name}`);
  const source = fs.openSync(`${folder}/${cut.part.name}`, "read");
  try {
    const target = fs.openSync(`${into}/${cut.part.name}`, "create");
    try {
      appendRange(source, 0, cut.offset, target);
      if (cut.frame !== undefined) appendCutFrame(source, end, target);
      target.syncSync();
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
  const { name, seq, firstLsn } = cut.part;
  publishManifest(fs, into, stem, { ...withBase(base), parts: [...parts, { name, seq, firstLsn }] });
  return [];
}

function endInPlace(
  fs: FileSystem,
  folder: string,
  stem: string,
  end: LogEnd,
  nowMs: number,
): readonly string[] {
  const { base, cut, lastLsn } = end;
  const boundaryLsn = cut.frame === undefined ? lastLsn : cut.frame.firstLsn - 1;
  const ended = { ...cut.part, sealed: { lastLsn: boundaryLsn, validBytes: cut.offset } };
  const parts: readonly PartEntry[] = [...end.parts, ended];
  const setAside = [...saveTail(fs, folder, ended, nowMs), ...end.partsAfter.map(({ name }) => name)];
  const log = new LogFolder({ fs, path: folder, stem, manifest: { ...withBase(base), parts }, marks: false });
  const open = log.create(boundaryLsn + 1);
  try {
    if (cut.frame !== undefined) {
      const source = fs.openSync(`${folder}/${cut.part.name}`, "read");
      try {
        appendCutFrame(source, end, open.file);
      } finally {
        source.close();
      }
      open.file.syncSync();
    }
    log.publish(undefined, open);
  } finally {
    open.close();
  }
  return setAside;
}

/** The next start cuts the part at its end, so what lies behind is kept under another name. */
function saveTail(fs: FileSystem, folder: string, part: PartEntry, nowMs: number): string[] {
  const path = `${folder}/${part.name}`;
  const size = fs.statSync(path)?.sizeBytes ?? 0;
  const from = part.sealed?.validBytes ?? size;
  if (size <= from) return [];
  const name = tornName(part.name, Math.floor(nowMs));
  copyRange(fs, path, from, size, `${folder}/${name}`);
  return [name];
}

/** The frame that the end lies in, with the commands before the end. */
function appendCutFrame(source: File, end: LogEnd, target: File): void {
  const frame = end.cut.frame!;
  const line = new Uint8Array(HEADER_BYTES_MAX);
  const crc = checksum(source, frame.payloadStart, frame.commandEnd);
  const length = writeFrameHeader(
    line,
    0,
    KIND_EFFECTS,
    frame.firstLsn,
    end.lastLsn + 1 - frame.firstLsn,
    frame.payloadBytes,
    frame.timeMs,
    frame.durableLsn,
    crc,
  );
  target.appendSync(line, 0, length);
  appendRange(source, frame.payloadStart, frame.commandEnd, target);
}

function checksum(file: File, from: number, to: number): number {
  const window = new FileWindow(file, to);
  let crc = 0;
  for (let position = from; position < to; position += WINDOW_BYTES) {
    const length = Math.min(WINDOW_BYTES, to - position);
    const at = window.ensure(position, length);
    if (at < 0) throw new FerriteError("corruption", `${file.path} ends before ${to}, it was longer before`);
    crc = crc32(window.bytes, at, length, crc);
  }
  return crc;
}

function verify(fs: FileSystem, folder: string, stem: string, lastLsn: number): void {
  const { findings, lastLsn: found } = inspectLog(fs, folder, stem);
  if (findings.length === 0 && found === lastLsn) return;
  const what =
    findings[0] === undefined ? `it ends at LSN ${found}` : `${findings[0].part}: ${findings[0].reason}`;
  throw new FerriteError(
    "corruption",
    `the truncated log in ${folder} is not what was written (${what}, expected LSN ${lastLsn}): the disk may be failing; do not use it`,
  );
}

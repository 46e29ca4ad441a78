/** Prints the append-only file: its manifest, and the frames of a part with the commands in them. */
import { KIND_BASE } from "../aof/frame-format.ts";
import {
  COMMAND_EFFECT,
  COMMAND_MULTI,
  COMMAND_NONE,
  FRAME_END,
  FRAME_OK,
  FrameReader,
} from "../aof/frame-reader.ts";
import { decodeManifest, type LogEntries } from "../aof/manifest-format.ts";
import { judgeTail } from "../aof/tail-scan.ts";
import { FerriteError } from "../base/errors.ts";
import { damagedFile } from "../engine/warm/file-finding.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { Request } from "../protocol/request.ts";
import { type InspectOutput, Quoted, timeText } from "./inspect-output.ts";

export function inspectAofManifest(fs: FileSystem, path: string, out: InspectOutput): void {
  const manifest = decodeManifest(fs.readFileSync(path), path);
  out.line("aof-manifest", { file: path, parts: manifest.parts.length, mark: manifest.mark });
  printEntries(manifest, "", out);
  if (manifest.left !== undefined) printEntries(manifest.left, "left-", out);
}

function printEntries({ base, parts }: LogEntries, prefix: string, out: InspectOutput): void {
  if (base !== undefined) {
    const { name, seq, lsn, validBytes } = base;
    out.line(`${prefix}base`, { name, seq, lsn, validBytes });
  }
  for (const { name, seq, firstLsn, sealed } of parts) {
    out.line(`${prefix}part`, {
      name,
      seq,
      firstLsn,
      sealed: sealed !== undefined,
      lastLsn: sealed?.lastLsn,
      validBytes: sealed?.validBytes,
    });
  }
}

export function inspectAofPart(fs: FileSystem, path: string, out: InspectOutput): void {
  const file = fs.openSync(path, "read");
  try {
    const bytes = file.sizeSync();
    out.line("aof-part", { file: path, bytes });
    const reader = new FrameReader(file, 0, bytes);
    let frames = 0;
    let due = 0;
    let status = reader.next();
    for (; status === FRAME_OK; status = reader.next()) {
      frames++;
      due = reader.header.nextLsn;
      if (frames <= out.limit) printFrame(reader, out);
    }
    out.rest("frames", frames - out.limit);
    if (status !== FRAME_END) endOfPart(reader, due, path, out);
  } finally {
    file.close();
  }
}

/** What follows the last valid frame: space that is kept ready, or damage. */
function endOfPart(reader: FrameReader, due: number, path: string, out: InspectOutput): void {
  const { position, reason } = reader;
  const verdict = judgeTail(reader, due);
  if (!verdict.space) {
    const where = verdict.torn
      ? "nothing valid follows, as after an interrupted write"
      : "valid frames follow";
    throw damagedFile(path, `${reason}; ${where}`, position);
  }
  out.line("prepared-space", { offset: position, bytes: reader.window.limit - position });
}

function printFrame(reader: FrameReader, out: InspectOutput): void {
  const { header, position } = reader;
  out.line("frame", {
    offset: position,
    type: `#${String.fromCharCode(header.kind)}`,
    firstLsn: header.firstLsn,
    effects: header.effects,
    time: timeText(header.timeMs),
    durableLsn: header.durableLsn,
    bytes: header.payloadBytes,
  });
  const request = new Request();
  let lsn = header.firstLsn;
  try {
    reader.requireKnownKind();
    for (let kind = reader.nextCommand(request); kind !== COMMAND_NONE; kind = reader.nextCommand(request)) {
      if (kind === COMMAND_EFFECT) {
        out.line("command", {
          lsn: header.kind === KIND_BASE ? undefined : lsn++,
          db: reader.db,
          words: wordsOf(request),
        });
      } else out.line(kind === COMMAND_MULTI ? "multi" : "exec", {});
    }
  } catch (error) {
    if (!(error instanceof FerriteError) || error.kind !== "corruption") throw error;
    throw damagedFile(reader.file.path, error.message, position);
  }
}

function wordsOf({ argc, bytes, offsets, lengths }: Request): Quoted[] {
  return Array.from({ length: argc }, (_, i) => new Quoted(bytes, offsets[i]!, lengths[i]!));
}

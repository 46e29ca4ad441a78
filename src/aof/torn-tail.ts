/**
 * Cuts the torn tail that `readLog` reported off the last part.
 *
 * Invariant: the bytes that are cut off are durable under another name first, unless they are blank. Whatever they
 * were, no reply ever promised them; but a person may want to look at them.
 */
import { FerriteError } from "../base/errors.ts";
import type { File, FileSystem } from "../ports/file-system.ts";
import { tornName } from "./part-names.ts";
import type { TornTail } from "./read-log.ts";

const COPY_BYTES = 1024 * 1024;

/** Returns the name of the file that holds what was cut off, or undefined if that was blank. Throws the system's error. */
export function truncateTornTail(
  fs: FileSystem,
  folder: string,
  tail: TornTail,
  nowMs: number,
): string | undefined {
  const path = `${folder}/${tail.part}`;
  let kept: string | undefined;
  if (!tail.blank && tail.bytes > 0) {
    kept = freeName(fs, folder, tail.part, Math.floor(nowMs));
    copyRange(fs, path, tail.offset, tail.offset + tail.contentBytes, `${folder}/${kept}`);
    fs.syncDirectorySync(folder);
  }
  const file = fs.openSync(path, "append");
  try {
    file.truncateSync(tail.offset);
    file.syncSync();
  } finally {
    file.close();
  }
  return kept;
}

function freeName(fs: FileSystem, folder: string, part: string, timeMs: number): string {
  while (fs.statSync(`${folder}/${tornName(part, timeMs)}`) !== undefined) timeMs++;
  return tornName(part, timeMs);
}

/** Copies bytes [from, to) of a file to a new, synced file. Throws EEXIST if `target` exists. */
export function copyRange(fs: FileSystem, path: string, from: number, to: number, target: string): void {
  const source = fs.openSync(path, "read");
  try {
    const copy = fs.openSync(target, "create");
    try {
      appendRange(source, from, to, copy);
      copy.syncSync();
    } finally {
      copy.close();
    }
  } finally {
    source.close();
  }
}

/** Appends bytes [from, to) of `source` to `target`, a bounded step at a time; throws if `source` is shorter. */
export function appendRange(source: File, from: number, to: number, target: File): void {
  const buffer = new Uint8Array(Math.min(COPY_BYTES, Math.max(1, to - from)));
  for (let position = from; position < to; ) {
    const read = source.readSync(position, buffer, 0, Math.min(buffer.length, to - position));
    if (read === 0)
      throw new FerriteError("corruption", `${source.path} ends at ${position}, expected ${to} bytes`);
    target.appendSync(buffer, 0, read);
    position += read;
  }
}

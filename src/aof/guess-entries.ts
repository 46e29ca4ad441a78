/**
 * What a log consists of, where no manifest says so: for the tools, so that a repair has something to work with.
 *
 * The newest base that begins with a valid frame, and the parts that hold anything after its LSN, or else all parts;
 * in the order of their numbers, by which they were written. What is wrong with them is found by who reads them.
 */
import type { FileSystem } from "../ports/file-system.ts";
import type { FrameHeader } from "./frame-format.ts";
import { KIND_BASE } from "./frame-format.ts";
import { FRAME_OK, FrameReader } from "./frame-reader.ts";
import { listBases, listParts } from "./manifest-file.ts";
import type { BaseEntry, LogEntries } from "./manifest-format.ts";

/** `firstLsn` 0 stands for an unknown one. Throws the system's error. */
export function guessEntries(
  fs: FileSystem,
  folder: string,
  stem: string,
  without: ReadonlySet<string>,
): LogEntries {
  const isOurs = ({ name }: { readonly name: string }): boolean => !without.has(name);
  const parts = listParts(fs, folder, stem).filter(isOurs);
  const base = newestBase(fs, folder, listBases(fs, folder, stem).filter(isOurs));
  if (base === undefined) return { parts: parts.map((part) => ({ ...part, firstLsn: 0 })) };
  const firstLsns = parts.map(({ name }) => firstHeader(fs, `${folder}/${name}`)?.firstLsn);
  const after = parts.filter(
    (_, index) =>
      !firstLsns.slice(index + 1).some((firstLsn) => firstLsn !== undefined && firstLsn <= base.lsn + 1),
  );
  return { base, parts: after.map((part) => ({ ...part, firstLsn: 0 })) };
}

function newestBase(
  fs: FileSystem,
  folder: string,
  bases: readonly { readonly name: string; readonly seq: number }[],
): BaseEntry | undefined {
  for (const { name, seq } of [...bases].reverse()) {
    const path = `${folder}/${name}`;
    const header = firstHeader(fs, path);
    if (header?.kind !== KIND_BASE) continue;
    return { name, seq, lsn: header.firstLsn - 1, validBytes: fs.statSync(path)?.sizeBytes ?? 0 };
  }
  return undefined;
}

function firstHeader(fs: FileSystem, path: string): FrameHeader | undefined {
  const file = fs.openSync(path, "read");
  try {
    const reader = new FrameReader(file, 0, file.sizeSync());
    return reader.next() === FRAME_OK ? reader.header : undefined;
  } finally {
    file.close();
  }
}

/** The names of the files in an AOF folder: the one place that builds and parses them. */
import { FerriteError } from "../base/errors.ts";

/** The stem that Redis uses too (`appendfilename`). */
export const DEFAULT_STEM = "appendonly.aof";

/**
 * Refuses a stem that would leave the folder or that Redis's manifest, whose fields are split at blanks and
 * quotes, could not hold. Throws FerriteError("usage").
 */
export function checkStem(stem: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(stem)) return;
  throw new FerriteError(
    "usage",
    `persistence.aof_file is ${JSON.stringify(stem)}; expected 1 to 200 letters, digits, '.', '_' or '-', beginning with a letter or digit`,
  );
}

export function manifestName(stem: string): string {
  return `${stem}.manifest`;
}

/** Where a new manifest is written before it is renamed; Redis uses the same prefix. */
export function temporaryManifestName(stem: string): string {
  return `temp-${stem}.manifest`;
}

export function partName(stem: string, seq: number): string {
  return `${stem}.${seq}.incr.aof`;
}

/** The sequence number in a part's name, or undefined if the name is not that of a part of this stem. */
export function partSeq(stem: string, name: string): number | undefined {
  return numberIn(stem, name, ".incr.aof");
}

/** A base: the state at one LSN, as commands. Bases are numbered by themselves, as in Redis. */
export function baseName(stem: string, seq: number): string {
  return `${stem}.${seq}.base.aof`;
}

/** The number in a base's name, also in that of an unfinished one; undefined for any other name. */
export function baseSeq(stem: string, name: string): number | undefined {
  const finished = name.endsWith(UNFINISHED) ? name.slice(0, -UNFINISHED.length) : name;
  return numberIn(stem, finished, ".base.aof");
}

/** Behind the name of a base that is still being written. */
export const UNFINISHED = ".new";

/** The empty file that shows that a folder was listed after its manifest was made; see log-folder.ts. */
export function markName(stem: string, generation: number): string {
  return `${stem}.${generation}.mark`;
}

export function markGeneration(stem: string, name: string): number | undefined {
  return numberIn(stem, name, ".mark");
}

/** The empty file that shows that parts from this number on belong to a log that is not published yet. */
export function pendingName(stem: string, seq: number): string {
  return `${stem}.${seq}.pending`;
}

export function pendingSeq(stem: string, name: string): number | undefined {
  return numberIn(stem, name, ".pending");
}

function numberIn(stem: string, name: string, ending: string): number | undefined {
  if (!name.startsWith(`${stem}.`) || !name.endsWith(ending)) return undefined;
  const digits = name.slice(stem.length + 1, name.length - ending.length);
  return /^[1-9][0-9]{0,14}$/.test(digits) ? Number(digits) : undefined;
}

/** Where the bytes that recovery cut off a part are kept. */
export function tornName(part: string, timeMs: number): string {
  return `${part}.torn-${timeMs}`;
}

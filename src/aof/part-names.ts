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
  if (!name.startsWith(`${stem}.`)) return undefined;
  const match = /^([1-9][0-9]{0,14})\.incr\.aof$/.exec(name.slice(stem.length + 1));
  return match === null ? undefined : Number(match[1]);
}

/** Where the bytes that recovery cut off a part are kept. */
export function tornName(part: string, timeMs: number): string {
  return `${part}.torn-${timeMs}`;
}

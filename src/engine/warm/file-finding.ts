/**
 * What is wrong with a file: as data for a report, and as the error that stops a start.
 *
 * One error for all files of a checkpoint, so that each names the file, the place, what was expected and found, and
 * the command that tells what else is damaged.
 */
import { FerriteError } from "../../base/errors.ts";

export interface FileFinding {
  readonly file: string;
  /** Byte offset in the file; absent where the whole file is meant. */
  readonly offset?: number;
  /** What was expected and what was found. */
  readonly what: string;
}

/** An error of kind "corruption", which `findingOf` takes apart again. */
export function damagedFile(file: string, what: string, offset?: number): FerriteError {
  const finding: FileFinding = offset === undefined ? { file, what } : { file, offset, what };
  const place = offset === undefined ? file : `${file} at offset ${offset}`;
  return new FerriteError("corruption", `reading ${place}: ${what}; ${verifyAdvice(file)}`, {
    cause: finding,
  });
}

export function findingOf(error: unknown): FileFinding | undefined {
  if (!(error instanceof FerriteError) || error.kind !== "corruption") return undefined;
  const { cause } = error;
  return typeof cause === "object" && cause !== null && "file" in cause && "what" in cause
    ? (cause as FileFinding)
    : undefined;
}

/** `file` is a path in a folder of checkpoints, or that of a file by itself. */
export function verifyAdvice(file: string): string {
  const end = file.lastIndexOf("/checkpoints");
  const what = end > 0 ? `--data-dir ${file.slice(0, end)}` : file;
  return `restore it from a copy, or see all that is damaged with \`ferrite verify ${what}\``;
}

/** Gives errors of those who decode bytes the file and the place that the bytes came from. */
import { FerriteError } from "../base/errors.ts";
import { damagedFile, findingOf } from "../engine/warm/file-finding.ts";

/** Throws the error again; one that says that bytes are wrong, but not where, gets the place. */
export function rethrowFor(error: unknown, file: string, offset: number): never {
  if (error instanceof FerriteError && error.kind === "corruption" && findingOf(error) === undefined)
    throw damagedFile(file, error.message, offset);
  throw error;
}

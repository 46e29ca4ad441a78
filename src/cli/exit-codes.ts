/**
 * What the process's exit code says; the one table behind the code, `--help` and docs/operations.md.
 *
 * The codes follow the kinds of FerriteError, so that a supervisor can tell "try again" (3) from "a person has
 * to look" (4, 5) without reading messages.
 */
import { AssertionBroken } from "../base/assert.ts";
import { FerriteError, messageOf, systemCode } from "../base/errors.ts";

export const EXIT_OK = 0;
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;
export const EXIT_UNAVAILABLE = 3;
export const EXIT_CONFLICT = 4;
export const EXIT_CORRUPTION = 5;

export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [
    EXIT_OK,
    "it did what was asked; for `run`: stopped by SIGTERM, SIGINT or SHUTDOWN with all acknowledged writes kept",
  ],
  [EXIT_FAILURE, "an unexpected failure, a failed check of `doctor`, or a second signal while stopping"],
  [EXIT_USAGE, "the command line or the configuration is wrong; nothing was started"],
  [EXIT_UNAVAILABLE, "the system refuses now: port in use, disk full, no permission; it may work later"],
  [EXIT_CONFLICT, "another process owns the data directory, or a file that would be written exists"],
  [
    EXIT_CORRUPTION,
    "stored bytes are damaged; nothing was changed; the message names the file and the offset",
  ],
];

/** Markdown for docs/operations.md. */
export function exitCodeTable(): string {
  const rows = EXIT_CODES.map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return ["| exit code | meaning |", "|---|---|", ...rows].join("\n");
}

export interface Failure {
  readonly code: number;
  readonly message: string;
  /** False for errors that are the program's own fault: their stack is what a report needs. */
  readonly isExpected: boolean;
}

export function failureOf(error: unknown): Failure {
  const message = messageOf(error);
  if (error instanceof FerriteError) return { code: codeOfKind(error.kind), message, isExpected: true };
  const isSystem = !(error instanceof AssertionBroken) && /^E[A-Z0-9]+$/.test(systemCode(error) ?? "");
  return { code: isSystem ? EXIT_UNAVAILABLE : EXIT_FAILURE, message, isExpected: isSystem };
}

function codeOfKind(kind: FerriteError["kind"]): number {
  switch (kind) {
    case "usage":
      return EXIT_USAGE;
    case "unavailable":
      return EXIT_UNAVAILABLE;
    case "conflict":
      return EXIT_CONFLICT;
    case "corruption":
      return EXIT_CORRUPTION;
    case "closed":
      return EXIT_FAILURE;
  }
}

/**
 * One error class. `kind` says what the caller can do; the message names the operation, the object, what was
 * expected and what was found, and ends with what to do.
 *
 *   usage        the caller asked for something that cannot be: a bad option, a bad argument
 *   unavailable  the outside refuses now and may not later: disk full, port in use, bucket down
 *   corruption   bytes are not what was written; never retried, never served
 *   conflict     somebody else owns the thing, or it changed meanwhile
 *   closed       the object was closed before or during the operation
 */
export type ErrorKind = "usage" | "unavailable" | "corruption" | "conflict" | "closed";

export class FerriteError extends Error {
  override readonly name = "FerriteError";
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

/** The system's code (`ENOSPC`, `EADDRINUSE`, …) of an error from Node or the addon, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

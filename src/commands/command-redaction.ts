/**
 * Which arguments must not appear where other people read commands (MONITOR, SLOWLOG).
 *
 * Invariant: when in doubt an argument is hidden: passwords in malformed commands are passwords too. Redis
 * shows those of malformed ones.
 */
import { equalsIgnoreCase } from "../base/bytes.ts";
import type { Request } from "../protocol/request.ts";

export const REDACTED = "(redacted)";

/** Options whose values are secrets, in lower case. */
const SECRET_OPTIONS: readonly string[] = [
  "requirepass",
  "masterauth",
  "masteruser",
  "tls-key-file-pass",
  "tls-client-key-file-pass",
];

/** For argument `index` of a request for the command of that full name. */
export function isSecretArgument(fullName: string, request: Request, index: number): boolean {
  switch (fullName) {
    case "auth":
      return index >= 1;
    case "hello":
      return followsWord(request, index, 2, "auth", 2);
    case "migrate":
      return followsWord(request, index, 6, "auth", 1) || followsWord(request, index, 6, "auth2", 2);
    case "config|set":
      return (
        index >= 3 &&
        index % 2 === 1 &&
        SECRET_OPTIONS.some((option) => argumentIs(request, index - 1, option))
      );
    case "acl|setuser":
    case "acl|deluser":
      return index >= 2;
    default:
      return false;
  }
}

/** Is the argument one of the `count` behind a word that stands at `first` or later? */
function followsWord(request: Request, index: number, first: number, word: string, count: number): boolean {
  for (let at = Math.max(first, index - count); at < index; at++) {
    if (argumentIs(request, at, word)) return true;
  }
  return false;
}

function argumentIs(request: Request, index: number, lowerCase: string): boolean {
  return equalsIgnoreCase(request.bytes, request.offsets[index]!, request.lengths[index]!, lowerCase);
}

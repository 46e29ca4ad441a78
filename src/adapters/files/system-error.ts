/**
 * Builds the errors that files raise, in the shape of Node's own: `code`, `errno` (negative), `syscall`, `path`.
 *
 * One place, so that a caller which looks at `code` cannot tell which implementation it talks to.
 */
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";

export interface SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly path: string;
}

/** `errno` is negative, as the addon and libuv answer it. */
export function systemError(errno: number, syscall: string, path: string): SystemError {
  const [code, text] = getSystemErrorMap().get(errno) ?? [`E${-errno}`, `system error ${-errno}`];
  const error = new Error(`${code}: ${text}, ${syscall} '${path}'`);
  return Object.assign(error, { code, errno, syscall, path });
}

/** The same from a code such as "ENOSPC"; a code that this platform lacks is a caller's mistake and throws. */
export function systemErrorOf(code: string, syscall: string, path: string): SystemError {
  const errno = (constants.errno as Readonly<Record<string, number>>)[code];
  if (errno === undefined) throw new RangeError(`unknown system error code ${code}`);
  return systemError(-errno, syscall, path);
}

/** Node's errors for operations on a descriptor do not know the path: adds it, to the message as well. */
export function withPath(error: unknown, path: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if ((error as { path?: string }).path === undefined) {
    Object.assign(error, { path });
    error.message += ` '${path}'`;
  }
  return error;
}

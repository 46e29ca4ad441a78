/**
 * What all transports share about addresses to listen on: names are resolved, dead unix sockets are cleared away,
 * and failures say which address and what to do. Kept apart so that both transports refuse the same things with
 * the same words.
 */
import { lstatSync, unlinkSync } from "node:fs";
import { connect, isIP } from "node:net";
import { getSystemErrorMap } from "node:util";
import { FerriteError, messageOf, systemCode } from "../../base/errors.ts";
import type { ListenAddress } from "../../ports/transport.ts";

export const BACKLOG_DEFAULT = 511;
/** The shortest limit among the supported systems is macOS's 104 bytes with the final zero. */
const UNIX_PATH_BYTES_MAX = process.platform === "darwin" ? 103 : 107;

export function addressText(address: ListenAddress): string {
  if (address.kind === "unix") return address.path;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** The same address with a numeric host and, for a unix socket, with a path that is free. */
export async function prepareAddress(address: ListenAddress): Promise<ListenAddress> {
  if (address.kind === "unix") {
    if (address.path === "" || address.path.includes("\0")) throw listenError(address, "EINVAL");
    if (Buffer.byteLength(address.path) > UNIX_PATH_BYTES_MAX) throw listenError(address, "ENAMETOOLONG");
    await removeDeadSocket(address.path);
    return address;
  }
  if (!Number.isInteger(address.port) || address.port < 0 || address.port > 65_535)
    throw listenError(address, "EINVAL");
  if (isIP(address.host) !== 0) return address;
  try {
    // Loaded for names alone: an address needs none of it.
    const { lookup } = await import("node:dns/promises");
    const { address: host } = await lookup(address.host);
    return { ...address, host };
  } catch (error) {
    throw listenError(address, systemCode(error) ?? "ENOTFOUND", error);
  }
}

/** A FerriteError with the system's `code`, as the port promises. */
export function listenError(
  address: ListenAddress,
  code: string,
  cause?: unknown,
): FerriteError & { code: string } {
  const kind = code === "EADDRINUSE" ? "unavailable" : "usage";
  const text = `listen ${addressText(address)}: ${meaning(code, cause)} (${code})${advice(code)}`;
  return Object.assign(new FerriteError(kind, text, { cause }), { code });
}

function meaning(code: string, cause: unknown): string {
  for (const [name, text] of getSystemErrorMap().values()) if (name === code) return text;
  return cause === undefined ? "system error" : messageOf(cause);
}

function advice(code: string): string {
  switch (code) {
    case "EADDRINUSE":
      return "; another process listens there: stop it or choose another address";
    case "EACCES":
      return "; choose a port above 1023, or a folder that this user may write to";
    case "EADDRNOTAVAIL":
      return "; no interface of this machine has that address";
    case "EINVAL":
      return "; a port is a number from 0 to 65535, a path is not empty";
    case "ENAMETOOLONG":
      return `; a unix socket's path has at most ${UNIX_PATH_BYTES_MAX} bytes`;
    default:
      return "";
  }
}

/**
 * A server that was killed leaves its socket file behind, and bind would then fail for ever. A file that is a
 * socket and that nobody answers on is removed; anything else stays, and bind reports it.
 */
async function removeDeadSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isSocket()) return;
  const refused = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error) => resolve(systemCode(error) === "ECONNREFUSED"));
  });
  if (refused) unlinkSync(path);
}

/**
 * MONITOR: clients that are shown every command.
 *
 * Invariants: a line is printable ASCII and shows no secret; administrative commands are not shown at all, as
 * in Redis, where they are thought too dangerous to be seen.
 */

import type { ClientEntry } from "../commands/client-entry.ts";
import { FLAG_ADMIN, FLAG_SKIP_MONITOR } from "../commands/command-flags.ts";
import { isSecretArgument, REDACTED } from "../commands/command-redaction.ts";
import type { MonitorsFace } from "../commands/server-face.ts";
import type { ResolvedCommand } from "../commands/table.ts";
import type { Request } from "../protocol/request.ts";

export class Monitors implements MonitorsFace {
  readonly #clients = new Set<ClientEntry>();
  readonly #onChanged: (active: boolean) => void;

  /** `onChanged` is called when the first monitor appears and when the last one is gone. */
  constructor(onChanged: (active: boolean) => void) {
    this.#onChanged = onChanged;
  }

  add(client: ClientEntry): void {
    const before = this.#clients.size;
    this.#clients.add(client);
    if (before === 0) this.#onChanged(true);
  }

  /** For clients that leave or are reset; harmless for others. */
  remove(client: ClientEntry): void {
    if (this.#clients.delete(client) && this.#clients.size === 0) this.#onChanged(false);
  }

  get active(): boolean {
    return this.#clients.size > 0;
  }

  /** `source` as `sourceOf` gives it, or "lua" for a script's commands. */
  feed(
    source: string,
    db: number,
    request: Request,
    command: ResolvedCommand,
    wallMicroseconds: number,
  ): void {
    if ((command.flags & (FLAG_ADMIN | FLAG_SKIP_MONITOR)) !== 0) return;
    const line = monitorLine(source, db, request, command.fullName, wallMicroseconds);
    for (const client of this.#clients) client.sendMonitorLine(line);
  }
}

/** A connection as MONITOR names it: its address, or the path of a unix socket. */
export function sourceOf(client: { readonly peerAddress: string }): string {
  const { peerAddress } = client;
  return peerAddress.startsWith("/") ? `unix:${peerAddress.replace(/:0$/, "")}` : peerAddress;
}

/** `1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`. */
export function monitorLine(
  source: string,
  db: number,
  request: Request,
  commandName: string,
  wallMicroseconds: number,
): string {
  const microseconds = Math.floor(wallMicroseconds);
  const seconds = Math.floor(microseconds / 1e6);
  const fraction = String(microseconds - seconds * 1e6).padStart(6, "0");
  let line = `${seconds}.${fraction} [${db} ${source}]`;
  for (let i = 0; i < request.argc; i++) {
    line += isSecretArgument(commandName, request, i) ? ` "${REDACTED}"` : ` ${quoted(request, i)}`;
  }
  return line;
}

const ESCAPES: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** Redis's quoting: C escapes, `\xhh` for the rest of what is not printable ASCII. */
function quoted(request: Request, index: number): string {
  const start = request.offsets[index]!;
  const end = start + request.lengths[index]!;
  let text = '"';
  for (let i = start; i < end; i++) {
    const byte = request.bytes[i]!;
    const escaped = ESCAPES[byte];
    if (escaped !== undefined) text += escaped;
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `${text}"`;
}

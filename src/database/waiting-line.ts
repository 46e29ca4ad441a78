/**
 * One client that waits for keys, and the line of those who wait for one key. WaitingClients decides what happens to them.
 *
 * Invariants: a line is in order of arrival; a waiter stands once in the line of each of its keys; its request is a private
 * copy, because it outlives the turn in which it came.
 */
import { cloneBytes } from "../base/bytes.ts";
import type { ResolvedCommand } from "../commands/table.ts";
import type { Timer } from "../ports/clock.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { Request } from "../protocol/request.ts";
import type { KeyWait, Session } from "./session.ts";

/** Everybody who waits for one key, in order of arrival. */
export class Line {
  readonly db: number;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly waiters = new Set<Waiter>();
  /** It is among those that are about to be served. */
  signalled = false;
  /** Somebody in it has to be told even that the key is gone. */
  tellsOfAbsence = false;

  constructor(db: number, name: string, bytes: Uint8Array) {
    this.db = db;
    this.name = name;
    this.bytes = bytes;
  }
}

/** One client that waits. */
export class Waiter implements KeyWait {
  readonly session: Session;
  readonly request: Request;
  readonly command: ResolvedCommand;
  readonly type: number;
  /** Parallel: the lines in which it stands, in the order of its arguments, and the arguments. */
  readonly lines: Line[] = [];
  readonly keyArguments: number[] = [];
  /** CLIENT REPLY OFF or SKIP came before it: it gets no reply. */
  readonly silent: boolean;
  readonly onTimeout: (reply: ReplyWriter) => void;
  readonly #endWithout: (waiter: Waiter, how: "timeout" | "error") => void;
  timer: Timer | undefined;
  note: unknown;

  constructor(parts: {
    /** Ends the waiting without anything to give. */
    endWithout: (waiter: Waiter, how: "timeout" | "error") => void;
    session: Session;
    /** Is copied. */
    request: Request;
    command: ResolvedCommand;
    type: number;
    silent: boolean;
    onTimeout: (reply: ReplyWriter) => void;
    note: unknown;
  }) {
    this.#endWithout = parts.endWithout;
    this.session = parts.session;
    this.request = privateCopy(parts.request);
    this.command = parts.command;
    this.type = parts.type;
    this.silent = parts.silent;
    this.onTimeout = parts.onTimeout;
    this.note = parts.note;
  }

  unblock(how: "timeout" | "error"): void {
    this.#endWithout(this, how);
  }
}

/** The request with bytes of its own. */
function privateCopy(request: Request): Request {
  const { argc } = request;
  const parts: Uint8Array[] = [];
  for (let i = 0; i < argc; i++) {
    parts.push(cloneBytes(request.bytes, request.offsets[i]!, request.lengths[i]!));
  }
  return Request.of(parts);
}

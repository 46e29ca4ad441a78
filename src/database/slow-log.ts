/**
 * The slow log: the commands that took longest lately, as far as they may be shown.
 *
 * Invariants: at most `lengthMax` entries, the newest kept; no entry holds a secret, nor more than 32 arguments
 * of 128 bytes, so that a few huge commands cannot fill memory; ids grow by one and are never given out again.
 */
import { latin1 } from "../base/bytes.ts";
import { isSecretArgument, REDACTED } from "../commands/command-redaction.ts";
import type { SlowLogEntry, SlowLogFace } from "../commands/server-face.ts";
import type { Request } from "../protocol/request.ts";

/** Redis's bounds, which tools that read the log know. */
const ARGUMENTS_MAX = 32;
const ARGUMENT_BYTES_MAX = 128;

export class SlowLog implements SlowLogFace {
  /** Newest last. */
  #entries: SlowLogEntry[] = [];
  #nextId = 0;
  #lengthMax: number;

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  get length(): number {
    return this.#entries.length;
  }

  set lengthMax(value: number) {
    this.#lengthMax = value;
    this.#trim();
  }

  record(execution: {
    readonly commandName: string;
    readonly request: Request;
    readonly microseconds: number;
    readonly unixSeconds: number;
    readonly peerAddress: string;
    readonly clientName: string;
  }): void {
    this.#entries.push({
      id: this.#nextId++,
      unixSeconds: execution.unixSeconds,
      microseconds: Math.round(execution.microseconds),
      arguments: shownArguments(execution.commandName, execution.request),
      peerAddress: execution.peerAddress,
      clientName: execution.clientName,
    });
    this.#trim();
  }

  newest(count: number): readonly SlowLogEntry[] {
    const wanted = Math.min(count, this.#entries.length);
    return this.#entries.slice(this.#entries.length - wanted).reverse();
  }

  reset(): void {
    this.#entries = [];
  }

  #trim(): void {
    const surplus = this.#entries.length - this.#lengthMax;
    if (surplus > 0) this.#entries.splice(0, surplus);
  }
}

function shownArguments(commandName: string, request: Request): readonly string[] {
  const { argc } = request;
  const shown = argc > ARGUMENTS_MAX ? ARGUMENTS_MAX - 1 : argc;
  const texts: string[] = [];
  for (let i = 0; i < shown; i++) {
    texts.push(isSecretArgument(commandName, request, i) ? REDACTED : shownArgument(request, i));
  }
  if (argc > shown) texts.push(`... (${argc - shown} more arguments)`);
  return texts;
}

function shownArgument(request: Request, index: number): string {
  const offset = request.offsets[index]!;
  const length = request.lengths[index]!;
  if (length <= ARGUMENT_BYTES_MAX) return latin1(request.bytes, offset, length);
  const beginning = latin1(request.bytes, offset, ARGUMENT_BYTES_MAX);
  return `${beginning}... (${length - ARGUMENT_BYTES_MAX} more bytes)`;
}

/**
 * Whether the log is well, and the retries until it is again.
 *
 * Invariants: at most one healing, one retry timer and one attempt at a time; an attempt begins only when nothing
 * is under way on the failed part; delays grow from 1 s to 10 s.
 */
import { messageOf, systemCode } from "../base/errors.ts";
import type { EpochMs } from "../base/ids.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Healing } from "./healing.ts";
import type { LogPart } from "./log-part.ts";
import { healDelayMs, systemErrorText } from "./sync-policy.ts";

export type LogStatus =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: string; readonly sinceMs: EpochMs };

/** What the health asks of the log and tells it. */
export interface HealthOwner {
  /** True if no operation on the failed part is under way. */
  isQuiet(): boolean;
  /** `part` holds all that waited, is durable and published; the log goes on with it. */
  healed(part: LogPart): void;
}

export class LogHealth {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #owner: HealthOwner;
  #failure: Error | undefined;
  #sinceMs: EpochMs;
  #healing: Healing | undefined;
  #timer: Timer | undefined;
  #attempts = 0;
  #failures = 0;
  #closed = false;

  constructor(clock: Clock, logger: Logger, owner: HealthOwner) {
    this.#clock = clock;
    this.#logger = logger;
    this.#owner = owner;
    this.#sinceMs = clock.wallMs();
  }

  get ok(): boolean {
    return this.#failure === undefined;
  }

  /** The latest error while the log is not well. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  get healing(): Healing | undefined {
    return this.#healing;
  }

  /** How often the log has failed, retries not counted. */
  get failures(): number {
    return this.#failures;
  }

  get status(): LogStatus {
    if (this.#failure === undefined) return { ok: true };
    return { ok: false, error: messageOf(this.#failure), sinceMs: this.#sinceMs };
  }

  get misconfText(): string {
    const code = systemCode(this.#failure);
    const reason = code === undefined ? messageOf(this.#failure) : systemErrorText(code);
    return `MISCONF Errors writing to the AOF file: ${reason}`;
  }

  fail(cause: unknown, healing: Healing): void {
    this.#failure = asError(cause);
    this.#sinceMs = this.#clock.wallMs();
    this.#failures++;
    this.#attempts = 0;
    this.#healing = healing;
    this.#logger.warning("AOF: write failed, writes are refused until it is well again", {
      error: messageOf(cause),
    });
    this.#schedule();
  }

  /** `bytes` of effects up to `lsn` wait; beyond `bytesMax` they are given up, and only a checkpoint helps. */
  hold(bytes: number, bytesMax: number, lsn: number): void {
    if (bytes <= bytesMax) return;
    this.#healing?.dropHeld();
    this.#logger.warning("AOF: memory for unwritten effects is used up, a checkpoint is needed", {
      heldBytesMax: bytesMax,
      lsn,
    });
  }

  /** Stops retrying. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#healing?.abandon();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = this.#clock.after(healDelayMs(this.#attempts), this.#retry, { unref: true });
  }

  readonly #retry = (): void => {
    this.#timer = undefined;
    if (!this.#owner.isQuiet()) {
      this.#schedule();
      return;
    }
    this.#healing!.attempt((error, part) => this.#finish(error, part));
  };

  #finish(error: unknown, part: LogPart | undefined): void {
    if (part === undefined) {
      this.#attempts++;
      this.#failure = asError(error);
      this.#logger.warning("AOF: still failing", { error: messageOf(error), attempts: this.#attempts });
      this.#schedule();
      return;
    }
    this.#failure = undefined;
    this.#healing = undefined;
    this.#logger.notice("AOF: well again on a new part", {
      part: part.entry.name,
      durableLsn: part.durableLsn,
    });
    this.#owner.healed(part);
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(messageOf(cause));
}

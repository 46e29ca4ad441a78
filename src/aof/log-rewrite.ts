/**
 * Rewrites the log: begins a part at exactly the LSN L that the data set has, writes the state at L as a base, and lets
 * the log begin with it.
 *
 * Invariants:
 *  - what is executed meanwhile lies in the parts after L, which the log has before and after: whenever the process
 *    dies, either the old log or the base and those parts hold everything;
 *  - base and parts after it take the place of all before in one manifest. Until then, and after every failure, the log is
 *    what it was;
 *  - a slice on the event loop ends after SLICE_MS, as far as the source takes small steps.
 *
 * The state comes from a source that the caller makes when L is known, at that moment, between turns; so this knows
 * nothing of the engine.
 */
import { FerriteError, messageOf } from "../base/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Logger } from "../ports/logger.ts";
import type { AppendOnlyLog } from "./append-only-log.ts";
import { type BaseCommands, BaseWriter } from "./base-writer.ts";
import type { BaseEntry } from "./manifest-format.ts";
import { DEFAULT_STEM } from "./part-names.ts";

const SLICE_MS = 0.5;

export interface BaseSource {
  /** Hands over a few commands, for less than a slice; false when there are none left, and then none is handed over. */
  step(out: BaseCommands): boolean;
  /** Called once, when the source is not needed any more, finished or not. */
  release(): void;
}

export interface LogRewriteOptions {
  readonly log: AppendOnlyLog;
  readonly fs: FileSystem;
  readonly folder: string;
  readonly stem?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called between turns, when the data set is the one after `lsn`, which it has to keep for the source. */
  capture(lsn: number): BaseSource;
  /** For tests. */
  readonly frameBytes?: number;
}

export interface RewriteSummary {
  readonly base: BaseEntry;
  readonly commands: number;
  /** Files that left the log. */
  readonly left: readonly string[];
  readonly milliseconds: number;
}

export type RewriteDone = (error: unknown, summary?: RewriteSummary) => void;

export class LogRewrite {
  readonly #options: LogRewriteOptions;
  readonly #beganMs: number;
  #source: BaseSource | undefined;
  #writer: BaseWriter | undefined;
  #done: RewriteDone | undefined;

  /** Begins. `done` is called once, on the event loop, later; with an error the log is what it was. */
  constructor(options: LogRewriteOptions, done: RewriteDone) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
    this.#done = done;
    options.log.rotate((error, lsn) => {
      if (this.#done === undefined) return;
      if (error !== undefined) this.#end(error);
      else this.#begin(lsn);
    });
  }

  /** Bytes of the base so far, for INFO. */
  get bytes(): number {
    return this.#writer?.bytes ?? 0;
  }

  /** Gives up. `done` is called with an error of the kind "closed", before this returns. */
  abandon(): void {
    this.#end(new FerriteError("closed", "the rewrite of the AOF was given up"));
  }

  #begin(lsn: number): void {
    const { fs, folder, clock, stem = DEFAULT_STEM, frameBytes } = this.#options;
    const timeMs = clock.wallMs();
    try {
      this.#source = this.#options.capture(lsn);
      this.#writer = new BaseWriter({
        fs,
        folder,
        stem,
        lsn,
        timeMs,
        ...(frameBytes === undefined ? {} : { frameBytes }),
      });
    } catch (error) {
      this.#end(error);
      return;
    }
    clock.soon(this.#slice);
  }

  readonly #slice = (): void => {
    const { clock } = this.#options;
    const writer = this.#writer;
    const source = this.#source;
    if (this.#done === undefined || writer === undefined || source === undefined) return;
    const until = clock.monotonicMs() + SLICE_MS;
    try {
      do {
        if (writer.failure !== undefined) throw writer.failure;
        if (writer.isFull) {
          writer.whenRoom(this.#slice);
          return;
        }
        if (!source.step(writer)) {
          writer.finish((error, base) => this.#finish(error, base));
          return;
        }
      } while (clock.monotonicMs() < until);
    } catch (error) {
      this.#end(error);
      return;
    }
    clock.soon(this.#slice);
  };

  #finish(error: unknown, base: BaseEntry | undefined): void {
    if (this.#done === undefined) return;
    if (base === undefined) {
      this.#end(error);
      return;
    }
    const commands = this.#writer!.commands;
    let left: readonly string[];
    try {
      left = this.#options.log.beginAt(base.lsn, base);
    } catch (failure) {
      // A manifest may name the base now, so it stays; the next start removes it if none does.
      this.#end(failure);
      return;
    }
    const milliseconds = this.#options.clock.monotonicMs() - this.#beganMs;
    this.#options.logger.notice("AOF: rewritten", {
      base: base.name,
      lsn: base.lsn,
      bytes: base.validBytes,
      milliseconds: Math.round(milliseconds),
    });
    this.#end(undefined, { base, commands, left, milliseconds });
  }

  #end(error: unknown, summary?: RewriteSummary): void {
    const done = this.#done;
    if (done === undefined) return;
    this.#done = undefined;
    this.#source?.release();
    this.#source = undefined;
    if (summary === undefined) {
      this.#writer?.abandon();
      this.#options.logger.warning("AOF: not rewritten, the log is what it was", { error: messageOf(error) });
    }
    done(error, summary);
  }
}

/**
 * The log: one line per event, JSON for machines, a short readable form on a terminal.
 *
 * Invariants
 *  - levels are Redis's: debug, verbose, notice, warning;
 *  - an event is one line, whatever is in its fields; a field named as one of the line's own parts (`time`,
 *    `level`, `event`, `pid`) gets a trailing underscore instead of hiding it;
 *  - writing is synchronous: the last line before a crash is the one that is needed. Events are rare;
 *  - a broken pipe or a full disk under the log never stops the server.
 *
 * On pino, whose lines every log collector reads; a level that is off costs one call of an empty function.
 */
import { dirname } from "node:path";
import { isatty } from "node:tty";
import { type DestinationStream, destination, type Logger as PinoLogger, pino } from "pino";
import type { Clock } from "../../ports/clock.ts";
import type { LogFields, Logger, LogLevel } from "../../ports/logger.ts";
import { makeDirectory } from "./make-directory.ts";

export interface LoggerOptions {
  readonly level: LogLevel;
  /** A file to append to; "" or absent for standard output. */
  readonly file?: string;
  /** Default: "pretty" if standard output is a terminal, else "json". A file is always JSON. */
  readonly format?: "json" | "pretty";
  readonly clock: Clock;
  /** Where lines go instead; for tests. */
  readonly sink?: { write(line: string): void };
}

export interface ClosableLogger extends Logger {
  /** Opens the file again under its name, after a rotation; nothing for standard output. */
  reopen(): void;
}

const LEVELS = { debug: 20, verbose: 25, notice: 30, warning: 40 } as const;
const OWN_NAMES: ReadonlySet<string> = new Set(["time", "level", "event", "pid"]);
const STANDARD_OUTPUT = 1;
const FOLDER_MODE = 0o750;
const FILE_MODE = 0o640;
/** Lines kept while the log cannot be written; what exceeds it is dropped. */
const WAITING_BYTES_MAX = 1024 * 1024;

type Levels = keyof typeof LEVELS;

export function createLogger(options: LoggerOptions): ClosableLogger {
  const toFile = options.file !== undefined && options.file !== "";
  const format = toFile ? "json" : (options.format ?? (isatty(STANDARD_OUTPUT) ? "pretty" : "json"));
  const target = options.sink ?? openTarget(toFile ? options.file : STANDARD_OUTPUT);
  const stream: DestinationStream = format === "pretty" ? prettyStream(target) : target;
  const log: PinoLogger<Levels, true> = pino(
    {
      level: options.level,
      customLevels: LEVELS,
      useOnlyCustomLevels: true,
      messageKey: "event",
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date(options.clock.wallMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return new PinoBackedLogger(log, () => {
    if ("reopen" in target && toFile) (target as { reopen(): void }).reopen();
  });
}

class PinoBackedLogger implements ClosableLogger {
  readonly #log: PinoLogger<Levels, true>;
  readonly reopen: () => void;

  constructor(log: PinoLogger<Levels, true>, reopen: () => void) {
    this.#log = log;
    this.reopen = reopen;
  }

  debug(event: string, fields?: LogFields): void {
    if (this.#log.isLevelEnabled("debug")) this.#log.debug(ownNamesKept(fields), event);
  }

  verbose(event: string, fields?: LogFields): void {
    if (this.#log.isLevelEnabled("verbose")) this.#log.verbose(ownNamesKept(fields), event);
  }

  notice(event: string, fields?: LogFields): void {
    this.#log.notice(ownNamesKept(fields), event);
  }

  warning(event: string, fields?: LogFields): void {
    this.#log.warning(ownNamesKept(fields), event);
  }

  setLevel(level: LogLevel): void {
    this.#log.level = level;
  }
}

function openTarget(to: string | number | undefined): DestinationStream {
  if (typeof to === "string") makeDirectory(dirname(to), FOLDER_MODE);
  const target = destination({
    dest: to ?? STANDARD_OUTPUT,
    sync: true,
    append: true,
    mode: FILE_MODE,
    maxLength: WAITING_BYTES_MAX,
  });
  // EPIPE, ENOSPC: the line is lost and there is nowhere to say so; without a listener the process would end.
  target.on("error", () => {});
  return target;
}

function ownNamesKept(fields: LogFields | undefined): LogFields {
  if (fields === undefined) return {};
  let kept: Record<string, string | number | boolean | undefined> | undefined;
  for (const name of Object.keys(fields)) {
    if (!OWN_NAMES.has(name)) continue;
    kept ??= { ...fields };
    kept[`${name}_`] = fields[name];
    delete kept[name];
  }
  return kept ?? fields;
}

const MARKS: Readonly<Record<string, string>> = { debug: ".", verbose: "-", notice: "*", warning: "#" };

/** `2001-09-09T01:46:40.000Z * ready to accept connections port=6379`: Redis's marks, fields behind the event. */
function prettyStream(target: { write(line: string): void }): DestinationStream {
  return {
    write(line: string): void {
      const { time, level, event, pid: _pid, ...fields } = JSON.parse(line) as Record<string, unknown>;
      const tail = Object.entries(fields).map(([name, value]) => ` ${name}=${prettyValue(value)}`);
      target.write(`${String(time)} ${MARKS[String(level)] ?? "*"} ${String(event)}${tail.join("")}\n`);
    },
  };
}

/** Quoted if it has a space, a quote or a control character, so that a line stays a line. */
function prettyValue(value: unknown): string {
  const text = String(value);
  return text !== "" && /^[^\s"\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}

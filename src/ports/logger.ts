/**
 * One line per event. `event` is a short constant phrase; everything variable goes into `fields`, where no
 * value may be a secret or a key's value.
 */
export type LogLevel = "debug" | "verbose" | "notice" | "warning";

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  verbose(event: string, fields?: LogFields): void;
  notice(event: string, fields?: LogFields): void;
  warning(event: string, fields?: LogFields): void;
  setLevel(level: LogLevel): void;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

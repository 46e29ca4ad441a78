/** Moments on the command line: ISO 8601 with a time zone, a date (UTC), or the number of seconds or milliseconds since 1970. */
import { FerriteError } from "../base/errors.ts";

const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
const LOCAL = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/;
/** From here on a number counts milliseconds: as seconds it would be the year 5138. */
const MILLISECONDS_MIN = 100_000_000_000;
/** The last moment that a Date can hold. */
const MOMENT_MS_MAX = 8.64e15;

/** Milliseconds since 1970. Throws FerriteError("usage"). */
export function parseMoment(text: string, flag: string): number {
  const isNumber = /^\d{1,16}(?:\.\d{1,6})?$/.test(text);
  const number = Number(text);
  const moment = isNumber
    ? Math.floor(number >= MILLISECONDS_MIN ? number : number * 1000)
    : ISO.test(text)
      ? Date.parse(text.replace(" ", "T"))
      : Number.NaN;
  if (moment >= 0 && moment <= MOMENT_MS_MAX) return moment;
  const advice = LOCAL.test(text)
    ? "; does it lack its time zone? Add Z for UTC, or an offset such as +02:00"
    : "";
  throw new FerriteError(
    "usage",
    `${flag} is ${JSON.stringify(text)}; expected a moment such as 2026-09-20T10:15:00Z, or seconds or milliseconds since 1970${advice}`,
  );
}

/** For names of files: `20260920T101500Z`. */
export function compactMoment(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, "");
}

/**
 * The kinds of option values: how each is read from TOML, from a text (flag, environment) and from CONFIG SET,
 * and how it is written to TOML and for CONFIG GET.
 *
 * Invariants: `fromToml(parse(toToml(v)))` and `fromRedis(toRedis(v))` give v again; a value that leaves here is
 * of its type and within its bounds, so that no reader has to check it again.
 *
 * Redis's own error texts are part of its face (clients and their tests compare them), so `fromRedis` refuses
 * in Redis's words while the other two explain what was expected.
 */
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

/** Why a value was not taken. `reason` completes "expected …" or, from `fromRedis`, is Redis's text. */
export class Refused {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

export interface Kind<V> {
  /** One or two words for the documentation. */
  readonly name: string;
  /** Completes "expected …". */
  readonly expected: string;
  fromToml(value: unknown): V | Refused;
  fromText(text: string): V | Refused;
  /** `current` is what the value is now, for kinds that change only a part of it. */
  fromRedis(text: string, current: V): V | Refused;
  toRedis(value: V): string;
  toToml(value: V): string;
  /** The words that a shell may complete. */
  readonly words?: readonly string[];
  /** Relative texts are taken relative to the configuration file's folder, or the working directory. */
  readonly isPath?: true;
}

const INT64_MAX_TEXT = "9223372036854775807";

/** `max` Infinity means: whatever a double holds exactly, shown to Redis's clients as the end of int64. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

function boundsText(bounds: Bounds, format: (value: number) => string): string {
  if (bounds.max !== Number.POSITIVE_INFINITY) return `from ${format(bounds.min)} to ${format(bounds.max)}`;
  return bounds.min === 0 ? "" : `of at least ${format(bounds.min)}`;
}

function redisBounds(bounds: Bounds, unit: number): string {
  const max =
    bounds.max === Number.POSITIVE_INFINITY ? INT64_MAX_TEXT : String(Math.floor(bounds.max / unit));
  return `argument must be between ${Math.ceil(bounds.min / unit)} and ${max} inclusive`;
}

const within = (value: number, bounds: Bounds): boolean => value >= bounds.min && value <= bounds.max;

/** A text as a TOML basic string; the escapes are those that JSON and TOML share. */
export function tomlString(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

export const booleanKind: Kind<boolean> = {
  name: "boolean",
  expected: "true or false",
  words: ["true", "false"],
  fromToml: (value) => (typeof value === "boolean" ? value : new Refused(booleanKind.expected)),
  fromText(text) {
    const word = text.trim().toLowerCase();
    if (word === "true" || word === "yes" || word === "on" || word === "1") return true;
    if (word === "false" || word === "no" || word === "off" || word === "0") return false;
    return new Refused(booleanKind.expected);
  },
  fromRedis(text) {
    const word = text.toLowerCase();
    return word === "yes" ? true : word === "no" ? false : new Refused("argument must be 'yes' or 'no'");
  },
  toRedis: (value) => (value ? "yes" : "no"),
  toToml: String,
};

/** A canonical integer that Redis's 64 bits hold; out of bounds or not is another question. */
const isInt64 = (text: string): boolean =>
  /^(0|-?[1-9]\d{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);

/** `clampForRedis`: CONFIG SET moves a number that is out of bounds to the nearest bound, as Redis does for hz. */
export function integerKind(bounds: Bounds, clampForRedis: boolean): Kind<number> {
  const expected = `an integer ${boundsText(bounds, String)}`.trim();
  const accept = (value: number): number | Refused =>
    Number.isSafeInteger(value) && within(value, bounds) ? value : new Refused(expected);
  return {
    name: "integer",
    expected,
    fromToml: (value) => (typeof value === "number" ? accept(value) : new Refused(expected)),
    fromText: (text) => (/^-?\d+$/.test(text.trim()) ? accept(Number(text)) : new Refused(expected)),
    fromRedis(text) {
      const value = Number(text);
      if (!isInt64(text)) {
        return new Refused("argument couldn't be parsed into an integer");
      }
      if (within(value, bounds)) return value;
      if (clampForRedis) return Math.max(bounds.min, Math.min(bounds.max, value));
      return new Refused(redisBounds(bounds, 1));
    },
    toRedis: String,
    toToml: String,
  };
}

export function sizeKind(bounds: Bounds): Kind<number> {
  const range = boundsText(bounds, formatSize);
  const expected = `a size${range === "" ? "" : ` ${range}`} such as "64MB", or a number of bytes`;
  const accept = (value: number | undefined): number | Refused =>
    value !== undefined && Number.isSafeInteger(value) && within(value, bounds)
      ? value
      : new Refused(expected);
  return {
    name: "size",
    expected,
    fromToml(value) {
      if (typeof value === "number") return accept(value);
      return typeof value === "string" ? accept(parseSize(value)) : new Refused(expected);
    },
    fromText: (text) => accept(parseSize(text)),
    fromRedis(text) {
      const value = parseSize(text);
      if (value === undefined) return new Refused("argument must be a memory value");
      return within(value, bounds) ? value : new Refused(redisBounds(bounds, 1));
    },
    toRedis: String,
    toToml: (value) => (value % 1024 === 0 && value > 0 ? tomlString(formatSize(value)) : String(value)),
  };
}

/** Values are milliseconds; a bare number is seconds; CONFIG GET and SET speak whole seconds. */
export function durationKind(bounds: Bounds): Kind<number> {
  const range = boundsText(bounds, formatDuration);
  const expected = `a duration${range === "" ? "" : ` ${range}`} such as "300s", "5m" or "100ms", or a number of seconds`;
  const accept = (valueMs: number | undefined): number | Refused =>
    valueMs !== undefined && Number.isSafeInteger(valueMs) && within(valueMs, bounds)
      ? valueMs
      : new Refused(expected);
  return {
    name: "duration",
    expected,
    fromToml(value) {
      if (typeof value === "number") return accept(Math.round(value * 1000));
      return typeof value === "string" ? accept(parseDuration(value)) : new Refused(expected);
    },
    fromText: (text) => accept(parseDuration(text)),
    fromRedis(text) {
      const seconds = Number(text);
      if (!isInt64(text)) {
        return new Refused("argument couldn't be parsed into an integer");
      }
      return within(seconds * 1000, bounds) ? seconds * 1000 : new Refused(redisBounds(bounds, 1000));
    },
    toRedis: (valueMs) => String(Math.ceil(valueMs / 1000)),
    toToml: (valueMs) => (valueMs === 0 ? "0" : tomlString(formatDuration(valueMs))),
  };
}

function textKind(
  name: string,
  expected: string,
  refuse: (text: string) => string | undefined,
): Kind<string> {
  const accept = (text: string): string | Refused =>
    refuse(text) === undefined ? text : new Refused(expected);
  return {
    name,
    expected,
    fromToml: (value) => (typeof value === "string" ? accept(value) : new Refused(expected)),
    fromText: accept,
    fromRedis(text) {
      const reason = refuse(text);
      return reason === undefined ? text : new Refused(reason);
    },
    toRedis: (value) => value,
    toToml: tomlString,
  };
}

export const stringKind: Kind<string> = textKind("string", "a string", () => undefined);

const hasNul = (text: string): string | undefined =>
  text.includes("\0") ? "a path cannot contain a zero byte" : undefined;

export const pathKind: Kind<string> = {
  ...textKind("path", "the path of a file or folder", hasNul),
  isPath: true,
};

export const fileNameKind: Kind<string> = textKind(
  "file name",
  "the name of a file, without a folder",
  (text) =>
    text === "" || text === "." || text === ".." || /[/\\\0\s]/.test(text)
      ? "it can't be a path, just a filename without spaces"
      : undefined,
);

export function choiceKind<T extends string>(words: readonly T[]): Kind<T> {
  const expected = `one of ${words.map((word) => `"${word}"`).join(", ")}`;
  const find = (text: string): T | undefined => words.find((word) => word === text.toLowerCase());
  return {
    name: "choice",
    expected,
    words,
    fromToml: (value) => (typeof value === "string" ? find(value) : undefined) ?? new Refused(expected),
    fromText: (text) => find(text.trim()) ?? new Refused(expected),
    fromRedis: (text) =>
      find(text) ?? new Refused(`argument(s) must be one of the following: ${words.join(", ")}`),
    toRedis: (value) => value,
    toToml: tomlString,
  };
}

/** Words without white space or commas; a single string is a list of one in TOML. */
export function listKind(expected: string): Kind<readonly string[]> {
  const split = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== "");
  return {
    name: "list",
    expected,
    fromToml(value) {
      if (typeof value === "string") return split(value);
      const valid =
        Array.isArray(value) && value.every((word) => typeof word === "string" && /^[^\s,]+$/.test(word));
      return valid ? [...(value as string[])] : new Refused(expected);
    },
    fromText: split,
    fromRedis: split,
    toRedis: (value) => value.join(" "),
    toToml: (value) => `[${value.map(tomlString).join(", ")}]`,
  };
}

/** Permission bits, written in octal; a bare TOML number would be read as decimal, so only strings are taken. */
export const permissionsKind: Kind<number> = {
  name: "permissions",
  expected: 'octal permissions in quotes such as "700", or "0" for the default',
  fromToml: (value) =>
    typeof value === "string" ? permissionsKind.fromText(value) : new Refused(permissionsKind.expected),
  fromText: (text) =>
    /^0?[0-7]{1,3}$/.test(text.trim()) ? Number.parseInt(text, 8) : new Refused(permissionsKind.expected),
  fromRedis: (text) =>
    /^0?[0-7]{1,3}$/.test(text)
      ? Number.parseInt(text, 8)
      : new Refused("argument must be octal permissions"),
  toRedis: (value) => value.toString(8),
  toToml: (value) => tomlString(value.toString(8)),
};

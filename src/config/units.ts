/**
 * Texts of sizes and durations, both ways.
 *
 * Invariants: what `format…` writes `parse…` reads back as the same number; a text that is not entirely
 * understood is refused, never read up to where it makes sense.
 *
 * Sizes follow Redis: `kb`, `mb`, `gb` are powers of two, a bare `k`, `m`, `g` is a power of ten, case does not
 * matter. Someone who moves a limit over from redis.conf gets the same number of bytes. `kib` and the like
 * are accepted too, since they cannot be misunderstood.
 */

const SIZE_FACTORS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1024,
  kib: 1024,
  m: 1e6,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1e9,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
  t: 1e12,
  tb: 1024 ** 4,
  tib: 1024 ** 4,
};

/** Bytes of a text such as `64MB`, `1.5gb` or `100`; undefined if it is not a size or beyond 2^53. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim());
  if (match === null) return undefined;
  const factor = SIZE_FACTORS[match[2]!.toLowerCase()];
  if (factor === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ["TB", 1024 ** 4],
  ["GB", 1024 ** 3],
  ["MB", 1024 ** 2],
  ["KB", 1024],
];

/** The shortest exact text: the largest unit that divides the number, else the bare number of bytes. */
export function formatSize(bytes: number): string {
  for (const [unit, factor] of SIZE_UNITS) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}

const DURATION_FACTORS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a text such as `300s`, `1h30m`, `100ms`, or bare seconds; undefined if it is not a duration. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return safeMs(Number(trimmed) * 1000);
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(trimmed)) return undefined;
  let totalMs = 0;
  for (const part of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    totalMs += Number(part[1]) * DURATION_FACTORS_MS[part[2]!]!;
  }
  return safeMs(totalMs);
}

function safeMs(value: number): number | undefined {
  const rounded = Math.round(value);
  return Number.isSafeInteger(rounded) ? rounded : undefined;
}

const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
];

/** The shortest exact text of one unit: `90s`, `5m`, `250ms`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return "0s";
  for (const [unit, factorMs] of DURATION_UNITS) {
    if (durationMs % factorMs === 0) return `${durationMs / factorMs}${unit}`;
  }
  return `${durationMs}ms`;
}

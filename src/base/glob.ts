/**
 * Glob matching of byte ranges as KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET mean it: `*`, `?`, `[a-z]`, `[^…]`, `\x`.
 *
 * Invariants: never reads outside the two ranges; time is bounded by pattern length × text length; no allocation.
 *
 * Why no recursion: every element but `*` consumes exactly one byte, so after a mismatch only the last star
 * met can still help, and remembering one position of each range is enough. Redis bounds its recursion at
 * 1,000 stars and answers "no match" beyond; that answer is kept, because clients can see it.
 *
 * Odd corners kept as Redis has them: an unterminated class ends with the pattern, `[]` matches nothing,
 * `[^]` matches anything, ranges compare bytes as signed, and an empty text matches only an empty pattern.
 */
const STARS_MAX = 1000;

const STAR = 42;
const QUESTION = 63;
const CLASS_OPEN = 91;
const BACKSLASH = 92;
const CLASS_CLOSE = 93;
const CARET = 94;
const DASH = 45;

/** True if the whole text matches the whole pattern. With `ignoreCase` ASCII letters match either case. */
export function matchesGlob(
  pattern: Uint8Array,
  patternOffset: number,
  patternLength: number,
  text: Uint8Array,
  textOffset: number,
  textLength: number,
  ignoreCase = false,
): boolean {
  const patternEnd = patternOffset + patternLength;
  const textEnd = textOffset + textLength;
  if (textLength === 0) return patternLength === 0;
  let at = patternOffset;
  let position = textOffset;
  let stars = 0;
  let retryAt = -1;
  let retryPosition = 0;
  while (position < textEnd) {
    if (at < patternEnd && pattern[at] === STAR) {
      at = skipStars(pattern, at, patternEnd);
      if (at === patternEnd) return true;
      if (++stars > STARS_MAX) return false;
      retryAt = at;
      retryPosition = position;
      continue;
    }
    const next = at < patternEnd ? elementEnd(pattern, at, patternEnd) : -1;
    if (next >= 0 && matchesElement(pattern, at, next, text[position]!, ignoreCase)) {
      at = next;
      position++;
      continue;
    }
    if (retryAt < 0) return false;
    at = retryAt;
    position = ++retryPosition;
  }
  return skipStars(pattern, at, patternEnd) === patternEnd;
}

function skipStars(pattern: Uint8Array, at: number, end: number): number {
  while (at < end && pattern[at] === STAR) at++;
  return at;
}

/** Where the element that begins at `at` ends: one byte, an escape, or a class with its bracket if it has one. */
function elementEnd(pattern: Uint8Array, at: number, end: number): number {
  const first = pattern[at];
  if (first === BACKSLASH) return at + 1 < end ? at + 2 : at + 1;
  if (first !== CLASS_OPEN) return at + 1;
  at++;
  if (at < end && pattern[at] === CARET) at++;
  while (at < end && pattern[at] !== CLASS_CLOSE) at = memberEnd(pattern, at, end);
  return at < end ? at + 1 : at;
}

/** Where the class member at `at` ends: an escaped byte, a range `a-z`, or one byte. */
function memberEnd(pattern: Uint8Array, at: number, end: number): number {
  if (pattern[at] === BACKSLASH && at + 1 < end) return at + 2;
  if (at + 2 < end && pattern[at + 1] === DASH) return at + 3;
  return at + 1;
}

function matchesElement(
  pattern: Uint8Array,
  at: number,
  end: number,
  byte: number,
  ignoreCase: boolean,
): boolean {
  const first = pattern[at]!;
  if (first === QUESTION) return true;
  if (first === CLASS_OPEN) return matchesClass(pattern, at + 1, end, byte, ignoreCase);
  return sameByte(first === BACKSLASH && end - at === 2 ? pattern[at + 1]! : first, byte, ignoreCase);
}

/** `at` is behind the opening bracket, `end` behind the closing one or at the end of the pattern. */
function matchesClass(
  pattern: Uint8Array,
  at: number,
  end: number,
  byte: number,
  ignoreCase: boolean,
): boolean {
  const negated = at < end && pattern[at] === CARET;
  if (negated) at++;
  let found = false;
  while (at < end && pattern[at] !== CLASS_CLOSE) {
    const next = memberEnd(pattern, at, end);
    // An escaped member compares exactly, whatever the case rule: Redis does not fold it.
    if (next - at === 2) found ||= pattern[at + 1] === byte;
    else if (next - at === 3) found ||= inRange(pattern[at]!, pattern[at + 2]!, byte, ignoreCase);
    else found ||= sameByte(pattern[at]!, byte, ignoreCase);
    at = next;
  }
  return found !== negated;
}

function inRange(first: number, last: number, byte: number, ignoreCase: boolean): boolean {
  // Bytes are signed there, as the C type is on the platforms that Redis is built for.
  let low = ((ignoreCase ? lower(first) : first) << 24) >> 24;
  let high = ((ignoreCase ? lower(last) : last) << 24) >> 24;
  const value = ((ignoreCase ? lower(byte) : byte) << 24) >> 24;
  if (first << 24 > last << 24) {
    const swapped = low;
    low = high;
    high = swapped;
  }
  return value >= low && value <= high;
}

function sameByte(a: number, b: number, ignoreCase: boolean): boolean {
  return a === b || (ignoreCase && lower(a) === lower(b));
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte;
}

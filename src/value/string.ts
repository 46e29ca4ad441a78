/**
 * What the record's encoding number means for strings, and which of Redis's encodings a value answers to.
 *
 * Invariants: the bytes of a string record are always the value itself, also for integers; the numbers below
 * are stored in records and must not change.
 *
 * Why integers are kept as text: GET copies bytes out without formatting, one record layout serves every
 * string, and INCR's cost of parsing and printing is below that of one index probe. What Redis knows from
 * its encoding (int, embstr, raw) follows from the bytes, except that a value which was edited in place stays
 * raw and one which INCRBYFLOAT wrote is never int; those two are remembered.
 */
import { parseInt64, parseInteger } from "../base/bytes.ts";

/** Stored whole: an integer, a short or a long text, as its bytes say. */
export const STRING_PLAIN = 0;
/** Edited in place (APPEND, SETRANGE, SETBIT, …): raw whatever it holds. */
export const STRING_RAW = 1;
/** The text of a float: never an integer, even if it reads like one. */
export const STRING_TEXT = 2;

/** The longest string: Redis's default for proto-max-bulk-len. */
export const STRING_BYTES_MAX = 512 * 1024 * 1024;

/** The longest text that Redis keeps in one allocation with its header. */
const EMBEDDED_BYTES_MAX = 44;
/** Redis shares the objects of the integers below this one, and says so in OBJECT REFCOUNT. */
const SHARED_INTEGERS = 10_000;
const SHARED_REFCOUNT = 2_147_483_647;

export type StringEncodingName = "int" | "embstr" | "raw";

/** As OBJECT ENCODING answers. */
export function stringEncodingName(
  encoding: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): StringEncodingName {
  if (encoding === STRING_RAW) return "raw";
  if (encoding === STRING_PLAIN && isInteger(bytes, offset, length)) return "int";
  return length <= EMBEDDED_BYTES_MAX ? "embstr" : "raw";
}

/** As OBJECT REFCOUNT answers. */
export function stringRefcount(encoding: number, bytes: Uint8Array, offset: number, length: number): number {
  if (encoding !== STRING_PLAIN) return 1;
  const value = parseInteger(bytes, offset, length);
  return value >= 0 && value < SHARED_INTEGERS ? SHARED_REFCOUNT : 1;
}

function isInteger(bytes: Uint8Array, offset: number, length: number): boolean {
  return (
    !Number.isNaN(parseInteger(bytes, offset, length)) || parseInt64(bytes, offset, length) !== undefined
  );
}

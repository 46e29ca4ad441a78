/**
 * A piece of the value format: its header, and the payloads of the first and the last piece (docs/formats/value.md).
 *
 * Invariants: numbers are little-endian; the checksum covers the header before it and the whole payload; nothing here
 * believes a length before it was held against what there is, and nothing allocates by one.
 */
import { crc32 } from "../../base/crc32.ts";
import { FerriteError } from "../../base/errors.ts";

export const VALUE_FORMAT_VERSION = 1;
/** A piece is at most so long, header included, unless it holds one longer element. */
export const VALUE_PIECE_BYTES = 65_536;
export const PIECE_HEADER_BYTES = 20;

/** The four bytes that a piece begins with, read as a number: "VAL:", "val+" and "val." */
export const PIECE_HEAD = 0x3a_4c_41_56;
export const PIECE_ELEMENTS = 0x2b_6c_61_76;
export const PIECE_END = 0x2e_6c_61_76;

const NUMBER = 4;
const LENGTH = 8;
const COUNT = 12;
const CHECKSUM = 16;

/** Types, as the head has them. */
export const VALUE_LIST = 1;
export const VALUE_SET = 2;
export const VALUE_SORTED_SET = 3;
export const VALUE_HASH = 4;

/** Flag of a hash: behind each value stands the field's time, an entry of 0 or EXPIRY_ENTRY_BYTES bytes. */
export const FLAG_TIMES = 1;
export const EXPIRY_ENTRY_BYTES = 6;
export const SCORE_BYTES = 8;

export const HEAD_BYTES = 12;
export const END_BYTES = 8;

/** What the head says. */
export interface ValueHead {
  readonly type: number;
  readonly flags: number;
  readonly size: number;
}

const TWO_32 = 2 ** 32;

export function writeHead(data: DataView, at: number, type: number, flags: number, size: number): void {
  data.setUint16(at, VALUE_FORMAT_VERSION, true);
  data.setUint8(at + 2, type);
  data.setUint8(at + 3, flags);
  writeCount(data, at + 4, size);
}

/** Reads the payload of a head; `fail` throws. */
export function readHead(data: DataView, at: number, fail: Fail): ValueHead {
  const version = data.getUint16(at, true);
  if (version !== VALUE_FORMAT_VERSION) fail(`format version ${VALUE_FORMAT_VERSION}`, `version ${version}`);
  const type = data.getUint8(at + 2);
  if (type < VALUE_LIST || type > VALUE_HASH) fail("a type from 1 to 4", `type ${type}`);
  const flags = data.getUint8(at + 3);
  if ((flags & ~(type === VALUE_HASH ? FLAG_TIMES : 0)) !== 0) fail("flags of its type", `flags ${flags}`);
  return { type, flags, size: readCount(data, at + 4, fail) };
}

export function writeCount(data: DataView, at: number, count: number): void {
  data.setUint32(at, count % TWO_32, true);
  data.setUint32(at + 4, Math.floor(count / TWO_32), true);
}

export function readCount(data: DataView, at: number, fail: Fail): number {
  const count = data.getUint32(at, true) + data.getUint32(at + 4, true) * TWO_32;
  if (!Number.isSafeInteger(count)) fail("a count below 2^53", `${count}`);
  return count;
}

/** Writes the header of a piece whose payload of `payloadBytes` is there. */
export function sealPiece(
  data: DataView,
  bytes: Uint8Array,
  at: number,
  kind: number,
  number: number,
  payloadBytes: number,
  count: number,
): void {
  data.setUint32(at, kind, true);
  data.setUint32(at + NUMBER, number, true);
  data.setUint32(at + LENGTH, payloadBytes, true);
  data.setUint32(at + COUNT, count, true);
  data.setUint32(at + CHECKSUM, checksumOf(bytes, at, payloadBytes), true);
}

function checksumOf(bytes: Uint8Array, at: number, payloadBytes: number): number {
  return crc32(bytes, at + PIECE_HEADER_BYTES, payloadBytes, crc32(bytes, at, CHECKSUM));
}

/** Throws FerriteError("corruption") with what was expected and what was found. */
export type Fail = (expected: string, found: string) => never;

/** What is wrong with a value. Whoever knows the file and the place in it adds them. */
export function corruptValue(what: string, expected: string, found: string): FerriteError {
  return new FerriteError(
    "corruption",
    `reading ${what}: expected ${expected}, found ${found}; its bytes are not what was written: use another checkpoint or a backup`,
  );
}

/**
 * How long the piece is that begins at `at`, by its header, of which PIECE_HEADER_BYTES have to be there. Not yet checked
 * against the checksum: a reader holds it against what its value can still have before it asks for so many bytes. Throws
 * FerriteError("corruption") if no piece begins there.
 */
export function pieceBytesAt(bytes: Uint8Array, at: number): number {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = data.getUint32(at, true);
  if (!isKind(kind)) throw corruptValue("a piece of a value", "its beginning", hex(kind));
  const length = PIECE_HEADER_BYTES + data.getUint32(at + LENGTH, true);
  const count = data.getUint32(at + COUNT, true);
  if (length > VALUE_PIECE_BYTES && (kind !== PIECE_ELEMENTS || count !== 1))
    throw corruptValue("a piece of a value", `at most ${VALUE_PIECE_BYTES} bytes`, `${length}`);
  return length;
}

/** Checks all of a piece but its elements and answers its kind; `fail` throws. */
export function checkPiece(
  data: DataView,
  bytes: Uint8Array,
  at: number,
  length: number,
  number: number,
  fail: Fail,
): number {
  if (length < PIECE_HEADER_BYTES) fail(`at least ${PIECE_HEADER_BYTES} bytes`, `${length}`);
  const kind = data.getUint32(at, true);
  if (!isKind(kind)) fail("the beginning of a piece", hex(kind));
  const payloadBytes = data.getUint32(at + LENGTH, true);
  if (payloadBytes !== length - PIECE_HEADER_BYTES)
    fail(`a payload of ${length - PIECE_HEADER_BYTES} bytes`, `a header that says ${payloadBytes}`);
  const checksum = data.getUint32(at + CHECKSUM, true);
  const sum = checksumOf(bytes, at, payloadBytes);
  if (sum !== checksum) fail(`bytes with the checksum ${hex(checksum)}`, hex(sum));
  const found = data.getUint32(at + NUMBER, true);
  if (found !== number) fail(`piece ${number}`, `piece ${found}`);
  const count = data.getUint32(at + COUNT, true);
  if (length > VALUE_PIECE_BYTES && count !== 1)
    fail(`at most ${VALUE_PIECE_BYTES} bytes or one element`, `${length} bytes with ${count} elements`);
  if (kind === PIECE_HEAD && payloadBytes !== HEAD_BYTES) fail(`${HEAD_BYTES} bytes`, `${payloadBytes}`);
  if (kind === PIECE_END && payloadBytes !== END_BYTES) fail(`${END_BYTES} bytes`, `${payloadBytes}`);
  if ((count === 0) !== (kind !== PIECE_ELEMENTS))
    fail("elements in pieces of elements alone", `${count} elements`);
  return kind;
}

/** Elements of a piece that was checked. */
export function elementsOf(data: DataView, at: number): number {
  return data.getUint32(at + COUNT, true);
}

function isKind(kind: number): boolean {
  return kind === PIECE_HEAD || kind === PIECE_ELEMENTS || kind === PIECE_END;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

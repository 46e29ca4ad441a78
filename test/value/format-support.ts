/** What the tests of the value format share: structures of each type, and a decoder that knows only the format's page. */
import { crc32 } from "node:zlib";
import { ByteWriter } from "../../src/base/byte-writer.ts";
import { SipHasher } from "../../src/engine/index/hash.ts";
import { NO_EXPIRY } from "../../src/value/dictionary/entry-format.ts";
import { pieceBytesAt } from "../../src/value/format/piece-format.ts";
import { ValueBuilder } from "../../src/value/format/value-builder.ts";
import type { ValueCapture } from "../../src/value/format/value-capture.ts";
import { UnpackedHash } from "../../src/value/hash/unpacked-hash.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import { ListSequence } from "../../src/value/sequence/list-sequence.ts";
import { UnpackedSet } from "../../src/value/set/unpacked-set.ts";
import { UnpackedSortedSet } from "../../src/value/sorted-set/unpacked-sorted-set.ts";
import type { StructureParts, UnpackedValue } from "../../src/value/unpacked.ts";
import { SeededRandom } from "../engine/support.ts";
import { bytesOf } from "./sequence-support.ts";

export const HEADER_BYTES = 20;

export function newParts(heap = new PieceHeap()): StructureParts {
  return { heap, hasher: new SipHasher(1, 2), random: new SeededRandom(1) };
}

export type Element = readonly string[];

export function listOf(parts: StructureParts, elements: readonly string[]): ListSequence {
  const list = new ListSequence(parts.heap);
  for (const text of elements) list.pushLast(bytesOf(text), 0, text.length);
  return list;
}

export function setOf(parts: StructureParts, members: readonly string[]): UnpackedSet {
  const set = new UnpackedSet(parts);
  for (const text of members) set.add(bytesOf(text), 0, text.length);
  return set;
}

/** Fields with their values and times. */
export function hashOf(
  parts: StructureParts,
  fields: readonly (readonly [string, string, (number | undefined)?])[],
): UnpackedHash {
  const hash = new UnpackedHash(parts);
  for (const [field, value, expiryMs] of fields) putField(hash, field, value, expiryMs);
  return hash;
}

export function putField(hash: UnpackedHash, field: string, value: string, expiryMs: number = NO_EXPIRY) {
  return hash.put(bytesOf(field), 0, field.length, bytesOf(value), 0, value.length, expiryMs);
}

export function sortedSetOf(
  parts: StructureParts,
  members: readonly (readonly [string, number])[],
): UnpackedSortedSet {
  const set = new UnpackedSortedSet(parts);
  for (const [text, score] of members) {
    const bytes = bytesOf(text);
    if (Number.isNaN(set.scoreOf(bytes, 0, bytes.length))) set.add(bytes, 0, bytes.length, score);
  }
  return set;
}

/** All that is left of a capture, a piece each. */
export function piecesOf(capture: ValueCapture): Uint8Array[] {
  const out = new ByteWriter();
  const pieces: Uint8Array[] = [];
  for (let start = 0; capture.writePiece(out); start = out.length)
    pieces.push(out.bytes.slice(start, out.length));
  return pieces;
}

/** The pieces of a structure as it is now. */
export function written(value: UnpackedValue): Uint8Array[] {
  const capture = value.capture();
  const pieces = piecesOf(capture);
  while (!capture.release(10));
  return pieces;
}

export function build(parts: StructureParts, pieces: readonly Uint8Array[]): UnpackedValue {
  const builder = new ValueBuilder(parts);
  // Each at another offset of a larger buffer, as they are in a file's.
  for (const [i, piece] of pieces.entries()) {
    const bytes = new Uint8Array(piece.length + 2 * i + 3);
    bytes.set(piece, i + 1);
    builder.addPiece(bytes, i + 1, piece.length);
  }
  return builder.finish();
}

/** Cuts bytes into pieces. */
export function split(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)!.length)
    pieces.push(bytes.slice(at, at + pieceBytesAt(bytes, at)));
  return pieces;
}

/** Gives a changed piece the right length and checksum, so that only what it says is wrong. */
export function seal(piece: Uint8Array, count?: number): Uint8Array {
  const data = new DataView(piece.buffer, piece.byteOffset, piece.length);
  data.setUint32(8, piece.length - HEADER_BYTES, true);
  if (count !== undefined) data.setUint32(12, count, true);
  data.setUint32(16, sumOf(piece), true);
  return piece;
}

function sumOf(piece: Uint8Array): number {
  return crc32(piece.subarray(HEADER_BYTES), crc32(piece.subarray(0, 16)));
}

/** Everything that pieces say: strings as latin1, scores and times as text. Throws where they break a rule of the page. */
export function decode(pieces: readonly Uint8Array[]): { type: number; elements: Element[] } {
  const elements: Element[] = [];
  let type = 0;
  let flags = 0;
  let size = 0n;
  const check = (is: boolean, rule: string): void => {
    if (!is) throw new Error(rule);
  };
  for (const [number, bytes] of pieces.entries()) {
    const piece = Buffer.from(bytes);
    const kind = piece.toString("latin1", 0, 4);
    const count = piece.readUInt32LE(12);
    check(piece.readUInt32LE(4) === number, "pieces are numbered");
    check(piece.readUInt32LE(8) === piece.length - HEADER_BYTES, "a header has the length of the payload");
    check(piece.readUInt32LE(16) === sumOf(bytes), "a header has the checksum");
    check(piece.length <= 65_536 || count === 1, "a piece is 64 KiB or one element");
    let at = HEADER_BYTES;
    const entry = (): string => {
      const first = piece[at]!;
      const header = first < 0x80 ? 1 : first < 0xc0 ? 2 : 5;
      const length =
        header === 1 ? first : header === 2 ? piece.readUInt16BE(at) & 0x3fff : piece.readUInt32LE(at + 1);
      at += header + length;
      check(at <= piece.length, "an entry is within its piece");
      return piece.toString("latin1", at - length, at);
    };
    if (number === 0) {
      check(kind === "VAL:" && piece.readUInt16LE(at) === 1, "a value begins with a head of version 1");
      type = piece[at + 2]!;
      flags = piece[at + 3]!;
      size = piece.readBigUInt64LE(at + 4);
    } else if (number === pieces.length - 1) {
      check(kind === "val." && piece.readBigUInt64LE(at) === size, "a value ends with its size");
      check(BigInt(elements.length) === size, "there are as many elements as the head says");
    } else {
      check(kind === "val+" && count > 0, "elements are between head and end");
      for (let i = 0; i < count; i++) {
        const score = type === 3 ? piece.readDoubleLE((at += 8) - 8) : 0;
        const element = [entry()];
        if (type === 3) element.push(Object.is(score, -0) ? "-0" : String(score));
        if (type === 4) element.push(entry());
        if (type === 4 && flags === 1) {
          const time = Buffer.from(entry(), "latin1");
          if (time.length > 0) element.push(String(time.readUIntLE(0, 6)));
        }
        elements.push(element);
      }
      check(at === piece.length, "a piece ends with its last element");
    }
  }
  return { type, elements };
}

/** What a structure holds now, in the order of its pieces. */
export function contentOf(value: UnpackedValue): Element[] {
  return decode(written(value)).elements;
}

export function releaseAll(value: { release(piecesMax: number): boolean }): void {
  while (!value.release(7));
}

/**
 * What bitmap commands do to the model, on values written out as texts of zeros and ones: slow, and plain to see.
 */
import { NEVER } from "./model.ts";
import {
  integer,
  keepText,
  type ModelCall,
  type ModelCommand,
  reading,
  textOf,
  writing,
} from "./model-call.ts";

/** More than any value of the workload has. */
const BITS_MAX = 8 * 8192;

const toBits = (value: string): string =>
  [...value].map((byte) => byte.charCodeAt(0).toString(2).padStart(8, "0")).join("");

const fromBits = (bits: string): string =>
  (bits.match(/.{8}/g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 2))).join("");

function bitsOf(call: ModelCall, key: string): string {
  return toBits(textOf(call, key) ?? "");
}

/** Puts `field` at `position` of the value, which grows by whole zero bytes as far as it has to. */
function write(call: ModelCall, key: string, position: number, field: string): void {
  const old = bitsOf(call, key);
  const end = position + field.length;
  const padded = old.padEnd(Math.ceil(end / 8) * 8, "0");
  const text = fromBits(padded.slice(0, position) + field + padded.slice(end));
  // Writing what is there already changes nothing, also for those who watch the key.
  if (textOf(call, key) !== text) keepText(call, key, text);
}

function read(call: ModelCall, key: string, position: number, bits: number): string {
  return bitsOf(call, key)
    .padEnd(BITS_MAX, "0")
    .slice(position, position + bits);
}

function setBit(call: ModelCall): string {
  const [, key = "", position = "", bit = ""] = call.words;
  const old = read(call, key, Number(position), 1);
  write(call, key, Number(position), bit);
  return integer(Number(old));
}

function getBit(call: ModelCall): string {
  return integer(Number(read(call, call.words[1]!, Number(call.words[2]), 1)));
}

function bitCount(call: ModelCall): string {
  return integer(bitsOf(call, call.words[1]!).replaceAll("0", "").length);
}

function bitPos(call: ModelCall): string {
  const [, key = "", bit = ""] = call.words;
  if (textOf(call, key) === undefined) return integer(bit === "1" ? -1 : 0);
  const bits = bitsOf(call, key);
  const position = bits.indexOf(bit);
  return integer(position < 0 && bit === "0" && bits !== "" ? bits.length : position);
}

const COMBINE: Readonly<Record<string, (a: number, b: number) => number>> = {
  AND: (a, b) => a & b,
  OR: (a, b) => a | b,
  XOR: (a, b) => a ^ b,
};

function bitOp(call: ModelCall): string {
  const { model, db, nowMs } = call;
  const [, name = "", to = "", ...from] = call.words;
  const sources = from.map((key) => textOf(call, key) ?? "");
  const length = Math.max(...sources.map((value) => value.length));
  const bytes = Array.from({ length }, (_, i) =>
    sources.map((value) => (i < value.length ? value.charCodeAt(i) : 0)).reduce(COMBINE[name]!),
  );
  if (length === 0) model.remove(db, to, nowMs);
  else model.putText(db, to, bytes.map((byte) => String.fromCharCode(byte)).join(""), NEVER);
  return integer(length);
}

/** `BITFIELD key INCRBY uN offset increment`: unsigned, and it wraps. */
function bitField(call: ModelCall): string {
  const [, key = "", , type = "", offset = "", increment = ""] = call.words;
  const bits = Number(type.slice(1));
  const sum = BigInt.asUintN(bits, BigInt(`0b${read(call, key, Number(offset), bits)}`) + BigInt(increment));
  write(call, key, Number(offset), sum.toString(2).padStart(bits, "0"));
  return `*1\r\n${integer(sum)}`;
}

export const BITMAP_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  SETBIT: writing(setBit),
  BITOP: writing(bitOp),
  BITFIELD: writing(bitField),
  GETBIT: reading(getBit),
  BITCOUNT: reading(bitCount),
  BITPOS: reading(bitPos),
};

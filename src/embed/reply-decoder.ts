/**
 * From the bytes of one reply to the value that a call resolves with.
 *
 * Invariants: the bytes are one whole reply of our own writer (or the pushes that SUBSCRIBE and its kin answer with,
 * of which the value is a list), and nothing of them is kept: byte strings are
 * copies that belong to the caller. What is not one of the common single elements goes through the ordinary
 * ReplyReader, so that both faces of the program decode alike.
 */
import { assert } from "../base/assert.ts";
import { parseInteger } from "../base/bytes.ts";
import { type PlainReply, plainReply, ReplyError } from "../protocol/reply.ts";
import { ReplyReader } from "../protocol/reply-reader.ts";

/** `end` is one past the reply's last byte; it begins at 0 and is no error. */
export type Decode = (bytes: Uint8Array, end: number) => unknown;

const PLUS = 43;
const MINUS = 45;
const COLON = 58;
const DOLLAR = 36;
const GREATER = 62;
const UNDERSCORE = 95;
const CARRIAGE_RETURN = 13;

/** The error that the reply is, or undefined. */
export function errorIn(bytes: Uint8Array, end: number): ReplyError | undefined {
  if (bytes[0] !== MINUS) return undefined;
  const reply = readWhole(bytes, end, "utf8");
  assert(reply instanceof ReplyError, "a reply that begins as an error is none");
  return reply;
}

/** Any reply as plain values; byte strings as bytes. */
export const decodeBytes: Decode = (bytes, end): PlainReply => decodePlain(bytes, end, false);

/** Any reply as plain values; byte strings as UTF-8 text, invalid sequences replaced. */
export const decodeText: Decode = (bytes, end): PlainReply => decodePlain(bytes, end, true);

/** True for +OK, false for null: SET with a condition. */
export const decodeIsOk: Decode = (bytes): boolean => bytes[0] === PLUS;

/** True for 1: commands that say whether they did something. */
export const decodeIsOne: Decode = (bytes): boolean => bytes[0] === COLON && bytes[1] === 49;

/** For replies that say nothing but that it is done. */
export const decodeNothing: Decode = (): undefined => undefined;

function decodePlain(bytes: Uint8Array, end: number, asText: boolean): PlainReply {
  switch (bytes[0]) {
    case DOLLAR:
      return decodeBulk(bytes, end, asText);
    case COLON: {
      const value = parseInteger(bytes, 1, end - 3);
      if (!Number.isNaN(value)) return value;
      break;
    }
    case PLUS:
      // "OK", by far the most frequent.
      if (end === 5 && bytes[1] === 79 && bytes[2] === 75) return "OK";
      break;
    case UNDERSCORE:
      return null;
  }
  return readWhole(bytes, end, asText ? "utf8" : "bytes");
}

function decodeBulk(bytes: Uint8Array, end: number, asText: boolean): PlainReply {
  if (bytes[1] === MINUS) return null;
  let length = 0;
  let at = 1;
  for (; bytes[at] !== CARRIAGE_RETURN; at++) length = length * 10 + (bytes[at]! - 48);
  const from = at + 2;
  assert(from + length + 2 === end, "a bulk reply does not end where its length says");
  if (asText) return Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString("utf8");
  return bytes.slice(from, from + length);
}

function readWhole(bytes: Uint8Array, end: number, strings: "bytes" | "utf8"): PlainReply {
  const reader = new ReplyReader();
  reader.push(bytes, 0, end);
  const replies: PlainReply[] = [];
  for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
    replies.push(plainReply(reply, strings));
  }
  assert(replies.length > 0 && !reader.midway, "a command wrote something else than whole replies");
  if (bytes[0] === GREATER) return replies;
  // A transaction that subscribes to several channels answers more pushes than its header counts, as in Redis.
  return replies[0]!;
}

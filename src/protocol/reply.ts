/**
 * Decoded replies as JavaScript values, one shape per RESP type, so that nothing about the reply is lost.
 *
 *   simple string   string             integer      number, or bigint beyond 2^53
 *   error           ReplyError         double       ReplyDouble
 *   bulk string     Uint8Array         big number   ReplyBigNumber
 *   verbatim        ReplyVerbatim      boolean      boolean
 *   array           Reply[]            null         null (also RESP2's null bulk and null array)
 *   map, set        Map, Set           push         ReplyPush
 *
 * Doubles are wrapped because a client has to tell 3 from 3.0; `plainReply` gives the unwrapped values for those
 * who do not care.
 */
import { latin1 } from "../base/bytes.ts";

export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | ReplyError
  | ReplyDouble
  | ReplyBigNumber
  | ReplyVerbatim
  | ReplyPush
  | Reply[]
  | Map<Reply, Reply>
  | Set<Reply>;

/** An error reply. `message` is the whole text; `code` its first word ("ERR", "WRONGTYPE", "MOVED"). */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
  readonly code: string;

  constructor(message: string) {
    super(message);
    const space = message.indexOf(" ");
    this.code = space < 0 ? message : message.slice(0, space);
  }
}

export class ReplyDouble {
  readonly value: number;
  /** As it was sent. */
  readonly text: string;

  constructor(value: number, text: string) {
    this.value = value;
    this.text = text;
  }
}

export class ReplyBigNumber {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

export class ReplyVerbatim {
  /** Three letters: "txt", "mkd". */
  readonly format: string;
  readonly bytes: Uint8Array;

  constructor(format: string, bytes: Uint8Array) {
    this.format = format;
    this.bytes = bytes;
  }
}

/** A message that answers no command; `items[0]` is its kind ("message", "invalidate"). */
export class ReplyPush {
  readonly items: Reply[];

  constructor(items: Reply[]) {
    this.items = items;
  }
}

export type PlainReply =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | ReplyError
  | PlainReply[]
  | Map<PlainReply, PlainReply>
  | Set<PlainReply>;

/**
 * The reply with numbers for doubles, bigints for big numbers, arrays for pushes, and byte strings as `strings`
 * says: left as bytes, or as text ("utf8" replaces invalid sequences, "latin1" is lossless).
 */
export function plainReply(reply: Reply, strings: "bytes" | "utf8" | "latin1" = "utf8"): PlainReply {
  if (reply instanceof Uint8Array) return plainBytes(reply, strings);
  if (reply === null || typeof reply !== "object" || reply instanceof ReplyError) return reply;
  if (reply instanceof ReplyDouble || reply instanceof ReplyBigNumber) return reply.value;
  if (reply instanceof ReplyVerbatim) return plainBytes(reply.bytes, strings);
  if (reply instanceof ReplyPush) return reply.items.map((item) => plainReply(item, strings));
  if (Array.isArray(reply)) return reply.map((item) => plainReply(item, strings));
  if (reply instanceof Set) return new Set([...reply].map((item) => plainReply(item, strings)));
  return new Map([...reply].map(([key, value]) => [plainReply(key, strings), plainReply(value, strings)]));
}

function plainBytes(bytes: Uint8Array, strings: "bytes" | "utf8" | "latin1"): Uint8Array | string {
  if (strings === "bytes") return bytes;
  return strings === "latin1" ? latin1(bytes) : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

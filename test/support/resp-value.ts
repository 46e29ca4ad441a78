/**
 * Replies of RESP2 and RESP3: where one ends, and what it says.
 *
 * Written apart from the product's own reader on purpose: a test that read replies with the code under test
 * would agree with its mistakes. Strings are latin1, one character per byte.
 */
export type RespValue =
  | { readonly kind: "null" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "error"; readonly text: string }
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "double"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** A map's items are its keys and values in turn. */
  | { readonly kind: "array" | "map" | "set" | "push"; readonly items: readonly RespValue[] };

const CR = 13;
const NULL: RespValue = { kind: "null" };

/**
 * The position after the reply at `start`. If it is not complete: minus the least length of `bytes` at which looking
 * again can help. Throws if the bytes are no reply.
 */
export function replyEnd(bytes: Buffer, start: number): number {
  // `open` counts the values still to come; nesting needs no recursion to find the end.
  let open = 1;
  let position = start;
  while (open > 0) {
    const lineEnd = bytes.indexOf(CR, position);
    if (lineEnd < 0 || lineEnd + 2 > bytes.length) return -(bytes.length + 1);
    const mark = String.fromCharCode(bytes[position]!);
    const count = Number(bytes.toString("latin1", position + 1, lineEnd));
    position = lineEnd + 2;
    open--;
    if ("$=!".includes(mark)) {
      if (count >= 0) position += count + 2;
      if (position > bytes.length) return -position;
    } else if ("*~>".includes(mark)) open += Math.max(0, count);
    else if (mark === "%") open += 2 * count;
    else if (mark === "|") open += 2 * count + 1;
    else if (!"+-:_,#(".includes(mark)) {
      throw new Error(
        `not a reply at byte ${start}: ${JSON.stringify(bytes.toString("latin1", start, start + 80))}`,
      );
    }
  }
  return position;
}

/** What one complete reply says. */
export function decodeReply(raw: Buffer): RespValue {
  return new Decoder(raw).value();
}

class Decoder {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(): RespValue {
    const mark = String.fromCharCode(this.#bytes[this.#position++]!);
    const line = this.#line();
    switch (mark) {
      case "+":
        return { kind: "text", text: line };
      case "-":
        return { kind: "error", text: line };
      case ":":
      case "(":
        return { kind: "integer", value: BigInt(line) };
      case ",":
        return { kind: "double", text: line };
      case "#":
        return { kind: "boolean", value: line === "t" };
      case "_":
        return NULL;
      case "$":
        return line === "-1" ? NULL : { kind: "text", text: this.#bulk(Number(line)) };
      case "!":
        return { kind: "error", text: this.#bulk(Number(line)) };
      case "=":
        return { kind: "text", text: this.#bulk(Number(line)).slice(4) };
      case "*":
        return line === "-1" ? NULL : { kind: "array", items: this.#items(Number(line)) };
      case "~":
        return { kind: "set", items: this.#items(Number(line)) };
      case ">":
        return { kind: "push", items: this.#items(Number(line)) };
      case "%":
        return { kind: "map", items: this.#items(2 * Number(line)) };
      default:
        throw new Error(`unknown kind of reply '${mark}'`);
    }
  }

  #line(): string {
    const end = this.#bytes.indexOf(CR, this.#position);
    const line = this.#bytes.toString("latin1", this.#position, end);
    this.#position = end + 2;
    return line;
  }

  #bulk(length: number): string {
    const text = this.#bytes.toString("latin1", this.#position, this.#position + length);
    this.#position += length + 2;
    return text;
  }

  #items(count: number): RespValue[] {
    return Array.from({ length: count }, () => this.value());
  }
}

/** The text of a string or simple reply; anything else is a failure of the test. */
export function textOf(value: RespValue): string {
  if (value.kind !== "text") throw new Error(`expected a string, found ${describe(value)}`);
  return value.text;
}

export function numberOf(value: RespValue): number {
  if (value.kind !== "integer") throw new Error(`expected an integer, found ${describe(value)}`);
  return Number(value.value);
}

export function itemsOf(value: RespValue): readonly RespValue[] {
  if (!("items" in value)) throw new Error(`expected an array, found ${describe(value)}`);
  return value.items;
}

export function describe(value: RespValue): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part));
}

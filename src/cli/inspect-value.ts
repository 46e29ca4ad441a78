/** Prints a structure from the pieces of the value format, each checked before it is decoded. */
import type { PieceSink } from "../checkpoint/values-file.ts";
import { formatDouble } from "../protocol/format-double.ts";
import { EntryReader } from "../value/format/entry-reader.ts";
import {
  checkPiece,
  corruptValue,
  elementsOf,
  FLAG_TIMES,
  PIECE_ELEMENTS,
  PIECE_HEAD,
  PIECE_HEADER_BYTES,
  readHead,
  SCORE_BYTES,
  VALUE_HASH,
  VALUE_LIST,
  VALUE_SET,
  VALUE_SORTED_SET,
  type ValueHead,
} from "../value/format/piece-format.ts";
import { type InspectOutput, Quoted, timeText } from "./inspect-output.ts";

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [VALUE_LIST]: "list",
  [VALUE_SET]: "set",
  [VALUE_SORTED_SET]: "zset",
  [VALUE_HASH]: "hash",
};

export class ValuePrinter implements PieceSink {
  /** undefined: check only. */
  readonly #out: InspectOutput | undefined;
  readonly #entries = new EntryReader(fail);
  #head: ValueHead | undefined;
  #pieces = 0;
  #elements = 0;

  constructor(out: InspectOutput | undefined) {
    this.#out = out;
  }

  addPiece(bytes: Uint8Array, offset: number, length: number): void {
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const kind = checkPiece(data, bytes, offset, length, this.#pieces++, fail);
    const at = offset + PIECE_HEADER_BYTES;
    if (kind === PIECE_HEAD) {
      this.#head = readHead(data, at, fail);
      const { type, size } = this.#head;
      this.#out?.line("value", { type: TYPE_NAMES[type], elements: size });
    } else if (kind === PIECE_ELEMENTS) {
      if (this.#head === undefined) fail("a head", "elements");
      this.#entries.begin(bytes, data, at, offset + length);
      for (let left = elementsOf(data, offset); left > 0; left--) this.#element(this.#head);
    } else {
      this.#out?.rest("elements", this.#elements - this.#out.limit);
    }
  }

  #element({ type, flags }: ValueHead): void {
    const from = this.#entries;
    const score =
      type === VALUE_SORTED_SET
        ? formatDouble(from.data.getFloat64(from.take(SCORE_BYTES), true))
        : undefined;
    const first = this.#next();
    const value = type === VALUE_HASH ? this.#next() : undefined;
    const time = type === VALUE_HASH && (flags & FLAG_TIMES) !== 0 ? this.#time() : undefined;
    if (++this.#elements > (this.#out?.limit ?? 0)) return;
    if (type === VALUE_HASH) this.#out?.line("field", { field: first, value, expiry: time });
    else if (type === VALUE_SORTED_SET) this.#out?.line("member", { member: first, score });
    else this.#out?.line(type === VALUE_LIST ? "element" : "member", { value: first });
  }

  #next(): Quoted {
    const from = this.#entries;
    from.next();
    return new Quoted(from.bytes, from.start, from.length);
  }

  #time(): string | undefined {
    const from = this.#entries;
    from.next();
    const { data, start, length } = from;
    if (length === 0) return undefined;
    if (length !== 6) fail("a time of 6 bytes", `${length}`);
    return timeText(data.getUint32(start, true) + data.getUint16(start + 4, true) * 2 ** 32);
  }
}

function fail(expected: string, found: string): never {
  throw corruptValue("a value", expected, found);
}

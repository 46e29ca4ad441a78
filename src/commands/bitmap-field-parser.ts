/**
 * Reads the operations of BITFIELD one after the other, without keeping any of them.
 *
 * Invariants: `next` answers after an error reply only where it says so; the fields describe the operation that it answered until it is
 * called again.
 *
 * Hot-path file: nothing here allocates. The command reads its operations twice, once to check all of
 * them and once to carry them out, because a list of them would have to be made for every request.
 */
import { parseInteger } from "../base/bytes.ts";
import { STRING_BYTES_MAX } from "../value/string.ts";
import { NOT_AN_INTEGER_ERROR, SYNTAX_ERROR } from "./arguments.ts";
import { BIT_OFFSET_ERROR } from "./bitmap-edit.ts";
import { OVERFLOW_FAIL, OVERFLOW_SATURATE, OVERFLOW_WRAP } from "./bitmap-integer.ts";
import type { Context } from "./context.ts";

/** What `next` answers. */
export const FIELD_END = 0;
export const FIELD_GET = 1;
export const FIELD_SET = 2;
export const FIELD_INCREMENT = 3;
/** After the error reply. */
export const FIELD_INVALID = -1;

const FIRST_OPERATION = 2;
const STRING_BITS_MAX = STRING_BYTES_MAX * 8;
const SIGNED_BITS_MAX = 64;
const UNSIGNED_BITS_MAX = 63;
const TYPE_ERROR =
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";

export class BitFieldParser {
  /** The argument that is read next. */
  #index = FIRST_OPERATION;
  signed = false;
  /** 1 to 64. */
  bits = 0;
  /** The number of the field's first bit. */
  position = 0;
  /** OVERFLOW_…, as the last OVERFLOW said. */
  overflow = OVERFLOW_WRAP;
  /** Where the value or increment is; it is an int64. */
  valueArgument = 0;

  begin(): void {
    this.#index = FIRST_OPERATION;
    this.overflow = OVERFLOW_WRAP;
  }

  /** Goes on to the next operation that has a reply. */
  next(context: Context): number {
    const argc = context.argc;
    for (;;) {
      const index = this.#index;
      if (index >= argc) return FIELD_END;
      const rest = argc - index - 1;
      if (context.is(index, "get") && rest >= 2) {
        this.#index = index + 3;
        return this.#readField(context, index + 1) ? FIELD_GET : FIELD_INVALID;
      }
      if (context.is(index, "set") && rest >= 3) return this.#readWrite(context, index, FIELD_SET);
      if (context.is(index, "incrby") && rest >= 3) return this.#readWrite(context, index, FIELD_INCREMENT);
      if (!context.is(index, "overflow") || rest < 1) {
        context.reply.error(SYNTAX_ERROR);
        return FIELD_INVALID;
      }
      if (!this.#readOverflow(context, index + 1)) return FIELD_INVALID;
      this.#index = index + 2;
    }
  }

  #readWrite(context: Context, index: number, operation: number): number {
    this.#index = index + 4;
    if (!this.#readField(context, index + 1)) return FIELD_INVALID;
    // Redis takes a field that begins in the longest string and ends behind it; no string here is that long.
    if (this.position + this.bits > STRING_BITS_MAX) {
      context.reply.error(BIT_OFFSET_ERROR);
      return FIELD_INVALID;
    }
    this.valueArgument = index + 3;
    if (Number.isNaN(context.integer(index + 3)) && context.integer64(index + 3) === undefined) {
      context.reply.error(NOT_AN_INTEGER_ERROR);
      return FIELD_INVALID;
    }
    return operation;
  }

  #readOverflow(context: Context, index: number): boolean {
    if (context.is(index, "wrap")) this.overflow = OVERFLOW_WRAP;
    else if (context.is(index, "sat")) this.overflow = OVERFLOW_SATURATE;
    else if (context.is(index, "fail")) this.overflow = OVERFLOW_FAIL;
    else {
      context.reply.error("ERR Invalid OVERFLOW type specified");
      return false;
    }
    return true;
  }

  /** The type in argument `index` and the offset behind it; false after the error reply. */
  #readField(context: Context, index: number): boolean {
    const { bytes, reply } = context;
    const type = context.offset(index);
    const typeLength = context.length(index);
    const letter = typeLength === 0 ? 0 : bytes[type];
    this.signed = letter === 105;
    const bits = parseInteger(bytes, type + 1, typeLength - 1);
    const bitsMax = this.signed ? SIGNED_BITS_MAX : UNSIGNED_BITS_MAX;
    // NaN fails both comparisons.
    if ((letter !== 105 && letter !== 117) || !(bits >= 1 && bits <= bitsMax)) {
      reply.error(TYPE_ERROR);
      return false;
    }
    this.bits = bits;
    const offset = context.offset(index + 1);
    const length = context.length(index + 1);
    const counted = length > 0 && bytes[offset] === 35;
    const number = parseInteger(bytes, offset + (counted ? 1 : 0), length - (counted ? 1 : 0));
    const position = counted ? number * bits : number;
    if (!(position >= 0 && position < context.stringBytesMax * 8)) {
      reply.error(BIT_OFFSET_ERROR);
      return false;
    }
    this.position = position;
    return true;
  }
}

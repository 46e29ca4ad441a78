/**
 * Reads one RESP command of a log into a Request.
 *
 * Invariant: it accepts at least what the server's own request reader accepts as a multi-bulk request, because
 * such requests enter the log as they came: the two bytes after a bulk and the byte after a CR are not looked at,
 * as Redis does not. A log's bytes are verified by their frame's checksum before they come here.
 *
 * Hot-path file: allocates nothing; replay calls it once per effect.
 */
import type { Request } from "../protocol/request.ts";

/** The range ends within the command: `needed` says how many bytes from the command's start are needed at least. */
export const COMMAND_INCOMPLETE = -1;
/** The bytes are not a RESP array of bulk strings. */
export const COMMAND_MALFORMED = -2;

/** Enough for any `*N` or `$N` line. */
const LINE_BYTES_MAX = 32;

export class CommandParser {
  /** After COMMAND_INCOMPLETE. */
  needed = 0;
  #value = 0;

  /**
   * Parses the command at `offset` of the range that ends at `limit` and fills `request` (ranges over `bytes`).
   * Returns the offset after it, or COMMAND_INCOMPLETE or COMMAND_MALFORMED.
   */
  parse(bytes: Uint8Array, offset: number, limit: number, request: Request): number {
    let position = this.#line(bytes, offset, limit, 42);
    if (position < 0) return this.#stop(position, offset, limit);
    const argc = this.#value;
    if (argc === 0) return COMMAND_MALFORMED;
    // The count alone must not make anything large: room is made as arguments are really there.
    if (argc <= 64) request.reserve(argc);
    let offsets = request.offsets;
    let lengths = request.lengths;
    for (let i = 0; i < argc; i++) {
      const start = this.#line(bytes, position, limit, 36);
      if (start < 0) return this.#stop(start, offset, limit);
      const length = this.#value;
      position = start + length + 2;
      if (position > limit) {
        this.needed = position - offset;
        return COMMAND_INCOMPLETE;
      }
      if (i === offsets.length) {
        request.argc = i;
        request.reserve(i * 2);
        offsets = request.offsets;
        lengths = request.lengths;
      }
      offsets[i] = start;
      lengths[i] = length;
    }
    request.bytes = bytes;
    request.argc = argc;
    request.start = offset;
    request.end = position;
    request.verbatim = true;
    return position;
  }

  #stop(status: number, offset: number, limit: number): number {
    this.needed = limit - offset + LINE_BYTES_MAX;
    return status;
  }

  /** Reads `<mark><digits>\r?` into #value; returns the position after it, or a negative status. */
  #line(bytes: Uint8Array, position: number, limit: number, mark: number): number {
    if (position + 4 > limit) return COMMAND_INCOMPLETE;
    if (bytes[position] !== mark) return COMMAND_MALFORMED;
    let value = bytes[position + 1]! - 48;
    if (value < 0 || value > 9) return COMMAND_MALFORMED;
    position += 2;
    for (; position < limit; position++) {
      const byte = bytes[position]!;
      if (byte === 13) {
        if (position + 2 > limit) return COMMAND_INCOMPLETE;
        this.#value = value;
        return position + 2;
      }
      const digit = byte - 48;
      if (digit < 0 || digit > 9) return COMMAND_MALFORMED;
      value = value * 10 + digit;
      if (value > 0x7fff_ffff) return COMMAND_MALFORMED;
    }
    return COMMAND_INCOMPLETE;
  }
}

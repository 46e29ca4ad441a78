/**
 * One command as it arrived: argument ranges over a buffer that somebody else owns.
 *
 * Invariants: for i < argc, `offsets[i]` and `lengths[i]` lie within `bytes`; [start, end) is the raw request,
 * and, if `verbatim`, is a multi-bulk request that an append-only file may hold as it stands. The ranges are
 * valid until the buffer's owner reuses it (for the server: the end of the turn).
 *
 * Offsets instead of slices: reading a request allocates nothing. One Request object is reused for all
 * commands of a server; the typed arrays grow to the largest argument count seen and are cut back when idle.
 */
const NO_BYTES = new Uint8Array(0);
const KEPT_ARGUMENTS_MAX = 1024;

export class Request {
  bytes: Uint8Array = NO_BYTES;
  argc = 0;
  offsets: Int32Array = new Int32Array(64);
  lengths: Int32Array = new Int32Array(64);
  start = 0;
  end = 0;
  /** False for inline commands and anything else whose raw bytes are not a RESP array of bulk strings. */
  verbatim = false;

  /** Makes room for `count` arguments, keeping the first `argc`. */
  reserve(count: number): void {
    if (count <= this.offsets.length) return;
    let size = this.offsets.length;
    while (size < count) size *= 2;
    const offsets = new Int32Array(size);
    const lengths = new Int32Array(size);
    offsets.set(this.offsets);
    lengths.set(this.lengths);
    this.offsets = offsets;
    this.lengths = lengths;
  }

  /** Drops what a reused request should not hold on to: the buffer, and tables of a great many arguments. */
  release(): void {
    this.bytes = NO_BYTES;
    if (this.offsets.length <= KEPT_ARGUMENTS_MAX) return;
    this.offsets = new Int32Array(64);
    this.lengths = new Int32Array(64);
  }

  /** Fills the request from separate arguments: for the library and for replaying what is not in one buffer. Allocates. */
  static of(args: readonly (string | Uint8Array)[]): Request {
    const parts = args.map((arg) => (typeof arg === "string" ? Buffer.from(arg) : arg));
    const request = new Request();
    request.reserve(parts.length);
    request.bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    request.argc = parts.length;
    let position = 0;
    parts.forEach((part, index) => {
      request.bytes.set(part, position);
      request.offsets[index] = position;
      request.lengths[index] = part.length;
      position += part.length;
    });
    request.end = position;
    return request;
  }
}
